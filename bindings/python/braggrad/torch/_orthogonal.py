"""The rotation nearest to a matrix: eager, with forward mode and vmap, and as operators while code is compiled."""

from typing import Any

import torch
from torch import Tensor, library

from ._autograd import LastFunction
from ._calls import require_reverse_mode


def nearest_rotation(matrix: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """U V^T of M = U S V^T with det +1; and U, S and V^T. nan where the matrix is not finite."""
    finite = torch.isfinite(matrix).all(-1, keepdim=True).all(-2, keepdim=True)
    # One matrix that is not finite makes the decomposition of the whole batch fail.
    u, s, vt = torch.linalg.svd(torch.where(finite, matrix, 0.0))
    nearest = u @ vt
    determinant = (torch.linalg.cross(nearest[..., 0, :], nearest[..., 1, :]) * nearest[..., 2, :]).sum(-1)
    last = torch.cat((torch.ones_like(s[..., :2]), determinant.sign()[..., None]), -1)
    u, s = torch.where(finite, u * last[..., None, :], torch.nan), s * last
    return u @ vt, u, s, vt


def change_of_nearest(change: Tensor, u: Tensor, s: Tensor, vt: Tensor) -> Tensor:
    """The change of U V^T with that of M, and, as the map is symmetric, its adjoint.

    With A = U^T dM V it is dR = U E V^T, E_ij = (A_ij - A_ji) / (s_i + s_j): only sums of singular values are divided
    by, so that a rotation, whose singular values are equal, has one; autograd's derivative of the decomposition has
    none there.
    """
    inner = u.mT @ change @ vt.mT
    total = s[..., :, None] + s[..., None, :]
    skew = torch.where(total == 0, 0.0, (inner - inner.mT) / torch.where(total == 0, 1.0, total))
    return torch.matmul(u @ skew, vt)


class _Orthogonal(torch.autograd.Function):
    """`nearest_rotation`, with U, S and V^T for the derivatives."""

    generate_vmap_rule = True

    @staticmethod
    def forward(matrix: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        return nearest_rotation(matrix)

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        ctx.mark_non_differentiable(*output[1:])
        ctx.save_for_backward(*inputs, *output[1:])
        ctx.save_for_forward(*inputs, *output[1:])

    @staticmethod
    def backward(ctx: Any, bar: Tensor, *_: Any) -> Any:
        return _OrthogonalChange.apply(bar, *ctx.saved_tensors)

    @staticmethod
    def jvp(ctx: Any, dot: Tensor) -> Any:
        return _OrthogonalChange.apply(dot, *ctx.saved_tensors), None, None, None


class _OrthogonalChange(LastFunction):
    """`change_of_nearest`. Second derivatives by the matrix meet it here."""

    generate_vmap_rule = True

    @staticmethod
    def forward(change: Tensor, matrix: Tensor, u: Tensor, s: Tensor, vt: Tensor) -> Tensor:
        return change_of_nearest(change, u, s, vt)


@library.custom_op("braggrad::orthogonal", mutates_args=())
def _recorded(matrix: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """`_Orthogonal` as an operator: torch.compile records no function that has a forward mode."""
    rotation, u, s, vt = nearest_rotation(matrix)
    return rotation.contiguous(), u.contiguous(), s.contiguous(), vt.contiguous()


@_recorded.register_fake
def _(matrix: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    shape = matrix.shape
    return matrix.new_empty(shape), matrix.new_empty(shape), matrix.new_empty(shape[:-1]), matrix.new_empty(shape)


@library.custom_op("braggrad::orthogonal_change", mutates_args=())
def _recorded_change(change: Tensor, u: Tensor, s: Tensor, vt: Tensor) -> Tensor:
    """`_OrthogonalChange` as an operator, which has no derivative."""
    return change_of_nearest(change, u, s, vt).contiguous()


@_recorded_change.register_fake
def _(change: Tensor, u: Tensor, s: Tensor, vt: Tensor) -> Tensor:
    return u.new_empty(u.shape)


def _setup(ctx: Any, inputs: Any, output: Any) -> None:
    ctx.mark_non_differentiable(*output[1:])
    ctx.save_for_backward(*output[1:])


def _backward(ctx: Any, bar: Tensor, *_: Any) -> Tensor:
    change: Tensor = _recorded_change(bar, *ctx.saved_tensors)
    return change


_recorded.register_autograd(_backward, setup_context=_setup)


@_recorded.register_vmap
def _(info: Any, dims: Any, matrix: Tensor) -> Any:
    return _recorded(matrix.movedim(dims[0], 0)), (0, 0, 0, 0)


def orthogonal(matrix: Tensor) -> Tensor:
    """The rotation nearest to each matrix [..., 3, 3] of float32 or float64."""
    if torch.compiler.is_compiling():
        require_reverse_mode()
        recorded: Tensor = _recorded(matrix)[0]
        return recorded
    rotation: Tensor = _Orthogonal.apply(matrix)[0]
    return rotation
