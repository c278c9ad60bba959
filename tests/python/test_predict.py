"""Orientations times reflections: exact gradients and losses, another formulation, broadcasting, lists of spots."""

import braggrad
import numpy as np
import pytest
from conftest import ENERGY, GOLD, exact_problems, independent_roots, random_rotations, wrapped
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

PROBLEMS = {problem["name"]: problem for problem in exact_problems()}
GRADIENTS = {
    "rotation": "dL_dR",
    "rotation_vector": "dL_drotation_left",
    "q": "dL_dq",
    "basis": "dL_dB",
    "wavenumber": "dL_dwavenumber",
    "chi": "dL_dchi",
    "beam": "dL_dbeam",
    "axis": "dL_daxis",
}


def _numbers(values):
    return np.array(values, dtype=float)  # None is nan


def _inputs(problem):
    directions = {name: problem[name] for name in ("beam", "axis") if name in problem}
    geometry = braggrad.Geometry(wavenumber=problem["wavenumber"], chi=problem.get("chi", 0.0), **directions)
    return braggrad.Reflections(problem["hkl"], basis=problem["B"]), _numbers(problem["R"]), geometry


def _near(got, wanted):
    wanted = _numbers(wanted)
    assert got.shape == wanted.shape
    assert np.abs(got - wanted).max() <= 1e-11 * np.abs(wanted).max()


@pytest.mark.parametrize("name", PROBLEMS)
@pytest.mark.parametrize("magnitude", ["crystal", "lab"])
def test_gradients_have_the_exact_digits(name, magnitude):
    problem = PROBLEMS[name]
    reflections, rotation, geometry = _inputs(problem)
    exact = problem[magnitude]
    wrt = [ours for ours, theirs in GRADIENTS.items() if theirs in exact]
    assert len(wrt) >= 6
    bars = braggrad.predict_vjp(
        reflections,
        rotation,
        _numbers(problem["w1"]),
        _numbers(problem["w2"]),
        wrt=wrt,
        geometry=geometry,
        magnitude_from_rotated=magnitude == "lab",
    )
    for ours in wrt:
        _near(bars[ours], exact[GRADIENTS[ours]])


@pytest.mark.parametrize("name", PROBLEMS)
@pytest.mark.parametrize("loss", ["squares", "chord", "huber", "norm"])
def test_losses_have_the_exact_digits(name, loss):
    problem = PROBLEMS[name]
    reflections, rotation, geometry = _inputs(problem)
    exact = problem["loss"]
    result = braggrad.omega_loss(
        reflections,
        rotation,
        _numbers(exact["t1"]),
        _numbers(exact["t2"]),
        weight1=_numbers(exact["v1"]),
        weight2=_numbers(exact["v2"]),
        geometry=geometry,
        loss=loss,
        delta=exact["delta"] if loss in ("huber", "norm") else 0.0,
        missing_loss=exact["missing_loss"],
        parameters=("rotation", "wavenumber", "chi", "lattice"),
        outputs=("loss", "gradient", "normal", "observable", "matched", "missing"),
    )
    _near(result["loss"], exact[loss]["loss"])
    for b in range(len(rotation)):
        _near(result["gradient"][b], exact[loss]["gradient"][b])
        _near(result["normal"][b], exact[loss]["normal"][b])
    for count in ("observable", "matched", "missing"):
        assert np.array_equal(result[count], exact[count])


def test_a_list_of_targets_gives_what_dense_targets_give(gold, tilted):
    rotation = random_rotations(3)
    rng = np.random.default_rng(1)
    omega = rng.uniform(-3, 3, (2, 3, len(gold)))
    weight = rng.uniform(0.5, 2, (2, 3, len(gold)))
    options = {"geometry": tilted, "parameters": ("rotation", "lattice"), "outputs": ("loss", "gradient", "normal")}
    dense = braggrad.omega_loss(gold, rotation, *omega, weight1=weight[0], weight2=weight[1], **options)
    targets = braggrad.TargetList(
        offsets=np.arange(4) * 2 * len(gold),
        reflection=np.tile(np.repeat(np.arange(len(gold)), 2), 3),
        omega=np.moveaxis(omega, 0, -1).ravel(),
        root=np.tile([1, 2], 3 * len(gold)),
        weight=np.moveaxis(weight, 0, -1).ravel(),
    )
    listed = braggrad.omega_loss(gold, rotation, targets=targets, **options)
    for name, value in dense.items():
        assert np.allclose(listed[name], value, rtol=1e-12, atol=1e-9)
    roots = braggrad.predict(gold, rotation, geometry=tilted)
    near = targets._replace(
        omega=np.where(targets.root == 1, *(np.repeat(r.ravel(), 2) for r in (roots.omega1, roots.omega2))) + 1e-4,
        root=None,
        weight=None,
    )
    result = braggrad.omega_loss(gold, rotation, targets=near, geometry=tilted, outputs=("loss", "matched"))
    assert np.allclose(result["loss"], result["matched"] * 0.5e-8, rtol=1e-6)


