"""Observed angles against predicted ones: fused in the library, or from the angles themselves."""

from dataclasses import dataclass
from math import pi
from typing import Any

import torch
from torch import Tensor

from .. import _abi as abi
from .._fit import loss_code
from .._geometry import Geometry
from .._reflections import Reflections
from ._autograd import NO_SECOND
from ._calls import Number, batch_of, geometry_values, readable, require_one_device, settled, split, spread, type_of
from ._operations import FAMILY_OF, call, context_of, pointer


@dataclass(slots=True, eq=False)
class _Loss:
    """What is constant in a call of `omega_loss`."""

    geometry: abi.brg_geometry
    reflections: Reflections
    flags: int
    loss: int
    delta: float
    missing_loss: float

    def value(self, needs: tuple[bool, ...], tensors: list[Tensor | None]) -> tuple[Tensor, list[Tensor | None]]:
        """loss [B], and its derivatives by rotation, wavenumber and chi that are needed."""
        rotation, k, chi, *targets = tensors
        assert rotation is not None
        family = FAMILY_OF[rotation.dtype]
        count = rotation.shape[0]
        mask = (abi.BRG_FIT_WAVENUMBER if needs[1] else 0) | (abi.BRG_FIT_CHI if needs[2] else 0)
        loss = rotation.new_empty(count)
        bar = torch.empty_like(rotation) if needs[0] else None
        gradient = rotation.new_empty(count, needs[1] + needs[2]) if mask else None
        shared = all(target is None or target.ndim == 1 for target in targets)
        call(
            rotation,
            family.omega_loss,
            self.geometry,
            self.reflections.handle_on(context_of(rotation)),
            family.orientations(
                flags=self.flags,
                count=count,
                rotation=rotation.data_ptr(),
                wavenumber=pointer(k),
                chi=pointer(chi),
            ),
            family.omega_targets(
                loss=self.loss,
                delta=self.delta,
                missing_loss=self.missing_loss,
                orientation_stride=0 if shared else len(self.reflections),
                omega1=pointer(targets[0]),
                omega2=pointer(targets[1]),
                weight1=pointer(targets[2]),
                weight2=pointer(targets[3]),
            ),
            family.omega_loss_output(
                parameters=mask, loss=loss.data_ptr(), gradient=pointer(gradient), rotation_bar=pointer(bar)
            ),
        )
        columns = iter(()) if gradient is None else iter(gradient.unbind(1))
        return loss, [bar, next(columns) if needs[1] else None, next(columns) if needs[2] else None]


class _LossFunction(torch.autograd.Function):
    """One node: the derivatives are made with the value."""

    @staticmethod
    def forward(ctx: Any, constants: _Loss, *tensors: Tensor | None) -> Tensor:
        whole = [None if tensor is None else tensor.contiguous() for tensor in tensors]
        loss, bars = constants.value(ctx.needs_input_grad[1:4], whole)
        ctx.save_for_backward(*bars)
        return loss

    @staticmethod
    def backward(ctx: Any, weight: Tensor) -> Any:
        if torch.is_grad_enabled():
            raise RuntimeError(NO_SECOND)
        rotation, k, chi = ctx.saved_tensors
        bars = (
            None if rotation is None else rotation * weight[:, None, None],
            None if k is None else k * weight,
            None if chi is None else chi * weight,
        )
        return None, *bars, None, None, None, None


