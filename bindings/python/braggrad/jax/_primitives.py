"""The calls of the library as primitives of JAX: derivatives in both modes, and vmap as one larger call.

A directional derivative is linear in the changes, and its transpose is the adjoint: forward mode, reverse mode and
everything that JAX makes of them follow from the two. What is not given, and what is exactly zero, is an array of the
shape (0,). Second derivatives are refused.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import Any

import jax
import jax.numpy as jnp
from jax.core import ShapedArray
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir

from .. import _abi as abi
from ._handlers import Constants, call

NO_SECOND = "braggrad has no second derivatives: differentiate once"
INPUTS = 4
"""solve: g, g_magnitude, wavenumber, chi. predict and omega_loss: rotation, wavenumber, chi, q."""
VECTORS = 3
"""Of these the one without a batch, in predict and omega_loss."""


def _nothing(dtype: Any) -> Any:
    return jnp.zeros((0,), dtype)


def _is_there(array: Any) -> bool:
    return not isinstance(array, ad.Zero)


def _shapes(name: str, arrays: Sequence[Any], constants: Constants, needs: tuple[bool, ...] = ()) -> list[Any]:
    """Shape and type of what a primitive answers with."""
    first, dtype = arrays[0], arrays[0].dtype
    batch = first.shape[:1]
    if name.endswith("_vjp"):
        return [(array.shape, dtype) for array, need in zip(arrays[:INPUTS], needs, strict=True) if need]
    if name == "omega_loss":
        columns = bool(constants.parameters & abi.BRG_FIT_WAVENUMBER) + bool(constants.parameters & abi.BRG_FIT_CHI)
        bars = ((first.shape, needs[0]), ((*batch, columns), columns))
        return [(batch, dtype), *((shape, dtype) for shape, need in bars if need)]
    shape = batch if name.startswith("solve") else (*batch, arrays[VECTORS].shape[0])
    angles = [(shape, dtype), (shape, dtype)]
    return angles if name.endswith("_jvp") else [*angles, (shape, jnp.bool_)]


def _computed(name: str, platform: str, *arrays: Any, constants: Constants, needs: tuple[bool, ...] = ()) -> list[Any]:
    """The call itself: what is not needed goes to the library as an array without elements, and no further."""
    made = iter(_shapes(name, arrays, constants, needs))
    wanted: tuple[bool, ...] = (True,) * 3
    if name.endswith("_vjp"):
        wanted = needs
    elif name.endswith("_jvp"):
        wanted = (True,) * 2
    elif name == "omega_loss":
        mask = abi.BRG_FIT_WAVENUMBER | abi.BRG_FIT_CHI
        wanted = (True, needs[0], bool(constants.parameters & mask))
    shapes = [next(made) if want else ((0,), arrays[0].dtype) for want in wanted]
    whole = [jax.ShapeDtypeStruct(*shape) for shape in shapes]
    results = call(name, platform, constants, whole, arrays)
    return [result for result, want in zip(results, wanted, strict=True) if want]


@lru_cache(maxsize=128)  # a compiled program has a megabyte, and each geometry its own
def _compiled(primitive: Primitive, **options: Any) -> Callable[..., Any]:
    """What a primitive does outside of jit."""
    return jax.jit(partial(primitive.bind, **options))


def _batched(primitive: Primitive, arrays: Sequence[Any], dims: Sequence[int | None], **options: Any) -> Any:
    """A vmapped axis is merged with the batch; over the vectors of reflections, which have none, it is a loop."""
    name: str = primitive.name.removeprefix("braggrad_")
    size = next(array.shape[dim] for array, dim in zip(arrays, dims, strict=True) if dim is not None)
    fronts = [array if dim is None else jnp.moveaxis(array, dim, 0) for array, dim in zip(arrays, dims, strict=True)]
    vectors = set()
    if not name.startswith("solve"):
        vectors = {VECTORS, INPUTS + VECTORS} if name == "predict_jvp" else {VECTORS}
    makes_vectors = name == "predict_vjp" and options["needs"][VECTORS]
    if makes_vectors or any(dims[place] is not None for place in vectors):
        looped = [front for front, dim in zip(fronts, dims, strict=True) if dim is not None]

        def one(parts: Any) -> Any:
            each = iter(parts)
            return primitive.bind(
                *(front if dim is None else next(each) for front, dim in zip(fronts, dims, strict=True)), **options
            )

        results = jax.lax.map(one, looped)
        return results, (0,) * len(results)
    count = fronts[0].shape[0 if dims[0] is None else 1]
    places = range(len(fronts))
    targets = places[INPUTS:] if name == "omega_loss" else range(0)
    shared = all(dims[place] is None and fronts[place].ndim == 1 for place in targets)
    merged = []
    for place, front, dim in zip(places, fronts, dims, strict=True):
        if place in vectors or (place in targets and shared):
            merged.append(front)
            continue
        if place in targets and front.size and front.ndim == (1 if dim is None else 2):  # of all orientations
            front = jnp.broadcast_to(front[..., None, :], (*front.shape[:-1], count, front.shape[-1]))
        whole = jnp.broadcast_to(front, (size, *front.shape)) if dim is None else front
        merged.append(whole.reshape(whole.shape[0] * whole.shape[1], *whole.shape[2:]))
    results = primitive.bind(*merged, **options)
    return [r.reshape(size, count, *r.shape[1:]) for r in results], (0,) * len(results)


def _primitive(name: str) -> Primitive:
    primitive = Primitive(f"braggrad_{name}")
    primitive.multiple_results = True

    def evaluated(*arrays: Any, **options: Any) -> Any:
        with jax.disable_jit(False):  # without jit the primitive would be bound, and evaluated, again
            return _compiled(primitive, **options)(*arrays)

    def abstract(*arrays: Any, **options: Any) -> Any:
        return [ShapedArray(*shape) for shape in _shapes(name, arrays, **options)]

    primitive.def_impl(evaluated)
    primitive.def_abstract_eval(abstract)
    for platform in (None, "cpu", "cuda"):
        lowered = mlir.lower_fun(partial(_computed, name, platform or "other"), multiple_results=True)
        mlir.register_lowering(primitive, lowered, platform=platform)
    batching.primitive_batchers[primitive] = partial(_batched, primitive)
    return primitive


def _family(name: str) -> Primitive:
    """A primitive of roots; its directional derivative and its adjoint are each other's transposes."""
    value, tangent, adjoint = _primitive(name), _primitive(f"{name}_jvp"), _primitive(f"{name}_vjp")

    def value_jvp(inputs: Any, dots: Any, *, constants: Constants) -> Any:
        roots = value.bind(*inputs, constants=constants)
        given = [dot if _is_there(dot) else _nothing(inputs[0].dtype) for dot in dots]
        omega1, omega2 = tangent.bind(*inputs, *given, constants=constants)
        return roots, [omega1, omega2, ad.Zero(ShapedArray(roots[2].shape, jax.dtypes.float0))]

    def tangent_transposed(bars: Any, *arrays: Any, constants: Constants) -> Any:
        inputs, dots = arrays[:INPUTS], arrays[INPUTS:]
        needs = tuple(
            ad.is_undefined_primal(dot) and dot.aval.shape == i.shape for dot, i in zip(dots, inputs, strict=True)
        )
        given = [bar if _is_there(bar) else _nothing(inputs[0].dtype) for bar in bars]
        results = iter(adjoint.bind(*inputs, *given, constants=constants, needs=needs))
        return [*(None for _ in inputs), *(next(results) if need else None for need in needs)]

    def adjoint_transposed(dots: Any, *arrays: Any, constants: Constants, needs: tuple[bool, ...]) -> Any:
        inputs, made = arrays[:INPUTS], iter(dots)
        whole = [next(made) if need else None for need in needs]
        given = [_nothing(inputs[0].dtype) if dot is None or not _is_there(dot) else dot for dot in whole]
        results = tangent.bind(*inputs, *given, constants=constants)
        bars = arrays[INPUTS:]
        return [
            *(None for _ in inputs),
            *(r if ad.is_undefined_primal(bar) else None for r, bar in zip(results, bars, strict=True)),
        ]

    def linear_jvp(primitive: Primitive, arrays: Any, dots: Any, **options: Any) -> Any:
        if any(_is_there(dot) for dot in dots[:INPUTS]):
            raise NotImplementedError(NO_SECOND)
        changes = [dot if _is_there(dot) else jnp.zeros_like(a) for a, dot in zip(arrays, dots, strict=True)]
        results = primitive.bind(*arrays, **options)
        return results, primitive.bind(*arrays[:INPUTS], *changes[INPUTS:], **options)

    ad.primitive_jvps[value] = value_jvp
    for primitive, transposed in ((tangent, tangent_transposed), (adjoint, adjoint_transposed)):
        ad.primitive_jvps[primitive] = partial(linear_jvp, primitive)
        ad.primitive_transposes[primitive] = transposed
    return value


solve, predict = _family("solve"), _family("predict")
omega_loss = _primitive("omega_loss")


def _loss_jvp(inputs: Any, dots: Any, *, constants: Constants, needs: tuple[bool, ...]) -> Any:
    if any(needs):
        raise NotImplementedError(NO_SECOND)
    if any(_is_there(dot) for dot in dots[VECTORS:]):
        raise NotImplementedError("omega_loss is differentiated by rotation, wavenumber and chi: the rest is constant")
    there = tuple(_is_there(dot) for dot in dots[:VECTORS])
    mask = (abi.BRG_FIT_WAVENUMBER if there[1] else 0) | (abi.BRG_FIT_CHI if there[2] else 0)
    value, *bars = omega_loss.bind(*inputs, constants=constants._replace(parameters=mask), needs=there)
    change: Any = 0.0
    if there[0]:
        change = change + (bars.pop(0) * dots[0]).sum((1, 2))
    for column, dot in enumerate(dot for dot in dots[1:VECTORS] if _is_there(dot)):
        change = change + bars[0][:, column] * dot
    return [value], [change]


ad.primitive_jvps[omega_loss] = _loss_jvp
