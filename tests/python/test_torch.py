"""Tensors: the numbers of the plain calls, gradcheck at generic and awkward places, compile, vmap."""

import pathlib
import sysconfig
import warnings

import braggrad
import numpy as np
import pytest
from braggrad import _device
from conftest import BEAM, ENERGY, GOLD, HKL, random_rotations, table

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
import braggrad.torch as bt  # noqa: E402
from torch.autograd import forward_ad as fwd  # noqa: E402
from torch.autograd import gradcheck  # noqa: E402

torch.set_num_threads(1)  # small tensors: threads that wait for each other take longer than one alone


def _leaf(value):
    return torch.tensor(np.array(value), dtype=torch.float64, requires_grad=True)


def _angles(roots):
    return roots.omega1, roots.omega2


def test_values_and_gradients_are_those_of_the_plain_calls(few, dtype):
    rotation = random_rotations(5).astype(dtype)
    plain = braggrad.predict(few, rotation, geometry=BEAM)
    leaf = torch.from_numpy(rotation.copy()).requires_grad_()
    roots = bt.predict(few, leaf, geometry=BEAM)
    assert all(np.array_equal(a.detach().numpy(), b) for a, b in zip(roots, plain, strict=True))
    assert roots.observable.dtype == torch.bool and not roots.observable.requires_grad
    w = np.random.default_rng(0).normal(size=(2, *plain.omega1.shape)).astype(dtype)
    torch.autograd.backward(_angles(roots), tuple(torch.from_numpy(w)))
    bars = braggrad.predict_vjp(few, rotation, *w, geometry=BEAM)
    assert np.array_equal(leaf.grad.numpy(), bars["rotation"])


def test_gradients_have_the_exact_digits(dtype):
    columns = table("solve_f32.csv" if dtype == np.float32 else "solve_f64.csv", dtype)
    g = torch.tensor(np.stack([columns["gx"], columns["gy"], columns["gz"]], -1), requires_grad=True)
    rest = [torch.tensor(columns[name], requires_grad=True) for name in ("magnitude", "wavenumber", "chi")]
    roots = bt.solve(g, g_magnitude=rest[0], wavenumber=rest[1], chi=rest[2])
    far = (columns["observable"] == 1) & (columns["s_over_rho"] > 0.1) & (columns["rho_over_g"] > 0.1)
    bars = torch.autograd.grad(roots.omega2.sum(), (g, *rest))
    assert all(torch.isfinite(bar).all() for bar in bars) and far.sum() > 80
    eps = np.finfo(dtype).eps
    for bar, name in zip((*bars[0].T, *bars[1:]), ("gx", "gy", "gz", "magnitude", "wavenumber", "chi"), strict=True):
        truth = columns[f"d2_{name}"][far]
        assert np.all(np.abs(bar.numpy()[far] - truth) <= 4000 * eps * (np.abs(truth) + 1 / columns["wavenumber"][far]))


@pytest.mark.parametrize("magnitude_from_rotated", [False, True])
def test_gradcheck_of_everything_at_generic_places(few, magnitude_from_rotated):
    rotation = _leaf(random_rotations(3))
    rng = np.random.default_rng(1)
    basis = _leaf(np.broadcast_to(few.basis, (3, 3, 3)) + 0.01 * rng.normal(size=(3, 3, 3)))
    k, chi = _leaf(25 + rng.uniform(size=3)), _leaf(0.05 * rng.normal(size=3))

    def call(*inputs):
        rotation, basis, k, chi = inputs
        return _angles(
            bt.predict(
                few,
                rotation,
                basis=basis,
                wavenumber=k,
                chi=chi,
                magnitude_from_rotated=magnitude_from_rotated,
            )
        )

    assert gradcheck(call, (rotation, basis, k, chi), check_forward_ad=True)


