"""The Python package (bindings/python) over the library that is to be compared."""

import importlib
import os
import pathlib
import sys
from types import ModuleType

import numpy as np

PACKAGE = pathlib.Path(__file__).resolve().parents[2] / "bindings" / "python"


def load(path: str | None) -> ModuleType:
    """The package over the library at `path`, or over the one that the environment's BRAGGRAD_LIBRARY names."""
    path = path or os.environ.get("BRAGGRAD_LIBRARY")
    if not path:
        raise SystemExit("name the library: --library build/release/libbraggrad.so, or BRAGGRAD_LIBRARY")
    os.environ["BRAGGRAD_LIBRARY"] = path
    sys.path.insert(0, str(PACKAGE))
    return importlib.import_module("braggrad")


class Library:
    """The calls that the comparison makes, with one CPU context of one thread."""

    def __init__(self, path: str | None):
        """Loads the library."""
        self.package = load(path)
        self.build_info: str = self.package.build_info()
        self.context = self.package.Context(threads=1)

    def basis(self, cell) -> np.ndarray:
        """Reciprocal basis [3,3] of a cell, with 2 pi."""
        return self.package.reciprocal_basis(cell)

    def hkl(self, cell, centring: str, d_min: float) -> np.ndarray:
        """Miller indices [count,3]: a half of the list, then its Friedel mates."""
        return self.package.hkl_enumerate(cell, d_min, centring)

    def geometry(self, energy: float, chi: float):
        """Default axis and beam, energy in keV, tilt of the beam in rad."""
        return self.package.Geometry(energy=energy, chi=chi)
