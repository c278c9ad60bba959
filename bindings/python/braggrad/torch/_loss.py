"""Observed angles against predicted ones: fused in the library, or from the angles themselves."""

from collections.abc import Mapping
from math import pi
from typing import Any

import torch
from torch import Tensor
from torch.autograd.forward_ad import unpack_dual

from .. import _abi as abi
from .._arrays import number
from .._fit import loss_code
from .._geometry import Geometry, known_geometry
from .._reflections import Reflections
from . import _compiled, _operations
from ._autograd import loss as loss_of
from ._autograd import loss_of_rotations
from ._calls import (
    Number,
    batch_of,
    geometry_values,
    is_recorded,
    is_settled,
    readable,
    require_one_device,
    require_reverse_mode,
    split,
    spread,
    type_of,
)
from ._operations import FAMILY_OF, Loss, require_matrices, share


def _are_settled(targets: tuple[Tensor | None, ...], rotation: Tensor, count: int) -> bool:
    """Whether targets can be read as they are, beside rotations of which that is known."""
    dtype = rotation.dtype
    if dtype not in FAMILY_OF:
        return False
    for target in targets:
        if target is None:
            continue
        if type(target) is not Tensor or target.dtype is not dtype or target.shape != (count,):
            return False
        if not target.is_cpu or target.requires_grad or target.layout is not torch.strided:
            return False
        if not target.is_contiguous() or target.is_neg():
            return False
    return True


def _require_targets(named: Mapping[str, Tensor | None], count: int) -> None:
    """Targets are constants with a number for each reflection."""
    for name, target in named.items():
        if target is None:
            continue
        if readable(name, target).requires_grad or unpack_dual(target).tangent is not None:
            raise ValueError(f"{name} is differentiated by: targets are constants here")
        if target.ndim == 0 or target.shape[-1] != count:
            raise ValueError(f"{name} has the shape {tuple(target.shape)}: (..., {count}) is needed")


