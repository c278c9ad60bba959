"""The drop-in: the eleven checks of the port's own suite, and one test per fault of the port that is mended."""

import csv
import math

import numpy as np
import pytest
from conftest import ROOT, independent_roots, random_rotations, wrapped

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
from braggrad.diffraction_core import (  # noqa: E402
    KEV_OVER_HBAR_C_IN_ANG,
    BatchScatteringResult,
    ScatteringResult,
    batch_scattering_omegas_from_reflections,
    calculate_bragg_angle,
    get_scattering_omegas,
    get_scattering_omegas_torch,
    wavelength_to_wavenumber,
    wavenumber_to_wavelength,
)

ENERGY = 50.02099
A_RECIP = 2 * math.pi / 4.0782
HKL = torch.tensor([[1, 1, 1], [2, 0, 0], [2, 2, 0], [-3, 1, 1], [0, 4, 2]])


@pytest.fixture(scope="module")
def cpp():
    """What IceNine's C++ answers in single precision."""
    path = ROOT.parent / "shared" / "data" / "peers" / "seed_gold.csv"
    if not path.exists():
        pytest.skip(f"the ten reflections of the C++ code are not there: {path}")
    with open(path) as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 10
    return {key: np.array([float(row[key]) for row in rows]) for key in rows[0]}


def _vectors(cpp):
    return np.stack([cpp["gx"], cpp["gy"], cpp["gz"]], -1)


def _each(cpp):
    return [get_scattering_omegas(g, m, ENERGY) for g, m in zip(_vectors(cpp), cpp["g_magnitude"], strict=True)]


def _exact(g, magnitude):
    """Roots in extended precision, by an arccosine; |G| as it is given."""
    g, k = g.astype(np.longdouble), np.longdouble(KEV_OVER_HBAR_C_IN_ANG) * np.longdouble(ENERGY)
    sine = -(np.longdouble(magnitude) ** 2) / (2 * k) / np.hypot(g[:, 0], g[:, 1])
    middle = np.arctan2(-g[:, 1], g[:, 0])
    return middle + np.arccos(sine), middle - np.arccos(sine)


# The eleven checks.


def test_omega_angles_match_cpp(cpp):
    for result, one, two in zip(_each(cpp), cpp["omega1"], cpp["omega2"], strict=True):
        assert abs(wrapped(result.omega1 - one)) < 1e-6 and abs(wrapped(result.omega2 - two)) < 1e-6


def test_all_cases_observable(cpp):
    assert all(result.observable for result in _each(cpp)) and cpp["observable"].all()


def test_omega_angle_range(cpp):
    assert all(-math.pi <= omega <= math.pi for r in _each(cpp) for omega in (r.omega1, r.omega2))


@pytest.mark.parametrize("hkl", [(1, 1, 1), (2, 0, 0)])
def test_specific_reflections_satisfy_the_bragg_condition(hkl):
    g = A_RECIP * np.array(hkl)
    length = float(np.linalg.norm(g))
    result = get_scattering_omegas(g, length, ENERGY)
    assert result.observable and abs(wrapped(result.omega1 - result.omega2)) > 1e-3
    for omega in (result.omega1, result.omega2):
        along = g[0] * math.cos(omega) - g[1] * math.sin(omega)  # of the turned G, along the beam
        assert abs(-along / length - length / (2 * KEV_OVER_HBAR_C_IN_ANG * ENERGY)) < 1e-14


def test_bragg_angle_calculation():
    theta = calculate_bragg_angle(2.668, ENERGY)
    assert isinstance(theta, float) and abs(math.sin(theta) - 2.668 / (2 * 0.506773182 * ENERGY)) < 1e-15


def test_bragg_angle_increases_with_q():
    thetas = calculate_bragg_angle(torch.tensor([2.668, 3.081, 4.357]), ENERGY)
    assert (thetas.diff() > 0).all()


