"""DLPack by ctypes: what a capsule of another package describes, and capsules of arrays of this one.

Source: the DLPack specification, unversioned structs ("dltensor"), which all packages read and write.
"""

import ctypes as c
from typing import Any

import numpy as np

CUDA, CUDA_MANAGED = 2, 13
LEGACY_STREAM = 1
_KINDS = {"i": 0, "u": 1, "f": 2, "b": 6}
_LETTERS = {code: letter for letter, code in _KINDS.items()}
_DELETER = c.CFUNCTYPE(None, c.c_void_p)
_DESTRUCTOR = c.PYFUNCTYPE(None, c.c_void_p)


class _Tensor(c.Structure):
    _fields_ = (
        ("data", c.c_void_p),
        ("device_type", c.c_int32),
        ("device_id", c.c_int32),
        ("ndim", c.c_int32),
        ("code", c.c_uint8),
        ("bits", c.c_uint8),
        ("lanes", c.c_uint16),
        ("shape", c.POINTER(c.c_int64)),
        ("strides", c.POINTER(c.c_int64)),
        ("byte_offset", c.c_uint64),
    )


class _Managed(c.Structure):
    _fields_ = (("tensor", _Tensor), ("manager", c.c_void_p), ("deleter", _DELETER))


def _python(name: str, result: Any, *arguments: Any) -> Any:
    return c.PYFUNCTYPE(result, *arguments)((name, c.pythonapi))


_new = _python("PyCapsule_New", c.py_object, c.c_void_p, c.c_char_p, c.c_void_p)
_pointer = _python("PyCapsule_GetPointer", c.c_void_p, c.py_object, c.c_char_p)
_rename = _python("PyCapsule_SetName", c.c_int, c.py_object, c.c_char_p)
# A destructor has the capsule as it dies: an address, which no reference may be taken to.
_dying_is_valid = _python("PyCapsule_IsValid", c.c_int, c.c_void_p, c.c_char_p)
_dying_pointer = _python("PyCapsule_GetPointer", c.c_void_p, c.c_void_p, c.c_char_p)
_FRESH, _USED = b"dltensor", b"used_dltensor"  # kept here: a capsule does not copy its name


class Imported:
    """A capsule that was taken over: its memory lives as long as this object."""

    def __init__(self, capsule: Any) -> None:
        self._managed = c.cast(_pointer(capsule, _FRESH), c.POINTER(_Managed)).contents
        _rename(capsule, _USED)
        tensor = self._managed.tensor
        if tensor.lanes != 1 or tensor.code not in _LETTERS:
            raise ValueError(f"type {tensor.code} of {tensor.lanes} x {tensor.bits} bits")
        self.dtype: np.dtype[Any] = np.dtype(f"{_LETTERS[tensor.code]}{tensor.bits // 8}")
        self.pointer: int = (tensor.data or 0) + tensor.byte_offset
        self.shape = tuple(tensor.shape[axis] for axis in range(tensor.ndim))
        self.strides: tuple[int, ...] | None = None
        if tensor.strides:
            self.strides = tuple(tensor.strides[axis] * self.dtype.itemsize for axis in range(tensor.ndim))

    def __del__(self) -> None:
        managed = getattr(self, "_managed", None)
        if managed is not None and managed.deleter:
            managed.deleter(c.addressof(managed))


_exported: dict[int, Any] = {}
"""What each exported struct keeps alive, until its consumer, or the capsule that nobody consumed, deletes it."""


def _forget(address: int) -> None:
    _exported.pop(address, None)


def _forget_unused(capsule: int) -> None:
    if _dying_is_valid(capsule, _FRESH):
        _forget(_dying_pointer(capsule, _FRESH))


_delete, _destroy = _DELETER(_forget), _DESTRUCTOR(_forget_unused)


def export(pointer: int, device: int, shape: tuple[int, ...], dtype: np.dtype[Any], owner: object) -> Any:
    """A capsule of a contiguous array of a CUDA device, which keeps `owner` alive."""
    lengths = (c.c_int64 * len(shape))(*shape)
    tensor = _Tensor(pointer or None, CUDA, device, len(shape), _KINDS[dtype.kind], 8 * dtype.itemsize, 1, lengths)
    managed = _Managed(tensor, None, _delete)
    address = c.addressof(managed)
    _exported[address] = managed, lengths, owner
    return _new(address, _FRESH, c.cast(_destroy, c.c_void_p))
