#!/usr/bin/env python3
"""Minimax coefficients of the arcsine, sine and cosine used by src/core/angle.hpp.

    asin(v) = v + v t q(t),  t = v^2        sin(r) = r + r t q(t),  cos(r) = 1 - t/2 + t^2 q(t),  t = r^2
    rough ones on the whole turn, with a levelled absolute error: sin(r) = r q(t),  cos(r) = q(t)

A Remez exchange in high precision finds the polynomial q whose relative error
    E(t) = (fixed(t) + factor(t) q(t)) / exact(t) - 1,        0 < t <= t_max,
is levelled.  E is linear in the coefficients of q, and factor/exact times 1, t, t^2, ... form a Haar system on
(0, t_max], so the optimum has one more alternation point than coefficients.  The coefficients are then rounded to
nearest in the target format, and the error of the rounded polynomial is measured again: it is the bound that counts.

    generate_angle_polynomial.py                print the C++ header
    generate_angle_polynomial.py -o FILE        write it
    generate_angle_polynomial.py --check FILE   exit 1 if FILE holds anything else
"""

import argparse
import struct
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import mpmath as mp

mp.mp.dps = 60
GRID_POINTS_PER_EXTREMUM = 16
LEVEL_TOLERANCE = mp.mpf("1e-6")  # accepted relative spread of the levelled error
CHECK_POINTS = 2000  # grid on which the rounded polynomial is measured
MAX_EXCHANGES = 40
ROUGH_BOUND = mp.mpf(2) ** -11


@dataclass(frozen=True)
class Function:
    """What is approximated, as functions of t: exact by fixed + factor q."""

    name: str
    argument: str
    t_max: mp.mpf
    exact: Callable
    fixed: Callable
    factor: Callable

    def error(self, coefficients, t):
        """E(t) for the polynomial with these coefficients, lowest degree first."""
        return (self.fixed(t) + self.factor(t) * mp.polyval(coefficients[::-1], t)) / self.exact(t) - 1


def arcsine(v_max):
    """asin(v) for |v| <= v_max."""
    return Function(
        "asin(v)", "v", v_max**2, lambda t: mp.asin(mp.sqrt(t)), lambda t: mp.sqrt(t), lambda t: mp.sqrt(t) * t
    )


def sine(r_max):
    """sin(r) for |r| <= r_max."""
    return Function(
        "sin(r)", "r", r_max**2, lambda t: mp.sin(mp.sqrt(t)), lambda t: mp.sqrt(t), lambda t: mp.sqrt(t) * t
    )


def cosine(r_max):
    """cos(r) for |r| <= r_max."""
    return Function("cos(r)", "r", r_max**2, lambda t: mp.cos(mp.sqrt(t)), lambda t: 1 - t / 2, lambda t: t * t)


def rough_sine():
    """sin(r) = r q(t) for |r| <= pi, with a levelled absolute error."""
    root = mp.sqrt
    return Function("sin(r)", "r", mp.pi**2, lambda t: mp.mpf(1), lambda t: 1 - mp.sin(root(t)), lambda t: root(t))


def rough_cosine():
    """cos(r) = q(t) for |r| <= pi, with a levelled absolute error."""
    return Function("cos(r)", "r", mp.pi**2, lambda t: mp.mpf(1), lambda t: 1 - mp.cos(mp.sqrt(t)), lambda t: mp.mpf(1))


def level(function, points):
    """Coefficients of q for which E is +L, -L, +L, ... at the points; there is one point more than coefficients."""
    size = len(points)
    system, right = mp.matrix(size), mp.matrix(size, 1)
    for i, t in enumerate(points):
        exact = function.exact(t)
        for power in range(size - 1):
            system[i, power] = function.factor(t) / exact * t**power
        system[i, size - 1] = -1 if i % 2 == 0 else 1
        right[i] = 1 - function.fixed(t) / exact
    solution = mp.lu_solve(system, right)
    return [solution[power] for power in range(size - 1)]


def extremum(function, coefficients, left, right, sign):
    """Golden-section search for the maximum of sign * E between left and right."""
    ratio = (mp.sqrt(5) - 1) / 2
    inner = [right - ratio * (right - left), left + ratio * (right - left)]
    value = [sign * function.error(coefficients, t) for t in inner]
    for _ in range(24):
        if value[0] > value[1]:
            right, inner[1], value[1] = inner[1], inner[0], value[0]
            inner[0] = right - ratio * (right - left)
            value[0] = sign * function.error(coefficients, inner[0])
        else:
            left, inner[0], value[0] = inner[0], inner[1], value[1]
            inner[1] = left + ratio * (right - left)
            value[1] = sign * function.error(coefficients, inner[1])
    return (left + right) / 2


def grid(t_max, count):
    """Chebyshev points of (0, t_max], dense at both ends, where the extrema crowd; ends with t_max itself."""
    return [t_max * (1 - mp.cos(mp.pi * i / count)) / 2 for i in range(1, count + 1)]


def local_extrema(function, coefficients, count):
    """The extremum of E in each run of equal sign: (t, E(t)), with increasing t."""
    points = grid(function.t_max, count)
    values = [function.error(coefficients, t) for t in points]
    runs = []
    for i, value in enumerate(values):
        if runs and mp.sign(values[runs[-1]]) == mp.sign(value):
            if abs(value) > abs(values[runs[-1]]):
                runs[-1] = i
        else:
            runs.append(i)
    result = []
    for i in runs:
        candidates = [points[i]]
        if i + 1 < len(points):
            before = points[i - 1] if i else points[0] / 16
            candidates.append(extremum(function, coefficients, before, points[i + 1], mp.sign(values[i])))
        result.append(max(((t, function.error(coefficients, t)) for t in candidates), key=lambda p: abs(p[1])))
    return result