def test_empty_lists_and_targets_that_are_missing(gold, tilted):
    outputs = ("loss", "gradient", "matched", "missing")
    rotation = random_rotations(2)
    empty = braggrad.omega_loss(
        gold, rotation, targets=braggrad.TargetList([0, 0, 0], [], []), geometry=tilted, outputs=outputs
    )
    assert not any(value.any() for value in empty.values()) and empty["gradient"].shape == (2, 3)
    none = braggrad.TargetList([0, 1, 2], [len(gold), -1], [0.1, 0.2], weight=[2.0, 3.0])
    lost = braggrad.omega_loss(gold, rotation, targets=none, geometry=tilted, missing_loss=0.5, outputs=outputs)
    assert lost["loss"].tolist() == [1.0, 1.5] and lost["missing"].tolist() == [1, 1] and not lost["matched"].any()


def test_another_formulation_agrees(hkl, dtype, tilted):
    rotation = random_rotations(20).astype(dtype)
    roots = braggrad.predict(hkl, rotation, cell=GOLD, geometry=tilted)
    assert roots.omega1.shape == (20, len(hkl)) and roots.omega1.dtype == dtype
    g = (hkl @ braggrad.reciprocal_basis(GOLD).T) @ rotation.astype(float).transpose(0, 2, 1)
    beam = np.array([np.cos(0.05), 0, np.sin(0.05)])
    one, two, found = independent_roots(g, tilted.wavenumber, beam, np.array([0.0, 0.0, 1.0]))
    away = np.abs(wrapped(one - two)) > 0.1
    away &= np.hypot(g[..., 0], g[..., 1]) > 0.1 * np.linalg.norm(g, axis=-1)
    assert np.array_equal(roots.observable[away], found[away]) and (found & away).sum() > 2500
    bound = 3000 * np.finfo(dtype).eps
    assert np.abs(wrapped(roots.omega1 - one))[found & away].max() < bound
    assert np.abs(wrapped(roots.omega2 - two))[found & away].max() < bound
    assert np.allclose(braggrad.rotate(hkl, rotation, cell=GOLD), g, rtol=0, atol=200 * np.finfo(dtype).eps)


def test_batches_broadcast(gold, hkl):
    rotation = random_rotations(3)
    energy = np.array([40.0, 50.0])
    roots = braggrad.predict(gold, rotation[:, None], energy=energy, chi=np.array([[0.0], [0.1], [0.2]]))
    assert roots.omega1.shape == (3, 2, len(gold))
    for b in range(3):
        for e in range(2):
            one = braggrad.predict(hkl, rotation[b], cell=GOLD, energy=energy[e], chi=0.1 * b)
            assert one.omega1.shape == (len(gold),)
            assert np.array_equal(one.observable, roots.observable[b, e])
            assert np.abs(wrapped(one.omega1 - roots.omega1[b, e])).max() < 1e-11
    single = braggrad.predict(hkl[5], rotation, cell=GOLD, energy=50.0)
    assert single.omega1.shape == (3,)
    assert np.array_equal(single.omega1, braggrad.predict(gold, rotation, energy=50.0).omega1[:, 5])
    assert braggrad.predict(hkl[5], rotation[0], cell=GOLD, energy=50.0).omega1.shape == ()
    for empty in (
        braggrad.predict(gold, np.empty((0, 3, 3)), energy=50.0),
        braggrad.predict(np.empty((0, 3), int), rotation, cell=GOLD, energy=50.0),
    ):
        assert empty.omega1.size == 0


