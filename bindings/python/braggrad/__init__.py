"""At which rotation angles do the reflections of a crystal diffract, and how do the angles change with everything.

Arrays are NumPy's, or those of CUDA devices; lengths in Angstrom, energies in keV, angles in rad (degrees in a cell
only). The frame, the equation and the meaning of both roots: docs/physics.md.
"""

from ._context import Context
from ._crystal import hkl_enumerate, reciprocal_basis
from ._device import DeviceArray, to_device
from ._devices import Device, devices
from ._fit import TargetList, omega_loss
from ._geometry import WAVENUMBER_PER_KEV, Geometry
from ._library import build_info, version
from ._predict import Spots, predict, predict_jvp, predict_spots, predict_vjp
from ._predictor import OmegaLoss, Predictor
from ._reflections import Reflections
from ._rotate import rotate, rotate_jvp, rotate_vjp
from ._solve import Beams, Roots, diffracted_beam, solve, solve_jvp, solve_vjp

__version__ = version()

__all__ = [
    "WAVENUMBER_PER_KEV",
    "Beams",
    "Context",
    "Device",
    "DeviceArray",
    "Geometry",
    "OmegaLoss",
    "Predictor",
    "Reflections",
    "Roots",
    "Spots",
    "TargetList",
    "build_info",
    "devices",
    "diffracted_beam",
    "hkl_enumerate",
    "omega_loss",
    "predict",
    "predict_jvp",
    "predict_spots",
    "predict_vjp",
    "reciprocal_basis",
    "rotate",
    "rotate_jvp",
    "rotate_vjp",
    "solve",
    "solve_jvp",
    "solve_vjp",
    "to_device",
    "version",
]
