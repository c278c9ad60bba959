"""Sets of reflections."""

import ctypes
import itertools
import weakref
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ._arrays import Array, as_real, require_tail
from ._context import context_of_thread
from ._crystal import reciprocal_basis
from ._library import FAMILIES, library


def _miller(hkl: ArrayLike) -> Array:
    """int32 [N,3] of what is integer in value."""
    given = require_tail("hkl", as_real("hkl", hkl), 3)
    if given.ndim != 2:
        raise ValueError(f"hkl has the shape {given.shape}: (N, 3) is needed")
    with np.errstate(invalid="ignore"):
        rows = np.require(given, np.int32, ("C", "A"))
    if rows is not given and not np.array_equal(rows, given):
        raise ValueError("hkl has values that are no int32: give fractional ones as vectors (Reflections.from_vectors)")
    return rows


_keys = itertools.count(1)
_sets: "weakref.WeakValueDictionary[int, Reflections]" = weakref.WeakValueDictionary()


def reflections_of_key(key: int) -> "Reflections":
    """The set with this `key`: compiled code of other packages holds numbers, not objects."""
    return _sets[key]


class Reflections:
    """A set of reflections, made once and used in many calls, from all threads. Immutable.

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
        matrix = np.require(as_real("basis", basis), np.float64, ("C", "A"))
        if matrix.shape != (3, 3):
            raise ValueError(f"{'cell' if cell is not None else 'basis'} has a batch: a set of reflections has one")
        self.hkl: Array | None = rows
        self.basis: Array | None = matrix
        self.dtype: np.dtype[Any] | None = None
        self._vectors: Array | None = None
        self._create(library.brg_reflections_create, len(rows), rows.ctypes.data, matrix.ctypes.data)

    @classmethod
    def from_vectors(cls, q: ArrayLike) -> "Reflections":
        """A set of vectors q (N, 3) of the crystal frame, 1/Angstrom with 2 pi; it has no hkl."""
        rows = np.array(_rows(q), np.float64, order="C")
        self = cls._without_hkl(None, rows)
        self._create(library.brg_reflections_create_from_vectors, len(rows), rows.ctypes.data)
        return self

    @classmethod
    def view(cls, q: Array) -> "Reflections":
        """A view of an array q (N, 3) that may change between calls; it serves calls of its own type.

        Raises
        ------
        ValueError
            If the array is neither float32 nor float64, or not contiguous.
        """
        rows = _rows(q)
        if rows is not q or rows.dtype not in FAMILIES or not (rows.flags.c_contiguous and rows.flags.aligned):
            raise ValueError("q is no contiguous array of float32 or float64: a view needs one")
        self = cls._without_hkl(rows.dtype, rows)
        self._create(FAMILIES[rows.dtype].reflections_view, len(rows), rows.ctypes.data)
        return self

    @classmethod
    def _without_hkl(cls, dtype: np.dtype[Any] | None, vectors: Array) -> "Reflections":
        self = cls.__new__(cls)
        self.hkl = self.basis = None
        self.dtype, self._vectors = dtype, vectors
        return self

    def _create(self, function: Any, *arguments: Any) -> None:
        handle = ctypes.c_void_p()
        context_of_thread().call(function, *arguments, ctypes.byref(handle))
        self.handle = handle
        self._count = int(library.brg_reflections_count(handle))
        self.key: int = next(_keys)
        _sets[self.key] = self
        weakref.finalize(self, library.brg_reflections_destroy, handle)

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

    def __len__(self) -> int:
        return self._count

    def __repr__(self) -> str:
        return f"<{len(self)} reflections{'' if self.hkl is None else ' with hkl'}>"


def _from_basis(hkl: Array, basis: Array) -> Reflections:
    return Reflections(hkl, basis=basis)


def _rows(q: ArrayLike) -> Array:
    rows = require_tail("q", as_real("q", q), 3)
    if rows.ndim != 2:
        raise ValueError(f"q has the shape {rows.shape}: (N, 3) is needed")
    return rows
