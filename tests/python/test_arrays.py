"""What comes in and goes out: types, strides, out=, and errors that name the argument."""

import os

import braggrad
import numpy as np
import pytest
from braggrad._library import fail
from conftest import ENERGY, GOLD, random_rotations
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp


def _equal(a, b):
    return all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


def test_types_decide_the_precision():
    g = np.random.default_rng(0).normal(size=(6, 3)) * 3
    for dtype, expected in (
        (np.float16, np.float32),
        (np.float32, np.float32),
        (np.float64, np.float64),
        (np.longdouble, np.float64),
        (np.int32, np.float64),
        (">f4", np.float32),
        (">f8", np.float64),
    ):
        roots = braggrad.solve(g.astype(dtype), energy=50)
        assert roots.omega1.dtype == expected, dtype
        assert _equal(roots, braggrad.solve(g.astype(dtype).astype(expected), energy=50))
    single = g.astype(np.float32)
    assert braggrad.solve(single, energy=50.0, chi=np.float64(0.1)).omega1.dtype == np.float32
    assert braggrad.solve(single, energy=np.full(6, 50.0)).omega1.dtype == np.float64
    assert braggrad.solve(single.tolist(), energy=50.0).omega1.dtype == np.float64


@settings(max_examples=60, deadline=None)
@given(
    shape=hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=5),
    dtype=st.sampled_from([np.float32, np.float64]),
    data=st.data(),
)
def test_any_layout_gives_the_bits_of_the_contiguous_one(shape, dtype, data):
    elements = st.floats(-16, 16, width=32)
    g = data.draw(hnp.arrays(dtype, (*shape, 3), elements=elements))
    shape_of_k = data.draw(hnp.broadcastable_shapes(shape, min_side=0, max_dims=len(shape)))
    k = data.draw(hnp.arrays(dtype, shape_of_k, elements=elements))
    expected = braggrad.solve(g, wavenumber=k if k.ndim else 20.0)
    assert expected.omega1.shape == np.broadcast_shapes(shape, k.shape)
    padded = np.zeros((*shape, 7), dtype)
    padded[..., ::-2][..., :3] = g
    moved = np.asfortranarray(g)
    raw = np.zeros(g.nbytes + 1, np.uint8)[1:].view(dtype) if g.size else np.empty(0, dtype)
    raw = raw.reshape(g.shape)
    raw[...] = g
    for layout in (padded[..., ::-2][..., :3], moved, raw):
        assert _equal(expected, braggrad.solve(layout, wavenumber=k if k.ndim else 20.0))


def test_contiguous_inputs_are_not_copied(monkeypatch):
    # The view of learnable vectors shows it: what is written into the array is seen by the next call.
    q = np.array([[1.0, 2.0, 3.0], [2.0, 1.0, 0.5]])
    view = braggrad.Reflections.view(q)
    before = braggrad.predict(view, np.eye(3), energy=50).omega1.copy()
    q[0] = (3.0, 1.0, 2.0)
    after = braggrad.predict(view, np.eye(3), energy=50).omega1
    assert before[0] != after[0] and before[1] == after[1]
    assert _equal(
        braggrad.predict(view, np.eye(3), energy=50),
        braggrad.predict(braggrad.Reflections.from_vectors(q), np.eye(3), energy=50),
    )


def test_out_is_honoured():
    g = np.random.default_rng(1).normal(size=(8, 3)) * 3
    expected = braggrad.solve(g, energy=50)
    plain = np.empty(8), np.empty(8), np.empty(8, bool)
    roots = braggrad.solve(g, energy=50, out=plain)
    assert all(a is b for a, b in zip(roots, plain, strict=True)) and _equal(roots, expected)
    wide = np.full((8, 6), 7.0)
    odd = wide[:, 1], np.empty(8, np.float32), np.empty(8, np.int64)
    roots = braggrad.solve(g, energy=50, out=odd)
    assert all(a is b for a, b in zip(roots, odd, strict=True))
    assert np.array_equal(wide[:, 1], expected.omega1) and (wide[:, [0, 2, 3, 4, 5]] == 7).all()
    assert np.array_equal(odd[1], expected.omega2.astype(np.float32)) and np.array_equal(odd[2], expected.observable)
    part = np.empty(8)
    roots = braggrad.solve(g, energy=50, out=(None, part, None))
    assert roots.omega2 is part and _equal(roots, expected)


