"""The compute calls on tensors: value, adjoint and directional derivative, without autograd.

Tensors of an operation are contiguous, of one type, and have the batch as their first axis (q excepted; rotations that
come alone may have any batch); the others of an operation are constants. Results are new tensors.
"""

import math
from collections.abc import Collection, Hashable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import numpy as np
import torch
from torch import Tensor

from .. import _abi as abi
from .._context import Context, context_of_thread
from .._fit import loss_code
from .._geometry import struct_of
from .._library import FAMILIES
from .._plan import Plan, keep
from .._reflections import Reflections

Tensors = Sequence[Tensor | None]
_Kind = TypeVar("_Kind", bound=Plan)
FAMILY_OF: dict[torch.dtype, Any] = {
    torch.float32: FAMILIES[np.dtype(np.float32)],
    torch.float64: FAMILIES[np.dtype(np.float64)],
}

_ITEMS = ("g", "g_magnitude", "wavenumber", "chi")
_ORIENTATIONS = ("rotation", "reciprocal_basis", "wavenumber", "chi")
_INPUTS = (*_ORIENTATIONS, "q")
_ANGLES = ("omega1", "omega2")
_ROOTS = (*_ANGLES, "observable")
_STRUCTS: dict[str, tuple[tuple[str, tuple[str, ...]], ...]] = {
    "solve": (("items", _ITEMS), ("roots", _ROOTS)),
    "solve_vjp": (("items", _ITEMS), ("root_cotangents", _ANGLES), ("items_gradient", _ITEMS)),
    "solve_jvp": (("items", _ITEMS), ("items_tangent", _ITEMS), ("roots", _ANGLES)),
    "predict": (("orientations", _ORIENTATIONS), ("roots", _ROOTS)),
    "predict_vjp": (
        ("orientations", _ORIENTATIONS),
        ("root_cotangents", _ANGLES),
        ("orientations_gradient", _INPUTS),
    ),
    "predict_jvp": (("orientations", _ORIENTATIONS), ("orientations_tangent", _INPUTS), ("roots", _ANGLES)),
    "omega_loss": (
        ("orientations", ("rotation", "wavenumber", "chi")),
        ("omega_targets", (*_ANGLES, "weight1", "weight2")),
        ("omega_loss_output", ("loss", "gradient", "rotation_bar")),
    ),
}
"""The structs of each function and the members that are tensors, in the order in which `run` is given those."""

Constants = tuple[tuple[int, str, float], ...]
"""Members of structs that are no tensors: number of the struct, name, value."""


def context_of(tensor: Tensor) -> Context:
    """This thread's context of the tensor's device."""
    return context_of_thread(device=None if tensor.is_cpu else tensor.device.index)


class _Call(Protocol):
    """What is constant in a call."""

    @property
    def geometry(self) -> tuple[float, ...]:
        """`Geometry.values`."""

    def constants(self, key: tuple[Any, ...]) -> Constants:
        """Members of the structs of a call with this key that are no tensors."""


def run(call: _Call, reflections: Reflections | None, key: tuple[Any, ...], tensors: Tensors) -> None:
    """Calls a function of the library on the device of the first tensor, in the order of PyTorch's current stream.

    The key begins with the function's name and the type; with geometry and reflections it decides on all that is no
    tensor.
    """
    first: Any = tensors[0]
    context = context_of(first)
    whole = (key, call.geometry, None if reflections is None else reflections.key)
    plan = context.plans.get(whole)
    if plan is None:
        plan = _plan(context, call, reflections, key)
        if reflections is None or reflections.viewed is None:  # views are made anew for each call
            keep(whole, context, plan)
    addresses = [None if tensor is None else tensor.data_ptr() for tensor in tensors]
    if first.is_cpu:
        plan.call(addresses)
    else:
        plan.call_on(context, (torch.cuda.current_stream(first.device).cuda_stream,), addresses)


