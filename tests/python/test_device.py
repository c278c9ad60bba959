"""Arrays of CUDA devices: the CPU's numbers without a copy, streams in order, what does not fit is named.

Runs where CUDA is, or under a simulator of its runtime (scripts/test_cudasim.sh), with arrays that this package's own
buffers expose through both protocols. What needs CuPy or a CUDA build of PyTorch is skipped without it.
"""

import contextlib
import ctypes
import gc
import os
import re
import subprocess
import sys

import braggrad
import numpy as np
import pytest
from braggrad import DeviceArray, to_device
from braggrad._library import library
from conftest import ENERGY, random_rotations


def _devices():
    count = ctypes.c_int32()
    return count.value if library.brg_device_count(2, ctypes.byref(count)) == 0 else 0


pytestmark = pytest.mark.skipif(_devices() == 0, reason="no CUDA device, nor a simulator of the runtime")
B = 4
TIED = {np.dtype(np.float32): 4e-5, np.dtype(np.float64): 1e-11}  # times the largest number of the CPU's answer


class Interface:
    """An array as another package has it, by `__cuda_array_interface__` alone."""

    def __init__(self, array, **changes):
        self.array = array
        self.__cuda_array_interface__ = {**array.__cuda_array_interface__, **changes}


class Capsule:
    """An array as another package has it, by `__dlpack__` alone."""

    def __init__(self, array, device=None):
        self.array, self.device, self.streams = array, device, []

    def __dlpack_device__(self):
        return self.array.__dlpack_device__() if self.device is None else (2, self.device)

    def __dlpack__(self, *, stream=None):
        self.streams.append(stream)
        return self.array.__dlpack__(stream=stream)


EXPOSED = {"own": lambda array: array, "interface": Interface, "dlpack": Capsule}


@pytest.fixture(params=EXPOSED.values(), ids=EXPOSED.keys())
def exposed(request):
    return request.param


def _flat(answer):
    if isinstance(answer, dict):
        return list(answer.values())
    return list(answer) if isinstance(answer, tuple) else [answer]


def _same(on_device, on_host, dtype):
    """Equal to rounding; flags, counts and indices exactly."""
    on_device, on_host = _flat(on_device), _flat(on_host)
    assert len(on_device) == len(on_host) > 0
    for one, other in zip(on_device, on_host, strict=True):
        assert isinstance(one, DeviceArray) and one.dtype == other.dtype and one.shape == other.shape
        values = one.numpy()
        if other.dtype.kind == "f":
            scale = np.abs(other[np.isfinite(other)]).max(initial=1)
            np.testing.assert_allclose(values, other, rtol=0, atol=TIED[dtype] * scale)
        else:
            assert np.array_equal(values, other)


def _problem(gold, dtype):
    """Host arrays of all calls, by the names of their arguments."""
    random = np.random.default_rng(3)
    n = len(gold)
    rotation = random_rotations(B)
    rotation[1, 0, 0] = np.nan  # a row that is not observable and touches no other
    g = random.normal(size=(257, 3)) * 3
    g[:3] = (0, 0, 0), (0, 0, 2), (np.inf, 1, 1)
    arrays = {
        "orientations": rotation,
        "bar1": random.normal(size=(B, n)),
        "bar2": random.normal(size=(B, n)),
        "g_bar": random.normal(size=(B, n, 3)),
        "k": np.linspace(24, 26, B),
        "chi": np.linspace(-0.05, 0.05, B),
        "basis": np.broadcast_to(gold.basis, (B, 3, 3)) * (1 + 0.01 * random.normal(size=(B, 1, 1))),
        "vector": random.normal(size=(B, 3)),
        "omega1": random.uniform(-3, 3, n),
        "omega2": random.uniform(-3, 3, (B, n)),
        "g": g,
        "g_dot": random.normal(size=g.shape),
        "item": random.normal(size=len(g)),
    }
    return {name: np.ascontiguousarray(array, dtype) for name, array in arrays.items()}