def test_out_may_be_an_input():
    g = np.random.default_rng(1).normal(size=(8, 3)) * 3
    expected = braggrad.solve(g, energy=50)
    shared = g.copy()
    roots = braggrad.solve(shared, energy=50, out=(shared[:, 0], shared[:, 1], None))
    assert _equal(roots, expected)
    vectors = random_rotations(4)
    hkl = np.eye(3, dtype=np.int32)
    want = braggrad.rotate(hkl, vectors, cell=GOLD)
    assert np.array_equal(braggrad.rotate(hkl, vectors, cell=GOLD, out=vectors), want)


def test_out_may_be_what_reflections_are_a_view_of(tilted):
    rng = np.random.default_rng(4)
    q = rng.normal(size=(300, 3)) * 3
    rotation = random_rotations(3)
    memory = np.empty(900)
    shown, place = memory.reshape(300, 3), memory.reshape(3, 300)
    view, apart = braggrad.Reflections.view(shown), braggrad.Reflections.view(q)
    expected = braggrad.predict(apart, rotation, geometry=tilted)
    loss = braggrad.omega_loss(apart, rotation, np.ones(300), geometry=tilted)
    for beside in (np.empty(900), memory, np.empty(900)):
        for _ in range(4):  # calls like one that was made before are as careful
            out = beside.reshape(3, 300), np.empty((3, 300)), np.empty((3, 300), bool)
            shown[...] = q
            roots = braggrad.predict(view, rotation, geometry=tilted, out=out)
            assert roots.omega1 is out[0] and _equal(roots, expected)
            shown[...] = q
            out = {"loss": beside[:3], "gradient": beside[3:12].reshape(3, 3)}
            found = braggrad.omega_loss(view, rotation, np.ones(300), geometry=tilted, out=out)
            assert _equal(found.values(), loss.values())
    bar = rng.normal(size=(3, 300))
    wanted = braggrad.predict_vjp(apart, rotation, bar, wrt=("q", "rotation"), geometry=tilted)
    shown[...] = q
    found = braggrad.predict_vjp(view, rotation, bar, wrt=("q", "rotation"), geometry=tilted, out={"q": shown})
    assert _equal(found.values(), wanted.values())
    shown[...] = q
    braggrad.predict_jvp(view, rotation, chi_dot=1.0, geometry=tilted, out=(place, None, None))
    assert np.array_equal(place, braggrad.predict_jvp(apart, rotation, chi_dot=1.0, geometry=tilted).omega1)
    shown[...] = q
    braggrad.rotate(view, rotation[0], out=shown[::-1])
    assert np.array_equal(shown[::-1], braggrad.rotate(apart, rotation[0]))
    with pytest.raises(ValueError, match="shares memory with an input"):
        braggrad.Predictor(view, rotation, tilted, out=(place, None, None))


def _on_itself(shape):
    return np.lib.stride_tricks.as_strided(np.empty(shape[-1]), shape, (0, 8))


def test_outputs_that_share_memory_are_refused(gold):
    rotation, geometry = random_rotations(4), braggrad.Geometry(energy=ENERGY)
    shape = 4, len(gold)
    expected = braggrad.predict(gold, rotation, geometry=geometry)
    memory, flags = np.empty(2 * 4 * len(gold)), np.empty(shape, bool)
    whole = memory[: 4 * len(gold)].reshape(shape)
    half = memory[2 * len(gold) : 6 * len(gold)].reshape(shape)
    beside = memory[4 * len(gold) :].reshape(shape)
    for _ in range(4):  # calls like one that was made before are as careful
        for out, message in (
            ((whole, whole, flags), "out: omega1 and omega2 share memory"),
            ((whole, half, None), "out: omega1 and omega2 share memory"),
            ((whole, beside, half.view(bool)[:, : len(gold)]), "out: omega1 and observable share memory"),
            ((_on_itself(shape), None, None), "out: omega1 has entries that share memory"),
        ):
            with pytest.raises(ValueError, match=message):
                braggrad.predict(gold, rotation, geometry=geometry, out=out)
        assert _equal(braggrad.predict(gold, rotation, geometry=geometry, out=(whole, beside, flags)), expected)
        # The bounds of columns overlap, and no number does; nor in what is turned, reversed or a diagonal.
        wide = np.empty((len(gold), 4, 3))
        out = wide[..., 0].T, wide[..., 2].T, np.empty((4, 2 * len(gold)), bool)[::-1, ::-2]
        assert _equal(braggrad.predict(gold, rotation, geometry=geometry, out=out), expected)
        cube = np.empty((4, len(gold), len(gold)))
        out = np.diagonal(cube, axis1=1, axis2=2), None, None
        out[0].flags.writeable = True
        assert _equal(braggrad.predict(gold, rotation, geometry=geometry, out=out), expected)
    for call in (braggrad.omega_loss, braggrad.OmegaLoss):
        with pytest.raises(ValueError, match="out: loss and gradient share memory"):
            out = {"loss": memory[:4], "gradient": memory[3:15].reshape(4, 3)}
            call(gold, rotation, omega1=np.zeros(len(gold)), geometry=geometry, out=out)
    with pytest.raises(ValueError, match="out: omega1 and omega2 share memory"):
        braggrad.Predictor(gold, rotation, geometry, out=(whole, half, flags))
    with pytest.raises(ValueError, match="out: rotation and q share memory"):
        out = {"rotation": memory[:36].reshape(4, 3, 3), "q": memory[: 3 * len(gold)].reshape(-1, 3)}
        braggrad.predict_vjp(gold, rotation, 1.0, wrt=("rotation", "q"), geometry=geometry, accumulate=True, out=out)


