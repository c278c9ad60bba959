"""NumPy: the textbook's formula, and the careful formulation in blocks of orientations.

The first is what users write: whole arrays, new ones in each call. The second keeps its temporaries and writes with
out= (predict).
"""

import formulas
import numpy as np
from contender import Contender, Prepared
from problem import Case

VERSION = np.__version__
BLOCK = 16384  # pairs per step: the temporaries stay in the second-level cache


def planar(case: Case):
    """q [3,N] and Q."""
    return np.ascontiguousarray(case.q.T), (case.q.astype(float) ** 2).sum(1).astype(case.dtype)


class Predictor:
    """Both roots and the flag of blocks, without allocating."""

    def __init__(self, case: Case):
        self.case = case
        self.q, square = planar(case)
        beam = formulas.Beam.of(case)
        self.tan_chi, self.offset = case.dtype(beam.tan_chi), square * case.dtype(beam.half)
        self.step = max(1, min(len(case.rotation), BLOCK // len(case.q)))
        self.work = [np.empty((self.step, len(case.q)), case.dtype) for _ in range(7)]
        shape = (len(case.rotation), len(case.q))
        self.answer = np.zeros(shape, case.dtype), np.zeros(shape, case.dtype), np.zeros(shape, bool)

    def run(self):
        """All blocks."""
        for at in range(0, len(self.case.rotation), self.step):
            part = slice(at, at + self.step)
            self.block(self.case.rotation[part], *(array[part] for array in self.answer))

    def block(self, rotation, omega1, omega2, observable):
        """One block; s and products replace what is no longer needed."""
        gx, gy, c, rho, s, t, u = (array[: len(rotation)] for array in self.work)
        for row, g in enumerate((gx, gy, c)):
            np.matmul(rotation[:, row], self.q, out=g)
        np.multiply(c, self.tan_chi, out=c)
        np.add(c, self.offset, out=c)
        np.multiply(gx, gx, out=rho)
        np.multiply(gy, gy, out=t)
        np.add(rho, t, out=rho)
        np.sqrt(rho, out=rho)
        np.subtract(rho, c, out=s)
        np.add(rho, c, out=t)
        np.multiply(s, t, out=s)
        np.greater_equal(s, 0, out=observable)
        np.logical_and(observable, rho, out=observable)
        np.maximum(s, 0, out=s)
        np.sqrt(s, out=s)
        np.multiply(gx, s, out=t)
        np.multiply(gy, s, out=u)
        np.multiply(gx, c, out=gx)
        np.multiply(gy, c, out=gy)
        np.add(gy, t, out=rho)
        np.subtract(u, gx, out=s)
        np.arctan2(rho, s, out=omega1)
        np.subtract(gy, t, out=rho)
        np.add(u, gx, out=s)
        np.negative(s, out=s)
        np.arctan2(rho, s, out=omega2)
        np.multiply(omega1, observable, out=omega1)
        np.multiply(omega2, observable, out=omega2)


def predict(case: Case) -> Prepared:
    """Both roots and the flag."""
    predictor = Predictor(case)
    return Prepared(predictor.run, lambda _: predictor.answer, case)


def textbook(case: Case) -> Prepared:
    """Both roots and the flag, as the sum and the difference of an azimuth and an inverse sine."""
    q, square = planar(case)
    beam = formulas.Beam.of(case)
    tan_chi, offset = case.dtype(beam.tan_chi), square * case.dtype(beam.half)

    def run():
        g = case.rotation @ q
        gx, gy, gz = g[:, 0], g[:, 1], g[:, 2]
        c = gz * tan_chi + offset
        rho = np.sqrt(gx * gx + gy * gy)
        observable = np.abs(c) <= rho
        sine = np.divide(c, rho, where=observable, out=np.zeros_like(c))
        height, azimuth = np.arcsin(sine), np.arctan2(gx, gy)
        omega1 = np.where(observable, formulas.wrap(np, azimuth + height), 0)
        omega2 = np.where(observable, formulas.wrap(np, azimuth - height + np.pi), 0)
        return omega1, omega2, observable

    return Prepared(run, tuple, case)


def gradient(case: Case) -> Prepared:
    """Loss and gradient by the analytic adjoint."""
    q, square = planar(case)
    beam = formulas.Beam.of(case)
    beam = formulas.Beam(case.dtype(beam.tan_chi), case.dtype(beam.half))
    step = max(1, BLOCK // len(case.q))
    loss, bar = np.zeros(len(case.rotation), case.dtype), np.zeros_like(case.rotation)

    def run():
        for at in range(0, len(loss), step):
            part = slice(at, at + step)
            loss[part], bar[part] = formulas.adjoint_matmul(
                np, case.rotation[part], q, square, beam, case.target1, case.target2
            )

    return Prepared(run, lambda _: (loss, bar), case)


def contenders() -> list[Contender]:
    """All of NumPy's."""
    return [
        Contender("NumPy asin + arctan2", "numpy", "predict", textbook),
        Contender("NumPy unit vectors, in blocks", "numpy", "predict", predict),
        Contender("NumPy adjoint, in blocks", "numpy", "gradient", gradient),
    ]
