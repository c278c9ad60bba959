"""Calls that are made again: whatever came before, they give the bits of a call in a context that has seen none."""

import concurrent.futures
import itertools

import braggrad
import numpy as np
import pytest
from conftest import GOLD, random_rotations
from hypothesis import given, settings
from hypothesis import strategies as st

HKL = np.array([[1, 1, 1], [2, 0, 0], [0, 2, 2], [-3, 1, 1], [4, 0, -2]])
SETS = [braggrad.Reflections(HKL, cell=GOLD), braggrad.Reflections(HKL[:3], cell=GOLD)]
BEAMS = [
    {"geometry": braggrad.Geometry(energy=50.0, chi=0.05)},
    {"geometry": braggrad.Geometry(energy=50.0), "chi": 0.05},
    {"geometry": braggrad.Geometry(energy=45.0, chi=0.05)},
    {"energy": 45.0},
    {"energy": 45},
    {"wavenumber": np.array([24.0, 25.0])},
    {"energy": (45.0, 50.0)},
    {"energy": 50.0, "chi": [0.05, 0.02]},
]
SEEN = braggrad.Context(threads=1)
LAYOUTS = [
    np.ascontiguousarray,
    np.asfortranarray,
    lambda a: np.repeat(a, 2, axis=0)[::2],
    lambda a: a.astype(a.dtype.newbyteorder()),
    lambda a: a.tolist(),
]


def _same(one, other):
    assert len(one) == len(other)
    for a, b in zip(one, other, strict=True):
        assert a.dtype == b.dtype and np.array_equal(a, b)


@st.composite
def _inputs(draw):
    rotation = random_rotations(2, draw(st.integers(0, 99)))[slice(draw(st.sampled_from([2, 2, 1])))]
    rotation = draw(st.sampled_from(LAYOUTS))(rotation.astype(draw(st.sampled_from([np.float64, np.float32]))))
    options = dict(draw(st.sampled_from(BEAMS)), magnitude_from_rotated=draw(st.booleans()))
    return draw(st.sampled_from(SETS)), rotation, options


@settings(max_examples=200, deadline=None)
@given(inputs=_inputs())
def test_predict_does_not_depend_on_what_came_before(inputs):
    reflections, rotation, options = inputs
    fresh = braggrad.predict(reflections, rotation, context=braggrad.Context(threads=1), **options)
    for _ in range(3):
        _same(braggrad.predict(reflections, rotation, context=SEEN, **options), fresh)
    out = tuple(np.empty_like(part) for part in fresh)
    again = braggrad.predict(reflections, rotation, context=SEEN, out=out, **options)
    assert all(a is b for a, b in zip(again, out, strict=True))
    _same(again, fresh)


@settings(max_examples=200, deadline=None)
@given(inputs=_inputs(), data=st.data())
def test_a_loss_does_not_depend_on_what_came_before(inputs, data):
    reflections, rotation, options = inputs
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    shape = (*data.draw(st.sampled_from([(), (1,), (2,)])), len(reflections))
    dtype = data.draw(st.sampled_from([np.float64, np.float32]))
    names = data.draw(st.sampled_from([("omega1",), ("omega2",), ("omega1", "omega2", "weight1")]))
    options |= {name: rng.uniform(0.1, 3, shape).astype(dtype) for name in names}
    options |= data.draw(st.sampled_from([{}, {"loss": "huber", "delta": 0.1}, {"loss": "norm", "delta": 0.1}]))
    options["outputs"] = data.draw(st.sampled_from([("loss", "gradient"), "loss", ["normal", "matched"], ("matched",)]))
    options["parameters"] = data.draw(st.sampled_from([("rotation",), ("chi", "rotation"), "lattice"]))
    fresh = braggrad.omega_loss(reflections, rotation, context=braggrad.Context(threads=1), **options)
    for _ in range(3):
        again = braggrad.omega_loss(reflections, rotation, context=SEEN, **options)
        assert list(again) == list(fresh)
        _same(again.values(), fresh.values())
    out = {name: np.empty_like(value) for name, value in fresh.items()}
    again = braggrad.omega_loss(reflections, rotation, context=SEEN, out=out, **options)
    assert all(again[name] is value for name, value in out.items())
    _same(again.values(), fresh.values())


