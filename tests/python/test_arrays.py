"""What comes in and goes out: types, strides, out=, and errors that name the argument."""

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
        (lambda: braggrad.solve(G, energy=np.ones(5)), r"wavenumber has the batch shape \(5,\)"),
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
