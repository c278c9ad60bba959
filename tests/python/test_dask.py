"""Dask's arrays: the bits of the plain calls for any chunks and every scheduler, on a cluster of processes too."""

import os
import pickle
import subprocess
import sys

import braggrad
import numpy as np
import pytest
from conftest import ENERGY, GOLD, independent_roots, random_rotations, wrapped
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

dask = pytest.importorskip("dask", reason="Dask is not installed")
da = pytest.importorskip("dask.array", reason="Dask's arrays are not installed")
import braggrad.dask as bd  # noqa: E402
from dask.array.utils import assert_eq  # noqa: E402
from dask.base import tokenize  # noqa: E402

OUTPUTS = ("loss", "gradient", "normal", "rotation_bar", "observable", "matched", "missing", "grazing")
HKL = [[1, 1, 1], [2, 0, 0], [3, -1, 1], [0, 0, 2], [0, 2, 2]]


@pytest.fixture(params=["synchronous", "threads"])
def scheduler(request):
    with dask.config.set(scheduler=request.param):
        yield request.param


@pytest.fixture(scope="module")
def few():
    return braggrad.Reflections(HKL, cell=GOLD)


def _same(lazy, plain):
    """The lazy results say what they will be, and are the plain ones to the bit."""
    names = list(plain) if isinstance(plain, dict) else plain._fields
    lazy, plain = [dict(zip(names, r.values() if isinstance(r, dict) else r, strict=True)) for r in (lazy, plain)]
    for name, array in dask.compute(lazy)[0].items():
        wanted = plain[name]
        assert lazy[name].dtype == array.dtype == wanted.dtype, name
        assert lazy[name].shape == array.shape == wanted.shape, name
        assert array.tobytes() == wanted.tobytes(), name
        assert_eq(lazy[name], wanted)  # every chunk has the shape and the type that was announced


def _targets(roots, seed=1):
    """Observed angles beside the roots, some of which are missing, and weights."""
    rng = np.random.default_rng(seed)
    angles, weights = [], []
    for root in roots[:2]:
        near = root + rng.normal(scale=0.01, size=root.shape)
        angles.append(np.where(rng.random(root.shape) < 0.2, np.nan, near).astype(root.dtype))
        weights.append(np.asarray(rng.uniform(0.5, 2, root.shape), root.dtype))
    return angles, weights


def test_targets_that_are_no_list_are_named(gold):
    with pytest.raises(ValueError, match=r"^targets is a tuple: a TargetList is needed"):
        bd.omega_loss(gold, da.ones((1, 3, 3)), targets=([0, 1], [0], [0.0]), energy=50.0)


def test_the_angles_are_those_of_another_formula(gold, tilted, scheduler):
    rotation = random_rotations(50)
    roots = dask.compute(*bd.predict(gold, da.from_array(rotation, chunks=(7, 3, 3)), geometry=tilted))
    beam = np.array([np.cos(0.05), 0, np.sin(0.05)])
    g = np.einsum("bij,nj->bni", rotation, gold.q)
    first, second, observable = independent_roots(g, tilted.wavenumber, beam, np.array([0.0, 0, 1]))
    assert np.array_equal(roots[2], observable) and observable.any() and not observable.all()
    for ours, theirs in zip(roots, (first, second), strict=False):
        assert np.abs(wrapped(ours - theirs)).max() < 1e-6