def test_a_lattice_per_orientation(hkl, gold):
    cells = np.array([GOLD, (4.1, 4.05, 4.07, 90.5, 89.8, 90.2)])
    rotation = random_rotations(2)
    roots = braggrad.predict(hkl, rotation, cell=cells, energy=ENERGY)
    again = braggrad.predict(gold, rotation, basis=braggrad.reciprocal_basis(cells), energy=ENERGY)
    assert np.array_equal(roots.omega1, again.omega1)
    w = np.random.default_rng(0).normal(size=roots.omega1.shape)
    bars = braggrad.predict_vjp(hkl, rotation, w, cell=cells, energy=ENERGY, wrt=("basis", "rotation"))
    assert bars["basis"].shape == (2, 3, 3)
    for b in range(2):
        set_ = braggrad.Reflections(hkl, cell=cells[b])
        one = braggrad.predict(set_, rotation[b], energy=ENERGY)
        away = np.abs(wrapped(one.omega1 - one.omega2)) > 1e-3
        assert np.abs(wrapped(one.omega1 - roots.omega1[b]))[away].max() < 1e-11
        alone = braggrad.predict_vjp(set_, rotation[b], w[b], energy=ENERGY, wrt=("basis", "rotation"))
        for name in ("basis", "rotation"):
            assert np.allclose(alone[name], bars[name][b], rtol=1e-9, atol=1e-9 * np.abs(alone[name]).max())


@pytest.mark.parametrize("own", [False, True], ids=["one", "per orientation"])
def test_adjoint_and_directional_derivative_belong_together(gold, own):
    rng = np.random.default_rng(2)
    rotation = random_rotations(4)
    basis = np.broadcast_to(gold.basis, (4, 3, 3)) + 0.01 * rng.normal(size=(4, 3, 3)) if own else None
    k = 25.0 + (rng.uniform(size=4) if own else 0.0)
    chi = 0.05 + (0.01 * rng.uniform(size=4) if own else 0.0)
    options = {"wavenumber": k, "chi": chi, "basis": basis, "geometry": braggrad.Geometry(grazing_cut=1e-3)}
    roots = braggrad.predict(gold, rotation, **options)
    w1, w2 = rng.normal(size=(2, *roots.omega1.shape))
    names = ["rotation", "rotation_vector", "basis", "wavenumber", "chi", "beam", "axis"] + ([] if own else ["q"])
    bars = braggrad.predict_vjp(gold, rotation, w1, w2, wrt=names, **options)
    dots = {name: rng.normal(size=bar.shape) for name, bar in bars.items()}
    forward = braggrad.predict_jvp(gold, rotation, **{f"{n}_dot": d for n, d in dots.items()}, **options)
    left = [(w * dot)[roots.observable] for w, dot in ((w1, forward.omega1), (w2, forward.omega2))]
    right = [np.sum(bars[name] * dots[name]) for name in names]
    size = sum(np.abs(part).sum() for part in left) + sum(np.abs(bars[name] * dots[name]).sum() for name in names)
    assert abs(sum(part.sum() for part in left) - sum(right)) <= 1e-13 * size


def test_rotate_and_its_derivatives(gold, hkl, dtype):
    rng = np.random.default_rng(3)
    rotation = random_rotations(4).astype(dtype)
    q = hkl @ gold.basis.T
    w, dot, v, q_dot = (rng.normal(size=s).astype(dtype) for s in ((4, len(hkl), 3), (4, 3, 3), (4, 3), q.shape))
    eps = np.finfo(dtype).eps
    bars = braggrad.rotate_vjp(gold, rotation, w, wrt=("rotation", "rotation_vector", "basis", "q"))
    assert np.allclose(bars["rotation"], np.einsum("bni,nj->bij", w, q), atol=5e3 * eps)
    g = np.einsum("bij,nj->bni", rotation, q)
    assert np.allclose(bars["rotation_vector"], np.cross(g, w).sum(1), atol=5e3 * eps)
    q_bar = np.einsum("bij,bni->nj", rotation, w)
    assert np.allclose(bars["q"], q_bar, atol=1e3 * eps)
    assert np.allclose(bars["basis"], q_bar.T @ hkl, atol=5e4 * eps)
    forward = braggrad.rotate_jvp(gold, rotation, rotation_dot=dot, rotation_vector_dot=v, q_dot=q_dot)
    spin = np.cross(v[:, None], g)
    expected = np.einsum("bij,nj->bni", dot, q) + spin + np.einsum("bij,nj->bni", rotation, q_dot)
    assert np.allclose(forward, expected, atol=1e3 * eps)


