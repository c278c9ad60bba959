"""JAX's arrays: the numbers of the plain calls, jit, grad, vmap; with XLA's handlers and back through Python."""

import gc
import weakref

import braggrad
import numpy as np
import pytest
from conftest import BEAM, HKL, exact_problems, random_rotations, table

jax = pytest.importorskip("jax", reason="JAX is not installed")
jax.config.update("jax_enable_x64", True)
import braggrad.jax as bj  # noqa: E402
import jax.numpy as jnp  # noqa: E402
from braggrad.jax import _handlers, _primitives  # noqa: E402
from jax.test_util import check_grads  # noqa: E402


@pytest.fixture(params=["handlers", "python"], autouse=True)
def way(request, monkeypatch):
    if request.param == "handlers" and not bj.HANDLERS:
        pytest.skip("libbraggrad_jax was not built")
    _primitives._compiled.cache_clear()
    jax.clear_caches()
    if request.param == "python":
        monkeypatch.setattr(_handlers, "HANDLERS", frozenset())
    yield request.param
    _primitives._compiled.cache_clear()
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


def test_forward_mode_is_the_directional_derivative(few, dtype):
    rng = np.random.default_rng(3)
    rotation, dot = random_rotations(3).astype(dtype), rng.normal(size=(3, 3, 3)).astype(dtype)
    k, k_dot, chi, chi_dot = rng.uniform(24, 26, 3), rng.normal(size=3), rng.uniform(0, 0.1, 3), rng.normal(size=3)
    k, k_dot, chi, chi_dot = (part.astype(dtype) for part in (k, k_dot, chi, chi_dot))
    q, q_dot = few.q.astype(dtype), rng.normal(size=few.q.shape).astype(dtype)
    roots, dots = jax.jvp(
        lambda r, k, chi, q: bj.predict(q, r, wavenumber=k, chi=chi)[:2],
        (rotation, k, chi, q),
        (dot, k_dot, chi_dot, q_dot),
    )
    view = braggrad.Reflections.view(q)
    options = {"wavenumber": k, "chi": chi}
    plain = braggrad.predict_jvp(
        view, rotation, rotation_dot=dot, wavenumber_dot=k_dot, chi_dot=chi_dot, q_dot=q_dot, **options
    )
    assert all(np.array_equal(a, b) for a, b in zip(dots, plain, strict=False))
    assert all(np.array_equal(a, b) for a, b in zip(roots, braggrad.predict(view, rotation, **options), strict=False))
    _, dots = jax.jit(lambda *both: jax.jvp(lambda r: bj.predict(few, r, geometry=BEAM)[:2], *both))(
        (rotation,), (dot,)
    )
    view = braggrad.Reflections.view(few.q.astype(dtype))
    plain = braggrad.predict_jvp(view, rotation, rotation_dot=dot, geometry=BEAM)
    assert all(np.array_equal(a, b) for a, b in zip(dots, plain, strict=False))
    lengths = np.linalg.norm(q, axis=1)
    _, dots = jax.jvp(lambda g, m: bj.solve(g, g_magnitude=m, geometry=BEAM)[:2], (q, lengths), (q_dot, q_dot[:, 0]))
    plain = braggrad.solve_jvp(q, g_magnitude=lengths, g_dot=q_dot, g_magnitude_dot=q_dot[:, 0], geometry=BEAM)
    assert all(np.array_equal(a, b) for a, b in zip(dots, plain, strict=False))