def test_gradients_of_what_is_broadcast_are_summed_in_double(gold):
    many = 200_000
    rotation = np.broadcast_to(random_rotations(1).astype(np.float32), (many, 3, 3))
    options = {"wrt": ("basis", "chi"), "basis": gold.basis.astype(np.float32), "energy": 50.0}
    found = braggrad.predict_vjp(gold, rotation, np.float32(1), chi=np.float32([0.1]), **options)
    one = braggrad.predict_vjp(gold, rotation[:1], np.float32(1), chi=np.float32([0.1]), **options)
    for name, value in found.items():
        assert value.dtype == np.float32 and np.allclose(value, many * one[name].astype(float), rtol=1e-6, atol=1e-2)


def test_out_of_gradients_is_honoured_where_they_are_summed_too(gold):
    rotation = random_rotations(1)[0]
    w = np.random.default_rng(2).normal(size=(3, len(gold)))
    place = {"rotation": np.empty((3, 3), order="F"), "wavenumber": np.empty(())}
    options = {"energy": np.full((3,), 50.0), "wrt": ("rotation",)}
    bars = braggrad.predict_vjp(gold, rotation, w, **options, out={"rotation": place["rotation"]})
    assert bars["rotation"] is place["rotation"]
    assert np.array_equal(bars["rotation"], braggrad.predict_vjp(gold, rotation, w, **options)["rotation"])
    bars = braggrad.predict_vjp(
        gold, rotation, w[0], energy=50, wrt="wavenumber", out={"wavenumber": place["wavenumber"]}
    )
    assert bars["wavenumber"] is place["wavenumber"]