def test_zero_beam_deflection():
    g = np.array([2.668, 0.4, 0.3])
    length = float(np.linalg.norm(g))
    a, b = get_scattering_omegas(g, length, ENERGY), get_scattering_omegas(g, length, ENERGY, 0.0)
    assert (a.omega1, a.omega2) == (b.omega1, b.omega2)


def test_g_along_z_axis():
    result = get_scattering_omegas(np.array([0.0, 0.0, 2.668]), 2.668, ENERGY)
    assert not result.observable and result.omega1 is None and result.omega2 is None


def test_result_dataclass_properties():
    result = get_scattering_omegas(np.array([2.668, 0.0, 0.0]), 2.668, ENERGY)
    assert isinstance(result, ScatteringResult) and isinstance(result.omega1, float) and result.observable is True
    assert np.array_equal(result.g_vector, [2.668, 0.0, 0.0]) and result.g_magnitude == 2.668
    batch = get_scattering_omegas_torch(torch.ones(4, 3), torch.full((4,), 3**0.5), ENERGY)
    assert isinstance(batch, BatchScatteringResult) and batch.observable.dtype == torch.bool
    assert batch.g_vectors.shape == (4, 3) and batch.g_magnitudes.shape == batch.omega1.shape == (4,)


def test_high_precision_match(cpp):
    g, length = torch.from_numpy(_vectors(cpp)), torch.from_numpy(cpp["g_magnitude"])
    single = get_scattering_omegas_torch(g.float(), length.float(), ENERGY)
    double = get_scattering_omegas_torch(g, length, ENERGY)
    exact = _exact(_vectors(cpp), cpp["g_magnitude"])
    for name, truth in zip(("omega1", "omega2"), exact, strict=True):
        near, far = getattr(double, name).numpy(), getattr(single, name).numpy()
        assert np.abs(wrapped(near - truth)).max() < 1e-12
        assert np.abs(wrapped(far - cpp[name])).max() < 4e-7 and far.dtype == np.float32


# What the port had wrong.


def test_one_list_broadcasts_over_orientations_and_one_orientation_over_lists():
    rotation = torch.from_numpy(random_rotations(3))
    many = batch_scattering_omegas_from_reflections(HKL, A_RECIP, rotation, ENERGY)
    assert many.omega1.shape == many.g_magnitudes.shape == (3, 5) and many.g_vectors.shape == (3, 5, 3)
    lists = torch.stack([HKL, -HKL])
    turned = batch_scattering_omegas_from_reflections(lists, A_RECIP, rotation[0], ENERGY)
    assert turned.omega1.shape == (2, 5)
    one = batch_scattering_omegas_from_reflections(HKL, A_RECIP, rotation[0], ENERGY)
    assert one.omega1.shape == (5,) and torch.equal(one.omega1, many.omega1[0])
    assert torch.allclose(turned.omega1[0], one.omega1, rtol=0, atol=1e-12)
    g = many.g_vectors.numpy().reshape(-1, 3)
    omega1, omega2, found = independent_roots(
        g, KEV_OVER_HBAR_C_IN_ANG * ENERGY, np.array([1.0, 0, 0]), np.array([0, 0, 1.0])
    )
    assert np.array_equal(found, many.observable.numpy().ravel())
    assert np.abs(wrapped(omega1 - many.omega1.numpy().ravel())).max() < 1e-11
    assert np.abs(wrapped(omega2 - many.omega2.numpy().ravel())).max() < 1e-11


@pytest.mark.parametrize("shape", [(3,), (3, 1)])
def test_energies_and_deflections_per_orientation(shape):
    rotation = torch.from_numpy(random_rotations(3))
    energy = torch.tensor([40.0, 50.0, 60.0], dtype=torch.float64)
    chi = torch.tensor([0.0, 0.1, -0.1], dtype=torch.float64)
    for hkl in (HKL, HKL.expand(3, 5, 3)):
        many = batch_scattering_omegas_from_reflections(
            hkl, A_RECIP, rotation, energy.reshape(shape), chi.reshape(shape)
        )
        for b in range(3):
            one = batch_scattering_omegas_from_reflections(HKL, A_RECIP, rotation[b], float(energy[b]), float(chi[b]))
            assert torch.allclose(many.omega1[b], one.omega1, rtol=0, atol=1e-12)


