"""Six demonstrations, each of which checks what it claims, and three pictures."""

import importlib.util
import pathlib
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from . import (
    Geometry,
    OmegaLoss,
    Predictor,
    Reflections,
    diffracted_beam,
    hkl_enumerate,
    omega_loss,
    predict,
    rotate,
    solve,
)
from ._arrays import Array

GOLD = (4.0782, 4.0782, 4.0782, 90.0, 90.0, 90.0)
BEAM = Geometry(energy=50.02099)
DEGREE = np.pi / 180


def claim(condition: Any, text: str) -> None:
    """Prints what was found, or ends the demonstration."""
    if not np.all(condition):
        raise AssertionError(f"not so: {text}")
    print(f"   {text}")


def rotation(vector: Any) -> Array:
    """Rotation matrices exp([v]x) of vectors (..., 3), rad."""
    v = np.asarray(vector, float)
    angle = np.linalg.norm(v, axis=-1)[..., None, None]
    zero = np.zeros(v.shape[:-1])
    x, y, z = np.moveaxis(v, -1, 0)
    cross = np.stack([zero, -z, y, z, zero, -x, -y, x, zero], -1).reshape(*v.shape[:-1], 3, 3)
    result: Array = np.eye(3) + np.sinc(angle / np.pi) * cross + np.sinc(angle / (2 * np.pi)) ** 2 / 2 * cross @ cross
    return result


def misorientation(a: Array, b: Array) -> float:
    """Angle between two rotations, rad; good to the last digits for small ones too."""
    return float(2 * np.arcsin(min(1.0, np.linalg.norm(a - b) / np.sqrt(8))))


def gold() -> Reflections:
    """The reflections of gold down to 0.8 Angstrom."""
    return Reflections(hkl_enumerate(GOLD, 0.8, "F"), cell=GOLD)


def batched_solve() -> None:
    """Many scattering vectors at once."""
    g = np.random.default_rng(0).normal(size=(1000, 3)) * 4
    roots = solve(g, geometry=BEAM)
    k = BEAM.wavenumber
    for omega in (roots.omega1, roots.omega2):
        c, s = np.cos(omega), np.sin(omega)
        lab = np.stack([k + c * g[:, 0] - s * g[:, 1], s * g[:, 0] + c * g[:, 1], g[:, 2]], -1)
        off = np.abs(np.linalg.norm(lab, axis=1) - k)[roots.observable].max()
        claim(off < 1e-12 * k, f"turned by omega, each vector lies on the Ewald sphere, to {off / k:.1e} of its radius")
    claim(not roots.omega1[~roots.observable].any(), f"{(~roots.observable).sum()} that never diffract have omega = 0")


def timing() -> None:
    """How long it takes."""
    reflections = gold()
    matrices = rotation(np.random.default_rng(1).normal(size=(2000, 3)))
    answers = {}
    for dtype in (np.float64, np.float32):
        call = Predictor(reflections, matrices.astype(dtype), BEAM)
        call()
        begin = time.perf_counter()
        answers[dtype] = call()
        seconds = time.perf_counter() - begin
        pairs = call.roots.omega1.size
        rate = pairs / seconds / 1e6
        print(f"   {pairs} pairs in {dtype.__name__}: {1e3 * seconds:.2f} ms, {rate:.0f} million a second")
    double, single = answers[np.float64], answers[np.float32]
    apart = np.abs(np.remainder(double.omega1 - double.omega2 + np.pi, 2 * np.pi) - np.pi) > 0.1
    difference = np.abs(np.remainder(double.omega1 - single.omega1 + np.pi, 2 * np.pi) - np.pi)[apart].max()
    claim(difference < 1e-3, f"away from the tangent both precisions agree, to {difference:.1e} rad")


def gradient_through_an_angle() -> None:
    """Back through a rotation matrix to the angle that made it."""
    import torch

    from .torch import predict as torch_predict

    reflections = gold()
    angle = torch.tensor(0.1, dtype=torch.float64, requires_grad=True)
    c, s, zero, one = torch.cos(angle), torch.sin(angle), torch.zeros_like(angle), torch.ones_like(angle)
    matrix = torch.stack([c, -s, zero, s, c, zero, zero, zero, one]).reshape(3, 3)
    roots = torch_predict(reflections, matrix, geometry=BEAM)
    roots.omega1.sum().backward()
    count = int(roots.observable.sum())
    assert angle.grad is not None
    off = abs(angle.grad.item() + count) / count
    claim(off < 1e-12, f"a turn about the axis moves each of {count} angles back by itself, to {off:.0e}")


def batch_of_orientations() -> None:
    """All reflections in all orientations in one call."""
    reflections = gold()
    matrices = rotation(np.random.default_rng(2).normal(size=(50, 3)))
    roots = predict(reflections, matrices, geometry=BEAM)
    claim(roots.omega1.shape == (50, len(reflections)), f"50 orientations x {len(reflections)} reflections in one call")
    each = [predict(reflections, matrix, geometry=BEAM) for matrix in matrices]
    same = all(np.array_equal(one.omega1, row) for one, row in zip(each, roots.omega1, strict=True))
    claim(same, "the same bits as one call for each")


def numpy_and_torch() -> None:
    """Arrays and tensors."""
    import torch

    from .torch import predict as torch_predict

    reflections = gold()
    matrices = rotation(np.random.default_rng(3).normal(size=(20, 3)))
    arrays = predict(reflections, matrices, geometry=BEAM)
    tensors = torch_predict(reflections, torch.from_numpy(matrices), geometry=BEAM)
    same = all(np.array_equal(a, t.numpy()) for a, t in zip(arrays, tensors, strict=True))
    claim(same, f"NumPy and PyTorch have the same bits for {arrays.omega1.size} pairs")


