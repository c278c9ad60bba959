"""Modules: rotations of det +1, a simulator, a network that learns an orientation."""

import copy

import braggrad
import numpy as np
import pytest
from conftest import BEAM, GOLD, HKL, random_rotations

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
import braggrad.torch as bt  # noqa: E402
from torch.autograd import forward_ad, gradcheck  # noqa: E402

torch.set_num_threads(1)  # small tensors: threads that wait for each other take longer than one alone


def _leaf(value):
    return torch.tensor(np.array(value), dtype=torch.float64, requires_grad=True)


def test_half_precision_never_reaches_matrices_of_the_modules(few):
    matrix = torch.from_numpy(np.random.default_rng(5).normal(size=(4, 3, 3))).float()
    lists = np.broadcast_to(HKL, (4, *HKL.shape))
    simulator = bt.DiffractionSimulator(lists, BEAM, cell=GOLD)
    expected, angles = bt.orthogonalize(matrix), simulator(bt.orthogonalize(matrix))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        rotation = bt.orthogonalize(matrix)
        assert torch.equal(rotation, expected) and torch.equal(simulator(rotation), angles)
        half = bt.orthogonalize(matrix.bfloat16())
    assert half.dtype == torch.float32
    assert torch.allclose(half @ half.mT, torch.eye(3), atol=1e-5)


def test_tensors_of_a_simulator_belong_to_the_module():
    simulator = bt.DiffractionSimulator(HKL, BEAM, cell=GOLD, wavenumber=torch.tensor([25.0, 26.0]), chi=0.1)
    assert set(simulator.state_dict()) == {"wavenumber"}
    assert simulator.double().wavenumber.dtype == torch.float64
    trained = bt.DiffractionSimulator(HKL, BEAM, cell=GOLD, chi=torch.nn.Parameter(torch.tensor(0.1)))
    assert [name for name, _ in trained.named_parameters()] == ["chi"]


def test_orthogonalisation_under_transformations():
    matrices = torch.from_numpy(np.random.default_rng(6).normal(size=(5, 3, 3)))
    weights = torch.from_numpy(np.random.default_rng(7).normal(size=(3, 3)))
    leaf = matrices.clone().requires_grad_()
    (expected,) = torch.autograd.grad((bt.orthogonalize(leaf) * weights).sum(), leaf)
    each = torch.func.vmap(torch.func.grad(lambda m: (bt.orthogonalize(m) * weights).sum()))(matrices)
    assert torch.allclose(each, expected, rtol=1e-12, atol=1e-13)
    assert gradcheck(bt.orthogonalize, (leaf,), check_forward_ad=True)
    with pytest.raises(RuntimeError, match="second derivatives"):
        (bar,) = torch.autograd.grad((bt.orthogonalize(leaf) * weights).sum(), leaf, create_graph=True)
        bar.sum().backward()
    network = bt.OrientationPredictor(4)
    parameters = dict(network.named_parameters())
    omega = torch.rand(2, 4, 2)
    bars = torch.func.grad(lambda p: torch.func.functional_call(network, p, (omega,)).sum())(parameters)
    network(omega).sum().backward()
    assert all(torch.allclose(bars[name], p.grad, atol=1e-5) for name, p in parameters.items())


def test_one_matrix_that_is_not_finite_spoils_no_other():
    matrices = torch.from_numpy(np.random.default_rng(8).normal(size=(6, 3, 3)))
    weights = torch.from_numpy(np.random.default_rng(9).normal(size=(3, 3)))
    broken = matrices.clone()
    broken[1, 0, 2], broken[4, 1, 1] = torch.nan, -torch.inf
    whole, leaf = matrices.requires_grad_(), broken.requires_grad_()
    expected, rotation = bt.orthogonalize(whole), bt.orthogonalize(leaf)
    bars = [torch.autograd.grad((r * weights).sum(), m)[0] for r, m in ((expected, whole), (rotation, leaf))]
    for b in range(6):
        if b in (1, 4):
            assert rotation[b].isnan().all() and bars[1][b].isnan().all()
        else:
            assert torch.equal(rotation[b], expected[b]) and torch.equal(bars[1][b], bars[0][b])
    assert bt.orthogonalize(torch.full((3, 3), torch.nan)).isnan().all()
    assert bt.orthogonalize(torch.empty(0, 3, 3)).shape == (0, 3, 3)