def omega_loss(
    reflections: Reflections,
    rotation: Tensor,
    omega1: Tensor | None = None,
    omega2: Tensor | None = None,
    *,
    weight1: Tensor | None = None,
    weight2: Tensor | None = None,
    loss: str = "squares",
    delta: float = 0.0,
    missing_loss: float = 0.0,
    geometry: Geometry | None = None,
    wavenumber: Number | None = None,
    chi: Number | None = None,
    magnitude_from_rotated: bool = False,
) -> Tensor:
    """Loss of observed angles for each orientation, with its derivatives in the same pass; one node of autograd.

    Parameters
    ----------
    reflections : braggrad.Reflections
        The set.
    rotation, geometry, wavenumber, chi, magnitude_from_rotated
        As in `predict`; the loss is differentiated by rotation, wavenumber and chi.
    omega1, omega2, weight1, weight2 : Tensor, shape (N,) or (..., N), optional
        Observed angles, rad, any turn, and weights; (N,) is shared by all orientations. nan: no target. Constants.
    loss, delta, missing_loss
        As in `braggrad.omega_loss`.

    Returns
    -------
    Tensor
        The loss of each orientation, of the shape of their batch.

    Raises
    ------
    ValueError
        Names the argument.
    RuntimeError
        For second derivatives, which there are none of.

    Notes
    -----
    Source: ``include/braggrad/fit.h``. Not traced by torch.compile: there it breaks the graph.
    """
    if not isinstance(reflections, Reflections):
        raise ValueError("reflections is no Reflections: make one first")
    k_number, k = split("wavenumber", wavenumber)
    chi_number, tilt = split("chi", chi)
    if readable("rotation", rotation).shape[-2:] != (3, 3):
        raise ValueError(f"rotation has the shape {tuple(rotation.shape)}: (..., 3, 3) is needed")
    named = {"omega1": omega1, "omega2": omega2, "weight1": weight1, "weight2": weight2}
    count = len(reflections)
    for name, target in named.items():
        if target is None:
            continue
        if readable(name, target).requires_grad:
            raise ValueError(f"{name} requires a gradient: targets are constants here")
        if target.ndim == 0 or target.shape[-1] != count:
            raise ValueError(f"{name} has the shape {tuple(target.shape)}: (..., {count}) is needed")
    targets = list(named.values())
    shared = all(target is None or target.ndim == 1 for target in targets)
    require_one_device(rotation=rotation, wavenumber=k, chi=tilt, **named)
    dtype = type_of(rotation, k, tilt, *targets)
    batch = batch_of(
        rotation=rotation.shape[:-2],
        wavenumber=None if k is None else k.shape,
        chi=None if tilt is None else tilt.shape,
        targets=None if shared else torch.broadcast_shapes(*(t.shape[:-1] for t in targets if t is not None)),
    )
    values = geometry_values(geometry, k_number, chi_number, k is not None)
    constants = _Loss(
        settled(geometry, values),
        reflections,
        abi.BRG_MAGNITUDE_FROM_ROTATED if magnitude_from_rotated else 0,
        loss_code(loss),
        delta,
        missing_loss,
    )
    if shared:
        whole = [target if target is None or target.dtype == dtype else target.to(dtype) for target in targets]
    else:
        whole = [spread(target, batch, (count,), dtype) for target in targets]
    answer: Tensor = _LossFunction.apply(
        constants,
        spread(rotation, batch, (3, 3), dtype),
        spread(k, batch, (), dtype),
        spread(tilt, batch, (), dtype),
        *whole,
    )
    return answer if len(batch) == 1 else answer.reshape(batch)


def wrap(angle: Tensor) -> Tensor:
    """The angle in [-pi, pi], with derivative 1."""
    return angle - (2 * pi) * torch.round(angle.detach() * (1 / (2 * pi)))


def wrapped_angle_loss(predicted: Tensor, observed: Tensor, observable: Tensor | None = None) -> Tensor:
    """Mean square of wrapped differences: trains across +-pi, where a plain difference jumps by 2 pi.

    Parameters
    ----------
    predicted, observed : Tensor
        Angles, rad, any turn, broadcast against each other.
    observable : Tensor of bool, optional
        Where there are angles to be compared; others count as nothing.

    Returns
    -------
    Tensor
        One number; 0 where nothing is compared.
    """
    square = wrap(predicted - observed) ** 2
    if observable is None:
        return square.mean()
    count = observable.expand_as(square).sum().clamp(min=1)
    return torch.where(observable, square, torch.zeros_like(square)).sum() / count
