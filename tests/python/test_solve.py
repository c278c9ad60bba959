"""Roots and derivatives of given vectors: against tables with 20 digits, another formulation, and identities."""

import braggrad
import numpy as np
import pytest
from conftest import independent_roots, table, turn, wrapped


@pytest.fixture(scope="module", params=[np.float32, np.float64], ids=["f32", "f64"])
def exact(request):
    dtype = np.dtype(request.param)
    columns = table("solve_f32.csv" if dtype == np.float32 else "solve_f64.csv", dtype)
    g = np.stack([columns["gx"], columns["gy"], columns["gz"]], -1)
    options = {"g_magnitude": columns["magnitude"], "wavenumber": columns["wavenumber"], "chi": columns["chi"]}
    return columns, g, options, float(np.finfo(dtype).eps)


def _circumstances(columns, g, eps):
    """tilt factor, s/rho and rho/|G| of the promised bounds, docs/accuracy.md."""
    rho = np.hypot(g[:, 0].astype(float), g[:, 1])
    rho = np.where(rho > 0, rho, np.nan)
    tilt = 1 + np.abs(g[:, 2] * np.tan(columns["chi"].astype(float))) / rho
    ratio = np.where(columns["rho_over_g"] > 0, columns["rho_over_g"], np.nan)
    return rho, tilt, columns["s_over_rho"], ratio, 2 * np.sqrt(eps * tilt)


def test_angles_meet_the_exact_tables(exact):
    columns, g, options, eps = exact
    _, tilt, s, ratio, band = _circumstances(columns, g, eps)
    roots = braggrad.solve(g, **options)
    assert roots.omega1.dtype == g.dtype and roots.observable.dtype == np.bool_
    expected = columns["observable"] == 1
    differs = roots.observable != expected
    assert np.all(s[differs] < band[differs])
    none = ~roots.observable
    assert none.sum() > 30 and not roots.omega1[none].any() and not roots.omega2[none].any()
    both = roots.observable & expected
    assert both.sum() > 150
    bound = (4 * eps / ratio * tilt / np.maximum(s, np.sqrt(eps)) + 2 * eps * np.pi)[both]
    for name in ("omega1", "omega2"):
        assert np.all(np.abs(wrapped(getattr(roots, name).astype(float) - columns[name]))[both] <= bound)
        assert np.all(np.abs(getattr(roots, name).astype(float)) <= np.pi)


@pytest.mark.parametrize("root", [1, 2])
def test_derivatives_meet_the_exact_tables(exact, root):
    columns, g, options, eps = exact
    rho, tilt, s, ratio, band = _circumstances(columns, g, eps)
    names = ("g", "g_magnitude", "wavenumber", "chi")
    bars = braggrad.solve_vjp(g, **{f"omega{root}_bar": np.ones(len(g), g.dtype)}, **options, wrt=names)
    far = (columns["observable"] == 1) & (s >= band)
    assert far.sum() > 130
    rho, tilt, s, ratio = (part[far] for part in (rho, tilt, s, ratio))
    relative = 4 * eps / ratio * tilt / s**2
    scale = {"chi": np.linalg.norm(g[far].astype(float), axis=1) / (s * rho)}
    for name in names[1:]:
        truth = columns[f"d{root}_{name.removeprefix('g_')}"][far]
        bound = relative * scale.get(name, np.abs(truth)) + 1e-300
        assert np.all(np.abs(bars[name][far] - truth) <= bound), name
    for axis, name in enumerate(("gx", "gy", "gz")):
        truth = columns[f"d{root}_{name}"][far]
        assert np.all(np.abs(bars["g"][far, axis] - truth) <= relative / (s * rho)), name
    none = (columns["observable"] == 0) & (columns["s_over_rho"] > band)
    assert not bars["g"][none].any() and not bars["chi"][none].any()


def test_adjoint_and_directional_derivative_belong_together(exact):
    columns, g, options, eps = exact
    rng = np.random.default_rng(1)
    dots = {name: rng.normal(size=value.shape).astype(g.dtype) for name, value in options.items()}
    g_dot, w1, w2 = (rng.normal(size=shape).astype(g.dtype) for shape in (g.shape, len(g), len(g)))
    beam_dot, axis_dot = rng.normal(size=(2, 3))
    forward = braggrad.solve_jvp(
        g, **options, g_dot=g_dot, **{f"{n}_dot": d for n, d in dots.items()}, beam_dot=beam_dot, axis_dot=axis_dot
    )
    good = columns["s_over_rho"] > 1e-2
    w1, w2 = w1 * good, w2 * good
    names = ("g", *dots, "beam", "axis")
    backward = braggrad.solve_vjp(g, w1, w2, wrt=names, **options)
    # An unobservable row has both sides 0, whatever its weights.
    terms = [w1 * forward.omega1.astype(float), w2 * forward.omega2.astype(float)]
    directions = dots | {"g": g_dot, "beam": beam_dot, "axis": axis_dot}
    other = [np.sum(backward[name].astype(float) * directions[name]) for name in names]
    size = sum(np.abs(term[good]).sum() for term in terms)
    size += sum(np.abs(backward[name].astype(float) * directions[name]).sum() for name in names)
    assert abs(sum(term[good].sum() for term in terms) - sum(other)) <= 450 * eps * size


