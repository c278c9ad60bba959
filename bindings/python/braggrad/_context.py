"""Contexts: where calls run. Each thread has one of its own for calls that name none."""

import ctypes
import os
import threading
import weakref
from collections.abc import Callable, Sequence
from typing import Any

from . import _abi as abi
from ._library import fail, library, require


def device_index(device: str | int | None) -> int | None:
    """Index of a CUDA device that is named "cuda", "cuda:N" or N; None for "cpu" and None."""
    if device is None or device == "cpu":
        return None
    if isinstance(device, str):
        name, _, index = device.partition(":")
        if name != "cuda" or not (index.isdecimal() or device == "cuda"):
            raise ValueError(f"device is {device!r}: cpu, cuda and cuda:N are possible")
        return int(index or 0)
    return int(device)


def place_name(device: int | None) -> str:
    """How messages call the device of an array."""
    return "a CUDA device" if device is None else f"cuda:{device}"


def destroy_with(owner: object, destroy: Callable[..., Any], handle: ctypes.c_void_p, device: int | None) -> None:
    """Destroys what a handle is for when its owner is gone; of the CPU not at the end of the process, which frees all.

    Threads that the interpreter does not wait for, daemons, are still in calls then.
    """
    weakref.finalize(owner, destroy, handle).atexit = device is not None


class Context:
    """Where calls run. They take one as `context=`; without it they use their thread's own of their arrays' device.

    Parameters
    ----------
    device : {"cpu", "cuda", "cuda:N"} or int, optional
        A number is that of a CUDA device. Arrays of calls must be of this device.
    stream : int, optional
        Address of the CUDA stream (cudaStream_t; 1: the legacy default stream) that calls are given to; it lives
        longer than the context. Default: one of the context's own.
    threads : int
        Threads of the calls; 0: all cores that this process may use; 1: none but the caller's.
    max_pairs_per_launch : int
        Larger batches are split; 0: 2**30. Answers do not depend on it, nor on `threads`, to the bit.

    Raises
    ------
    ValueError
        For a negative argument, or a stream on the CPU.
    RuntimeError
        If there is no such device.
    MemoryError
        If there is no memory for it.

    Notes
    -----
    Calls from several threads on one context wait for each other. After ``os.fork()`` a child must make its own;
    one of its parent answers RuntimeError. Source: ``include/braggrad/context.h``.
    """

    def __init__(
        self,
        *,
        device: str | int | None = None,
        stream: int | None = None,
        threads: int = 0,
        max_pairs_per_launch: int = 0,
    ) -> None:
        self.device = device_index(device)
        self.stream = stream
        if stream is not None and self.device is None:
            raise ValueError("stream is given: a context of the CPU has none")
        for name, value in (("threads", threads), ("max_pairs_per_launch", max_pairs_per_launch)):
            if not hasattr(value, "__index__"):
                raise ValueError(f"{name} is {value!r}: a whole number is needed")
        options = abi.brg_context_options(
            backend=abi.BRG_BACKEND_CPU if self.device is None else abi.BRG_BACKEND_CUDA,
            device=self.device or 0,
            threads=threads,
            max_pairs_per_launch=max_pairs_per_launch,
        )
        handle = ctypes.c_void_p()
        require(library.brg_context_create(options, ctypes.byref(handle)))
        self.handle = handle
        self.lock = threading.Lock()
        self.plans: dict[Any, Any] = {}  # of _plan.py
        destroy_with(self, library.brg_context_destroy, handle, self.device)
        if stream is not None:
            self._use_stream()
        _all.add(self)

    def __reduce__(self) -> tuple[Any, ...]:
        raise TypeError("a Context cannot be copied or sent: make one where it is used")

    def call(self, function: Callable[..., int], *arguments: Any, streams: Sequence[int] = ()) -> None:
        """Calls a compute function of the library with this context as its first argument.

        With `streams` the call comes after the work that they have, and before the work that they are given next.
        """
        with self.lock:
            if streams:
                self.follow(streams, function, arguments)
                return
            status = function(self.handle, *arguments)
            if status:
                fail(status)

    def follow(self, streams: Sequence[int], function: Callable[..., int], arguments: Sequence[Any]) -> None:
        """`call` with streams, for those who have the lock."""
        # The library makes each stream wait for the one before: the call runs on the last and all others wait for it.
        try:
            for stream in streams:
                require(library.brg_context_set_stream(self.handle, stream))
            require(function(self.handle, *arguments))
        finally:
            for stream in reversed(streams[:-1]):
                require(library.brg_context_set_stream(self.handle, stream))
            self._use_stream()

    def _use_stream(self) -> None:
        if self.stream is None:
            require(library.brg_context_use_own_stream(self.handle))
        else:
            require(library.brg_context_set_stream(self.handle, self.stream))

    def let_wait(self, stream: int) -> None:
        """Makes a stream wait for the work that this context has been given; the host goes on."""
        with self.lock:
            try:
                require(library.brg_context_set_stream(self.handle, stream))
            finally:
                self._use_stream()

    def synchronize(self) -> None:
        """Waits until the work that this context has been given is done; RuntimeError if it failed."""
        self.call(library.brg_context_synchronize)


_all: "weakref.WeakSet[Context]" = weakref.WeakSet()


class _Own(threading.local):
    def __init__(self) -> None:
        self.contexts: dict[tuple[int | None, int], Context] = {}  # by device and threads


_own = _Own()


def _after_fork() -> None:
    """In a child: threads get contexts anew, and a lock that a thread of the parent held stops nobody."""
    global _own
    _own = _Own()
    for context in _all:
        context.lock = threading.Lock()
        context.plans.clear()  # they have the lock from before


os.register_at_fork(after_in_child=_after_fork)


def context_of_thread(context: Context | None = None, device: int | None = None, threads: int = 0) -> Context:
    """The context given, or this thread's own of a device (None: the CPU), made at its first use."""
    if context is not None:
        if not isinstance(context, Context):
            raise ValueError(f"context is a {type(context).__name__}: a Context is needed")
        return context
    own = _own.contexts.get((device, threads))
    if own is None:
        own = _own.contexts[device, threads] = Context(device=device, threads=threads)
    return own