G = np.ones((4, 3))
EYE = np.eye(3)
R3 = np.stack([EYE] * 3)
ONE = braggrad.Reflections([[1, 1, 1]], cell=GOLD)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: braggrad.solve(np.ones((4, 2)), energy=50), r"g has the shape \(4, 2\): \(\.\.\., 3\) is needed"),
        (lambda: braggrad.solve(1.0, energy=50), r"g has the shape \(\)"),
        (lambda: braggrad.solve(G * 1j, energy=50), "g has the type complex128"),
        (lambda: braggrad.solve(G.astype(str), energy=50), "g has the type <U"),
        (lambda: braggrad.solve(G), "energy is not given"),
        (lambda: braggrad.solve(G, energy=-1), r"energy is -1"),
        (lambda: braggrad.solve(G, wavelength=0), r"wavelength is 0"),
        (lambda: braggrad.solve(G, wavenumber=np.nan), r"wavenumber is nan"),
        (lambda: braggrad.solve(G, energy=5, wavelength=1), "energy and wavelength are given"),
        (lambda: braggrad.solve(G, energy=np.ones(5)), r"energy has the batch shape \(5,\)"),
        (lambda: braggrad.solve(G, wavelength=np.ones(5)), r"wavelength has the batch shape \(5,\)"),
        (lambda: braggrad.solve(G, wavenumber=np.ones(5)), r"wavenumber has the batch shape \(5,\)"),
        (lambda: braggrad.predict(ONE, R3, energy=[50, 51]), r"^energy has the batch shape \(2,\)"),
        (lambda: braggrad.predict(ONE, R3, wavelength=[0.2, 0.3]), r"^wavelength has the batch shape \(2,\)"),
        (lambda: braggrad.predict(ONE, R3, wavenumber=[20, 30]), r"^wavenumber has the batch shape \(2,\)"),
        (lambda: braggrad.predict(ONE, R3, energy=50, cell=[GOLD, GOLD]), r"^cell has the batch shape \(2,\)"),
        (lambda: braggrad.predict(ONE, R3, energy=50, basis=[EYE, EYE]), r"^basis has the batch shape \(2,\)"),
        (lambda: braggrad.rotate([1, 0, 0], R3, cell=[GOLD, GOLD]), r"^cell has the batch shape \(2,\)"),
        (lambda: braggrad.predict([], EYE, energy=5, cell=GOLD), r"^hkl has the shape \(0,\)"),
        (lambda: braggrad.predict([1, 0], EYE, energy=5, cell=GOLD), r"^hkl has the shape \(2,\)"),
        (lambda: braggrad.predict_spots(ONE, EYE, energy=50, windows=[]), r"^windows has the shape \(0,\)"),
        (lambda: braggrad.predict_spots(ONE, EYE, energy=50, windows=G[:0, :2]), r"^windows has the shape \(0, 2\)"),
        (lambda: braggrad.predict_spots(ONE, EYE, energy=50, windows=[[0, 1]] * 9), "1 <= K <= 8"),
        (lambda: braggrad.solve(G, energy=5, chi=np.pi / 2), "chi is 1.570796"),
        (lambda: braggrad.solve(G, energy=5, g_magnitude=np.ones(3)), "g_magnitude has the batch shape"),
        (lambda: braggrad.solve(G, energy=5, out=(np.empty(3), None, None)), r"out: omega1 has the shape \(3,\)"),
        (lambda: braggrad.solve(G, energy=5, out=(np.empty(4, int), None, None)), "out: omega1 has the type int64"),
        (lambda: braggrad.solve(G, energy=5, out=([0], None, None)), "out: omega1 is a list"),
        (lambda: braggrad.solve(G, energy=5, out=(None,)), "out has 1 arrays"),
        (lambda: braggrad.solve_vjp(G, energy=5, wrt="h"), "wrt has 'h'"),
        (lambda: braggrad.solve_vjp(G, energy=5, wrt="g_magnitude"), "wrt has 'g_magnitude', which is not given"),
        (lambda: braggrad.solve_vjp(G, energy=5, out={"chi": np.empty(())}), "out has chi"),
        (lambda: braggrad.solve_jvp(G, energy=5, chi_dot=np.ones(4)), "chi_dot has the shape"),
        (lambda: braggrad.solve_jvp(G, energy=5, beam_dot=np.ones(4)), "beam_dot has the shape"),
        (lambda: braggrad.solve_jvp(G, energy=5, g_magnitude_dot=1.0), "g_magnitude_dot needs g_magnitude"),
        (lambda: braggrad.predict([[1, 0, 0]], EYE, energy=5), "cell or basis is needed"),
        (lambda: braggrad.predict([[1, 0, 0]], EYE, energy=5, cell=GOLD, basis=EYE), "cell and basis are given"),
        (lambda: braggrad.predict([[1, 0]], EYE, energy=5, cell=GOLD), "hkl has the shape"),
        (lambda: braggrad.predict([[0.5, 0, 0]], EYE, energy=5, cell=GOLD), "hkl has values that are no int32"),
        (lambda: braggrad.predict([[1 << 40, 0, 0]], EYE, energy=5, cell=GOLD), "hkl has values that are no int32"),
        (lambda: braggrad.predict([[1, 0, 0]], EYE[:2], energy=5, cell=GOLD), "orientations has the shape"),
        (lambda: braggrad.predict([[1, 0, 0]], EYE, energy=5, cell=GOLD[:5]), "cell has the shape"),
        (lambda: braggrad.predict([[1, 0, 0]], EYE, energy=5, cell=(1, 1, 1, 10, 10, 170)), "cell"),
        (lambda: braggrad.predict([[1, 0, 0]], EYE, energy=5, basis=EYE * np.nan), "basis"),
        (lambda: braggrad.Reflections.view(np.ones((2, 3), int)), "q is no contiguous array"),
        (lambda: braggrad.Reflections.view(np.ones((2, 6))[:, ::2]), "q is no contiguous array"),
        (lambda: braggrad.Reflections([[1, 0, 0]]), "cell or basis is needed"),
        (lambda: braggrad.Geometry(beam=(1, 1, 0)), "geometry.beam is no unit vector"),
        (lambda: braggrad.Geometry(axis=(1, 0, 0)), "geometry.beam and geometry.axis are parallel"),
        (lambda: braggrad.Geometry(axis=(1, 0)), "axis has the shape"),
        (lambda: braggrad.Geometry(grazing_cut=1.0), "geometry.grazing_cut"),
        (lambda: braggrad.Geometry(energy=[1, 2]), "one number"),
        (lambda: braggrad.hkl_enumerate(GOLD, 0.0), "d_min"),
        (lambda: braggrad.hkl_enumerate(GOLD, 1.0, "X"), "centring"),
        (lambda: braggrad.hkl_enumerate(GOLD, 1.0, "PF"), "centring is 'PF'"),
        (lambda: braggrad.reciprocal_basis((1, 2, 3, 90, 90, 0)), "cell"),
        (lambda: braggrad.Context(threads=-1), "threads"),
        (lambda: braggrad.Context(threads="all"), "threads is 'all'"),
        (lambda: braggrad.predict(ONE, [[1, 2], [3]], energy=50), "orientations is no array"),
        (lambda: braggrad.predict(ONE, None, energy=50), "orientations has the type object"),
        (lambda: braggrad.predict(ONE, EYE, geometry={}), "geometry is a dict: a Geometry is needed"),
        (lambda: braggrad.predict(ONE, EYE, energy=50, context="cpu"), "context is a str: a Context is needed"),
        (lambda: braggrad.predict(ONE, EYE, energy="50"), "energy has the type <U2"),
        (lambda: braggrad.predict_vjp(ONE, EYE, 1.0, energy=50, wrt=5), "wrt is 5: names are needed"),
        (lambda: braggrad.Geometry(energy=50, chi="steep"), "chi is 'steep': a number is needed"),
        (lambda: braggrad.hkl_enumerate(GOLD, "fine"), "d_min is 'fine': a number is needed"),
        (lambda: braggrad.hkl_enumerate(GOLD, 1.0, None), "centring is None"),
    ],
)
def test_a_fault_is_a_value_error_that_names_the_argument(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize(
    "options, message",
    [
        ({"loss": "cubes"}, "loss is 'cubes'"),
        ({"loss": "huber"}, "delta"),
        ({"missing_loss": -1.0}, "missing_loss"),
        ({"parameters": "size"}, "parameters has 'size'"),
        ({"outputs": "everything"}, "outputs has 'everything'"),
        ({"parameters": 5}, "parameters is 5: names are needed"),
        ({"loss": "huber", "delta": "small"}, "delta is 'small': a number is needed"),
        ({"loss": None}, "loss is None"),
        ({"weight1": np.ones(3)}, "weight1 has the shape"),
        ({"targets": braggrad.TargetList([0, 1], [0], [0.0])}, "targets are given beside"),
    ],
)
def test_faults_of_a_loss_are_named(gold, options, message):
    with pytest.raises(ValueError, match=message):
        braggrad.omega_loss(gold, EYE, np.zeros(len(gold)), energy=ENERGY, **options)


@pytest.mark.parametrize(
    "targets, message",
    [
        (([0, 1, 2], [0, 1], [0.0, 0.0]), "targets.offsets has 3 numbers: 2 are needed"),
        (([0, 3], [0, 1], [0.0, 0.0]), r"targets.reflection has the shape \(2,\): \(3,\) is needed"),
        (([-1, 2], [0, 1], [0.0, 0.0]), "targets.offsets falls or is negative"),
        (([0, 2], [0.0, 1.0], [0.0, 0.0]), "targets.reflection has the shape"),
        (([0, 2], [0, 1], [0.0]), "targets.omega has the shape"),
        (([0, 2], [0, 1], [0.0, 0.0], [1, 300]), "targets.root has values"),
    ],
)
def test_a_list_that_would_be_read_past_its_end_is_refused(gold, targets, message):
    with pytest.raises(ValueError, match=message):
        braggrad.omega_loss(gold, EYE, targets=braggrad.TargetList(*targets), energy=ENERGY)


def test_targets_are_a_list_of_targets(gold):
    for call in (braggrad.omega_loss, braggrad.OmegaLoss):
        with pytest.raises(ValueError, match=r"^targets is a tuple: a TargetList is needed"):
            call(gold, EYE, targets=([0, 1], [0], [0.0]), geometry=braggrad.Geometry(energy=50))


def test_what_has_no_hkl_cannot_be_derived_by_the_basis():
    vectors = braggrad.Reflections.from_vectors(np.ones((2, 3)))
    with pytest.raises(ValueError, match="needs reflections with hkl"):
        braggrad.predict_vjp(vectors, EYE, np.ones(2), energy=50, wrt="basis")
    with pytest.raises(ValueError, match="is a view of the other precision"):
        braggrad.predict(braggrad.Reflections.view(np.ones((2, 3), np.float32)), EYE, energy=50)


def test_each_status_is_an_exception_of_its_kind():
    for status, kind in ((1, ValueError), (4, ValueError), (5, MemoryError), (2, RuntimeError), (9, RuntimeError)):
        with pytest.raises(kind) as caught:
            fail(status)
        assert caught.type is kind
    with pytest.raises(MemoryError):
        braggrad.predict([[1, 0, 0]], np.broadcast_to(EYE, (1 << 48, 3, 3)), cell=GOLD, energy=50)


def test_read_only_inputs_are_welcome_and_read_only_outputs_are_not():
    g = np.ones((4, 3))
    g.flags.writeable = False
    roots = braggrad.solve(g, energy=50)
    place = np.empty(4)
    place.flags.writeable = False
    with pytest.raises(ValueError, match="out: omega1 is read-only"):
        braggrad.solve(g, energy=50, out=(place, None, None))
    assert roots.omega1.flags.writeable


def _masked(array):
    """The first value is masked."""
    mask = np.zeros(np.shape(array), bool)
    mask.flat[0] = True
    return np.ma.MaskedArray(array, mask)


@pytest.mark.parametrize(
    "name, call",
    [
        ("g", lambda: braggrad.solve(_masked(G), energy=50)),
        ("g_magnitude", lambda: braggrad.solve(G, g_magnitude=_masked(np.ones(4)), energy=50)),
        ("energy", lambda: braggrad.solve(G, energy=_masked(np.full(4, 50.0)))),
        ("chi", lambda: braggrad.solve(G, energy=50, chi=np.ma.masked)),
        ("omega1_bar", lambda: braggrad.solve_vjp(G, _masked(np.ones(4)), energy=50)),
        ("omega", lambda: braggrad.diffracted_beam(G, _masked(np.ones(4)), energy=50)),
        ("orientations", lambda: braggrad.predict(ONE, _masked(EYE), energy=50)),
        ("orientations", lambda: braggrad.rotate(ONE, _masked(EYE))),
        ("orientations", lambda: braggrad.Predictor(ONE, EYE, braggrad.Geometry(energy=50))(_masked(EYE))),
        ("hkl", lambda: braggrad.predict(_masked([[1, 1, 1]]), EYE, cell=GOLD, energy=50)),
        ("hkl", lambda: braggrad.Reflections(_masked([[1, 1, 1]]), cell=GOLD)),
        ("cell", lambda: braggrad.reciprocal_basis(_masked(GOLD))),
        ("orientations", lambda: braggrad.predict(ONE, [EYE, _masked(EYE)], energy=50)),
        ("orientations", lambda: braggrad.predict(ONE, ([_masked(EYE)],), energy=50)),
        ("orientations", lambda: braggrad.predict(ONE, [[np.ma.masked, 0, 0], [0, 1, 0], [0, 0, 1]], energy=50)),
        ("cell", lambda: braggrad.reciprocal_basis((np.ma.masked, *GOLD[1:]))),
        ("omega1", lambda: braggrad.omega_loss(ONE, EYE, [_masked(np.ones(1))], energy=50)),
        ("basis", lambda: braggrad.Reflections([[1, 1, 1]], basis=_masked(EYE))),
        ("q", lambda: braggrad.Reflections.from_vectors(_masked(G))),
        ("axis", lambda: braggrad.Geometry(axis=_masked([0.0, 0.0, 1.0]))),
        ("windows", lambda: braggrad.predict_spots(ONE, EYE, windows=_masked([[0.0, 1.0]]), energy=50)),
        ("weight1", lambda: braggrad.omega_loss(ONE, EYE, [0.0], weight1=_masked([1.0]), energy=50)),
        ("omega2", lambda: braggrad.OmegaLoss(ONE, EYE, braggrad.Geometry(energy=50), omega2=_masked([1.0]))),
        (
            "targets.omega",
            lambda: braggrad.omega_loss(ONE, EYE, targets=braggrad.TargetList([0, 1], [0], _masked([1.0])), energy=50),
        ),
    ],
)
def test_masked_values_are_refused(name, call):
    with pytest.raises(ValueError, match=f"^{name} has masked values: fill them"):
        call()


def test_masked_outputs_are_refused(gold, tilted):
    rotation = random_rotations(2)
    for _ in range(3):
        expected = braggrad.predict(gold, rotation, geometry=tilted)
        with pytest.raises(ValueError, match="out: omega2 has masked values"):
            out = expected[0].copy(), _masked(expected[1].copy()), expected[2].copy()
            braggrad.predict(gold, rotation, geometry=tilted, out=out)
        whole = np.ma.MaskedArray(np.empty_like(expected[1]))
        roots = braggrad.predict(gold, rotation, geometry=tilted, out=(None, whole, None))
        assert roots.omega2 is whole and np.array_equal(whole.data, expected[1])
    bound = np.ma.MaskedArray(np.empty(2), [True, False])
    with pytest.raises(ValueError, match="out: loss has masked values"):
        braggrad.OmegaLoss(gold, rotation, tilted, np.zeros(len(gold)), outputs="loss", out={"loss": bound})


def test_masked_arrays_without_a_masked_value_are_arrays():
    whole = np.ma.MaskedArray(G, np.zeros(G.shape, bool))
    assert _equal(braggrad.solve(whole, energy=50), braggrad.solve(G, energy=50))
    assert type(braggrad.solve(whole, energy=50).omega1) is np.ndarray
    assert _equal(braggrad.solve(list(whole), energy=50), braggrad.solve(G, energy=50))


def _turned(array):
    """The matrices transposed, in memory too."""
    return None if array is None else np.ascontiguousarray(np.swapaxes(array, -1, -2))


@pytest.mark.parametrize("lattice", ["set", "basis", "cell"])
def test_matrices_by_columns(gold, dtype, lattice):
    rng = np.random.default_rng(0)
    rotation = random_rotations(4).reshape(2, 2, 3, 3).astype(dtype)
    dots = rng.normal(size=(2, 2, 2, 3, 3)).astype(dtype)
    cells = np.array([GOLD, (4.1, 4.05, 4.07, 90.5, 89.8, 90.2)])
    set_ = gold if lattice == "set" else gold.hkl
    rows = {"set": {}, "basis": {"basis": braggrad.reciprocal_basis(cells).astype(dtype)}, "cell": {"cell": cells}}[
        lattice
    ]
    columns = {name: _turned(value) if name == "basis" else value for name, value in rows.items()}
    columns["column_major"] = True
    turned, energy = _turned(rotation), {"energy": ENERGY}
    assert _equal(
        braggrad.predict(set_, turned, **columns, **energy), braggrad.predict(set_, rotation, **rows, **energy)
    )
    assert np.array_equal(braggrad.rotate(set_, turned, **columns), braggrad.rotate(set_, rotation, **rows))
    spots = braggrad.predict_spots(set_, rotation, **rows, **energy)
    assert _equal(braggrad.predict_spots(set_, turned, **columns, **energy), spots)
    w = rng.normal(size=(2, 2, len(gold))).astype(dtype)
    wrt = ("rotation", "basis", "rotation_vector")
    ours = braggrad.predict_vjp(set_, turned, w, wrt=wrt, **columns, **energy)
    theirs = braggrad.predict_vjp(set_, rotation, w, wrt=wrt, **rows, **energy)
    assert np.array_equal(ours["rotation"], _turned(theirs["rotation"]))
    assert np.array_equal(ours["basis"], _turned(theirs["basis"]))
    assert np.array_equal(ours["rotation_vector"], theirs["rotation_vector"])
    ours = braggrad.rotate_vjp(set_, turned, np.ones(3), wrt="rotation", **columns)
    assert np.array_equal(
        ours["rotation"], _turned(braggrad.rotate_vjp(set_, rotation, np.ones(3), **rows)["rotation"])
    )
    given = {"rotation_dot": dots[0]} | ({} if lattice == "set" else {"basis_dot": dots[1, 0]})
    by_columns = {name: _turned(dot) for name, dot in given.items()}
    ours = braggrad.predict_jvp(set_, turned, **by_columns, **columns, **energy)
    assert _equal(ours, braggrad.predict_jvp(set_, rotation, **given, **rows, **energy))
    ours = braggrad.rotate_jvp(set_, turned, **by_columns, **columns)
    assert np.array_equal(ours, braggrad.rotate_jvp(set_, rotation, **given, **rows))
    for _ in range(2):
        ours = braggrad.omega_loss(set_, turned, w, outputs=("loss", "rotation_bar"), **columns, **energy)
        theirs = braggrad.omega_loss(set_, rotation, w, outputs=("loss", "rotation_bar"), **rows, **energy)
        assert np.array_equal(ours["loss"], theirs["loss"])
        assert np.array_equal(ours["rotation_bar"], _turned(theirs["rotation_bar"]))
    if lattice == "set":
        geometry = braggrad.Geometry(energy=ENERGY)
        bound = braggrad.OmegaLoss(set_, turned, geometry, w, outputs=("loss", "rotation_bar"), column_major=True)
        assert _equal(bound().values(), ours.values())
        roots = braggrad.Predictor(set_, turned, geometry, column_major=True)()
        assert _equal(roots, braggrad.predict(set_, rotation, geometry=geometry))


@pytest.mark.parametrize(
    "layout", [np.array, lambda a: np.array(a, order="F"), lambda a: np.repeat(a[..., None], 2, -1)[..., 1]]
)
def test_results_are_added_to_what_is_there(gold, dtype, layout):
    rng = np.random.default_rng(1)
    rotation = random_rotations(3).astype(dtype)
    w = rng.normal(size=(3, len(gold))).astype(dtype)
    k = np.array(25.0, dtype)
    eps = np.finfo(dtype).eps

    def check(call, *names):
        plain = call()
        assert set(names) == set(plain)
        start = {name: rng.normal(size=value.shape) * (np.abs(value).max() + 1) for name, value in plain.items()}
        out = {name: layout(start[name].astype(value.dtype)) for name, value in plain.items()}
        before = {name: value.copy() for name, value in out.items()}
        given = call(accumulate=True, out=out)
        call(accumulate=True, out=out)
        for name, value in plain.items():
            assert given[name] is out[name]
            size = np.abs(before[name]).max(initial=0) + np.abs(value).max(initial=0)
            assert np.allclose(out[name], before[name] + 2 * value, rtol=0, atol=8 * eps * size)
        with pytest.raises(ValueError, match=f"out has no {names[-1]}: accumulate adds"):
            call(accumulate=True, out={name: out[name] for name in names[:-1]})

    def predict_vjp(**options):
        return braggrad.predict_vjp(gold, rotation, w, wrt=("rotation", "q", "chi"), wavenumber=k, **options)

    def broadcast_vjp(**options):
        chi = np.full((2, 3), 0.1, dtype)
        return braggrad.predict_vjp(gold, rotation, w, wrt=("rotation", "chi"), wavenumber=k, chi=chi, **options)

    def rotate_vjp(**options):
        return braggrad.rotate_vjp(gold, rotation, np.ones(3, dtype), wrt=("rotation",), **options)

    def solve_vjp(**options):
        return braggrad.solve_vjp(gold.q.astype(dtype), w[0], wrt=("g", "wavenumber"), wavenumber=k, **options)

    def loss(**options):
        outputs = ("loss", "gradient", "matched")
        return braggrad.omega_loss(gold, rotation, w, wavenumber=k, outputs=outputs, **options)

    check(predict_vjp, "rotation", "q", "chi")
    check(broadcast_vjp, "rotation", "chi")
    check(rotate_vjp, "rotation")
    check(solve_vjp, "g", "wavenumber")
    check(loss, "loss", "gradient", "matched")


def test_a_bound_loss_adds(gold):
    rotation, geometry = random_rotations(2), braggrad.Geometry(energy=ENERGY)
    plain = braggrad.omega_loss(gold, rotation, np.zeros(len(gold)), geometry=geometry)
    out = {name: np.ones_like(value) for name, value in plain.items()}
    bound = braggrad.OmegaLoss(gold, rotation, geometry, np.zeros(len(gold)), accumulate=True, out=out)
    bound(), bound()
    for name, value in plain.items():
        assert np.allclose(out[name], 1 + 2 * value, rtol=1e-14)
    with pytest.raises(ValueError, match="out has no loss"):
        braggrad.OmegaLoss(gold, rotation, geometry, np.zeros(len(gold)), accumulate=True)


def test_the_machine_is_described():
    cpu, *others = braggrad.devices()
    assert cpu.name == "cpu" and cpu.compute_capability is None and cpu.model
    assert 1 <= cpu.units <= len(os.sched_getaffinity(0))  # fewer where a quota says so
    assert cpu.memory == os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for device in (cpu, *others):
        assert braggrad.Context(device=device.name).device == (None if device is cpu else int(device.name[5:]))
    with pytest.raises(RuntimeError):
        braggrad.Context(device=f"cuda:{len(others)}")
