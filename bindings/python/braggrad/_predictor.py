"""Calls that are made again and again: everything is bound once, and a call costs little more than in C."""

from __future__ import annotations

import ctypes
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from . import _abi as abi
from ._arrays import Array, address, as_host, as_real, number, require_tail
from ._context import Context
from ._device import DeviceArray
from ._fit import TargetList, list_of, loss_code, mask_of, require_no_dense, specification_of
from ._geometry import Beamline, Geometry
from ._library import fail
from ._pairs import Pairs
from ._reflections import Reflections
from ._run import Run, device_of
from ._solve import Roots, roots_specification


def _bind(
    reflections: Reflections,
    orientations: ArrayLike,
    geometry: Geometry,
    magnitude_from_rotated: bool,
    column_major: bool,
    inputs: Mapping[str, ArrayLike | None],
    per_pair: Mapping[str, Array | None],
    context: Context | None,
) -> Pairs:
    """Pairs whose arrays are copies, which only the calls and their owner write into; on a device the caller's."""
    if not isinstance(reflections, Reflections):
        raise ValueError("reflections is no Reflections: make one first")
    own = {name: None if value is None else _own(name, value) for name, value in inputs.items()}
    rotation = _own("orientations", orientations)
    pairs = Pairs(
        reflections,
        rotation,
        cell=None,
        basis=own["basis"],
        beamline=Beamline.of(geometry, None, None, own["wavenumber"], own["chi"]),
        magnitude_from_rotated=magnitude_from_rotated,
        column_major=column_major,
        per_pair=per_pair,
        context=context or Context(device=device_of((rotation, *own.values(), *per_pair.values()))),
    )
    return pairs


def _own(name: str, value: ArrayLike) -> Array:
    array = as_real(name, value)
    return array if isinstance(array, DeviceArray) else np.array(array)


def _places(
    specification: dict[str, Any], out: Any, pairs: Pairs, more: Iterable[Array | None] = (), accumulate: bool = False
) -> dict[str, Array]:
    """The arrays of the outputs; those of `out` must be such that the library can write into them."""
    places = pairs.run.outputs(specification, out, (*pairs.read, *more), accumulate)
    for name, place in places.items():
        if isinstance(place.given, np.ndarray) and place.given is not place.buffer:
            raise ValueError(f"out: {name} is not contiguous, of another type, or shares memory with an input")
    return {name: place.buffer for name, place in places.items()}


