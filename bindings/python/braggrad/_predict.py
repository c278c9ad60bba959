"""Rotate and solve, fused: both roots of every reflection in every orientation, derivatives, and lists of spots."""

from __future__ import annotations

import ctypes
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from . import _abi as abi
from ._arrays import Array, address, as_host, as_real, first, require_tail
from ._context import Context
from ._geometry import Beamline, Geometry
from ._pairs import Pairs
from ._plan import key_of, plan_of
from ._reflections import Reflections
from ._solve import Roots, backward, chosen, roots_specification, vector_or_none


class Spots(NamedTuple):
    """Observable roots: those of orientation b (flattened) are rows offsets[b] ... offsets[b+1]-1 of the arrays."""

    offsets: Array
    reflection: Array
    root: Array
    omega: Array


def predict(
    reflections: Reflections | ArrayLike,
    orientations: ArrayLike,
    *,
    cell: ArrayLike | None = None,
    basis: ArrayLike | None = None,
    geometry: Geometry | None = None,
    energy: ArrayLike | None = None,
    wavelength: ArrayLike | None = None,
    wavenumber: ArrayLike | None = None,
    chi: ArrayLike | None = None,
    magnitude_from_rotated: bool = False,
    column_major: bool = False,
    out: tuple[Array | None, ...] | None = None,
    context: Context | None = None,
) -> Roots:
    """Rotation angles of all reflections in all orientations.

    Parameters
    ----------
    reflections : Reflections or array_like of integers, shape (N, 3) or (3,)
        Miller indices; a `Reflections` made once saves the work of making it in each call.
    orientations : array_like, shape (..., 3, 3)
        Rotations, crystal to sample. Arrays of float32 are computed in float32, all others in float64.
    cell : array_like, shape (6,) or (..., 6), optional
        a, b, c in Angstrom, alpha, beta, gamma in degrees; needed with hkl. A batch of them, or one beside a
        `Reflections`, is one per orientation.
    basis : array_like, shape (3, 3) or (..., 3, 3), optional
        The same as a reciprocal basis in 1/Angstrom with 2 pi.
    geometry : Geometry, optional
        Beam and axis; default beam +x, axis +z.
    energy, wavelength, wavenumber : array_like, optional
        keV, Angstrom, 1/Angstrom: one of them, unless `geometry` has it. An array is one per orientation.
    chi : array_like, optional
        Tilt of the beam toward the axis, rad; default the geometry's. An array is one per orientation.
    magnitude_from_rotated : bool
        Take |R q| instead of |q|: another derivative by the entries of R, the same by rotations.
    column_major : bool
        Take and give all matrices of the call with their columns one after the other: ``[..., j, i]`` is row i, column
        j, as Fortran's R(3,3,B) and CUDA arrays that must not be copied have them.
    out : tuple of ndarray or None, optional
        Where omega1, omega2 and observable go; None: allocated.
    context : Context, optional
        Threads to run on; default this thread's own context.

    Returns
    -------
    Roots
        omega1 (G enters the Ewald sphere), omega2 (it leaves) and observable, each of the shape (..., N), where ... is
        the batch of the orientations broadcast with all that is given per orientation; without N for one hkl.

    Raises
    ------
    ValueError
        Names the argument. Orientations with a value that is not finite are no error: their rows are not observable.

    Notes
    -----
    Source: ``include/braggrad/predict.h``, ``docs/physics.md``.

    Examples
    --------
    >>> import numpy as np, braggrad
    >>> gold = (4.0782, 4.0782, 4.0782, 90, 90, 90)
    >>> roots = braggrad.predict([[1, 1, 1], [0, 0, 2]], np.eye(3), cell=gold, energy=50.02099)
    >>> roots.observable
    array([ True, False])
    """
    key = None
    if cell is None and basis is None:
        numbers = None
        if not (energy is wavelength is wavenumber is chi is None and magnitude_from_rotated is column_major is False):
            numbers = energy, wavelength, wavenumber, chi, magnitude_from_rotated, column_major
        key = key_of("predict", reflections, geometry, numbers, orientations)
        plan = None if key is None else plan_of(key, context)
        done = None if plan is None else plan.run((orientations,), out)
        if done is not None:
            return done if type(done) is Roots else Roots(*done)
    pairs = Pairs(
        reflections,
        orientations,
        cell=cell,
        basis=basis,
        beamline=Beamline.of(geometry, energy, wavelength, wavenumber, chi),
        magnitude_from_rotated=magnitude_from_rotated,
        column_major=column_major,
        context=context,
    )
    places = pairs.run.outputs(roots_specification(pairs.shape, pairs.dtype), out, pairs.read)
    roots = pairs.family.roots(**{name: address(place.buffer) for name, place in places.items()})
    pairs.call("predict", roots)
    if key is not None:
        pairs.keep(key, "predict", (roots,), places, orientations)
    return Roots(*(place.result() for place in places.values()))


