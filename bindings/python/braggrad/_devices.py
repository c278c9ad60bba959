"""What the machine has."""

import ctypes
from typing import NamedTuple

from . import _abi as abi
from ._library import library, require


class Device(NamedTuple):
    """Where a `Context` can be: `name` is what it takes as its device.

    name : "cpu" or "cuda:N". model : what the maker calls it. units : multiprocessors; of the CPU the cores that this
    process may use. memory : bytes. compute_capability : (major, minor); None for the CPU.
    """

    name: str
    model: str
    units: int
    memory: int
    compute_capability: tuple[int, int] | None


def devices() -> list[Device]:
    """The devices of this machine, the CPU first.

    Returns
    -------
    list of Device
        The CPU, and the CUDA devices that can be used; none of these without toolkit, driver or device.

    Notes
    -----
    Source: ``include/braggrad/device.h``.

    Examples
    --------
    >>> import braggrad
    >>> braggrad.devices()[0].name
    'cpu'
    """
    found = []
    for backend in (abi.BRG_BACKEND_CPU, abi.BRG_BACKEND_CUDA):
        count = ctypes.c_int32()
        require(library.brg_device_count(backend, ctypes.byref(count)))
        for index in range(count.value):
            properties = abi.brg_device_properties()
            require(library.brg_device_info(backend, index, properties))
            on_cpu = backend == abi.BRG_BACKEND_CPU
            found.append(
                Device(
                    "cpu" if on_cpu else f"cuda:{index}",
                    properties.name.decode(),
                    properties.units,
                    properties.memory_bytes,
                    None if on_cpu else divmod(properties.compute_capability, 10),
                )
            )
    return found
