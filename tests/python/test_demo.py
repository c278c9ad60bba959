"""The demonstrations hold what they claim, and their pictures are pictures."""

import subprocess
import sys

import numpy as np
import pytest
from braggrad import demo
from conftest import random_rotations


def test_the_program_runs():
    run = subprocess.run([sys.executable, "-m", "braggrad", "demo"], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert run.stdout.count("\n") > 12 and run.stdout.endswith("all claims hold\n")
    info = subprocess.run([sys.executable, "-m", "braggrad", "info"], capture_output=True, text=True, check=True)
    assert info.stdout.startswith("braggrad ")


def test_a_claim_that_does_not_hold_ends_it(capsys):
    with pytest.raises(AssertionError, match="not so: one is two"):
        demo.claim(np.array([True, False]), "one is two")


@pytest.mark.parametrize("seed", range(8))
def test_orientations_are_found_from_5_degrees_away(seed):
    _, losses, angles = demo.refine(seed)
    assert angles[-1] < 1e-6 and losses[-1] <= min(losses)


def test_rotations_and_angles_between_them():
    v = np.random.default_rng(0).normal(size=(20, 3))
    matrices = demo.rotation(v)
    assert np.allclose(matrices @ matrices.transpose(0, 2, 1), np.eye(3), atol=1e-14)
    assert np.allclose(np.einsum("bij,bj->bi", matrices, v), v)
    for angle in (1e-12, 1e-3, 0.5, 3.0):
        turned = demo.rotation([0, 0, angle]) @ random_rotations(1)[0]
        assert np.isclose(demo.misorientation(turned, random_rotations(1)[0]), angle, rtol=1e-3)
    assert np.allclose(demo.rotation([0, 0, 0.3])[:2, :2], [[np.cos(0.3), -np.sin(0.3)], [np.sin(0.3), np.cos(0.3)]])


def test_pictures(tmp_path):
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    made = demo.pictures(tmp_path / "pictures")
    assert [path.name for path in made] == ["spots.png", "landscape.png", "convergence.png"]
    assert all(path.read_bytes().startswith(b"\x89PNG") and path.stat().st_size > 5000 for path in made)