def remez(function, degree):
    """Coefficients of the minimax q, lowest degree first, and its largest |E|."""
    size, t_max = degree + 2, function.t_max
    points = [t_max * (1 - mp.cos(mp.pi * (2 * i + 1) / (2 * size))) / 2 for i in range(size - 1)] + [t_max]
    for _ in range(MAX_EXCHANGES):
        coefficients = level(function, points)
        extrema = local_extrema(function, coefficients, GRID_POINTS_PER_EXTREMUM * size)
        if len(extrema) != size:
            raise ArithmeticError(f"{len(extrema)} extrema where {size} alternate at the optimum")
        heights = [abs(value) for _, value in extrema]
        if max(heights) - min(heights) <= LEVEL_TOLERANCE * max(heights):
            return coefficients, max(heights)
        points = [t for t, _ in extrema]
    raise ArithmeticError("the exchange did not converge")


def rounded(value, kind):
    """value rounded to nearest in the format: the exact mpf of the double or float."""
    if kind == "double":
        return mp.mpf(float(value))
    with mp.workprec(24):
        single = +value
    assert mp.mpf(struct.unpack("<f", struct.pack("<f", float(single)))[0]) == single
    return single


def fit(function, degree, kind):
    """Rounded coefficients, and the largest |E| before and after rounding."""
    optimum, ideal = remez(function, degree)
    coefficients = [rounded(value, kind) for value in optimum]
    extrema = local_extrema(function, coefficients, CHECK_POINTS)
    return coefficients, ideal, max(abs(value) for _, value in extrema)


def hexadecimal(value, kind):
    text = float(value).hex()
    if kind == "float":  # a float needs six hexadecimal digits, the rest are zeros
        mantissa, exponent = text.split("p")
        text = mantissa[:-7].ljust(9, "0") + "p" + exponent + "f"
        assert float.fromhex(text[:-1]) == float(value)
    return text


def array(name, kind, interval, function, degree, bound, error="relative"):
    """The lines of one constant; the rounded polynomial must stay below the bound."""
    coefficients, ideal, achieved = fit(function, degree, kind)
    assert achieved < bound, (name, power_of_two(achieved))
    lines = [
        f"// |{function.argument}| <= {interval}. Largest {error} error of {function.name}: {power_of_two(ideal)}",
        f"// with real coefficients, {power_of_two(achieved)} with these rounded ones, evaluated exactly.",
        f"inline constexpr {kind} {name}[{degree + 1}] = {{",
    ]
    constants = [hexadecimal(value, kind) + "," for value in coefficients]
    width = max(map(len, constants))
    for power, (constant, value) in enumerate(zip(constants, coefficients, strict=True)):
        lines.append(f"    {constant:{width}}  // t^{power}  {mp.nstr(value, 10)}")
    lines.append("};")
    return lines


def power_of_two(value):
    return f"{mp.nstr(value, 4)} = 2^{mp.nstr(mp.log(value, 2), 4)}"


def header():
    two, eighth, quarter = mp.mpf(2), mp.pi / 8, mp.pi / 4
    lines = [
        "#pragma once",
        "",
        "// Coefficients of asin(v) = v + v t q(t) with t = v^2, and of sin(r) = r + r t q(t) and",
        "// cos(r) = 1 - t/2 + t^2 q(t) with t = r^2, on reduced intervals; q(t) = sum q[j] t^j.",
        "// Written by scripts/generate_angle_polynomial.py (Remez exchange on the relative error); do not edit.",
        "// Bound, evaluated exactly: within 2^-56 (double) or 2^-26 (float) of the function, relative.",
        "",
        "// clang-format off",
        "namespace braggrad::core {",
        "",
        *array("asin_f64", "double", "sin(pi/8)", arcsine(mp.sin(eighth)), 9, two**-57),
        "",
        *array("asin_f32", "float", "sin(pi/4)", arcsine(mp.sin(quarter)), 7, two**-26),
        "",
        *array("sin_f64", "double", "pi/4", sine(quarter), 5, two**-56),
        "",
        *array("sin_f32", "float", "pi/4", sine(quarter), 2, two**-26),
        "",
        *array("cos_f64", "double", "pi/4", cosine(quarter), 5, two**-56),
        "",
        *array("cos_f32", "float", "pi/4", cosine(quarter), 2, two**-26),
        "",
        "// Rough ones on the whole turn, sin(r) = r q(t) and cos(r) = q(t), for decisions that are seldom close.",
        *array("rough_sin", "float", "pi", rough_sine(), 3, ROUGH_BOUND, "absolute"),
        "",
        *array("rough_cos", "float", "pi", rough_cosine(), 4, ROUGH_BOUND, "absolute"),
        "",
        "// What their errors stay below in either precision.",
        f"inline constexpr float rough_bound = {hexadecimal(ROUGH_BOUND, 'float')};",
        "",
        "}  // namespace braggrad::core",
    ]
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    group = parser.add_mutually_exclusive_group()
    group.add_argument("-o", "--output", type=Path, help="write the header to this file")
    group.add_argument("--check", type=Path, help="fail if this file is not what would be written")
    arguments = parser.parse_args()
    text = header()
    if arguments.output:
        arguments.output.write_text(text)
    elif arguments.check:
        if arguments.check.read_text() != text:
            print(f"{arguments.check}: differs from the generated coefficients", file=sys.stderr)
            return 1
    else:
        print(text, end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