def predict_vjp(
    reflections: Reflections | ArrayLike,
    orientations: ArrayLike,
    omega1_bar: ArrayLike | None = None,
    omega2_bar: ArrayLike | None = None,
    *,
    wrt: Iterable[str] = ("rotation",),
    cell: ArrayLike | None = None,
    basis: ArrayLike | None = None,
    geometry: Geometry | None = None,
    energy: ArrayLike | None = None,
    wavelength: ArrayLike | None = None,
    wavenumber: ArrayLike | None = None,
    chi: ArrayLike | None = None,
    magnitude_from_rotated: bool = False,
    column_major: bool = False,
    accumulate: bool = False,
    out: Mapping[str, Array] | None = None,
    context: Context | None = None,
) -> dict[str, Array]:
    """Adjoint of `predict`: dL/d(inputs) from dL/domega.

    Parameters
    ----------
    reflections, orientations, cell, basis, geometry, energy, wavelength, wavenumber, chi, column_major, context
        As in `predict`.
    omega1_bar, omega2_bar : array_like, shape (..., N), optional
        dL/domega, or broadcast to it. Values of pairs that are not observable are ignored.
    wrt : iterable of {"rotation", "rotation_vector", "basis", "wavenumber", "chi", "q", "beam", "axis"}
        What to derive by: nine free entries of R; a rotation of the sample R <- exp([v]x) R, rad; the reciprocal
        basis; the wavenumber, 1/Angstrom, also where an energy or a wavelength is given; the tilt, rad; the vectors
        of the reflections (N, 3); three free components of beam and axis.
    magnitude_from_rotated : bool
        As in `predict`; with False |q| is fixed under a change of R.
    accumulate : bool
        Add to the arrays of `out`, which has one for each result, instead of overwriting them.
    out : mapping of str to ndarray, optional
        Where results go, by name.

    Returns
    -------
    dict of str to ndarray
        Each of the shape that the input was given in, summed over what it was broadcast along. Sums are made in
        float64 and in a fixed order.

    Raises
    ------
    ValueError
        Names the argument; a derivative by the basis needs reflections with hkl.

    Notes
    -----
    Source: ``include/braggrad/predict.h``, ``docs/physics.md``.
    """
    bars = {
        name: None if value is None else as_real(name, value)
        for name, value in (("omega1_bar", omega1_bar), ("omega2_bar", omega2_bar))
    }
    pairs = Pairs(
        reflections,
        orientations,
        cell=cell,
        basis=basis,
        beamline=Beamline.of(geometry, energy, wavelength, wavenumber, chi),
        magnitude_from_rotated=magnitude_from_rotated,
        column_major=column_major,
        per_pair=bars,
        context=context,
    )
    cotangents = [pairs.over_pairs(name, array) for name, array in bars.items()]
    names = chosen(wrt, ("rotation", "rotation_vector", "basis", "wavenumber", "chi", "q", "beam", "axis"))
    members = {name: pairs.member(name) for name in names}
    return backward(
        pairs.run,
        {name: (shape, pairs.dtype) for name, (_, shape) in members.items()},
        {name: pairs.given[name] for name in names},
        {name: member for name, (member, _) in members.items()},
        out,
        (*pairs.read, *cotangents),
        accumulate,
        lambda gradient: pairs.call(
            "predict_vjp",
            pairs.family.root_cotangents(omega1=address(cotangents[0]), omega2=address(cotangents[1])),
            pairs.family.orientations_gradient(**gradient),
        ),
    )