CALLS = {
    "predict": lambda gold, a, o: braggrad.predict(gold, a["orientations"], **o),
    "predict of everything": lambda gold, a, o: braggrad.predict(
        gold, a["orientations"], basis=a["basis"], wavenumber=a["k"], chi=a["chi"], magnitude_from_rotated=True
    ),
    "predict_vjp": lambda gold, a, o: braggrad.predict_vjp(
        gold, a["orientations"], a["bar1"], a["bar2"], wrt=("rotation", "rotation_vector", "basis", "q", "chi"), **o
    ),
    "predict_vjp of one number": lambda gold, a, o: braggrad.predict_vjp(gold, a["orientations"], 1.0, **o),
    "predict_vjp by columns": lambda gold, a, o: braggrad.predict_vjp(
        gold, a["orientations"], a["bar1"], wrt=("rotation", "basis"), basis=a["basis"], column_major=True, **o
    ),
    "predict_jvp": lambda gold, a, o: braggrad.predict_jvp(
        gold, a["orientations"], rotation_vector_dot=a["vector"], wavenumber_dot=0.5, **o
    ),
    "predict_spots": lambda gold, a, o: braggrad.predict_spots(gold, a["orientations"], windows=[(-1, 0.5)], **o),
    "rotate": lambda gold, a, o: braggrad.rotate(gold, a["orientations"]),
    "rotate_vjp": lambda gold, a, o: braggrad.rotate_vjp(gold, a["orientations"], a["g_bar"], wrt=("rotation", "q")),
    "rotate_jvp": lambda gold, a, o: braggrad.rotate_jvp(gold, a["orientations"], rotation_vector_dot=a["vector"]),
    "solve": lambda gold, a, o: braggrad.solve(a["g"], **o),
    "solve_vjp": lambda gold, a, o: braggrad.solve_vjp(a["g"], a["item"], wrt=("g", "wavenumber", "axis"), **o),
    "solve_jvp": lambda gold, a, o: braggrad.solve_jvp(a["g"], g_dot=a["g_dot"], chi_dot=0.3, **o),
    "diffracted_beam": lambda gold, a, o: braggrad.diffracted_beam(a["g"], a["item"], **o),
    "omega_loss": lambda gold, a, o: braggrad.omega_loss(
        gold, a["orientations"], a["omega1"], outputs=("loss", "gradient", "normal", "observable", "matched"), **o
    ),
    "omega_loss of each": lambda gold, a, o: braggrad.omega_loss(
        gold, a["orientations"], None, a["omega2"], outputs=("loss", "rotation_bar"), **o
    ),
    "omega_loss of a list": lambda gold, a, o: braggrad.omega_loss(
        gold,
        a["orientations"],
        targets=braggrad.TargetList([0, 2, 3, 3, 5], [0, 1, 2, 3, 4], [0.1, 0.2, 0.3, 0.4, 0.5]),
        outputs=("loss", "gradient", "matched", "missing"),
        **o,
    ),
    "Predictor": lambda gold, a, o: braggrad.Predictor(gold, a["orientations"], o["geometry"])(),
    "OmegaLoss": lambda gold, a, o: braggrad.OmegaLoss(gold, a["orientations"], o["geometry"], a["omega1"])(),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
def test_every_call_gives_the_numbers_of_the_cpu(call, exposed, gold, tilted, dtype):
    arrays = _problem(gold, dtype)
    there = {name: exposed(to_device(array)) for name, array in arrays.items()}
    _same(call(gold, there, {"geometry": tilted}), call(gold, arrays, {"geometry": tilted}), dtype)


def test_inputs_are_not_copied(gold, exposed):
    q = np.array([[1.0, 2.0, 3.0], [2.0, 1.0, 0.5]])
    there, rotation = to_device(q), to_device(np.eye(3))
    view = braggrad.Reflections.view(exposed(there))
    before = braggrad.predict(view, rotation, energy=50).omega1.numpy()
    there.copy_from(q[::-1])
    after = braggrad.predict(view, rotation, energy=50).omega1.numpy()
    assert np.array_equal(before, after[::-1]) and before[0] != before[1]
    predictor = braggrad.Predictor(gold, rotation, braggrad.Geometry(energy=ENERGY))
    other = random_rotations(1)[0]
    first = predictor().omega1.numpy()
    rotation.copy_from(other)
    turned = predictor().omega1.numpy()
    assert not np.array_equal(first, turned)
    assert np.array_equal(predictor(exposed(to_device(np.eye(3)))).omega1.numpy(), first)


def test_empty_and_single_arrays(gold, exposed):
    none = braggrad.solve(exposed(to_device(np.empty((0, 3)))), energy=50)
    assert none.omega1.shape == (0,) and none.omega1.numpy().shape == (0,)
    assert braggrad.predict(gold, exposed(to_device(np.empty((0, 3, 3)))), energy=50).observable.shape == (0, len(gold))
    one = braggrad.solve(exposed(to_device(np.array([2.0, 1.0, 0.5]))), energy=50)
    assert one.omega1.shape == ()
    _same(one, tuple(np.asarray(part) for part in braggrad.solve([2.0, 1.0, 0.5], energy=50)), np.dtype(float))


def test_an_axis_of_length_one_is_no_broadcast(gold):
    rotation, k, wrt = random_rotations(1)[0], np.array([25.0]), ("rotation", "wavenumber")
    expected = braggrad.predict_vjp(gold, rotation, 1.0, wavenumber=k, wrt=wrt)
    found = braggrad.predict_vjp(gold, to_device(rotation), 1.0, wavenumber=to_device(k), wrt=wrt)
    _same(found, expected, np.dtype(float))


def test_out_is_written_directly(exposed):
    g = np.random.default_rng(1).normal(size=(8, 3)) * 3
    expected = braggrad.solve(g, energy=50)
    owned = DeviceArray.empty((8,), np.float64), DeviceArray.empty((8,), np.float64), DeviceArray.empty((8,), bool)
    given = tuple(exposed(array) for array in owned)
    roots = braggrad.solve(to_device(g), energy=50, out=given)
    assert all(root is place for root, place in zip(roots, given, strict=True))
    owned[0].context.synchronize()
    _same(owned, expected, np.dtype(float))


def test_results_are_added_to_what_is_there(gold, exposed):
    rotation, w = random_rotations(B), np.random.default_rng(2).normal(size=(B, len(gold)))
    expected = braggrad.predict_vjp(gold, rotation, w, energy=ENERGY)["rotation"]
    owned = to_device(np.full((B, 3, 3), 2.0))
    for _ in range(2):
        given = {"rotation": exposed(owned)}
        braggrad.predict_vjp(gold, to_device(rotation), to_device(w), energy=ENERGY, accumulate=True, out=given)
    owned.context.synchronize()
    _same({"rotation": owned}, {"rotation": 2 + 2 * expected}, np.dtype(float))
    with pytest.raises(ValueError, match="out has no rotation: accumulate adds"):
        braggrad.predict_vjp(gold, to_device(rotation), to_device(w), energy=ENERGY, accumulate=True)


def test_copies_to_and_from_numpy():
    for dtype in (np.float32, np.float64, np.int32, np.int64, np.uint8, bool):
        host = (np.arange(24).reshape(2, 3, 4) % 2).astype(dtype)
        array = to_device(host[:, ::-1])
        assert array.shape == (2, 3, 4) and array.dtype == dtype and array.nbytes == host.nbytes and len(array) == 2
        assert np.array_equal(array.numpy(), host[:, ::-1])
        assert np.array_equal(array.copy_from(host).numpy(), host)
    with pytest.raises(ValueError, match=r"source has the shape \(2,\)"):
        array.copy_from([1, 2])
    with pytest.raises(TypeError, match=r"on cuda:0: numpy\(\) copies it"):
        np.asarray(array)
    with pytest.raises(ValueError, match="array has the type complex128"):
        to_device([1j])


def test_protocols_say_what_the_array_is():
    array = to_device(np.zeros((2, 3), np.float32))
    interface = array.__cuda_array_interface__
    assert interface["data"] == (array.pointer, False) and interface["typestr"] == "<f4"
    assert interface["shape"] == (2, 3) and interface["strides"] is None
    assert interface["stream"] is None and interface["version"] == 3
    assert array.__dlpack_device__() == (2, 0)
    for unlike in ({"copy": True}, {"dl_device": (1, 0)}):
        with pytest.raises(BufferError):
            array.__dlpack__(**unlike)


def test_memory_lives_as_long_as_a_capsule_or_its_consumer():
    from braggrad import _dlpack

    before = len(_dlpack._exported)
    capsule = to_device(np.ones(3)).__dlpack__()
    gc.collect()
    assert len(_dlpack._exported) == before + 1
    taken = _dlpack.Imported(capsule)
    del capsule
    gc.collect()
    assert len(_dlpack._exported) == before + 1 and taken.shape == (3,) and taken.dtype == np.float64
    del taken
    assert len(_dlpack._exported) == before
    unused = to_device(np.ones(3)).__dlpack__()
    del unused
    assert len(_dlpack._exported) == before


def _runtime():
    """The CUDA runtime that the library has loaded, where it is a shared one."""
    with open("/proc/self/maps") as maps:
        found = re.search(r"\S*/libcudart\.so\S*", maps.read())
    if not found:
        pytest.skip("the CUDA runtime is inside of the library: streams of other packages cannot be made here")
    return ctypes.CDLL(found.group())


@contextlib.contextmanager
def _producer():
    """A non-blocking stream and a copy of late effect: page-locked memory is read when the stream gets to it."""
    cuda, stream, pinned = _runtime(), ctypes.c_void_p(), []
    assert cuda.cudaStreamCreateWithFlags(ctypes.byref(stream), 1) == 0

    def copy(array, values):
        place = ctypes.c_void_p()
        assert cuda.cudaMallocHost(ctypes.byref(place), ctypes.c_size_t(values.nbytes)) == 0
        pinned.append(place)
        ctypes.memmove(place, values.ctypes.data, values.nbytes)
        size = ctypes.c_size_t(values.nbytes)
        assert cuda.cudaMemcpyAsync(ctypes.c_void_p(array.pointer), place, size, 1, stream) == 0

    try:
        yield stream.value, copy
    finally:
        assert cuda.cudaStreamSynchronize(stream) == 0 and cuda.cudaStreamDestroy(stream) == 0
        for place in pinned:
            cuda.cudaFreeHost(place)


def _values(count, seed):
    return np.random.default_rng(seed).normal(size=(count, 3)) * 3


def test_the_producers_stream_comes_first_and_last():
    for seed in range(8):
        with _producer() as (stream, copy), _producer() as (second, copy_second):
            g, k = _values(33, seed), np.linspace(20, 30, 33)
            there, wavenumber = to_device(np.zeros((33, 3))), to_device(np.ones(33))
            out = DeviceArray.empty((33,), np.float64)
            inputs = Interface(there, stream=stream), Interface(wavenumber, stream=second)
            copy(there, g)
            copy_second(wavenumber, k)
            roots = braggrad.solve(inputs[0], wavenumber=inputs[1], out=(Interface(out, stream=stream), None, None))
            copy(there, np.zeros((33, 3)))  # after the call has read it
            copy_second(wavenumber, np.ones(33))
            for waited in (stream, second):  # what was given to them last must not happen before the call
                assert _runtime().cudaStreamSynchronize(ctypes.c_void_p(waited)) == 0
            expected = braggrad.solve(g, wavenumber=k)
            np.testing.assert_allclose(roots.omega2.numpy(), expected.omega2, atol=1e-12)
            np.testing.assert_allclose(out.numpy(), expected.omega1, atol=1e-12)


def test_a_context_runs_on_the_stream_that_it_is_given():
    for seed in range(8):
        with _producer() as (stream, copy):
            context = braggrad.Context(device="cuda:0", stream=stream)
            g = _values(33, seed)
            there = DeviceArray.empty((33, 3), np.float64, context)
            assert there.__cuda_array_interface__["stream"] == stream
            copy(there, g)
            roots = braggrad.solve(there, energy=50, context=context)
            assert roots.omega1.context is context and roots.omega1.__cuda_array_interface__["stream"] == stream
            np.testing.assert_allclose(roots.omega1.numpy(), braggrad.solve(g, energy=50).omega1, atol=1e-12)
            # The arrays of one context, in another one.
            copy(there, -g)
            again = braggrad.solve(Interface(there), energy=50)
            np.testing.assert_allclose(again.omega1.numpy(), braggrad.solve(-g, energy=50).omega1, atol=1e-12)
            del context, there, roots
            gc.collect()


def test_dlpack_orders_streams_both_ways():
    with _producer() as (stream, _):
        there = to_device(_values(33, 1))
        capsule = Capsule(there)
        braggrad.solve(capsule, energy=50)
        assert capsule.streams == [1]  # the legacy default stream stands between, and was made to wait
        for consumer in (None, -1, 1, 2, stream):
            assert there.__dlpack__(stream=consumer) is not None
    for seed in range(8):
        with _producer() as (stream, copy), _producer() as (second, _):
            g, found = _values(33, seed), np.zeros((33, 3))
            there = to_device(found, context=braggrad.Context(device=0, stream=stream))
            copy(there, g)  # the consumer's stream waits for it, the host does not
            capsule = there.__dlpack__(stream=second)
            size, cuda = ctypes.c_size_t(g.nbytes), _runtime()
            addresses = ctypes.c_void_p(found.ctypes.data), ctypes.c_void_p(there.pointer)
            assert cuda.cudaMemcpyAsync(*addresses, size, 2, ctypes.c_void_p(second)) == 0
            assert cuda.cudaStreamSynchronize(ctypes.c_void_p(second)) == 0
            assert np.array_equal(found, g)
            del capsule, there


def _there(*shape, dtype=np.float64):
    return to_device(np.ones(shape, dtype))


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda c: braggrad.solve(np.ones((4, 3)), energy=5, context=c), "g is an array of the host: the context runs"),
        (lambda c: braggrad.solve(_there(4, 3), wavenumber=np.ones(4)), "wavenumber is an array of the host"),
        (lambda c: braggrad.solve(_there(4, 3), energy=_there(4)), "energy is an energy on a device"),
        (lambda c: braggrad.solve(_there(4, 3), wavenumber=_there()), "wavenumber is one number on a device"),
        (lambda c: braggrad.solve(_there(4, 3), energy=5, chi=_there()), "one number is on cuda:0"),
        (
            lambda c: braggrad.solve(_there(4, 3), energy=5, context=braggrad.Context()),
            "g is an array of cuda:0: the context runs on the CPU",
        ),
        (lambda c: braggrad.solve(Capsule(_there(4, 3), 7), energy=5, context=c), "g is an array of cuda:7"),
        (lambda c: braggrad.solve(_there(4, 3), energy=5, g_magnitude=_there(1)), r"g_magnitude has the shape \(1,\)"),
        (
            lambda c: braggrad.solve(_there(4, 3), energy=5, g_magnitude=_there(4, dtype=np.float32)),
            "g_magnitude has the shape .* and the type float32: on a device a contiguous array of float64",
        ),
        (lambda c: braggrad.solve(Interface(_there(3, 4), shape=(4, 3), strides=(8, 32)), energy=5), "g has the shape"),
        (lambda c: braggrad.solve(Interface(_there(4, 3), stream=0), energy=5), "g cannot be read .* stream is 0"),
        (lambda c: braggrad.solve(Interface(_there(4, 3), mask=1), energy=5), "g cannot be read .* a mask"),
        (lambda c: braggrad.solve(Interface(_there(4, 3), typestr="<c16"), energy=5), "g has the type complex128"),
        (
            lambda c: braggrad.solve(_there(4, 3), energy=5, out=(np.empty(4), None, None)),
            "out: omega1 is a ndarray: an array of cuda:0 is needed",
        ),
        (lambda c: braggrad.solve(_there(4, 3), energy=5, out=(_there(5), None, None)), "out: omega1 has the shape"),
        (
            lambda c: braggrad.solve(_there(4, 3), energy=5, out=(_there(4, dtype=np.float32), None, None)),
            "out: omega1 has the type float32",
        ),
        (
            lambda c: braggrad.solve(
                _there(4, 3), energy=5, out=(Interface(a := _there(4), data=(a.pointer, True)), None, None)
            ),
            "out: omega1 is read-only",
        ),
        (
            lambda c: braggrad.solve(
                a := _there(4, 3), energy=5, out=(Interface(a, shape=(4,), strides=None), None, None)
            ),
            "out: omega1 shares memory with an input",
        ),
        (
            lambda c: braggrad.solve(_there(4, 3), energy=5, out=(a := _there(4), a, None)),
            "out: omega1 and omega2 share memory",
        ),
        (
            lambda c: braggrad.solve(np.ones((4, 3)), energy=5, out=(_there(4), None, None)),
            "out: omega1 is a DeviceArray: an array is needed",
        ),
        (
            lambda c: braggrad.rotate(_there(1, 3), _there(3, 3), basis=np.eye(3)),
            "hkl is an array of cuda:0",
        ),
        (lambda c: braggrad.reciprocal_basis(_there(6)), "cell is an array of cuda:0"),
        (lambda c: braggrad.Geometry(axis=_there(3)), "axis is an array of cuda:0"),
        (
            lambda c: braggrad.predict(braggrad.Reflections.view(np.ones((2, 3))), _there(3, 3), energy=5),
            "reflections is an array of the host: the context runs on cuda:0",
        ),
        (
            lambda c: braggrad.predict(braggrad.Reflections.view(_there(2, 3)), np.eye(3), energy=5),
            "orientations is an array of the host",
        ),
        (lambda c: braggrad.Context(device="gpu"), "device is 'gpu': cpu, cuda and cuda:N"),
        (lambda c: braggrad.Context(stream=1), "stream is given: a context of the CPU has none"),
        (lambda c: DeviceArray.empty((2,), float, braggrad.Context()), "context runs on the CPU"),
    ],
)
def test_what_does_not_fit_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call(braggrad.Context(device="cuda"))