@pytest.mark.parametrize("chunks", [(64, 3, 3), (10, 3, 3), ((1, 0, 40, 23), 2, 1), (64, (1, 2), 1)])
def test_bits_are_those_of_one_call(gold, tilted, dtype, scheduler, chunks):
    rotation = random_rotations(64).astype(dtype)
    lazy = da.from_array(rotation, chunks=chunks)
    plain = braggrad.predict(gold, rotation, geometry=tilted)
    roots = bd.predict(gold, lazy, geometry=tilted)
    assert roots.omega1.chunks == (lazy.chunks[0], (len(gold),))
    _same(roots, plain)
    angles, weights = _targets(plain)
    arguments = {
        "geometry": tilted,
        "outputs": OUTPUTS,
        "parameters": ("rotation", "wavenumber", "chi", "lattice"),
        "loss": "huber",
        "delta": 0.01,
        "missing_loss": 0.5,
    }
    wanted = braggrad.omega_loss(gold, rotation, *angles, weight1=weights[0], weight2=weights[1], **arguments)
    # Dask's arrays with chunks of their own, NumPy's, and rows that are shared.
    _same(
        bd.omega_loss(
            gold,
            lazy,
            da.from_array(angles[0], chunks=(9, 50)),
            angles[1],
            weight1=weights[0],
            weight2=da.from_array(weights[1], chunks=(64, 1)),
            **arguments,
        ),
        wanted,
    )
    _same(
        bd.omega_loss(gold, lazy, da.from_array(angles[0][3], chunks=20), angles[1][4], **arguments),
        braggrad.omega_loss(gold, rotation, angles[0][3], angles[1][4], **arguments),
    )


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), dtype=st.sampled_from([np.float32, np.float64]))
def test_any_chunks_of_arrays_that_broadcast(few, data, dtype):
    batch = tuple(data.draw(st.lists(st.integers(0, 5), max_size=2)))
    rng = np.random.default_rng(data.draw(st.integers(0, 1000)))

    def split(length):
        cuts = sorted(data.draw(st.lists(st.integers(0, length), max_size=3)))
        return tuple(np.diff([0, *cuts, length]).tolist())

    def lazily(array, always=False):
        if not always and data.draw(st.booleans()):
            return array
        return da.from_array(array, chunks=tuple(map(split, array.shape)))

    def shape():
        """Of something that broadcasts to the batch."""
        kept = batch[data.draw(st.integers(0, len(batch))) :]
        return tuple(1 if data.draw(st.booleans()) else length for length in kept)

    rotation = random_rotations(int(np.prod(batch))).reshape(*batch, 3, 3).astype(dtype)
    k = rng.uniform(20, 30, shape()).astype(dtype)
    chi = rng.uniform(-0.2, 0.2, shape()).astype(dtype)
    cell = np.array(GOLD) + rng.uniform(0, 0.1, (*shape(), 6))
    few, lattices = data.draw(
        st.sampled_from(
            [
                (few, {}),
                (few, {"cell": cell}),
                (HKL, {"cell": cell}),
                (HKL, {"basis": braggrad.reciprocal_basis(cell).astype(dtype)}),
                (HKL[0], {"cell": cell}),
            ]
        )
    )
    arguments = {"wavenumber": k, "chi": chi, **lattices}
    lazy = {name: lazily(array) for name, array in arguments.items()}
    arguments["column_major"] = lazy["column_major"] = data.draw(st.booleans())
    orientations = lazily(rotation, always=True)
    plain = braggrad.predict(few, rotation, **arguments)
    _same(bd.predict(few, orientations, **lazy), plain)
    (angles, _), (weight, _) = _targets(plain)
    options = {"outputs": OUTPUTS, "loss": "chord"}
    _same(
        bd.omega_loss(few, orientations, lazily(angles), weight1=lazily(weight), **options, **lazy),
        braggrad.omega_loss(few, rotation, angles, weight1=weight, **options, **arguments),
    )


@pytest.mark.parametrize("chunks", [30, 7, ((0, 1, 29, 0),)])
def test_lists_of_targets_go_to_their_chunks(gold, tilted, dtype, scheduler, chunks):
    rotation = random_rotations(30).astype(dtype)
    spots = braggrad.predict_spots(gold, rotation, geometry=tilted)
    rng = np.random.default_rng(3)
    omega = spots.omega + rng.normal(scale=0.01, size=len(spots.omega))
    weight = rng.uniform(0.5, 2, len(omega))
    targets = braggrad.TargetList(spots.offsets, spots.reflection, omega, spots.root, weight)
    lazy = da.from_array(rotation, chunks=(chunks if isinstance(chunks, int) else chunks[0], 3, 3))
    for one in (targets, targets._replace(root=None, weight=None)):
        plain = braggrad.omega_loss(gold, rotation, targets=one, geometry=tilted, outputs=OUTPUTS)
        assert plain["matched"].all()
        _same(bd.omega_loss(gold, lazy, targets=one, geometry=tilted, outputs=OUTPUTS), plain)
    first = braggrad.TargetList(*(part[: spots.offsets[1]] for part in targets))._replace(offsets=spots.offsets[:2])
    _same(
        bd.omega_loss(gold, lazy[0], targets=first, geometry=tilted),
        braggrad.omega_loss(gold, rotation[0], targets=first, geometry=tilted),
    )


