"""JAX's arrays: the numbers of the plain calls, jit, grad, vmap; with XLA's handlers and back through Python."""

import braggrad
import numpy as np
import pytest
from conftest import ENERGY, GOLD, exact_problems, random_rotations, table

jax = pytest.importorskip("jax", reason="JAX is not installed")
jax.config.update("jax_enable_x64", True)
import braggrad.jax as bj  # noqa: E402
import jax.numpy as jnp  # noqa: E402

HKL = np.array([[1, 1, 1], [2, 0, 0], [0, 2, 2], [-3, 1, 1], [4, 0, -2], [0, 0, 2], [0, 0, 0], [9, 9, 9]])
BEAM = braggrad.Geometry(energy=ENERGY, chi=0.05)


@pytest.fixture(scope="module")
def few():
    return braggrad.Reflections(HKL, cell=GOLD)


@pytest.fixture(params=["handlers", "python"], autouse=True)
def way(request, monkeypatch):
    if request.param == "handlers" and not bj.HANDLERS:
        pytest.skip("libbraggrad_jax was not built")
    bj._function.cache_clear()
    jax.clear_caches()
    monkeypatch.setattr(bj, "HANDLERS", request.param == "handlers")
    yield request.param
    bj._function.cache_clear()
    jax.clear_caches()


def test_values_are_those_of_the_plain_calls(few, dtype):
    rotation = random_rotations(6).astype(dtype).reshape(2, 3, 3, 3)
    plain = braggrad.predict(few, rotation, geometry=BEAM)
    roots = jax.jit(lambda r: bj.predict(few, r, geometry=BEAM))(rotation)
    eps = np.finfo(dtype).eps
    assert roots.omega1.dtype == dtype and roots.omega1.shape == (2, 3, len(HKL)) and roots.observable.dtype == bool
    assert np.array_equal(roots.observable, plain.observable)
    assert np.abs(np.asarray(roots.omega1) - plain.omega1).max() < 400 * eps
    g = few.q.astype(dtype)
    assert all(
        np.array_equal(a, b) for a, b in zip(bj.solve(g, geometry=BEAM), braggrad.solve(g, geometry=BEAM), strict=True)
    )
    assert bj.solve(g[0], geometry=BEAM).omega1.shape == ()


@pytest.mark.parametrize("problem", exact_problems(), ids=lambda p: p["name"])
@pytest.mark.parametrize("magnitude", ["crystal", "lab"])
def test_gradients_have_the_exact_digits(problem, magnitude):
    arrays = {name: np.array(problem[name], dtype=float) for name in ("R", "B", "hkl", "w1", "w2")}
    directions = {name: problem[name] for name in ("beam", "axis") if name in problem}
    geometry = braggrad.Geometry(**directions)

    def loss(rotation, basis, k, chi):
        tilt = {} if directions else {"chi": chi}
        roots = bj.predict(
            arrays["hkl"] @ basis.T,
            rotation,
            geometry=geometry,
            wavenumber=k,
            magnitude_from_rotated=magnitude == "lab",
            **tilt,
        )
        both = arrays["w1"] * roots.omega1 + arrays["w2"] * roots.omega2
        return jnp.where(roots.observable, both, 0).sum()

    inputs = arrays["R"], arrays["B"], jnp.asarray(problem["wavenumber"]), jnp.asarray(problem.get("chi", 0.0))
    bars = jax.jit(jax.grad(loss, argnums=(0, 1, 2, 3)))(*inputs)
    names = ("dL_dR", "dL_dB", "dL_dwavenumber") + (() if directions else ("dL_dchi",))
    for bar, name in zip(bars, names, strict=False):
        wanted = np.array(problem[magnitude][name])
        assert np.abs(bar - wanted).max() <= 1e-11 * np.abs(wanted).max(), name


def test_derivatives_of_solve_meet_the_exact_table():
    columns = table("solve_f64.csv", np.float64)
    g = np.stack([columns["gx"], columns["gy"], columns["gz"]], -1)

    def loss(g, magnitude, k, chi):
        return bj.solve(g, g_magnitude=magnitude, wavenumber=k, chi=chi).omega1.sum()

    bars = jax.grad(loss, argnums=(0, 1, 2, 3))(g, columns["magnitude"], columns["wavenumber"], columns["chi"])
    assert all(np.isfinite(bar).all() for bar in bars)
    far = (columns["observable"] == 1) & (columns["s_over_rho"] > 0.1) & (columns["rho_over_g"] > 0.1)
    for bar, name in zip((*bars[0].T, *bars[1:]), ("gx", "gy", "gz", "magnitude", "wavenumber", "chi"), strict=True):
        truth = columns[f"d1_{name}"][far]
        assert np.all(np.abs(bar[far] - truth) <= 1e-12 * (np.abs(truth) + 1 / columns["wavenumber"][far]))