def test_gradcheck_of_vectors_and_of_solve():
    q = _leaf(HKL[:5] @ braggrad.reciprocal_basis(GOLD).T)
    rotation = _leaf(random_rotations(2))
    assert gradcheck(lambda q, r: _angles(bt.predict(q, r, geometry=BEAM)), (q, rotation), check_forward_ad=True)
    g, magnitude, k, chi = q.detach(), q.detach().norm(dim=1), torch.tensor(25.0), torch.tensor(0.1)
    inputs = tuple(t.double().requires_grad_() for t in (g, magnitude, k, chi))
    assert gradcheck(
        lambda g, m, k, c: _angles(bt.solve(g, g_magnitude=m, wavenumber=k, chi=c)), inputs, check_forward_ad=True
    )
    assert gradcheck(lambda g: _angles(bt.solve(g, geometry=BEAM)), inputs[:1], check_forward_ad=True)


def test_gradcheck_at_awkward_places():
    k = braggrad.Geometry(energy=ENERGY).wavenumber
    # Next to the axis (rho / |G| = 1e-3), next to the tangent (s / rho = 1e-2), next to omega = +-pi, beside no root.
    near_axis = [2e-3, 1e-3, 2.0]
    chi = -np.arctan(2.0 / (2 * k) * (1 - 1e-4))  # c is about 0 for the former
    length = 3.0
    c = length**2 / (2 * k)
    tangent_rho = c / np.sqrt(1 - 1e-4)
    near_tangent = [tangent_rho, 0.0, np.sqrt(length**2 - tangent_rho**2)]
    wrap = [1e-5, -3.0, 0.2]
    for g, tilt in (
        ([near_axis, [1.0, 2.0, 0.5]], chi),
        ([near_tangent, [0.1, 0.0, 5.0]], 0.0),
        ([wrap, [-1e-5, -3.0, 0.2]], 0.0),
    ):
        leaf = _leaf(g)

        def call(leaf, tilt=tilt):
            roots = bt.solve(leaf, wavenumber=k, chi=tilt)
            # sin and cos: finite differences of the angle itself jump at +-pi
            return tuple(f(omega) for omega in _angles(roots) for f in (torch.sin, torch.cos))

        assert gradcheck(call, (leaf,), eps=1e-8, atol=1e-4, rtol=1e-4, check_forward_ad=True)
    assert not bt.solve(leaf[:0], wavenumber=k).omega1.numel()


def test_what_does_not_diffract_has_gradient_zero_whatever_its_cotangent():
    leaf = _leaf([[2.0, 0.0, 0.0], [0.0, 0.0, 2.0], [0.0, 0.0, 0.0], [9.0, 0.0, 0.0], [np.nan, 1.0, 1.0]])
    roots = bt.solve(leaf, wavenumber=1.0)  # the first is exactly tangent
    assert roots.observable.tolist() == [True, False, False, False, False]
    w = torch.full((5,), float("nan"), dtype=torch.float64)
    w[0] = 1.0
    (bar,) = torch.autograd.grad(roots.omega1, leaf, w)
    assert not bar.any()


def test_batches_broadcast(few):
    rotation = torch.from_numpy(random_rotations(6).reshape(2, 3, 3, 3)).requires_grad_()
    k = torch.tensor([24.0, 25.0, 26.0], dtype=torch.float64, requires_grad=True)
    roots = bt.predict(few, rotation, wavenumber=k, chi=0.1)
    plain = braggrad.predict(few, rotation.detach().numpy(), wavenumber=k.detach().numpy(), chi=0.1)
    assert np.array_equal(roots.omega1.detach().numpy(), plain.omega1)
    roots.omega1.sum().backward()
    bars = braggrad.predict_vjp(
        few, rotation.detach().numpy(), 1.0, wavenumber=k.detach().numpy(), chi=0.1, wrt=("rotation", "wavenumber")
    )
    assert k.grad.shape == (3,) and np.allclose(k.grad, bars["wavenumber"], rtol=1e-12)
    assert np.allclose(rotation.grad, bars["rotation"], rtol=1e-12, atol=1e-12)
    single = bt.predict(few, rotation[0, 0], geometry=BEAM)
    assert single.omega1.shape == (len(HKL),)
    assert bt.solve(torch.tensor([1.0, 2.0, 3.0]), geometry=BEAM).omega1.shape == ()
    moved = rotation.detach().transpose(-1, -2).contiguous().transpose(-1, -2)  # not contiguous
    assert torch.equal(bt.predict(few, moved, geometry=BEAM).omega1, bt.predict(few, rotation, geometry=BEAM).omega1)


