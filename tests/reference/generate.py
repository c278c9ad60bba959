#!/usr/bin/env python3
"""Exact reference values of the Bragg-omega equation, its derivatives and the losses built on it.

    generate.py            write solve_f64.csv, solve_f32.csv, geometry.csv and predict.json beside this file
    generate.py --check    compute every value in these files again by another route, and compare the bytes

The equation is F(omega) = d . R(e, omega) G + Q/(2k) = 0, with axis e, beam d, scattering vector G, wavenumber k,
Q = magnitude^2 and R(e, w) v = e (e.v) + cos(w) (v - e (e.v)) + sin(w) (e x v), taken literally: e and d are not
normalised.  Default geometry: e = z, d = (cos chi, 0, sin chi).  Root 1 has dF/domega < 0, root 2 has > 0; both are
in (-pi, pi].  Comparisons must be modulo 2 pi.

Values: the closed form of cos(omega) and sin(omega), then the implicit function theorem, d omega/dP = -F_P/F_omega,
with WORKING_DIGITS digits.  The check uses arcsine and arccosine forms, explicit rotation matrices and central
differences.

CSV tables.  Inputs have 17 significant digits (solve_f32.csv: 9, to be read as binary32), results 20 (the two
ratios 12), `nan` means undefined.  Angles in radians; gx, gy, gz, magnitude and wavenumber share one unit.
    d1_P, d2_P     derivative of omega1, omega2 by P with the other inputs held; those by gx, gy, gz hold magnitude
    s_over_rho     sqrt|rho^2 - c^2|/rho; in geometry.csv sqrt|h^2 - C^2|/h
    rho_over_g     rho/|G|; in geometry.csv h/|G|, where F = h cos(omega - phi) - C
Derivatives by dx .. ez are free: no unit-length constraint, no normalisation.  At a tangent (s = 0) angles are given
and derivatives are undefined.  rho = 0 (h = 0) counts as not observable.  In category `parallel` of geometry.csv the
beam lies along the axis, which a library may refuse.

predict.json.  q = B hkl, G = R q.  Per problem the results of L = sum over observable pairs of w1 omega1 + w2 omega2,
once with Q = q.q (`crystal`) and once with Q = G.G (`lab`):
    dL_dG            [nb][N][3]  Q held in `crystal`, Q = G.G varying in `lab`
    dL_dR            [nb][3][3]  nine free entries;  dL_drotation_left [nb][3]: R <- exp([t]x) R
    dL_dq, dL_dB     [N][3], [3][3]  including the dependence of Q
    dL_dwavenumber, and dL_dchi (default geometry) or dL_daxis, dL_dbeam (free components)
and in `loss`, for the targets t1, t2 with weights v1, v2 (null is NaN) and Q = q.q, for each orientation:
    squares   l = D^2/2, v = 1           chord   l = 1 - cos D, v = 1            D = wrap(omega - target)
    huber     v = min(1, delta/|D|), l = D^2/2 or delta (|D| - delta/2)
    norm      l = sqrt(D^2 + delta^2) - delta, v = 1/sqrt(D^2 + delta^2)
    loss      sum of weight l, plus weight missing_loss for each target on a pair that is not observable
    gradient  sum of weight l' J, J = d omega/d parameter
    normal    sum of weight v J J^T, upper triangle by rows (14 digits)
A NaN target, or a weight that is not > 0, is no target.  The eleven parameters: t (3) in R <- exp([t]x) R, wavenumber,
chi, and the symmetric strain eps of q <- (I + eps) q as eps11, 22, 33, 23, 13, 12 (an off-diagonal one changes both
entries).  chi is the angle in d = cos chi x^ + sin chi e, x^ the unit vector along d - e (e.d), in every geometry.
Counts: `observable` reflections, `matched` targets with a root, `missing` targets without.
"""

import argparse
import hashlib
import json
import math
import struct
import sys
from pathlib import Path

import mpmath as mp

WORKING_DIGITS = 90
CHECK_DIGITS = 100
NORMAL_DIGITS = 14
RESULT_DIGITS = 20
mp.mp.dps = WORKING_DIGITS
TINY = mp.mpf("1e-60")  # far below any nonzero relative value these inputs can give, far above the rounding
HERE = Path(__file__).resolve().parent

GOLD_CELL = 4.0782  # angstrom
GOLD_WAVENUMBER = 25.349290747555119  # 1/angstrom, 50.02099 keV
SCALAR_INPUTS = ("gx", "gy", "gz", "magnitude", "wavenumber")
SOLVE_INPUTS = (*SCALAR_INPUTS, "chi")
GEOMETRY_INPUTS = (*SCALAR_INPUTS, "dx", "dy", "dz", "ex", "ey", "ez")
GEOMETRY_COLUMNS = (*SCALAR_INPUTS, "ex", "ey", "ez", "dx", "dy", "dz")
RESULTS = ("observable", "omega1", "omega2", "s_over_rho", "rho_over_g")


# Vectors of three mpf --------------------------------------------------------------------------------------------


def exact(values):
    return [mp.mpf(value) for value in values]


def dot(u, v):
    return u[0] * v[0] + u[1] * v[1] + u[2] * v[2]


def cross(u, v):
    return [u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]]


def combine(*terms):
    """Sum of factor * vector over the (factor, vector) terms."""
    return [sum((factor * vector[i] for factor, vector in terms), mp.mpf(0)) for i in range(3)]


def norm(u):
    return mp.sqrt(dot(u, u))


def apply(matrix, v):
    return [dot(row, v) for row in matrix]


def transpose(matrix):
    return [list(column) for column in zip(*matrix, strict=True)]


def outer(u, v):
    return [[x * y for y in v] for x in u]


def default_geometry(chi):
    """Axis, beam and d beam/d chi."""
    cosine, sine = mp.cos(chi), mp.sin(chi)
    return exact((0, 0, 1)), [cosine, mp.mpf(0), sine], [-sine, mp.mpf(0), cosine]


# The equation and its derivatives --------------------------------------------------------------------------------


class Root:
    """One angle and its derivatives by G (Q held), Q, wavenumber, beam and axis; None where infinite."""

    def __init__(self, omega):
        self.omega = omega
        self.by_g = self.by_q2 = self.by_wavenumber = self.by_beam = self.by_axis = None


class Solution:
    """Result for one G: observable, tangent, s_over_rho, h and the two roots (none if not observable)."""

    def __init__(self, g, q2, wavenumber, axis, beam):
        e_g, d_e = dot(axis, g), dot(beam, axis)
        a = dot(beam, combine((1, g), (-e_g, axis)))
        b = dot(beam, cross(axis, g))
        c = -q2 / (2 * wavenumber) - d_e * e_g
        self.h = mp.hypot(a, b)
        self.roots = []
        self.observable = self.tangent = False
        self.s_over_rho = mp.nan
        if self.h == 0:
            return
        square = (self.h - c) * (self.h + c)
        self.tangent = abs(square) <= TINY * self.h**2
        self.s_over_rho = mp.mpf(0) if self.tangent else mp.sqrt(abs(square)) / self.h
        self.observable = self.tangent or square > 0
        if not self.observable:
            return
        s = self.s_over_rho * self.h
        for sign in (1, -1):
            cosine = (a * c - sign * b * s) / self.h**2
            sine = (b * c + sign * a * s) / self.h**2
            root = Root(clean_angle(mp.atan2(sine, cosine)))
            self.roots.append(root)
            if self.tangent:
                continue
            slope = b * cosine - a * sine
            lab = combine((cosine, combine((1, g), (-e_g, axis))), (sine, cross(axis, g)), (e_g, axis))
            f_g = combine((cosine, combine((1, beam), (-d_e, axis))), (sine, cross(beam, axis)), (d_e, axis))
            f_axis = combine(((1 - cosine) * e_g, beam), ((1 - cosine) * d_e, g), (sine, cross(g, beam)))
            root.by_g = clean_vector(combine((-1 / slope, f_g)))
            root.by_beam = clean_vector(combine((-1 / slope, lab)))
            root.by_axis = clean_vector(combine((-1 / slope, f_axis)))
            root.by_q2 = -1 / (2 * wavenumber * slope)
            root.by_wavenumber = q2 / (2 * wavenumber**2 * slope)