def test_a_device_that_is_not_there_is_a_runtime_error():
    with pytest.raises(RuntimeError, match=r"NO_DEVICE.*device"):
        braggrad.Context(device=_devices())


def test_a_list_of_targets_is_of_the_host(gold):
    targets = braggrad.TargetList(to_device([0, 1]), [0], [0.0])
    with pytest.raises(ValueError, match=r"targets\.offsets is an array of cuda:0: one of the host is needed"):
        braggrad.omega_loss(gold, _there(3, 3), targets=targets, energy=ENERGY)


@pytest.mark.skipif(_devices() < 2, reason="two CUDA devices are needed")
def test_each_device_has_its_arrays_and_a_set_works_on_all(gold):
    rotation = random_rotations(B)
    there = [to_device(rotation, context=braggrad.Context(device=index)) for index in (0, 1)]
    for index, array in enumerate(there):
        roots = braggrad.predict(gold, array, energy=ENERGY)
        assert roots.omega1.device == index and array.__dlpack_device__() == (2, index)
        _same(roots, braggrad.predict(gold, rotation, energy=ENERGY), np.dtype(float))
    with pytest.raises(ValueError, match="orientations is an array of cuda:1: the context runs on cuda:0"):
        braggrad.predict(gold, there[1], energy=ENERGY, context=braggrad.Context(device=0))
    with pytest.raises(ValueError, match="basis is an array of cuda:1: the context runs on cuda:0"):
        basis = to_device(np.broadcast_to(gold.basis, (B, 3, 3)), context=braggrad.Context(device=1))
        braggrad.predict(gold, there[0], basis=basis, energy=ENERGY)