def test_empty_batches(few):
    nothing = _leaf(np.empty((0, 3, 3)))
    roots = bt.predict(few, nothing, wavenumber=torch.empty(0))
    assert roots.omega1.shape == (0, len(HKL))
    assert torch.autograd.grad(roots.omega1.sum(), nothing)[0].shape == (0, 3, 3)
    assert bt.predict(torch.empty(0, 3), torch.eye(3), geometry=BEAM).omega1.shape == (0,)
    assert bt.omega_loss(few, nothing, torch.zeros(len(HKL)), wavenumber=torch.empty(0)).shape == (0,)
    none, grid = braggrad.Reflections.from_vectors(np.empty((0, 3))), _leaf(random_rotations(6).reshape(2, 3, 3, 3))
    loss = bt.omega_loss(none, grid, torch.empty(2, 3, 0).double(), geometry=BEAM)
    assert torch.equal(loss, torch.zeros(2, 3).double())
    omega = bt.predict(none, grid, geometry=BEAM).omega1
    assert not torch.autograd.grad(omega.sum(), grid, create_graph=True)[0].any()


def test_half_precision_and_autocast_compute_in_float32(few):
    rotation = torch.from_numpy(random_rotations(2))
    half = bt.predict(few, rotation.to(torch.bfloat16), geometry=BEAM)
    assert half.omega1.dtype == torch.float32
    single = rotation.float().requires_grad_()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        product = single @ torch.eye(3)
        roots = bt.predict(few, product, geometry=BEAM)
        loss = roots.omega1.sum()
    assert product.dtype == torch.bfloat16 and roots.omega1.dtype == torch.float32
    loss.backward()
    assert single.grad.dtype == torch.float32 and torch.isfinite(single.grad).all()


def test_second_derivatives_are_refused_with_a_clear_error(few):
    rotation = _leaf(random_rotations(2))
    omega = bt.predict(few, rotation, geometry=BEAM).omega1.sum()
    (bar,) = torch.autograd.grad(omega, rotation, create_graph=True)
    with pytest.raises(RuntimeError, match="braggrad has no second derivatives"):
        bar.sum().backward()
    target = torch.zeros(len(HKL))
    for options in ({"geometry": BEAM}, {"wavenumber": _leaf([24.0, 25.0])}):
        for targets in (target.double(), target):
            loss = bt.omega_loss(few, rotation, targets, **options)
            (bar,) = torch.autograd.grad(loss.sum(), rotation, create_graph=True)
            with pytest.raises(RuntimeError, match="braggrad has no second derivatives"):
                bar.sum().backward()
    with pytest.raises(RuntimeError, match="braggrad has no second derivatives"):
        torch.func.hessian(lambda r: bt.omega_loss(few, r, target, geometry=BEAM).sum())(rotation.detach())


@pytest.mark.parametrize("inner", [torch.func.jacfwd, torch.func.jacrev])
@pytest.mark.parametrize("outer", [torch.func.jacfwd, torch.func.jacrev])
def test_second_derivatives_are_refused_in_every_order(few, outer, inner):
    rotation = torch.from_numpy(random_rotations(2))
    k, target = torch.full((2,), 25.0).double(), torch.zeros(len(HKL)).double()
    for function in (
        lambda r: bt.predict(few, r, geometry=BEAM).omega1.sum(),
        lambda r: bt.solve(r[:, 0], wavenumber=25.0).omega1.sum(),
        lambda r: bt.omega_loss(few, r, target, geometry=BEAM).sum(),
        lambda r: bt.omega_loss(few, r, target, wavenumber=k * r[:, 0, 0]).sum(),
    ):
        with pytest.raises(RuntimeError, match="braggrad has no second derivatives"):
            outer(inner(function))(rotation)


