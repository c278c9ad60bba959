#!/usr/bin/env python3
"""peers.py LIBRARY: asks ImageD11, xfab and MIDAS themselves, and compares with brg_convention_solve.

Needs a Python with numpy, ImageD11 and xfab, and exits 77 (skipped) where they are not installed. MIDAS is asked where
midas_diffract is installed.
"""

import ctypes
import sys

try:
    import numpy as np
    from ImageD11 import gv_general, transform
    from xfab import tools
except ImportError as missing:
    print(f"skipped: {missing}")
    raise SystemExit(77) from None

library = ctypes.CDLL(sys.argv[1])
library.brg_last_error.restype = ctypes.c_char_p
MIDAS, XFAB, IMAGED11, CPU = 3, 5, 4, 1
BOUND = 1e-9  # rad: the packages lose digits near the tangent


class Convention(ctypes.Structure):
    _fields_ = [
        ("struct_size", ctypes.c_uint32),
        ("flags", ctypes.c_uint32),
        ("system", ctypes.c_int32),
        ("omega_sign", ctypes.c_int32),
        ("wavelength", ctypes.c_double),
        ("energy", ctypes.c_double),
        ("chi", ctypes.c_double),
        ("wedge", ctypes.c_double),
        ("s0", ctypes.c_double * 3),
        ("axis", ctypes.c_double * 3),
        ("setting", ctypes.c_double * 9),
        ("fixed", ctypes.c_double * 9),
        ("range_start", ctypes.c_double),
    ]


class Items(ctypes.Structure):
    _fields_ = [
        ("struct_size", ctypes.c_uint32),
        ("flags", ctypes.c_uint32),
        ("count", ctypes.c_int64),
        *((name, ctypes.c_void_p) for name in ("g", "g_magnitude", "wavenumber", "chi")),
    ]


class Roots(ctypes.Structure):
    _fields_ = [
        ("struct_size", ctypes.c_uint32),
        ("flags", ctypes.c_uint32),
        *((name, ctypes.c_void_p) for name in ("omega1", "omega2", "observable")),
    ]


class Options(ctypes.Structure):
    _fields_ = [
        ("struct_size", ctypes.c_uint32),
        ("flags", ctypes.c_uint32),
        ("backend", ctypes.c_int32),
        ("device", ctypes.c_int32),
        ("threads", ctypes.c_int32),
        ("reserved", ctypes.c_int32),
        ("max_pairs_per_launch", ctypes.c_int64),
    ]


def done(status):
    if status:
        raise SystemExit(library.brg_last_error().decode())


context = ctypes.c_void_p()
done(library.brg_context_create(ctypes.byref(Options(ctypes.sizeof(Options), backend=CPU)), ctypes.byref(context)))


def answers(system, vectors, wavenumber=None, **members):
    """First and second answer and the flag, for vectors [n,3] and, where they have one each, wavenumbers [n]."""
    convention = Convention()
    done(library.brg_convention_init(ctypes.byref(convention), ctypes.c_size_t(ctypes.sizeof(convention)), system))
    for name, value in members.items():
        setattr(convention, name, value)
    vectors = np.ascontiguousarray(vectors, dtype=np.float64)
    first, second = np.full(len(vectors), 77.0), np.full(len(vectors), 77.0)
    observable = np.full(len(vectors), 77, np.uint8)
    items = Items(ctypes.sizeof(Items), 0, len(vectors), vectors.ctypes.data)
    if wavenumber is not None:
        wavenumber = np.ascontiguousarray(wavenumber, dtype=np.float64)
        items.wavenumber = wavenumber.ctypes.data
    roots = Roots(ctypes.sizeof(Roots), 0, first.ctypes.data, second.ctypes.data, observable.ctypes.data)
    done(library.brg_convention_solve_f64(context, ctypes.byref(convention), ctypes.byref(items), ctypes.byref(roots)))
    return first, second, observable.astype(bool)


def apart(a, b, turn):
    """Largest difference of two lists of angles, modulo a turn, in rad."""
    difference = np.abs(np.asarray(a) - np.asarray(b)) % turn
    return float(np.max(np.minimum(difference, turn - difference))) * (2 * np.pi / turn)


def agree(name, first, second, theirs, turn):
    worst = max(apart(first, theirs[0], turn), apart(second, theirs[1], turn))
    print(f"{name:45} {len(first):4} reflections, at most {worst:.1e} rad apart")
    if worst > BOUND or len(first) < 100:
        raise SystemExit(f"{name}: our answers and theirs differ")


rng = np.random.default_rng(7)
wavelength = 0.21
g = rng.uniform(-1, 1, (400, 3)) * 2.5  # 1/Angstrom without 2 pi