def test_both_modes_give_one_jacobian(few):
    rotation, k = random_rotations(3), np.array([24.0, 25.0, 26.0])

    def omega(matrix, k):
        return bj.predict(few, matrix, wavenumber=k, chi=0.05).omega2

    for way in (jax.jit, jax.vmap):
        inputs = (rotation, k) if way is jax.vmap else (rotation[0], k[0])
        forward = way(jax.jacfwd(omega, (0, 1)))(*inputs)
        backward = way(jax.jacrev(omega, (0, 1)))(*inputs)
        for ours, theirs in zip(forward, backward, strict=True):
            assert np.abs(ours).max() > 0.01 and np.allclose(ours, theirs, rtol=1e-12, atol=1e-12)
    tangent = jax.linearize(omega, rotation[0], k[0])[1]
    adjoint = jax.linear_transpose(tangent, rotation[0], k[0])
    again = jax.linear_transpose(lambda bar: adjoint(bar)[0], np.zeros(len(HKL)))
    assert np.array_equal(again(rotation[1])[0], tangent(rotation[1], 0.0))
    q = np.stack([few.q, few.q * 1.01])
    dots = np.random.default_rng(0).normal(size=q.shape)
    looped = jax.vmap(lambda q, dot: jax.jvp(lambda q: bj.predict(q, rotation, geometry=BEAM).omega1, (q,), (dot,))[1])
    for b, omega_dot in enumerate(looped(q, dots)):
        set_ = braggrad.Reflections.from_vectors(q[b])
        plain = braggrad.predict_jvp(set_, rotation, q_dot=dots[b], geometry=BEAM)
        assert np.allclose(omega_dot, plain.omega1, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("options", [{"loss": "chord"}, {"loss": "huber", "delta": 0.3}])
def test_the_fused_loss_is_that_of_the_plain_call(few, dtype, options):
    rng = np.random.default_rng(4)
    rotation = random_rotations(6).reshape(2, 3, 3, 3).astype(dtype)
    k, chi = rng.uniform(24, 26, 3).astype(dtype), dtype.type(0.05)
    eps = np.finfo(dtype).eps
    view = braggrad.Reflections.view(few.q.astype(dtype))
    for shape in ((), (2, 3)):
        names = ("omega1", "omega2", "weight1")
        targets = {name: rng.uniform(0.1, 3, (*shape, len(HKL))).astype(dtype) for name in names}
        targets["omega2"][..., 1] = np.nan

        def loss(rotation, k, chi, targets=targets):
            return bj.omega_loss(few, rotation, wavenumber=k, chi=chi, missing_loss=0.5, **targets, **options)

        plain = braggrad.omega_loss(
            view,
            rotation,
            wavenumber=k,
            chi=np.full(3, chi),
            missing_loss=0.5,
            parameters=("wavenumber", "chi"),
            outputs=("loss", "rotation_bar", "gradient"),
            **targets,
            **options,
        )
        value, bars = jax.jit(jax.value_and_grad(lambda *inputs: loss(*inputs).sum(), (0, 1, 2)))(rotation, k, chi)
        assert np.array_equal(loss(rotation, k, chi), plain["loss"])
        assert np.isclose(value, plain["loss"].sum(), rtol=20 * eps)
        size = np.abs(plain["gradient"]).max()
        assert np.allclose(bars[0], plain["rotation_bar"], rtol=4 * eps, atol=0)
        assert np.allclose(bars[1], plain["gradient"][..., 0].sum(0), rtol=0, atol=20 * eps * size)
        assert np.allclose(bars[2], plain["gradient"][..., 1].sum(), rtol=0, atol=20 * eps * size)


def test_derivatives_of_the_fused_loss_are_those_of_differences(few):
    targets = np.random.default_rng(5).uniform(-3, 3, (2, len(HKL)))
    rotation, k = jnp.asarray(random_rotations(2)), jnp.asarray([24.5, 25.5])

    def loss(rotation, k):
        return bj.omega_loss(few, rotation, *targets, wavenumber=k, chi=0.05)

    check_grads(loss, (rotation, k), order=1, modes=("fwd", "rev"), eps=1e-5, rtol=1e-6, atol=1e-6)


def test_vmap_of_the_fused_loss_is_the_batch(few):
    rotation, k = random_rotations(4), np.array([24.0, 25.0, 26.0, 27.0])
    targets = np.random.default_rng(6).uniform(-3, 3, (4, len(HKL)))

    def loss(matrix, k, target):
        return bj.omega_loss(few, matrix, target, wavenumber=k)

    both = jax.value_and_grad(loss, (0, 1))
    for axes, given in (((0, 0, 0), targets), ((0, 0, None), targets[1]), ((None, 0, 0), targets)):
        matrices = rotation if axes[0] == 0 else rotation[2]
        value, bars = jax.jit(jax.vmap(both, axes))(matrices, k, given)
        for b in range(4):
            one = both(rotation[b] if axes[0] == 0 else matrices, k[b], given[b] if axes[2] == 0 else given)
            assert np.allclose(value[b], one[0], rtol=1e-13)
            assert all(
                np.allclose(ours[b], theirs, rtol=1e-12, atol=1e-12) for ours, theirs in zip(bars, one[1], strict=True)
            )
    nested = jax.vmap(jax.vmap(loss, (0, 0, None)), (0, 0, 0))
    value = nested(rotation.reshape(2, 2, 3, 3), k.reshape(2, 2), targets[:2])
    whole = bj.omega_loss(few, rotation, targets[[0, 0, 1, 1]], wavenumber=k)
    assert np.allclose(value.ravel(), whole, rtol=1e-13)


def test_what_has_no_derivative_is_refused(few):
    rotation, target = random_rotations(2), np.zeros(len(HKL))

    def omega(matrix):
        return jnp.sin(bj.predict(few, matrix, geometry=BEAM).omega1).sum()

    def loss(matrix, target=target):
        return bj.omega_loss(few, matrix, target, geometry=BEAM).sum()

    for function in (omega, loss):
        for second in (jax.hessian, lambda f: jax.jacrev(jax.grad(f)), lambda f: jax.jacfwd(jax.jacfwd(f))):
            with pytest.raises(NotImplementedError, match="braggrad has no second derivatives"):
                second(function)(rotation)
    with pytest.raises(NotImplementedError, match="the rest is constant"):
        jax.grad(loss, 1)(rotation, target)


def test_without_jit_the_numbers_are_the_same(few):
    rotation, target = random_rotations(2), np.zeros(len(HKL))
    plain = braggrad.predict(few, rotation, geometry=BEAM)
    bars = braggrad.predict_vjp(few, rotation, 1.0, geometry=BEAM)["rotation"]
    with jax.disable_jit():
        roots = bj.predict(few, jnp.asarray(rotation), geometry=BEAM)
        found = jax.grad(lambda r: bj.predict(few, r, geometry=BEAM).omega1.sum())(jnp.asarray(rotation))
        loss = jax.vmap(lambda r: bj.omega_loss(few, r, target, geometry=BEAM))(jnp.asarray(rotation))
    assert np.array_equal(roots.observable, plain.observable) and np.allclose(roots.omega1, plain.omega1, atol=1e-12)
    assert np.allclose(found, bars, rtol=1e-12, atol=1e-12)
    assert np.allclose(loss, braggrad.omega_loss(few, rotation, target, geometry=BEAM)["loss"], rtol=1e-12)


def test_programs_of_geometries_that_were_left_are_freed():
    def made(wavenumber):
        return _primitives._compiled(_primitives.solve, constants=_handlers.Constants((wavenumber, *BEAM.values[1:])))

    first = weakref.ref(made(1.0))
    assert made(1.0) is first()
    for wavenumber in range(2, 1000):
        made(float(wavenumber))
    gc.collect()
    assert first() is None


def test_empty_batches(few):
    nothing = np.empty((0, 3, 3))
    assert bj.predict(few, nothing, wavenumber=np.empty(0)).omega1.shape == (0, len(HKL))
    assert bj.predict(np.empty((0, 3)), np.eye(3), geometry=BEAM).omega1.shape == (0,)
    assert jax.grad(lambda r: bj.predict(few, r, geometry=BEAM).omega1.sum())(nothing).shape == (0, 3, 3)
    assert jax.grad(lambda r: bj.omega_loss(few, r, np.zeros(8), geometry=BEAM).sum())(nothing).shape == (0, 3, 3)
    assert jax.vmap(lambda r: bj.omega_loss(few, r, np.zeros(8), geometry=BEAM))(nothing).shape == (0,)


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
        (lambda few: bj.predict(few, np.eye(3), wavenumber=0.0), "wavenumber is 0.0: it must be finite"),
        (lambda few: bj.predict(few, np.eye(3), wavenumber=-1.0), "wavenumber is -1"),
        (
            lambda few: bj.predict(few, np.ones((2, 3, 3)), wavenumber=np.ones(3)),
            r"wavenumber has the batch shape \(3,\)",
        ),
        (lambda few: bj.omega_loss(few, np.eye(3), np.ones(3), geometry=BEAM), r"omega1 has the shape \(3,\)"),
        (
            lambda few: bj.omega_loss(few, np.eye(3), np.ones((2, 8)), wavenumber=np.ones(3)),
            "omega1 has the batch shape",
        ),
        (lambda few: bj.omega_loss(few, np.eye(3), geometry=BEAM, loss="cubes"), "loss is 'cubes'"),
        (lambda few: bj.omega_loss(HKL, np.eye(3), geometry=BEAM), "reflections is no Reflections"),
        (lambda few: bj.predict(HKL, np.eye(3), geometry=BEAM), "reflections has the type int"),
        (lambda few: bj.predict(few, np.eye(3), geometry=50.0), "geometry is a float"),
        (lambda few: bj.solve(np.ones(2), geometry=BEAM), r"g has the shape \(2,\)"),
        (lambda few: bj.solve(np.ones(3) * 1j, geometry=BEAM), "g has the type complex128"),
    ],
)
def test_faults_are_named(few, call, message):
    with pytest.raises(ValueError, match=message):
        call(few)


