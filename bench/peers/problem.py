"""The cases that are measured: gold, random orientations, shared targets; the same numbers for every contender."""

import dataclasses

import numpy as np
from braggrad_c import Library

CELL = (4.0782, 4.0782, 4.0782, 90.0, 90.0, 90.0)
ENERGY = 50.02099
TILT = 0.05
D_MIN = 0.3  # more than 1000 reflections without their mates
DTYPES = {"f32": np.float32, "f64": np.float64}


@dataclasses.dataclass(frozen=True)
class Case:
    """One question: an operation on B x N pairs in one precision, on one kind of list."""

    operation: str  # predict, or gradient: loss and its gradient by the rotation
    kind: str  # general (no Friedel mates, chi = 0.05) or friedel (closed under inversion, chi = 0)
    precision: str
    chi: float
    wavenumber: float
    hkl: np.ndarray  # int32 [N,3]
    basis: np.ndarray  # [3,3]
    rotation: np.ndarray  # [B,3,3]
    q: np.ndarray  # [N,3]
    magnitude: np.ndarray  # [N]
    target1: np.ndarray  # [N]
    target2: np.ndarray  # [N]

    @property
    def name(self) -> str:
        """Operation, list, shape and precision in one word."""
        return f"{self.operation}/{self.kind}/{len(self.rotation)}x{len(self.q)}/{self.precision}"

    @property
    def pairs(self) -> int:
        """B N."""
        return len(self.rotation) * len(self.q)

    @property
    def dtype(self):
        """NumPy's type of all arrays."""
        return DTYPES[self.precision]

    def head(self, pairs: int) -> "Case":
        """The same with the first orientations only, at least one, about so many pairs."""
        return dataclasses.replace(self, rotation=self.rotation[: max(1, pairs // len(self.q))])


def random_rotations(count: int, seed: int) -> np.ndarray:
    """Rotation matrices [count,3,3] of random unit quaternions."""
    quaternions = np.random.default_rng(seed).normal(size=(4, count))
    w, x, y, z = quaternions / np.linalg.norm(quaternions, axis=0)
    rows = (
        (1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)),
        (2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)),
        (2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)),
    )
    return np.ascontiguousarray(np.array(rows).transpose(2, 0, 1))


def reflection_list(library: Library, kind: str, count: int) -> np.ndarray:
    """The `count` innermost reflections: without their mates, or a half and then its mates."""
    rows = library.hkl(CELL, "F", D_MIN)
    half = rows[: len(rows) // 2]
    if kind == "general":
        return np.ascontiguousarray(half[:count])
    return np.concatenate([half[: count // 2], -half[: count // 2]])


def make(library: Library, operation: str, kind: str, orientations: int, reflections: int, precision: str) -> Case:
    """A case; its arrays are rounded to the precision once, so that all contenders start from the same numbers."""
    chi = TILT if kind == "general" else 0.0
    basis = library.basis(CELL)
    hkl = reflection_list(library, kind, reflections)
    q = hkl @ basis.T
    dtype = DTYPES[precision]
    targets = np.random.default_rng(3).uniform(-np.pi, np.pi, (2, len(hkl))).astype(dtype)
    return Case(
        operation=operation,
        kind=kind,
        precision=precision,
        chi=chi,
        wavenumber=library.geometry(ENERGY, chi).wavenumber,
        hkl=hkl,
        basis=basis,
        rotation=random_rotations(orientations, 7).astype(dtype),
        q=q.astype(dtype),
        magnitude=np.linalg.norm(q, axis=1).astype(dtype),
        target1=targets[0],
        target2=targets[1],
    )