def test_one_none_and_no_reflections(gold, few, tilted, dtype, scheduler):
    rotation = random_rotations(3).astype(dtype)
    for one in (rotation[0], rotation[:1], rotation[:0], rotation[:, None][:, :0]):
        lazy = da.from_array(one, chunks=-1)
        _same(bd.predict(gold, lazy, geometry=tilted), braggrad.predict(gold, one, geometry=tilted))
        observed = np.zeros(len(few), dtype)
        _same(
            bd.omega_loss(few, lazy, observed, geometry=tilted, outputs=OUTPUTS),
            braggrad.omega_loss(few, one, observed, geometry=tilted, outputs=OUTPUTS),
        )
    lazy = da.from_array(rotation, chunks=(2, 3, 3))
    nothing = braggrad.Reflections(np.empty((0, 3), int), cell=GOLD)
    _same(bd.predict(nothing, lazy, geometry=tilted), braggrad.predict(nothing, rotation, geometry=tilted))
    # One number, computed late; one orientation under many energies; the host's orientations.
    energies = np.array([40.0, 50.0, 60.0])
    _same(
        bd.predict(few, lazy, energy=da.from_array(np.array(ENERGY)), chi=0.01),
        braggrad.predict(few, rotation, energy=ENERGY, chi=0.01),
    )
    _same(
        bd.predict(few, lazy[0], energy=da.from_array(energies, chunks=2)),
        braggrad.predict(few, rotation[0], energy=energies),
    )
    _same(
        bd.predict(few, rotation[:, None], wavelength=da.from_array(1 / energies, chunks=1)),
        braggrad.predict(few, rotation[:, None], wavelength=1 / energies),
    )


def test_nothing_is_computed_before_it_is_asked_for_and_each_chunk_once(few, tilted, monkeypatch):
    calls = []

    def counted(*arguments, **options):
        calls.append(arguments)
        return braggrad.predict(*arguments, **options)

    monkeypatch.setattr("braggrad._predict.predict", counted)
    made = []
    lazy = da.from_array(random_rotations(10), chunks=(3, 3, 3)).map_blocks(lambda r: made.append(1) or r, dtype=float)
    made.clear()  # Dask has asked for the type
    roots = bd.predict(few, lazy, geometry=tilted)
    calls.clear()  # the one that finds the types, without an orientation
    assert not made
    dask.compute(*roots, scheduler="synchronous")
    assert len(calls) == len(made) == 4
    calls.clear()
    roots.omega2[4:6].compute(scheduler="synchronous")
    assert len(calls) == 1


def _threads():
    return len(os.listdir("/proc/self/task"))


@pytest.mark.skipif(not os.path.isdir("/proc/self/task"), reason="counts threads as Linux does")
def test_a_call_runs_on_its_own_thread_alone(gold, tilted):
    lazy = da.from_array(random_rotations(20000), chunks=-1)
    before = _threads()
    bd.predict(gold, lazy, geometry=tilted).observable.compute(scheduler="synchronous")
    assert _threads() == before
    if len(os.sched_getaffinity(0)) > 1:
        bd.predict(gold, lazy, geometry=tilted, threads=2).observable.compute(scheduler="synchronous")
        assert _threads() == before + 1


def test_what_travels_is_what_describes_it(few, tilted):
    vectors = braggrad.Reflections.from_vectors(few.q)
    for one in (few, vectors):
        copy = pickle.loads(pickle.dumps(one))
        assert tokenize(copy) == tokenize(one) and np.array_equal(copy.q, one.q)
        lazy = da.from_array(random_rotations(100), chunks=(1, 3, 3))
        roots = bd.predict(one, lazy, geometry=tilted)
        keys = [str(key) for key in roots.omega1.__dask_graph__()]
        assert sum("Reflections" in key for key in keys) == 1
        sent = pickle.loads(pickle.dumps(roots.omega1))
        assert np.array_equal(sent.compute(), roots.omega1.compute())
    assert pickle.loads(pickle.dumps(tilted)) == tilted