def test_forward_mode_over_a_backward_pass_is_refused_and_not_forgotten(few):
    rotation = torch.from_numpy(random_rotations(2))
    along = torch.ones_like(rotation)
    leaf = rotation.clone().requires_grad_()
    omega = bt.predict(few, leaf, geometry=BEAM).omega1
    (expected,) = torch.autograd.grad(omega.sum(), leaf, retain_graph=True)
    with fwd.dual_level():
        for function in (
            lambda r: bt.predict(few, r, geometry=BEAM).omega1.sum(),
            lambda r: bt.solve(r[:, 0], wavenumber=25.0).omega1.sum(),
            lambda r: bt.omega_loss(few, r, torch.zeros(len(HKL)).double(), geometry=BEAM).sum(),
        ):
            dual = fwd.make_dual(rotation.clone().requires_grad_(), along)
            value = function(dual)
            with pytest.raises(RuntimeError, match="braggrad has no second derivatives"):
                torch.autograd.grad(value, dual)
        bar = fwd.make_dual(torch.ones_like(omega), torch.ones_like(omega))
        with pytest.raises(RuntimeError, match="braggrad has no second derivatives"):
            torch.autograd.grad(omega, leaf, bar, retain_graph=True)
        assert torch.equal(torch.autograd.grad(omega.sum(), leaf)[0], expected)


def test_functional_transforms(few):
    rotation = torch.from_numpy(random_rotations(4))

    def loss(matrix):
        roots = bt.predict(few, matrix, geometry=BEAM)
        return (roots.omega1 + 2 * roots.omega2).sum()

    whole = torch.func.grad(loss)(rotation)
    assert torch.equal(torch.func.vmap(torch.func.grad(loss))(rotation), whole)
    assert torch.equal(torch.func.vmap(loss)(rotation), torch.stack([loss(one) for one in rotation]))
    forward = torch.func.jacfwd(lambda m: bt.predict(few, m, geometry=BEAM).omega1)(rotation[0])
    backward = torch.func.jacrev(lambda m: bt.predict(few, m, geometry=BEAM).omega1)(rotation[0])
    leaf = rotation.clone().requires_grad_()
    omega = bt.predict(few, leaf, geometry=BEAM).omega1
    rows = torch.eye(omega.numel(), dtype=torch.float64).reshape(-1, *omega.shape)
    each = torch.func.vmap(lambda row: torch.autograd.grad(omega, leaf, row, retain_graph=True)[0])(rows)
    assert torch.allclose(
        each.reshape(4, len(HKL), 4, 3, 3)[2, :, 2],
        torch.func.jacrev(lambda m: bt.predict(few, m, geometry=BEAM).omega1)(rotation[2]),
        rtol=1e-12,
        atol=1e-12,
    )
    assert forward.shape == (len(HKL), 3, 3) and torch.allclose(forward, backward, rtol=1e-12, atol=1e-12)


def test_forward_mode_is_the_directional_derivative(few):
    rotation, dot = random_rotations(3), np.random.default_rng(3).normal(size=(3, 3, 3))
    plain = braggrad.predict_jvp(few, rotation, rotation_dot=dot, geometry=BEAM)
    with fwd.dual_level():
        dual = fwd.make_dual(torch.from_numpy(rotation), torch.from_numpy(dot))
        roots = bt.predict(few, dual, geometry=BEAM)
        assert np.array_equal(fwd.unpack_dual(roots.omega2).tangent.numpy(), plain.omega2)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("backend", ["aot_eager", "inductor"])
