"""Arrays of CUDA devices: the package's own, and views of those of others."""

import ctypes
import math
import sys
from typing import Any

import numpy as np

from . import _dlpack
from ._context import Context, context_of_thread, destroy_with, place_name
from ._library import library

Shape = tuple[int, ...]


def _contiguous(shape: Shape, itemsize: int) -> Shape:
    strides = []
    for length in reversed(shape):
        strides.append(itemsize)
        itemsize *= length
    return tuple(reversed(strides))


class _Buffer:
    """Memory of a device, freed with this object."""

    def __init__(self, context: Context, size: int) -> None:
        self.handle = ctypes.c_void_p()
        context.call(library.brg_buffer_create, size, ctypes.byref(self.handle))
        self.pointer: int = library.brg_buffer_data(self.handle) or 0
        destroy_with(self, library.brg_buffer_destroy, self.handle, context.device)


class DeviceArray:
    """A contiguous array in the memory of a CUDA device: what calls answer with there.

    Made by `DeviceArray.empty`, `to_device` and the calls. Other packages take it without a copy:
    ``cupy.asarray(array)``, ``torch.from_dlpack(array)``, ``numba.cuda.as_cuda_array(array)``.

    Attributes
    ----------
    shape, dtype, ndim, size, nbytes
        As of a NumPy array.
    device : int or None
        Index of the CUDA device; None where the package that made the array does not tell it.

    Notes
    -----
    ``__cuda_array_interface__`` (version 3) names the stream of the context where one was given, else it waits for the
    context's work; ``__dlpack__`` makes the consumer's stream wait and not the host.
    """

    def __init__(
        self,
        pointer: int,
        shape: Shape,
        dtype: np.dtype[Any],
        *,
        device: int | None,
        owner: object,
        context: Context | None = None,
        stream: int | None = None,
        strides: Shape | None = None,
        read_only: bool = False,
    ) -> None:
        self.pointer = pointer
        self.shape = shape
        self.dtype = dtype
        self.device = device
        self.strides = _contiguous(shape, dtype.itemsize) if strides is None else strides
        self.read_only = read_only
        self.stream = stream  # of the producer, whose work on the array comes first
        self._owner = owner
        self._context = context  # whose work on the array comes first

    @classmethod
    def empty(cls, shape: Shape, dtype: Any, context: Context | None = None) -> "DeviceArray":
        """An array with undefined contents, on the device of the context (default: this thread's own of cuda:0)."""
        context = context_of_thread(context, 0)
        if context.device is None:
            raise ValueError("context runs on the CPU: one of a CUDA device is needed")
        kind = np.dtype(dtype)
        buffer = _Buffer(context, math.prod(shape) * kind.itemsize)
        return cls(buffer.pointer, tuple(shape), kind, device=context.device, owner=buffer, context=context)

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        return self.size * self.dtype.itemsize

    @property
    def context(self) -> Context | None:
        """The context that wrote the array last; None for an array of another package."""
        return self._context

    @property
    def is_contiguous(self) -> bool:
        """Whether the rows lie one after the other; strides of axes of length 1 do not matter."""
        whole = _contiguous(self.shape, self.dtype.itemsize)
        rows = zip(self.shape, self.strides, whole, strict=True)
        return self.size == 0 or all(length == 1 or stride == needed for length, stride, needed in rows)

    def written_by(self, context: Context) -> None:
        """Notes who must be waited for before the contents are read."""
        self._context = context

    def part(self, shape: Shape, strides: Shape | None = None) -> "DeviceArray":
        """A view of the first numbers in another shape."""
        return DeviceArray(
            self.pointer,
            shape,
            self.dtype,
            device=self.device,
            owner=self._owner,
            context=self._context,
            stream=self.stream,
            strides=strides,
            read_only=self.read_only,
        )

    def overlaps(self, other: "DeviceArray") -> bool:
        """Whether a write to this array may change the other one."""
        if not (self.size and other.size):
            return False
        return self.pointer < other.pointer + _extent(other) and other.pointer < self.pointer + _extent(self)

    def numpy(self) -> np.ndarray[Any, Any]:
        """A copy in host memory, after the work that was given to the array's context."""
        context, buffer = self._own()
        host = np.empty(self.shape, self.dtype)
        if host.size:
            context.call(library.brg_buffer_download, buffer.handle, 0, host.ctypes.data, host.nbytes)
        return host

    def copy_from(self, source: Any) -> "DeviceArray":
        """Overwrites the array with one of the host of the same shape, cast to its type; returns itself."""
        context, buffer = self._own()
        host = np.require(source, self.dtype, ("C", "A"))
        if host.shape != self.shape:
            raise ValueError(f"source has the shape {host.shape}: {self.shape} is needed")
        if host.size:
            context.call(library.brg_buffer_upload, buffer.handle, 0, host.ctypes.data, host.nbytes)
        return self

    def _own(self) -> tuple[Context, _Buffer]:
        if not isinstance(self._owner, _Buffer) or self._context is None:
            raise ValueError("the array belongs to another package: copy it with that one")
        return self._context, self._owner

    @property
    def __cuda_array_interface__(self) -> dict[str, Any]:
        stream = self.stream
        if self._context is not None:
            stream = self._context.stream
            if not stream:  # the handle of the context's own stream is nobody else's, and 0 is no answer
                self._context.synchronize()
                stream = None
        return {
            "version": 3,
            "shape": self.shape,
            "typestr": self.dtype.str,
            "data": (self.pointer, self.read_only),
            "strides": None if self.is_contiguous else self.strides,
            "stream": stream,
        }

    def __dlpack_device__(self) -> tuple[int, int]:
        return _dlpack.CUDA, self.device or 0

    def __dlpack__(
        self,
        *,
        stream: int | None = None,
        max_version: tuple[int, int] | None = None,
        dl_device: tuple[int, int] | None = None,
        copy: bool | None = None,
    ) -> Any:
        if copy or (dl_device is not None and tuple(dl_device) != self.__dlpack_device__()):
            raise BufferError("the array is given as it is: no copy is made, nor on another device")
        context, _ = self._own()
        if stream != -1:
            context.let_wait(_dlpack.LEGACY_STREAM if stream is None else stream)
        return _dlpack.export(self.pointer, self.device or 0, self.shape, self.dtype, self._owner)

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("the array is one number: it has no length")
        return self.shape[0]

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise TypeError(f"the array is on {place_name(self.device)}: numpy() copies it to the host")

    def __float__(self) -> float:
        raise ValueError(f"one number is on {place_name(self.device)}: give one of the host")

    def __repr__(self) -> str:
        return f"<DeviceArray of {self.dtype}, shape {self.shape}, on {place_name(self.device)}>"