def test_any_axis_and_beam_meet_the_exact_table():
    columns = table("geometry.csv", np.float64)
    eps = np.finfo(float).eps
    compared = 0
    for row in range(len(columns["category"])):
        value = {key: column[row] for key, column in columns.items()}
        if value["category"] == "parallel":
            continue
        axis, beam = ([value[c + a] for a in "xyz"] for c in "ed")
        geometry = braggrad.Geometry(wavenumber=value["wavenumber"], beam=beam, axis=axis)
        g = [value["gx"], value["gy"], value["gz"]]
        roots = braggrad.solve(g, g_magnitude=value["magnitude"], geometry=geometry)
        assert roots.observable.shape == ()
        slope = abs(np.dot(beam, axis)) / np.sqrt(1 - np.dot(beam, axis) ** 2)
        tilt = 1 + slope / max(value["rho_over_g"], 1e-300)
        band = 2 * np.sqrt(eps * tilt)
        if bool(roots.observable) != (value["observable"] == 1):
            assert value["s_over_rho"] < band
            continue
        if not roots.observable:
            assert roots.omega1 == roots.omega2 == 0
            continue
        compared += 1
        bound = 4 * eps / value["rho_over_g"] * tilt / max(value["s_over_rho"], np.sqrt(eps)) + 2 * eps * np.pi
        for name in ("omega1", "omega2"):
            assert abs(wrapped(getattr(roots, name) - value[name])) <= bound, (row, value["category"])
    assert compared > 150


def test_another_formulation_and_the_ewald_sphere_agree():
    rng = np.random.default_rng(5)
    for chi in (0.0, -0.3):
        for axis in ((0.0, 0.0, 1.0), (0.6, 0.0, 0.8), (0.0, 1.0, 0.0)):
            axis = np.array(axis)
            across = np.cross(axis, [0.36, 0.48, 0.8])
            base = across / np.linalg.norm(across)
            geometry = braggrad.Geometry(wavenumber=25.0, beam=base, axis=axis, chi=chi)
            beam = np.cos(chi) * base + np.sin(chi) * axis
            g = rng.normal(size=(400, 3)) * rng.uniform(0.5, 12, size=(400, 1))
            roots = braggrad.solve(g, geometry=geometry)
            one, two, found = independent_roots(g, 25.0, beam, axis)
            away = np.abs(wrapped(one - two)) > 0.02
            assert np.array_equal(roots.observable[away], found[away]) and found[away].sum() > 100
            both = found & away
            assert np.abs(wrapped(roots.omega1 - one))[both].max() < 1e-11
            assert np.abs(wrapped(roots.omega2 - two))[both].max() < 1e-11
            for omega in (roots.omega1, roots.omega2):
                lab = 25.0 * beam + turn(axis, omega, g)
                assert np.abs(np.linalg.norm(lab, axis=1) - 25.0)[found].max() < 1e-12 * 25
                beams = braggrad.diffracted_beam(g, omega, geometry=geometry)
                assert np.abs(beams.direction - lab / 25.0)[found].max() < 1e-13
                theta = np.arccos(np.clip(beams.direction @ beam, -1, 1))
                assert np.abs(beams.two_theta - theta)[found].max() < 1e-6


def test_eta_of_root_1_is_negative_and_follows_its_definition():
    rng = np.random.default_rng(6)
    g = rng.normal(size=(300, 3)) * 4
    roots = braggrad.solve(g, energy=60, chi=0.0)
    for omega, sign in ((roots.omega1, -1), (roots.omega2, 1)):
        beams = braggrad.diffracted_beam(g, omega, energy=60)
        assert np.all(np.sign(beams.eta[roots.observable]) == sign)
        expected = np.arctan2(-beams.direction[:, 1], beams.direction[:, 2])
        assert np.abs(wrapped(beams.eta - expected)).max() < 1e-13


