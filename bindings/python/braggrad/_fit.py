"""Fused loss, gradient and Gauss-Newton normal equations of each orientation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from . import _abi as abi
from ._arrays import Array, Shape, address, as_host, as_real, names_in, number
from ._context import Context
from ._geometry import Beamline, Geometry
from ._pairs import Pairs
from ._plan import NUMBERS, key_of, plan_of
from ._reflections import Reflections

LOSSES = {
    "squares": abi.BRG_LOSS_SQUARES,
    "chord": abi.BRG_LOSS_CHORD,
    "huber": abi.BRG_LOSS_HUBER,
    "norm": abi.BRG_LOSS_NORM,
}
PARAMETERS = {
    "rotation": (abi.BRG_FIT_ROTATION, 3),
    "wavenumber": (abi.BRG_FIT_WAVENUMBER, 1),
    "chi": (abi.BRG_FIT_CHI, 1),
    "lattice": (abi.BRG_FIT_LATTICE, 6),
}


class TargetList(NamedTuple):
    """Observed angles as a list per orientation (CSR).

    offsets : int64 [B+1], entries of orientation b are offsets[b] ... offsets[b+1]-1. reflection : index into the set.
    omega : rad. root : 1, 2, or 0 for the nearer one; None: all 0. weight : None: 1.
    """

    offsets: ArrayLike
    reflection: ArrayLike
    omega: ArrayLike
    root: ArrayLike | None = None
    weight: ArrayLike | None = None


def mask_of(parameters: Iterable[str]) -> tuple[int, int]:
    """Mask and number of the parameters."""
    mask = count = 0
    for name in names_in("parameters", parameters, PARAMETERS):
        bit, length = PARAMETERS[name]
        count += 0 if mask & bit else length
        mask |= bit
    return mask, count


def loss_code(loss: str) -> int:
    """The number of a loss."""
    if not isinstance(loss, str) or loss not in LOSSES:
        raise ValueError(f"loss is {loss!r}: {', '.join(LOSSES)} are possible")
    return LOSSES[loss]


def specification_of(names: Iterable[str], batch: Shape, count: int, dtype: np.dtype[Any]) -> dict[str, Any]:
    """Shape and type of each output that is asked for."""
    known: dict[str, tuple[Shape, Any]] = {
        "loss": (batch, dtype),
        "gradient": ((*batch, count), dtype),
        "normal": ((*batch, count * (count + 1) // 2), dtype),
        "rotation_bar": ((*batch, 3, 3), dtype),
    }
    known |= {name: (batch, np.int32) for name in ("observable", "matched", "missing", "grazing")}
    return {name: known[name] for name in names_in("outputs", names, known)}


def _integers(name: str, value: ArrayLike, dtype: Any) -> Array:
    array = as_host(name, value)
    if array.ndim != 1 or (array.size and array.dtype.kind not in "iu"):  # an empty list has the type of floats
        raise ValueError(f"{name} has the shape {array.shape} and the type {array.dtype}: a row of integers is needed")
    if array.size and (array.min() < np.iinfo(dtype).min or array.max() > np.iinfo(dtype).max):
        raise ValueError(f"{name} has values that are no {np.dtype(dtype)}")
    return np.array(array, dtype, order="C")


def require_no_dense(dense: Mapping[str, Any]) -> None:
    """A list of targets stands alone."""
    if any(array is not None for array in dense.values()):
        raise ValueError("targets are given beside omega1, omega2 or their weights")


def require_list(targets: Any) -> TargetList:
    """The list of targets, if it is one."""
    if not isinstance(targets, TargetList):
        raise ValueError(f"targets is a {type(targets).__name__}: a TargetList is needed")
    return targets


def checked_list(targets: TargetList, count: int, dtype: np.dtype[Any]) -> dict[str, Array | None]:
    """Copies of the arrays of a list of targets of so many orientations; its offsets, which are trusted, read-only."""
    require_list(targets)
    arrays: dict[str, Array | None] = {
        "offsets": _integers("targets.offsets", targets.offsets, np.int64),
        "reflection": _integers("targets.reflection", targets.reflection, np.int32),
        "root": None if targets.root is None else _integers("targets.root", targets.root, np.uint8),
    }
    for name, value in (("omega", targets.omega), ("weight", targets.weight)):
        arrays[name] = None if value is None else np.array(as_host(f"targets.{name}", value), dtype, order="C")
    offsets = arrays["offsets"]
    assert offsets is not None
    if len(offsets) != count + 1:
        raise ValueError(f"targets.offsets has {len(offsets)} numbers: {count + 1} are needed")
    if offsets[0] < 0 or (np.diff(offsets) < 0).any():
        raise ValueError("targets.offsets falls or is negative")
    for name, array in arrays.items():
        if array is not None and name != "offsets" and array.shape != (offsets[-1],):
            raise ValueError(f"targets.{name} has the shape {array.shape}: ({offsets[-1]},) is needed")
    offsets.flags.writeable = False
    return arrays


def list_of(targets: TargetList, pairs: Pairs) -> dict[str, Array | None]:
    """The arrays of a list of targets where the context can read them, checked."""
    arrays = checked_list(targets, pairs.struct.count, pairs.dtype)
    return {name: None if array is None else pairs.run.held(array) for name, array in arrays.items()}


def _options(loss: Any, delta: Any, missing_loss: Any, parameters: Any, outputs: Any) -> tuple[Any, ...] | None:
    """What tells a kind of loss from others, for the key of a plan; None if they are of unusual types."""
    if type(delta) not in NUMBERS or type(missing_loss) not in NUMBERS or type(loss) is not str:
        return None
    if type(parameters) not in (tuple, str) or type(outputs) not in (tuple, str):
        return None
    return loss, delta, missing_loss, parameters, outputs


def _in_order(names: tuple[str, ...], out: Any) -> Any:
    """The arrays of `out` as a tuple, if they are what is asked for."""
    if (type(out) is dict or isinstance(out, Mapping)) and len(out) == len(names):
        return tuple(map(out.get, names))
    return out


def omega_loss(
    reflections: Reflections | ArrayLike,
    orientations: ArrayLike,
    omega1: ArrayLike | None = None,
    omega2: ArrayLike | None = None,
    *,
    weight1: ArrayLike | None = None,
    weight2: ArrayLike | None = None,
    targets: TargetList | None = None,
    loss: str = "squares",
    delta: float = 0.0,
    missing_loss: float = 0.0,
    parameters: Iterable[str] = ("rotation",),
    outputs: Iterable[str] = ("loss", "gradient"),
    cell: ArrayLike | None = None,
    basis: ArrayLike | None = None,
    geometry: Geometry | None = None,
    energy: ArrayLike | None = None,
    wavelength: ArrayLike | None = None,
    wavenumber: ArrayLike | None = None,
    chi: ArrayLike | None = None,
    magnitude_from_rotated: bool = False,
    column_major: bool = False,
    accumulate: bool = False,
    out: Mapping[str, Array] | None = None,
    context: Context | None = None,
) -> dict[str, Array]:
    """Loss of observed angles for each orientation, with its gradient and normal equations, in one pass.

    L = sum w l(D), D = wrap(omega - observed); gradient = sum w l'(D) J; normal = sum w v J J^T (upper triangle by
    rows). squares: l = D^2/2. chord: 1 - cos D. huber: D^2/2, linear beyond `delta`. norm: sqrt(D^2 + delta^2) - delta.

    Parameters
    ----------
    reflections, orientations, cell, basis, geometry, energy, wavelength, wavenumber, chi, magnitude_from_rotated, \