def clean_angle(omega):
    """Exact 0 and +pi in place of their rounded neighbours."""
    if abs(omega) < TINY:
        return mp.mpf(0)
    return +mp.pi if mp.pi - abs(omega) < TINY else omega


def clean_vector(v):
    """Exact zeros in place of rounding residue."""
    limit = TINY * max(abs(x) for x in v)
    return [mp.mpf(0) if abs(x) < limit else x for x in v]


def wrap(angle):
    return angle - 2 * mp.pi * mp.nint(angle / (2 * mp.pi))


# Deterministic sampling ------------------------------------------------------------------------------------------


def to_f64(value):
    return float(value)


def to_f32(value):
    return struct.unpack("<f", struct.pack("<f", float(value)))[0]


class Sampler:
    """A stream of numbers fixed by its name: SHA-256 of name and counter.  Only exactly rounded operations and
    mpmath follow, so that every platform gives the same inputs."""

    def __init__(self, name):
        self.name = name
        self.count = 0

    def uniform(self, low=0.0, high=1.0):
        digest = hashlib.sha256(f"braggrad {self.name} {self.count}".encode()).digest()
        self.count += 1
        return low + (high - low) * ((int.from_bytes(digest[:8], "little") >> 11) * 2.0**-53)

    def log_uniform(self, low, high):
        return float(mp.exp(self.uniform(float(mp.log(low)), float(mp.log(high)))))

    def choice(self, options):
        return options[int(self.uniform() * len(options))]

    def sign(self):
        return 1.0 if self.uniform() < 0.5 else -1.0

    def direction(self):
        while True:
            v = [self.uniform(-1, 1) for _ in range(3)]
            square = v[0] * v[0] + v[1] * v[1] + v[2] * v[2]
            if 0.01 < square < 1:
                return [x / math.sqrt(square) for x in v]

    def vector(self, low=0.4, high=14.0):
        length = self.log_uniform(low, high)
        return [length * x for x in self.direction()]

    def rotation(self):
        """Rotation matrix of a random unit quaternion, rounded to doubles."""
        while True:
            w, x, y, z = (mp.mpf(self.uniform(-1, 1)) for _ in range(4))
            square = w * w + x * x + y * y + z * z
            if 0.01 < square < 1:
                break
        rows = (
            (w * w + x * x - y * y - z * z, 2 * (x * y - w * z), 2 * (x * z + w * y)),
            (2 * (x * y + w * z), w * w - x * x + y * y - z * z, 2 * (y * z - w * x)),
            (2 * (x * z - w * y), 2 * (y * z + w * x), w * w - x * x - y * y + z * z),
        )
        return [[float(entry / square) for entry in row] for row in rows]


def gold_vector(sampler):
    """A reflection of gold in a random orientation: (G, |q| from the crystal frame)."""
    while True:
        hkl = [int(sampler.uniform(-8, 9)) for _ in range(3)]
        square = sum(index * index for index in hkl)
        if len({index % 2 for index in hkl}) == 1 and 0 < square < 100:
            break
    unit = 2 * mp.pi / mp.mpf(GOLD_CELL)
    g = apply([exact(row) for row in sampler.rotation()], [unit * index for index in hkl])
    return g, unit * mp.sqrt(square)


# Table of the default geometry -----------------------------------------------------------------------------------


class Table:
    """Rows of inputs in one floating-point format; `add` rounds every input before anything is computed from it."""

    def __init__(self, fmt):
        self.fmt = fmt
        self.rows = []

    def add(self, category, g, wavenumber, chi=0.0, magnitude=None, want=None):
        """Append a row; with `want`, only if its observable flag is that one.  Says whether it was appended."""
        g = [self.fmt(x) for x in g]
        if magnitude is None:
            magnitude = norm(exact(g))
        inputs = [*g, self.fmt(magnitude), self.fmt(wavenumber), self.fmt(chi)]
        if want is not None and solve_inputs(inputs)[0].observable != want:
            return False
        self.rows.append((category, inputs))
        return True

    def fill(self, count, attempt):
        """Call attempt until it has appended `count` rows."""
        end = len(self.rows) + count
        while len(self.rows) < end:
            attempt()


def solve_inputs(inputs):
    """Solution of a row of the default geometry, and d beam/d chi."""
    gx, gy, gz, magnitude, wavenumber, chi = exact(inputs)
    axis, beam, beam_by_chi = default_geometry(chi)
    return Solution([gx, gy, gz], magnitude**2, wavenumber, axis, beam), beam_by_chi


def wavenumber_for(x_component, g, chi):
    """Wavenumber at which the point with this lab x component (before the tilt) and gz diffracts; <= 0 if none.
    Uses the magnitude of the rounded g."""
    q2 = mp.mpf(g[3]) ** 2
    reach = -(mp.cos(chi) * x_component + mp.sin(chi) * mp.mpf(g[2]))
    return q2 / (2 * reach) if reach > 0 else mp.mpf(-1)


def rounded_g(fmt, g):
    """Rounded components followed by the rounded length."""
    g = [fmt(x) for x in g]
    return [*g, fmt(norm(exact(g)))]


CHI_VALUES = (0.01, -0.01, 0.1, -0.1, 0.3, -0.3, 0.6, -0.6, 0.9, -0.9, 1.2, -1.2)
NARROW = {  # what binary64 and binary32 rows differ in
    to_f64: {
        "name": "f64",
        "grazing": (1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6),
        "near_axis": (1e-1, 1e-2, 1e-3, 1e-4),
        "beyond": (5e-13, 1e-11, 1e-9, 1e-7, 1e-5),
        "wrap": (1e-2, 1e-4, 1e-6, 1e-8, 1e-10, 1e-12, 1e-14, 1e-15, 1e-16),
        "tiny": (1e-8, 1e-16, 1e-100, 1e-200, 2.0**-1022, 2.0**-1050, 2.0**-1074, 0.0),
        "scale": (100, -100),
    },
    to_f32: {
        "name": "f32",
        "grazing": (1e-1, 3e-2, 1e-2, 3e-3, 1e-3),
        "near_axis": (1e-1, 1e-2, 1e-3),
        "beyond": (5e-7, 2e-6, 1e-5, 1e-4),
        "wrap": (1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7),
        "tiny": (1e-4, 1e-8, 1e-20, 2.0**-126, 2.0**-140, 2.0**-149, 0.0),
        "scale": (33, -33),
    },
}
COUNTS = {  # (binary64, binary32) rows per category, or per value where the category runs over values
    "generic_chi0": (40, 16),
    "generic_chi": (7, 3),
    "gold": (40, 18),
    "grazing": (9, 5),
    "near_axis": (8, 4),
    "unobservable": (20, 10),
    "near_unobservable": (4, 3),
    "exact_angle": (6, 3),
    "wrap": (4, 3),
    "scale": (14, 8),
    "magnitude": (20, 12),
}


