"""The calls of the library as XLA runs them: by handlers of its foreign function interface, or back through Python.

Arrays are those of the primitives: what is not given has the shape (0,), and so has what is not asked for.
"""

import ctypes
import math
import pathlib
import warnings
from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import numpy as np

from .. import _abi as abi
from .. import _fit, _predict, _solve
from .._geometry import Geometry
from .._library import build_info, library
from .._reflections import Reflections

NAMES = ("solve", "solve_jvp", "solve_vjp", "predict", "predict_jvp", "predict_vjp", "omega_loss")


def _register() -> frozenset[str]:
    path = pathlib.Path(library._name).with_name("libbraggrad_jax.so")
    if not path.is_absolute():  # the system's library; its handlers are the package's
        path = pathlib.Path(__file__).resolve().parents[1] / path.name
    if not path.is_file():
        warnings.warn(f"{path} is not there: braggrad.jax calls back into Python", RuntimeWarning, stacklevel=3)
        return frozenset()
    handlers = ctypes.CDLL(str(path))
    platforms = {"cpu": ""} if "without CUDA" in build_info() else {"cpu": "", "cuda": "_cuda"}
    for platform, suffix in platforms.items():
        for name in NAMES:
            capsule = jax.ffi.pycapsule(getattr(handlers, f"braggrad_jax_{name}{suffix}"))
            jax.ffi.register_ffi_target(f"braggrad_{name}", capsule, platform="CUDA" if suffix else platform)
    return frozenset(platforms)


HANDLERS = _register()
"""The platforms of JAX on which calls go to XLA's handlers; on others they go back through Python."""


class Constants(NamedTuple):
    """What is known when a call is traced."""

    geometry: tuple[float, ...]  # Geometry.values
    flags: int = 0  # of the orientations
    loss: int = 0  # of omega_loss alone, and so are the others
    delta: float = 0.0
    missing_loss: float = 0.0
    parameters: int = 0


def call(name: str, platform: str, constants: Constants, shapes: Sequence[Any], arrays: Sequence[Any]) -> Any:
    """The results, of these shapes and types, of a function of the library on a platform of JAX."""
    if platform not in HANDLERS:
        return _call_back(name, constants, shapes, arrays)
    attributes: dict[str, Any] = {"geometry": np.array(constants.geometry)}
    if not name.startswith("solve"):
        attributes["flags"] = np.int64(constants.flags)
    if name == "omega_loss":
        attributes["loss"] = np.int64(constants.loss)
        attributes["delta"] = np.float64(constants.delta)
        attributes["missing_loss"] = np.float64(constants.missing_loss)
        attributes["parameters"] = np.int64(constants.parameters)
    return jax.ffi.ffi_call(f"braggrad_{name}", tuple(shapes))(*arrays, **attributes)


# ---------------------------------------------------------------- back through Python


def _call_back(name: str, constants: Constants, shapes: Sequence[Any], arrays: Sequence[Any]) -> Any:
    """The same through Python, on other devices by copies to the host and back."""
    back = partial(_python, name, constants, tuple(shapes))
    return jax.pure_callback(back, tuple(shapes), *arrays, vmap_method="sequential")


def _python(name: str, constants: Constants, shapes: Sequence[Any], *arrays: Any) -> tuple[Any, ...]:
    """The same calls on NumPy's arrays."""
    inputs = [np.asarray(array) for array in arrays]
    results = (_solve_call if name.startswith("solve") else _pairs_call)(name, constants, shapes, inputs)
    return tuple(
        np.empty(shape.shape, shape.dtype) if result is None else result
        for result, shape in zip(results, shapes, strict=True)
    )


def _given(**arrays: Any) -> dict[str, Any]:
    """Those that are there."""
    return {name: array for name, array in arrays.items() if array.size}


def _wanted(names: Sequence[str], shapes: Sequence[Any]) -> list[str]:
    """Those whose results have a size."""
    return [name for name, shape in zip(names, shapes, strict=True) if math.prod(shape.shape)]


def _solve_call(name: str, constants: Constants, shapes: Sequence[Any], arrays: Sequence[Any]) -> Sequence[Any]:
    g, magnitude, k, chi, *rest = arrays
    options = {
        "geometry": Geometry.from_values(constants.geometry),
        **_given(g_magnitude=magnitude, wavenumber=k, chi=chi),
    }
    if name == "solve":
        return _solve.solve(g, **options)
    if name == "solve_jvp":
        dots = dict(zip(("g_dot", "g_magnitude_dot", "wavenumber_dot", "chi_dot"), rest, strict=True))
        return _solve.solve_jvp(g, **_given(**dots), **options)[:2]
    names = "g", "g_magnitude", "wavenumber", "chi"
    bars = dict(zip(("omega1_bar", "omega2_bar"), rest, strict=True))
    found = _solve.solve_vjp(g, wrt=_wanted(names, shapes), **_given(**bars), **options)
    return [found.get(key) for key in names]


def _pairs_call(name: str, constants: Constants, shapes: Sequence[Any], arrays: Sequence[Any]) -> Sequence[Any]:
    rotation, k, chi, q, *rest = arrays
    reflections = Reflections.view(np.ascontiguousarray(q))
    options = {"geometry": Geometry.from_values(constants.geometry), **_given(wavenumber=k, chi=chi)}
    options["magnitude_from_rotated"] = constants.flags == abi.BRG_MAGNITUDE_FROM_ROTATED
    if name == "predict":
        return _predict.predict(reflections, rotation, **options)
    if name == "predict_jvp":
        dots = dict(zip(("rotation_dot", "wavenumber_dot", "chi_dot", "q_dot"), rest, strict=True))
        return _predict.predict_jvp(reflections, rotation, **_given(**dots), **options)[:2]
    if name == "predict_vjp":
        names = "rotation", "wavenumber", "chi", "q"
        bars = dict(zip(("omega1_bar", "omega2_bar"), rest, strict=True))
        found = _predict.predict_vjp(reflections, rotation, wrt=_wanted(names, shapes), **_given(**bars), **options)
        return [found.get(key) for key in names]
    outputs = _wanted(("loss", "rotation_bar", "gradient"), shapes)
    targets = dict(zip(("omega1", "omega2", "weight1", "weight2"), rest, strict=True))
    found = _fit.omega_loss(
        reflections,
        rotation,
        outputs=outputs,
        parameters=[name for name, (bit, _) in _fit.PARAMETERS.items() if constants.parameters & bit],
        loss=next(loss for loss, code in _fit.LOSSES.items() if code == constants.loss),
        delta=constants.delta,
        missing_loss=constants.missing_loss,
        **_given(**targets),
        **options,
    )
    return [found.get(key) for key in ("loss", "rotation_bar", "gradient")]