def test_cupy_arrays(gold, tilted, dtype):
    cupy = pytest.importorskip("cupy", reason="CuPy is not installed: its arrays on its streams are not tested")
    arrays = _problem(gold, dtype)
    with cupy.cuda.Stream(non_blocking=True):
        there = cupy.asarray(arrays["orientations"])
        omega1 = cupy.empty((B, len(gold)), dtype)
        roots = braggrad.predict(gold, there, geometry=tilted, out=(omega1, None, None))
        there.fill(0)  # after the call has read it
        assert roots.omega1 is omega1 and cupy.asarray(roots.omega2).shape == omega1.shape
        found = omega1.get(), cupy.asarray(roots.omega2).get()
    expected = braggrad.predict(gold, arrays["orientations"], geometry=tilted)
    for one, other in zip(found, expected[:2], strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=TIED[dtype] * 4)


def _torch_with_cuda():
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    if not torch.cuda.is_available():
        pytest.skip("this build of PyTorch has no CUDA: its tensors of devices are not tested")
    return torch


def test_tensors_on_the_current_stream(gold, tilted, dtype):
    torch = _torch_with_cuda()
    arrays = _problem(gold, dtype)
    with torch.cuda.stream(torch.cuda.Stream()):
        there = torch.as_tensor(arrays["orientations"], device="cuda")
        roots = braggrad.predict(gold, there, geometry=tilted)
        there.zero_()  # after the call has read it
        found = [torch.from_dlpack(part).cpu().numpy() for part in roots[:2]]
    expected = braggrad.predict(gold, arrays["orientations"], geometry=tilted)
    for one, other in zip(found, expected[:2], strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=TIED[dtype] * 4)