def solve_table(fmt):
    spec = NARROW[fmt]
    sampler = Sampler(f"solve {spec['name']}")
    table = Table(fmt)
    count = {category: pair[0 if fmt is to_f64 else 1] for category, pair in COUNTS.items()}

    def beam_energy():
        return sampler.log_uniform(8, 60)

    def chi_or_zero():
        return fmt(sampler.choice((0.0, 0.0, *CHI_VALUES)))

    def generic_chi0():
        table.add("generic_chi0", sampler.vector(), beam_energy(), want=True)

    table.fill(count["generic_chi0"], generic_chi0)
    for chi in CHI_VALUES:

        def generic_chi(chi=chi):
            table.add("generic_chi", sampler.vector(), beam_energy(), chi, want=True)

        table.fill(count["generic_chi"], generic_chi)

    def gold():
        g, magnitude = gold_vector(sampler)
        chi = sampler.choice((0.0, 0.0, 0.02, -0.02, 0.1))
        table.add("gold", g, GOLD_WAVENUMBER, chi, magnitude)

    table.fill(count["gold"], gold)
    for s_over_rho in spec["grazing"]:

        def grazing(s_over_rho=s_over_rho):
            chi = chi_or_zero()
            g = rounded_g(fmt, sampler.vector())
            rho = mp.hypot(mp.mpf(g[0]), mp.mpf(g[1]))
            side = -1 if chi != 0 and sampler.uniform() < 0.4 else 1  # c = -rho is reached only with a tilt
            wavenumber = wavenumber_for(-side * rho * mp.sqrt(1 - mp.mpf(s_over_rho) ** 2), g, chi)
            if 4 < wavenumber < 200:
                table.add("grazing", g[:3], wavenumber, chi, want=True)

        table.fill(count["grazing"], grazing)
    for ratio in spec["near_axis"]:

        def near_axis(ratio=ratio):
            length = sampler.log_uniform(0.4, 14)
            x, y, _ = sampler.direction()
            g = rounded_g(fmt, [length * ratio * x, length * ratio * y, sampler.sign() * length])
            chi = chi_or_zero()
            reach = mp.hypot(mp.mpf(g[0]), mp.mpf(g[1])) * sampler.uniform(-0.95, 0.95)
            wavenumber = wavenumber_for(reach, g, chi)
            if wavenumber > 0:
                table.add("near_axis", g[:3], wavenumber, chi, want=True)

        table.fill(count["near_axis"], near_axis)

    tangents = ((7, 24, 10, 2), (-15, 20, 10, 2), (-28, -96, 40, 8), (60, -80, 20, 2), (0, 25, 20, 8))
    tangents += (
        (-25, 0, 40, 32),
        (119, 120, 26, 2),
        (-65, 156, 52, 8),
        (161, -240, 34, 2),
        (-255, -136, 68, 8),
    )
    tangents += ((0, -9, 6, 2), (4, 0, 4, 2))
    for gx, gy, magnitude, wavenumber in tangents:
        assert magnitude**4 == 4 * wavenumber**2 * (gx**2 + gy**2)
        for gz in (0, 3):
            table.add("tangent_exact", (gx, gy, gz), wavenumber, 0.0, magnitude, want=True)

    def unobservable():
        table.add("unobservable", sampler.vector(), beam_energy(), chi_or_zero(), want=False)

    table.fill(count["unobservable"], unobservable)
    for beyond in spec["beyond"]:

        def near_unobservable(beyond=beyond):
            chi = chi_or_zero()
            g = rounded_g(fmt, sampler.vector())
            rho = mp.hypot(mp.mpf(g[0]), mp.mpf(g[1]))
            wavenumber = wavenumber_for(-rho * (1 + mp.mpf(beyond)), g, chi)
            if 4 < wavenumber < 200:
                table.add("near_unobservable", g[:3], wavenumber, chi, want=False)

        table.fill(count["near_unobservable"], near_unobservable)
    for gx, gy, gz, chi in (
        (0.0, 0.0, 5.0, 0.0),
        (-0.0, 0.0, 5.0, 0.0),
        (0.0, -0.0, -5.0, 0.0),
        (-0.0, -0.0, -5.0, 0.1),
        (0.0, 0.0, 3.5, -0.1),
        (-0.0, 0.0, -3.5, 1.2),
    ):
        table.add("on_axis", (gx, gy, gz), 20.0, chi, want=False)
    for gx, gy, gz, chi in (
        (0.0, 0.0, 0.0, 0.0),
        (-0.0, 0.0, 0.0, 0.0),
        (0.0, -0.0, -0.0, 0.0),
        (-0.0, -0.0, -0.0, 0.3),
    ):
        table.add("zero", (gx, gy, gz), 20.0, chi, want=False)

    for angle in range(4):  # one root at 0, pi, pi/2, -pi/2: Q/(2k) is exact since k is a power of two

        def exact_angle(angle=angle):
            magnitude = int(sampler.uniform(4, 60)) / 4
            wavenumber = sampler.choice((8.0, 16.0, 32.0))
            reach = magnitude**2 / (2 * wavenumber)
            other = fmt(sampler.uniform(-10, 10))
            gx, gy = ((-reach, other), (reach, other), (other, reach), (other, -reach))[angle]
            table.add("exact_angle", (gx, gy, sampler.uniform(-5, 5)), wavenumber, 0.0, magnitude, want=True)

        table.fill(count["exact_angle"], exact_angle)
    for offset in spec["wrap"]:

        def near_wrap(offset=offset):
            chi = chi_or_zero()
            g = rounded_g(fmt, sampler.vector())
            angle = sampler.sign() * (mp.pi - offset)
            wavenumber = wavenumber_for(mp.mpf(g[0]) * mp.cos(angle) - mp.mpf(g[1]) * mp.sin(angle), g, chi)
            if 4 < wavenumber < 200:
                table.add("wrap", g[:3], wavenumber, chi, want=True)

        table.fill(count["wrap"], near_wrap)
    for which in ("tiny_gx", "tiny_gy"):
        for size in spec["tiny"]:
            for signed in (size, -size):

                def tiny(which=which, signed=signed):
                    g = sampler.vector()
                    g[0 if which == "tiny_gx" else 1] = signed
                    table.add(which, g, beam_energy(), chi_or_zero(), want=True)

                table.fill(1, tiny)
    for power in spec["scale"]:
        for _ in range(count["scale"]):

            def scaled(factor=2.0**power):
                g = [fmt(x) for x in sampler.vector()]
                wavenumber = fmt(beam_energy())
                table.add("scale", [factor * x for x in g], factor * wavenumber, chi_or_zero(), want=True)

            table.fill(1, scaled)

    def magnitude():
        g = sampler.vector()
        length = norm(exact(g)) * sampler.choice((sampler.uniform(0.97, 1.03), sampler.uniform(0.3, 2)))
        table.add("magnitude", g, beam_energy(), chi_or_zero(), length, want=True)

    table.fill(count["magnitude"], magnitude)
    return table.rows


def solve_results(inputs):
    """(observable, omega1, omega2, s_over_rho, rho_over_g, derivatives of both roots) of a row."""
    solution, beam_by_chi = solve_inputs(inputs)
    g, magnitude = exact(inputs[:3]), mp.mpf(inputs[3])
    length = norm(g)
    ratio = mp.hypot(g[0], g[1]) / length if length > 0 else mp.nan

    def derivatives(root):
        return [*root.by_g, 2 * magnitude * root.by_q2, root.by_wavenumber, dot(root.by_beam, beam_by_chi)]

    return collect(solution, ratio, derivatives, len(SOLVE_INPUTS))


def collect(solution, rho_over_g, derivatives, count):
    omegas = [root.omega for root in solution.roots] or [mp.nan] * 2
    values = [solution.observable, *omegas, solution.s_over_rho, rho_over_g]
    for branch in range(2):
        if solution.observable and not solution.tangent:
            values += derivatives(solution.roots[branch])
        else:
            values += [mp.nan] * count
    return values


# Table of any axis and beam --------------------------------------------------------------------------------------


def rounded_unit(v):
    """v/|v| rounded to doubles."""
    length = norm(exact(v))
    return [float(mp.mpf(x) / length) for x in v]


def unit_perpendicular(sampler, axis):
    return rounded_unit(cross(exact(axis), exact(sampler.direction())))