def test_a_second_call_is_as_careful_about_out():
    rotation = random_rotations(4)
    square = braggrad.Reflections(np.tile(HKL, (9, 1))[:9], cell=GOLD)  # as many roots as entries of a rotation
    expected = braggrad.predict(square, rotation, energy=50.0)
    for _ in range(4):
        narrow = np.empty((4, 9), np.float32), np.empty((9, 4)).T, np.empty((4, 9), np.int8)
        roots = braggrad.predict(square, rotation, energy=50.0, out=narrow)
        _same(roots, [e.astype(o.dtype) for e, o in zip(expected, narrow, strict=True)])
    locked = tuple(part.copy() for part in expected)
    locked[1].flags.writeable = False
    for out, message in (
        (locked, "out: omega2 is read-only"),
        (locked[:2], "out has 2 arrays"),
        ((locked[0][:3], *locked[1:]), r"out: omega1 has the shape \(3, 9\)"),
        (([0.0], *locked[1:]), "out: omega1 is a list"),
    ):
        with pytest.raises(ValueError, match=message):
            braggrad.predict(square, rotation, energy=50.0, out=out)
    loss = {"loss": np.empty(4), "gradient": np.empty((4, 3))}
    expected = braggrad.omega_loss(square, rotation, np.zeros(9), energy=50.0)
    for _ in range(4):
        for wrong in ({"loss": loss["loss"], "shame": np.empty(4)}, loss | {"shame": np.empty(4)}):
            with pytest.raises(ValueError, match="out has shame"):
                braggrad.omega_loss(square, rotation, np.zeros(9), energy=50.0, out=wrong)
        found = braggrad.omega_loss(square, rotation, np.zeros(9), energy=50.0, out=tuple(loss.values()))
        assert all(found[name] is loss[name] for name in loss)
        _same(found.values(), expected.values())
        found = braggrad.omega_loss(square, rotation, np.zeros(9), energy=50.0, out={"loss": loss["loss"]})
        assert found["loss"] is loss["loss"]
        _same(found.values(), expected.values())