def test_energies_per_reflection():
    energy = torch.tensor([40.0, 45.0, 50.0, 55.0, 60.0], dtype=torch.float64)
    rotation = torch.from_numpy(random_rotations(1)[0])
    many = batch_scattering_omegas_from_reflections(HKL, A_RECIP, rotation, energy)
    for n in range(5):
        one = batch_scattering_omegas_from_reflections(HKL[n : n + 1], A_RECIP, rotation, float(energy[n]))
        assert torch.allclose(many.omega1[n], one.omega1[0], rtol=0, atol=1e-12)


def test_float64_stays_float64():
    rotation = torch.from_numpy(random_rotations(1)[0])
    assert batch_scattering_omegas_from_reflections(HKL, A_RECIP, rotation, ENERGY).omega1.dtype == torch.float64
    assert (
        batch_scattering_omegas_from_reflections(HKL, A_RECIP, rotation.float(), ENERGY).omega1.dtype == torch.float32
    )


def test_one_vector_gives_one_answer():
    result = get_scattering_omegas_torch(torch.tensor([2.668, 0.0, 0.0]), torch.tensor(2.668), ENERGY)
    assert result.omega1.shape == result.observable.shape == ()
    assert get_scattering_omegas(torch.tensor([2.668, 0.0, 0.0]), 2.668, ENERGY).observable


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_never_a_nan(dtype):
    # G = 0, along the axis, exactly tangent (rho = |G| = 2k), beyond 2k, and a good one beside them.
    k = KEV_OVER_HBAR_C_IN_ANG * ENERGY
    g = torch.tensor(
        [[0, 0, 0], [0, 0, 2.668], [2 * k, 0, 0], [3 * k, 0, 0], [2.668, 0, 0]], dtype=dtype, requires_grad=True
    )
    length = g.norm(dim=-1)
    result = get_scattering_omegas_torch(g, length, ENERGY)
    assert result.observable.tolist()[:2] == [False, False] and result.observable.tolist()[3:] == [False, True]
    assert not result.omega1[[0, 1, 3]].any() and not result.omega2[[0, 1, 3]].any()
    bar, along = torch.autograd.grad((result.omega1 + 2 * result.omega2).sum(), (g, length))
    assert torch.isfinite(bar).all() and torch.isfinite(along).all() and bar[4].any() and not bar[[0, 1, 3]].any()


def test_epsilon_is_accepted_and_moves_nothing():
    g, length = torch.tensor([[2.668, 0.1, 0.3]]), torch.tensor([2.7])
    a, b = (get_scattering_omegas_torch(g, length, ENERGY, epsilon=e) for e in (1e-10, 1e-2))
    assert torch.equal(a.omega1, b.omega1)


def test_gradients_through_an_angle():
    angle = torch.tensor(0.1, dtype=torch.float64, requires_grad=True)
    energy = torch.tensor(ENERGY, dtype=torch.float64, requires_grad=True)

    def omegas(angle, energy):
        c, s, z, one = angle.cos(), angle.sin(), angle * 0, angle * 0 + 1
        rotation = torch.stack([c, -s, z, s, c, z, z, z, one]).reshape(3, 3)
        result = batch_scattering_omegas_from_reflections(HKL, A_RECIP, rotation, energy, 0.02)
        return result.omega1, result.omega2

    # A turn about the axis by delta moves every root by -delta.
    assert torch.allclose(torch.func.jacfwd(omegas)(angle, energy)[0], -torch.ones(5, dtype=torch.float64), atol=1e-12)
    assert torch.autograd.gradcheck(omegas, (angle, energy))


def test_wavelengths():
    assert abs(wavelength_to_wavenumber(1.0) - 2 * math.pi) < 1e-15
    assert wavenumber_to_wavelength(wavelength_to_wavenumber(0.25)) == 0.25
    assert torch.equal(wavelength_to_wavenumber(torch.tensor([1.0])), torch.tensor([2 * math.pi]))


