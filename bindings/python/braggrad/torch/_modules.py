"""Modules: a differentiable simulator, a network that predicts orientations, and what makes its answers rotations."""

import itertools
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn

from .._geometry import Geometry
from .._reflections import Reflections
from ._calls import Number, Roots, batch_of, predict, require_dense, solve
from ._operations import FAMILY_OF, require_matrices
from ._orthogonal import orthogonal


def full_precision(tensor: Tensor) -> Tensor:
    """Angles of half precision are of no use: half precision is computed in float32, as in `predict`."""
    return tensor if tensor.dtype in FAMILY_OF else tensor.float()


def orthogonalize(matrix: Tensor) -> Tensor:
    """The rotation (det +1) nearest to each matrix (..., 3, 3); differentiable, at rotations too.

    Where the nearest one is not unique (the sum of the two smaller singular values, signed by the determinant, is 0)
    that part of the derivative is 0. A matrix that is not finite has nan, and so has its derivative; the others of its
    batch are right. Half precision, under autocast too, is computed in float32; second derivatives
    are refused.
    """
    require_dense("matrix", matrix)
    if matrix.shape[-2:] != (3, 3):
        raise ValueError(f"matrix has the shape {tuple(matrix.shape)}: (..., 3, 3) is needed")
    with torch.autocast(matrix.device.type, enabled=False):
        rotation: Tensor = orthogonal(full_precision(matrix))
    return rotation


class DiffractionSimulator(nn.Module):
    """Angles of all reflections in orientations; differentiable.

    Parameters
    ----------
    hkl : array_like of integers, shape (N, 3) or (B, N, 3)
        Miller indices: one list for all orientations, or one for each (or many for one orientation).
    geometry : braggrad.Geometry
        Beam and axis.
    cell, basis : array_like, optional
        As in `braggrad.Reflections`: one of them.
    wavenumber, chi : float or Tensor, optional
        Instead of the geometry's, one or one per orientation; a parameter is trained with the module.
    """

    wavenumber: Number | None
    chi: Number | None

    def __init__(
        self,
        hkl: ArrayLike,
        geometry: Geometry,
        *,
        cell: ArrayLike | None = None,
        basis: ArrayLike | None = None,
        wavenumber: Number | None = None,
        chi: Number | None = None,
    ) -> None:
        super().__init__()
        indices = np.asarray(hkl)
        if indices.ndim not in (2, 3) or indices.shape[-1] != 3:
            raise ValueError(f"hkl has the shape {indices.shape}: (N, 3) or (B, N, 3) is needed")
        self.reflections = Reflections(indices.reshape(-1, 3), cell=cell, basis=basis)
        self.lists: Tensor | None = None
        if indices.ndim == 3:
            self.lists = torch.from_numpy(np.array(self.reflections.q).reshape(indices.shape))
        self.geometry = geometry
        for name, value in (("wavenumber", wavenumber), ("chi", chi)):
            if isinstance(value, Tensor) and not isinstance(value, nn.Parameter):
                self.register_buffer(name, value)  # moves and is saved with the module
            else:
                setattr(self, name, value)

    def roots(self, rotation: Tensor) -> Roots:
        """omega1, omega2 and observable (..., N) of rotations (..., 3, 3)."""
        if self.lists is None:
            return predict(self.reflections, rotation, geometry=self.geometry, wavenumber=self.wavenumber, chi=self.chi)
        require_dense("rotation", rotation)
        matrices = full_precision(rotation)
        require_matrices("rotation", matrices)
        batch_of(rotation=matrices.shape[:-2], hkl=self.lists.shape[:-2])
        q = self.lists.to(matrices)
        with torch.autocast(matrices.device.type, enabled=False):
            vectors = q @ matrices.mT
        return solve(
            vectors,
            g_magnitude=torch.linalg.vector_norm(q, dim=-1),
            geometry=self.geometry,
            wavenumber=_before_reflections(self.wavenumber),
            chi=_before_reflections(self.chi),
        )

    def forward(self, rotation: Tensor) -> Tensor:
        """Angles (..., N, 2), rad, of rotations (..., 3, 3); 0 where nothing diffracts."""
        roots = self.roots(rotation)
        return torch.stack((roots.omega1, roots.omega2), -1)


def _before_reflections(value: Number | None) -> Number | None:
    """What is one per orientation, as an array that broadcasts against (B, N)."""
    return value[..., None] if isinstance(value, Tensor) and value.ndim else value


class OrientationPredictor(nn.Module):
    """A network from angles (..., N, 2) to rotations (..., 3, 3).

    Angles go in as sines and cosines, so that -pi and pi are one place; angles that are exactly 0, what a reflection
    has that does not diffract, as zeros.

    Parameters
    ----------
    reflections : int
        N.
    hidden : sequence of int
        Widths of the layers between.
    """

    def __init__(self, reflections: int, hidden: Sequence[int] = (128, 64)) -> None:
        super().__init__()
        widths = (4 * reflections, *hidden)
        layers: list[nn.Module] = []
        for before, after in itertools.pairwise(widths):
            layers += [nn.Linear(before, after), nn.ReLU()]
        self.layers = nn.Sequential(*layers, nn.Linear(widths[-1], 9))

    def forward(self, omega: Tensor) -> Tensor:
        """Rotations of angles (..., N, 2), rad."""
        there = (omega != 0).to(omega.dtype)
        features = torch.cat((torch.sin(omega), torch.cos(omega) * there), -1).flatten(-2)
        entries = self.layers(features)
        # Next to the identity a fresh network answers with rotations that vary smoothly with its weights.
        return orthogonalize(entries.unflatten(-1, (3, 3)) + torch.eye(3, dtype=entries.dtype, device=entries.device))