def _plan(
    context: Context,
    call: _Call,
    reflections: Reflections | None,
    key: tuple[Any, ...],
    only: Collection[str] | None = None,
    kind: type[_Kind] = Plan,  # type: ignore[assignment]
) -> _Kind:
    """The plan of a call; with `only` some of the tensors are given, and the others are not there."""
    name, dtype, *_ = key
    family, layout = FAMILY_OF[dtype], _STRUCTS[name]
    structs = [getattr(family, kind)() for kind, _ in layout]
    for struct, member, value in call.constants(key):
        setattr(structs[struct], member, value)
    places = [
        (struct, member)
        for struct, (_, members) in zip(structs, layout, strict=True)
        for member in members
        if only is None or member in only
    ]
    sets = () if reflections is None else (reflections.handle_on(context),)
    return kind(context, getattr(family, name), (struct_of(call.geometry), *sets, *structs), places)


def contiguous(tensors: Tensors) -> list[Tensor | None]:
    """The tensors as the library reads them."""
    return [None if tensor is None else tensor.resolve_neg().contiguous() for tensor in tensors]


def _places(tensors: Tensors, needs: Sequence[bool]) -> list[Tensor | None]:
    """Room for the derivatives that are needed."""
    return [torch.empty_like(t) if need and t is not None else None for t, need in zip(tensors, needs, strict=True)]


def require_matrices(name: str, tensor: Tensor) -> None:
    """Matrices [..., 3, 3]."""
    if tensor.shape[-2:] != (3, 3):
        raise ValueError(f"{name} has the shape {tuple(tensor.shape)}: (..., 3, 3) is needed")


class Operation(Protocol):
    """A function of tensors to omega1, omega2, observable."""

    @property
    def batched(self) -> tuple[bool, ...]:
        """Which of the tensors have the batch as their first axis."""

    def value(self, tensors: Tensors) -> tuple[Tensor, Tensor, Tensor]:
        """Both roots and the flag."""

    def adjoint(self, tensors: Tensors, bars: Tensors, needs: Sequence[bool]) -> list[Tensor | None]:
        """dL/d(tensors) of those that are needed, from dL/domega."""

    def tangent(self, tensors: Tensors, dots: Tensors) -> tuple[Tensor, Tensor]:
        """domega1, domega2 along a change of the tensors."""


@dataclass(slots=True, eq=False)
class Solve:
    """`braggrad.solve` of g [n,3], g_magnitude, wavenumber, chi [n]."""

    geometry: tuple[float, ...]

    @property
    def batched(self) -> tuple[bool, ...]:
        return (True,) * 4

    def value(self, tensors: Tensors) -> tuple[Tensor, Tensor, Tensor]:
        g: Any = tensors[0]
        omega1 = g.new_empty(g.shape[0])
        omega2, observable = torch.empty_like(omega1), torch.empty_like(omega1, dtype=torch.bool)
        run(self, None, ("solve", g.dtype, g.shape[0]), (*tensors, omega1, omega2, observable))
        return omega1, omega2, observable

    def adjoint(self, tensors: Tensors, bars: Tensors, needs: Sequence[bool]) -> list[Tensor | None]:
        g: Any = tensors[0]
        results = _places(tensors, needs)
        run(self, None, ("solve_vjp", g.dtype, g.shape[0]), (*tensors, *bars, *results))
        return results

    def tangent(self, tensors: Tensors, dots: Tensors) -> tuple[Tensor, Tensor]:
        g: Any = tensors[0]
        omega1 = g.new_empty(g.shape[0])
        omega2 = torch.empty_like(omega1)
        run(self, None, ("solve_jvp", g.dtype, g.shape[0]), (*tensors, *dots, omega1, omega2))
        return omega1, omega2

    def constants(self, key: tuple[Any, ...]) -> Constants:
        return ((0, "count", key[2]),)