def test_spots_are_the_observable_roots_inside_the_windows(gold, dtype, tilted, monkeypatch):
    rotation = random_rotations(6).astype(dtype)
    roots = braggrad.predict(gold, rotation, geometry=tilted)
    for windows in (None, [[-0.5, 0.25]], [[3.0, -3.0], [0.0, 0.1], [0.05, 0.2]]):
        inside = np.zeros((6, len(gold), 2), bool)
        omega = np.stack([roots.omega1, roots.omega2], -1)
        for low, high in [[-10, 10]] if windows is None else windows:
            width = high - low if high >= low else high - low + 2 * np.pi
            inside |= np.mod(omega - dtype.type(low), 2 * np.pi) < width
        if windows is None:
            inside[:] = True
        inside &= roots.observable[..., None]
        b, n, root = np.nonzero(inside)
        for at_once in (1 << 22, 0):  # allocated at once, and counted first
            monkeypatch.setattr("braggrad._predict._ROWS_AT_ONCE", at_once)
            spots = braggrad.predict_spots(gold, rotation, windows=windows, geometry=tilted)
            assert spots.omega.dtype == dtype and len(spots.omega) > 0
            assert np.array_equal(spots.offsets, np.concatenate([[0], np.cumsum(np.bincount(b, minlength=6))]))
            assert np.array_equal(spots.reflection, n) and np.array_equal(spots.root, root + 1)
            assert np.abs(wrapped(spots.omega - omega[b, n, root])).max() < 100 * np.finfo(dtype).eps


def test_bad_rows_give_zeros_and_disturb_nobody(gold, tilted):
    rotation = random_rotations(5)
    clean = braggrad.predict(gold, rotation, geometry=tilted)
    rotation[2, 1, 1] = np.nan
    roots = braggrad.predict(gold, rotation, geometry=tilted)
    assert not roots.observable[2].any() and not roots.omega1[2].any()
    rest = [0, 1, 3, 4]
    assert all(np.array_equal(a[rest], b[rest]) for a, b in zip(clean, roots, strict=True))
    bars = braggrad.predict_vjp(gold, rotation, np.ones_like(roots.omega1), geometry=tilted)
    assert np.isfinite(bars["rotation"]).all() and not bars["rotation"][2].any()


@settings(max_examples=40, deadline=None)
@given(data=st.data(), dtype=st.sampled_from([np.float32, np.float64]))
def test_any_shapes_that_broadcast_give_the_pairs_one_by_one(data, dtype):
    shapes = data.draw(hnp.mutually_broadcastable_shapes(num_shapes=3, max_dims=3, max_side=3)).input_shapes
    seed = data.draw(st.integers(0, 1000))
    rng = np.random.default_rng(seed)
    rotation = random_rotations(int(np.prod(shapes[0])), seed).reshape(*shapes[0], 3, 3).astype(dtype)
    k = rng.uniform(20, 30, shapes[1]).astype(dtype)
    chi = rng.uniform(-0.2, 0.2, shapes[2]).astype(dtype)
    hkl = np.array([[1, 1, 1], [2, 0, 0], [3, -1, 1]])
    reflections = braggrad.Reflections(hkl, cell=GOLD)
    roots = braggrad.predict(reflections, rotation, wavenumber=k, chi=chi)
    batch = np.broadcast_shapes(*shapes)
    assert roots.omega1.shape == (*batch, 3) and roots.omega1.dtype == dtype
    w = rng.normal(size=roots.omega1.shape).astype(dtype)
    bars = braggrad.predict_vjp(reflections, rotation, w, wavenumber=k, chi=chi, wrt=("rotation", "wavenumber", "chi"))
    assert [bar.shape for bar in bars.values()] == [rotation.shape, k.shape, chi.shape]
    whole = [np.broadcast_to(a, batch + a.shape[a.ndim - n :]) for a, n in ((rotation, 2), (k, 0), (chi, 0))]
    for at in np.ndindex(batch):
        one = braggrad.predict(reflections, whole[0][at], wavenumber=whole[1][at], chi=whole[2][at])
        away = np.abs(wrapped(one.omega1 - one.omega2)) > 0.1  # from the tangent, where rounding is magnified
        assert np.array_equal(one.observable[away], roots.observable[at][away])
        assert np.all(np.abs(wrapped(one.omega1 - roots.omega1[at]))[away] < 2000 * np.finfo(dtype).eps)
