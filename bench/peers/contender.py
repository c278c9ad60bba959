"""What a peer has to offer: a name, a family, and a way to prepare a case for timing."""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
from problem import Case


@dataclasses.dataclass(frozen=True)
class Prepared:
    """A case, ready to be run again and again."""

    run: Callable[[], Any]  # what is timed; its answer goes to `answer`
    answer: Callable[[Any], tuple[np.ndarray, ...]]  # predict: omega1, omega2, observable; gradient: loss, dL/dR
    case: Case  # what is computed: the whole case, or its head where the contender is slow
    close: Callable[[], None] = lambda: None


@dataclasses.dataclass(frozen=True)
class Contender:
    """One way to compute one operation."""

    name: str
    family: str  # braggrad, compile, torch, jax, numba, numpy, package
    operation: str
    prepare: Callable[[Case], Prepared]
    only: Callable[[Case], bool] = lambda case: True  # where it makes sense
    note: str = ""
