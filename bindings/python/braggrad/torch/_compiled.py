"""Under torch.compile: the same calls as operators of torch.library, with rules for fake tensors.

Eager mode does not use them: an operator costs tens of microseconds a call. What is constant comes as numbers, a set of
reflections as its key.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, library

from .._reflections import reflections_of_key
from ._autograd import weighted
from ._operations import Loss, Operation, Predict, Solve, contiguous

VECTORS = 0  # key of a predict whose reflections are the tensor q
ITEMS = -1  # key of a solve


def _operation(geometry: Sequence[float], key: int, flags: int) -> Operation:
    values = tuple(geometry)
    if key == ITEMS:
        return Solve(values)
    return Predict(values, None if key == VECTORS else reflections_of_key(key), flags)


def _tensors(key: int, *five: Tensor | None) -> list[Tensor | None]:
    return contiguous(five[:4] if key == ITEMS else five)


@library.custom_op("braggrad::roots", mutates_args=())
def roots(
    first: Tensor,
    second: Tensor | None,
    wavenumber: Tensor | None,
    chi: Tensor | None,
    q: Tensor | None,
    geometry: Sequence[float],
    key: int,
    count: int,
    flags: int,
) -> tuple[Tensor, Tensor, Tensor]:
    """omega1, omega2, observable of g, g_magnitude (key ITEMS) or rotation, reciprocal basis of `count` reflections."""
    return _operation(geometry, key, flags).value(_tensors(key, first, second, wavenumber, chi, q))


@library.custom_op("braggrad::adjoint", mutates_args=())
def adjoint(
    first: Tensor,
    second: Tensor | None,
    wavenumber: Tensor | None,
    chi: Tensor | None,
    q: Tensor | None,
    bar1: Tensor | None,
    bar2: Tensor | None,
    geometry: Sequence[float],
    key: int,
    flags: int,
    needs: Sequence[int],
) -> list[Tensor]:
    """dL/d of the tensors that are needed."""
    tensors = _tensors(key, first, second, wavenumber, chi, q)
    wanted = [bool(need) for need in needs[: len(tensors)]]
    results = _operation(geometry, key, flags).adjoint(tensors, contiguous((bar1, bar2)), wanted)
    return [result for result in results if result is not None]


@roots.register_fake
def _(first: Tensor, *rest: Any) -> tuple[Tensor, Tensor, Tensor]:
    *_, key, count, _flags = rest
    shape = (first.shape[0],) if key == ITEMS else (first.shape[0], count)
    return first.new_empty(shape), first.new_empty(shape), first.new_empty(shape, dtype=torch.bool)


@adjoint.register_fake
def _(*arguments: Any) -> list[Tensor]:
    needs = arguments[-1]
    return [
        torch.empty_like(tensor, memory_format=torch.contiguous_format)
        for tensor, need in zip(arguments[:5], needs, strict=True)
        if need
    ]


def _setup(ctx: Any, inputs: Any, output: Any) -> None:
    ctx.constants = inputs[5:]
    ctx.mark_non_differentiable(output[2])
    ctx.save_for_backward(*inputs[:5])


def _backward(ctx: Any, bar1: Tensor | None, bar2: Tensor | None, _: Any) -> Any:
    geometry, key, _count, flags = ctx.constants
    tensors = ctx.saved_tensors
    needs = [int(tensor is not None and need) for tensor, need in zip(tensors, ctx.needs_input_grad, strict=False)]
    given = iter(adjoint(*tensors, bar1, bar2, geometry, key, flags, needs))
    return *(next(given) if need else None for need in needs), None, None, None, None


roots.register_autograd(_backward, setup_context=_setup)


@library.custom_op("braggrad::loss", mutates_args=())
def loss_and_bars(
    rotation: Tensor,
    wavenumber: Tensor | None,
    chi: Tensor | None,
    omega1: Tensor | None,
    omega2: Tensor | None,
    weight1: Tensor | None,
    weight2: Tensor | None,
    geometry: Sequence[float],
    key: int,
    flags: int,
    kind: int,
    delta: float,
    missing_loss: float,
    needs: Sequence[int],
) -> list[Tensor]:
    """The loss, and those of its derivatives by rotation, wavenumber and chi that are needed."""
    operation = Loss(tuple(geometry), reflections_of_key(key), flags, kind, delta, missing_loss)
    tensors = contiguous((rotation, wavenumber, chi, omega1, omega2, weight1, weight2))
    value, bars = operation.value(tensors, [bool(need) for need in needs])
    return [value, *(bar.contiguous() for bar in bars if bar is not None)]


@loss_and_bars.register_fake
def _(rotation: Tensor, *rest: Any) -> list[Tensor]:
    count, needs = rotation.shape[0], rest[-1]
    shapes = [
        (count,),
        *(shape for shape, need in zip(((count, 3, 3), (count,), (count,)), needs, strict=True) if need),
    ]
    return [rotation.new_empty(shape) for shape in shapes]


@library.custom_op("braggrad::weighted", mutates_args=())
def weighted_bar(weight: Tensor, bar: Tensor) -> Tensor:
    """A derivative of the loss times dL/dloss; an operator of its own, which has no derivative."""
    return weighted(weight, bar)


@weighted_bar.register_fake
def _(weight: Tensor, bar: Tensor) -> Tensor:
    return torch.empty_like(bar)


def _loss_setup(ctx: Any, inputs: Any, output: Any) -> None:
    ctx.needs = inputs[-1]
    ctx.save_for_backward(*output[1:])


def _loss_backward(ctx: Any, bars: Any) -> Any:
    given = iter(ctx.saved_tensors)
    results = [weighted_bar(bars[0], next(given)) if need else None for need in ctx.needs]
    return *results, *(None for _ in range(11))


loss_and_bars.register_autograd(_loss_backward, setup_context=_loss_setup)


def loss(*arguments: Any) -> Tensor:
    """The loss [B] of the arguments of `loss_and_bars` but the last."""
    graph = torch.is_grad_enabled()
    needs = [int(graph and tensor is not None and tensor.requires_grad) for tensor in arguments[:3]]
    value: Tensor = loss_and_bars(*arguments, needs)[0]
    return value
