"""What the tests share: the exact tables, an independent formulation, a crystal."""

import csv
import json
import pathlib

import braggrad
import numpy as np
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
GOLD = (4.0782, 4.0782, 4.0782, 90.0, 90.0, 90.0)
ENERGY = 50.02099
# Two of them never diffract.
HKL = np.array([[1, 1, 1], [2, 0, 0], [0, 2, 2], [-3, 1, 1], [4, 0, -2], [0, 0, 2], [0, 0, 0], [9, 9, 9]])
BEAM = braggrad.Geometry(energy=ENERGY, chi=0.05)


def table(name, dtype):
    """Columns of a table of exact values; inputs are rounded once, from their decimals to the type."""
    with open(ROOT / "tests" / "reference" / name) as file:
        rows = list(csv.DictReader(file))
    columns = {key: np.array([row[key] for row in rows]) for key in rows[0]}
    inputs = ("gx", "gy", "gz", "magnitude", "wavenumber", "chi")
    return {
        key: values if key == "category" else values.astype(dtype if key in inputs else np.float64)
        for key, values in columns.items()
    }


def exact_problems():
    """The problems of predict.json: gradients and losses with 20 digits."""
    with open(ROOT / "tests" / "reference" / "predict.json") as file:
        return json.load(file)["problems"]


def wrapped(angle):
    """The angle in [-pi, pi]."""
    return angle - 2 * np.pi * np.round(angle / (2 * np.pi))


def turn(axis, omega, vector):
    """Rodrigues' rotation of vectors (..., 3) about a unit axis by angles (...)."""
    axis, c, s = np.asarray(axis), np.cos(omega)[..., None], np.sin(omega)[..., None]
    return c * vector + s * np.cross(axis, vector) + (1 - c) * (vector @ axis)[..., None] * axis


def independent_roots(g, k, beam, axis):
    """Both roots and the flag from A cos(omega) + B sin(omega) = C, by an arccosine."""
    across = g - (g @ axis)[..., None] * axis
    a, b = across @ beam, np.cross(axis, g) @ beam
    c = -np.sum(g * g, -1) / (2 * k) - (beam @ axis) * (g @ axis)
    radius = np.hypot(a, b)
    with np.errstate(invalid="ignore", divide="ignore"):
        half, middle = np.arccos(c / radius), np.arctan2(b, a)
        found = np.abs(c) <= radius
    # dF/domega = -A sin + B cos is negative at middle + half.
    return np.where(found, wrapped(middle + half), 0), np.where(found, wrapped(middle - half), 0), found


def random_rotations(count, seed=7):
    """Rotation matrices of random unit quaternions."""
    w, x, y, z = (q := np.random.default_rng(seed).normal(size=(4, count))) / np.linalg.norm(q, axis=0)
    rows = (
        (1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)),
        (2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)),
        (2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)),
    )
    return np.ascontiguousarray(np.array(rows).transpose(2, 0, 1))


@pytest.fixture(params=[np.float32, np.float64], ids=["f32", "f64"])
def dtype(request):
    return np.dtype(request.param)


@pytest.fixture(scope="session")
def hkl():
    return braggrad.hkl_enumerate(GOLD, 0.8, "F")


@pytest.fixture(scope="session")
def gold(hkl):
    return braggrad.Reflections(hkl, cell=GOLD)


@pytest.fixture(scope="session")
def tilted():
    return braggrad.Geometry(energy=ENERGY, chi=0.05)


@pytest.fixture(scope="session")
def few():
    """The reflections of HKL."""
    return braggrad.Reflections(HKL, cell=GOLD)
