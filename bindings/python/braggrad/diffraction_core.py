"""Drop-in for the users' PyTorch port `icenine.diffraction_core`: the same names, shapes and meaning.

What is better: hkl (N, 3) with orientations (B, 3, 3) and hkl (B, N, 3) with one orientation broadcast; energies and
deflections may be given per orientation, (B,) or (B, 1); float64 stays float64; one vector gives one answer; nothing is
ever nan, neither a value nor a gradient: at the tangent, for G along the axis, for G = 0. Angles are exact to the last
digits, where the port's epsilon moved them by up to 3e-8 rad in ordinary places and by 1e-3 in others.

Energies are in keV with IceNine's constant, 0.506773182 1/(Angstrom keV); the rest of braggrad has CODATA's. Angles in
rad, lengths in Angstrom.
"""

import math
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from . import _solve
from ._arrays import Array, number, positive
from .torch import predict, solve
from .torch._calls import readable, require_dense
from .torch._modules import full_precision

KEV_OVER_HBAR_C_IN_ANG = 0.506773182
"""Wavenumber of photons of 1 keV in IceNine, 1/Angstrom."""

Number = TypeVar("Number", float, Tensor)


@dataclass
class ScatteringResult:
    """Both angles of one vector, None where it does not diffract."""

    observable: bool
    omega1: float | None
    omega2: float | None
    g_vector: Array
    g_magnitude: float


@dataclass
class BatchScatteringResult:
    """Both angles of many vectors (..., N), 0 where one does not diffract; the vectors (..., N, 3)."""

    observable: Tensor
    omega1: Tensor
    omega2: Tensor
    g_vectors: Tensor
    g_magnitudes: Tensor


def wavelength_to_wavenumber(wavelength: Number) -> Number:
    """k = 2 pi / wavelength, 1/Angstrom."""
    return 2 * math.pi / wavelength


def wavenumber_to_wavelength(wavenumber: Number) -> Number:
    """wavelength = 2 pi / k, Angstrom."""
    return 2 * math.pi / wavenumber


def calculate_bragg_angle(g_magnitude: float | Tensor, beam_energy: float | Tensor) -> float | Tensor:
    """Bragg angle asin(|G| / 2k), rad; pi/2 where |G| > 2k. A float of floats, else a tensor.

    Parameters
    ----------
    g_magnitude : float or Tensor
        |G|, 1/Angstrom with 2 pi.
    beam_energy : float or Tensor
        keV.
    """
    sine = g_magnitude / (2 * KEV_OVER_HBAR_C_IN_ANG * beam_energy)
    return torch.asin(sine.clamp(-1, 1)) if isinstance(sine, Tensor) else math.asin(max(-1.0, min(1.0, float(sine))))


def _wavenumber(beam_energy: float | Tensor) -> float | Tensor:
    """The wavenumber of an energy, which faults are told of."""
    if isinstance(beam_energy, Tensor):
        require_dense("beam_energy", beam_energy)
        return KEV_OVER_HBAR_C_IN_ANG * beam_energy
    energy: float = positive("beam_energy", number("beam_energy", beam_energy))
    return KEV_OVER_HBAR_C_IN_ANG * energy


def _require_fit(batch: torch.Size, **named: float | Tensor) -> None:
    """What is given beside vectors of this batch broadcasts against it, by the names that it has here."""
    for name, value in named.items():
        if isinstance(value, Tensor):
            try:
                torch.broadcast_shapes(value.shape, batch)
            except RuntimeError:
                shape, other = tuple(value.shape), tuple(batch)
                raise ValueError(f"{name} has the shape {shape}: it does not fit to {other}") from None


def _over_items(value: float | Tensor, batch: torch.Size) -> float | Tensor:
    """A tensor that is one per orientation, (B,), stands before the reflections (B, N)."""
    if isinstance(value, Tensor) and len(batch) == 2 and value.ndim == 1 and value.shape[0] == batch[0]:
        return value[:, None]
    return value


def get_scattering_omegas_torch(
    g_vectors: Tensor,
    g_magnitudes: Tensor,
    beam_energy: float | Tensor,
    beam_deflection_chi: float | Tensor = 0.0,
    epsilon: float = 1e-10,
) -> BatchScatteringResult:
    """Angles of given vectors; differentiable.

    Parameters
    ----------
    g_vectors : Tensor, shape (N, 3), (B, N, 3) or (3,)
        Scattering vectors in the sample frame, 1/Angstrom with 2 pi.
    g_magnitudes : Tensor, shape (N,), (B, N) or ()
        Their lengths, an input of its own.
    beam_energy, beam_deflection_chi : float or Tensor
        keV and rad; one, (N,), or per orientation (B,) or (B, 1).
    epsilon : float
        Not needed; accepted for compatibility.

    Returns
    -------
    BatchScatteringResult

    Raises
    ------
    ValueError
        Names the argument.
    """
    if readable("g_vectors", g_vectors).ndim == 0 or g_vectors.shape[-1] != 3:
        raise ValueError(f"g_vectors has the shape {tuple(g_vectors.shape)}: (..., 3) is needed")
    readable("g_magnitudes", g_magnitudes)
    batch = g_vectors.shape[:-1]
    k, chi = _over_items(_wavenumber(beam_energy), batch), _over_items(beam_deflection_chi, batch)
    _require_fit(batch, g_magnitudes=g_magnitudes, beam_energy=k, beam_deflection_chi=chi)
    roots = solve(g_vectors, g_magnitude=g_magnitudes, wavenumber=k, chi=chi)
    return BatchScatteringResult(roots.observable, roots.omega1, roots.omega2, g_vectors, g_magnitudes)


