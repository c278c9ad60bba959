"""Losses of tensors: those of their angles, their derivatives, bound and not, under transformations."""

import copy
import pickle

import numpy as np
import pytest
from conftest import BEAM, HKL, random_rotations, wrapped

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
import braggrad.torch as bt  # noqa: E402
from torch.autograd import forward_ad as fwd  # noqa: E402
from torch.autograd import gradcheck  # noqa: E402

torch.set_num_threads(1)  # small tensors: threads that wait for each other take longer than one alone


def _leaf(value):
    return torch.tensor(np.array(value), dtype=torch.float64, requires_grad=True)


def _angles(roots):
    return roots.omega1, roots.omega2


def test_the_fused_loss_is_the_loss_of_its_angles(few):
    rotation, k, chi = _leaf(random_rotations(4)), _leaf(np.full(4, 25.0)), _leaf(0.1)
    target = torch.from_numpy(np.random.default_rng(2).uniform(-3, 3, (2, len(HKL))))
    fused = bt.omega_loss(few, rotation, *target, wavenumber=k, chi=chi)
    roots = bt.predict(few, rotation, wavenumber=k, chi=chi)
    plain = sum(
        (torch.where(roots.observable, bt.wrap(omega - t), 0) ** 2).sum(-1) / 2
        for omega, t in zip(_angles(roots), target, strict=True)
    )
    assert torch.allclose(fused, plain, rtol=1e-12)
    weights = torch.tensor([1.0, 2.0, -1.0, 0.5], dtype=torch.float64)
    inputs = (rotation, k, chi)
    both = [torch.autograd.grad((loss * weights).sum(), inputs) for loss in (fused, plain)]
    for ours, theirs in zip(*both, strict=True):
        assert torch.allclose(ours, theirs, rtol=1e-10, atol=1e-10)
    each = target[:, None].expand(2, 4, -1)
    assert torch.equal(bt.omega_loss(few, rotation, *each, wavenumber=k, chi=chi), fused)
    assert bt.omega_loss(few, rotation[0], target[0], geometry=BEAM).shape == ()


@pytest.mark.parametrize("magnitude_from_rotated", [False, True])
@pytest.mark.parametrize(
    "options", [{}, {"loss": "chord"}, {"loss": "huber", "delta": 0.3}, {"loss": "norm", "delta": 0.3}]
)
def test_gradcheck_of_the_fused_loss(few, options, magnitude_from_rotated):
    rng = np.random.default_rng(5)
    targets = torch.from_numpy(rng.uniform(-3, 3, (2, len(HKL))))
    options = options | {"weight1": torch.from_numpy(rng.uniform(size=len(HKL)))}
    options |= {"missing_loss": 0.3, "magnitude_from_rotated": magnitude_from_rotated}
    rotation, k, chi = _leaf(random_rotations(3)), _leaf(25 + rng.uniform(size=3)), _leaf(0.05)

    def loss(rotation, k, chi):
        return bt.omega_loss(few, rotation, *targets, wavenumber=k, chi=chi, **options)

    assert gradcheck(loss, (rotation, k, chi), check_forward_ad=True)
    for one in (rotation, rotation[0].detach().requires_grad_()):
        assert gradcheck(lambda r: bt.omega_loss(few, r, *targets, geometry=BEAM, **options), (one,))


