"""braggrad on JAX's arrays of the CPU: jit, grad and vmap through the analytic adjoint.

Calls go to libbraggrad_jax, handlers of XLA's foreign function interface, where it was built with the library (the
build finds JAX); `HANDLERS` says whether. Without it they go back through Python (`jax.pure_callback`), which costs
more, and a warning says so.
"""

import ctypes
import pathlib
import warnings
from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.custom_batching import custom_vmap

from . import _abi as abi
from . import _predict, _solve
from ._geometry import DEFAULT, Geometry
from ._library import library
from ._reflections import Reflections


def _register() -> bool:
    path = pathlib.Path(library._name).with_name("libbraggrad_jax.so")
    if not path.is_file():
        warnings.warn(f"{path} is not there: braggrad.jax calls back into Python", RuntimeWarning, stacklevel=3)
        return False
    handlers = ctypes.CDLL(str(path))
    for name in ("solve", "solve_vjp", "predict", "predict_vjp"):
        capsule = jax.ffi.pycapsule(getattr(handlers, f"braggrad_jax_{name}"))
        jax.ffi.register_ffi_target(f"braggrad_{name}", capsule, platform="cpu")
    return True


HANDLERS: bool = _register()
"""Whether calls go to XLA's handlers, or back through Python."""

ArrayOrNumber = Any  # float, or whatever becomes a JAX array


class Roots(NamedTuple):
    """Both angles in rad, in [-pi, pi], and whether there are any (bool). Where there are none the angles are 0."""

    omega1: jax.Array
    omega2: jax.Array
    observable: jax.Array


class _Constants(NamedTuple):
    """What is known when a call is traced."""

    values: tuple[float, ...]  # Geometry.values
    flags: int
    frozen: bool  # the vectors q are constants


# ---------------------------------------------------------------- without handlers


def _beamline(values: Sequence[float], k: Any, chi: Any) -> dict[str, Any]:
    geometry = Geometry.from_values(values)
    return {"geometry": geometry, "wavenumber": k if k.size else None, "chi": chi if chi.size else None}


def _python(name: str, constants: _Constants, *arrays: Any) -> tuple[Any, ...]:
    """The same calls on NumPy's arrays."""
    if name.startswith("solve"):
        g, magnitude, k, chi, *bars = (np.asarray(array) for array in arrays)
        options = {**_beamline(constants.values, k, chi), "g_magnitude": magnitude if magnitude.size else None}
        if not bars:
            return tuple(_solve.solve(g, **options))
        given = {"g": g, "g_magnitude": magnitude, "wavenumber": k, "chi": chi}
        wrt = [key for key, array in given.items() if array.size]
        results = _solve.solve_vjp(g, *bars, wrt=wrt, **options)
    else:
        rotation, k, chi, q, *bars = (np.asarray(array) for array in arrays)
        options = _beamline(constants.values, k, chi)
        options["magnitude_from_rotated"] = constants.flags == abi.BRG_MAGNITUDE_FROM_ROTATED
        reflections = (
            Reflections.from_vectors(q) if q.dtype == np.float64 else Reflections.view(np.ascontiguousarray(q))
        )
        if not bars:
            return tuple(_predict.predict(reflections, rotation, **options))
        given = {"rotation": rotation, "wavenumber": k, "chi": chi, "q": q[:0] if constants.frozen else q}
        wrt = [key for key, array in given.items() if array.size]
        results = _predict.predict_vjp(reflections, rotation, *bars, wrt=wrt, **options)
    empty = np.empty(0, arrays[0].dtype)
    return tuple(results.get(key, empty) for key in given)


# ---------------------------------------------------------------- one call, and many by vmap


def _call(name: str, constants: _Constants, shapes: Sequence[Any], arrays: Sequence[Any]) -> Any:
    if not HANDLERS:
        return jax.pure_callback(partial(_python, name, constants), tuple(shapes), *arrays, vmap_method="sequential")
    attributes: dict[str, Any] = {"geometry": np.array(constants.values)}
    if name.startswith("predict"):
        attributes["flags"] = np.int64(constants.flags)
    return jax.ffi.ffi_call(f"braggrad_{name}", tuple(shapes))(*arrays, **attributes)


def _shapes(name: str, constants: _Constants, arrays: Sequence[Any]) -> list[Any]:
    """What a call returns."""
    first, dtype = arrays[0], arrays[0].dtype
    if name.endswith("_vjp"):
        inputs = [array.shape for array in arrays[:4]]
        if name == "predict_vjp" and constants.frozen:
            inputs[3] = (0,)
        return [jax.ShapeDtypeStruct(shape, dtype) for shape in inputs]
    shape = first.shape[:1] if name == "solve" else (first.shape[0], arrays[3].shape[0])
    return [jax.ShapeDtypeStruct(shape, kind) for kind in (dtype, dtype, jnp.bool_)]