def test_compiled_code_gives_the_same(few, backend):
    if backend == "inductor" and not pathlib.Path(sysconfig.get_path("include"), "Python.h").exists():
        pytest.skip("inductor compiles with Python's headers, which are not installed")

    def loss(matrix, k, q):
        roots = bt.predict(few, matrix, wavenumber=k, chi=0.05)
        more = bt.predict(q, matrix, geometry=BEAM)
        g = (matrix @ q.T).mT
        third = bt.solve(g, geometry=BEAM)
        angles = torch.where(roots.observable, roots.omega1.sin(), 0).sum() + more.omega2.sum() + third.omega1.sum()
        fit = bt.omega_loss(few, matrix, target, wavenumber=k, chi=0.05, loss="huber", delta=0.2)
        one = bt.omega_loss(few, matrix[0], target, 2 * target, geometry=BEAM)
        return angles + (fit * weight).sum() + one * q[0, 0]

    target, weight = torch.linspace(-3, 3, len(HKL), dtype=torch.float64), torch.tensor([1.0, -2.0, 0.5])
    inputs = [_leaf(random_rotations(3)), _leaf(25.0), _leaf(HKL[:4] @ few.basis.T)]
    eager = torch.autograd.grad(loss(*inputs), inputs)
    compiled = torch.compile(loss, fullgraph=True, backend=backend)
    value = compiled(*inputs)
    assert torch.allclose(value, loss(*inputs), rtol=1e-13)
    for ours, theirs in zip(torch.autograd.grad(value, inputs), eager, strict=True):
        assert torch.allclose(ours, theirs, rtol=1e-11, atol=1e-12)


def test_operators_keep_their_promises(few):
    from braggrad.torch import _compiled

    rotation = _leaf(random_rotations(2))
    arguments = (rotation, None, _leaf([25.0, 26.0]), None, None, list(BEAM.values), few.key, len(few), 0)
    torch.library.opcheck(_compiled.roots, arguments)
    items = (_leaf(np.ones((3, 3))), None, None, None, None, list(BEAM.values), _compiled.ITEMS, 1, 0)
    torch.library.opcheck(_compiled.roots, items)
    target = torch.zeros(len(HKL), dtype=torch.float64)
    arguments = (rotation, _leaf([25.0, 26.0]), None, target, None, None, target + 1, list(BEAM.values), few.key)
    torch.library.opcheck(_compiled.loss_and_bars, (*arguments, 0, 0, 0.0, 0.0, [True, True, False]))


def test_a_tensor_that_a_transformation_left_behind_is_read(few):
    leaked = []

    def loss(rotation):
        leaked.append(rotation)
        return bt.omega_loss(few, rotation, torch.zeros(len(HKL)).double(), geometry=BEAM).sum()

    rotation = torch.from_numpy(random_rotations(2))
    torch.func.grad(loss)(rotation)
    bound = bt.OmegaLoss(few, torch.zeros(len(HKL)).double(), geometry=BEAM)
    for call in (bound, lambda r: bt.omega_loss(few, r, torch.zeros(len(HKL)).double(), geometry=BEAM)):
        assert torch.equal(call(leaked[0]), call(rotation))
    omega = bt.predict(few, leaked[0], geometry=BEAM).omega1
    assert torch.equal(omega, bt.predict(few, rotation, geometry=BEAM).omega1)


def test_tensors_of_devices_with_another_sign_are_refused():
    with pytest.raises(ValueError, match="other sign in memory"):  # before it is asked where the tensor is
        _device._of_tensor(torch._neg_view(torch.ones(3)))


def test_tensors_that_are_read_with_another_sign(few):
    complex_chi = torch.complex(torch.zeros(2).double(), torch.tensor([0.1, 0.2]).double())
    chi = complex_chi.conj().imag
    assert chi.is_neg()
    rotation = torch.from_numpy(random_rotations(2))
    roots = bt.predict(few, rotation, geometry=BEAM, chi=chi)
    assert torch.equal(roots.omega1, bt.predict(few, rotation, geometry=BEAM, chi=-complex_chi.imag).omega1)
    turned = torch.complex(torch.zeros_like(rotation), -rotation).conj().imag
    assert turned.is_neg() and torch.equal(turned, rotation)
    for call in (lambda r: bt.predict(few, r, geometry=BEAM).omega1, bt.OmegaLoss(few, few_targets(), geometry=BEAM)):
        assert torch.equal(call(turned), call(rotation))


def few_targets():
    return torch.linspace(-3, 3, len(HKL)).double()


def test_recorded_programs_compute(few):
    rotation = torch.from_numpy(random_rotations(3))

    def both(r):
        return bt.predict(few, r, geometry=BEAM).omega1.sum(-1) + bt.omega_loss(few, r, few_targets(), geometry=BEAM)

    other = torch.from_numpy(random_rotations(4)[1:])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        traced = torch.jit.trace(both, (rotation,))
    assert torch.equal(traced(other), both(other))
    graph = torch.fx.experimental.proxy_tensor.make_fx(both)(rotation)
    assert torch.equal(graph(other), both(other))