def geometry_table():
    sampler = Sampler("geometry")
    rows = []

    def solved(inputs):
        g, magnitude, wavenumber, beam, axis = split_geometry(inputs)
        return Solution(g, magnitude**2, wavenumber, axis, beam)

    def add(category, g, wavenumber, axis, beam, magnitude=None, want=True):
        magnitude = float(norm(exact(g)) if magnitude is None else magnitude)
        inputs = [*(float(x) for x in g), magnitude, float(wavenumber), *beam, *axis]
        if solved(inputs).observable == want:
            rows.append((category, inputs))

    def fill(count, attempt):
        end = len(rows) + count
        while len(rows) < end:
            attempt()

    def random_pair():
        """Axis and beam at least 0.1 rad apart."""
        while True:
            axis, beam = rounded_unit(sampler.direction()), rounded_unit(sampler.direction())
            if norm(cross(exact(axis), exact(beam))) > 0.1:
                return axis, beam

    def small_tilt():
        def wobble():
            return sampler.uniform(-0.03, 0.03)

        return rounded_unit([wobble(), wobble(), 1.0]), rounded_unit([1.0, wobble(), wobble()])

    def principal():
        axes = [[0.0, 0.0, 0.0] for _ in range(2)]
        first = int(sampler.uniform(0, 3))
        second = (first + 1 + int(sampler.uniform(0, 2))) % 3
        axes[0][first], axes[1][second] = sampler.sign(), sampler.sign()
        return axes[0], axes[1]

    def perpendicular():
        axis = rounded_unit(sampler.direction())
        return axis, unit_perpendicular(sampler, axis)

    def oblique():
        axis = rounded_unit(sampler.direction())
        angle = sampler.uniform(0.035, 0.44)
        side = exact(unit_perpendicular(sampler, axis))
        return axis, rounded_unit(combine((sampler.sign() * mp.cos(angle), exact(axis)), (mp.sin(angle), side)))

    def default():
        chi = sampler.choice((0.0, 0.02, -0.1, 0.3, -0.7, 1.2))
        return [0.0, 0.0, 1.0], [float(mp.cos(chi)), 0.0, float(mp.sin(chi))]

    def reach_of(g, axis, beam):
        """h, (d.e)(e.G) and Q of rounded inputs."""
        solution = Solution(exact(g), mp.mpf(1), mp.mpf(1), exact(axis), exact(beam))
        q2 = mp.mpf(float(norm(exact(g)))) ** 2
        return solution.h, dot(exact(beam), exact(axis)) * dot(exact(axis), exact(g)), q2

    def with_c(category, ratio, want=True, g=None):
        """A row with C = ratio h, by choice of the wavenumber."""
        axis, beam = random_pair()
        g = sampler.vector() if g is None else g(exact(axis))
        h, offset, q2 = reach_of(g, axis, beam)
        reach = -(ratio * h + offset)
        if reach > 0 and 4 < q2 / (2 * reach) < 200:
            add(category, g, q2 / (2 * reach), axis, beam, want=want)

    for category, count, make in (
        ("random", 34, random_pair),
        ("small_tilt", 20, small_tilt),
        ("principal", 20, principal),
        ("perpendicular", 20, perpendicular),
        ("oblique", 20, oblique),
        ("default", 12, default),
    ):
        fill(count, lambda c=category, m=make: add(c, sampler.vector(), sampler.log_uniform(8, 60), *m()))
    for s_over_rho in (1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6):
        cosine = mp.sqrt(1 - mp.mpf(s_over_rho) ** 2)
        fill(4, lambda c=cosine: with_c("grazing", sampler.sign() * c))
    for ratio in (1e-1, 1e-2, 1e-3, 1e-4):

        def along(axis, ratio=ratio):
            length = sampler.sign() * sampler.log_uniform(0.4, 14)
            v = combine((length, axis), (length * ratio, exact(sampler.direction())))
            return [float(x) for x in v]

        fill(3, lambda along=along: with_c("near_axis", sampler.uniform(-0.95, 0.95), g=along))
    for offset in (1e-2, 1e-4, 1e-6, 1e-8, 1e-10, 1e-12, 1e-14, 1e-16):

        def near_wrap(offset=offset):
            axis, beam = random_pair()
            g = sampler.vector()
            angle = sampler.sign() * (mp.pi - offset)
            _, _, q2 = reach_of(g, axis, beam)
            reach = -dot(exact(beam), apply(rotation_matrix(exact(axis), angle), exact(g)))
            if reach > 0 and 4 < q2 / (2 * reach) < 200:
                add("wrap", g, q2 / (2 * reach), axis, beam)

        fill(2, near_wrap)

    def unobservable():
        axis, beam = random_pair()
        add("unobservable", sampler.vector(), sampler.log_uniform(8, 60), axis, beam, want=False)

    fill(10, unobservable)
    for beyond in (5e-13, 1e-10, 1e-8, 1e-6, 1e-4):
        fill(2, lambda b=beyond: with_c("near_unobservable", sampler.sign() * (1 + mp.mpf(b)), want=False))

    def magnitude():
        axis, beam = random_pair()
        g = sampler.vector()
        length = norm(exact(g)) * sampler.uniform(0.5, 1.5)
        add("magnitude", g, sampler.log_uniform(8, 60), axis, beam, magnitude=length)

    fill(12, magnitude)
    x, y, z = [1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]
    slanted = rounded_unit([3.0, -1.0, 2.0])
    for g, axis, beam in (
        ([0.0, 0.0, 5.0], z, x),
        ([-5.0, 0.0, -0.0], x, slanted),
        ([0.0, 2.5, 0.0], [0.0, -1.0, 0.0], z),
        ([0.0, 0.0, 0.0], z, x),
        ([0.0, -0.0, 0.0], slanted, y),
    ):
        add("degenerate", g, 20.0, axis, beam, want=False)
    add("parallel", [1.0, 2.0, 3.0], 20.0, x, x, want=False)
    add("parallel", [1.0, 2.0, -3.0], 20.0, [0.0, -1.0, 0.0], y, want=False)
    return rows


def split_geometry(inputs):
    """(G, magnitude, wavenumber, beam, axis) of a row, in the order of GEOMETRY_INPUTS."""
    values = exact(inputs)
    return values[:3], values[3], values[4], values[5:8], values[8:11]


def geometry_results(inputs):
    g, magnitude, wavenumber, beam, axis = split_geometry(inputs)
    solution = Solution(g, magnitude**2, wavenumber, axis, beam)
    length = norm(g)

    def derivatives(root):
        scalars = [2 * magnitude * root.by_q2, root.by_wavenumber]
        return [*root.by_g, *scalars, *root.by_beam, *root.by_axis]

    ratio = solution.h / length if length > 0 else mp.nan
    return collect(solution, ratio, derivatives, len(GEOMETRY_INPUTS))


# Fused problems --------------------------------------------------------------------------------------------------


def cell_basis(a, b, c, alpha, beta, gamma):
    """Reciprocal basis with columns a*, b*, c* (2 pi included), a along x and b in the xy plane; degrees."""
    ca, cb, cg = (mp.cos(mp.radians(angle)) for angle in (alpha, beta, gamma))
    sg = mp.sin(mp.radians(gamma))
    height = mp.sqrt(1 - ca**2 - cb**2 - cg**2 + 2 * ca * cb * cg) / sg
    direct = (
        [mp.mpf(a), mp.mpf(0), mp.mpf(0)],
        [b * cg, b * sg, mp.mpf(0)],
        [c * cb, c * (ca - cb * cg) / sg, c * height],
    )
    volume = dot(direct[0], cross(direct[1], direct[2]))
    columns = [combine((2 * mp.pi / volume, cross(direct[i - 2], direct[i - 1]))) for i in range(3)]
    return transpose(columns)


GOLD = (GOLD_CELL, GOLD_CELL, GOLD_CELL, 90, 90, 90)
TRICLINIC = (5.12, 6.87, 7.43, 81.3, 96.2, 104.7)
MONOCLINIC = (9.31, 5.64, 6.02, 90, 112.4, 90)
LOSSES = ("squares", "chord", "huber", "norm")
PARAMETERS = 11
STRAIN_ENTRIES = ((0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1))