for wedge, chi in ((0.0, 0.0), (3.0, 0.0), (0.0, -5.0), (4.0, 7.0), (-6.0, 2.0)):
    first, second, observable = answers(IMAGED11, g, wavelength=wavelength, wedge=wedge, chi=chi)
    post = None if wedge == chi == 0 else gv_general.wedgechi(wedge=wedge, chi=chi)
    one, two, valid = gv_general.g_to_k(g.T, wavelength, axis=[0, 0, -1], pre=None, post=post)
    if not np.array_equal(valid, observable):
        raise SystemExit("ImageD11 and braggrad observe different reflections")
    agree(f"ImageD11 g_to_k, wedge {wedge}, chi {chi}", first[valid], second[valid], (one[valid], two[valid]), 360)

    # A motor that runs the other way: omega = omegasign * motor.
    first, second, _ = answers(IMAGED11, g, wavelength=wavelength, wedge=wedge, chi=chi, omega_sign=-1)
    agree("    the same with omegasign -1", first[valid], second[valid], (-one[valid], -two[valid]), 360)

    # And there and back: from detector angles to g by ImageD11, and omega from it by braggrad.
    tth, eta, omega = rng.uniform(3, 15, 300), rng.uniform(-170, 170, 300), rng.uniform(-180, 180, 300)
    eta[np.abs(np.abs(eta) - 90) > 80] += 20  # not at the tangent
    gv = transform.compute_g_vectors(tth, eta, omega, wavelength, wedge=wedge, chi=chi)
    first, second, observable = answers(IMAGED11, gv.T, wavelength=wavelength, wedge=wedge, chi=chi)
    if not observable.all():
        raise SystemExit("a measured reflection is not observable")
    nearer = np.where(
        np.abs((first - omega + 180) % 360 - 180) < np.abs((second - omega + 180) % 360 - 180), first, second
    )
    agree("    compute_g_vectors, and back", nearer, nearer, (omega, omega), 360)

# xfab: |g| = sin(theta), which says the wavelength.
unit = g / np.linalg.norm(g, axis=1)[:, None]
theta = rng.uniform(0.02, 0.2, len(g))
vectors = unit * np.sin(theta)[:, None]


def xfab_answers(solve, observable):
    found = [solve(v, 2 * t) for v, t in zip(vectors, theta, strict=True)]
    if not np.array_equal([len(f) == 2 for f in found], observable):
        raise SystemExit("xfab and braggrad observe different reflections")
    both = np.array([f for f in found if len(f) == 2])
    return both[:, 0], both[:, 1]


first, second, seen = answers(XFAB, vectors)
agree("xfab find_omega", first[seen], second[seen], xfab_answers(tools.find_omega, seen), 2 * np.pi)
for wedge in (0.0, 0.05, -0.1):
    first, second, seen = answers(XFAB, vectors, wedge=-wedge)
    theirs = xfab_answers(lambda v, tth, wedge=wedge: tools.find_omega_wedge(v, tth, wedge)[0], seen)
    agree(f"xfab find_omega_wedge {wedge}", first[seen], second[seen], theirs, 2 * np.pi)
# find_omega_general with both tilts solves another equation than the rotation it names (docs/conventions.md).
for w_x, w_y in ((0.0, 0.0), (0.2, 0.0), (0.0, 0.07)):
    first, second, seen = answers(XFAB, vectors, wedge=w_y, chi=w_x)
    theirs = xfab_answers(lambda v, tth, w_x=w_x, w_y=w_y: tools.find_omega_general(v, tth, w_x, w_y)[0], seen)
    agree(f"xfab find_omega_general {w_x} {w_y}", first[seen], second[seen], theirs, 2 * np.pi)

# MIDAS: a Bragg angle for each vector, two solutions in no fixed order.
try:
    import midas_diffract
    import torch
except ImportError as missing:
    print(f"skipped, MIDAS: {missing}")
else:
    vectors = unit * rng.uniform(0.2, 2, len(g))[:, None]  # 1/Angstrom
    for wedge in (0.0, 2.5, -7.0):
        detector = midas_diffract.HEDMGeometry(1e6, 0, 0, 200, 0, 1, 1, 1, 1, min_eta=0.0, wedge=wedge)
        inputs = torch.tensor(vectors), torch.tensor(theta)
        model = midas_diffract.HEDMForwardModel(*inputs, detector)  # keeps them in float32, unlike the call
        omega, _, _, valid = model.calc_bragg_geometry(torch.eye(3, dtype=torch.float64)[None], *inputs)
        plus, minus = np.degrees(omega.detach().numpy())
        first, second, seen = answers(
            MIDAS, vectors, np.linalg.norm(vectors, axis=1) / (2 * np.sin(theta)), wedge=wedge
        )
        if not np.array_equal(valid[0].numpy() > 0, seen):
            raise SystemExit("MIDAS and braggrad observe different reflections")
        swapped = np.abs((first - plus + 180) % 360 - 180) > np.abs((first - minus + 180) % 360 - 180)
        theirs = np.where(swapped, minus, plus)[seen], np.where(swapped, plus, minus)[seen]
        agree(f"MIDAS calc_bragg_geometry, wedge {wedge}", first[seen], second[seen], theirs, 360)
library.brg_context_destroy(context)