def test_the_reflections_of_a_program_of_another_process_are_missed(few):
    from braggrad._reflections import reflections_of_key

    assert reflections_of_key(few.key) is few and few.key > 2**20
    with pytest.raises(RuntimeError, match="of another process"):
        reflections_of_key(few.key + 2**20)


@pytest.mark.parametrize("shape", [(), (1,), (4,), (2, 2), (0,), (3, 0)])
def test_the_quick_way_is_the_long_way(few, shape, dtype):
    count = int(np.prod(shape))
    rotation = torch.from_numpy(random_rotations(count).reshape(*shape, 3, 3).astype(dtype)).requires_grad_()
    target = torch.linspace(-3, 3, len(HKL), dtype=rotation.dtype)
    everywhere = torch.full((), BEAM.wavenumber, dtype=rotation.dtype)  # a tensor: nothing is settled then
    for _ in range(2):
        quick = bt.predict(few, rotation, geometry=BEAM)
        slow = bt.predict(few, rotation, geometry=BEAM, wavenumber=everywhere.double().expand(shape or ()))
        assert quick.omega1.shape == (*shape, len(HKL)) and quick.omega1.dtype == rotation.dtype
        plain = braggrad.predict(few, rotation.detach().numpy(), geometry=BEAM)
        assert all(np.array_equal(a.detach().numpy(), b) for a, b in zip(quick, plain, strict=True))
        assert torch.allclose(quick.omega2, slow.omega2.to(rotation.dtype), rtol=0, atol=1e-4)
        (bar,) = torch.autograd.grad((quick.omega1 * target).sum() + quick.omega2.sum(), rotation)
        bars = braggrad.predict_vjp(few, rotation.detach().numpy(), target.numpy(), 1.0, geometry=BEAM)
        assert np.array_equal(bar.numpy(), bars["rotation"])
        loss = bt.omega_loss(few, rotation, target, geometry=BEAM)
        outputs = braggrad.omega_loss(
            few, rotation.detach().numpy(), target.numpy(), geometry=BEAM, outputs=("loss", "rotation_bar")
        )
        assert np.array_equal(loss.detach().numpy(), outputs["loss"])
        (bar,) = torch.autograd.grad(3 * loss.sum(), rotation)
        assert np.array_equal(bar.numpy(), 3 * outputs["rotation_bar"])
        with torch.no_grad():
            free = bt.omega_loss(few, rotation, target, geometry=BEAM)
        assert not free.requires_grad and torch.equal(free, loss)


def test_hooks_may_lay_out_anew_what_is_saved(few):
    rotation = torch.from_numpy(random_rotations(3))
    weight = torch.from_numpy(np.random.default_rng(7).normal(size=(3, len(few))))
    plain = braggrad.predict_vjp(few, rotation.numpy(), weight.numpy(), geometry=BEAM)["rotation"]
    for layout in (lambda t: t.mT.clone(memory_format=torch.contiguous_format).mT, lambda t: torch._neg_view(-t)):
        for tensor in (rotation, rotation.mT.contiguous().mT):  # the quick way, and the long one
            leaf = tensor.clone().requires_grad_()
            with torch.autograd.graph.saved_tensors_hooks(lambda t: t, lambda t, layout=layout: layout(t)):
                (bt.predict(few, leaf, geometry=BEAM).omega1 * weight).sum().backward()
            assert np.array_equal(leaf.grad.numpy(), plain)


