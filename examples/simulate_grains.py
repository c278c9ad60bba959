#!/usr/bin/env python3
"""Makes the embedded data set: reflections of twelve gold grains, simulated with the standard library only.

    python3 simulate_grains.py            writes data/peaks.csv and data/grains.csv
    python3 simulate_grains.py --check    exits with 1 if the files are not what it would write

Frame: beam along +x tilted by chi towards the rotation axis +z, G_lab = Rz(omega) G, G = 2 pi UB hkl.

    c       = Gz tan(chi) + |G|^2 / (2 k cos(chi)),   rho^2 = Gx^2 + Gy^2
    omega_1 =      asin(c / rho) + atan2(Gx, Gy)
    omega_2 = pi - asin(c / rho) + atan2(Gx, Gy)      none if |c| > rho

peaks.csv has what a scan of half a turn would see, with normal noise; grains.csv has orientations that are
START_ERROR off, as indexing leaves them. What a refinement should find is in TRUE_ENERGY and TRUE_CHI.
"""

import argparse
import itertools
import math
import pathlib
import random

SEED = 19131126
GRAINS = 12
EDGE = 4.0782  # Angstrom, gold
D_MIN = 0.75  # Angstrom
TRUE_ENERGY = 50.02099  # keV; start from 50
TRUE_CHI = 0.05  # degrees; start from 0
NOISE = 0.02  # degrees
START_ERROR = 0.5  # degrees
SCAN = (-90.0, 90.0)  # degrees
WAVENUMBER_PER_KEV = 0.50677307161563958  # 1/(Angstrom keV), CODATA 2018
FOLDER = pathlib.Path(__file__).resolve().parent / "data"


def normal(source):
    """One standard normal number (Box and Muller), from uniform numbers that are the same everywhere."""
    return math.sqrt(-2 * math.log(1 - source.random())) * math.cos(2 * math.pi * source.random())


def random_axis(source):
    vector = [normal(source) for _ in range(3)]
    length = math.hypot(*vector)
    return [component / length for component in vector]


def quaternion_rotation(quaternion):
    """Rotation matrix of a quaternion (w, x, y, z) of any length."""
    length = math.hypot(*quaternion)
    w, x, y, z = (component / length for component in quaternion)
    return [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]


def turn(axis, degrees):
    half = math.radians(degrees) / 2
    return quaternion_rotation([math.cos(half)] + [math.sin(half) * component for component in axis])


def product(a, b):
    return [[sum(a[i][m] * b[m][j] for m in range(3)) for j in range(3)] for i in range(3)]


def face_centred(hkl):
    return len({index % 2 for index in hkl}) == 1


def reflections():
    most = int(EDGE / D_MIN)
    for hkl in itertools.product(range(-most, most + 1), repeat=3):
        square = sum(index * index for index in hkl)
        if square > 0 and EDGE / math.sqrt(square) >= D_MIN and face_centred(hkl):
            yield hkl


def omegas(rotation, hkl):
    """The angles in degrees at which a reflection diffracts: two or none."""
    k, chi = WAVENUMBER_PER_KEV * TRUE_ENERGY, math.radians(TRUE_CHI)
    g = [2 * math.pi / EDGE * sum(rotation[i][j] * hkl[j] for j in range(3)) for i in range(3)]
    rho = math.hypot(g[0], g[1])
    c = g[2] * math.tan(chi) + sum(x * x for x in g) / (2 * k * math.cos(chi))
    if abs(c) > rho or rho == 0:
        return []
    first = math.asin(c / rho) + math.atan2(g[0], g[1])
    second = math.pi - math.asin(c / rho) + math.atan2(g[0], g[1])
    return [math.degrees(math.remainder(omega, 2 * math.pi)) for omega in (first, second)]


def simulate():
    source = random.Random(SEED)
    peaks = ["grain_id,h,k,l,omega_obs_deg"]
    grains = ["grain_id," + ",".join(f"UB{i}{j}" for i in (1, 2, 3) for j in (1, 2, 3))]
    for grain in range(GRAINS):
        rotation = quaternion_rotation([normal(source) for _ in range(4)])
        for hkl in reflections():
            for omega in omegas(rotation, hkl):
                observed = omega + NOISE * normal(source)
                if SCAN[0] <= observed < SCAN[1]:
                    peaks.append(f"{grain},{hkl[0]},{hkl[1]},{hkl[2]},{observed:.4f}")
        start = product(turn(random_axis(source), START_ERROR), rotation)
        grains.append(f"{grain}," + ",".join(f"{start[i][j] / EDGE:.8f}" for i in range(3) for j in range(3)))
    return {"peaks.csv": "\n".join(peaks) + "\n", "grains.csv": "\n".join(grains) + "\n"}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare with the files that are there")
    check = parser.parse_args().check
    same = True
    for name, text in simulate().items():
        path = FOLDER / name
        if check:
            agrees = path.is_file() and path.read_text() == text
            print(f"{path.name}: {'as generated' if agrees else 'DIFFERS from what the generator makes'}")
            same = same and agrees
        else:
            FOLDER.mkdir(exist_ok=True)
            path.write_text(text)
            print(f"wrote {path.name}: {text.count(chr(10)) - 1} rows")
    return 0 if same else 1


if __name__ == "__main__":
    raise SystemExit(main())
