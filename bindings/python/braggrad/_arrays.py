"""NumPy arrays in and out of the library: types, shapes, copies only where they must be."""

from __future__ import annotations

import ctypes
import itertools
import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ._context import place_name
from ._device import DeviceArray, view_of

Array = NDArray[Any]
Shape = tuple[int, ...]

SINGLE: np.dtype[Any] = np.dtype(np.float32)
DOUBLE: np.dtype[Any] = np.dtype(np.float64)


def has_masked_values(value: Any) -> bool:
    """Whether a value is masked in an array, or in one that stands in a list: NumPy would read what lies below."""
    if isinstance(value, np.ma.MaskedArray):
        return bool(np.ma.is_masked(value))
    if not isinstance(value, list | tuple):
        return False
    kinds = set(map(type, value))  # long lists are of numbers
    return not kinds <= {int, float} and any(map(has_masked_values, value))


def as_real(name: str, value: ArrayLike) -> Array:
    """The value as an array of real numbers, of whatever type it has; one of a device as a `DeviceArray`."""
    array: Any = None if type(value) is np.ndarray else view_of(name, value)
    if array is None:
        if has_masked_values(value):
            raise ValueError(f"{name} has masked values: fill them, with nan where a target is missing")
        try:
            array = np.asarray(value)
        except (TypeError, ValueError) as error:  # rows of different lengths, for one
            raise ValueError(f"{name} is no array: {error}") from None
    if array.dtype.kind not in "fiub":
        raise ValueError(f"{name} has the type {array.dtype}: real numbers are needed")
    return array  # type: ignore[no-any-return]


def as_host(name: str, value: ArrayLike) -> Array:
    """The value as an array of real numbers of the host, where nothing else is read."""
    array = as_real(name, value)
    if isinstance(array, DeviceArray):
        raise ValueError(f"{name} is an array of {place_name(array.device)}: one of the host is needed")
    return array


def number(name: str, value: Any) -> float:
    """One number of the caller's."""
    try:
        return float(value)
    except (TypeError, ValueError):
        raise ValueError(f"{name} is {value!r}: a number is needed") from None


def positive(name: str, value: Any) -> Any:
    """One number of the caller's that must be finite and > 0."""
    if not 0 < value < math.inf:
        raise ValueError(f"{name} is {value}: it must be finite and positive")
    return value


def names_in(name: str, value: Any, known: Iterable[str]) -> tuple[str, ...]:
    """The names that are given, of which a single one may stand without a tuple; each must be known."""
    try:
        names = (value,) if isinstance(value, str) else tuple(value)
    except TypeError:
        raise ValueError(f"{name} is {value!r}: names are needed, of {', '.join(known)}") from None
    for one in names:
        if not isinstance(one, str) or one not in known:
            raise ValueError(f"{name} has {one!r}: {', '.join(known)} are possible")
    return names


def precision(*arrays: Array | None) -> np.dtype[Any]:
    """float32 if all arrays that are there have it (or less), else float64; single numbers have no say."""
    single = False
    for array in arrays:
        if array is None or not array.ndim:
            continue
        if array.dtype.kind != "f" or array.dtype.itemsize > 4:
            return DOUBLE
        single = True
    return SINGLE if single else DOUBLE


def require_tail(name: str, array: Array, *tail: int) -> Array:
    """The array, if it has the shape (..., *tail)."""
    if array.shape[array.ndim - len(tail) :] != tail or array.ndim < len(tail):
        raise ValueError(f"{name} has the shape {array.shape}: (..., {', '.join(map(str, tail))}) is needed")
    return array


def batch_of(**shapes: Shape | None) -> Shape:
    """The common shape of all that is there; an error names who does not fit."""
    batch: Shape = ()
    for name, shape in shapes.items():
        if shape is None or shape == batch:
            continue
        try:
            batch = np.broadcast_shapes(batch, shape)
        except ValueError:
            raise ValueError(f"{name} has the batch shape {shape}: it does not fit to {batch}") from None
    return batch


def spread(array: Array, shape: Shape, dtype: np.dtype[Any]) -> Array:
    """The array in this shape and type, contiguous and aligned; itself where it is so already."""
    if array.shape != shape:
        array = array.reshape(shape) if array.size == math.prod(shape) else np.broadcast_to(array, shape)
    flags = array.flags
    if array.dtype == dtype and flags.c_contiguous and flags.aligned:
        return array
    return np.require(array, dtype, ("C", "A"))


from_buffer: Any = ctypes.c_char.from_buffer
address_of = ctypes.addressof


def address(array: Array | None) -> int | None:
    """Where the array's numbers are."""
    if array is None:
        return None
    try:  # in a fifth of the time of `array.ctypes.data`
        return address_of(from_buffer(array))
    except (TypeError, ValueError):  # of a device, read-only, empty
        pointer: int = array.pointer if isinstance(array, DeviceArray) else array.__array_interface__["data"][0]
        return pointer