def _apart(rng, memory, shape, dtype):
    """An array of this type and shape somewhere in the memory, aligned or not."""
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    start = int(rng.integers(0, (len(memory) - size) // 4)) * 4
    return memory[start : start + size].view(dtype).reshape(shape)


def test_outputs_anywhere_in_one_memory_are_refused_or_right():
    rng = np.random.default_rng(0)
    rotation = random_rotations(1)
    square = braggrad.Reflections(np.tile(HKL, (2, 1))[:9], cell=GOLD)
    expected = braggrad.predict(square, rotation, energy=50.0)
    memory = np.zeros(640, np.uint8)
    refused = 0
    for _ in range(400):
        given = _apart(rng, memory, (1, 3, 3), float)
        out = tuple(_apart(rng, memory, part.shape, part.dtype) for part in expected)
        given[...] = rotation
        shared = any(np.may_share_memory(a, b) for a, b in itertools.combinations(out, 2))
        if shared:
            refused += 1
            with pytest.raises(ValueError, match=r"out: omega\d and \w+ share memory"):
                braggrad.predict(square, given, energy=50.0, out=out, context=SEEN)
        else:
            _same(braggrad.predict(square, given, energy=50.0, out=out, context=SEEN), expected)
    assert 50 < refused < 350


@pytest.mark.parametrize("name", ["energy", "wavelength", "wavenumber", "chi"])
def test_rows_of_numbers_are_read_anew_in_each_call(name):
    rotation = random_rotations(2)
    row = {"energy": (45.0, 50.0), "wavelength": (0.25, 0.2), "wavenumber": (24.0, 25.0), "chi": (0.1, 0.2)}[name]
    options = {name: row} | ({"energy": 50.0} if name == "chi" else {})
    whole = options | {name: np.array(row)}
    for _ in range(4):
        expected = braggrad.predict(SETS[0], rotation, **whole)
        _same(braggrad.predict(SETS[0], rotation, **options), expected)
        loss = braggrad.omega_loss(SETS[0], rotation, np.ones(5), **whole)
        _same(braggrad.omega_loss(SETS[0], rotation, np.ones(5), **options).values(), loss.values())
        left = [np.full(2, 7.0) for _ in range(50)]  # where rows of calls before were
        assert len(left) == 50


def test_one_output_for_two_is_refused_each_time():
    rotation = random_rotations(2)
    expected = braggrad.predict(SETS[0], rotation, energy=50.0)
    for _ in range(4):
        _same(braggrad.predict(SETS[0], rotation, energy=50.0, out=expected), expected)
        with pytest.raises(ValueError, match="out: omega1 and omega2 share memory"):
            braggrad.predict(SETS[0], rotation, energy=50.0, out=(expected[0], expected[0], expected[2]))
        expected[1].flags.writeable = False
        with pytest.raises(ValueError, match="out: omega2 is read-only"):
            braggrad.predict(SETS[0], rotation, energy=50.0, out=expected)
        expected[1].flags.writeable = True


def test_memory_that_an_array_leaves_is_not_used_again():
    rotation = random_rotations(1)
    expected = braggrad.predict(SETS[0], rotation, energy=50.0)
    out = tuple(np.empty_like(part) for part in expected)
    for size in (5, 5000, 5, 50000, 5):
        for part in out:
            part.resize((1, size), refcheck=False)
            part.resize((1, 5), refcheck=False)
        given = np.concatenate([np.zeros((size, 3, 3)), rotation])[-1:]
        _same(braggrad.predict(SETS[0], given, energy=50.0, out=out), expected)


def test_threads_share_a_plan_and_not_their_arrays():
    rotations = random_rotations(64)
    expected = [braggrad.predict(SETS[0], r[None], energy=50.0) for r in rotations]

    def work(number):
        outs = [tuple(np.empty_like(part) for part in expected[0]) for _ in range(3)]
        for step in range(300):
            which = (number * 17 + step) % 64
            out = outs[step % 3]
            roots = braggrad.predict(SETS[0], rotations[which : which + 1], energy=50.0, out=out, context=SEEN)
            _same(roots, expected[which])
        return True

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        assert all(pool.map(work, range(4)))


def test_names_that_are_none_are_refused():
    rotation = random_rotations(1)
    for _ in range(3):
        with pytest.raises(ValueError, match=r"outputs has \['loss'\]"):
            braggrad.omega_loss(SETS[0], rotation, np.zeros(5), energy=50.0, outputs=("loss", ["loss"]))


def test_outputs_that_lie_on_the_inputs_are_written_last():
    rotation = random_rotations(3000)
    square = braggrad.Reflections(np.tile(HKL, (2, 1))[:9], cell=GOLD)
    expected = braggrad.predict(square, rotation, energy=50.0)
    for _ in range(4):
        memory = np.empty(3001 * 9)  # each row of roots lies on the next rotation
        shared, place = memory[:-9].reshape(3000, 3, 3), memory[9:].reshape(3000, 9)
        shared[...] = rotation
        out = place, np.empty((3000, 9)), np.empty((3000, 9), bool)
        roots = braggrad.predict(square, shared, energy=50.0, out=out)
        assert roots.omega1 is place
        _same(roots, expected)


def test_a_second_call_sees_new_values_and_bad_ones():
    q = np.array([[1.0, 2.0, 3.0], [2.0, 1.0, 0.5]])
    view = braggrad.Reflections.view(q)
    rotation = random_rotations(1)
    first = braggrad.predict(view, rotation, energy=50.0)
    q[0] = (3.0, 1.0, 2.0)
    second = braggrad.predict(view, rotation, energy=50.0)
    assert first.omega1[0, 0] != second.omega1[0, 0]
    _same(second, braggrad.predict(braggrad.Reflections.from_vectors(q), rotation, energy=50.0))
    rotation[:] = np.nan
    assert not braggrad.predict(view, rotation, energy=50.0).observable.any()
    for _ in range(4):
        with pytest.raises(ValueError, match="is a view of the other precision"):
            braggrad.predict(view, rotation.astype(np.float32), energy=50.0)


def test_sets_that_are_gone_leave_nothing_to_be_mistaken_for_theirs():
    rotation = random_rotations(1)
    for n in range(200):  # more than a context remembers; addresses of sets come again
        hkl = np.add(HKL, (0, 0, n))
        reflections = braggrad.Reflections(hkl, cell=GOLD)
        roots = [braggrad.predict(reflections, rotation, energy=50.0, context=SEEN) for _ in range(3)]
        fresh = braggrad.predict(hkl, rotation, cell=GOLD, energy=50.0)
        _same(roots[0], fresh)
        _same(roots[2], fresh)
