"""Eager mode: autograd functions over the analytic adjoint, with forward mode and vmap."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd import forward_ad
from torch.autograd.forward_ad import unpack_dual

from . import _operations
from ._operations import Loss, Operation, contiguous

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


def _is_last() -> bool:
    """Whether a derivative in reverse mode is not derived itself: neither recorded, nor in forward mode."""
    return not torch.is_grad_enabled() and getattr(forward_ad, "_current_level", 0) < 0


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
        if _is_last() and _have_memory((*bars[:2], *tensors)):  # the usual case, and the quick one
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


class RotationsFunction(torch.autograd.Function):
    """The same of rotations alone, of any batch; not under transformations.

    With `forward` and `setup_context` in one PyTorch's `apply` costs a third.
    """

    @staticmethod
    def forward(ctx: Any, operation: Operation, rotation: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        ctx.operation = operation
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(rotation)
        roots = operation.value((rotation, None, None, None, None))
        ctx.mark_non_differentiable(roots[2])
        return roots

    @staticmethod
    def backward(ctx: Any, bar1: Tensor | None, bar2: Tensor | None, _: Tensor | None) -> Any:
        operation, (rotation,) = ctx.operation, ctx.saved_tensors
        needs = (True, False, False, False, False)
        if _is_last() and _have_memory((bar1, bar2)):
            rotation = rotation.resolve_neg().contiguous()  # hooks on what is saved may have laid it out anew
            tensors = rotation, None, None, None, None
            return None, operation.adjoint(tensors, contiguous((bar1, bar2)), needs)[0]
        count = rotation.shape[:-2].numel()
        bars = (None if bar is None else bar.reshape(count, bar.shape[-1]) for bar in (bar1, bar2))
        given = AdjointFunction.apply(operation, needs, *bars, rotation.reshape(-1, 3, 3), None, None, None, None)
        return None, given[0].reshape(rotation.shape)


_transformed = getattr(torch._C, "_are_functorch_transforms_active", lambda: True)
_wrapped = getattr(getattr(torch._C, "_functorch", None), "is_functorch_wrapped_tensor", lambda _: True)


def is_plain(tensor: Tensor) -> bool:
    """Whether autograd's reverse mode is all that can be at work on a tensor."""
    if _transformed() or _wrapped(tensor):  # a transformation may have left its tensors behind
        return False
    return getattr(forward_ad, "_current_level", 0) < 0


def _apply_to_plain(function: type[torch.autograd.Function]) -> Any:
    """A function's `apply` of tensors that are plain: what PyTorch's own ends in when it has found that they are."""
    return super(torch.autograd.Function, function).apply  # type: ignore[misc]


_apply_roots = _apply_to_plain(RotationsFunction)