def tangent_of(
    reflections: Reflections | ArrayLike,
    orientations: ArrayLike,
    *,
    cell: ArrayLike | None,
    basis: ArrayLike | None,
    beamline: Beamline | None,
    magnitude_from_rotated: bool = False,
    column_major: bool = False,
    beam_dot: ArrayLike | None = None,
    axis_dot: ArrayLike | None = None,
    context: Context | None = None,
    **dots: ArrayLike | None,
) -> tuple[Pairs, Any, list[Array | None]]:
    """The pairs, the struct of a change of their inputs, and the arrays that the struct points to."""
    changes = {name: None if value is None else as_real(name, value) for name, value in dots.items()}
    scalars = beamline.take_scalars(changes) if beamline else {}
    q = changes.pop("q_dot")
    tails = {"rotation_dot": (3, 3), "rotation_vector_dot": (3,), "basis_dot": (3, 3)}
    rows = {}
    for name, array in changes.items():
        tail = tails.get(name, ())
        rows[name] = None if array is None else first(require_tail(name, array, *tail), len(tail))
    pairs = Pairs(
        reflections,
        orientations,
        cell=cell,
        basis=basis,
        beamline=beamline,
        magnitude_from_rotated=magnitude_from_rotated,
        column_major=column_major,
        per_orientation=rows,
        context=context,
    )
    arrays = {name: pairs.over_batch(name, array, *tails.get(name, ())) for name, array in changes.items()}
    arrays["reciprocal_basis_dot"] = arrays.pop("basis_dot")
    if q is not None:
        if q.shape != pairs.given["q"]:
            raise ValueError(f"q_dot has the shape {q.shape}: {pairs.given['q']} is needed")
        pairs.run.admit("q_dot", q)
        arrays["q_dot"] = pairs.run.spread("q_dot", q, q.shape, pairs.dtype)
    tangent = pairs.family.orientations_tangent(
        **{name.removesuffix("_dot"): address(array) for name, array in arrays.items()},
        **scalars,
        geometry_beam=vector_or_none("beam_dot", beam_dot),
        geometry_axis=vector_or_none("axis_dot", axis_dot),
    )
    return pairs, tangent, list(arrays.values())


def predict_jvp(
    reflections: Reflections | ArrayLike,
    orientations: ArrayLike,
    *,
    rotation_dot: ArrayLike | None = None,
    rotation_vector_dot: ArrayLike | None = None,
    basis_dot: ArrayLike | None = None,
    wavenumber_dot: ArrayLike | None = None,
    chi_dot: ArrayLike | None = None,
    q_dot: ArrayLike | None = None,
    beam_dot: ArrayLike | None = None,
    axis_dot: ArrayLike | None = None,
    cell: ArrayLike | None = None,
    basis: ArrayLike | None = None,
    geometry: Geometry | None = None,
    energy: ArrayLike | None = None,
    wavelength: ArrayLike | None = None,
    wavenumber: ArrayLike | None = None,
    chi: ArrayLike | None = None,
    magnitude_from_rotated: bool = False,
    column_major: bool = False,
    out: tuple[Array | None, ...] | None = None,
    context: Context | None = None,
) -> Roots:
    """Directional derivative of `predict` along a change of its inputs.

    Parameters
    ----------
    reflections, orientations, cell, basis, geometry, energy, wavelength, wavenumber, chi, magnitude_from_rotated, \
column_major, out, context
        As in `predict`.
    rotation_dot : array_like, shape (..., 3, 3), optional
        Change of R; None: none.
    rotation_vector_dot : array_like, shape (..., 3), optional
        Change dR = [v]x R, rad, added to the former.
    basis_dot : array_like, shape (..., 3, 3), optional
        Change of the basis that each orientation uses.
    wavenumber_dot, chi_dot : array_like, optional
        Change of what has that name; one number where that is one number. By wavenumber also where an energy or
        a wavelength is given.
    q_dot : array_like, shape (N, 3), optional
        Change of the vectors of the reflections.
    beam_dot, axis_dot : array_like, shape (3,), optional
        Three free components.

    Returns
    -------
    Roots
        domega1, domega2 along the change, and observable.

    Raises
    ------
    ValueError
        Names the argument.

    Notes
    -----
    Source: ``include/braggrad/predict.h``, ``docs/physics.md``.
    """
    pairs, tangent, arrays = tangent_of(
        reflections,
        orientations,
        cell=cell,
        basis=basis,
        beamline=Beamline.of(geometry, energy, wavelength, wavenumber, chi),
        magnitude_from_rotated=magnitude_from_rotated,
        column_major=column_major,
        rotation_dot=rotation_dot,
        rotation_vector_dot=rotation_vector_dot,
        basis_dot=basis_dot,
        wavenumber_dot=wavenumber_dot,
        chi_dot=chi_dot,
        q_dot=q_dot,
        beam_dot=beam_dot,
        axis_dot=axis_dot,
        context=context,
    )
    places = pairs.run.outputs(roots_specification(pairs.shape, pairs.dtype), out, (*pairs.read, *arrays))
    roots = pairs.family.roots(**{name: address(place.buffer) for name, place in places.items()})
    pairs.call("predict_jvp", tangent, roots)
    return Roots(*(place.result() for place in places.values()))