def test_a_rotation_that_was_overwritten_is_noticed(few):
    leaf = _leaf(random_rotations(2))
    rotation = leaf * 1
    omega = bt.predict(few, rotation, geometry=BEAM).omega1.sum()
    rotation.zero_()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        omega.backward()
    rotation = leaf * 1
    loss = bt.omega_loss(few, rotation, torch.zeros(len(HKL)).double(), geometry=BEAM).sum()
    (expected,) = torch.autograd.grad(loss, rotation, retain_graph=True)
    rotation.detach().zero_()  # its derivative was made before
    assert torch.equal(torch.autograd.grad(loss, leaf)[0], expected)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda few: bt.predict(few, torch.eye(3).int(), geometry=BEAM), "rotation has the type torch.int32"),
        (lambda few: bt.predict(few, torch.ones(3), geometry=BEAM), r"rotation has the shape \(3,\)"),
        (lambda few: bt.predict(few, torch.eye(3)), "wavenumber is not given"),
        (lambda few: bt.predict(few, np.eye(3), geometry=BEAM), "rotation is a ndarray"),
        (lambda few: bt.predict(few, torch.eye(3, device="meta"), geometry=BEAM), "rotation is on meta"),
        (lambda few: bt.predict(few, torch.eye(3), wavenumber=-1.0), "wavenumber is -1.0: it must be finite"),
        (lambda few: bt.predict(few, torch.eye(3), wavenumber=0.0), "wavenumber is 0.0: it must be finite"),
        (lambda few: bt.solve(torch.ones(2, 3), wavenumber=0.0), "wavenumber is 0.0: it must be finite"),
        (
            lambda few: bt.omega_loss(few, torch.eye(3), torch.ones(len(HKL)), wavenumber=0.0, geometry=BEAM),
            "wavenumber is 0.0: it must be finite",
        ),
        (lambda few: bt.predict(few, torch.eye(3).to_sparse(), geometry=BEAM), "rotation has the layout"),
        (lambda few: bt.predict(few, torch.eye(3).to_sparse_csr(), geometry=BEAM), "rotation has the layout"),
        (lambda few: bt.predict(torch.ones(2, 3).to_sparse(), torch.eye(3), geometry=BEAM), "reflections has the layo"),
        (
            lambda few: bt.predict(few, torch.eye(3).expand(2, 3, 3), wavenumber=torch.ones(2).to_sparse()),
            "wavenumber has the layout",
        ),
        (lambda few: bt.solve(torch.ones(2, 3).to_sparse(), geometry=BEAM), "g has the layout"),
        (
            lambda few: bt.omega_loss(few, torch.eye(3), torch.ones(len(HKL)).to_sparse(), geometry=BEAM),
            "omega1 has the layout",
        ),
        (
            lambda few: bt.omega_loss(few, torch.eye(3).to_sparse(), torch.ones(len(HKL)), geometry=BEAM),
            "rotation has the layout",
        ),
        (lambda few: bt.OmegaLoss(few, torch.ones(len(HKL)).to_sparse(), geometry=BEAM), "omega1 has the layout"),
        (
            lambda few: bt.OmegaLoss(few, torch.ones(len(HKL)), geometry=BEAM)(torch.eye(3).to_sparse()),
            "rotation has the layout",
        ),
        (lambda few: bt.orthogonalize(torch.eye(3).to_sparse()), "matrix has the layout"),
        (lambda few: bt.predict(torch.ones(3), torch.eye(3), geometry=BEAM), "reflections has the shape"),
        (
            lambda few: bt.predict(few, torch.ones(2, 3, 3), wavenumber=torch.ones(3)),
            r"wavenumber has the batch shape \(3,\)",
        ),
        (lambda few: bt.solve(torch.ones(2), geometry=BEAM), "g has the shape"),
        (lambda few: bt.omega_loss(few, torch.eye(3), torch.ones(3), geometry=BEAM), "omega1 has the shape"),
        (lambda few: bt.omega_loss(few, torch.ones(3), torch.ones(len(HKL)), geometry=BEAM), "rotation has the shape"),
        (lambda few: bt.OmegaLoss(few, torch.ones(3), geometry=BEAM), "omega1 has the shape"),
        (lambda few: bt.OmegaLoss(few, loss="chords", geometry=BEAM), "loss is 'chords'"),
        (lambda few: bt.OmegaLoss(HKL, geometry=BEAM), "reflections is no Reflections"),
        (lambda few: bt.OmegaLoss(few, torch.ones(len(HKL)))(torch.eye(3)), "wavenumber is not given"),
        (lambda few: bt.OmegaLoss(few, torch.ones(len(HKL)), geometry=BEAM)(torch.ones(3)), "rotation has the shape"),
        (lambda few: bt.OmegaLoss(few, geometry=BEAM).value_and_grad(np.eye(3)), "rotation is a ndarray"),
        (lambda few: bt.OmegaLoss(few, geometry=50.0), "geometry is a float"),
        (lambda few: bt.OmegaLoss(few, delta="x", geometry=BEAM), "delta is 'x'"),
        (lambda few: bt.omega_loss(few, torch.eye(3), loss=["chord"], geometry=BEAM), "loss is"),
        (lambda few: bt.predict(few, torch.eye(3), geometry=50.0), "geometry is a float"),
        (lambda few: bt.predict(few, torch.eye(3), wavenumber=np.full(4, 25.0)), "wavenumber is array"),
        (lambda few: bt.orthogonalize(torch.ones(2, 2)), "matrix has the shape"),
    ],
)
def test_faults_are_named(few, call, message):
    with pytest.raises(ValueError, match=message):
        call(few)


