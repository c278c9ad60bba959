"""The calls of the user: shapes, types and constants are settled here, then a primitive is bound."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from .. import _abi as abi
from .._arrays import positive
from .._fit import loss_code
from .._fit import omega_loss as _loss_of_arrays
from .._geometry import Geometry, known_geometry
from .._reflections import Reflections
from . import _primitives
from ._handlers import Constants

ArrayOrNumber = Any  # float, or whatever becomes a JAX array


class Roots(NamedTuple):
    """Both angles in rad, in [-pi, pi], and whether there are any (bool). Where there are none the angles are 0."""

    omega1: jax.Array
    omega2: jax.Array
    observable: jax.Array


def _given(name: str, value: ArrayOrNumber | None) -> tuple[float | None, Any]:
    """A number of the geometry, or an array of the batch."""
    if value is None or isinstance(value, int | float):
        return value, None
    return None, _real(name, value)


def _real(name: str, value: Any) -> Any:
    array = jnp.asarray(value)
    if not jnp.issubdtype(array.dtype, jnp.floating) and not jnp.issubdtype(array.dtype, jnp.integer):
        raise ValueError(f"{name} has the type {array.dtype}: real numbers are needed")
    return array


def _rotations(value: Any) -> Any:
    matrices = _real("rotation", value)
    if matrices.shape[-2:] != (3, 3):
        raise ValueError(f"rotation has the shape {matrices.shape}: (..., 3, 3) is needed")
    return matrices


def _values(geometry: Geometry | None, k: float | None, chi: float | None, own: bool) -> tuple[float, ...]:
    values = known_geometry(geometry).values
    if k is not None:
        values = (float(positive("wavenumber", k)), *values[1:])
    if chi is not None:
        values = (*values[:7], float(chi), values[8])
    if values[0] == 0:
        if not own:
            raise ValueError("wavenumber is not given, nor a geometry that has one")
        values = (1.0, *values[1:])  # replaced everywhere; but an empty array has no address, and looks like none
    return Geometry.from_values(values).values  # checked while tracing


def _spread(array: Any, batch: tuple[int, ...], tail: tuple[int, ...], dtype: Any) -> Any:
    """An array with its batch in one axis; none becomes one without elements."""
    if array is None:
        return jnp.zeros((0,), dtype)
    count = int(np.prod(batch))
    return jnp.broadcast_to(array.astype(dtype), (*batch, *tail)).reshape(count, *tail)


def _batch(**shapes: tuple[int, ...] | None) -> tuple[int, ...]:
    batch: tuple[int, ...] = ()
    for name, shape in shapes.items():
        if shape is None:
            continue
        try:
            batch = np.broadcast_shapes(batch, shape)
        except ValueError:
            raise ValueError(f"{name} has the batch shape {shape}: it does not fit to {batch}") from None
    return batch


def _type(*arrays: Any) -> Any:
    return jnp.result_type(jnp.float32, *(array.dtype for array in arrays if array is not None))


_ONE = Reflections.from_vectors(np.ones((1, 3)))


def _check_loss(targets: Mapping[str, Any], dtype: Any, **options: Any) -> None:
    """What is wrong with a loss whatever its arrays hold is said while tracing: the library looks at one pair."""
    one: dict[str, Any] = {name: None if target is None else np.zeros(1, dtype) for name, target in targets.items()}
    _loss_of_arrays(_ONE, np.eye(3, dtype=dtype), wavenumber=1.0, outputs="loss", **one, **options)


def solve(
    g: Any,
    *,
    g_magnitude: Any = None,
    geometry: Geometry | None = None,
    wavenumber: ArrayOrNumber | None = None,
    chi: ArrayOrNumber | None = None,
) -> Roots:
    """Rotation angles at which scattering vectors lie on the Ewald sphere; differentiable.

    Parameters
    ----------
    g : array, shape (..., 3)
        Scattering vectors in the sample frame at omega = 0, 1/Angstrom with 2 pi.
    g_magnitude : array, optional
        |g|, an input of its own; None: computed from g, and derivatives by g include it.
    geometry : braggrad.Geometry, optional
        Beam and axis; default beam +x, axis +z. A constant of the traced code.
    wavenumber, chi : float or array, optional
        1/Angstrom and rad, instead of the geometry's; arrays broadcast against the batch and are differentiated by.

    Returns
    -------
    Roots
        omega1, omega2, observable, of the shape of the batch.

    Raises
    ------
    ValueError
        Names the argument.

    Notes
    -----
    Derivatives are analytic, in forward and reverse mode; second ones are refused. Source: docs/physics.md.
    """
    k_number, k = _given("wavenumber", wavenumber)
    chi_number, tilt = _given("chi", chi)
    vectors = _real("g", g)
    if vectors.ndim == 0 or vectors.shape[-1] != 3:
        raise ValueError(f"g has the shape {vectors.shape}: (..., 3) is needed")
    magnitude = None if g_magnitude is None else _real("g_magnitude", g_magnitude)
    rest = {"g_magnitude": magnitude, "wavenumber": k, "chi": tilt}
    dtype = _type(vectors, *rest.values())
    batch = _batch(g=vectors.shape[:-1], **{n: None if a is None else a.shape for n, a in rest.items()})
    constants = Constants(_values(geometry, k_number, chi_number, k is not None))
    arrays = [_spread(vectors, batch, (3,), dtype), *(_spread(array, batch, (), dtype) for array in rest.values())]
    return Roots(*(part.reshape(batch) for part in _primitives.solve.bind(*arrays, constants=constants)))


def predict(
    reflections: Reflections | Any,
    rotation: Any,
    *,
    geometry: Geometry | None = None,
    wavenumber: ArrayOrNumber | None = None,
    chi: ArrayOrNumber | None = None,
    magnitude_from_rotated: bool = False,
) -> Roots:
    """Rotation angles of all reflections in all orientations; differentiable.

    Parameters
    ----------
    reflections : braggrad.Reflections, or array of shape (N, 3)
        A set, or vectors q of the crystal frame, 1/Angstrom with 2 pi, which are differentiated by.
    rotation : array, shape (..., 3, 3)
        Crystal to sample. Derivatives are by the nine free entries.
    geometry, wavenumber, chi
        As in `solve`; arrays broadcast against the orientations.
    magnitude_from_rotated : bool
        Take |R q| instead of |q|: the derivative of the former by entries of R.

    Returns
    -------
    Roots
        omega1, omega2, observable, each (..., N).

    Raises
    ------
    ValueError
        Names the argument.

    Notes
    -----
    Source: docs/physics.md.
    """
    k_number, k = _given("wavenumber", wavenumber)
    chi_number, tilt = _given("chi", chi)
    matrices = _rotations(rotation)
    frozen = isinstance(reflections, Reflections)
    q = reflections.q if isinstance(reflections, Reflections) else _real("reflections", reflections)
    if jnp.issubdtype(q.dtype, jnp.integer):
        raise ValueError(f"reflections has the type {q.dtype}: make a Reflections of Miller indices; vectors are real")
    if q.ndim != 2 or q.shape[1] != 3:
        raise ValueError(f"reflections has the shape {q.shape}: (N, 3) is needed")
    dtype = _type(matrices, k, tilt, None if frozen else q)
    batch = _batch(
        rotation=matrices.shape[:-2],
        wavenumber=None if k is None else k.shape,
        chi=None if tilt is None else tilt.shape,
    )
    flags = abi.BRG_MAGNITUDE_FROM_ROTATED if magnitude_from_rotated else 0
    roots = _primitives.predict.bind(
        _spread(matrices, batch, (3, 3), dtype),
        _spread(k, batch, (), dtype),
        _spread(tilt, batch, (), dtype),
        jnp.asarray(q, dtype),
        constants=Constants(_values(geometry, k_number, chi_number, k is not None), flags),
    )
    return Roots(*(part.reshape(*batch, q.shape[0]) for part in roots))


def omega_loss(
    reflections: Reflections,
    rotation: Any,
    omega1: Any = None,
    omega2: Any = None,
    *,
    weight1: Any = None,
    weight2: Any = None,
    loss: str = "squares",
    delta: float = 0.0,
    missing_loss: float = 0.0,
    geometry: Geometry | None = None,
    wavenumber: ArrayOrNumber | None = None,
    chi: ArrayOrNumber | None = None,
    magnitude_from_rotated: bool = False,
) -> jax.Array:
    """Loss of observed angles for each orientation; its derivatives are made in the same pass, without the angles.

    Parameters
    ----------
    reflections : braggrad.Reflections
        The set.
    rotation, geometry, wavenumber, chi, magnitude_from_rotated
        As in `predict`; the loss is differentiated by rotation, wavenumber and chi.
    omega1, omega2, weight1, weight2 : array, shape (N,) or (..., N), optional
        Observed angles, rad, any turn, and weights; (N,) is shared by all orientations. nan: no target. Constants.
    loss, delta, missing_loss
        As in `braggrad.omega_loss`; constants of the traced code.

    Returns
    -------
    jax.Array
        The loss of each orientation, of the shape of their batch.

    Raises
    ------
    ValueError
        Names the argument.
    NotImplementedError
        For derivatives by targets and weights, and second ones.

    Notes
    -----
    Source: ``include/braggrad/fit.h``.
    """
    if not isinstance(reflections, Reflections):
        raise ValueError("reflections is no Reflections: make one first")
    k_number, k = _given("wavenumber", wavenumber)
    chi_number, tilt = _given("chi", chi)
    matrices = _rotations(rotation)
    count = len(reflections)
    named = {"omega1": omega1, "omega2": omega2, "weight1": weight1, "weight2": weight2}
    targets = {name: None if value is None else _real(name, value) for name, value in named.items()}
    for name, target in targets.items():
        if target is not None and (target.ndim == 0 or target.shape[-1] != count):
            raise ValueError(f"{name} has the shape {target.shape}: (..., {count}) is needed")
    shared = all(target is None or target.ndim == 1 for target in targets.values())
    dtype = _type(matrices, k, tilt, *targets.values())
    batch = _batch(
        rotation=matrices.shape[:-2],
        wavenumber=None if k is None else k.shape,
        chi=None if tilt is None else tilt.shape,
        **{name: None if target is None else target.shape[:-1] for name, target in targets.items()},
    )
    flags = abi.BRG_MAGNITUDE_FROM_ROTATED if magnitude_from_rotated else 0
    values = _values(geometry, k_number, chi_number, k is not None)
    _check_loss(targets, dtype, loss=loss, delta=delta, missing_loss=missing_loss)
    (result,) = _primitives.omega_loss.bind(
        _spread(matrices, batch, (3, 3), dtype),
        _spread(k, batch, (), dtype),
        _spread(tilt, batch, (), dtype),
        jnp.asarray(reflections.q, dtype),
        *(
            target.astype(dtype) if shared and target is not None else _spread(target, batch, (count,), dtype)
            for target in targets.values()
        ),
        constants=Constants(values, flags, loss_code(loss), float(delta), float(missing_loss)),
        needs=(False,) * 3,
    )
    answer: jax.Array = result.reshape(batch)
    return answer