def _extent(array: DeviceArray) -> int:
    """Bytes from the first number to the end of the last one."""
    steps = ((length - 1) * stride for length, stride in zip(array.shape, array.strides, strict=True))
    return sum(steps) + array.dtype.itemsize


def to_device(array: Any, *, context: Context | None = None) -> DeviceArray:
    """A copy of an array of the host on the device of a context (default: this thread's own of cuda:0)."""
    host = np.asarray(array)
    if host.dtype.kind not in "fiub":
        raise ValueError(f"array has the type {host.dtype}: real numbers are needed")
    return DeviceArray.empty(host.shape, host.dtype, context).copy_from(host)


def view_of(name: str, value: Any) -> DeviceArray | None:
    """An array of a CUDA device as one of ours, without a copy; None for what is of the host.

    Tensors of PyTorch come with their device's current stream, others with the stream that their interface names.
    """
    if isinstance(value, DeviceArray):
        return value
    try:
        if "torch" in sys.modules and isinstance(value, sys.modules["torch"].Tensor):
            return _of_tensor(value) if value.is_cuda else None
        interface = getattr(value, "__cuda_array_interface__", None)
        kind, device = _device_of(value)
        if interface is not None and (kind == 0 or interface["version"] >= 3):
            return _of_interface(interface, value, device)
        if kind in (_dlpack.CUDA, _dlpack.CUDA_MANAGED):
            return _of_capsule(value, device)
    except Exception as error:
        raise ValueError(f"{name} cannot be read as an array of a device: {error}") from error
    return None


def _device_of(value: Any) -> tuple[int, int | None]:
    """DLPack's kind and index of the device; 0 and None where the array does not tell."""
    ask = getattr(value, "__dlpack_device__", None)
    if ask is None or not hasattr(value, "__dlpack__"):
        return 0, None
    kind, device = ask()
    return int(kind), int(device)


def _of_tensor(tensor: Any) -> DeviceArray:
    if tensor.is_neg():
        raise ValueError("its numbers have the other sign in memory, resolve_neg() gives them theirs")
    dtype = np.dtype(str(tensor.dtype).removeprefix("torch."))
    index = tensor.device.index
    return DeviceArray(
        tensor.data_ptr(),
        tuple(tensor.shape),
        dtype,
        device=index,
        owner=tensor,
        stream=sys.modules["torch"].cuda.current_stream(index).cuda_stream,
        strides=tuple(step * dtype.itemsize for step in tensor.stride()),
    )


def _of_interface(interface: dict[str, Any], value: Any, device: int | None) -> DeviceArray:
    if interface.get("mask") is not None:
        raise ValueError("it has a mask")
    pointer, read_only = interface["data"]
    # Before version 3 there is no word about streams: what others mean then is the legacy default stream.
    stream = interface.get("stream") if interface["version"] >= 3 else _dlpack.LEGACY_STREAM
    if stream == 0:
        raise ValueError("its stream is 0, which can mean two streams")
    strides = interface.get("strides")
    return DeviceArray(
        pointer or 0,
        tuple(interface["shape"]),
        np.dtype(interface["typestr"]),
        device=device,
        owner=value,
        stream=stream,
        strides=None if strides is None else tuple(strides),
        read_only=bool(read_only),
    )


def _of_capsule(value: Any, device: int | None) -> DeviceArray:
    # The legacy default stream is made to wait for the producer; calls then follow that one.
    tensor = _dlpack.Imported(value.__dlpack__(stream=_dlpack.LEGACY_STREAM))
    return DeviceArray(
        tensor.pointer,
        tensor.shape,
        tensor.dtype,
        device=device,
        owner=tensor,
        stream=_dlpack.LEGACY_STREAM,
        strides=tensor.strides,
    )