def refine(seed: int = 4, steps: int = 20) -> tuple[Array, list[float], list[float]]:
    """Orientation from angles, from 5 degrees away: the truth, and loss and misorientation of each step.

    Damped Gauss-Newton steps of the fused loss (R <- exp([v]x) R), each from gradient and normal equations alone.
    A missing reflection costs as much as an angle can be off, so that losing one never pays.
    """
    rng = np.random.default_rng(seed)
    reflections = gold()
    truth = rotation(rng.normal(size=3))
    direction = rng.normal(size=3)
    matrix = rotation(5 * DEGREE * direction / np.linalg.norm(direction)) @ truth
    observed = predict(reflections, truth, geometry=BEAM)
    targets = [np.where(observed.observable, omega, np.nan) for omega in observed[:2]]
    call = OmegaLoss(
        reflections,
        matrix,
        BEAM,
        *targets,
        loss="norm",
        delta=0.02,
        missing_loss=np.pi,
        outputs=("loss", "gradient", "normal"),
    )
    losses, angles, damping = [], [], 1e-3
    found = {name: array.copy() for name, array in call(matrix).items()}
    for _ in range(steps):
        losses.append(float(found["loss"]))
        angles.append(misorientation(matrix, truth))
        normal = np.zeros((3, 3))
        normal[np.triu_indices(3)] = found["normal"]
        normal += np.triu(normal, 1).T
        step = -np.linalg.solve(normal + damping * np.diag(np.diag(normal)), found["gradient"])
        trial = rotation(step) @ matrix
        outcome = call(trial)
        if outcome["loss"] <= found["loss"]:
            matrix, damping = trial, damping / 10
            found = {name: array.copy() for name, array in outcome.items()}
        else:
            damping *= 10
    return truth, losses, angles


def orientation_by_gradient() -> None:
    """An orientation from its angles."""
    _, losses, angles = refine()
    near = next(step for step, angle in enumerate(angles) if angle < 1e-6)
    claim(abs(angles[0] / DEGREE - 5) < 1e-9, "started 5 degrees away")
    claim(angles[-1] < 1e-6, f"arrived within {angles[-1]:.1e} rad; below 1e-6 after {near} steps")
    claim(losses[-1] < 1e-6 * losses[0], f"the loss fell from {losses[0]:.3g} to {losses[-1]:.1e}")


DEMONSTRATIONS: tuple[tuple[Callable[[], None], str | None], ...] = (
    (batched_solve, None),
    (timing, None),
    (gradient_through_an_angle, "torch"),
    (batch_of_orientations, None),
    (numpy_and_torch, "torch"),
    (orientation_by_gradient, None),
)


def pictures(folder: pathlib.Path) -> list[pathlib.Path]:
    """Spots of a grain, the loss around an orientation, and the way to it."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    folder.mkdir(parents=True, exist_ok=True)
    reflections = gold()
    truth, losses, angles = refine()
    made = []

    def save(figure: Any, name: str) -> None:
        made.append(folder / name)
        figure.savefig(made[-1], dpi=120, bbox_inches="tight")
        pyplot.close(figure)

    roots = predict(reflections, truth, geometry=BEAM)
    g = rotate(reflections, truth)
    figure, axes = pyplot.subplots(figsize=(7, 4.5))
    for root, omega in enumerate(roots[:2], 1):
        beams = diffracted_beam(g, omega, geometry=BEAM)
        there = roots.observable
        axes.scatter(
            omega[there] / DEGREE, beams.eta[there] / DEGREE, c=beams.two_theta[there] / DEGREE, marker=".x"[root - 1]
        )
    axes.set(xlabel="omega (degrees)", ylabel="eta (degrees)", title="Spots of a gold grain; . root 1, x root 2")
    figure.colorbar(axes.collections[0], label="two theta (degrees)")
    save(figure, "spots.png")

    span = np.linspace(-6, 6, 121)
    x, y = np.meshgrid(span, span)
    vectors = np.stack([x, y, np.zeros_like(x)], -1) * DEGREE
    targets = [np.where(roots.observable, omega, np.nan) for omega in roots[:2]]
    options: dict[str, Any] = {"loss": "norm", "delta": 0.02, "missing_loss": np.pi}
    landscape = omega_loss(reflections, rotation(vectors) @ truth, *targets, geometry=BEAM, outputs="loss", **options)
    figure, axes = pyplot.subplots(figsize=(5.5, 4.5))
    drawn = axes.contourf(x, y, landscape["loss"], levels=30)
    axes.set(xlabel="turn about x (degrees)", ylabel="turn about y (degrees)", title="Loss around an orientation")
    figure.colorbar(drawn, label="sum of norms (rad)")
    save(figure, "landscape.png")

    figure, axes = pyplot.subplots(figsize=(6, 4))
    axes.semilogy(np.maximum(losses, 1e-18), ".-", label="loss (rad)")
    axes.semilogy(np.maximum(angles, 1e-18), ".-", label="misorientation (rad)")
    axes.set(xlabel="step", title="From 5 degrees away")
    axes.legend()
    save(figure, "convergence.png")
    return made


def run(folder: pathlib.Path | None = None) -> int:
    """All demonstrations; pictures go to `folder` where one is given."""
    for number, (demonstration, needs) in enumerate(DEMONSTRATIONS, 1):
        assert demonstration.__doc__
        print(f"{number}. {demonstration.__doc__}")
        if needs and importlib.util.find_spec(needs) is None:
            print(f"   skipped: {needs} is not installed")
            continue
        demonstration()
    if folder is not None:
        if importlib.util.find_spec("matplotlib") is None:
            print("pictures: skipped, matplotlib is not installed")
        else:
            print("pictures:", *pictures(folder))
    print("all claims hold")
    return 0