@cache
def _function(name: str, constants: _Constants) -> Callable[..., Any]:
    """A call whose vmapped axis is merged with the batch: one call of the library again.

    The vectors of the reflections have no batch: a vmap over them is a loop.
    """

    @custom_vmap
    def function(*arrays: Any) -> Any:
        return _call(name, constants, _shapes(name, constants, arrays), arrays)

    @function.def_vmap
    def _(size: int, batched: Any, *arrays: Any) -> Any:
        is_vectors = [name.startswith("predict") and place == 3 for place in range(len(arrays))]
        makes_vectors = name == "predict_vjp" and not constants.frozen
        if makes_vectors or any(one and vectors for one, vectors in zip(batched, is_vectors, strict=True)):
            whole = [
                a if one else jnp.broadcast_to(a, (size, *a.shape)) for a, one in zip(arrays, batched, strict=True)
            ]
            results = jax.lax.map(lambda parts: function(*parts), tuple(whole))
            return results, (True,) * len(results)
        merged = []
        for array, one, vectors in zip(arrays, batched, is_vectors, strict=True):
            if vectors:
                merged.append(array)
                continue
            front = array if one else jnp.broadcast_to(array, (size, *array.shape))
            merged.append(front.reshape(front.shape[0] * front.shape[1], *front.shape[2:]))
        results = function(*merged)
        split = [r.reshape(size, r.shape[0] // size, *r.shape[1:]) for r in results]
        return tuple(split), (True,) * len(split)

    return function


def _differentiable(name: str) -> Callable[..., Any]:
    """The call with its adjoint."""

    def call(constants: _Constants, *arrays: Any) -> Any:
        return _function(name, constants)(*arrays)

    def forward(constants: _Constants, *arrays: Any) -> Any:
        return call(constants, *arrays), arrays

    def backward(constants: _Constants, arrays: Any, bars: Any) -> Any:
        results = list(_function(f"{name}_vjp", constants)(*arrays, *bars[:2]))
        if name == "predict" and constants.frozen:
            results[3] = jnp.zeros_like(arrays[3])
        return tuple(results)

    function = jax.custom_vjp(call, nondiff_argnums=(0,))
    function.defvjp(forward, backward)
    return function


_solve_call = _differentiable("solve")
_predict_call = _differentiable("predict")


# ---------------------------------------------------------------- what users call


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


def _values(geometry: Geometry | None, k: float | None, chi: float | None, own: bool) -> tuple[float, ...]:
    values = (DEFAULT if geometry is None else geometry).values
    if k is not None:
        values = (float(k), *values[1:])
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


def solve(
    g: Any,
    *,
    g_magnitude: Any = None,
    geometry: Geometry | None = None,
    wavenumber: ArrayOrNumber | None = None,
    chi: ArrayOrNumber | None = None,
) -> Roots:
    """Rotation angles at which scattering vectors lie on the Ewald sphere; differentiable in reverse mode.

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
    Source: docs/physics.md.
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
    constants = _Constants(_values(geometry, k_number, chi_number, k is not None), 0, False)
    arrays = [_spread(vectors, batch, (3,), dtype), *(_spread(array, batch, (), dtype) for array in rest.values())]
    return Roots(*(part.reshape(batch) for part in _solve_call(constants, *arrays)))


def predict(
    reflections: Reflections | Any,
    rotation: Any,
    *,
    geometry: Geometry | None = None,
    wavenumber: ArrayOrNumber | None = None,
    chi: ArrayOrNumber | None = None,
    magnitude_from_rotated: bool = False,
) -> Roots:
    """Rotation angles of all reflections in all orientations; differentiable in reverse mode.

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
    matrices = _real("rotation", rotation)
    if matrices.shape[-2:] != (3, 3):
        raise ValueError(f"rotation has the shape {matrices.shape}: (..., 3, 3) is needed")
    frozen = isinstance(reflections, Reflections)
    q = reflections.q if isinstance(reflections, Reflections) else _real("reflections", reflections)
    if q.ndim != 2 or q.shape[1] != 3:
        raise ValueError(f"reflections has the shape {q.shape}: (N, 3) is needed")
    dtype = _type(matrices, k, tilt, None if frozen else q)
    batch = _batch(
        rotation=matrices.shape[:-2],
        wavenumber=None if k is None else k.shape,
        chi=None if tilt is None else tilt.shape,
    )
    flags = abi.BRG_MAGNITUDE_FROM_ROTATED if magnitude_from_rotated else 0
    constants = _Constants(_values(geometry, k_number, chi_number, k is not None), flags, frozen)
    roots = _predict_call(
        constants,
        _spread(matrices, batch, (3, 3), dtype),
        _spread(k, batch, (), dtype),
        _spread(tilt, batch, (), dtype),
        jnp.asarray(q, dtype),
    )
    return Roots(*(part.reshape(*batch, q.shape[0]) for part in roots))
