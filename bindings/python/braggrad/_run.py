"""Where a call runs: its context, which all of its arrays must fit to, and the streams that it follows."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from ._arrays import Output, Shape, outputs, spread
from ._context import Context, context_of_thread, place_name
from ._device import DeviceArray, to_device, view_of


def device_of(arrays: Iterable[Any]) -> int | None:
    """The device of the first array that is on one (cuda:0 where it does not tell); None: the CPU."""
    for array in arrays:
        if isinstance(array, DeviceArray):
            return array.device or 0
    return None


class Run:
    """The context of a call: the one given, else the thread's own of the arrays' device."""

    def __init__(self, context: Context | None, arrays: Mapping[str, Any]) -> None:
        self.context = context_of_thread(context, device_of(arrays.values()))
        self.streams: list[int] = []
        for name, array in arrays.items():
            self.admit(name, array)

    def admit(self, name: str, array: Any) -> None:
        """An array of the call: must be of the context's device; its producer's work comes first."""
        device = self.context.device
        if isinstance(array, DeviceArray):
            if device is None or array.device not in (None, device):
                where = "the CPU" if device is None else place_name(device)
                raise ValueError(f"{name} is an array of {place_name(array.device)}: the context runs on {where}")
            if array.context is not None:
                if array.context is not self.context:
                    array.context.synchronize()
            elif array.stream not in (None, self.context.stream, *self.streams):
                assert array.stream is not None
                self.streams.append(array.stream)
        elif device is not None and array is not None and array.ndim:
            raise ValueError(f"{name} is an array of the host: the context runs on {place_name(device)}")

    def spread(self, name: str, array: Any, shape: Shape, dtype: np.dtype[Any]) -> Any:
        """The array in this shape and type: itself, or on the CPU a copy. One number is given to all."""
        if isinstance(array, DeviceArray):
            if array.dtype != dtype or array.size != np.prod(shape, dtype=int) or not array.is_contiguous:
                raise ValueError(
                    f"{name} has the shape {array.shape} and the type {array.dtype}: on a device a contiguous array "
                    f"of {dtype} in the shape {shape} is needed"
                )
            return array if array.shape == shape else array.part(shape)
        return self.held(spread(array, shape, dtype))

    def held(self, array: np.ndarray[Any, Any]) -> Any:
        """An array of the host where the context can read it."""
        return array if self.context.device is None else to_device(array, context=self.context)

    def empty(self, shape: Shape, dtype: Any) -> Any:
        """A new array of the context's device."""
        return np.empty(shape, dtype) if self.context.device is None else DeviceArray.empty(shape, dtype, self.context)

    def outputs(
        self, specification: Mapping[str, tuple[Shape, Any]], out: Any, inputs: Iterable[Any], accumulate: bool = False
    ) -> Any:
        """Results: arrays of the context's device, those of `out` where they are given; all are, to accumulate."""
        places = outputs(specification, out, inputs, Output if self.context.device is None else self._output)
        if accumulate:
            for name, place in places.items():
                if place.given is None:
                    raise ValueError(f"out has no {name}: accumulate adds to what is there")
                if isinstance(place, Output):
                    place.accumulate()
        return places

    def _output(
        self, name: str, shape: Shape, dtype: Any, given: Any, inputs: Iterable[Any]
    ) -> "Output | _DeviceOutput":
        return _DeviceOutput(self, f"out: {name}", shape, np.dtype(dtype), given, inputs)

    def call(self, function: Any, *arguments: Any) -> None:
        """Calls a function of the library in the context."""
        self.context.call(function, *arguments, streams=self.streams)


class _DeviceOutput:
    """A result on a device: memory that the library writes directly."""

    def __init__(
        self, run: Run, name: str, shape: Shape, dtype: np.dtype[Any], given: Any, inputs: Iterable[Any]
    ) -> None:
        self.given = given
        if given is None:
            self.buffer = DeviceArray.empty(shape, dtype, run.context)
            return
        view = view_of(name, given)
        if view is None:
            raise ValueError(
                f"{name} is a {type(given).__name__}: an array of {place_name(run.context.device)} is needed"
            )
        run.admit(name, view)
        if view.shape != shape:
            raise ValueError(f"{name} has the shape {view.shape}: {shape} is needed")
        if view.dtype != dtype or not view.is_contiguous:
            raise ValueError(f"{name} has the type {view.dtype}: on a device a contiguous array of {dtype} is needed")
        if view.read_only:
            raise ValueError(f"{name} is read-only")
        if any(isinstance(array, DeviceArray) and view.overlaps(array) for array in inputs):
            raise ValueError(f"{name} shares memory with an input, which on a device it must not")
        if view is given:
            view.written_by(run.context)
        self.buffer = view

    def overlaps(self, other: "_DeviceOutput") -> bool:
        """Whether this array and another one may share memory."""
        return self.buffer.overlaps(other.buffer)

    def result(self) -> Any:
        """The caller's array, or what was allocated here."""
        return self.buffer if self.given is None else self.given
