"""The careful formulation (docs/physics.md, section 2) for any array package: torch, jax.numpy or numpy as `xp`.

G = R q, c = gz tan(chi) + Q / (2 k cos(chi)), rho^2 = gx^2 + gy^2, s^2 = (rho - c)(rho + c). The roots are the angles
of two vectors of length rho^2, so neither a division nor an inverse sine is needed; gradients come from the analytic
adjoint (section 3) or from automatic differentiation.
"""

import dataclasses
import math

from problem import Case

TURN = 2 * math.pi


@dataclasses.dataclass(frozen=True)
class Beam:
    """The constants of a case."""

    tan_chi: float
    half: float  # 1 / (2 k cos chi)

    @classmethod
    def of(cls, case: Case) -> "Beam":
        """The constants, in double."""
        return cls(math.tan(case.chi), 1 / (2 * case.wavenumber * math.cos(case.chi)))


def rotate(rotation, q):
    """Components [B,N] of R q, for R [B,3,3] and q [3,N], written out so that a compiler can fuse them."""
    return tuple(sum(rotation[:, i, j, None] * q[j] for j in range(3)) for i in range(3))


def circle(xp, g, square, beam):
    """c, rho^2 and s^2 of G; `square` is Q [N]."""
    c = g[2] * beam.tan_chi + square * beam.half
    rho2 = g[0] * g[0] + g[1] * g[1]
    rho = xp.sqrt(rho2)
    return c, rho2, (rho - c) * (rho + c)


def angles(xp, g, c, s):
    """Both roots of pairs that diffract."""
    gx, gy, _ = g
    omega1 = xp.arctan2(gx * s + gy * c, gy * s - gx * c)
    omega2 = xp.arctan2(gy * c - gx * s, -(gy * s + gx * c))
    return omega1, omega2


def roots(xp, rotation, q, square, beam):
    """omega1, omega2 and observable, all [B,N]; angles are 0 where nothing diffracts."""
    g = rotate(rotation, q)
    c, rho2, s2 = circle(xp, g, square, beam)
    observable = (s2 >= 0) & (rho2 > 0)
    omega1, omega2 = angles(xp, g, c, xp.sqrt(xp.where(observable, s2, 0)))
    return xp.where(observable, omega1, 0), xp.where(observable, omega2, 0), observable


def roots_by_asin(xp, rotation, q, square, beam):
    """The same from one inverse sine and one atan2, as the sum of two angles: cheaper, less exact near the tangent."""
    g = rotate(rotation, q)
    c, rho2, s2 = circle(xp, g, square, beam)
    observable = (s2 >= 0) & (rho2 > 0)
    height = xp.arcsin(xp.where(observable, c / xp.sqrt(rho2), 0))
    azimuth = xp.arctan2(g[0], g[1])
    omega1, omega2 = wrap(xp, azimuth + height), wrap(xp, azimuth - height + math.pi)
    return xp.where(observable, omega1, 0), xp.where(observable, omega2, 0), observable


def wrap(xp, angle):
    """The angle in [-pi, pi]."""
    return angle - TURN * xp.round(angle * (1 / TURN))


def loss(xp, rotation, q, square, beam, target1, target2):
    """Half the sum of squared wrapped differences [B], fit for automatic differentiation."""
    g = rotate(rotation, q)
    c, rho2, s2 = circle(xp, g, square, beam)
    inside = (s2 > 0) & (rho2 > 0)
    omega1, omega2 = angles(xp, g, c, xp.sqrt(xp.where(inside, s2, 1)))
    d1, d2 = wrap(xp, omega1 - target1), wrap(xp, omega2 - target2)
    return xp.where(inside, d1 * d1 + d2 * d2, 0).sum(-1) * 0.5


def adjoint(xp, rotation, q, square, beam, target1, target2):
    """The loss [B] and the cotangents (3 x [B,N]) of G, analytically."""
    g = rotate(rotation, q)
    c, rho2, s2 = circle(xp, g, square, beam)
    inside = (s2 > 0) & (rho2 > 0)
    s = xp.sqrt(xp.where(inside, s2, 1))
    omega1, omega2 = angles(xp, g, c, s)
    d1 = xp.where(inside, wrap(xp, omega1 - target1), 0)
    d2 = xp.where(inside, wrap(xp, omega2 - target2), 0)
    inverse = 1 / xp.where(inside, rho2, 1)
    total, split = (d1 + d2) * inverse, (d1 - d2) / s
    bent = c * split * inverse
    bar = (g[1] * total - g[0] * bent, -g[0] * total - g[1] * bent, beam.tan_chi * split)
    return (d1 * d1 + d2 * d2).sum(-1) * 0.5, bar


def adjoint_fused(xp, rotation, q, square, beam, target1, target2):
    """The loss [B] and dL/dR [B,3,3] by nine sums that a compiler can fuse with the rest."""
    value, bar = adjoint(xp, rotation, q, square, beam, target1, target2)
    sums = [(bar[i] * q[j]).sum(-1) for i in range(3) for j in range(3)]
    return value, xp.stack(sums, -1).reshape(-1, 3, 3)


def adjoint_matmul(xp, rotation, q, square, beam, target1, target2):
    """The same by products with the matrix of the reflections."""
    value, bar = adjoint(xp, rotation, q, square, beam, target1, target2)
    return value, xp.stack([b @ q.T for b in bar], 1)
