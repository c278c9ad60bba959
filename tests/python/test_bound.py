"""Predictor and OmegaLoss give the bits of the plain calls; contexts, threads and fork."""

import copy
import gc
import os
import pickle
import subprocess
import sys
import threading

import braggrad
import numpy as np
import pytest
from conftest import GOLD, random_rotations


def _equal(a, b):
    return all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


def test_predictor_gives_the_bits_of_predict(gold, tilted, dtype):
    first, second = random_rotations(6).astype(dtype).reshape(2, 3, 3, 3)
    predictor = braggrad.Predictor(gold, first, tilted)
    assert _equal(predictor(), braggrad.predict(gold, first, geometry=tilted))
    roots = predictor(second)
    assert roots is predictor.roots and roots.omega1.dtype == dtype
    assert _equal(roots, braggrad.predict(gold, second, geometry=tilted))
    predictor.orientations[1] = first[0]
    assert _equal([part[1] for part in predictor()], braggrad.predict(gold, first[0], geometry=tilted))
    predictor(first[2])  # broadcast
    assert _equal([part[0] for part in predictor.roots], [part[2] for part in predictor.roots])


def test_predictor_owns_its_inputs_and_writes_into_given_outputs(gold):
    rotation, k = random_rotations(3), np.array([24.0, 25.0, 26.0])
    out = np.empty((3, len(gold))), np.empty((3, len(gold))), np.empty((3, len(gold)), bool)
    predictor = braggrad.Predictor(gold, rotation, braggrad.Geometry(), wavenumber=k, chi=[0.0, 0.1, 0.2], out=out)
    expected = braggrad.predict(gold, rotation, wavenumber=k, chi=[0.0, 0.1, 0.2])
    rotation[:] = np.nan
    k[:] = np.nan
    assert _equal(predictor(), expected) and all(a is b for a, b in zip(predictor.roots, out, strict=True))
    predictor.wavenumber[:] = 30.0
    predictor.chi[:] = 0.0
    assert _equal(predictor(), braggrad.predict(gold, predictor.orientations, wavenumber=30.0))


def test_a_bound_loss_gives_the_bits_of_omega_loss(gold, tilted, dtype):
    rotation = random_rotations(3).astype(dtype)
    omega = np.random.default_rng(0).uniform(-3, 3, (2, len(gold))).astype(dtype)
    options = {"loss": "huber", "delta": 0.1, "parameters": ("rotation", "chi"), "missing_loss": 2.0}
    outputs = ("loss", "gradient", "normal", "rotation_bar", "matched")
    bound = braggrad.OmegaLoss(gold, rotation, tilted, *omega, outputs=outputs, **options)
    for value in (rotation, rotation[::-1]):
        plain = braggrad.omega_loss(gold, value, *omega, geometry=tilted, outputs=outputs, **options)
        result = bound(value)
        assert result is bound.outputs and _equal(result.values(), plain.values())
    bound.targets["omega1"][:] = np.nan
    assert (bound()["matched"] < plain["matched"]).all()


def test_a_bound_loss_takes_a_list_of_targets(gold, tilted):
    rotation = random_rotations(2)
    targets = braggrad.TargetList([0, 2, 3], np.array([3, 5, 7]), np.array([0.1, 0.2, 0.3]), [0, 1, 2])
    bound = braggrad.OmegaLoss(gold, rotation, tilted, targets=targets)
    plain = braggrad.omega_loss(gold, rotation, targets=targets, geometry=tilted)
    targets.omega[:] = np.nan
    assert _equal(bound().values(), plain.values()) and plain["loss"].all()
    bound.targets["omega"][2] = np.nan
    assert bound()["loss"].tolist() == [plain["loss"][0], 0.0]
    with pytest.raises(ValueError, match="read-only"):
        bound.targets["offsets"][2] = 1000
    with pytest.raises(ValueError, match="targets are given beside"):
        braggrad.OmegaLoss(gold, rotation, tilted, np.zeros(len(gold)), targets=targets)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda p, gold, geometry: p(np.ones((2, 3, 3))), "orientations: could not broadcast"),
        (lambda p, gold, geometry: p(np.eye(3) * 1j), "orientations has the type complex128"),
        (lambda p, gold, geometry: p(np.eye(4)), r"orientations has the shape \(4, 4\): \(\.\.\., 3, 3\) is needed"),
        (lambda p, gold, geometry: p("no"), "orientations has the type <U2"),
        (lambda p, gold, geometry: p(5.0), r"orientations has the shape \(\)"),
        (lambda p, gold, geometry: p(np.ones((3, 1))), r"orientations has the shape \(3, 1\)"),
        (
            lambda p, gold, geometry: braggrad.OmegaLoss(gold, np.eye(3), geometry, np.zeros(len(gold)))([1.0, 0, 0]),
            r"orientations has the shape \(3,\)",
        ),
        (
            lambda p, gold, geometry: braggrad.Predictor([[1, 1, 1]], np.eye(3), geometry),
            "reflections is no Reflections",
        ),
        (lambda p, gold, geometry: braggrad.Predictor(gold, np.eye(3), braggrad.Geometry()), "energy is not given"),
        (
            lambda p, gold, geometry: braggrad.Predictor(
                gold, np.eye(3), geometry, out=(np.empty(2 * len(gold))[::2], None, None)
            ),
            "out: omega1 is not contiguous",
        ),
    ],
)
def test_faults_are_named(gold, tilted, call, message):
    with pytest.raises(ValueError, match=message):
        call(braggrad.Predictor(gold, np.eye(3), tilted), gold, tilted)