@pytest.mark.parametrize(
    "targets, options, message",
    [
        ({}, {}, "neither omega1 nor omega2"),
        ({"weight1": np.ones(8)}, {}, "neither omega1 nor omega2"),
        ({"omega1": np.ones(8)}, {"loss": "huber", "delta": -1.0}, "delta is -1"),
        ({"omega2": np.ones((2, 8))}, {"loss": "norm"}, "delta is 0"),
        ({"omega1": np.ones(8)}, {"delta": 0.1}, "delta is 0.1"),
        ({"omega1": np.ones(8)}, {"missing_loss": -2.0}, "missing_loss is -2"),
    ],
)
def test_faults_of_a_loss_are_named_while_tracing(few, targets, options, message):
    def loss(rotation, targets):
        return bj.omega_loss(few, rotation, geometry=BEAM, **targets, **options)

    with pytest.raises(ValueError, match=message):
        jax.eval_shape(loss, np.ones((2, 3, 3)), targets)


def test_each_device_has_its_way(few, way):
    rotation = random_rotations(2)

    def loss(matrix):
        roots = bj.predict(few, matrix, geometry=BEAM)
        return roots.omega1.sum() + bj.omega_loss(few, matrix, jnp.zeros(len(HKL)), geometry=BEAM).sum()

    traced = jax.jit(jax.grad(loss)).trace(rotation)
    names = "@braggrad_predict_vjp", "@braggrad_omega_loss"
    text = traced.lower(lowering_platforms=("cpu",)).as_text()
    assert all((name in text) == (way == "handlers") for name in names)
    if way == "handlers" and "without CUDA" not in braggrad.build_info():  # under a simulator: scripts/test_cudasim.sh
        assert "cuda" in bj.HANDLERS
        text = traced.lower(lowering_platforms=("cuda",)).as_text()
        assert all(name in text for name in names)
    elif jax.default_backend() == "cpu":
        with pytest.raises(ValueError, match="lowering platform cuda"):  # JAX's word about callbacks, which these are
            traced.lower(lowering_platforms=("cuda",))


@pytest.mark.skipif(jax.default_backend() != "gpu", reason="JAX has no GPU")
def test_arrays_of_a_gpu(few):
    rotation = random_rotations(3)
    roots = jax.jit(lambda r: bj.predict(few, r, geometry=BEAM))(rotation)
    plain = braggrad.predict(few, rotation, geometry=BEAM)
    assert np.array_equal(roots.observable, plain.observable) and np.allclose(roots.omega1, plain.omega1, atol=1e-12)
    bars = jax.grad(lambda r: bj.predict(few, r, geometry=BEAM).omega2.sum())(rotation)
    assert np.allclose(bars, braggrad.predict_vjp(few, rotation, None, 1.0, geometry=BEAM)["rotation"], atol=1e-12)
    loss, bars = jax.value_and_grad(lambda r: bj.omega_loss(few, r, jnp.zeros(len(HKL)), geometry=BEAM).sum())(rotation)
    found = braggrad.omega_loss(few, rotation, np.zeros(len(HKL)), geometry=BEAM, outputs=("loss", "rotation_bar"))
    assert np.allclose(loss, found["loss"].sum()) and np.allclose(bars, found["rotation_bar"], atol=1e-12)


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