def test_a_bragg_angle_beyond_2k_is_a_right_angle():
    assert calculate_bragg_angle(1e3, ENERGY) == math.pi / 2
    assert torch.equal(calculate_bragg_angle(torch.tensor([1e3]), ENERGY), torch.tensor([math.pi / 2]))


@pytest.mark.parametrize(
    "hkl, rotation, message",
    [
        (HKL[0], torch.eye(3), "hkl_indices has the shape"),
        (HKL, torch.ones(3), "orientation_matrix has the shape"),
        (HKL, torch.ones(2, 2, 3, 3), "orientation_matrix has the shape"),
    ],
)
def test_faults_are_named(hkl, rotation, message):
    with pytest.raises(ValueError, match=message):
        batch_scattering_omegas_from_reflections(hkl, A_RECIP, rotation, ENERGY)


G_VECTORS, LENGTHS = torch.ones(2, 3), torch.full((2,), math.sqrt(3))


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: get_scattering_omegas_torch(G_VECTORS, LENGTHS, 0.0), "beam_energy is 0.0: it must be finite"),
        (lambda: get_scattering_omegas_torch(G_VECTORS, LENGTHS, math.nan), "beam_energy is nan"),
        (lambda: get_scattering_omegas_torch(G_VECTORS, LENGTHS, None), "beam_energy is None: a number"),
        (lambda: get_scattering_omegas_torch(G_VECTORS, LENGTHS, torch.ones(3)), r"beam_energy has the shape \(3,\)"),
        (
            lambda: get_scattering_omegas_torch(G_VECTORS, LENGTHS, ENERGY, torch.ones(3)),
            r"beam_deflection_chi has the shape \(3,\): it does not fit to \(2,\)",
        ),
        (lambda: get_scattering_omegas_torch(G_VECTORS, torch.ones(5), ENERGY), "g_magnitudes has the shape"),
        (lambda: get_scattering_omegas_torch(torch.ones(2), LENGTHS, ENERGY), "g_vectors has the shape"),
        (lambda: get_scattering_omegas_torch(G_VECTORS.to_sparse(), LENGTHS, ENERGY), "g_vectors has the layout"),
        (lambda: get_scattering_omegas(np.ones(3), 1.7, -50.0), "beam_energy is -50.0: it must be finite"),
        (lambda: get_scattering_omegas(np.ones(3), 1.7, "high"), "beam_energy is 'high'"),
        (
            lambda: batch_scattering_omegas_from_reflections(HKL, A_RECIP, torch.eye(3).expand(4, 3, 3), torch.ones(3)),
            r"beam_energy has the shape \(3,\)",
        ),
        (lambda: batch_scattering_omegas_from_reflections(HKL, A_RECIP, torch.eye(3), 0.0), "beam_energy is 0.0"),
        (
            lambda: batch_scattering_omegas_from_reflections(HKL, A_RECIP, torch.eye(3).to_sparse(), ENERGY),
            "orientation_matrix has the layout",
        ),
    ],
)
def test_faults_have_the_names_of_the_drop_in(call, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        call()


@pytest.mark.parametrize("lists", [False, True])
def test_half_precision_never_reaches_the_matrices(lists):
    rotations = torch.from_numpy(random_rotations(3)).float()
    hkl = HKL.expand(3, -1, -1) if lists else HKL
    expected = batch_scattering_omegas_from_reflections(hkl, A_RECIP, rotations, ENERGY, 0.05)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        result = batch_scattering_omegas_from_reflections(hkl, A_RECIP, rotations, ENERGY, 0.05)
        half = batch_scattering_omegas_from_reflections(hkl, A_RECIP, rotations.bfloat16(), ENERGY, 0.05)
    for name in ("omega1", "omega2", "g_vectors"):
        assert torch.equal(getattr(result, name), getattr(expected, name)), name
        assert getattr(half, name).dtype == torch.float32
