"""Sets of reflections."""

from __future__ import annotations

import ctypes
import hashlib
import itertools
import os
import uuid
import weakref
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ._arrays import Array, address, as_host, as_real, require_tail
from ._context import Context, context_of_thread, destroy_with, place_name
from ._crystal import reciprocal_basis
from ._device import DeviceArray
from ._library import FAMILIES, library


def _miller(hkl: ArrayLike) -> Array:
    """A read-only copy, int32 [N,3], of what is integer in value."""
    given = require_tail("hkl", as_host("hkl", hkl), 3)
    if given.ndim != 2:
        raise ValueError(f"hkl has the shape {given.shape}: (N, 3) is needed")
    with np.errstate(invalid="ignore"):
        rows = np.array(given, np.int32, order="C")
    if given.dtype != np.int32 and not np.array_equal(rows, given):
        raise ValueError("hkl has values that are no int32: give fractional ones as vectors (Reflections.from_vectors)")
    rows.flags.writeable = False
    return rows


# From a place of its own in each process: a number that was kept, in an exported program, names no other set elsewhere.
_keys = itertools.count(1 + (int.from_bytes(os.urandom(5), "little") << 20))
_sets: weakref.WeakValueDictionary[int, Reflections] = weakref.WeakValueDictionary()


def reflections_of_key(key: int) -> Reflections:
    """The set with this `key`: compiled code of other packages holds numbers, not objects."""
    found = _sets.get(key)
    if found is None:
        raise RuntimeError("the Reflections of this compiled program are gone, or of another process: compile it here")
    return found


class Reflections:
    """A set of reflections, made once and used in many calls, from all threads and on all devices. Immutable.

    Parameters
    ----------
    hkl : array_like of integers, shape (N, 3)
        Miller indices. Lists that hold a half and then its mates in the same order (`hkl_enumerate`) are fastest.
    cell : array_like, shape (6,), optional
        a, b, c in Angstrom, alpha, beta, gamma in degrees.
    basis : array_like, shape (3, 3), optional
        Reciprocal basis B in 1/Angstrom with 2 pi, q = B hkl. Either this or `cell`.

    Raises
    ------
    ValueError
        Names the argument: shape, fractional indices, a basis that is not finite, no such cell.
    MemoryError
        If there is no memory for it.

    Notes
    -----
    Source: ``include/braggrad/reflections.h``.
    """

    def __init__(self, hkl: ArrayLike, *, cell: ArrayLike | None = None, basis: ArrayLike | None = None) -> None:
        if (cell is None) == (basis is None):
            raise ValueError("cell or basis is needed, and not both")
        if cell is not None:
            basis = reciprocal_basis(cell)
        assert basis is not None
        rows = _miller(hkl)
        matrix = np.array(as_host("basis", basis), np.float64, order="C")
        if matrix.shape != (3, 3):
            raise ValueError(f"{'cell' if cell is not None else 'basis'} has a batch: a set of reflections has one")
        matrix.flags.writeable = False
        self.viewed: Any = None
        self.hkl: Array | None = rows
        self.basis: Array | None = matrix
        self.dtype: np.dtype[Any] | None = None
        self._vectors: Array | None = None
        arguments = len(rows), rows.ctypes.data, matrix.ctypes.data
        self._make: tuple[Any, tuple[Any, ...]] = library.brg_reflections_create, arguments
        self._create(context_of_thread())

    @classmethod
    def from_vectors(cls, q: ArrayLike) -> Reflections:
        """A set of vectors q (N, 3) of the crystal frame, 1/Angstrom with 2 pi; it has no hkl."""
        rows = np.array(_rows(as_host("q", q)), np.float64, order="C")
        rows.flags.writeable = False
        self = cls._without_hkl(None, rows)
        self._make = library.brg_reflections_create_from_vectors, (len(rows), rows.ctypes.data)
        self._create(context_of_thread())
        return self

    @classmethod
    def view(cls, q: Array) -> Reflections:
        """A view of an array q (N, 3) that may change between calls; it serves calls of its own type and device.

        Raises
        ------
        ValueError
            If the array is neither float32 nor float64, or not contiguous.
        """
        rows = _rows(as_real("q", q))
        device = None
        if isinstance(rows, DeviceArray):
            device = rows.device or 0
            fits = rows.is_contiguous
        else:
            fits = rows is q and rows.flags.c_contiguous and rows.flags.aligned
        if not fits or rows.dtype not in FAMILIES:
            raise ValueError("q is no contiguous array of float32 or float64: a view needs one")
        self = cls._without_hkl(rows.dtype, q)
        self.viewed = rows
        self._make = FAMILIES[rows.dtype].reflections_view, (len(rows), address(rows))
        self._create(context_of_thread(device=device))
        return self

    @classmethod
    def _without_hkl(cls, dtype: np.dtype[Any] | None, vectors: Array) -> Reflections:
        self = cls.__new__(cls)
        self.hkl = self.basis = self.viewed = None
        self.dtype, self._vectors = dtype, vectors
        return self

    def _create(self, context: Context) -> None:
        self._handles: dict[int | None, ctypes.c_void_p] = {}
        self._count = int(library.brg_reflections_count(self.handle_on(context)))
        self.key: int = next(_keys)
        _sets[self.key] = self

    def handle_on(self, context: Context) -> ctypes.c_void_p:
        """The library's set on the device of a context, made at the first use there; a view is on one only."""
        handle = self._handles.get(context.device)
        if handle is not None:
            return handle
        if self.viewed is not None and self._handles:
            names = ["the CPU" if place is None else place_name(place) for place in (*self._handles, context.device)]
            raise ValueError(f"reflections are a view of an array of {names[0]}: the context runs on {names[1]}")
        function, arguments = self._make
        handle = ctypes.c_void_p()
        context.call(function, *arguments, ctypes.byref(handle))
        destroy_with(self, library.brg_reflections_destroy, handle, context.device)
        return self._handles.setdefault(context.device, handle)

    @property
    def q(self) -> Array:
        """The vectors (N, 3) of the crystal frame, 1/Angstrom with 2 pi; of a view the array itself."""
        if self._vectors is not None:
            return self._vectors
        assert self.hkl is not None and self.basis is not None
        return self.hkl @ self.basis.T

    def __reduce__(self) -> tuple[Any, ...]:
        if self.dtype is not None:
            raise TypeError("a view of an array cannot be copied or sent: it would be a view of another one")
        if self.hkl is None:
            return Reflections.from_vectors, (self.q,)
        return _from_basis, (self.hkl, self.basis)

    def __dask_tokenize__(self) -> tuple[str, str]:
        if self.dtype is not None:
            return "braggrad.Reflections", uuid.uuid4().hex  # what a view shows may change
        parts = (self.q,) if self.hkl is None else (self.hkl, self.basis)
        digest = hashlib.sha256(b"".join(np.ascontiguousarray(part).tobytes() for part in parts))
        return f"braggrad.Reflections of {len(parts)}", digest.hexdigest()

    def __len__(self) -> int:
        return self._count

    def __repr__(self) -> str:
        return f"<{len(self)} reflections{'' if self.hkl is None else ' with hkl'}>"


def _from_basis(hkl: Array, basis: Array) -> Reflections:
    return Reflections(hkl, basis=basis)


def _rows(q: Array) -> Array:
    rows = require_tail("q", q, 3)
    if rows.ndim != 2:
        raise ValueError(f"q has the shape {rows.shape}: (N, 3) is needed")
    return rows