def test_backward_in_other_threads(few):
    import threading

    rotation = _leaf(random_rotations(3))
    (expected,) = torch.autograd.grad(bt.predict(few, rotation, geometry=BEAM).omega1.sum(), rotation)
    results = []

    def work():
        omega = bt.predict(few, rotation, geometry=BEAM).omega1.sum()
        results.append(torch.autograd.grad(omega, rotation)[0])

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 4 and all(torch.equal(result, expected) for result in results)


def test_forward_mode_of_recorded_calls_is_never_silently_nothing(few):
    """Operators have no rule for it: eager code answers, or nobody does."""
    rotation = torch.from_numpy(random_rotations(1)[0])
    direction = torch.from_numpy(np.cross(np.eye(3), [0.1, 0.2, 0.3])) @ rotation
    criterion = bt.OmegaLoss(few, bt.predict(few, rotation, geometry=BEAM).omega1 + 0.01, geometry=BEAM)

    def angles(rotation):
        return bt.predict(few, rotation, geometry=BEAM).omega1

    def angles_of_vectors(rotation):
        return bt.solve(torch.from_numpy(np.array(few.q)) @ rotation.mT, geometry=BEAM).omega1

    def along(function):
        return lambda rotation, direction: torch.func.jvp(function, (rotation,), (direction,))[1]

    def of_dual(function):
        def tangent(rotation, direction):
            with fwd.dual_level():
                return fwd.unpack_dual(function(fwd.make_dual(rotation, direction))).tangent

        return tangent

    for function in (angles, angles_of_vectors, criterion):
        expected = along(function)(rotation, direction)
        assert expected.abs().max() > 1e-3 and torch.equal(of_dual(function)(rotation, direction), expected)
        for way in (along, of_dual):
            torch.compiler.reset()
            try:
                compiled = torch.compile(way(function), backend="eager")(rotation, direction)
                assert torch.allclose(compiled, expected, rtol=1e-12)
            except NotImplementedError as refusal:
                assert "forward mode" in str(refusal)
        with pytest.raises(NotImplementedError, match="forward mode of a recorded call"):
            torch.fx.experimental.proxy_tensor.make_fx(along(function))(rotation, direction)


def test_batched_gradients_name_what_is_there_instead(few):
    leaf = _leaf(random_rotations(1)[0])
    omega = bt.predict(few, leaf, geometry=BEAM).omega1
    eye = torch.eye(len(few), dtype=torch.float64)
    with pytest.raises(NotImplementedError, match=r"torch\.func\.jacrev"):
        torch.autograd.grad(omega, leaf, eye, is_grads_batched=True, retain_graph=True)
    rows = torch.stack([torch.autograd.grad(omega, leaf, row, retain_graph=True)[0] for row in eye])
    jacobian = torch.func.jacrev(lambda rotation: bt.predict(few, rotation, geometry=BEAM).omega1)(leaf.detach())
    assert torch.allclose(jacobian, rows, rtol=1e-12, atol=1e-14)