def make_problem(name, cell, strain, orientations, reflections, wavenumber, chi=None, axis=None, beam=None, extra=()):
    """Inputs of a problem, as doubles.  `extra` reflections come first; the others are random.  No wavenumber: one
    at which a pair is near the tangent."""
    sampler = Sampler(f"predict {name}")
    basis = cell_basis(*cell)
    deformed = [[float(x * (1 + strain * sampler.uniform(-1, 1))) for x in row] for row in basis]
    hkl = [list(index) for index in extra]
    while len(hkl) < reflections:
        index = [int(sampler.uniform(0, 13)) - 6 for _ in range(3)]
        if index != [0, 0, 0] and index not in hkl:
            hkl.append(index)
    rotations = [sampler.rotation() for _ in range(orientations)]
    if extra:
        rotations[0] = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
    if wavenumber is None:
        wavenumber = grazing_wavenumber(deformed, hkl, rotations, chi)
    problem = {"name": name, "geometry": "general" if chi is None else "default", "wavenumber": wavenumber}
    problem |= {"chi": chi} if chi is not None else {"axis": rounded_unit(axis), "beam": rounded_unit(beam)}
    problem |= {"hkl": hkl, "B": deformed, "R": rotations}
    for weight in ("w1", "w2"):
        problem[weight] = [[round(sampler.uniform(-1.6, 1.6), 3) for _ in hkl] for _ in rotations]
    problem["loss"] = make_targets(problem, sampler)
    return problem


def grazing_wavenumber(basis, hkl, rotations, chi):
    """Wavenumber that puts the pair with the fifth-highest threshold at s/rho = 0.02 (default geometry)."""
    thresholds = []
    for rotation in rotations:
        for index in hkl:
            q = apply([exact(row) for row in basis], exact(index))
            g = apply([exact(row) for row in rotation], q)
            rho = mp.hypot(g[0], g[1]) * mp.sqrt(1 - mp.mpf("0.02") ** 2)
            thresholds.append(wavenumber_for(-rho, [*g, norm(g)], mp.mpf(chi)))
    return float(sorted(thresholds)[-5])


def make_targets(problem, sampler):
    """Targets near the true angles, some far, some beyond one turn, some absent; on unobservable pairs too."""
    section = {
        "delta": round(sampler.uniform(0.02, 0.1), 3),
        "missing_loss": round(sampler.uniform(0.1, 2), 3),
    }
    pairs = problem_pairs(problem)
    for branch, (target_key, weight_key) in enumerate((("t1", "v1"), ("t2", "v2"))):
        targets, weights = [], []
        for row in pairs:
            target_row, weight_row = [], []
            for pair in row:
                offset = sampler.log_uniform(1e-4, 2.5) * sampler.sign()
                turns = sampler.choice((0, 0, 0, 0, 1, -1)) * 2 * mp.pi
                omega = pair.solution.roots[branch].omega if pair.solution.observable else 0
                absent = sampler.uniform() < 0.15
                target_row.append(math.nan if absent else round(float(omega + offset + turns), 6))
                special = (0.0, math.nan, -1.0)
                kind = int(sampler.uniform(0, 20))
                weight_row.append(special[kind] if kind < 3 else round(sampler.uniform(0.1, 3), 3))
            targets.append(target_row)
            weights.append(weight_row)
        section[target_key], section[weight_key] = targets, weights
    return section


def make_problems():
    return [
        make_problem("gold_chi0", GOLD, 0, 3, 12, GOLD_WAVENUMBER, 0.0, extra=((0, 0, 2), (2, 0, 0), (0, 0, 0))),
        make_problem("gold_tilted", GOLD, 0, 3, 9, None, 0.02, extra=((0, 0, 4),)),
        make_problem("triclinic_strained", TRICLINIC, 1e-3, 4, 7, 8.25, -0.1),
        make_problem("monoclinic_strong_tilt", MONOCLINIC, 0, 3, 10, 12.5, 0.7),
        make_problem("triclinic_any_axis", TRICLINIC, 0, 3, 7, 30.0, axis=(0.1, -0.3, 1), beam=(1, 0.2, 0.15)),
        make_problem(
            "gold_oblique",
            GOLD,
            1e-3,
            3,
            8,
            7.5,
            axis=(-2, 1, 0.5),
            beam=(0.3, 0.8, -1),
            extra=((5, 1, 1),),
        ),
    ]


class Pair:
    """q, G and the solution of one orientation and reflection, and d beam/d chi."""

    def __init__(self, rotation, q, q2, wavenumber, geometry):
        axis, beam, self.beam_by_chi = geometry
        self.rotation, self.q, self.wavenumber = rotation, q, wavenumber
        self.g = apply(rotation, q)
        self.q2 = dot(self.g, self.g) if q2 is None else q2
        self.solution = Solution(self.g, self.q2, wavenumber, axis, beam)


def problem_geometry(problem):
    """Axis, beam and d beam/d chi."""
    if problem["geometry"] == "default":
        return default_geometry(mp.mpf(problem["chi"]))
    axis, beam = exact(problem["axis"]), exact(problem["beam"])
    along = dot(axis, beam)
    across = combine((1, beam), (-along, axis))
    return axis, beam, combine((-along / norm(across), across), (norm(across), axis))


def problem_pairs(problem, variant="crystal"):
    """[nb][N] pairs."""
    geometry = problem_geometry(problem)
    wavenumber = mp.mpf(problem["wavenumber"])
    basis = [exact(row) for row in problem["B"]]
    vectors = [apply(basis, exact(index)) for index in problem["hkl"]]
    return [
        [
            Pair(
                [exact(r) for r in rotation],
                q,
                dot(q, q) if variant == "crystal" else None,
                wavenumber,
                geometry,
            )
            for q in vectors
        ]
        for rotation in problem["R"]
    ]


def predict_results(problem, variant):
    pairs = problem_pairs(problem, variant)
    default = problem["geometry"] == "default"
    zero = [mp.mpf(0)] * 3
    result = {key: [] for key in ("observable", "omega1", "omega2", "s_over_rho")}
    loss = mp.mpf(0)
    by_q = [zero for _ in problem["hkl"]]
    by_basis = [zero] * 3
    by_wavenumber, by_axis, by_beam, by_chi = mp.mpf(0), zero, zero, mp.mpf(0)
    all_by_g, all_by_rotation, all_by_left = [], [], []
    for b, row in enumerate(pairs):
        solutions = [pair.solution for pair in row]
        result["observable"].append([int(solution.observable) for solution in solutions])
        for i, key in enumerate(("omega1", "omega2")):
            result[key].append([s.roots[i].omega if s.observable else mp.nan for s in solutions])
        result["s_over_rho"].append([solution.s_over_rho for solution in solutions])
        row_by_g, by_rotation, by_left = [], [zero] * 3, zero
        for n, pair in enumerate(row):
            by_g, by_crystal_q = zero, zero
            for root, key in zip(pair.solution.roots, ("w1", "w2"), strict=False):
                weight = mp.mpf(problem[key][b][n])
                loss += weight * root.omega
                by_g = combine((1, by_g), (weight, root.by_g))
                if variant == "lab":
                    by_g = combine((1, by_g), (2 * weight * root.by_q2, pair.g))
                else:
                    by_crystal_q = combine((1, by_crystal_q), (2 * weight * root.by_q2, pair.q))
                by_wavenumber += weight * root.by_wavenumber
                by_axis = combine((1, by_axis), (weight, root.by_axis))
                by_beam = combine((1, by_beam), (weight, root.by_beam))
                by_chi += weight * dot(root.by_beam, pair.beam_by_chi)
            row_by_g.append(by_g)
            by_rotation = [combine((1, x), (1, y)) for x, y in zip(by_rotation, outer(by_g, pair.q), strict=True)]
            by_left = combine((1, by_left), (1, cross(pair.g, by_g)))
            by_q[n] = combine((1, by_q[n]), (1, by_crystal_q), (1, apply(transpose(pair.rotation), by_g)))
        all_by_g.append(row_by_g)
        all_by_rotation.append(by_rotation)
        all_by_left.append(by_left)
    for by_one, index in zip(by_q, problem["hkl"], strict=True):
        by_basis = [combine((1, x), (1, y)) for x, y in zip(by_basis, outer(by_one, exact(index)), strict=True)]
    result |= {"loss": loss, "dL_dG": all_by_g, "dL_dR": all_by_rotation, "dL_drotation_left": all_by_left}
    result |= {"dL_dq": by_q, "dL_dB": by_basis, "dL_dwavenumber": by_wavenumber}
    result |= {"dL_dchi": by_chi} if default else {"dL_daxis": by_axis, "dL_dbeam": by_beam}
    return result