def test_autograd_on_a_device(gold, tilted):
    torch = _torch_with_cuda()
    import braggrad.torch as bt

    answers = []
    for device in ("cpu", "cuda"):
        rotation = torch.as_tensor(random_rotations(B), device=device).requires_grad_()
        k = torch.full((B,), 25.0, dtype=torch.float64, device=device, requires_grad=True)
        q = torch.as_tensor(gold.q, device=device).requires_grad_()
        roots = bt.predict(q, rotation, geometry=tilted, wavenumber=k)
        observed = torch.zeros(len(gold), dtype=torch.float64, device=device)
        fused = bt.omega_loss(gold, rotation, observed, geometry=tilted)
        (roots.omega1.square().sum() + roots.omega2.sum() + fused.sum()).backward()
        answers.append([tensor.detach().cpu() for tensor in (*roots[:2], fused, rotation.grad, k.grad, q.grad)])
    for one, other in zip(*answers, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-9 * float(other.abs().max()))
    with pytest.raises(ValueError, match="wavenumber is on cpu: the call runs on cuda"):
        bt.predict(gold, rotation, geometry=tilted, wavenumber=k.detach().cpu())


@pytest.mark.skipif("CUDASIM_EXITCODE" not in os.environ, reason="leaks are counted under the simulator only")
def test_nothing_is_left_at_exit():
    program = (
        "import braggrad, numpy as np\n"
        "g = braggrad.to_device(np.ones((5, 3)))\n"
        "capsule = g.__dlpack__()\n"
        "roots = braggrad.solve(g, energy=50)\n"
        "view = braggrad.Reflections.view(g)\n"
        "predictor = braggrad.Predictor(view, braggrad.to_device(np.eye(3)), braggrad.Geometry(energy=50))\n"
        "predictor()\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "cudasim: error" not in done.stderr, done.stderr