def get_scattering_omegas(
    g_vector: Array | Tensor, g_magnitude: float, beam_energy: float, beam_deflection_chi: float = 0.0
) -> ScatteringResult:
    """Angles of one vector (3,), in float64.

    Parameters
    ----------
    g_vector : array_like or Tensor, shape (3,)
        Scattering vector in the sample frame, 1/Angstrom with 2 pi.
    g_magnitude : float
        Its length.
    beam_energy, beam_deflection_chi : float
        keV and rad.

    Returns
    -------
    ScatteringResult
        Angles None where the vector does not diffract.

    Raises
    ------
    ValueError
        Names the argument.
    """
    given = g_vector.detach().cpu().numpy() if isinstance(g_vector, Tensor) else np.asarray(g_vector)
    vector = given.astype(np.float64)
    if vector.size != 3:
        raise ValueError(f"g_vector has the shape {vector.shape}: (3,) is needed")
    roots = _solve.solve(
        vector.reshape(3),
        g_magnitude=float(g_magnitude),
        wavenumber=_wavenumber(number("beam_energy", beam_energy)),
        chi=number("beam_deflection_chi", beam_deflection_chi),
    )
    found = bool(roots.observable)
    return ScatteringResult(
        observable=found,
        omega1=float(roots.omega1) if found else None,
        omega2=float(roots.omega2) if found else None,
        g_vector=given.copy(),
        g_magnitude=float(g_magnitude),
    )


def _per_orientation(value: float | Tensor, batch: torch.Size) -> float | Tensor | None:
    """One number, or one per orientation; None if it varies over reflections."""
    if not isinstance(value, Tensor) or value.numel() == 1:
        return value.reshape(()) if isinstance(value, Tensor) else value
    if len(batch) == 1 and value.shape in (batch, (*batch, 1)):
        return value.reshape(batch)
    return None


def batch_scattering_omegas_from_reflections(
    hkl_indices: Tensor,
    reciprocal_lattice_param: float | Tensor,
    orientation_matrix: Tensor,
    beam_energy: float | Tensor,
    beam_deflection_chi: float | Tensor = 0.0,
) -> BatchScatteringResult:
    """Angles of reflections in orientations; differentiable by all but hkl.

    Parameters
    ----------
    hkl_indices : Tensor, shape (N, 3) or (B, N, 3)
        Miller indices.
    reciprocal_lattice_param : float or Tensor
        2 pi / a, 1/Angstrom; what hkl is multiplied by.
    orientation_matrix : Tensor, shape (3, 3) or (B, 3, 3)
        Crystal to sample.
    beam_energy, beam_deflection_chi : float or Tensor
        keV and rad; one, or per orientation (B,) or (B, 1).

    Returns
    -------
    BatchScatteringResult
        (N,) for one orientation and one list, else (B, N).

    Raises
    ------
    ValueError
        Names the argument.
    """
    require_dense("hkl_indices", hkl_indices)
    require_dense("orientation_matrix", orientation_matrix)
    if hkl_indices.ndim not in (2, 3) or hkl_indices.shape[-1] != 3:
        raise ValueError(f"hkl_indices has the shape {tuple(hkl_indices.shape)}: (N, 3) or (B, N, 3) is needed")
    if orientation_matrix.ndim not in (2, 3) or orientation_matrix.shape[-2:] != (3, 3):
        shape = tuple(orientation_matrix.shape)
        raise ValueError(f"orientation_matrix has the shape {shape}: (3, 3) or (B, 3, 3) is needed")
    orientation_matrix = full_precision(orientation_matrix)
    with torch.autocast(orientation_matrix.device.type, enabled=False):
        q = hkl_indices.to(orientation_matrix.dtype) * reciprocal_lattice_param
        q = q.to(orientation_matrix.dtype)
        g = q @ orientation_matrix.mT
        magnitudes = torch.linalg.vector_norm(g, dim=-1)
    k = _wavenumber(beam_energy)
    batch = orientation_matrix.shape[:-2]
    one_k, one_chi = _per_orientation(k, batch), _per_orientation(beam_deflection_chi, batch)
    if q.ndim == 3 or one_k is None or one_chi is None:
        return get_scattering_omegas_torch(g, magnitudes, beam_energy, beam_deflection_chi)
    roots = predict(q, orientation_matrix, wavenumber=one_k, chi=one_chi, magnitude_from_rotated=True)
    return BatchScatteringResult(roots.observable, roots.omega1, roots.omega2, g, magnitudes)
