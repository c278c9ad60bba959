"""The roots of given scattering vectors, their derivatives, and the beams that are diffracted there."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from . import _abi as abi
from ._arrays import (
    Array,
    Shape,
    address,
    as_host,
    as_real,
    batch_of,
    first,
    gathered,
    names_in,
    precision,
    require_tail,
)
from ._context import Context
from ._geometry import Beamline, Geometry
from ._library import FAMILIES
from ._run import Run


class Roots(NamedTuple):
    """Both angles in rad, in [-pi, pi], and whether there are any. Where there are none the angles are 0."""

    omega1: Array
    omega2: Array
    observable: Array


class Beams(NamedTuple):
    """Diffracted beams: unit vectors in the laboratory frame, angles to the incoming beam and around it, rad."""

    direction: Array
    two_theta: Array
    eta: Array


def roots_specification(shape: Shape, dtype: np.dtype[Any]) -> dict[str, tuple[Shape, Any]]:
    """Shapes and types of `Roots`."""
    return {"omega1": (shape, dtype), "omega2": (shape, dtype), "observable": (shape, np.bool_)}


def chosen(wrt: Iterable[str], known: Sequence[str]) -> tuple[str, ...]:
    """The names of `wrt`, each of which must be known."""
    return names_in("wrt", wrt, known)


def vector_or_none(name: str, value: ArrayLike | None) -> Any:
    """Three numbers of a tangent, 0 where there is none."""
    if value is None:
        return (0.0, 0.0, 0.0)
    array = as_host(name, value)
    if array.shape != (3,):
        raise ValueError(f"{name} has the shape {array.shape}: (3,) is needed")
    return tuple(array.tolist())


class _Items:
    """Items of a call: broadcast to one batch, in one precision, and as the struct that the library reads."""

    def __init__(
        self,
        g: ArrayLike,
        g_magnitude: ArrayLike | None,
        beamline: Beamline,
        extra: Mapping[str, Array | None],
        context: Context | None,
    ) -> None:
        vectors = require_tail("g", as_real("g", g), 3)
        magnitude = None if g_magnitude is None else as_real("g_magnitude", g_magnitude)
        per_item = {"g_magnitude": magnitude, "wavenumber": beamline.wavenumber, "chi": beamline.chi}
        self.dtype = precision(vectors, *per_item.values(), *extra.values())
        self.run = Run(context, {"g": vectors, **per_item, **extra})
        shapes = {name: None if array is None else array.shape for name, array in (per_item | dict(extra)).items()}
        named = {beamline.given if name == "wavenumber" else name: shape for name, shape in shapes.items()}
        self.batch = batch_of(g=vectors.shape[:-1], **named)
        self.shapes: dict[str, Shape] = {"g": vectors.shape} | {name: shape or () for name, shape in shapes.items()}
        self.arrays: dict[str, Array | None] = {"g": self.over_batch("g", vectors, 3)}
        self.arrays |= {name: self.over_batch(name, array) for name, array in per_item.items()}
        self.geometry = beamline.struct
        self.family = FAMILIES[self.dtype]
        self.struct = self.family.items(
            count=math.prod(self.batch),
            **{name: address(array) for name, array in self.arrays.items()},
        )

    def over_batch(self, name: str, array: Array | None, *tail: int) -> Array | None:
        """The array at every item, contiguous."""
        return None if array is None else self.run.spread(name, array, (*self.batch, *tail), self.dtype)


def _optional(**values: ArrayLike | None) -> dict[str, Array | None]:
    return {name: None if value is None else as_real(name, value) for name, value in values.items()}


def solve(
    g: ArrayLike,
    *,
    g_magnitude: ArrayLike | None = None,
    geometry: Geometry | None = None,
    energy: ArrayLike | None = None,
    wavelength: ArrayLike | None = None,
    wavenumber: ArrayLike | None = None,
    chi: ArrayLike | None = None,
    out: tuple[Array | None, ...] | None = None,
    context: Context | None = None,
) -> Roots:
    """Rotation angles at which scattering vectors lie on the Ewald sphere.

    Parameters
    ----------
    g : array_like, shape (..., 3)
        Scattering vectors in the sample frame at omega = 0, 1/Angstrom with 2 pi. Arrays of float32 are computed in
        float32, all others in float64. All arrays broadcast against its leading axes.
    g_magnitude : array_like, optional
        |g| where it is better known than from `g`, for example from the crystal frame.
    geometry : Geometry, optional
        Beam and axis; default beam +x, axis +z.
    energy, wavelength, wavenumber : array_like, optional
        keV, Angstrom, 1/Angstrom: one of them, unless `geometry` has it.
    chi : array_like, optional
        Tilt of the beam toward the axis, rad; default the geometry's.
    out : tuple of ndarray or None, optional
        Where omega1, omega2 and observable go; None: allocated.
    context : Context, optional
        Threads to run on; default this thread's own context.

    Returns
    -------
    Roots
        omega1 (G enters the sphere), omega2 (G leaves it) and observable, of the shape of the batch.

    Raises
    ------
    ValueError
        Names the argument. Items with a value that is not finite are no error: they are not observable.

    Notes
    -----
    Source: ``include/braggrad/solve.h``, ``docs/physics.md``.
    """
    items = _Items(g, g_magnitude, Beamline.of(geometry, energy, wavelength, wavenumber, chi), {}, context)
    places = items.run.outputs(roots_specification(items.batch, items.dtype), out, items.arrays.values())
    structs = items.family.roots(**{name: address(place.buffer) for name, place in places.items()})
    items.run.call(items.family.solve, items.geometry, items.struct, structs)
    return Roots(*(place.result() for place in places.values()))


def solve_vjp(
    g: ArrayLike,
    omega1_bar: ArrayLike | None = None,
    omega2_bar: ArrayLike | None = None,
    *,
    wrt: Iterable[str] = ("g",),
    g_magnitude: ArrayLike | None = None,
    geometry: Geometry | None = None,
    energy: ArrayLike | None = None,
    wavelength: ArrayLike | None = None,
    wavenumber: ArrayLike | None = None,
    chi: ArrayLike | None = None,
    accumulate: bool = False,
    out: Mapping[str, Array] | None = None,
    context: Context | None = None,
) -> dict[str, Array]:
    """Adjoint of `solve`: dL/d(inputs) from dL/domega.

    Parameters
    ----------
    g, g_magnitude, geometry, energy, wavelength, wavenumber, chi, context
        As in `solve`.
    omega1_bar, omega2_bar : array_like, optional
        dL/domega, of the shape of the batch or broadcast to it. Values of items that are not observable are ignored.
    wrt : iterable of {"g", "g_magnitude", "wavenumber", "chi", "beam", "axis"}
        What to derive by. By g at fixed |g| where `g_magnitude` is given. Beam and axis: three free components.
    accumulate : bool
        Add to the arrays of `out`, which has one for each result, instead of overwriting them.
    out : mapping of str to ndarray, optional
        Where results go, by name.

    Returns
    -------
    dict of str to ndarray
        Each of the shape that the input was given in; sums over the batch where it was one number.

    Raises
    ------
    ValueError
        Names the argument.

    Notes
    -----
    Source: ``include/braggrad/solve.h``, ``docs/physics.md``.
    """
    bars = _optional(omega1_bar=omega1_bar, omega2_bar=omega2_bar)
    items = _Items(g, g_magnitude, Beamline.of(geometry, energy, wavelength, wavenumber, chi), bars, context)
    cotangents = {name: items.over_batch(name, array) for name, array in bars.items()}
    names = chosen(wrt, ("g", "g_magnitude", "wavenumber", "chi", "beam", "axis"))
    if "g_magnitude" in names and g_magnitude is None:
        raise ValueError("wrt has 'g_magnitude', which is not given")
    members, shapes = {}, {}
    for name in names:
        array = items.arrays.get(name)
        members[name] = name if array is not None else f"geometry_{name}"
        shapes[name] = array.shape if array is not None else (3,) if name in ("beam", "axis") else ()
    specification = {name: (shapes[name], items.dtype) for name in names}
    return backward(
        items.run,
        specification,
        {name: items.shapes.get(name, shapes[name]) for name in names},
        members,
        out,
        (*items.arrays.values(), *cotangents.values()),
        accumulate,
        lambda gradient: items.run.call(
            items.family.solve_vjp,
            items.geometry,
            items.struct,
            items.family.root_cotangents(
                omega1=address(cotangents["omega1_bar"]), omega2=address(cotangents["omega2_bar"])
            ),
            items.family.items_gradient(**gradient),
        ),
    )


def backward(
    run: Run,
    specification: dict[str, tuple[Shape, Any]],
    shapes: dict[str, Shape],
    members: dict[str, str],
    out: Mapping[str, Array] | None,
    inputs: Iterable[Array | None],
    accumulate: bool,
    call: Any,
) -> dict[str, Array]:
    """Calls an adjoint, and sums its results over the axes along which an input was broadcast.

    `specification` has what the library writes, `shapes` what the caller gets, `members` the names in the C struct.
    """
    whole = all(shapes[name] == shape for name, (shape, _) in specification.items())
    if not whole and run.context.device is not None:
        # Nothing is broadcast there: axes of length 1 are all the difference.
        specification = {name: (shapes[name], dtype) for name, (_, dtype) in specification.items()}
        whole = True
    places = run.outputs(specification, out if whole else None, inputs, accumulate and whole)
    flags = abi.BRG_ACCUMULATE if accumulate and whole else 0
    call({"flags": flags} | {members[name]: address(place.buffer) for name, place in places.items()})
    if whole:
        return {name: place.result() for name, place in places.items()}
    sums = {name: gathered(place.buffer, shapes[name]) for name, place in places.items()}
    targets = run.outputs({name: (shapes[name], part.dtype) for name, part in sums.items()}, out, (), accumulate)
    for name, place in targets.items():
        if accumulate:
            place.buffer += sums[name]
        else:
            np.copyto(place.buffer, sums[name])
    return {name: place.result() for name, place in targets.items()}


def solve_jvp(
    g: ArrayLike,
    *,
    g_dot: ArrayLike | None = None,
    g_magnitude_dot: ArrayLike | None = None,
    wavenumber_dot: ArrayLike | None = None,
    chi_dot: ArrayLike | None = None,
    beam_dot: ArrayLike | None = None,
    axis_dot: ArrayLike | None = None,
    g_magnitude: ArrayLike | None = None,
    geometry: Geometry | None = None,
    energy: ArrayLike | None = None,
    wavelength: ArrayLike | None = None,
    wavenumber: ArrayLike | None = None,
    chi: ArrayLike | None = None,
    out: tuple[Array | None, ...] | None = None,
    context: Context | None = None,
) -> Roots:
    """Directional derivative of `solve` along a change of its inputs.

    Parameters
    ----------
    g, g_magnitude, geometry, energy, wavelength, wavenumber, chi, out, context
        As in `solve`.
    g_dot : array_like, shape (..., 3), optional
        Change of g; None: none.
    g_magnitude_dot, wavenumber_dot, chi_dot : array_like, optional
        Change of what has that name; one number where that is one number. By wavenumber also where an energy or
        a wavelength is given.
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
    Source: ``include/braggrad/solve.h``, ``docs/physics.md``.
    """
    beamline = Beamline.of(geometry, energy, wavelength, wavenumber, chi)
    dots = _optional(g_magnitude_dot=g_magnitude_dot, wavenumber_dot=wavenumber_dot, chi_dot=chi_dot)
    scalars = beamline.take_scalars(dots)
    vectors = None if g_dot is None else require_tail("g_dot", as_real("g_dot", g_dot), 3)
    if g_magnitude_dot is not None and g_magnitude is None:
        raise ValueError("g_magnitude_dot needs g_magnitude")
    extra = dots | {"g_dot": None if vectors is None else first(vectors, 1)}
    items = _Items(g, g_magnitude, beamline, extra, context)
    arrays = {name.removesuffix("_dot"): items.over_batch(name, array) for name, array in dots.items()}
    arrays["g"] = items.over_batch("g_dot", vectors, 3)
    tangent = items.family.items_tangent(
        **{name: address(array) for name, array in arrays.items()},
        **scalars,
        geometry_beam=vector_or_none("beam_dot", beam_dot),
        geometry_axis=vector_or_none("axis_dot", axis_dot),
    )
    inputs = (*items.arrays.values(), *arrays.values())
    places = items.run.outputs(roots_specification(items.batch, items.dtype), out, inputs)
    roots = items.family.roots(**{name: address(place.buffer) for name, place in places.items()})
    items.run.call(items.family.solve_jvp, items.geometry, items.struct, tangent, roots)
    return Roots(*(place.result() for place in places.values()))


def diffracted_beam(
    g: ArrayLike,
    omega: ArrayLike,
    *,
    geometry: Geometry | None = None,
    energy: ArrayLike | None = None,
    wavelength: ArrayLike | None = None,
    wavenumber: ArrayLike | None = None,
    chi: ArrayLike | None = None,
    out: tuple[Array | None, ...] | None = None,
    context: Context | None = None,
) -> Beams:
    """Beams that scattering vectors diffract at given angles.

    Parameters
    ----------
    g, geometry, energy, wavelength, wavenumber, chi, context
        As in `solve`.
    omega : array_like
        Rotation angle, rad, broadcast against the batch.
    out : tuple of ndarray or None, optional
        Where direction, two_theta and eta go; None: allocated.

    Returns
    -------
    Beams
        direction (..., 3), unit vectors in the laboratory frame; two_theta, rad, in [0, pi]; eta, rad, in (-pi, pi]:
        atan2(-y, z) in the frame whose x is the beam (ImageD11's; HEXRD's is pi/2 - eta). Root 1 has eta < 0.

    Raises
    ------
    ValueError
        Names the argument.

    Notes
    -----
    Source: ``include/braggrad/spots.h``.
    """
    angles = _optional(omega=omega)
    items = _Items(g, None, Beamline.of(geometry, energy, wavelength, wavenumber, chi), angles, context)
    turned = items.over_batch("omega", angles["omega"])
    places = items.run.outputs(
        {
            "direction": ((*items.batch, 3), items.dtype),
            "two_theta": (items.batch, items.dtype),
            "eta": (items.batch, items.dtype),
        },
        out,
        (*items.arrays.values(), turned),
    )
    beams = items.family.beams(**{name: address(place.buffer) for name, place in places.items()})
    items.run.call(items.family.diffracted_beam, items.geometry, items.struct, address(turned), beams)
    return Beams(*(place.result() for place in places.values()))