def test_vmap_is_the_batch(few):
    rotation, k = random_rotations(4), np.array([24.0, 25.0, 26.0, 27.0])

    def omega(matrix, k):
        return bj.predict(few, matrix, wavenumber=k).omega1

    def loss(matrix, k):
        return jnp.sin(omega(matrix, k)).sum()

    assert np.array_equal(jax.vmap(omega)(rotation, k), bj.predict(few, rotation, wavenumber=k).omega1)
    each = [jax.grad(loss, argnums=(0, 1))(rotation[b], k[b]) for b in range(4)]
    for way in (lambda f: f, jax.jit):
        bars = way(jax.vmap(jax.grad(loss, argnums=(0, 1))))(rotation, k)
        assert np.allclose(bars[0], [bar[0] for bar in each], rtol=1e-13, atol=1e-13)
        assert np.allclose(bars[1], [bar[1] for bar in each], rtol=1e-13, atol=1e-13)
    matrix = rotation[0]
    jacobian = jax.jacrev(omega)(matrix, 25.0)
    rows = [
        braggrad.predict_vjp(few, matrix, np.eye(len(HKL))[n], wavenumber=25.0)["rotation"] for n in range(len(HKL))
    ]
    assert np.allclose(jacobian, rows, rtol=1e-12, atol=1e-12)


def test_vmap_over_vectors_is_a_loop(few):
    q = np.stack([few.q, few.q * 1.01])
    rotation = random_rotations(2)

    def loss(q, matrix):
        return bj.predict(q, matrix, geometry=BEAM).omega2.sum()

    bars = jax.vmap(jax.grad(loss))(q, rotation)
    for b in range(2):
        plain = braggrad.predict_vjp(
            braggrad.Reflections.from_vectors(q[b]), rotation[b], None, 1.0, wrt="q", geometry=BEAM
        )
        assert np.allclose(bars[b], plain["q"], rtol=1e-12, atol=1e-12)
    over_rotations = jax.vmap(jax.grad(loss), in_axes=(None, 0))(q[0], rotation)
    assert over_rotations.shape == (2, len(HKL), 3)


def test_empty_batches(few):
    nothing = np.empty((0, 3, 3))
    assert bj.predict(few, nothing, wavenumber=np.empty(0)).omega1.shape == (0, len(HKL))
    assert bj.predict(np.empty((0, 3)), np.eye(3), geometry=BEAM).omega1.shape == (0,)
    assert jax.grad(lambda r: bj.predict(few, r, geometry=BEAM).omega1.sum())(nothing).shape == (0, 3, 3)


def test_what_does_not_diffract_has_gradient_zero():
    g = np.array([[2.0, 0.0, 0.0], [0.0, 0.0, 2.0], [0.0, 0.0, 0.0], [9.0, 0.0, 0.0], [np.nan, 1.0, 1.0]])
    assert bj.solve(g, wavenumber=1.0).observable.tolist() == [True, False, False, False, False]
    assert not jax.grad(lambda g: (bj.solve(g, wavenumber=1.0).omega1 * jnp.array([1, *[jnp.nan] * 4])).sum())(g).any()


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda few: bj.predict(few, np.ones(3), geometry=BEAM), r"rotation has the shape \(3,\)"),
        (lambda few: bj.predict(np.ones(3), np.eye(3), geometry=BEAM), r"reflections has the shape \(3,\)"),
        (lambda few: bj.predict(few, np.eye(3)), "wavenumber is not given"),
        (lambda few: bj.predict(few, np.eye(3), wavenumber=-1.0), "wavenumber is -1"),
        (
            lambda few: bj.predict(few, np.ones((2, 3, 3)), wavenumber=np.ones(3)),
            r"wavenumber has the batch shape \(3,\)",
        ),
        (lambda few: bj.solve(np.ones(2), geometry=BEAM), r"g has the shape \(2,\)"),
        (lambda few: bj.solve(np.ones(3) * 1j, geometry=BEAM), "g has the type complex128"),
    ],
)
def test_faults_are_named(few, call, message):
    with pytest.raises(ValueError, match=message):
        call(few)


def test_many_threads_at_once(few):
    import threading

    rotation = random_rotations(8)
    function = jax.jit(jax.grad(lambda r: bj.predict(few, r, geometry=BEAM).omega1.sum()))
    expected = [np.asarray(function(one)) for one in rotation]
    faults = []

    def work(index):
        for _ in range(20):
            if not np.array_equal(function(rotation[index]), expected[index]):
                faults.append(index)

    threads = [threading.Thread(target=work, args=(index,)) for index in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults
