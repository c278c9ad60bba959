"""What all calls of orientations and reflections share: B x N pairs, broadcast, and the structs of them."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from . import _abi as abi
from ._arrays import Array, Shape, address, as_host, as_real, batch_of, precision, require_tail
from ._context import Context
from ._crystal import reciprocal_basis
from ._device import DeviceArray
from ._geometry import Beamline
from ._library import FAMILIES
from ._plan import Place, Plan, keep
from ._reflections import Reflections
from ._run import Run


def _lattice(cell: ArrayLike | None, basis: ArrayLike | None) -> Array | None:
    """The reciprocal basis (..., 3, 3) that is meant."""
    if cell is not None and basis is not None:
        raise ValueError("cell and basis are given: one of them is needed")
    if cell is not None:
        return reciprocal_basis(cell)
    return None if basis is None else require_tail("basis", as_real("basis", basis), 3, 3)


def one_row(array: Array) -> Array:
    """A batch of one without its axis."""
    return array if isinstance(array, DeviceArray) else array.reshape(array.shape[-1:])


class Pairs:
    """Orientations and reflections of a call.

    `batch` is the shape of the orientations, `shape` that of the pairs: (*batch, N), or `batch` where one hkl was
    given without a list around it; `read` is what the library reads, which outputs must not lie on.
    """

    def __init__(
        self,
        reflections: Reflections | ArrayLike,
        orientations: ArrayLike,
        *,
        cell: ArrayLike | None,
        basis: ArrayLike | None,
        beamline: Beamline | None,
        magnitude_from_rotated: bool = False,
        column_major: bool = False,
        per_orientation: Mapping[str, Array | None] | None = None,
        per_pair: Mapping[str, Array | None] | None = None,
        context: Context | None = None,
    ) -> None:
        own_basis = _lattice(cell, basis)
        if cell is not None and own_basis is not None and column_major:
            own_basis = own_basis.swapaxes(-1, -2)
        single = False
        if not isinstance(reflections, Reflections):
            hkl = as_host("hkl", reflections)
            single = hkl.ndim == 1
            if single:
                require_tail("hkl", hkl, 3)
            if own_basis is None:
                raise ValueError("cell or basis is needed with hkl")
            own_basis = as_host("basis", own_basis)
            first = own_basis.reshape(-1, 3, 3)[0] if own_basis.size else np.eye(3)
            reflections = Reflections(hkl[None] if single else hkl, basis=first.T if column_major else first)
            if own_basis.ndim == 2:
                own_basis = None
        self.reflections = reflections
        rotation = require_tail("orientations", as_real("orientations", orientations), 3, 3)
        k, tilt = (beamline.wavenumber, beamline.chi) if beamline else (None, None)
        rows, pairs = per_orientation or {}, per_pair or {}
        self.dtype = precision(rotation, own_basis, k, tilt, *rows.values(), *pairs.values())
        called = {
            "basis": "basis" if cell is None else "cell",
            "wavenumber": beamline.given if beamline else "wavenumber",
            "chi": "chi",
        }
        lattice = {called["basis"]: own_basis, called["wavenumber"]: k, "chi": tilt}
        arrays = {"orientations": rotation, **lattice, **rows, **pairs, "reflections": reflections.viewed}
        self.run = Run(context, arrays)
        self.handle = reflections.handle_on(self.run.context)
        tail: Shape = () if single else (len(reflections),)
        shapes: dict[str, Shape | None] = {
            "basis": None if own_basis is None else own_basis.shape[:-2],
            "wavenumber": None if k is None else k.shape,
            "chi": None if tilt is None else tilt.shape,
        }
        for name, array in rows.items():
            shapes[name] = None if array is None else array.shape
        for name, array in pairs.items():
            shapes[name] = None if array is None else self._without_tail(name, array, tail)
        named = {called.get(name, name): shape for name, shape in shapes.items()}
        self.batch = batch_of(orientations=rotation.shape[:-2], **named)
        self.shape = self.batch + tail
        self.arrays = {
            "rotation": self.over_batch("orientations", rotation, 3, 3),
            "reciprocal_basis": self.over_batch(called["basis"], own_basis, 3, 3),
            "wavenumber": self.over_batch(called["wavenumber"], k),
            "chi": self.over_batch("chi", tilt),
        }
        self.read = (*self.arrays.values(), reflections.viewed)
        self.given: dict[str, Shape] = {
            "rotation": rotation.shape,
            "rotation_vector": rotation.shape[:-1],
            "q": (3,) if single else (len(reflections), 3),
            "basis": (3, 3) if own_basis is None else own_basis.shape,
            "wavenumber": shapes["wavenumber"] or (),
            "chi": shapes["chi"] or (),
            "beam": (3,),
            "axis": (3,),
        }
        self.family = FAMILIES[self.dtype]
        self.geometry = beamline.struct if beamline else None
        self.struct = self.family.orientations(
            flags=(abi.BRG_MAGNITUDE_FROM_ROTATED if magnitude_from_rotated else 0)
            | (abi.BRG_COLUMN_MAJOR if column_major else 0),
            count=math.prod(self.batch),
            **{name: address(array) for name, array in self.arrays.items() if array is not None},
        )

    @staticmethod
    def _without_tail(name: str, array: Array, tail: Shape) -> Shape:
        """Batch shape of an array of pairs."""
        if not tail or array.ndim == 0:
            return array.shape
        if array.shape[-1] not in (1, *tail):
            raise ValueError(f"{name} has the shape {array.shape}: (..., {tail[0]}) is needed")
        return array.shape[:-1]

    def over_batch(self, name: str, array: Array | None, *tail: int) -> Array | None:
        """An array of orientations at each of them, contiguous."""
        return None if array is None else self.run.spread(name, array, (*self.batch, *tail), self.dtype)

    def over_pairs(self, name: str, array: Array | None, *tail: int) -> Array | None:
        """An array of pairs at each of them, contiguous."""
        return None if array is None else self.run.spread(name, array, (*self.shape, *tail), self.dtype)

    def targets(self, dense: Mapping[str, Array | None]) -> tuple[int, dict[str, Array | None]]:
        """Stride and arrays of dense targets: shared by all orientations where none of them varies."""
        count = len(self.reflections)
        shared = all(
            array is None or (array.size in (1, count) and array.shape[:-1] in ((), (1,))) for array in dense.values()
        )
        arrays: dict[str, Array | None] = {}
        for name, array in dense.items():
            if array is None:
                arrays[name] = None
            elif shared:
                arrays[name] = self.run.spread(name, one_row(array), (count,), self.dtype)
            else:
                arrays[name] = self.over_pairs(name, array)
        return 0 if shared else count, arrays

    def member(self, name: str) -> tuple[str, Shape]:
        """The C name of the derivative by `name`, and the shape in which the library writes it."""
        if name in ("rotation", "rotation_vector"):
            return name, (*self.batch, 3, 3)[: len(self.batch) + (2 if name == "rotation" else 1)]
        if name == "basis":
            own = self.arrays["reciprocal_basis"] is not None
            return ("reciprocal_basis", (*self.batch, 3, 3)) if own else ("reflections_basis", (3, 3))
        if name in ("wavenumber", "chi") and self.arrays[name] is not None:
            return name, self.batch
        return (name if name == "q" else f"geometry_{name}"), self.given[name]

    def call(self, name: str, *structs: Any) -> None:
        """Calls a function of the family: geometry where there is one, reflections, orientations, then `structs`."""
        self.run.call(getattr(self.family, name), *self._arguments(structs))

    def _arguments(self, structs: Sequence[Any]) -> tuple[Any, ...]:
        front = () if self.geometry is None else (self.geometry,)
        return *front, self.handle, self.struct, *structs

    def keep(
        self,
        key: Hashable,
        name: str,
        structs: Sequence[Any],
        outputs: Mapping[str, Any],
        orientations: Any,
        more: Iterable[tuple[Place, Any, Array | None]] = (),
    ) -> None:
        """Leaves a call that went well for others like it, if what was given was read where it is.

        Of the first of a kind a mark alone is left: most kinds of calls are made once. `more` are the places of other
        inputs, what was given for them, and what was read.
        """
        if key not in self.run.context.plans:
            keep(key, self.run.context, None)
            return
        inputs = [((self.struct, "rotation"), orientations, self.arrays["rotation"]), *more]
        if any(address(given) != address(read) for _, given, read in inputs):
            return
        function, context = getattr(self.family, name), self.run.context
        places = [place for place, _, _ in inputs]
        places += [(structs[-1], output) for output in outputs]
        results = {output: (place.buffer.shape, place.buffer.dtype) for output, place in outputs.items()}
        read = [array for _, _, array in inputs if array is not None]
        plan = Plan(context, function, self._arguments(structs), places, read, results, self.reflections.viewed)
        keep(key, context, plan)
