"""Calls like one that was made before: their structs are there, and only addresses are new.

A call that went the long way, through every check, leaves its structs with its context if its arrays are such that the
library reads and writes them as they are, and if it was not the first of its kind. The next one with the same
constants, and arrays of the same types and shapes, finds them by its key. What has no key, or no plan, goes the long
way, which has the words for what is wrong.
"""

import ctypes
import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from ._arrays import DOUBLE, SINGLE, Array, Shape, address
from ._context import Context, context_of_thread
from ._geometry import Geometry
from ._library import fail
from ._reflections import Reflections

_MOST = 64
"""Plans that a context keeps; with one more it begins anew."""

Place = tuple[Any, str]
"""A struct, and the name of its member that holds the address of an array."""


class Plan:
    """A function of the library with structs for all of its arguments but the context, which stay with the plan.

    `places` are those of the inputs and then of the outputs, in the order in which calls give their arrays; `results`
    are shape and type of each output by its name.
    """

    __slots__ = ("_arguments", "_cells", "_function", "_keep", "_lock", "_results", "names")

    def __init__(
        self,
        context: Context,
        function: Any,
        arguments: Sequence[Any],
        places: Iterable[Place],
        results: Mapping[str, tuple[Shape, Any]],
    ) -> None:
        self._lock = context.lock
        self._function = function
        by_address = (ctypes.byref(a) if isinstance(a, ctypes.Structure) else a for a in arguments)
        self._arguments = (context.handle, *by_address)
        self._keep = arguments
        # In half of the time of the structs' own members.
        self._cells = [
            ctypes.c_void_p.from_buffer(struct, getattr(type(struct), name).offset) for struct, name in places
        ]
        self.names = tuple(results)
        self._results = [(shape, dtype, math.prod(shape) * dtype.itemsize) for shape, dtype in results.values()]

    def call(self, addresses: Sequence[int | None]) -> None:
        """Calls the function with arrays at these addresses."""
        with self._lock:
            for cell, place in zip(self._cells, addresses, strict=False):
                cell.value = place
            status = self._function(*self._arguments)
            if status:
                fail(status)

    def call_on(self, context: Context, streams: Sequence[int], addresses: Sequence[int | None]) -> None:
        """The same on a device: after the work that the streams have, and before what they are given next."""
        with self._lock:
            for cell, place in zip(self._cells, addresses, strict=True):
                cell.value = place
            context.follow(streams, self._function, self._arguments[1:])

    def run(self, inputs: Sequence[Any], out: Any) -> Sequence[Array] | None:
        """The outputs, those of `out` where it is given; None, and no call, if the library cannot write into them."""
        addresses = [address(array) for array in inputs]
        if out is None:
            results: Sequence[Array] = [np.empty(shape, dtype) for shape, dtype, _ in self._results]
            addresses += [address(array) for array in results]
        else:
            places = self._places_in(out, inputs, addresses)
            if places is None:
                return None
            results = out
            addresses += places
        self.call(addresses)
        return results

    def _places_in(self, out: Any, inputs: Sequence[Any], addresses: Sequence[Any]) -> list[Any] | None:
        """Where the outputs go in arrays of the caller; None if the library cannot write there."""
        if not isinstance(out, tuple) or len(out) != len(self._results):
            return None
        spans = [(start, start + array.nbytes) for array, start in zip(inputs, addresses, strict=False)]
        places = []
        for array, (shape, dtype, size) in zip(out, self._results, strict=False):
            if type(array) is not np.ndarray or array.dtype is not dtype or array.shape != shape:
                return None
            if not array.flags.carray:  # contiguous, aligned, writeable
                return None
            place = address(array)
            for start, stop in spans:
                if place < stop and start < place + size:
                    return None
            spans.append((place, place + size))
            places.append(place)
        return places


_CONSTANTS = frozenset((type(None), bool, int, float, np.float64, str, tuple))


def key_of(
    name: str, reflections: Any, geometry: Any, constants: tuple[Any, ...], arrays: Sequence[Any]
) -> Hashable | None:
    """What tells a call from others that need other structs; None if there is an array that is not read as it is.

    The first of the arrays is always there, and all have its type. Constants are numbers, strings, and tuples of them.
    """
    if type(reflections) is not Reflections or not (geometry is None or type(geometry) is Geometry):
        return None
    first = arrays[0]
    dtype = first.dtype if type(first) is np.ndarray else None
    if dtype is not DOUBLE and dtype is not SINGLE:
        return None
    shapes: list[Shape | None] = []
    for array in arrays:
        if array is None:
            shapes.append(None)
            continue
        if type(array) is not np.ndarray or array.dtype is not dtype:
            return None
        flags = array.flags
        if not (flags.c_contiguous and flags.aligned):
            return None
        shapes.append(array.shape)
    for constant in constants:
        if type(constant) not in _CONSTANTS:
            return None
    values = None if geometry is None else geometry.values
    return name, reflections.key, values, dtype is DOUBLE, constants, *shapes


def plan_of(key: Hashable, context: Context | None) -> Plan | None:
    """The plan of a call that runs in this context, or in the thread's own."""
    plan: Plan | None = context_of_thread(context).plans.get(key)
    return plan


def keep(key: Hashable, context: Context, plan: Plan | None) -> None:
    """Leaves a plan with its context, or a mark that there was such a call."""
    if len(context.plans) >= _MOST:
        context.plans.clear()
    context.plans[key] = plan
