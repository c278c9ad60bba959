"""Lattices: reciprocal bases and lists of reflections. Angles of a cell are in degrees here, and only here."""

from __future__ import annotations

import ctypes

import numpy as np
from numpy.typing import ArrayLike

from ._arrays import Array, as_host, number, require_tail
from ._library import library, require


def _cells(cell: ArrayLike) -> Array:
    return np.require(require_tail("cell", as_host("cell", cell), 6), np.float64, ("C", "A"))


def reciprocal_basis(cell: ArrayLike) -> Array:
    """Reciprocal basis of a lattice, with the factor 2 pi.

    Parameters
    ----------
    cell : array_like, shape (..., 6)
        a, b, c in Angstrom, alpha, beta, gamma in degrees.

    Returns
    -------
    ndarray of float64, shape (..., 3, 3)
        B, 1/Angstrom, whose columns are a*, b*, c*: q = B hkl. a* lies along x and b* in the xy plane.

    Raises
    ------
    ValueError
        If there is no such cell.

    Notes
    -----
    Busing and Levy, Acta Cryst. 22, 457 (1967); ``include/braggrad/crystal.h``.
    """
    cells = _cells(cell)
    basis = np.empty((*cells.shape[:-1], 3, 3))
    for one, matrix in zip(cells.reshape(-1, 6), basis.reshape(-1, 3, 3), strict=True):
        require(library.brg_reciprocal_basis(one.ctypes.data, matrix.ctypes.data))
    return basis


def hkl_enumerate(cell: ArrayLike, d_min: float, centring: str = "P") -> Array:
    """All reflections of a lattice down to a spacing, without (000).

    Parameters
    ----------
    cell : array_like, shape (6,)
        a, b, c in Angstrom, alpha, beta, gamma in degrees.
    d_min : float
        Smallest spacing of the planes, Angstrom.
    centring : {"P", "A", "B", "C", "I", "F", "R"}
        Of the cell; R in the obverse setting, -h + k + l = 3 n.

    Returns
    -------
    ndarray of int32, shape (N, 3)
        The first half by falling spacing; the second half their Friedel mates in the same order.

    Raises
    ------
    ValueError
        Names the argument: no such cell or centring, a d_min that is not > 0.

    Notes
    -----
    Source: ``include/braggrad/crystal.h``.
    """
    cells = _cells(cell)
    if cells.ndim != 1:
        raise ValueError(f"cell has the shape {cells.shape}: (6,) is needed")
    if not isinstance(centring, str) or len(centring) != 1 or not centring.isascii():
        raise ValueError(f"centring is {centring!r}: one of P, A, B, C, I, F, R is needed")
    count = ctypes.c_int64()
    arguments = (cells.ctypes.data, centring.encode(), number("d_min", d_min))
    require(library.brg_hkl_enumerate(*arguments, 0, None, ctypes.byref(count)))
    hkl = np.empty((count.value, 3), np.int32)
    require(library.brg_hkl_enumerate(*arguments, count.value, hkl.ctypes.data, ctypes.byref(count)))
    return hkl