def test_threads_and_splitting_do_not_change_a_bit(gold, tilted):
    rotation = random_rotations(200)
    w = np.random.default_rng(0).normal(size=(200, len(gold)))
    names = ("rotation", "q", "wavenumber", "beam")
    results = []
    for context in (
        braggrad.Context(threads=1),
        braggrad.Context(threads=3),
        braggrad.Context(max_pairs_per_launch=999),
    ):
        roots = braggrad.predict(gold, rotation, geometry=tilted, context=context)
        bars = braggrad.predict_vjp(gold, rotation, w, wrt=names, geometry=tilted, context=context)
        results.append((*roots, *bars.values()))
    assert _equal(results[0], results[1]) and _equal(results[0], results[2])


def test_many_threads_of_python_at_once(gold, tilted):
    rotation = random_rotations(8)
    expected = [braggrad.predict(gold, one, geometry=tilted).omega1 for one in rotation]
    shared = braggrad.Context(threads=2)
    faults = []

    def work(index):
        for turn in range(50):
            context = shared if (index + turn) % 2 else None
            roots = braggrad.predict(gold, rotation[index], geometry=tilted, context=context)
            if not np.array_equal(roots.omega1, expected[index]):
                faults.append(index)

    threads = [threading.Thread(target=work, args=(index,)) for index in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_child_of_fork_makes_its_own_context(gold, tilted):
    expected = braggrad.predict(gold, np.eye(3), geometry=tilted)
    parents = braggrad.Context(threads=2)
    braggrad.predict(gold, np.eye(3), geometry=tilted, context=parents)
    parents.lock.acquire()  # as a thread of the parent might hold it
    child = os.fork()
    if child == 0:
        code = 1
        try:
            same = _equal(braggrad.predict(gold, np.eye(3), geometry=tilted), expected)
            try:
                braggrad.predict(gold, np.eye(3), geometry=tilted, context=parents)
            except RuntimeError as error:
                code = 0 if same and "BRG_ERROR_FORKED" in str(error) else 2
        finally:
            os._exit(code)
    parents.lock.release()
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert _equal(braggrad.predict(gold, np.eye(3), geometry=tilted, context=parents), expected)


def test_what_a_predictor_needs_lives_as_long_as_it(tilted):
    predictor = braggrad.Predictor(braggrad.Reflections([[1, 1, 1]], cell=GOLD), np.eye(3), tilted)
    expected = predictor().omega1.copy()
    for _ in range(20):
        gc.collect()
        np.empty(1 << 16).fill(1.0)
        assert np.array_equal(predictor().omega1, expected)


def test_a_set_can_be_copied_and_sent(gold, tilted):
    vectors = braggrad.Reflections.from_vectors(gold.q)
    for given in (gold, vectors):
        for other in (pickle.loads(pickle.dumps(given)), copy.deepcopy(given)):
            assert other.key != given.key and len(other) == len(given)
            assert _equal(*(braggrad.predict(one, np.eye(3), geometry=tilted) for one in (given, other)))
    with pytest.raises(TypeError, match="a view of an array cannot be copied"):
        pickle.dumps(braggrad.Reflections.view(gold.q))


def test_what_is_bound_says_that_it_cannot_be_sent(gold, tilted):
    predictor = braggrad.Predictor(gold, np.eye(3), tilted)
    loss = braggrad.OmegaLoss(gold, np.eye(3), tilted, np.ones(len(gold)))
    for one, message in (
        (predictor, "Predictor is bound .* send the Reflections, the Geometry and the arrays"),
        (loss, "OmegaLoss is bound .* make one there"),
        (braggrad.Context(threads=1), "a Context cannot be copied or sent: make one where it is used"),
    ):
        for way in (pickle.dumps, copy.copy, copy.deepcopy):
            with pytest.raises(TypeError, match=message):
                way(one)


def test_a_set_does_not_change(tilted):
    hkl, basis = np.array([[1, 1, 1], [2, 0, 0]], np.int32), braggrad.reciprocal_basis(GOLD)
    q = hkl @ basis.T
    by_hkl, by_vectors = braggrad.Reflections(hkl, basis=basis), braggrad.Reflections.from_vectors(q)
    expected = q.copy()
    for array in (by_hkl.hkl, by_hkl.basis, by_vectors.q):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 7
    for array in (hkl, basis, q):  # the caller's own may be written into, and the sets do not see it
        array[0] = 7
    for one in (by_hkl, by_vectors, pickle.loads(pickle.dumps(by_hkl)), pickle.loads(pickle.dumps(by_vectors))):
        assert np.array_equal(one.q, expected)
    view = braggrad.Reflections.view(q)
    view.q[...] = expected
    roots = [braggrad.predict(one, np.eye(3), geometry=tilted) for one in (by_hkl, by_vectors, view)]
    assert _equal(roots[0], roots[1]) and _equal(roots[1], roots[2])


def test_a_geometry_is_a_value():
    geometry = braggrad.Geometry(energy=50.0, chi=0.1)
    assert geometry == braggrad.Geometry(energy=50.0, chi=0.1) != braggrad.Geometry(energy=50.0)
    assert pickle.loads(pickle.dumps(geometry)) == geometry and len({geometry, geometry}) == 1
    assert eval(repr(geometry), {"Geometry": braggrad.Geometry}) == geometry


def test_a_lattice_by_its_definition():
    cell = (4.1, 5.2, 6.3, 80.0, 95.0, 101.0)
    basis = braggrad.reciprocal_basis(cell)
    direct = 2 * np.pi * np.linalg.inv(basis).T  # columns a, b, c
    lengths = np.linalg.norm(direct, axis=0)
    assert np.allclose(lengths, cell[:3], rtol=1e-13)
    for angle, (i, j) in zip(cell[3:], ((1, 2), (0, 2), (0, 1)), strict=True):
        cosine = direct[:, i] @ direct[:, j] / (lengths[i] * lengths[j])
        assert abs(np.degrees(np.arccos(cosine)) - angle) < 1e-11
    assert np.array_equal(np.tril(basis, -1), np.zeros((3, 3)))
    assert braggrad.reciprocal_basis([[cell, GOLD]]).shape == (1, 2, 3, 3)
    hkl = braggrad.hkl_enumerate(cell, 1.0, "I")
    span = np.arange(-12, 13)
    every = np.stack(np.meshgrid(span, span, span, indexing="ij"), -1).reshape(-1, 3)
    q2 = np.sum((every @ basis.T) ** 2, 1)
    wanted = every[(q2 > 0) & (q2 <= (2 * np.pi) ** 2) & (every.sum(1) % 2 == 0)]
    assert {tuple(row) for row in hkl.tolist()} == {tuple(row) for row in wanted.tolist()}
    assert np.array_equal(hkl[len(hkl) // 2 :], -hkl[: len(hkl) // 2])


@pytest.mark.parametrize("threads", [1, 2])
def test_a_daemon_may_be_in_a_call_when_the_process_ends(threads):
    program = f"""if True:
        import threading, time, braggrad, numpy as np
        gold = {GOLD}
        reflections = braggrad.Reflections(braggrad.hkl_enumerate(gold, 0.5), cell=gold)
        context = braggrad.Context(threads={threads})
        rotation = np.broadcast_to(np.eye(3), (3000, 3, 3)).copy()
        started = threading.Event()

        def work():
            while True:
                braggrad.predict(reflections, rotation, energy=80.0, context=context)
                started.set()

        threading.Thread(target=work, daemon=True).start()
        started.wait()
        time.sleep(0.03)"""
    for _ in range(3):
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


def test_functions_of_atexit_may_call():
    program = f"""if True:
        import atexit

        @atexit.register  # before the package is imported: runs after all that is registered then
        def last():
            assert braggrad.predict(gold, np.eye(3), energy=50.0).omega1.tolist() == expected
            assert predictor().omega1.tolist() == expected

        import braggrad, numpy as np
        gold = braggrad.Reflections([[1, 1, 1], [2, 0, 0]], cell={GOLD})
        predictor = braggrad.Predictor(gold, np.eye(3), braggrad.Geometry(energy=50.0))
        expected = predictor().omega1.tolist()"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0 and not done.stderr, done.stderr
