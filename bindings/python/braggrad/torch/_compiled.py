"""Under torch.compile: the same calls as operators of torch.library, with rules for fake tensors.

Eager mode does not use them: an operator costs tens of microseconds a call. What is constant comes as numbers, a set of
reflections as its key.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, library

from .._geometry import struct_of
from .._reflections import reflections_of_key
from ._operations import Operation, Predict, Solve, contiguous

VECTORS = 0  # key of a predict whose reflections are the tensor q
ITEMS = -1  # key of a solve


def _operation(geometry: Sequence[float], key: int, flags: int) -> Operation:
    struct = struct_of(geometry)
    if key == ITEMS:
        return Solve(struct)
    return Predict(struct, None if key == VECTORS else reflections_of_key(key), flags)


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
    needs: Sequence[bool],
) -> list[Tensor]:
    """dL/d of the tensors that are needed."""
    tensors = _tensors(key, first, second, wavenumber, chi, q)
    results = _operation(geometry, key, flags).adjoint(tensors, contiguous((bar1, bar2)), needs[: len(tensors)])
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
    needs = [tensor is not None and need for tensor, need in zip(tensors, ctx.needs_input_grad, strict=False)]
    given = iter(adjoint(*tensors, bar1, bar2, geometry, key, flags, needs))
    return *(next(given) if need else None for need in needs), None, None, None, None


roots.register_autograd(_backward, setup_context=_setup)