_ROWS_AT_ONCE = 1 << 22
"""Room for every root is allocated at once up to here; above it the spots are counted first."""


def _windows(windows: ArrayLike) -> Array:
    """Limits [K,2]. None of them is no whole turn: a selection that came out empty would be everything."""
    limits = np.asarray(as_host("windows", windows), np.float64)
    if limits.ndim != 2 or limits.shape[1] != 2 or not 1 <= len(limits) <= abi.BRG_MAX_OMEGA_WINDOWS:
        raise ValueError(
            f"windows has the shape {limits.shape}: (K, 2) is needed, 1 <= K <= {abi.BRG_MAX_OMEGA_WINDOWS}; "
            "None is the whole turn"
        )
    return limits


def predict_spots(
    reflections: Reflections | ArrayLike,
    orientations: ArrayLike,
    *,
    windows: ArrayLike | None = None,
    column_major: bool = False,
    cell: ArrayLike | None = None,
    basis: ArrayLike | None = None,
    geometry: Geometry | None = None,
    energy: ArrayLike | None = None,
    wavelength: ArrayLike | None = None,
    wavenumber: ArrayLike | None = None,
    chi: ArrayLike | None = None,
    context: Context | None = None,
) -> Spots:
    """The observable roots as a compact list, ordered by orientation, reflection, root.

    Parameters
    ----------
    reflections, orientations, cell, basis, geometry, energy, wavelength, wavenumber, chi, column_major, context
        As in `predict`.
    windows : array_like, shape (K, 2), optional
        1 to 8 windows [low, high) of omega, rad, modulo 2 pi; low > high wraps. None: the whole turn.

    Returns
    -------
    Spots
        offsets int64 [B+1] for the B orientations of the batch in their order, and for each spot reflection
        (int32, index into the set), root (uint8, 1 or 2) and omega (rad).

    Raises
    ------
    ValueError
        Names the argument.
    MemoryError
        If the list does not fit into memory.

    Notes
    -----
    Source: ``include/braggrad/spots.h``.
    """
    pairs = Pairs(
        reflections,
        orientations,
        cell=cell,
        basis=basis,
        beamline=Beamline.of(geometry, energy, wavelength, wavenumber, chi),
        column_major=column_major,
        context=context,
    )
    limits = np.zeros((0, 2)) if windows is None else _windows(windows)
    offsets = pairs.run.empty((pairs.struct.count + 1,), np.int64)
    spots = pairs.family.spots(
        window_count=len(limits),
        window_low=tuple(limits[:, 0].tolist()),
        window_high=tuple(limits[:, 1].tolist()),
        offsets=address(offsets),
    )
    count = ctypes.c_int64()
    rows = 2 * pairs.struct.count * len(pairs.reflections)
    if rows > _ROWS_AT_ONCE or pairs.run.context.device is not None:
        pairs.call("predict_spots", spots, ctypes.byref(count))
        rows = count.value
    arrays = [pairs.run.empty((rows,), dtype) for dtype in (np.int32, np.uint8, pairs.dtype)]
    spots.capacity = rows
    spots.reflection, spots.root, spots.omega = (address(array) for array in arrays)
    pairs.call("predict_spots", spots, ctypes.byref(count))
    found = count.value
    reflection, root, omega = (array if found == rows else array[:found].copy() for array in arrays)
    return Spots(offsets, reflection, root, omega)