def jacobian(pair, root):
    """d omega by the eleven parameters, Q taken from the crystal frame."""
    by_q = combine((1, apply(transpose(pair.rotation), root.by_g)), (2 * root.by_q2, pair.q))
    strain = [by_q[i] * pair.q[j] + (by_q[j] * pair.q[i] if i != j else 0) for i, j in STRAIN_ENTRIES]
    return [*cross(pair.g, root.by_g), root.by_wavenumber, dot(root.by_beam, pair.beam_by_chi), *strain]


def loss_terms(kind, residual, delta):
    """(l, dl/d residual, v) of one residual."""
    size = abs(residual)
    if kind == "squares":
        return residual**2 / 2, residual, mp.mpf(1)
    if kind == "chord":
        return 1 - mp.cos(residual), mp.sin(residual), mp.mpf(1)
    if kind == "huber":
        if size <= delta:
            return residual**2 / 2, residual, mp.mpf(1)
        return delta * (size - delta / 2), delta * mp.sign(residual), delta / size
    length = mp.hypot(residual, delta)
    return length - delta, residual / length, 1 / length


def loss_targets(problem, b, n):
    """(branch, target, weight) of the valid targets of a pair."""
    section = problem["loss"]
    for branch, (target_key, weight_key) in enumerate((("t1", "v1"), ("t2", "v2"))):
        target, weight = section[target_key][b][n], section[weight_key][b][n]
        if not math.isnan(target) and weight > 0:
            yield branch, mp.mpf(target), mp.mpf(weight)


