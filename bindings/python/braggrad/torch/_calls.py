"""The calls of the user: shapes, types and constants are settled here, then eager or compiled code runs."""

from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd import forward_ad

from .. import _abi as abi
from .._arrays import number, positive
from .._geometry import Geometry, known_geometry
from .._reflections import Reflections
from . import _compiled
from ._autograd import is_plain, roots_of_rotations
from ._autograd import roots as roots_of
from ._operations import FAMILY_OF, Predict, Solve, require_matrices, roots_again


class Roots(NamedTuple):
    """Both angles in rad, in [-pi, pi], and whether there are any (bool). Where there are none the angles are 0."""

    omega1: Tensor
    omega2: Tensor
    observable: Tensor


Number = float | Tensor
_TENSORS = (Tensor, torch.nn.Parameter)


def require_dense(name: str, tensor: Tensor) -> None:
    """Numbers of a tensor lie at steps in memory."""
    if tensor.layout is not torch.strided:
        raise ValueError(f"{name} has the layout {tensor.layout}: a dense tensor is needed, as to_dense() makes it")


def readable(name: str, tensor: Any) -> Tensor:
    """The tensor, if the library can read its numbers."""
    if not isinstance(tensor, Tensor):
        raise ValueError(f"{name} is a {type(tensor).__name__}: a tensor is needed")
    if not (tensor.is_cpu or tensor.is_cuda):
        raise ValueError(f"{name} is on {tensor.device}: tensors of the CPU and of CUDA devices are computed")
    require_dense(name, tensor)
    if not tensor.dtype.is_floating_point:
        raise ValueError(f"{name} has the type {tensor.dtype}: floating point is needed")
    return tensor


def require_one_device(**tensors: Tensor | None) -> None:
    """All tensors of a call are on the device of the first."""
    place = None
    for name, tensor in tensors.items():
        if tensor is None:
            continue
        if place is None:
            place = tensor.device
        elif tensor.device != place:
            raise ValueError(f"{name} is on {tensor.device}: the call runs on {place}")


_modes = getattr(torch._C, "_len_torch_dispatch_stack", lambda: 0)
_tracing = getattr(torch._C, "_is_tracing", lambda: False)


def is_recorded() -> bool:
    """Whether what runs is recorded for later (torch.compile, torch.export, torch.jit.trace, make_fx): by operators."""
    return torch.compiler.is_compiling() or _tracing() or _modes() > 0


def require_reverse_mode() -> None:
    """Recorded calls have no forward mode: operators without a rule for it would answer 0."""
    if getattr(forward_ad, "_current_level", -1) >= 0:
        raise NotImplementedError(
            "forward mode of a recorded call (torch.compile, make_fx, a dispatch mode): use eager code, or reverse mode"
        )


def is_settled(rotation: Any, geometry: Geometry | None) -> bool:
    """Whether rotations, of the right type and shape, and geometry can be computed as they are: the usual case."""
    return (
        not is_recorded()
        and type(geometry) is Geometry
        and geometry.values[0] != 0
        and type(rotation) in _TENSORS
        and rotation.is_cpu
        and rotation.layout is torch.strided
        and rotation.is_contiguous()
        and not rotation.is_neg()
        and is_plain(rotation)
    )


def are_rotations(tensor: Tensor) -> bool:
    """Whether they have the right type and shape."""
    return tensor.dtype in FAMILY_OF and tensor.shape[-2:] == (3, 3)


def type_of(*tensors: Tensor | None) -> torch.dtype:
    """float64 if a tensor with axes has it, else float32: also for those of half precision, as under autocast."""
    found = False
    for tensor in tensors:
        if tensor is not None and tensor.ndim:
            if tensor.dtype == torch.float64:
                return torch.float64
            found = True
    return torch.float32 if found else torch.float64


def split(name: str, value: Number | None) -> tuple[float | None, Tensor | None]:
    """A number of the geometry, or a tensor of the batch."""
    if isinstance(value, Tensor):
        return None, readable(name, value)
    return None if value is None else number(name, value), None


