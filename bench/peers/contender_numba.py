"""Numba, njit(fastmath=False): the careful formulation as a plain loop over pairs, outputs reused."""

import math

import numba
import numpy as np
from contender import Contender, Prepared
from formulas import TURN, Beam
from problem import Case

VERSION = numba.__version__


@numba.njit(fastmath=False)
def predict_loop(rotation, q, square, tan_chi, half, omega1, omega2, observable):
    """Both roots and the flag of all pairs."""
    zero = square[0] * 0
    for b in range(rotation.shape[0]):
        r = rotation[b]
        for n in range(q.shape[1]):
            x, y, z = q[0, n], q[1, n], q[2, n]
            gx = r[0, 0] * x + r[0, 1] * y + r[0, 2] * z
            gy = r[1, 0] * x + r[1, 1] * y + r[1, 2] * z
            gz = r[2, 0] * x + r[2, 1] * y + r[2, 2] * z
            c = gz * tan_chi + square[n] * half
            rho2 = gx * gx + gy * gy
            rho = math.sqrt(rho2)
            s2 = (rho - c) * (rho + c)
            if s2 >= 0 and rho2 > 0:
                s = math.sqrt(s2)
                omega1[b, n] = math.atan2(gx * s + gy * c, gy * s - gx * c)
                omega2[b, n] = math.atan2(gy * c - gx * s, -(gy * s + gx * c))
                observable[b, n] = True
            else:
                omega1[b, n] = omega2[b, n] = zero
                observable[b, n] = False


@numba.njit(fastmath=False)
def gradient_loop(rotation, q, square, tan_chi, half, turn, target1, target2, loss, bar):
    """The loss of each orientation and dL/dR."""
    zero, one = square[0] * 0, square[0] * 0 + 1
    inverse_turn = one / turn
    for b in range(rotation.shape[0]):
        r, out = rotation[b], bar[b]
        out[:, :] = zero
        value = zero
        for n in range(q.shape[1]):
            x, y, z = q[0, n], q[1, n], q[2, n]
            gx = r[0, 0] * x + r[0, 1] * y + r[0, 2] * z
            gy = r[1, 0] * x + r[1, 1] * y + r[1, 2] * z
            gz = r[2, 0] * x + r[2, 1] * y + r[2, 2] * z
            c = gz * tan_chi + square[n] * half
            rho2 = gx * gx + gy * gy
            rho = math.sqrt(rho2)
            s2 = (rho - c) * (rho + c)
            if s2 > 0 and rho2 > 0:
                s = math.sqrt(s2)
                d1 = math.atan2(gx * s + gy * c, gy * s - gx * c) - target1[n]
                d2 = math.atan2(gy * c - gx * s, -(gy * s + gx * c)) - target2[n]
                d1 -= turn * np.rint(d1 * inverse_turn)
                d2 -= turn * np.rint(d2 * inverse_turn)
                value += d1 * d1 + d2 * d2
                inverse = one / rho2
                total, split = (d1 + d2) * inverse, (d1 - d2) / s
                bent = c * split * inverse
                hx, hy, hz = gy * total - gx * bent, -gx * total - gy * bent, tan_chi * split
                out[0, 0] += hx * x
                out[0, 1] += hx * y
                out[0, 2] += hx * z
                out[1, 0] += hy * x
                out[1, 1] += hy * y
                out[1, 2] += hy * z
                out[2, 0] += hz * x
                out[2, 1] += hz * y
                out[2, 2] += hz * z
        loss[b] = value / 2


def inputs(case: Case):
    """Rotation, q [3,N], Q, tan chi and 1 / (2 k cos chi), all of the case's precision."""
    square = (case.q.astype(float) ** 2).sum(1).astype(case.dtype)
    beam = Beam.of(case)
    return case.rotation, np.ascontiguousarray(case.q.T), square, case.dtype(beam.tan_chi), case.dtype(beam.half)


def predict(case: Case) -> Prepared:
    """Both roots and the flag."""
    shape = (len(case.rotation), len(case.q))
    answer = np.zeros(shape, case.dtype), np.zeros(shape, case.dtype), np.zeros(shape, bool)
    arguments = (*inputs(case), *answer)
    return Prepared(lambda: predict_loop(*arguments), lambda _: answer, case)


def gradient(case: Case) -> Prepared:
    """Loss and gradient."""
    answer = np.zeros(len(case.rotation), case.dtype), np.zeros_like(case.rotation)
    arguments = (*inputs(case), case.dtype(TURN), case.target1, case.target2, *answer)
    return Prepared(lambda: gradient_loop(*arguments), lambda _: answer, case)


def contenders() -> list[Contender]:
    """All of Numba's."""
    return [
        Contender("Numba njit, unit vectors", "numba", "predict", predict),
        Contender("Numba njit, adjoint", "numba", "gradient", gradient),
    ]