def _constant(name: str, value: Any) -> float:
    """A number that the loss is not differentiated by."""
    if isinstance(value, Tensor) and value.requires_grad:
        raise ValueError(f"{name} requires a gradient: it is a constant here")
    return number(name, value)


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
    Source: ``include/braggrad/fit.h``.
    """
    if not isinstance(reflections, Reflections):
        raise ValueError("reflections is no Reflections: make one first")
    flags = abi.BRG_MAGNITUDE_FROM_ROTATED if magnitude_from_rotated else 0
    targets = omega1, omega2, weight1, weight2
    if type(delta) is not float or type(missing_loss) is not float:
        delta, missing_loss = _constant("delta", delta), _constant("missing_loss", missing_loss)
    if (
        type(loss) is str
        and wavenumber is chi is None
        and is_settled(rotation, geometry)
        and _are_settled(targets, rotation, len(reflections))
    ):
        assert geometry is not None
        options = flags, loss, delta, missing_loss
        return loss_of_rotations(share(geometry.values, reflections, options, targets), rotation)
    k_number, k = split("wavenumber", wavenumber)
    chi_number, tilt = split("chi", chi)
    require_matrices("rotation", readable("rotation", rotation))
    named = {"omega1": omega1, "omega2": omega2, "weight1": weight1, "weight2": weight2}
    count = len(reflections)
    _require_targets(named, count)
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
    if shared:
        whole = [target if target is None or target.dtype == dtype else target.to(dtype) for target in targets]
    else:
        whole = [spread(target, batch, (count,), dtype) for target in targets]
    matrices = spread(rotation, batch, (3, 3), dtype)
    assert matrices is not None
    tensors = matrices, spread(k, batch, (), dtype), spread(tilt, batch, (), dtype), *whole
    if is_recorded():
        require_reverse_mode()
        answer = _compiled.loss(*tensors, values, reflections.key, flags, loss_code(loss), delta, missing_loss)
    else:
        answer = loss_of(Loss(values, reflections, flags, loss_code(loss), delta, missing_loss), *tensors)
    return answer if len(batch) == 1 else answer.reshape(batch)


class OmegaLoss:
    """`omega_loss` whose observed angles are bound once: what a training loop calls again and again.

    Parameters
    ----------
    reflections, geometry, magnitude_from_rotated
        As in `omega_loss`.
    omega1, omega2, weight1, weight2, loss, delta, missing_loss
        As in `omega_loss`; tensors are copied.

    Raises
    ------
    ValueError
        Names the argument.
    RuntimeError
        From a call: for second derivatives, which there are none of.

    Notes
    -----
    Threads may call one loss at the same time. Source: ``include/braggrad/fit.h``.

    Examples
    --------
    >>> import braggrad, torch
    >>> import braggrad.torch as bt
    >>> gold = braggrad.Reflections([[1, 1, 1]], cell=(4.0782, 4.0782, 4.0782, 90, 90, 90))
    >>> loss = bt.OmegaLoss(gold, torch.tensor([0.1]), geometry=braggrad.Geometry(energy=50.02099))
    >>> loss(torch.eye(3, requires_grad=True)).backward()
    """

    def __init__(
        self,
        reflections: Reflections,
        omega1: Tensor | None = None,
        omega2: Tensor | None = None,
        *,
        weight1: Tensor | None = None,
        weight2: Tensor | None = None,
        loss: str = "squares",
        delta: float = 0.0,
        missing_loss: float = 0.0,
        geometry: Geometry | None = None,
        magnitude_from_rotated: bool = False,
    ) -> None:
        named = {"omega1": omega1, "omega2": omega2, "weight1": weight1, "weight2": weight2}
        if not isinstance(reflections, Reflections):
            raise ValueError("reflections is no Reflections: make one first")
        _require_targets(named, len(reflections))
        loss_code(loss)
        known_geometry(geometry)
        own = {
            name: None if target is None else target.detach().clone(memory_format=torch.contiguous_format)
            for name, target in named.items()
        }
        self._reflections, self._geometry = reflections, geometry
        self._arguments: dict[str, Any] = own | {
            "loss": loss,
            "delta": _constant("delta", delta),
            "missing_loss": _constant("missing_loss", missing_loss),
            "magnitude_from_rotated": magnitude_from_rotated,
        }
        targets = tuple(own.values())
        self._dtype = None  # of rotations for which the targets can be read as they are
        for target in targets:
            if target is not None and _are_settled(targets, target, len(reflections)):
                self._dtype = target.dtype
        if self._dtype is not None:
            flags = abi.BRG_MAGNITUDE_FROM_ROTATED if magnitude_from_rotated else 0
            options = flags, loss, self._arguments["delta"], self._arguments["missing_loss"]
            self._shared = share(known_geometry(geometry).values, reflections, options, targets, object())

    def __call__(self, rotation: Tensor, *, wavenumber: Number | None = None, chi: Number | None = None) -> Tensor:
        """The loss of each orientation of rotations (..., 3, 3); wavenumber and chi as in `omega_loss`."""
        if wavenumber is chi is None and self._reads(rotation):
            return loss_of_rotations(self._shared, rotation)
        return omega_loss(
            self._reflections, rotation, geometry=self._geometry, wavenumber=wavenumber, chi=chi, **self._arguments
        )

    def value_and_grad(
        self, rotation: Tensor, *, wavenumber: Number | None = None, chi: Number | None = None
    ) -> tuple[Tensor, Tensor]:
        """The loss of each orientation and its derivative by the rotation, outside of autograd.

        For a loop that does its own steps: autograd's part of a small call costs more than the call.

        Parameters
        ----------
        rotation, wavenumber, chi
            As in `omega_loss`; constants.

        Returns
        -------
        tuple of Tensor
            Losses (...), as the call gives them, and dL/dR (..., 3, 3), by the nine free entries.

        Raises
        ------
        ValueError
            Names the argument.
        """
        if wavenumber is chi is None and self._reads(rotation):
            value, bar = _operations.loss_of_rotations(self._shared, rotation, True)
            assert bar is not None
            return value, bar

        def total(matrices: Tensor) -> tuple[Tensor, Tensor]:
            losses = self(matrices, wavenumber=_without_graph(wavenumber), chi=_without_graph(chi))
            return losses.sum(), losses

        with torch.inference_mode(False):
            start = _without_graph(readable("rotation", rotation))
            bars, losses = torch.func.grad(total, has_aux=True)(start)
        return losses, bars

    def _reads(self, rotation: Tensor) -> bool:
        """Whether nothing but the numbers and the shape of a tensor is unknown."""
        return is_settled(rotation, self._geometry) and rotation.dtype is self._dtype

    def __reduce__(self) -> tuple[Any, ...]:
        return _bound, (self._reflections, self._geometry, self._arguments)


def _without_graph(value: Any) -> Any:
    """A tensor cut off from autograd; one of inference mode as a copy that autograd may use."""
    if not isinstance(value, Tensor):
        return value
    return value.clone() if value.is_inference() else value.detach()


def _bound(reflections: Reflections, geometry: Geometry | None, arguments: dict[str, Any]) -> OmegaLoss:
    return OmegaLoss(reflections, geometry=geometry, **arguments)


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
    difference = predicted - observed
    if observable is None:
        return (wrap(difference) ** 2).mean()
    count = observable.expand_as(difference).sum().clamp(min=1)
    difference = torch.where(observable, difference, 0.0)  # before it is squared: a derivative of nan times 0 is nan
    return (wrap(difference) ** 2).sum() / count