def first(array: Array, axes: int) -> Array:
    """The first entry along so many last axes: an array of the batch's shape."""
    if isinstance(array, DeviceArray):
        keep = array.ndim - axes
        return array.part(array.shape[:keep], array.strides[:keep])
    for _ in range(axes):
        array = array[..., 0]
    return array


def gathered(array: Array, shape: Shape) -> Array:
    """Sum in float64 over the axes along which an input of this shape was broadcast: the adjoint of `spread`."""
    extra = array.ndim - len(shape)
    repeated = tuple(axis + extra for axis, length in enumerate(shape) if length == 1 != array.shape[axis + extra])
    axes = (*range(extra), *repeated)
    if not axes:
        return array
    total: Array = array.sum(axis=axes, keepdims=True, dtype=np.float64)
    return total.astype(array.dtype).reshape(shape)


_EFFORT = 10_000
"""Of NumPy's search for memory that two arrays share, if their bounds overlap; beyond it they are taken to."""


def _lies_on_itself(array: Array) -> bool:
    """Whether two entries may be one number in memory: an axis does not step over those that have shorter steps."""
    if array.flags.forc or not array.size:
        return False
    extent = array.itemsize
    for stride, length in sorted(zip(map(abs, array.strides), array.shape, strict=True)):
        if length > 1:
            if stride < extent:
                return True
            extent += (length - 1) * stride
    return False


class Output:
    """A result: the memory that the library writes, and the array that the caller gets."""

    def __init__(self, name: str, shape: Shape, dtype: Any, given: Array | None, inputs: Iterable[Array | None]):
        dtype = np.dtype(dtype)
        self.given = given
        self.added = False
        if given is None:
            self.buffer = np.empty(shape, dtype)
            return
        if not isinstance(given, np.ndarray):
            raise ValueError(f"out: {name} is a {type(given).__name__}: an array is needed")
        if has_masked_values(given):
            raise ValueError(f"out: {name} has masked values, which would stay masked: give its data")
        if given.shape != shape:
            raise ValueError(f"out: {name} has the shape {given.shape}: {shape} is needed")
        same = given.dtype == dtype
        if not same and not np.can_cast(dtype, given.dtype, "same_kind"):
            raise ValueError(f"out: {name} has the type {given.dtype}, which {dtype} cannot be cast to")
        flags = given.flags
        if not flags.writeable:
            raise ValueError(f"out: {name} is read-only")
        if _lies_on_itself(given):
            raise ValueError(f"out: {name} has entries that share memory with each other")
        fits = same and flags.c_contiguous and flags.aligned
        alone = not any(array is not None and np.may_share_memory(given, array) for array in inputs)
        self.buffer = given if fits and alone else np.empty(shape, dtype)

    def overlaps(self, other: Output) -> bool:
        """Whether this array of the caller's and another one share memory."""
        assert self.given is not None and other.given is not None
        return np.may_share_memory(self.given, other.given, _EFFORT)  # type: ignore[arg-type]  # any effort is allowed

    def accumulate(self) -> None:
        """Adds to the caller's array: directly, or from zero on in memory that is added at the end."""
        if self.given is not self.buffer:
            self.added = True
            self.buffer.fill(0)

    def result(self) -> Array:
        """The caller's array, filled; what was allocated here as it is."""
        if self.given is None:
            return self.buffer
        if self.added:
            np.add(self.given, self.buffer, out=self.given, casting="same_kind")
        elif self.given is not self.buffer:
            np.copyto(self.given, self.buffer, casting="same_kind")
        return self.given


def outputs(
    specification: Mapping[str, tuple[Shape, Any]],
    out: Any,
    inputs: Iterable[Array | None],
    make: Callable[..., Any] = Output,
) -> dict[str, Any]:
    """An output for each name; `out` is None, a tuple in this order (None: to be allocated), or a mapping."""
    inputs = tuple(inputs)
    if out is None:
        given = {}
    elif isinstance(out, Mapping):
        given = dict(out)
        unknown = given.keys() - specification.keys()
        if unknown:
            raise ValueError(f"out has {', '.join(sorted(unknown))}: only {', '.join(specification)} are computed")
    else:
        parts = tuple(out) if isinstance(out, tuple | list) else (out,)
        if len(parts) != len(specification):
            raise ValueError(f"out has {len(parts)} arrays: {', '.join(specification)} are needed")
        given = dict(zip(specification, parts, strict=True))
    made = {name: make(name, shape, dtype, given.get(name), inputs) for name, (shape, dtype) in specification.items()}
    _require_apart({name: place for name, place in made.items() if place.given is not None})
    return made


def _require_apart(places: Mapping[str, Any]) -> None:
    """Arrays of the caller's that are written must not share memory with each other."""
    for (name, place), (other, beside) in itertools.combinations(places.items(), 2):
        if place.overlaps(beside):
            raise ValueError(f"out: {name} and {other} share memory")