class _Bound:
    """A compute call whose arguments stay where they are."""

    def __init__(self, pairs: Pairs, bound: Mapping[str, Any], name: str, *structs: Any) -> None:
        self._context = pairs.run.context
        self._bound = dict(bound)
        self._function = getattr(pairs.family, name)
        self._arguments = (
            self._context.handle,
            *(() if pairs.geometry is None else (ctypes.byref(pairs.geometry),)),
            pairs.handle,
            ctypes.byref(pairs.struct),
            *(ctypes.byref(struct) for struct in structs),
        )
        self._pairs, self._keep = pairs, structs
        rotation = pairs.arrays["rotation"]
        assert rotation is not None
        self._orientations: Array = rotation

    def __reduce__(self) -> tuple[Any, ...]:
        raise TypeError(
            f"{type(self).__name__} is bound to a context and to arrays, and cannot be copied or sent: send the "
            "Reflections, the Geometry and the arrays that it was made of, and make one there"
        )

    # Written into, not assigned: the call has their addresses.

    @property
    def orientations(self) -> Array:
        """What the next call takes."""
        return self._orientations

    @property
    def basis(self) -> Array | None:
        """What the next call takes; None: that of the reflections."""
        return self._pairs.arrays["reciprocal_basis"]

    @property
    def wavenumber(self) -> Array | None:
        """What the next call takes; None: that of the geometry."""
        return self._pairs.arrays["wavenumber"]

    @property
    def chi(self) -> Array | None:
        """What the next call takes; None: that of the geometry."""
        return self._pairs.arrays["chi"]

    def _run(self, orientations: ArrayLike | None) -> None:
        if self._context.device is not None:
            self._run_on_device(orientations)
            return
        with self._context.lock:
            own = self._orientations
            if orientations is not None and orientations is not own:
                if (
                    type(orientations) is np.ndarray
                    and orientations.dtype is own.dtype
                    and orientations.shape == own.shape
                ):
                    own[...] = orientations
                else:
                    self._take(orientations)
            status = self._function(*self._arguments)
            if status:
                fail(status)

    def _take(self, orientations: ArrayLike) -> None:
        """Copies matrices for the next call, broadcast over the batch alone."""
        array = require_tail("orientations", as_host("orientations", orientations), 3, 3)
        try:
            np.copyto(self._orientations, array, casting="same_kind")
        except (ValueError, TypeError) as error:
            raise ValueError(f"orientations: {error}") from None

    def _run_on_device(self, orientations: ArrayLike | None) -> None:
        if orientations is not None:
            array = require_tail("orientations", as_real("orientations", orientations), 3, 3)
            self._pairs.run.admit("orientations", array)
            shape, dtype = self._orientations.shape, self._orientations.dtype
            self._orientations = self._pairs.run.spread("orientations", array, shape, dtype)
            self._pairs.struct.rotation = address(self._orientations)
        inputs = {"orientations": self._orientations, "reflections": self._pairs.reflections.viewed}
        Run(self._context, inputs | self._bound).call(self._function, *self._arguments[1:])


class Predictor(_Bound):
    """`predict` with everything bound once: a context of its own, reflections, geometry, arrays.

    Parameters
    ----------
    reflections : Reflections
        The set.
    orientations : array_like, shape (..., 3, 3)
        Number, precision (float32, else float64) and first values of the orientations; they are copied. Arrays of a
        CUDA device are not: each call reads those that it is given, or those of the last one.
    geometry : Geometry
        Beam and axis.
    basis, wavenumber, chi : array_like, optional
        One per orientation (1/Angstrom, 1/Angstrom, rad), as in `predict`; they are copied.
    magnitude_from_rotated, column_major : bool
        As in `predict`.
    out : tuple of ndarray or None, optional
        omega1, omega2, observable (..., N): contiguous arrays to be bound; None: allocated.
    context : Context, optional
        Threads to run on; default a new one with all cores.

    Attributes
    ----------
    orientations, basis, wavenumber, chi : ndarray or None
        What the next call takes: write into them.
    roots : Roots
        The arrays that every call overwrites and returns.

    Raises
    ------
    ValueError
        Names the argument.

    Notes
    -----
    Calls from several threads wait for each other, and share the outputs.

    Examples
    --------
    >>> import numpy as np, braggrad
    >>> gold = braggrad.Reflections([[1, 1, 1]], cell=(4.0782, 4.0782, 4.0782, 90, 90, 90))
    >>> predictor = braggrad.Predictor(gold, np.eye(3), braggrad.Geometry(energy=50.02099))
    >>> predictor().observable
    array([ True])
    """

    def __init__(
        self,
        reflections: Reflections,
        orientations: ArrayLike,
        geometry: Geometry,
        *,
        basis: ArrayLike | None = None,
        wavenumber: ArrayLike | None = None,
        chi: ArrayLike | None = None,
        magnitude_from_rotated: bool = False,
        column_major: bool = False,
        out: tuple[Array | None, ...] | None = None,
        context: Context | None = None,
    ) -> None:
        inputs = {"basis": basis, "wavenumber": wavenumber, "chi": chi}
        pairs = _bind(reflections, orientations, geometry, magnitude_from_rotated, column_major, inputs, {}, context)
        arrays = _places(roots_specification(pairs.shape, pairs.dtype), out, pairs)
        self.roots = Roots(**arrays)
        structs = pairs.family.roots(**{name: address(array) for name, array in arrays.items()})
        super().__init__(pairs, pairs.arrays | arrays, "predict", structs)

    def __call__(self, orientations: ArrayLike | None = None) -> Roots:
        """Predicts, for new orientations where they are given (copied, broadcast), and returns `roots`."""
        self._run(orientations)
        return self.roots