def spread(tensor: Tensor | None, batch: torch.Size, tail: tuple[int, ...], dtype: torch.dtype) -> Tensor | None:
    """A tensor of this type with its batch in one axis."""
    if tensor is None:
        return None
    if tensor.dtype != dtype:
        tensor = tensor.to(dtype)
    if len(batch) == 1 and tensor.shape[0 : tensor.ndim - len(tail)] == batch:
        return tensor
    return tensor.expand((*batch, *tail)).reshape(batch.numel(), *tail)  # -1 is ambiguous without reflections


def batch_of(**shapes: torch.Size | None) -> torch.Size:
    batch: torch.Size | None = None
    for name, shape in shapes.items():
        if shape is None or shape == batch:
            continue
        try:
            batch = shape if batch is None else torch.broadcast_shapes(batch, shape)
        except RuntimeError:
            raise ValueError(f"{name} has the batch shape {tuple(shape)}: it does not fit to {batch}") from None
    assert batch is not None
    return batch


def geometry_values(
    geometry: Geometry | None, wavenumber: float | None, chi: float | None, own_wavenumber: bool
) -> tuple[float, ...]:
    """`Geometry.values` with wavenumber and tilt replaced; the wavenumber may be missing where a tensor has it."""
    values = known_geometry(geometry).values
    if wavenumber is not None:
        values = (float(positive("wavenumber", wavenumber)), *values[1:])
    if chi is not None:
        values = (*values[:7], float(chi), values[8])
    if values[0] == 0:
        if not own_wavenumber:
            raise ValueError("wavenumber is not given, nor a geometry that has one")
        values = (1.0, *values[1:])  # replaced everywhere; but an empty tensor has no address, and looks like none
    return values


def solve(
    g: Tensor,
    *,
    g_magnitude: Tensor | None = None,
    geometry: Geometry | None = None,
    wavenumber: Number | None = None,
    chi: Number | None = None,
) -> Roots:
    """Rotation angles at which scattering vectors lie on the Ewald sphere; differentiable.

    Parameters
    ----------
    g : Tensor, shape (..., 3)
        Scattering vectors in the sample frame at omega = 0, 1/Angstrom with 2 pi.
    g_magnitude : Tensor, optional
        |g|, an input of its own; None: computed from g, and derivatives by g include it.
    geometry : braggrad.Geometry, optional
        Beam and axis; default beam +x, axis +z.
    wavenumber, chi : float or Tensor, optional
        1/Angstrom and rad, instead of the geometry's; tensors broadcast against the batch and are differentiated by.

    Returns
    -------
    Roots
        omega1, omega2, observable, of the shape of the batch; float64 if a tensor with axes has it, else float32.

    Raises
    ------
    ValueError
        Names the argument.
    RuntimeError
        For second derivatives, which there are none of.

    Notes
    -----
    Derivatives are analytic: reverse mode by the adjoint, forward mode by the directional derivative; exactly 0 where
    nothing diffracts and at the exact tangent. Source: docs/physics.md.
    """
    k_number, k = split("wavenumber", wavenumber)
    chi_number, tilt = split("chi", chi)
    if readable("g", g).ndim == 0 or g.shape[-1] != 3:
        raise ValueError(f"g has the shape {tuple(g.shape)}: (..., 3) is needed")
    own = None if g_magnitude is None else readable("g_magnitude", g_magnitude)
    require_one_device(g=g, g_magnitude=own, wavenumber=k, chi=tilt)
    dtype = type_of(g, own, k, tilt)
    batch = batch_of(
        g=g.shape[:-1],
        g_magnitude=None if own is None else own.shape,
        wavenumber=None if k is None else k.shape,
        chi=None if tilt is None else tilt.shape,
    )
    values = geometry_values(geometry, k_number, chi_number, k is not None)
    vectors = spread(g, batch, (3,), dtype)
    assert vectors is not None
    rest = [spread(tensor, batch, (), dtype) for tensor in (own, k, tilt)]
    if is_recorded():
        require_reverse_mode()
        answer = _compiled.roots(vectors, *rest, None, values, _compiled.ITEMS, 1, 0)
    else:
        answer = roots_of(Solve(values), vectors, *rest)
    return Roots(*answer) if len(batch) == 1 else Roots(*(part.reshape(batch) for part in answer))