@pytest.mark.parametrize("backend", ["eager", "aot_eager"])
def test_orthogonalisation_in_compiled_code(backend):
    matrices = torch.from_numpy(np.random.default_rng(6).normal(size=(5, 3, 3))).requires_grad_()
    weights = torch.from_numpy(np.random.default_rng(7).normal(size=(3, 3)))

    def total(m):
        return (bt.orthogonalize(m) * weights).sum()

    expected, compiled = total(matrices), torch.compile(total, fullgraph=True, backend=backend)
    (bar,) = torch.autograd.grad(expected, matrices)
    value = compiled(matrices)
    assert torch.allclose(value, expected, rtol=1e-13)
    assert torch.allclose(torch.autograd.grad(value, matrices)[0], bar, rtol=1e-12, atol=1e-13)
    mapped = torch.compile(torch.func.vmap(bt.orthogonalize), fullgraph=True, backend=backend)(matrices)
    assert torch.allclose(mapped, bt.orthogonalize(matrices), rtol=0, atol=1e-13)
    assert torch.allclose(torch.autograd.grad((mapped * weights).sum(), matrices)[0], bar, rtol=1e-12, atol=1e-13)
    network = bt.OrientationPredictor(4)
    omega = torch.rand(2, 4, 2)
    assert torch.allclose(torch.compile(network, fullgraph=True, backend=backend)(omega), network(omega), atol=1e-6)
    with pytest.raises(RuntimeError):
        (bar,) = torch.autograd.grad(compiled(matrices), matrices, create_graph=True)
        bar.sum().backward()


def test_forward_mode_of_compiled_orthogonalisation_is_never_silently_nothing():
    matrix, direction = torch.from_numpy(np.random.default_rng(8).normal(size=(2, 3, 3)))
    expected = torch.func.jvp(bt.orthogonalize, (matrix,), (direction,))[1]
    assert expected.abs().max() > 1e-3
    compiled = torch.compile(bt.orthogonalize, backend="eager")
    assert torch.allclose(torch.func.jvp(compiled, (matrix,), (direction,))[1], expected, rtol=1e-12)
    with forward_ad.dual_level():
        tangent = forward_ad.unpack_dual(compiled(forward_ad.make_dual(matrix, direction))).tangent
    assert torch.allclose(tangent, expected, rtol=1e-12)


def test_operators_of_orthogonalisation_keep_their_promises():
    from braggrad.torch import _orthogonal

    matrices = torch.from_numpy(np.random.default_rng(6).normal(size=(2, 4, 3, 3))).requires_grad_()
    torch.library.opcheck(_orthogonal._recorded, (matrices,))
    with torch.no_grad():
        _, *parts = _orthogonal.nearest_rotation(matrices)
    torch.library.opcheck(_orthogonal._recorded_change, (torch.rand_like(parts[0]), *(p.contiguous() for p in parts)))


def test_orthogonalisation_gives_rotations_and_has_a_derivative_at_them():
    rng = np.random.default_rng(4)
    matrices = torch.from_numpy(rng.normal(size=(50, 3, 3)))
    rotation = bt.orthogonalize(matrices)
    assert torch.allclose(rotation @ rotation.mT, torch.eye(3, dtype=torch.float64), atol=1e-14)
    assert torch.allclose(torch.linalg.det(rotation), torch.ones(50, dtype=torch.float64))
    assert (torch.linalg.det(matrices) < 0).any()
    for other in random_rotations(200, seed=1):  # none is nearer
        nearer = (matrices - torch.from_numpy(other)).norm(dim=(1, 2)) < (matrices - rotation).norm(dim=(1, 2)) - 1e-12
        assert not nearer.any()
    assert gradcheck(bt.orthogonalize, (matrices[:6].clone().requires_grad_(),))
    assert gradcheck(bt.orthogonalize, (_leaf(random_rotations(3)),))  # equal singular values
    reflected = _leaf(np.diag([1.0, 1.0, -1.0])[None])
    assert torch.isfinite(torch.autograd.grad(bt.orthogonalize(reflected).sum(), reflected)[0]).all()


