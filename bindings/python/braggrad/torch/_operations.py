"""The compute calls on tensors: value, adjoint and directional derivative, without autograd.

Tensors of an operation are contiguous, of one type, and have the batch as their first axis (q excepted); the others of
an operation are constants. Results are new tensors.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from .. import _abi as abi
from .._context import Context, context_of_thread
from .._library import FAMILIES
from .._reflections import Reflections

Tensors = Sequence[Tensor | None]
FAMILY_OF: dict[torch.dtype, Any] = {
    torch.float32: FAMILIES[np.dtype(np.float32)],
    torch.float64: FAMILIES[np.dtype(np.float64)],
}


def pointer(tensor: Tensor | None) -> int | None:
    """Where the tensor's numbers are."""
    return None if tensor is None else tensor.data_ptr()


def context_of(tensor: Tensor) -> Context:
    """This thread's context of the tensor's device."""
    return context_of_thread(device=None if tensor.is_cpu else tensor.device.index)


def call(tensor: Tensor, function: Any, *arguments: Any) -> None:
    """Calls a compute function on the device of a tensor, in the order of PyTorch's current stream there."""
    streams = () if tensor.is_cpu else (torch.cuda.current_stream(tensor.device).cuda_stream,)
    context_of(tensor).call(function, *arguments, streams=streams)


def contiguous(tensors: Tensors) -> list[Tensor | None]:
    """The tensors as the library reads them."""
    return [None if tensor is None else tensor.contiguous() for tensor in tensors]


def _viewed(q: Tensor) -> Any:
    return q.detach().numpy() if q.is_cpu else q.detach()


def _places(tensors: Tensors, needs: Sequence[bool]) -> list[Tensor | None]:
    """Room for the derivatives that are needed."""
    return [torch.empty_like(t) if need and t is not None else None for t, need in zip(tensors, needs, strict=True)]


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

    geometry: abi.brg_geometry

    @property
    def batched(self) -> tuple[bool, ...]:
        return (True,) * 4

    def _items(self, tensors: Tensors) -> tuple[Any, Any, Tensor]:
        g, magnitude, k, chi = tensors
        assert g is not None
        family = FAMILY_OF[g.dtype]
        items = family.items(
            count=g.shape[0], g=g.data_ptr(), g_magnitude=pointer(magnitude), wavenumber=pointer(k), chi=pointer(chi)
        )
        return family, items, g

    def value(self, tensors: Tensors) -> tuple[Tensor, Tensor, Tensor]:
        family, items, g = self._items(tensors)
        omega1 = g.new_empty(g.shape[0])
        omega2, observable = torch.empty_like(omega1), torch.empty_like(omega1, dtype=torch.bool)
        roots = family.roots(omega1=omega1.data_ptr(), omega2=omega2.data_ptr(), observable=observable.data_ptr())
        call(g, family.solve, self.geometry, items, roots)
        return omega1, omega2, observable

    def adjoint(self, tensors: Tensors, bars: Tensors, needs: Sequence[bool]) -> list[Tensor | None]:
        family, items, g = self._items(tensors)
        results = [
            torch.empty_like(t) if t is not None and need else None for t, need in zip(tensors, needs, strict=True)
        ]
        gradient = family.items_gradient(
            **{n: pointer(t) for n, t in zip(("g", "g_magnitude", "wavenumber", "chi"), results, strict=True)}
        )
        cotangents = family.root_cotangents(omega1=pointer(bars[0]), omega2=pointer(bars[1]))
        call(g, family.solve_vjp, self.geometry, items, cotangents, gradient)
        return results

    def tangent(self, tensors: Tensors, dots: Tensors) -> tuple[Tensor, Tensor]:
        family, items, g = self._items(tensors)
        tangent = family.items_tangent(
            **{n: pointer(t) for n, t in zip(("g", "g_magnitude", "wavenumber", "chi"), dots, strict=True)}
        )
        omega1 = g.new_empty(g.shape[0])
        omega2 = torch.empty_like(omega1)
        roots = family.roots(omega1=omega1.data_ptr(), omega2=omega2.data_ptr())
        call(g, family.solve_jvp, self.geometry, items, tangent, roots)
        return omega1, omega2


@dataclass(slots=True, eq=False)
class Predict:
    """`braggrad.predict` of rotation [B,3,3], reciprocal_basis [B,3,3], wavenumber, chi [B], q [N,3].

    With q the reflections are its rows, else those of the set.
    """

    geometry: abi.brg_geometry
    reflections: Reflections | None
    flags: int = 0

    @property
    def batched(self) -> tuple[bool, ...]:
        return (True, True, True, True, False)

    def _pairs(self, tensors: Tensors) -> tuple[Any, Any, Tensor, Reflections]:
        rotation, basis, k, chi, q = tensors
        assert rotation is not None
        family = FAMILY_OF[rotation.dtype]
        orientations = family.orientations(
            flags=self.flags,
            count=rotation.shape[0],
            rotation=rotation.data_ptr(),
            reciprocal_basis=pointer(basis),
            wavenumber=pointer(k),
            chi=pointer(chi),
        )
        reflections = self.reflections if q is None else Reflections.view(_viewed(q))
        assert reflections is not None
        return family, orientations, rotation, reflections

    def value(self, tensors: Tensors) -> tuple[Tensor, Tensor, Tensor]:
        family, orientations, rotation, reflections = self._pairs(tensors)
        handle = reflections.handle_on(context_of(rotation))
        omega1 = rotation.new_empty(rotation.shape[0], len(reflections))
        omega2, observable = torch.empty_like(omega1), torch.empty_like(omega1, dtype=torch.bool)
        roots = family.roots(omega1=omega1.data_ptr(), omega2=omega2.data_ptr(), observable=observable.data_ptr())
        call(rotation, family.predict, self.geometry, handle, orientations, roots)
        return omega1, omega2, observable

    def adjoint(self, tensors: Tensors, bars: Tensors, needs: Sequence[bool]) -> list[Tensor | None]:
        family, orientations, rotation, reflections = self._pairs(tensors)
        handle = reflections.handle_on(context_of(rotation))
        results = [
            torch.empty_like(t) if t is not None and need else None for t, need in zip(tensors, needs, strict=True)
        ]
        names = ("rotation", "reciprocal_basis", "wavenumber", "chi", "q")
        gradient = family.orientations_gradient(**{n: pointer(t) for n, t in zip(names, results, strict=True)})
        cotangents = family.root_cotangents(omega1=pointer(bars[0]), omega2=pointer(bars[1]))
        call(
            rotation,
            family.predict_vjp,
            self.geometry,
            handle,
            orientations,
            cotangents,
            gradient,
        )
        return results

    def tangent(self, tensors: Tensors, dots: Tensors) -> tuple[Tensor, Tensor]:
        family, orientations, rotation, reflections = self._pairs(tensors)
        handle = reflections.handle_on(context_of(rotation))
        names = ("rotation", "reciprocal_basis", "wavenumber", "chi", "q")
        tangent = family.orientations_tangent(**{n: pointer(t) for n, t in zip(names, dots, strict=True)})
        omega1 = rotation.new_empty(rotation.shape[0], len(reflections))
        omega2 = torch.empty_like(omega1)
        roots = family.roots(omega1=omega1.data_ptr(), omega2=omega2.data_ptr())
        call(rotation, family.predict_jvp, self.geometry, handle, orientations, tangent, roots)
        return omega1, omega2
