"""Packages of the field, called as they are: xfab, ImageD11 and midas-diffract. Their answers are mapped to ours.

Each is given what its own interface wants, made before the clock starts where its users would keep it; rotating the
reflections is part of what is timed. Slow ones run on the first orientations only, and are counted per pair.
"""

import importlib
import math

import numpy as np
from contender import Contender, Prepared
from problem import Case


def rotated(case: Case) -> np.ndarray:
    """R q [3,B N], contiguous, as the NumPy codes take it."""
    return np.einsum("bij,nj->ibn", case.rotation, case.q).reshape(3, -1)


# ---------------------------------------------------------------- xfab: one reflection per call


def xfab_contenders() -> list[Contender]:
    """find_omega_general with w_x = 0, w_y = chi; its order of the roots is the opposite of ours."""
    tools = importlib.import_module("xfab.tools")

    def predict(case: Case) -> Prepared:
        case = case.head(1000)
        two_theta = 2 * np.arcsin(case.magnitude.astype(float) / (2 * case.wavenumber))
        scale = 1 / (2 * case.wavenumber)
        shape = len(case.rotation), len(case.q)
        omega = np.zeros((2, *shape))
        observable = np.zeros(shape, bool)

        def run():
            for b, rotation in enumerate(case.rotation):
                for n, g in enumerate((case.q @ rotation.T).astype(float) * scale):
                    found, _ = tools.find_omega_general(g, two_theta[n], 0.0, case.chi)
                    observable[b, n] = len(found) == 2
                    if len(found) == 2:
                        omega[1, b, n], omega[0, b, n] = found

        return Prepared(run, lambda _: (*omega, observable), case)

    return [Contender("xfab find_omega_general", "package", "predict", predict, double_only, "also finds eta")]


# ---------------------------------------------------------------- ImageD11: vectors of reflections


def imaged11_contenders() -> list[Contender]:
    """g_to_k with wedge = -chi; sol1 is our root 2; degrees."""
    gv_general = importlib.import_module("ImageD11.gv_general")

    def predict(case: Case) -> Prepared:
        case = case.head(200_000)
        wavelength = 2 * math.pi / case.wavenumber
        post = gv_general.wedgechi(wedge=-math.degrees(case.chi), chi=0.0) if case.chi else None
        axis = np.array([0.0, 0.0, -1.0])
        shape = len(case.rotation), len(case.q)

        def run():
            g = rotated(case) * (1 / (2 * math.pi))
            return gv_general.g_to_k(g, wavelength, axis=axis, pre=None, post=post)

        def answer(found):
            omega2, omega1, valid = (np.reshape(part, shape) for part in found)
            return np.where(valid, np.radians(omega1), 0), np.where(valid, np.radians(omega2), 0), valid

        return Prepared(run, answer, case)

    return [Contender("ImageD11 g_to_k", "package", "predict", predict, double_only)]


# ---------------------------------------------------------------- midas-diffract: torch


def midas_contenders() -> list[Contender]:
    """solve_omega on rotated reflections (no detector, no eta), eager and under torch.compile, with autograd."""
    solve_omega = importlib.import_module("midas_diffract.forward").solve_omega
    torch = importlib.import_module("torch")
    torch_side = importlib.import_module("contender_torch")

    def roots(case: Case):
        """omega1, omega2 and the flag as a function of R [B,3,3], q [N,3] and sin(theta) |q| [N]."""
        cosine, sine = math.cos(case.chi), math.sin(case.chi)

        def function(rotation, rows, height):
            g = torch.einsum("bij,nj->bni", rotation, rows)
            plus, minus, valid = solve_omega(cosine * g[..., 0], cosine * g[..., 1], height + sine * g[..., 2])
            return minus, plus, valid

        return function

    def tensors(case: Case):
        t = torch_side.Tensors.of(case)
        return t, t.magnitude * t.magnitude / (2 * case.wavenumber)

    def predict(graph: bool):
        def prepare(case: Case) -> Prepared:
            t, height = tensors(case)
            function = torch_side.compiled(roots(case)) if graph else roots(case)

            @torch.no_grad()
            def run():
                return function(t.rotation, t.rows, height)

            return Prepared(run, torch_side.numbers, case)

        return prepare

    def gradient(case: Case) -> Prepared:
        t, height = tensors(case)
        solve = roots(case)
        rotation = t.rotation.clone().requires_grad_(True)
        one = torch_side.one_grain(case)

        def run():
            omega1, omega2, valid = solve(rotation, t.rows, height)
            d1 = torch_side.users_wrap(omega1 - t.target1)
            d2 = torch_side.users_wrap(omega2 - t.target2)
            value = torch.where(valid, d1 * d1 + d2 * d2, 0).sum(-1) * 0.5
            (derivative,) = torch.autograd.grad(value if one else value.sum(), rotation)
            return value, derivative

        return Prepared(run, torch_side.numbers, case)

    return [
        Contender("midas-diffract solve_omega, eager", "package", "predict", predict(False)),
        Contender("midas-diffract solve_omega, compiled", "compile", "predict", predict(True)),
        Contender("midas-diffract solve_omega, eager, autograd", "package", "gradient", gradient),
    ]


def double_only(case: Case) -> bool:
    """These packages compute in double whatever they are given."""
    return case.precision == "f64"


PACKAGES = {"xfab": xfab_contenders, "ImageD11": imaged11_contenders, "midas-diffract": midas_contenders}
