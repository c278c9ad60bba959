"""Calls like one that was made before: their structs are there, and only addresses are new.

A call that went the long way, through every check, leaves its structs with its context if its arrays are such that the
library reads and writes them as they are, and if it was not the first of its kind. The next one with the same
constants, and arrays of the same types and shapes, finds them by its key. What has no key, or no plan, goes the long
way, which has the words for what is wrong.
"""

import ctypes
import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from types import NoneType
from typing import Any

import numpy as np
from numpy import empty, ndarray

from ._arrays import DOUBLE, SINGLE, Array, Shape, address, address_of, from_buffer
from ._context import Context, context_of_thread
from ._geometry import Geometry
from ._library import fail
from ._reflections import Reflections

_MOST = 64
"""Plans that a context keeps, and lists of addresses that a plan does; with one more they begin anew."""

Place = tuple[Any, str]
"""A struct, and the name of its member that holds the address of an array."""


class Plan:
    """A function of the library with structs for all of its arguments but the context, which stay with the plan.

    `places` are those of the inputs and then of the outputs, in the order in which calls give their arrays. `run` needs
    `read`, arrays like the inputs, and `results`, shape and type of each output by its name;
    `viewed` is what it reads too, always there: what the reflections are a view of.
    """

    __slots__ = (
        "_arguments",
        "_cells",
        "_extents",
        "_fit",
        "_function",
        "_keep",
        "_lock",
        "_results",
        "_there",
        "_viewed",
        "names",
    )

    def __init__(
        self,
        context: Context,
        function: Any,
        arguments: Sequence[Any],
        places: Iterable[Place],
        read: Sequence[Array] = (),
        results: Mapping[str, tuple[Shape, Any]] | None = None,
        viewed: Array | None = None,
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
        self._there: Sequence[int | None] | None = None  # the addresses in the structs
        written = results or {}
        self.names = tuple(written)
        # With their numbers, which cost a third of zip(strict=True).
        self._results = [(number, shape, dtype) for number, (shape, dtype) in enumerate(written.values())]
        self._extents = [
            *((array.nbytes, array.itemsize, False) for array in read),
            *((math.prod(shape) * dtype.itemsize, dtype.itemsize, True) for shape, dtype in written.values()),
        ]
        start: Any = address(viewed)
        self._viewed: list[tuple[int, int]] = [] if viewed is None else [(start, start + viewed.nbytes)]
        self._fit: set[tuple[int, ...]] = set()  # addresses of which `_are_fit` is known

    def call(self, addresses: Sequence[int | None]) -> None:
        """Calls the function with arrays at these addresses."""
        with self._lock:
            if addresses != self._there:
                self._set(addresses)
            status = self._function(*self._arguments)
            if status:
                fail(status)

    def call_on(self, context: Context, streams: Sequence[int], addresses: Sequence[int | None]) -> None:
        """The same on a device: after the work that the streams have, and before what they are given next."""
        with self._lock:
            self._set(addresses)
            context.follow(streams, self._function, self._arguments[1:])

    def _set(self, addresses: Sequence[int | None]) -> None:
        self._there = None  # whoever is interrupted here leaves some of them
        for cell, place in zip(self._cells, addresses, strict=False):
            cell.value = place
        self._there = addresses

    def run(self, inputs: Sequence[Any], out: Any) -> Sequence[Array] | None:
        """The outputs, those of `out` where it is given; None, and no call, if an array is not used as it is.

        The inputs have the types and shapes of the plan's key, and are None where that is.
        """
        addresses: list[int | None] = []
        for array in inputs:
            if array is None:
                continue
            try:  # less than to look at the array's flags: what is not contiguous is refused, as is what is read-only
                addresses.append(address_of(from_buffer(array)))
            except (TypeError, ValueError):
                if not array.flags.c_contiguous:
                    return None
                addresses.append(address(array))
        return self._run_new(addresses) if out is None else self._run_into(out, addresses)

    def _run_new(self, addresses: list[Any]) -> Sequence[Array] | None:
        """The rest of `run` with new arrays, from the inputs' addresses."""
        itemsize = self._extents[0][1]
        for place in addresses:
            if place % itemsize:
                return None
        results = []
        for _, shape, dtype in self._results:
            array = empty(shape, dtype)
            results.append(array)
            try:
                addresses.append(address_of(from_buffer(array)))
            except ValueError:  # empty
                addresses.append(address(array))
        self.call(addresses)
        return results

    def _run_into(self, out: Any, addresses: list[Any]) -> Sequence[Array] | None:
        """The rest of `run` with the caller's arrays."""
        if not isinstance(out, tuple) or len(out) != len(self._results):
            return None
        for number, shape, dtype in self._results:
            array = out[number]
            if type(array) is not ndarray or array.dtype is not dtype or array.shape != shape:
                return None
            try:
                addresses.append(address_of(from_buffer(array)))
            except (TypeError, ValueError):  # read-only, not contiguous, or empty
                return None
        places = tuple(addresses)
        if places not in self._fit and not self._are_fit(places):
            return None
        self.call(places)
        results: Sequence[Array] = out
        return results

    def _are_fit(self, addresses: tuple[int, ...]) -> bool:
        """Whether arrays are aligned, and no output shares memory with others: a matter of their addresses alone."""
        spans = list(self._viewed)
        for start, (size, itemsize, is_written) in zip(addresses, self._extents, strict=True):
            if start % itemsize:
                return False
            stop = start + size
            if is_written:
                for first, last in spans:
                    if first < stop and start < last:
                        return False
            spans.append((start, stop))
        if len(self._fit) >= _MOST:
            self._fit.clear()
        self._fit.add(addresses)
        return True


NUMBERS = frozenset((NoneType, bool, int, float, np.float64))
"""Types of what keys may hold as it is: no plan keeps the memory of arrays, nor of lists and tuples that become one."""


def key_of(
    name: Hashable, reflections: Any, geometry: Any, numbers: tuple[Any, ...] | None, first: Any, *more: Any
) -> Hashable | None:
    """What tells a call from others that need other structs; None if there is one that no plan is kept for.

    `numbers` are None where all of them have their defaults. Of the arrays the first is always there; whether they are
    read as they are is seen when they are.
    """
    if type(reflections) is not Reflections or type(first) is not ndarray:
        return None
    beam = None
    if geometry is not None:
        if type(geometry) is not Geometry:
            return None
        beam = geometry.key
    dtype = first.dtype
    if dtype is not DOUBLE and dtype is not SINGLE:
        return None
    if numbers is not None:
        for number in numbers:
            if type(number) not in NUMBERS:
                return None
    if not more:
        return name, reflections.key, beam, dtype, first.shape, numbers
    shapes: list[Shape | None] = []
    for array in more:
        if array is None:
            shapes.append(None)
        elif type(array) is ndarray and array.dtype is dtype:
            shapes.append(array.shape)
        else:
            return None
    return name, reflections.key, beam, dtype, first.shape, numbers, *shapes


def plan_of(key: Hashable, context: Context | None) -> Plan | None:
    """The plan of a call that runs in this context, or in the thread's own."""
    plans = context_of_thread(context).plans
    try:
        plan: Plan | None = plans.get(key)
    except TypeError:  # names that are no names
        return None
    return plan


def keep(key: Hashable, context: Context, plan: Plan | None) -> None:
    """Leaves a plan with its context, or a mark that there was such a call."""
    if len(context.plans) >= _MOST:
        context.plans.clear()
    context.plans[key] = plan