def test_a_network_learns_the_orientation_of_a_grain(hkl):
    torch.manual_seed(0)
    simulator = bt.DiffractionSimulator(hkl[:40], BEAM, cell=GOLD)
    truth = torch.from_numpy(random_rotations(1)).float()
    observed = simulator.roots(truth)
    omega = simulator(truth)
    assert omega.shape == (1, 40, 2)
    network = bt.OrientationPredictor(40, hidden=(32,))
    # A start within the valley of the loss: the last layer answers with what is 2 degrees off.
    start = truth[0] @ torch.tensor([[0.9994, -0.0349, 0], [0.0349, 0.9994, 0], [0, 0, 1.0]])
    with torch.no_grad():
        network.layers[-1].weight.mul_(0.01)
        network.layers[-1].bias.copy_((start - torch.eye(3)).flatten())
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    for _ in range(300):
        optimizer.zero_grad()
        rotation = network(omega)
        roots = simulator.roots(rotation)
        both = roots.observable & observed.observable
        loss = bt.wrapped_angle_loss(simulator(rotation), omega, both[..., None].expand(1, 40, 2))
        loss.backward()
        optimizer.step()
    off = torch.arccos(((rotation[0] @ truth[0].T).trace().clamp(max=3) - 1) / 2)
    assert torch.linalg.det(rotation[0]) > 0.999 and off < 2e-3 and loss < 1e-5


def test_a_simulator_takes_lists_per_orientation_and_trains_its_beam(hkl):
    rotation = torch.from_numpy(random_rotations(3))
    lists = np.stack([hkl[:5], hkl[5:10], hkl[10:15]])
    k = torch.nn.Parameter(torch.tensor([25.0, 25.5, 26.0], dtype=torch.float64))
    simulator = bt.DiffractionSimulator(lists, braggrad.Geometry(), cell=GOLD, wavenumber=k, chi=0.05)
    assert list(simulator.parameters()) == [k]
    omega = simulator(rotation)
    assert omega.shape == (3, 5, 2) and bt.DiffractionSimulator(lists, BEAM, cell=GOLD)(rotation[0]).shape == (3, 5, 2)
    bars = torch.autograd.grad(omega[..., 0].sum(), k)[0]
    for b in range(3):
        one = bt.DiffractionSimulator(lists[b], braggrad.Geometry(), cell=GOLD, wavenumber=k[b], chi=0.05)
        alone = one(rotation[b])
        assert torch.allclose(alone, omega[b], rtol=0, atol=1e-11)
        bar = torch.autograd.grad(alone[..., 0].sum(), k, retain_graph=True)[0]
        assert torch.allclose(bar[b], bars[b], rtol=1e-9)
    copied = copy.deepcopy(simulator)
    assert torch.equal(copied(rotation), omega)
    with pytest.raises(ValueError, match="hkl has the shape"):
        bt.DiffractionSimulator(hkl[0], BEAM, cell=GOLD)


def test_a_simulator_refuses_what_are_no_lists_of_indices(few):
    for wrong in (np.arange(12).reshape(3, 4), np.ones((2, 3, 4), int), np.ones(3, int)):
        with pytest.raises(ValueError, match=r"hkl has the shape .*: \(N, 3\) or \(B, N, 3\) is needed"):
            bt.DiffractionSimulator(wrong, BEAM, cell=GOLD)
    simulator = bt.DiffractionSimulator(np.broadcast_to(HKL, (6, *HKL.shape)), BEAM, cell=GOLD)
    assert simulator(torch.eye(3).expand(6, 3, 3)).shape == (6, len(HKL), 2)
    with pytest.raises(ValueError, match="hkl has the batch shape"):
        simulator(torch.eye(3).expand(4, 3, 3))
    with pytest.raises(ValueError, match="rotation has the shape"):
        simulator(torch.ones(6, 3))