def test_tokens_say_what_is_the_same(few, tilted):
    lazy = da.from_array(random_rotations(4), chunks=(2, 3, 3))

    def name(reflections=few, orientations=lazy, geometry=tilted, **options):
        return bd.predict(reflections, orientations, geometry=geometry, **options).omega1.name

    again = braggrad.Reflections(np.array(HKL, np.int64), cell=GOLD)
    assert name() == name(
        again, da.from_array(random_rotations(4), chunks=(2, 3, 3)), pickle.loads(pickle.dumps(tilted))
    )
    different = [
        name(),
        name(braggrad.Reflections(HKL[::-1], cell=GOLD)),
        name(braggrad.Reflections(HKL, cell=(4.0783, *GOLD[1:]))),
        name(braggrad.Reflections.from_vectors(few.q)),
        name(orientations=lazy[::-1]),
        name(geometry=braggrad.Geometry(energy=ENERGY, chi=0.06)),
        name(geometry=braggrad.Geometry(energy=ENERGY, chi=0.05, grazing_cut=0.1)),
        name(chi=0.02),
        name(magnitude_from_rotated=True),
    ]
    assert len(set(different)) == len(different)
    targets = braggrad.TargetList([0, 1, 1, 2, 2], [0, 1], [0.1, 0.2])
    moved = targets._replace(omega=[0.1, 0.3])
    names = [bd.omega_loss(few, lazy, targets=t, geometry=tilted)["loss"].name for t in (targets, targets, moved)]
    assert names[0] == names[1] != names[2]
    view = braggrad.Reflections.view(few.q)
    assert tokenize(view) != tokenize(view)


