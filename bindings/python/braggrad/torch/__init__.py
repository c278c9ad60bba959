"""braggrad on PyTorch's tensors: analytic derivatives, eager and compiled, forward mode, vmap."""

from ._calls import Roots, predict, solve
from ._loss import OmegaLoss, omega_loss, wrap, wrapped_angle_loss
from ._modules import DiffractionSimulator, OrientationPredictor, orthogonalize

__all__ = [
    "DiffractionSimulator",
    "OmegaLoss",
    "OrientationPredictor",
    "Roots",
    "omega_loss",
    "orthogonalize",
    "predict",
    "solve",
    "wrap",
    "wrapped_angle_loss",
]
