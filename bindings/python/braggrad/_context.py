"""Contexts: where calls run. Each thread has one of its own for calls that name none."""

import ctypes
import os
import threading
import weakref
from collections.abc import Callable
from typing import Any

from . import _abi as abi
from ._library import fail, library, require


class Context:
    """Cores to run on. Calls on NumPy arrays take one as `context=`; without it they use their thread's own.

    Parameters
    ----------
    threads : int
        Threads of the calls; 0: all cores that this process may use; 1: none but the caller's.
    max_pairs_per_launch : int
        Larger batches are split; 0: 2**30. Answers do not depend on it, nor on `threads`, to the bit.

    Raises
    ------
    ValueError
        For a negative argument.
    MemoryError
        If there is no memory for it.

    Notes
    -----
    Calls from several threads on one context wait for each other. After ``os.fork()`` a child must make its own;
    one of its parent answers RuntimeError. Source: ``include/braggrad/context.h``.
    """

    def __init__(self, *, threads: int = 0, max_pairs_per_launch: int = 0) -> None:
        options = abi.brg_context_options(
            backend=abi.BRG_BACKEND_CPU, threads=threads, max_pairs_per_launch=max_pairs_per_launch
        )
        handle = ctypes.c_void_p()
        require(library.brg_context_create(options, ctypes.byref(handle)))
        self.handle = handle
        self.lock = threading.Lock()
        weakref.finalize(self, library.brg_context_destroy, handle)
        _all.add(self)

    def call(self, function: Callable[..., int], *arguments: Any) -> None:
        """Calls a compute function of the library with this context as its first argument."""
        with self.lock:
            status = function(self.handle, *arguments)
            if status:
                fail(status)


_all: "weakref.WeakSet[Context]" = weakref.WeakSet()


class _Own(threading.local):
    context: Context | None = None


_own = _Own()


def _after_fork() -> None:
    """In a child: threads get contexts anew, and a lock that a thread of the parent held stops nobody."""
    global _own
    _own = _Own()
    for context in _all:
        context.lock = threading.Lock()


os.register_at_fork(after_in_child=_after_fork)


def context_of_thread(context: Context | None = None) -> Context:
    """The context given, or this thread's own, made at its first use."""
    if context is not None:
        return context
    if _own.context is None:
        _own.context = Context()
    return _own.context
