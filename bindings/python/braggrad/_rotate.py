"""Scattering vectors of all reflections in all orientations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from numpy.typing import ArrayLike

from ._arrays import Array, address, as_real, first, require_tail
from ._context import Context
from ._pairs import Pairs
from ._predict import tangent_of
from ._reflections import Reflections
from ._solve import backward, chosen


def rotate(
    reflections: Reflections | ArrayLike,
    orientations: ArrayLike,
    *,
    cell: ArrayLike | None = None,
    basis: ArrayLike | None = None,
    column_major: bool = False,
    out: Array | None = None,
    context: Context | None = None,
) -> Array:
    """Scattering vectors G = R q of all reflections in all orientations.

    Parameters
    ----------
    reflections, orientations, cell, basis, column_major, context
        As in `predict`.
    out : ndarray, optional
        Where the result goes.

    Returns
    -------
    ndarray, shape (..., N, 3)
        1/Angstrom with 2 pi, in the sample frame.

    Raises
    ------
    ValueError
        Names the argument.

    Notes
    -----
    Source: ``include/braggrad/rotate.h``.
    """
    pairs = Pairs(
        reflections, orientations, cell=cell, basis=basis, beamline=None, column_major=column_major, context=context
    )
    (place,) = pairs.run.outputs({"g": ((*pairs.shape, 3), pairs.dtype)}, out, pairs.read).values()
    pairs.call("rotate", pairs.family.vectors(g=address(place.buffer)))
    result: Array = place.result()
    return result


def rotate_vjp(
    reflections: Reflections | ArrayLike,
    orientations: ArrayLike,
    g_bar: ArrayLike,
    *,
    wrt: Iterable[str] = ("rotation",),
    cell: ArrayLike | None = None,
    basis: ArrayLike | None = None,
    column_major: bool = False,
    accumulate: bool = False,
    out: Mapping[str, Array] | None = None,
    context: Context | None = None,
) -> dict[str, Array]:
    """Adjoint of `rotate`: dL/d(inputs) from dL/dG.

    Parameters
    ----------
    reflections, orientations, cell, basis, column_major, context
        As in `predict`.
    g_bar : array_like, shape (..., N, 3)
        dL/dG, or broadcast to it.
    wrt : iterable of {"rotation", "rotation_vector", "basis", "q"}
        What to derive by, as in `predict_vjp`.
    accumulate : bool
        Add to the arrays of `out`, which has one for each result, instead of overwriting them.
    out : mapping of str to ndarray, optional
        Where results go, by name.

    Returns
    -------
    dict of str to ndarray
        Each of the shape that the input was given in, summed over what it was broadcast along.

    Raises
    ------
    ValueError
        Names the argument; a derivative by the basis needs reflections with hkl.

    Notes
    -----
    Source: ``include/braggrad/rotate.h``.
    """
    bar = require_tail("g_bar", as_real("g_bar", g_bar), 3)
    pairs = Pairs(
        reflections,
        orientations,
        cell=cell,
        basis=basis,
        beamline=None,
        column_major=column_major,
        per_pair={"g_bar": first(bar, 1)},
        context=context,
    )
    vectors = pairs.over_pairs("g_bar", bar, 3)
    names = chosen(wrt, ("rotation", "rotation_vector", "basis", "q"))
    members = {name: pairs.member(name) for name in names}
    return backward(
        pairs.run,
        {name: (shape, pairs.dtype) for name, (_, shape) in members.items()},
        {name: pairs.given[name] for name in names},
        {name: member for name, (member, _) in members.items()},
        out,
        (*pairs.read, vectors),
        accumulate,
        lambda gradient: pairs.call(
            "rotate_vjp",
            pairs.family.vector_cotangents(g=address(vectors)),
            pairs.family.orientations_gradient(**gradient),
        ),
    )


def rotate_jvp(
    reflections: Reflections | ArrayLike,
    orientations: ArrayLike,
    *,
    rotation_dot: ArrayLike | None = None,
    rotation_vector_dot: ArrayLike | None = None,
    basis_dot: ArrayLike | None = None,
    q_dot: ArrayLike | None = None,
    cell: ArrayLike | None = None,
    basis: ArrayLike | None = None,
    column_major: bool = False,
    out: Array | None = None,
    context: Context | None = None,
) -> Array:
    """Directional derivative of `rotate` along a change of its inputs.

    Parameters
    ----------
    reflections, orientations, cell, basis, column_major, out, context
        As in `rotate`.
    rotation_dot, rotation_vector_dot, basis_dot, q_dot : array_like, optional
        Changes, as in `predict_jvp`.

    Returns
    -------
    ndarray, shape (..., N, 3)
        dG along the change, 1/Angstrom.

    Raises
    ------
    ValueError
        Names the argument.

    Notes
    -----
    Source: ``include/braggrad/rotate.h``.
    """
    pairs, tangent, arrays = tangent_of(
        reflections,
        orientations,
        cell=cell,
        basis=basis,
        beamline=None,
        column_major=column_major,
        rotation_dot=rotation_dot,
        rotation_vector_dot=rotation_vector_dot,
        basis_dot=basis_dot,
        q_dot=q_dot,
        context=context,
    )
    inputs = (*pairs.read, *arrays)
    (place,) = pairs.run.outputs({"g": ((*pairs.shape, 3), pairs.dtype)}, out, inputs).values()
    pairs.call("rotate_jvp", tangent, pairs.family.vectors(g=address(place.buffer)))
    result: Array = place.result()
    return result