def test_functional_transforms_of_the_fused_loss(few):
    rotation, k = torch.from_numpy(random_rotations(4)), torch.tensor([24.0, 25.0, 26.0, 27.0], dtype=torch.float64)
    targets = torch.from_numpy(np.random.default_rng(6).uniform(-3, 3, (4, len(HKL))))

    def loss(matrix, k, target):
        return bt.omega_loss(few, matrix, target, wavenumber=k, weight2=torch.ones(len(HKL)))

    leaves = [leaf.clone().requires_grad_() for leaf in (rotation, k)]
    whole = bt.omega_loss(few, leaves[0], targets, wavenumber=leaves[1])
    bars = torch.autograd.grad(whole.sum(), leaves)
    each = torch.func.vmap(torch.func.grad_and_value(loss, argnums=(0, 1)))(rotation, k, targets)
    assert torch.equal(each[1], whole)
    assert all(torch.equal(ours, theirs) for ours, theirs in zip(each[0], bars, strict=True))
    shared = torch.func.vmap(torch.func.grad(loss), (0, None, None))(rotation, k[1], targets[0])
    for b in range(4):
        leaf = rotation[b].clone().requires_grad_()
        (bar,) = torch.autograd.grad(loss(leaf, k[1], targets[0]), leaf)
        assert torch.allclose(shared[b], bar, rtol=1e-13, atol=1e-13)
    forward = torch.func.jacfwd(loss, (0, 1))(rotation[0], k[0], targets[0])
    backward = torch.func.jacrev(loss, (0, 1))(rotation[0], k[0], targets[0])
    for ours, theirs in zip(forward, backward, strict=True):
        assert torch.allclose(ours, theirs, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("weighted", [False, True])
def test_a_bound_loss_is_that_of_its_arguments(few, dtype, weighted):
    rotation = torch.from_numpy(random_rotations(6).reshape(2, 3, 3, 3).astype(dtype)).requires_grad_()
    targets = list(torch.from_numpy(np.random.default_rng(8).uniform(-3, 3, (2, len(HKL))).astype(dtype)))
    options = {"loss": "huber", "delta": 0.3, "missing_loss": 0.1, "geometry": BEAM, "magnitude_from_rotated": True}
    if weighted:
        options["weight2"] = torch.linspace(0, 2, len(HKL), dtype=rotation.dtype)
    bound = bt.OmegaLoss(few, *targets, **options)
    k = torch.tensor(25.0, dtype=rotation.dtype, requires_grad=True)
    # Its own way, another type, a tensor to differentiate by, one rotation, and columns that are not contiguous.
    for matrices, more in (
        (rotation, {}),
        (rotation.double(), {}),
        (rotation, {"wavenumber": k, "chi": 0.01}),
        (rotation[1, 2], {}),
        (rotation.mT, {}),
    ):
        for call in (bound, copy.deepcopy(bound), pickle.loads(pickle.dumps(bound))):
            ours, theirs = call(matrices, **more), bt.omega_loss(few, matrices, *targets, **options | more)
            assert torch.equal(ours, theirs) and ours.dtype == theirs.dtype
            inputs = (rotation, k) if more else (rotation,)
            bars = [torch.autograd.grad(3 * answer.sum(), inputs, retain_graph=True) for answer in (ours, theirs)]
            assert all(torch.equal(mine, yours) for mine, yours in zip(*bars, strict=True))
            if not more:
                value, bar = call.value_and_grad(matrices)
                assert torch.equal(value, theirs) and not value.requires_grad and not bar.requires_grad
                assert torch.equal(bar, torch.autograd.grad(theirs.sum(), matrices)[0])
    before = bound(rotation).detach()
    for target in targets:
        target.zero_()  # it has its own
    with torch.no_grad():
        assert torch.equal(bound(rotation), before) and not bound(rotation).requires_grad
    with pytest.raises(RuntimeError, match="second derivatives"):
        (bar,) = torch.autograd.grad(bound(rotation).sum(), rotation, create_graph=True)
        bar.sum().backward()
    with fwd.dual_level():
        tangent = torch.ones_like(rotation)
        change = fwd.unpack_dual(bound(fwd.make_dual(rotation.detach(), tangent))).tangent
    (bar,) = torch.autograd.grad(bound(rotation).sum(), rotation)
    assert torch.allclose(change.sum(), (bar * tangent).sum(), rtol=1e-4 if dtype == np.float32 else 1e-12)


def test_a_bound_loss_compiles_and_is_mapped(few):
    rotation = torch.from_numpy(random_rotations(3))
    bound = bt.OmegaLoss(few, torch.linspace(-3, 3, len(HKL)).double(), geometry=BEAM)
    expected = torch.autograd.grad(bound(rotation.requires_grad_()).sum(), rotation)[0]
    assert torch.equal(torch.func.vmap(torch.func.grad(bound))(rotation.detach()), expected)
    (bar,) = torch.autograd.grad(torch.compile(bound, fullgraph=True)(rotation).sum(), rotation)
    assert torch.allclose(bar, expected, rtol=1e-13, atol=1e-13)


def test_numbers_of_a_loss_are_read_at_every_call(few):
    rotation, target = torch.from_numpy(random_rotations(2)), torch.linspace(-3, 3, len(HKL)).double()
    delta = torch.tensor(1.0)
    before = bt.omega_loss(few, rotation, target, geometry=BEAM, loss="huber", delta=delta)
    delta.fill_(0.01)
    for _ in range(2):
        after = bt.omega_loss(few, rotation, target, geometry=BEAM, loss="huber", delta=delta)
        assert torch.equal(after, bt.omega_loss(few, rotation, target, geometry=BEAM, loss="huber", delta=float(delta)))
        assert (after < before).all()


def test_targets_and_numbers_are_constants(few):
    rotation, target = torch.from_numpy(random_rotations(2)), torch.zeros(len(HKL)).double()
    with pytest.raises(ValueError, match="omega1 is differentiated by"):
        torch.func.jacfwd(lambda t: bt.omega_loss(few, rotation, t, geometry=BEAM))(target)
    with fwd.dual_level(), pytest.raises(ValueError, match="weight1 is differentiated by"):
        dual = fwd.make_dual(target + 1, target)
        bt.omega_loss(few, rotation, target, weight1=dual, geometry=BEAM)
    with pytest.raises(ValueError, match="missing_loss requires a gradient"):
        bt.omega_loss(few, rotation, target, missing_loss=torch.nn.Parameter(torch.tensor(0.5)), geometry=BEAM)


def test_value_and_grad_everywhere(few):
    rotation, target = torch.from_numpy(random_rotations(4)), torch.linspace(-3, 3, len(HKL)).double()
    bound = bt.OmegaLoss(few, target, geometry=BEAM)
    losses, bars = bound.value_and_grad(rotation)
    mapped = torch.func.vmap(bound.value_and_grad)(rotation)
    assert torch.equal(mapped[0], losses) and torch.equal(mapped[1], bars)
    with torch.inference_mode():
        for matrices in (rotation.mT, rotation.mT.clone(), rotation.float()):
            found = bound.value_and_grad(matrices)
            expected = bound(matrices)
            assert torch.equal(found[0], expected)
    made = torch.func.grad(lambda r: bound(r).sum())(rotation.mT.clone())
    with torch.inference_mode():
        assert torch.equal(bound.value_and_grad(rotation.mT)[1], made)
    k = torch.full((4,), 25.0, dtype=torch.float64)
    with_k = bound.value_and_grad(rotation, wavenumber=k.requires_grad_(), chi=0.01)
    leaf = rotation.clone().requires_grad_()
    again = bound(leaf, wavenumber=k, chi=0.01)
    assert torch.equal(with_k[0], again) and torch.equal(with_k[1], torch.autograd.grad(again.sum(), leaf)[0])
    assert not with_k[0].requires_grad


def test_a_second_backward_needs_the_graph_to_be_kept(few):
    rotation = torch.from_numpy(random_rotations(2)).requires_grad_()
    loss = bt.omega_loss(few, rotation, torch.zeros(len(HKL)).double(), geometry=BEAM).sum()
    loss.backward()
    with pytest.raises(RuntimeError, match="second time"):
        loss.backward()


@pytest.mark.parametrize("batch", [(), (1,), (4,), (0,), (2, 3)])
def test_weights_of_losses_in_any_layout(few, batch):
    count = int(np.prod(batch))
    rotation = torch.from_numpy(random_rotations(6)[:count].reshape(*batch, 3, 3).copy()).requires_grad_()
    bound = bt.OmegaLoss(few, torch.zeros(len(HKL), dtype=torch.float64), geometry=BEAM)
    _, bars = bound.value_and_grad(rotation.detach())
    factors = torch.rand(*batch, 2, dtype=torch.float64)
    expanded = torch.tensor(0.5, dtype=torch.float64).expand(batch)
    for weight in (factors[..., 0].contiguous(), factors[..., 1], expanded):
        (found,) = torch.autograd.grad(bound(rotation), rotation, weight)
        assert found.shape == rotation.shape and torch.equal(found, bars * weight[..., None, None])


def test_the_wrapped_loss_trains_across_pi():
    angle = torch.tensor([3.0], requires_grad=True)
    optimizer = torch.optim.SGD([angle], lr=0.2)
    for _ in range(60):
        optimizer.zero_grad()
        bt.wrapped_angle_loss(angle, torch.tensor([-3.1])).backward()
        optimizer.step()
    assert abs(wrapped(angle.item() + 3.1)) < 1e-5 and angle.item() > 3.0  # the short way round
    observable = torch.tensor([True, False])
    loss = bt.wrapped_angle_loss(torch.tensor([0.5, 2.0]), torch.zeros(2), observable)
    assert abs(loss.item() - 0.25) < 1e-7
    assert bt.wrapped_angle_loss(torch.ones(2), torch.zeros(2), torch.zeros(2, dtype=torch.bool)) == 0
    angle = torch.tensor([0.5, 2.0], requires_grad=True)
    missing = torch.tensor([0.0, float("nan")])
    (bar,) = torch.autograd.grad(bt.wrapped_angle_loss(angle, missing, ~missing.isnan()), angle)
    assert torch.equal(bar, torch.tensor([1.0, 0.0]))