@dataclass(slots=True, eq=False)
class Predict:
    """`braggrad.predict` of rotation [B,3,3], reciprocal_basis [B,3,3], wavenumber, chi [B], q [N,3].

    With q the reflections are its rows, else those of the set.
    """

    geometry: tuple[float, ...]
    reflections: Reflections | None
    flags: int = 0

    @property
    def batched(self) -> tuple[bool, ...]:
        return (True, True, True, True, False)

    def value(self, tensors: Tensors) -> tuple[Tensor, Tensor, Tensor]:
        rotation: Any = tensors[0]
        reflections = self._set(tensors)
        omega1 = rotation.new_empty(*rotation.shape[:-2], len(reflections))
        omega2, observable = torch.empty_like(omega1), torch.empty_like(omega1, dtype=torch.bool)
        run(self, reflections, self._key("predict", rotation), (*tensors[:4], omega1, omega2, observable))
        return omega1, omega2, observable

    def adjoint(self, tensors: Tensors, bars: Tensors, needs: Sequence[bool]) -> list[Tensor | None]:
        results = _places(tensors, needs)
        key = self._key("predict_vjp", tensors[0])
        run(self, self._set(tensors), key, (*tensors[:4], *bars, *results))
        return results

    def tangent(self, tensors: Tensors, dots: Tensors) -> tuple[Tensor, Tensor]:
        rotation: Any = tensors[0]
        reflections = self._set(tensors)
        omega1 = rotation.new_empty(rotation.shape[0], len(reflections))
        omega2 = torch.empty_like(omega1)
        run(self, reflections, self._key("predict_jvp", rotation), (*tensors[:4], *dots, omega1, omega2))
        return omega1, omega2

    def constants(self, key: tuple[Any, ...]) -> Constants:
        return (0, "count", math.prod(key[2]) // 9), (0, "flags", self.flags)

    def _key(self, name: str, rotation: Any) -> tuple[Any, ...]:
        return name, rotation.dtype, rotation.shape, self.flags

    def _set(self, tensors: Tensors) -> Reflections:
        q: Any = tensors[4]
        if q is not None:
            return Reflections.view(q.detach().numpy() if q.is_cpu else q.detach())
        assert self.reflections is not None
        return self.reflections


def roots_again(
    geometry: tuple[float, ...], reflections: Reflections, flags: int, rotation: Tensor
) -> tuple[Tensor, Tensor, Tensor] | None:
    """`Predict.value` of contiguous rotations of the CPU, if a call like it was made before: then all is checked."""
    key = ("predict", rotation.dtype, rotation.shape, flags), geometry, reflections.key
    plan: Plan | None = context_of_thread().plans.get(key)
    if plan is None:
        return None
    omega1 = rotation.new_empty(*rotation.shape[:-2], len(reflections))
    omega2, observable = torch.empty_like(omega1), torch.empty_like(omega1, dtype=torch.bool)
    places = omega1.data_ptr(), omega2.data_ptr(), observable.data_ptr()
    plan.call((rotation.data_ptr(), None, None, None, *places))
    return omega1, omega2, observable


@dataclass(slots=True, eq=False)
class Loss:
    """`braggrad.omega_loss` of rotation [B,3,3], wavenumber, chi [B], and targets [N] or [B,N]."""

    geometry: tuple[float, ...]
    reflections: Reflections
    flags: int
    loss: int
    delta: float
    missing_loss: float

    def value(self, tensors: Tensors, needs: Sequence[bool]) -> tuple[Tensor, list[Tensor | None]]:
        """loss, and its derivatives by rotation, wavenumber and chi that are needed.

        The tensors are these three, omega1, omega2, weight1 and weight2.
        """
        rotation: Any = tensors[0]
        batch = rotation.shape[:-2]
        mask = (abi.BRG_FIT_WAVENUMBER if needs[1] else 0) | (abi.BRG_FIT_CHI if needs[2] else 0)
        loss = rotation.new_empty(batch)
        bar = torch.empty_like(rotation) if needs[0] else None
        gradient = rotation.new_empty((*batch, needs[1] + needs[2])) if mask else None
        stride = 0
        for target in tensors[3:]:
            if target is not None and target.ndim > 1:
                stride = len(self.reflections)
        options = self.flags, self.loss, self.delta, self.missing_loss
        key = ("omega_loss", rotation.dtype, rotation.numel() // 9, stride, mask, *options)
        run(self, self.reflections, key, (*tensors, loss, gradient, bar))
        if gradient is None:
            return loss, [bar, None, None]
        columns = iter(gradient.unbind(-1))
        return loss, [bar, next(columns) if needs[1] else None, next(columns) if needs[2] else None]

    def constants(self, key: tuple[Any, ...]) -> Constants:
        return (
            (0, "count", key[2]),
            (0, "flags", self.flags),
            (1, "orientation_stride", key[3]),
            (1, "loss", self.loss),
            (1, "delta", self.delta),
            (1, "missing_loss", self.missing_loss),
            (2, "parameters", key[4]),
        )


_TARGETS = ("omega1", "omega2", "weight1", "weight2")

Options = tuple[int, str, float, float]
"""Flags, the name of the loss, delta and missing_loss."""

Shared = tuple[Hashable, Sequence[int], tuple[float, ...], Reflections, Options, Sequence[Tensor | None]]
"""What the rotations of a loss share: a key that tells it from others, addresses of the targets, and then geometry,
reflections, options, and the targets [N] themselves."""


class _LossPlan(Plan):
    """That of a loss of rotations alone."""

    __slots__ = ("batch",)
    batch: tuple[int, ...]


def share(
    geometry: tuple[float, ...],
    reflections: Reflections,
    options: Options,
    targets: Sequence[Tensor | None],
    key: Hashable = None,
) -> Shared:
    """With this key, or one that others of the same kind have too."""
    if key is None:
        omega1, omega2, weight1, weight2 = targets
        there = omega1 is None, omega2 is None, weight1 is None, weight2 is None
        key = there, options, geometry, reflections.key
    addresses = [target.data_ptr() for target in targets if target is not None]
    return key, addresses, geometry, reflections, options, targets


def loss_of_rotations(shared: Shared, rotation: Tensor, with_bar: bool) -> tuple[Tensor, Tensor | None]:
    """`Loss.value` of contiguous rotations of the CPU, and its derivative where it is asked for.

    Targets have the type of the rotations, whose shape is checked here.
    """
    context = context_of_thread()
    key = shared[0], rotation.dtype, rotation.shape, with_bar
    plan: Any = context.plans.get(key)
    if plan is None:
        plan = _plan_of_loss(context, shared, rotation, with_bar)
        keep(key, context, plan)
    batch = plan.batch
    value = rotation.new_empty(*batch) if batch else rotation.new_empty(())  # unpacked in two thirds of the time
    places = rotation.data_ptr(), *shared[1], value.data_ptr()
    if not with_bar:
        plan.call(places)
        return value, None
    bar = torch.empty_like(rotation)
    plan.call((*places, bar.data_ptr()))
    return value, bar


def _plan_of_loss(context: Context, shared: Shared, rotation: Tensor, with_bar: bool) -> _LossPlan:
    require_matrices("rotation", rotation)
    _, _, geometry, reflections, (flags, name, delta, missing_loss), targets = shared
    loss = Loss(geometry, reflections, flags, loss_code(name), delta, missing_loss)
    only = {name for name, target in zip(_TARGETS, targets, strict=True) if target is not None} | {"rotation", "loss"}
    key = "omega_loss", rotation.dtype, rotation.numel() // 9, 0, 0
    plan = _plan(context, loss, reflections, key, only | ({"rotation_bar"} if with_bar else set()), _LossPlan)
    plan.batch = rotation.shape[:-2]
    return plan