class OmegaLoss(_Bound):
    """`omega_loss` with everything bound once.

    Parameters
    ----------
    reflections, orientations, geometry, basis, wavenumber, chi, magnitude_from_rotated, column_major, context
        As in `Predictor`.
    omega1, omega2, weight1, weight2, targets, loss, delta, missing_loss, parameters, outputs
        As in `omega_loss`; arrays are copied.
    accumulate : bool
        Each call adds to the outputs, all of which `out` has, instead of overwriting them.
    out : mapping of str to ndarray, optional
        Contiguous arrays to be bound, by name.

    Attributes
    ----------
    orientations, basis, wavenumber, chi : ndarray or None
        What the next call takes: write into them.
    targets : dict of str to ndarray or None
        The observed angles and weights of the next call: write into them. (Not into the offsets of a list.)
    outputs : dict of str to ndarray
        The arrays that every call overwrites and returns.

    Raises
    ------
    ValueError
        Names the argument.
    """

    def __init__(
        self,
        reflections: Reflections,
        orientations: ArrayLike,
        geometry: Geometry,
        omega1: ArrayLike | None = None,
        omega2: ArrayLike | None = None,
        *,
        weight1: ArrayLike | None = None,
        weight2: ArrayLike | None = None,
        targets: TargetList | None = None,
        loss: str = "squares",
        delta: float = 0.0,
        missing_loss: float = 0.0,
        parameters: Iterable[str] = ("rotation",),
        outputs: Iterable[str] = ("loss", "gradient"),
        basis: ArrayLike | None = None,
        wavenumber: ArrayLike | None = None,
        chi: ArrayLike | None = None,
        magnitude_from_rotated: bool = False,
        column_major: bool = False,
        accumulate: bool = False,
        out: Mapping[str, Array] | None = None,
        context: Context | None = None,
    ) -> None:
        given = {"omega1": omega1, "omega2": omega2, "weight1": weight1, "weight2": weight2}
        dense = {name: None if value is None else _own(name, value) for name, value in given.items()}
        inputs = {"basis": basis, "wavenumber": wavenumber, "chi": chi}
        pairs = _bind(reflections, orientations, geometry, magnitude_from_rotated, column_major, inputs, dense, context)
        mask, count = mask_of(parameters)
        stride = 0
        self.targets: dict[str, Array | None]
        if targets is None:
            stride, self.targets = pairs.targets(dense)
        else:
            require_no_dense(dense)
            self.targets = list_of(targets, pairs)
        self.outputs = _places(
            specification_of(outputs, pairs.batch, count, pairs.dtype), out, pairs, self.targets.values(), accumulate
        )
        super().__init__(
            pairs,
            pairs.arrays | {f"target {name}": array for name, array in self.targets.items()} | self.outputs,
            "omega_loss",
            pairs.family.omega_targets(
                loss=loss_code(loss),
                delta=number("delta", delta),
                missing_loss=number("missing_loss", missing_loss),
                orientation_stride=stride,
                **{name: address(array) for name, array in self.targets.items()},
            ),
            pairs.family.omega_loss_output(
                flags=abi.BRG_ACCUMULATE if accumulate else 0,
                parameters=mask,
                **{name: address(array) for name, array in self.outputs.items()},
            ),
        )

    def __call__(self, orientations: ArrayLike | None = None) -> dict[str, Array]:
        """Evaluates, for new orientations where they are given (copied, broadcast), and returns `outputs`."""
        self._run(orientations)
        return self.outputs
