"""Eager mode: autograd functions over the analytic adjoint, with forward mode and vmap."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd.forward_ad import unpack_dual

from ._operations import Operation, contiguous

NO_SECOND = "braggrad has no second derivatives: differentiate once, without create_graph=True"


def _have_memory(tensors: Sequence[Tensor | None]) -> bool:
    """Whether there are numbers behind the tensors: those of vmap have none."""
    try:
        for tensor in tensors:
            if tensor is not None:
                tensor.data_ptr()
    except RuntimeError:
        return False
    return True


def _merged(operation: Operation, size: int, dims: Sequence[int | None], tensors: Sequence[Tensor | None]) -> Any:
    """Tensors whose vmapped axis is merged with their batch axis: all have it then."""
    merged: list[Tensor | None] = []
    for tensor, dim, batched in zip(tensors, dims, operation.batched, strict=True):
        if tensor is None or (dim is None and not batched):
            merged.append(tensor)
            continue
        if not batched:
            raise NotImplementedError("vmap over the vectors of the reflections: loop over them")
        front = tensor.expand(size, *tensor.shape) if dim is None else tensor.movedim(dim, 0)
        merged.append(front.flatten(0, 1))
    return merged


def _pairs_merged(size: int, dims: Sequence[int | None], tensors: Sequence[Tensor | None]) -> list[Tensor | None]:
    """The same for tensors of roots."""
    fronts = [
        None if t is None else t.expand(size, *t.shape) if dim is None else t.movedim(dim, 0)
        for t, dim in zip(tensors, dims, strict=True)
    ]
    return [None if front is None else front.flatten(0, 1) for front in fronts]


def _split(size: int, tensor: Tensor) -> Tensor:
    return tensor.reshape(size, tensor.shape[0] // size, *tensor.shape[1:])


class RootsFunction(torch.autograd.Function):
    """omega1, omega2, observable of the tensors of an operation."""

    @staticmethod
    def forward(operation: Operation, *tensors: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
        return operation.value(contiguous(tensors))

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        ctx.operation, *tensors = inputs
        ctx.mark_non_differentiable(output[2])
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(*tensors)
        ctx.save_for_forward(*tensors)

    @staticmethod
    def backward(ctx: Any, *bars: Tensor | None) -> Any:
        needs = tuple(ctx.needs_input_grad[1:])
        tensors = ctx.saved_tensors
        if not torch.is_grad_enabled() and _have_memory((*bars[:2], *tensors)):  # the usual case, and the quick one
            return None, *ctx.operation.adjoint(contiguous(tensors), contiguous(bars[:2]), needs)
        given = iter(AdjointFunction.apply(ctx.operation, needs, *bars[:2], *tensors))
        return None, *(next(given) if need else None for need in needs)

    @staticmethod
    def jvp(ctx: Any, _: None, *dots: Tensor | None) -> Any:
        return *TangentFunction.apply(ctx.operation, len(dots), *ctx.saved_tensors, *dots), None

    @staticmethod
    def vmap(info: Any, dims: Any, operation: Operation, *tensors: Tensor | None) -> Any:
        size = info.batch_size
        results = RootsFunction.apply(operation, *_merged(operation, size, dims[1:], tensors))
        return tuple(_split(size, result) for result in results), (0, 0, 0)


def roots(operation: Operation, *tensors: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
    """omega1, omega2, observable; with a node of autograd only where a derivative may be asked for."""
    if _traced(tensors) or not _have_memory(tensors):
        traced: tuple[Tensor, Tensor, Tensor] = RootsFunction.apply(operation, *tensors)
        return traced
    return operation.value(contiguous(tensors))


def _traced(tensors: Sequence[Tensor | None]) -> bool:
    graph = torch.is_grad_enabled()
    for tensor in tensors:
        if tensor is not None and ((graph and tensor.requires_grad) or unpack_dual(tensor).tangent is not None):
            return True
    return False


class _Last(torch.autograd.Function):
    """A derivative, which has none of its own."""

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        pass

    @staticmethod
    def backward(ctx: Any, *_: Any) -> Any:
        raise RuntimeError(NO_SECOND)

    @staticmethod
    def jvp(ctx: Any, *_: Any) -> Any:
        raise RuntimeError(NO_SECOND)


class AdjointFunction(_Last):
    """dL/d(tensors) of those that are needed."""

    @staticmethod
    def forward(
        operation: Operation, needs: tuple[bool, ...], bar1: Tensor | None, bar2: Tensor | None, *tensors: Tensor | None
    ) -> tuple[Tensor, ...]:
        results = operation.adjoint(contiguous(tensors), contiguous((bar1, bar2)), needs)
        return tuple(result for result in results if result is not None)

    @staticmethod
    def vmap(
        info: Any, dims: Any, operation: Operation, needs: Any, bar1: Any, bar2: Any, *tensors: Tensor | None
    ) -> Any:
        size = info.batch_size
        merged = _merged(operation, size, dims[4:], tensors)
        bars = _pairs_merged(size, dims[2:4], (bar1, bar2))
        if any(need and not batched for need, batched in zip(needs, operation.batched, strict=True)):
            raise NotImplementedError("vmap over a derivative by the vectors of the reflections: loop over them")
        results = AdjointFunction.apply(operation, needs, *bars, *merged)
        return tuple(_split(size, result) for result in results), (0,) * len(results)


class TangentFunction(_Last):
    """domega1, domega2 along a change of the tensors."""

    @staticmethod
    def forward(operation: Operation, count: int, *both: Tensor | None) -> tuple[Tensor, Tensor]:
        return operation.tangent(contiguous(both[:count]), contiguous(both[count:]))

    @staticmethod
    def vmap(info: Any, dims: Any, operation: Operation, count: int, *both: Tensor | None) -> Any:
        size = info.batch_size
        tensors = _merged(operation, size, dims[2 : 2 + count], both[:count])
        dots = _merged(operation, size, dims[2 + count :], both[count:])
        results = TangentFunction.apply(operation, count, *tensors, *dots)
        return tuple(_split(size, result) for result in results), (0, 0)
