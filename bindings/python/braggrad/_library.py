"""Finds and loads libbraggrad, and turns its statuses into exceptions."""

import ctypes
import ctypes.util
import os
import pathlib
from types import SimpleNamespace
from typing import Any

import numpy as np

from . import _abi as abi

_EXCEPTIONS: dict[int, type[Exception]] = {
    abi.BRG_ERROR_INVALID_ARGUMENT: ValueError,
    abi.BRG_ERROR_WRONG_DEVICE: ValueError,
    abi.BRG_ERROR_OUT_OF_MEMORY: MemoryError,
}  # all others: RuntimeError


def _path() -> str:
    """The library: the one that BRAGGRAD_LIBRARY names, else the one beside this file, else the system's."""
    named = os.environ.get("BRAGGRAD_LIBRARY")
    if named:
        if not pathlib.Path(named).is_file():
            raise ImportError(f"BRAGGRAD_LIBRARY names no file: {named}")
        return str(pathlib.Path(named).resolve())
    beside = pathlib.Path(__file__).with_name("libbraggrad.so.0")
    if beside.is_file():
        return str(beside)
    found = ctypes.util.find_library("braggrad")
    if not found:
        raise ImportError(
            "libbraggrad is not there: install the package (pip install .), or let BRAGGRAD_LIBRARY name the library"
        )
    return found


def _load() -> ctypes.CDLL:
    loaded = ctypes.CDLL(_path())
    loaded.brg_abi_version.restype = ctypes.c_uint32
    if loaded.brg_abi_version() != abi.BRG_ABI_VERSION:
        raise ImportError(
            f"{loaded._name} has ABI {loaded.brg_abi_version()}, this package is for ABI {abi.BRG_ABI_VERSION}"
        )
    abi.declare(loaded)
    return loaded


library = _load()


def fail(status: int) -> None:
    """Raises what belongs to a status that is not 0, with the library's own sentence."""
    kind = _EXCEPTIONS.get(status, RuntimeError)
    message = library.brg_last_error().decode()
    raise kind(message if kind is not RuntimeError else f"{library.brg_status_name(status).decode()}: {message}")


def require(status: int) -> None:
    """Raises where a call failed."""
    if status:
        fail(status)


def _family(suffix: str) -> SimpleNamespace:
    """The functions and structs of one precision without prefix and suffix: `solve`, `items`, ..."""
    functions = {name: getattr(library, name) for name in abi.FUNCTIONS if name.endswith(suffix)}
    structs = {name: struct for name, struct in vars(abi).items() if name.endswith(suffix)}
    return SimpleNamespace(
        **{name.removeprefix("brg_").removesuffix(suffix): item for name, item in (functions | structs).items()}
    )


FAMILIES: dict[np.dtype[Any], Any] = {
    np.dtype(np.float32): _family("_f32"),
    np.dtype(np.float64): _family("_f64"),
}


def version() -> str:
    """Version of the library that is loaded, "major.minor.patch"."""
    return str(library.brg_version().decode())


def build_info() -> str:
    """One line about the library that is loaded: compiler, CUDA toolkit, instruction sets."""
    return str(library.brg_build_info().decode())