def roots_of_rotations(operation: Operation, rotation: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """omega1, omega2, observable of a tensor that is plain and contiguous."""
    if rotation.requires_grad and torch.is_grad_enabled():
        recorded: tuple[Tensor, Tensor, Tensor] = _apply_roots(operation, rotation)
        return recorded
    return operation.value((rotation, None, None, None, None))


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


class LastFunction(torch.autograd.Function):
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


class AdjointFunction(LastFunction):
    """dL/d(tensors) of those that are needed."""

    @staticmethod
    def forward(
        operation: Operation, needs: tuple[bool, ...], bar1: Tensor | None, bar2: Tensor | None, *tensors: Tensor | None
    ) -> tuple[Tensor, ...]:
        if not _have_memory((bar1, bar2, *tensors)):
            raise NotImplementedError(
                "batched gradients (is_grads_batched, vectorize): use torch.func.jacrev, jacfwd or vmap"
            )
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


class TangentFunction(LastFunction):
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


def weighted(weight: Tensor, bar: Tensor) -> Tensor:
    """A derivative of losses, by rotations or numbers, times dL/dloss."""
    if bar.ndim == weight.ndim or weight.numel() == 1:
        return bar * weight
    return bar * weight.view(*weight.shape, 1, 1)  # in 0.6 of the microseconds of [..., None, None]


class RotationsLossFunction(torch.autograd.Function):
    """The loss of rotations alone, of any batch, whose derivative is made with it; not under transformations."""

    @staticmethod
    def forward(ctx: Any, shared: _operations.Shared, rotation: Tensor) -> Tensor:
        loss, bar = _operations.loss_of_rotations(shared, rotation, True)
        ctx.save_for_backward(bar)
        ctx.rotation = rotation  # its values are not read
        return loss

    @staticmethod
    def backward(ctx: Any, weight: Tensor) -> Any:
        (bar,) = ctx.saved_tensors
        if torch.is_grad_enabled():
            return None, WeightedFunction.apply(weight, ctx.rotation, None, None, bar)[0]
        return None, weighted(weight, bar)


_apply_loss = _apply_to_plain(RotationsLossFunction)


def loss_of_rotations(shared: _operations.Shared, rotation: Tensor) -> Tensor:
    """The loss of a tensor that is plain and contiguous, and of shared targets."""
    if rotation.requires_grad and torch.is_grad_enabled():
        recorded: Tensor = _apply_loss(shared, rotation)
        return recorded
    return _operations.loss_of_rotations(shared, rotation, False)[0]


class LossFunction(torch.autograd.Function):
    """loss, and those of its derivatives by rotation, wavenumber and chi that are needed."""

    @staticmethod
    def forward(operation: Loss, needs: tuple[bool, ...], *tensors: Tensor | None) -> tuple[Tensor, ...]:
        loss, bars = operation.value(contiguous(tensors), needs)
        return loss, *(bar.contiguous() for bar in bars if bar is not None)

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        _, ctx.needs, *tensors = inputs
        ctx.mark_non_differentiable(*output[1:])
        ctx.save_for_backward(*tensors[:3], *output[1:])
        ctx.save_for_forward(*tensors[:3], *output[1:])

    @staticmethod
    def backward(ctx: Any, weight: Tensor, *_: Any) -> Any:
        # The tensors go along so that a second derivative meets a node that refuses it.
        given = iter(WeightedFunction.apply(weight, *ctx.saved_tensors))
        return None, None, *(next(given) if need else None for need in ctx.needs), None, None, None, None

    @staticmethod
    def jvp(ctx: Any, _: None, __: None, *dots: Tensor | None) -> Any:
        rotation, k, chi, *bars = ctx.saved_tensors
        needed = [dot for need, dot in zip(ctx.needs, dots, strict=False) if need]
        change = LossChangeFunction.apply(rotation, k, chi, *needed, *bars)  # the tensors: as in `backward`
        return change, *(None for _ in bars)

    @staticmethod
    def vmap(info: Any, dims: Any, operation: Loss, needs: tuple[bool, ...], *tensors: Tensor | None) -> Any:
        size = info.batch_size
        batched = _pairs_merged(size, dims[2:5], tensors[:3])
        rotation, targets = batched[0], list(tensors[3:])
        assert rotation is not None
        each = rotation.shape[0] // size
        if any(dim is not None for dim in dims[5:]) or any(t is not None and t.ndim == 2 for t in targets):
            for place, (target, dim) in enumerate(zip(targets, dims[5:], strict=True)):
                if target is not None:
                    front = target[None] if dim is None else target.movedim(dim, 0)
                    front = front[:, None] if front.ndim == 2 else front
                    targets[place] = front.expand(size, each, front.shape[-1]).flatten(0, 1)
        results = LossFunction.apply(operation, needs, *batched, *targets)
        return tuple(_split(size, result) for result in results), (0,) * len(results)


class WeightedFunction(LastFunction):
    """The derivatives of a loss times dL/dloss."""

    generate_vmap_rule = True

    @staticmethod
    def forward(weight: Tensor, rotation: Tensor, k: Tensor | None, chi: Tensor | None, *bars: Tensor) -> Any:
        return tuple(weighted(weight, bar) for bar in bars)


class LossChangeFunction(LastFunction):
    """The change of a loss along changes of what it was derived by; None: there is none."""

    generate_vmap_rule = True

    @staticmethod
    def forward(rotation: Tensor, k: Tensor | None, chi: Tensor | None, *dots_and_bars: Tensor | None) -> Any:
        half = len(dots_and_bars) // 2
        change: Any = 0.0
        for dot, bar in zip(dots_and_bars[:half], dots_and_bars[half:], strict=True):
            if dot is not None and bar is not None:
                part = bar * dot
                change = change + (part.sum((-1, -2)) if part.ndim == 3 else part)
        return change


def loss(operation: Loss, *tensors: Tensor | None) -> Tensor:
    """The loss [B]; with a node of autograd only where a derivative may be asked for."""
    first = tensors[:3]
    if _traced(first) or not _have_memory(tensors):
        needs = tuple(tensor is not None for tensor in first)
        if not _transformed():
            needs = tuple(tensor is not None and _traced((tensor,)) for tensor in first)
        recorded: Tensor = LossFunction.apply(operation, needs, *tensors)[0]
        return recorded
    return operation.value(contiguous(tensors), (False, False, False))[0]
