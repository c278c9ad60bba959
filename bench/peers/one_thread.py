"""Holds every contender to one thread on one core. To be applied before any numerical package is imported."""

import os

VARIABLES = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "TORCHINDUCTOR_COMPILE_THREADS",
)
XLA_FLAGS = "--xla_cpu_multi_thread_eigen=false"


def apply(core: int | None = None) -> None:
    """Sets the environment of all packages to one thread and pins the process to `core` (default: the last allowed)."""
    for name in VARIABLES:
        os.environ[name] = "1"
    os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {XLA_FLAGS}".strip()
    os.environ["JAX_PLATFORMS"] = "cpu"
    if hasattr(os, "sched_setaffinity"):
        allowed = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {allowed[-1] if core is None else core})