column_major, context
        As in `predict`.
    omega1, omega2 : array_like, shape (N,) or (..., N), optional
        Observed angles of root 1 and 2, rad, any turn; (N,) is shared by all orientations. nan: no target.
    weight1, weight2 : array_like, optional
        Weights of the same shapes; default 1. What is not > 0 is no target.
    targets : TargetList, optional
        Instead of omega1 and omega2: a list for each orientation.
    loss : {"squares", "chord", "huber", "norm"}
    delta : float
        rad, > 0 for huber and norm.
    missing_loss : float
        What a target adds, times its weight, whose reflection does not diffract.
    parameters : iterable of {"rotation", "wavenumber", "chi", "lattice"}
        Of gradient and normal, in this order: rotation vector (3, R <- exp([v]x) R), wavenumber, chi, and symmetric
        strain of q in the crystal frame (6: 11, 22, 33, 23, 13, 12).
    outputs : iterable of str
        Any of loss (...), gradient (..., P), normal (..., P (P + 1) / 2), rotation_bar (..., 3, 3), and the counts
        observable, matched, missing, grazing (int32).
    accumulate : bool
        Add to the arrays of `out`, which has one for each output, instead of overwriting them.
    out : mapping of str to ndarray, optional
        Where outputs go, by name.

    Returns
    -------
    dict of str to ndarray
        What `outputs` asks for.

    Raises
    ------
    ValueError
        Names the argument.

    Notes
    -----
    Source: ``include/braggrad/fit.h``, ``docs/physics.md``.
    """
    key = None
    if cell is None and basis is None and targets is None and accumulate is False:
        numbers = None
        if not (energy is wavelength is wavenumber is chi is None and magnitude_from_rotated is column_major is False):
            numbers = energy, wavelength, wavenumber, chi, magnitude_from_rotated, column_major
        options = _options(loss, delta, missing_loss, parameters, outputs)
        if options is not None:
            key = key_of(options, reflections, geometry, numbers, orientations, omega1, omega2, weight1, weight2)
        plan = None if key is None else plan_of(key, context)
        if plan is not None:
            arrays = orientations, omega1, omega2, weight1, weight2
            done = plan.run(arrays, out if out is None else _in_order(plan.names, out))
            if done is not None:
                return dict(zip(plan.names, done, strict=True))
    given = {"omega1": omega1, "omega2": omega2, "weight1": weight1, "weight2": weight2}
    dense = {name: None if value is None else as_real(name, value) for name, value in given.items()}
    if targets is not None:
        require_no_dense(dense)
    pairs = Pairs(
        reflections,
        orientations,
        cell=cell,
        basis=basis,
        beamline=Beamline.of(geometry, energy, wavelength, wavenumber, chi),
        magnitude_from_rotated=magnitude_from_rotated,
        column_major=column_major,
        per_pair=dense,
        context=context,
    )
    mask, count = mask_of(parameters)
    members: dict[str, Array | None]
    stride = 0
    if targets is not None:
        members = list_of(targets, pairs)
    else:
        stride, members = pairs.targets(dense)
    places = pairs.run.outputs(
        specification_of(outputs, pairs.batch, count, pairs.dtype),
        out,
        (*pairs.read, *members.values()),
        accumulate,
    )
    structs = (
        pairs.family.omega_targets(
            loss=loss_code(loss),
            delta=number("delta", delta),
            missing_loss=number("missing_loss", missing_loss),
            orientation_stride=stride,
            **{name: address(array) for name, array in members.items()},
        ),
        pairs.family.omega_loss_output(
            flags=abi.BRG_ACCUMULATE if accumulate else 0,
            parameters=mask,
            **{name: address(place.buffer) for name, place in places.items()},
        ),
    )
    pairs.call("omega_loss", *structs)
    if key is not None:
        more = [((structs[0], name), array, members[name]) for name, array in dense.items() if array is not None]
        pairs.keep(key, "omega_loss", structs, places, orientations, more)
    return {name: place.result() for name, place in places.items()}