def test_bad_items_give_zeros_and_disturb_nobody(dtype):
    g = np.random.default_rng(2).normal(size=(50, 3)).astype(dtype) * 3
    k = np.full(50, 25, dtype)
    bad_g, bad_k = g.copy(), k.copy()
    bad_g[3], bad_g[7, 1], bad_g[11], bad_k[20], bad_k[21] = np.nan, np.inf, 0, 0, np.nan
    bad_g[12] = (0, 0, 3)  # along the axis
    clean, roots = braggrad.solve(g, wavenumber=k), braggrad.solve(bad_g, wavenumber=bad_k)
    broken = [3, 7, 11, 12, 20, 21]
    rest = np.setdiff1d(np.arange(50), broken)
    assert not roots.observable[broken].any() and not roots.omega1[broken].any()
    assert all(np.array_equal(a[rest], b[rest]) for a, b in zip(roots, clean, strict=True))
    w = np.ones(50, dtype)
    w[~roots.observable] = np.nan
    bars = braggrad.solve_vjp(bad_g, w, w, wavenumber=bad_k, wrt=("g", "wavenumber"))
    assert np.isfinite(bars["g"]).all() and not bars["g"][broken].any() and not bars["wavenumber"][broken].any()


def test_the_exact_tangent_has_one_angle_and_no_derivative():
    # rho = c exactly: G = (2, 0, 0), k = 1.
    roots = braggrad.solve([2.0, 0.0, 0.0], wavenumber=1.0)
    assert roots.observable and roots.omega1 == roots.omega2 and abs(wrapped(roots.omega1 - np.pi)) == 0
    assert not braggrad.solve_vjp([2.0, 0.0, 0.0], 1.0, 1.0, wavenumber=1.0)["g"].any()


def test_batches_broadcast_and_gradients_have_the_shape_of_the_inputs():
    rng = np.random.default_rng(3)
    g, k, chi = rng.normal(size=(4, 1, 3)) * 3, rng.uniform(20, 30, 5), np.float64(0.1)
    roots = braggrad.solve(g, wavenumber=k, chi=chi)
    assert roots.omega1.shape == (4, 5)
    w = rng.normal(size=(4, 5))
    bars = braggrad.solve_vjp(g, w, wavenumber=k, chi=chi, wrt=("g", "wavenumber", "chi", "beam"))
    assert {n: b.shape for n, b in bars.items()} == {"g": (4, 1, 3), "wavenumber": (5,), "chi": (), "beam": (3,)}
    for i in range(4):
        for j in range(5):
            one = braggrad.solve(g[i, 0], wavenumber=k[j], chi=0.1)
            assert one.omega1 == roots.omega1[i, j] and one.observable == roots.observable[i, j]
    each = [
        [braggrad.solve_vjp(g[i, 0], w[i, j], wavenumber=k[j], chi=0.1, wrt=tuple(bars)) for j in range(5)]
        for i in range(4)
    ]
    total = {name: np.array([[cell[name] for cell in row] for row in each]) for name in bars}
    assert np.allclose(bars["g"], total["g"].sum(1, keepdims=True), rtol=1e-13, atol=0)
    assert np.allclose(bars["wavenumber"], total["wavenumber"].sum(0), rtol=1e-12, atol=0)
    assert np.allclose(bars["chi"], total["chi"].sum(), rtol=1e-12, atol=0)
    assert np.allclose(bars["beam"], total["beam"].sum((0, 1)), rtol=1e-12, atol=0)


def test_energy_wavelength_and_wavenumber_say_the_same():
    g = np.random.default_rng(4).normal(size=(9, 3)) * 3
    k = 50.02099 * braggrad.WAVENUMBER_PER_KEV
    assert abs(braggrad.WAVENUMBER_PER_KEV - 0.50677307161563957731) < 1e-16
    by_k = braggrad.solve(g, wavenumber=k)
    assert np.array_equal(by_k.omega1, braggrad.solve(g, energy=50.02099).omega1)
    assert np.array_equal(by_k.omega1, braggrad.solve(g, energy=np.full(9, 50.02099)).omega1)
    assert np.allclose(by_k.omega1, braggrad.solve(g, wavelength=2 * np.pi / k).omega1, rtol=0, atol=1e-13)
    assert np.array_equal(by_k.omega1, braggrad.solve(g, geometry=braggrad.Geometry(wavenumber=k)).omega1)


def test_a_turn_of_the_sample_shifts_every_root():
    g = np.random.default_rng(8).normal(size=(64, 3)) * 3
    delta = 0.4321
    turned = turn(np.array([0.0, 0.0, 1.0]), np.full(64, delta), g)
    a, b = braggrad.solve(g, energy=50, chi=0.1), braggrad.solve(turned, energy=50, chi=0.1)
    assert np.array_equal(a.observable, b.observable) and a.observable.sum() > 40
    assert np.abs(wrapped(b.omega1 - a.omega1 + delta))[a.observable].max() < 1e-12
    spin = np.cross([0.0, 0.0, 1.0], g)
    rate = braggrad.solve_jvp(g, energy=50, chi=0.1, g_dot=spin)
    assert np.abs(rate.omega1 + 1)[a.observable].max() < 1e-11