def loss_results(problem):
    section = problem["loss"]
    delta, missing_loss = mp.mpf(section["delta"]), mp.mpf(section["missing_loss"])
    result = {key: [] for key in ("observable", "matched", "missing")}
    result |= {kind: {"loss": [], "gradient": [], "normal": []} for kind in LOSSES}
    for b, row in enumerate(problem_pairs(problem)):
        matches, missing = [], []
        for n, pair in enumerate(row):
            for branch, target, weight in loss_targets(problem, b, n):
                if pair.solution.observable:
                    root = pair.solution.roots[branch]
                    matches.append((wrap(root.omega - target), weight, jacobian(pair, root)))
                else:
                    missing.append(weight)
        result["observable"].append(sum(pair.solution.observable for pair in row))
        result["matched"].append(len(matches))
        result["missing"].append(len(missing))
        for kind in LOSSES:
            total = missing_loss * sum(missing)
            gradient = [mp.mpf(0)] * PARAMETERS
            normal = [mp.mpf(0)] * (PARAMETERS * (PARAMETERS + 1) // 2)
            for residual, weight, slope in matches:
                value, first, curvature = loss_terms(kind, residual, delta)
                total += weight * value
                gradient = [x + weight * first * y for x, y in zip(gradient, slope, strict=True)]
                products = upper_triangle(slope)
                normal = [x + weight * curvature * y for x, y in zip(normal, products, strict=True)]
            for key, value in (("loss", total), ("gradient", gradient), ("normal", normal)):
                result[kind][key].append(value)
    return result


def upper_triangle(v):
    return [v[i] * v[j] for i in range(len(v)) for j in range(i, len(v))]


# Writing ---------------------------------------------------------------------------------------------------------


def number(value, digits=RESULT_DIGITS):
    """A result with this many significant digits."""
    if isinstance(value, bool | int):
        return str(int(value))
    if mp.isnan(value):
        return "nan"
    text = mp.nstr(value, digits)
    return text.replace(".0e", "e").removesuffix(".0")


def csv_text(rows, inputs, columns, results, digits):
    """`inputs` names the values of a row in their own order, `columns` is the order in the file."""
    names = [
        "id",
        "category",
        *columns,
        *RESULTS,
        *(f"d{branch}_{name}" for branch in (1, 2) for name in inputs),
    ]
    widths = [12 if name in ("s_over_rho", "rho_over_g") else RESULT_DIGITS for name in names[2 + len(columns) :]]
    lines = [",".join(names)]
    for index, (category, values) in enumerate(rows):
        by_name = dict(zip(inputs, values, strict=True))
        fields = [str(index), category, *(f"{by_name[name]:.{digits}g}" for name in columns)]
        lines.append(",".join(fields + [number(*pair) for pair in zip(results(values), widths, strict=True)]))
    return "\n".join(lines) + "\n"


def shortened(rows):
    return [[float(mp.nstr(x, NORMAL_DIGITS)) for x in row] for row in rows]


def plain(value):
    """JSON form of a result: nested lists of doubles, null for NaN; `normal` shortened."""
    if isinstance(value, dict):
        short = {key: shortened(item) if key == "normal" else item for key, item in value.items()}
        return {key: plain(item) for key, item in short.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, str | int):
        return value
    value = float(value)
    return None if math.isnan(value) else value


def problem_results(problem):
    results = dict(problem)
    results["loss"] = problem["loss"] | loss_results(problem)
    for variant in ("crystal", "lab"):
        results[variant] = predict_results(problem, variant)
        ratios = [x for row in results[variant]["s_over_rho"] for x in row if not mp.isnan(x)]
        assert min(ratios) > 1e-3, f"{problem['name']}: a pair too close to the tangent for a fair test"
    return results


def compact(item):
    return json.dumps(item, separators=(",", ":"))


def predict_text(problems):
    lines = []
    for problem in problems:
        entries = [f"{compact(key)}: {compact(item)}" for key, item in plain(problem_results(problem)).items()]
        lines.append("{" + ",\n ".join(entries) + "}")
    return '{"problems": [\n' + ",\n".join(lines) + "\n]}\n"


def generate():
    """File name to text."""
    return {
        "solve_f64.csv": csv_text(solve_table(to_f64), SOLVE_INPUTS, SOLVE_INPUTS, solve_results, 17),
        "solve_f32.csv": csv_text(solve_table(to_f32), SOLVE_INPUTS, SOLVE_INPUTS, solve_results, 9),
        "geometry.csv": csv_text(geometry_table(), GEOMETRY_INPUTS, GEOMETRY_COLUMNS, geometry_results, 17),
        "predict.json": predict_text(make_problems()),
    }


# The check: other formulas, explicit matrices, central differences -------------------------------------------------

STEP = mp.mpf("1e-28")


def rotation_matrix(axis, angle):
    """R(e, angle) as a matrix, with e as it is."""
    cosine, sine = mp.cos(angle), mp.sin(angle)
    skew = ((0, -axis[2], axis[1]), (axis[2], 0, -axis[0]), (-axis[1], axis[0], 0))
    return [
        [(cosine if i == j else 0) + sine * skew[i][j] + (1 - cosine) * axis[i] * axis[j] for j in range(3)]
        for i in range(3)
    ]


def angles_default(gx, gy, gz, magnitude, wavenumber, chi):
    """Both angles by the arcsine, not wrapped; None if not observable."""
    rho = mp.sqrt(gx**2 + gy**2)
    c = gz * mp.tan(chi) + magnitude**2 / (2 * wavenumber * mp.cos(chi))
    if rho == 0 or abs(c) > rho * (1 + TINY):
        return None
    turn = mp.asin(max(-1, min(1, c / rho)))
    azimuth = mp.atan2(gx, gy)
    return turn + azimuth, mp.pi - turn + azimuth


def angles_general(g, q2, wavenumber, axis, beam):
    """Both angles by the arccosine, not wrapped; None if not observable."""
    along = dot(axis, g)
    a = dot(beam, g) - dot(beam, axis) * along
    b = dot(cross(beam, axis), g)
    c = -q2 / (2 * wavenumber) - dot(beam, axis) * along
    h = mp.sqrt(a**2 + b**2)
    if h == 0 or abs(c) > h * (1 + TINY):
        return None
    spread = mp.acos(max(-1, min(1, c / h)))
    return mp.atan2(b, a) + spread, mp.atan2(b, a) - spread


def angles_general_row(*values):
    g, magnitude, wavenumber, beam, axis = split_geometry(values)
    return angles_general(g, magnitude**2, wavenumber, axis, beam)


class Checker:
    """Counts comparisons and remembers the failures."""

    def __init__(self):
        self.count = 0
        self.failures = []

    def close(self, where, value, expected, tolerance):
        self.count += 1
        if not abs(value - expected) <= tolerance:
            self.failures.append(f"{where}: {mp.nstr(value, 21)}, expected {mp.nstr(expected, 21)}")

    def true(self, where, condition):
        self.count += 1
        if not condition:
            self.failures.append(where)


def check_table(checker, name, text, inputs, fmt, angles, frame):
    """Every row of a table from its printed numbers; frame(values) gives (axis, beam)."""
    lines = [line.split(",") for line in text.splitlines()]
    with mp.workdps(CHECK_DIGITS):
        for fields in lines[1:]:
            row = dict(zip(lines[0], fields, strict=True))
            where = f"{name} {row['id']}"
            values = exact(fmt(float(row[key])) for key in inputs)
            digits = 9 if fmt is to_f32 else 17
            checker.true(
                f"{where}: inputs",
                all(f"{float(v):.{digits}g}" == row[k] or v == 0 for k, v in zip(inputs, values, strict=True)),
            )
            check_row(checker, where, row, inputs, values, angles, frame)


def check_row(checker, where, row, inputs, values, angles, frame):
    both = angles(*values)
    checker.true(f"{where}: observable", row["observable"] == ("0" if both is None else "1"))
    derivative_names = [f"d{branch}_{key}" for branch in (1, 2) for key in inputs]
    if both is None:
        checker.true(f"{where}: nan", all(row[key] == "nan" for key in (*derivative_names, "omega1", "omega2")))
        return
    g, magnitude, wavenumber = values[:3], values[3], values[4]
    axis, beam = frame(values)
    lab_step = mp.mpf("1e-40")
    for branch, omega in enumerate(both):
        printed = mp.mpf(row[f"omega{branch + 1}"])
        checker.true(f"{where}: range", abs(printed) <= mp.pi + mp.mpf("1e-19"))
        checker.close(f"{where}: omega{branch + 1}", wrap(printed - omega), 0, mp.mpf("6e-20"))
        condition = [
            dot(beam, apply(rotation_matrix(axis, angle), g)) + magnitude**2 / (2 * wavenumber)
            for angle in (omega - lab_step, omega, omega + lab_step)
        ]
        checker.close(f"{where}: F(omega)", condition[1], 0, TINY * norm(g))
        if row["d1_gx"] != "nan":
            checker.true(f"{where}: branch", (condition[2] - condition[0] < 0) == (branch == 0))
    ratio = mp.mpf(row["s_over_rho"])
    if ratio == 0:
        checker.true(f"{where}: nan", all(row[key] == "nan" for key in derivative_names))
        return
    checker.close(
        f"{where}: s_over_rho",
        ratio,
        abs(mp.sin(both[0] - both[1])) / 2 / mp.sqrt(1 - ratio**2)
        if ratio < 0.7
        else abs(mp.sin((both[0] - both[1]) / 2)),
        ratio * mp.mpf("1e-11"),
    )
    reach = mp.mpf(row["rho_over_g"]) * ratio * norm(g)
    length = norm(g)
    for index, key in enumerate(inputs):
        scale = length if key[0] == "g" or key == "magnitude" else wavenumber if key == "wavenumber" else 1
        step = STEP * scale * ratio**2
        shifted = [angles(*values[:index], values[index] + signed, *values[index + 1 :]) for signed in (step, -step)]
        for branch in range(2):
            expected = wrap(shifted[0][branch] - shifted[1][branch]) / (2 * step)
            printed = mp.mpf(row[f"d{branch + 1}_{key}"])
            tolerance = abs(expected) * mp.mpf("1e-19") + mp.mpf("1e-24") * length / (reach * scale)
            checker.close(f"{where}: d{branch + 1}_{key}", printed, expected, tolerance)


def left_rotation(t):
    """exp([t]x)."""
    angle = norm(t)
    if angle == 0:
        return rotation_matrix(exact((0, 0, 1)), mp.mpf(0))
    return rotation_matrix(combine((1 / angle, t)), angle)


def multiply(a, b):
    columns = transpose(b)
    return [[dot(row, column) for column in columns] for row in a]


class Model:
    """Angles of a problem from its inputs alone, each of which can be moved."""

    def __init__(self, problem):
        self.hkl = [exact(index) for index in problem["hkl"]]
        self.basis = [exact(row) for row in problem["B"]]
        self.rotations = [[exact(row) for row in rotation] for rotation in problem["R"]]
        self.wavenumber = mp.mpf(problem["wavenumber"])
        self.chi = mp.mpf(problem["chi"]) if "chi" in problem else None
        if self.chi is not None:
            self.axis, self.beam = exact((0, 0, 1)), [mp.cos(self.chi), mp.mpf(0), mp.sin(self.chi)]
        else:
            self.axis, self.beam = exact(problem["axis"]), exact(problem["beam"])

    def angles(self, b, n, variant, *, rotation=None, basis=None, q=None, g=None, shift=0, axis=None, beam=None):
        """Angles of a pair with some inputs replaced; with g in `crystal`, Q stays that of q."""
        q = apply(basis or self.basis, self.hkl[n]) if q is None else q
        rotated = apply(rotation or self.rotations[b], q) if g is None else g
        q2 = dot(q, q) if variant == "crystal" else dot(rotated, rotated)
        return angles_general(rotated, q2, self.wavenumber + shift, axis or self.axis, beam or self.beam)

    def tilted_beam(self, turn):
        """The beam with chi moved by `turn`: rotated from x^ toward e."""
        unit_axis = combine((1 / norm(self.axis), self.axis))
        side = cross(unit_axis, self.beam)
        normal = combine((-1 / norm(side), side))  # x^ x e
        return apply(rotation_matrix(normal, turn), self.beam)


def moved(matrix, i, j, step):
    return [[x + (step if (r, c) == (i, j) else 0) for c, x in enumerate(row)] for r, row in enumerate(matrix)]


def check_variant(checker, problem, variant):
    """L and its derivatives against central differences of the closed form."""
    model, results = Model(problem), problem[variant]
    nb, count = len(problem["R"]), len(problem["hkl"])
    where = f"predict.json {problem['name']} {variant}"
    step = mp.mpf("1e-22")
    pairs = [(b, n) for b in range(nb) for n in range(count)]
    live = [(b, n) for b, n in pairs if model.angles(b, n, variant) is not None]
    flags = [[int((b, n) in live) for n in range(count)] for b in range(nb)]
    checker.true(f"{where}: observable", results["observable"] == flags)
    total = mp.mpf(0)
    for b, n in live:
        for i, angle in enumerate(model.angles(b, n, variant)):
            checker.close(f"{where}: omega", wrap(angle - results[f"omega{i + 1}"][b][n]), 0, 5e-16)
            total += problem[f"w{i + 1}"][b][n] * wrap(angle)
    checker.close(f"{where}: loss", results["loss"], total, 1e-14)

    def slope(subset, change):
        """dL/dx over the pairs of the subset that are observable; change(x) gives the replaced inputs."""
        difference = mp.mpf(0)
        for b, n in subset:
            if flags[b][n]:
                ends = [model.angles(b, n, variant, **change(x)) for x in (step, -step)]
                for i in range(2):
                    difference += mp.mpf(problem[f"w{i + 1}"][b][n]) * (ends[0][i] - ends[1][i])
        return difference / (2 * step)

    def compare(key, value, expected):
        checker.close(f"{where}: {key}", value, expected, 1e-15 * abs(expected) + mp.mpf("1e-30"))

    entries = [(i, j) for i in range(3) for j in range(3)]
    units = [[mp.mpf(int(i == j)) for j in range(3)] for i in range(3)]
    for b, n in pairs:
        g = apply(model.rotations[b], apply(model.basis, model.hkl[n]))
        for i in range(3):
            compare(
                "dL_dG",
                results["dL_dG"][b][n][i],
                slope([(b, n)], lambda x, g=g, i=i: {"g": combine((1, g), (x, units[i]))}),
            )
    for b in range(nb):
        row, start = [(b, n) for n in range(count)], model.rotations[b]
        for i, j in entries:
            compare(
                "dL_dR",
                results["dL_dR"][b][i][j],
                slope(row, lambda x, start=start, i=i, j=j: {"rotation": moved(start, i, j, x)}),
            )
        for i in range(3):
            expected = slope(
                row,
                lambda x, start=start, i=i: {"rotation": multiply(left_rotation(combine((x, units[i]))), start)},
            )
            compare("dL_drotation_left", results["dL_drotation_left"][b][i], expected)
    for n in range(count):
        q = apply(model.basis, model.hkl[n])
        for i in range(3):
            expected = slope([(b, n) for b in range(nb)], lambda x, q=q, i=i: {"q": combine((1, q), (x, units[i]))})
            compare("dL_dq", results["dL_dq"][n][i], expected)
    for i, j in entries:
        compare(
            "dL_dB",
            results["dL_dB"][i][j],
            slope(pairs, lambda x, i=i, j=j: {"basis": moved(model.basis, i, j, x)}),
        )
    compare("dL_dwavenumber", results["dL_dwavenumber"], slope(pairs, lambda x: {"shift": x}))
    if model.chi is not None:

        def tilt(x):
            return {"beam": [mp.cos(model.chi + x), mp.mpf(0), mp.sin(model.chi + x)]}

        compare("dL_dchi", results["dL_dchi"], slope(pairs, tilt))
        return
    for i in range(3):
        for key, start in (("axis", model.axis), ("beam", model.beam)):
            expected = slope(pairs, lambda x, key=key, start=start, i=i: {key: combine((1, start), (x, units[i]))})
            compare(f"dL_d{key}", results[f"dL_d{key}"][i], expected)


def changed_inputs(model, b, n, parameter, x):
    """Inputs of a pair with one of the eleven parameters moved by x."""
    if parameter < 3:
        t = [x if i == parameter else mp.mpf(0) for i in range(3)]
        return {"rotation": multiply(left_rotation(t), model.rotations[b])}
    if parameter == 3:
        return {"shift": x}
    if parameter == 4:
        return {"beam": model.tilted_beam(x)}
    i, j = STRAIN_ENTRIES[parameter - 5]
    strain = [[mp.mpf(int(r == c)) + (x if (r, c) in ((i, j), (j, i)) else 0) for c in range(3)] for r in range(3)]
    return {"q": apply(strain, apply(model.basis, model.hkl[n]))}


def check_loss_value(kind, residual, delta):
    """The losses once more, as integrals of their influence or in half-angle form."""
    size = abs(residual)
    if kind == "squares":
        return size * size / 2
    if kind == "chord":
        return 2 * mp.sin(residual / 2) ** 2
    if kind == "huber":
        inner = min(size, delta)
        return inner**2 / 2 + delta * (size - inner)
    return size**2 / (mp.sqrt(size**2 + delta**2) + delta)


def check_curvature(kind, residual, delta):
    size = abs(residual)
    if kind == "huber":
        return mp.mpf(1) if size < delta else delta / size
    return 1 / mp.sqrt(size**2 + delta**2) if kind == "norm" else mp.mpf(1)


def check_loss(checker, problem):
    model, section = Model(problem), problem["loss"]
    where = f"predict.json {problem['name']} loss"
    step = mp.mpf("1e-22")
    delta, missing_loss = mp.mpf(section["delta"]), mp.mpf(section["missing_loss"])
    count = len(problem["hkl"])
    for b in range(len(problem["R"])):
        matches, missing, observable = [], [], 0
        for n in range(count):
            centre = model.angles(b, n, "crystal")
            observable += centre is not None
            targets = list(loss_targets(problem, b, n))
            if centre is None:
                missing += [weight for _, _, weight in targets]
                continue
            moves = [
                [model.angles(b, n, "crystal", **changed_inputs(model, b, n, p, x)) for x in (step, -step)]
                for p in range(PARAMETERS)
            ]
            for i, target, weight in targets:
                matches.append((centre[i] - target, weight, [(up[i] - target, down[i] - target) for up, down in moves]))
        counts = (observable, len(matches), len(missing))
        checker.true(
            f"{where}: counts",
            counts == tuple(section[key][b] for key in ("observable", "matched", "missing")),
        )
        for kind in LOSSES:
            total = missing_loss * sum(missing)
            gradient = [mp.mpf(0)] * PARAMETERS
            normal = [mp.mpf(0)] * len(section[kind]["normal"][b])
            for centre, weight, moves in matches:
                residual = wrap(centre)
                total += weight * check_loss_value(kind, residual, delta)
                ends = [[check_loss_value(kind, wrap(x), delta) for x in pair] for pair in moves]
                gradient = [g + weight * (up - down) / (2 * step) for g, (up, down) in zip(gradient, ends, strict=True)]
                products = upper_triangle([(up - down) / (2 * step) for up, down in moves])
                factor = weight * check_curvature(kind, residual, delta)
                normal = [x + factor * y for x, y in zip(normal, products, strict=True)]
            tolerances = {"loss": 1e-15, "gradient": 1e-15, "normal": 1e-13}
            checker.close(f"{where}: {kind} loss", section[kind]["loss"][b], total, tolerances["loss"] * total)
            for key, values in (("gradient", gradient), ("normal", normal)):
                for value, expected in zip(section[kind][key][b], values, strict=True):
                    checker.close(
                        f"{where}: {kind} {key}",
                        value,
                        expected,
                        tolerances[key] * abs(expected) + mp.mpf("1e-18"),
                    )


def check(texts):
    """Verify the files as they are on disk; returns an exit status."""
    checker = Checker()
    on_disk = {name: (HERE / name).read_text() for name in texts}
    for name, text in texts.items():
        checker.true(f"{name}: not what this program writes", on_disk[name] == text)

    def frame_default(values):
        axis, beam, _ = default_geometry(values[5])
        return axis, beam

    def frame_general(values):
        return values[8:11], values[5:8]

    check_table(
        checker,
        "solve_f64.csv",
        on_disk["solve_f64.csv"],
        SOLVE_INPUTS,
        to_f64,
        angles_default,
        frame_default,
    )
    check_table(
        checker,
        "solve_f32.csv",
        on_disk["solve_f32.csv"],
        SOLVE_INPUTS,
        to_f32,
        angles_default,
        frame_default,
    )
    check_table(
        checker,
        "geometry.csv",
        on_disk["geometry.csv"],
        GEOMETRY_INPUTS,
        to_f64,
        angles_general_row,
        frame_general,
    )
    for problem in json.loads(on_disk["predict.json"])["problems"]:
        for key in ("t1", "t2", "v1", "v2"):
            rows = problem["loss"][key]
            problem["loss"][key] = [[math.nan if x is None else x for x in row] for row in rows]
        for variant in ("crystal", "lab"):
            check_variant(checker, problem, variant)
        check_loss(checker, problem)
    for failure in checker.failures[:20]:
        print(failure, file=sys.stderr)
    print(f"{checker.count} comparisons, {len(checker.failures)} failed")
    return 1 if checker.failures else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="verify the files by another route")
    arguments = parser.parse_args()
    texts = generate()
    if arguments.check:
        return check(texts)
    for name, text in texts.items():
        (HERE / name).write_text(text)
        print(f"{name}: {text.count(chr(10))} lines, {len(text)} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
