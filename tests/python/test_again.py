"""Calls that are made again: whatever came before, they give the bits of a call in a context that has seen none."""

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