def test_tokens_are_those_of_every_process():
    program = f"""if True:
        import braggrad, braggrad.dask, dask.array as da, numpy as np
        from dask.base import tokenize
        few, beam = braggrad.Reflections({HKL}, cell={GOLD}), braggrad.Geometry(energy={ENERGY}, chi=0.05)
        print(tokenize(few, ensure_deterministic=True), tokenize(beam, ensure_deterministic=True))
        print(braggrad.dask.predict(few, da.ones((4, 3, 3), chunks=2), geometry=beam).omega1.name)
    """
    said = [
        subprocess.run(
            [sys.executable, "-c", program],
            env=os.environ | {"PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert said[0] == said[1] and said[0].count("\n") == 2


def _unknown(array):
    """The array with chunks whose lengths Dask does not know."""
    return array[da.from_array(np.ones(len(array), bool), chunks=2)]


LAZY = da.from_array(random_rotations(4), chunks=(2, 3, 3))


@pytest.mark.parametrize(
    "message, call",
    [
        (r"orientations has chunks of unknown length", lambda few: bd.predict(few, _unknown(LAZY), energy=50)),
        (r"energy has chunks of unknown", lambda few: bd.predict(few, LAZY, energy=_unknown(da.ones(4, chunks=2)))),
        (r"omega1 has chunks of unknown", lambda few: bd.omega_loss(few, LAZY, _unknown(da.ones(5)), energy=50)),
        (r"orientations has the shape \(4, 3\)", lambda few: bd.predict(few, LAZY[..., 0], energy=50)),
        (r"orientations has the type complex128", lambda few: bd.predict(few, LAZY * 1j, energy=50)),
        (r"energy is not given", lambda few: bd.predict(few, LAZY)),
        (r"energy is -1", lambda few: bd.predict(few, LAZY, energy=-1)),
        (r"energy and wavelength are given", lambda few: bd.predict(few, LAZY, energy=1, wavelength=da.ones(4))),
        (r"wavenumber has the batch shape \(3,\)", lambda few: bd.predict(few, LAZY, wavenumber=da.ones(3))),
        (r"chi has the type <U1", lambda few: bd.predict(few, LAZY, energy=1, chi="a")),
        (r"cell and basis are given", lambda few: bd.predict(HKL, LAZY, cell=GOLD, basis=np.eye(3), energy=1)),
        (r"cell or basis is needed", lambda few: bd.predict(HKL, LAZY, energy=1)),
        (r"cell has the shape \(5,\)", lambda few: bd.predict(HKL, LAZY, cell=da.ones(5), energy=1)),
        (r"orientations is a lazy Delayed", lambda few: bd.predict(few, dask.delayed(np.eye(3)), energy=1)),
        (r"chi is a lazy Delayed", lambda few: bd.predict(few, LAZY, energy=1, chi=dask.delayed(0.1))),
        (r"hkl is a Dask array", lambda few: bd.predict(da.from_array(np.array(HKL)), LAZY, cell=GOLD, energy=1)),
        (r"view of an array", lambda few: bd.predict(braggrad.Reflections.view(few.q), LAZY, energy=1)),
        (r"threads", lambda few: bd.predict(few, LAZY, energy=1, threads=-1)),
        (r"omega1 has the shape \(4, 4\)", lambda few: bd.omega_loss(few, LAZY, da.ones((4, 4)), energy=50)),
        (r"omega2 has the batch shape \(3,\)", lambda few: bd.omega_loss(few, LAZY, None, np.ones((3, 5)), energy=50)),
        (r"loss is 'cube'", lambda few: bd.omega_loss(few, LAZY, 0.0, loss="cube", energy=50)),
        (r"delta", lambda few: bd.omega_loss(few, LAZY, 0.0, loss="huber", energy=50)),
        (r"outputs has 'omega'", lambda few: bd.omega_loss(few, LAZY, 0.0, outputs="omega", energy=50)),
        (r"parameters has 'cell'", lambda few: bd.omega_loss(few, LAZY, 0.0, parameters="cell", energy=50)),
        (
            r"targets.offsets has 2 numbers: 5",
            lambda few: bd.omega_loss(few, LAZY, targets=braggrad.TargetList([0, 0], [], []), energy=50),
        ),
        (
            r"targets.omega is a Dask array",
            lambda few: bd.omega_loss(few, LAZY, targets=braggrad.TargetList([0] * 5, [], da.ones(0)), energy=50),
        ),
        (
            r"targets are given beside",
            lambda few: bd.omega_loss(few, LAZY, 0.0, targets=braggrad.TargetList([0] * 5, [], []), energy=50),
        ),
        (
            r"targets are given with a batch of 2 axes",
            lambda few: bd.omega_loss(few, LAZY[None], targets=braggrad.TargetList([0] * 5, [], []), energy=50),
        ),
    ],
)
def test_faults_are_named_when_the_graph_is_made(few, message, call):
    with pytest.raises(ValueError, match=message):
        call(few)


def test_chunks_of_something_else_are_refused(few):
    class Other(np.lib.mixins.NDArrayOperatorsMixin):
        __array_function__ = None

    lazy = LAZY.map_blocks(lambda block: block, dtype=float)
    lazy._meta = Other()
    lazy._meta.dtype, lazy._meta.shape, lazy._meta.ndim = np.dtype(float), (0, 0, 0), 3
    with pytest.raises(ValueError, match="orientations has chunks of the type Other"):
        bd.predict(few, lazy, energy=50)


def test_in_processes_of_dask(gold, tilted):
    rotation = random_rotations(20)
    lazy = da.from_array(rotation, chunks=(7, 3, 3))
    with dask.config.set(scheduler="processes", num_workers=2):
        _same(bd.predict(gold, lazy, geometry=tilted), braggrad.predict(gold, rotation, geometry=tilted))


@pytest.mark.parametrize("processes", [True, False], ids=["processes", "threads"])
def test_on_a_cluster(gold, tilted, dtype, processes):
    distributed = pytest.importorskip("distributed", reason="distributed is not installed")
    rotation = random_rotations(200).astype(dtype)
    lazy = da.from_array(rotation, chunks=(17, 3, 3))
    plain = braggrad.predict(gold, rotation, geometry=tilted)
    spots = braggrad.predict_spots(gold, rotation, geometry=tilted)
    targets = braggrad.TargetList(spots.offsets, spots.reflection, spots.omega + 0.01, spots.root)
    options = {"geometry": tilted, "outputs": OUTPUTS}
    # This process has contexts already: those of a worker are its own.
    cluster = distributed.LocalCluster(n_workers=2, threads_per_worker=2, processes=processes, dashboard_address=None)
    with cluster, distributed.Client(cluster) as client:
        _same(bd.predict(gold, lazy, geometry=tilted), plain)
        _same(
            bd.omega_loss(gold, lazy, plain.omega1 + dtype.type(0.01), plain.omega2, **options),
            braggrad.omega_loss(gold, rotation, plain.omega1 + dtype.type(0.01), plain.omega2, **options),
        )
        _same(
            bd.omega_loss(gold, lazy, targets=targets, **options),
            braggrad.omega_loss(gold, rotation, targets=targets, **options),
        )
        if processes:
            pids = client.run(os.getpid)
            assert len(set(pids.values()) | {os.getpid()}) == 3