def predict(
    reflections: Reflections | Tensor,
    rotation: Tensor,
    *,
    basis: Tensor | None = None,
    geometry: Geometry | None = None,
    wavenumber: Number | None = None,
    chi: Number | None = None,
    magnitude_from_rotated: bool = False,
) -> Roots:
    """Rotation angles of all reflections in all orientations; differentiable.

    Parameters
    ----------
    reflections : braggrad.Reflections, or Tensor of shape (N, 3)
        A set, or vectors q of the crystal frame, 1/Angstrom with 2 pi, which are differentiated by.
    rotation : Tensor, shape (..., 3, 3)
        Crystal to sample. Derivatives are by the nine free entries.
    basis : Tensor, shape (..., 3, 3), optional
        Reciprocal basis, 1/Angstrom with 2 pi, instead of the set's; needs a set with hkl.
    geometry : braggrad.Geometry, optional
        Beam and axis; default beam +x, axis +z.
    wavenumber, chi : float or Tensor, optional
        1/Angstrom and rad, instead of the geometry's; tensors broadcast against the orientations.
    magnitude_from_rotated : bool
        Take |R q| instead of |q|: the derivative of the former by entries of R.

    Returns
    -------
    Roots
        omega1, omega2, observable, each (..., N); float64 if a tensor with axes has it, else float32.

    Raises
    ------
    ValueError
        Names the argument.
    RuntimeError
        For second derivatives, which there are none of.

    Notes
    -----
    As in `solve`.
    """
    flags = abi.BRG_MAGNITUDE_FROM_ROTATED if magnitude_from_rotated else 0
    if basis is wavenumber is chi is None and type(reflections) is Reflections and is_settled(rotation, geometry):
        assert geometry is not None
        if not (rotation.requires_grad and torch.is_grad_enabled()):
            known = roots_again(geometry.values, reflections, flags, rotation)
            if known is not None:
                return Roots(*known)
        if are_rotations(rotation):
            return Roots(*roots_of_rotations(Predict(geometry.values, reflections, flags), rotation))
    k_number, k = split("wavenumber", wavenumber)
    chi_number, tilt = split("chi", chi)
    require_matrices("rotation", readable("rotation", rotation))
    if basis is not None:
        require_matrices("basis", readable("basis", basis))
    set_ = q = None
    if isinstance(reflections, Reflections):
        set_ = reflections
    else:
        q = readable("reflections", reflections)
        if q.ndim != 2 or q.shape[1] != 3:
            raise ValueError(f"reflections has the shape {tuple(q.shape)}: (N, 3) is needed")
    count = len(reflections)
    require_one_device(rotation=rotation, basis=basis, wavenumber=k, chi=tilt, reflections=q)
    dtype = type_of(rotation, basis, k, tilt, q)
    batch = batch_of(
        rotation=rotation.shape[:-2],
        basis=None if basis is None else basis.shape[:-2],
        wavenumber=None if k is None else k.shape,
        chi=None if tilt is None else tilt.shape,
    )
    values = geometry_values(geometry, k_number, chi_number, k is not None)
    matrices = spread(rotation, batch, (3, 3), dtype)
    assert matrices is not None
    rest = spread(basis, batch, (3, 3), dtype), spread(k, batch, (), dtype), spread(tilt, batch, (), dtype)
    vectors = q if q is None or q.dtype == dtype else q.to(dtype)
    if is_recorded():
        require_reverse_mode()
        key = _compiled.VECTORS if set_ is None else set_.key
        answer = _compiled.roots(matrices, *rest, vectors, values, key, count, flags)
    else:
        answer = roots_of(Predict(values, set_, flags), matrices, *rest, vectors)
    return Roots(*answer) if len(batch) == 1 else Roots(*(part.reshape(*batch, count) for part in answer))
