"""braggrad on Dask's arrays: one call for each chunk of orientations, when and where Dask computes it.

Chunks go along the axes of the orientations; along those of reflections and matrices there is one. Results are those of
one call for all, to the bit. `Reflections` and `Geometry` travel to workers as the numbers that describe them, a set
once to each. Every thread of a worker makes a context of its own when it needs one, and calls in it use one thread
(`threads=`): how many chunks are computed at a time, and where, is for the scheduler to say, any of Dask's.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import dask.array as da
import numpy as np
from dask.base import is_dask_collection, tokenize
from dask.delayed import delayed
from numpy.typing import ArrayLike

from . import _fit, _predict
from ._arrays import Array, as_host, batch_of, require_tail
from ._context import context_of_thread
from ._crystal import reciprocal_basis
from ._fit import TargetList
from ._geometry import Geometry
from ._reflections import Reflections

LazyLike = da.Array | ArrayLike
"""A Dask array, or what NumPy makes an array of: it is chunked as the orientations are."""


class Roots(NamedTuple):
    """Both angles in rad, in [-pi, pi], and whether there are any (bool). Where there are none the angles are 0."""

    omega1: da.Array
    omega2: da.Array
    observable: da.Array


# ---------------------------------------------------------------- what is given


def _given(name: str, value: Any) -> Any:
    """A Dask array that can be worked on, or an array of the host."""
    if not isinstance(value, da.Array):
        return _host(name, value)
    if value.dtype.kind not in "fiub":
        raise ValueError(f"{name} has the type {value.dtype}: real numbers are needed")
    if not isinstance(value._meta, np.ndarray):
        raise ValueError(f"{name} has chunks of the type {type(value._meta).__name__}: NumPy's arrays are needed")
    if any(np.isnan(length) for length in value.shape):
        raise ValueError(f"{name} has chunks of unknown length: {name}.compute_chunk_sizes() finds them")
    return value


def _host(name: str, value: Any) -> Array:
    """An array of the host; Dask's are not computed behind the caller's back."""
    if isinstance(value, da.Array):
        raise ValueError(f"{name} is a Dask array: an array of the host is needed")
    if is_dask_collection(value):
        raise ValueError(f"{name} is a lazy {type(value).__name__}: a Dask array or one of the host is needed")
    return as_host(name, value)


class _Problem:
    """The arguments of a call: arrays that are chunked, those that every chunk gets, and the rest."""

    def __init__(
        self,
        reflections: Any,
        orientations: Any,
        cell: Any,
        basis: Any,
        numbers: Mapping[str, Any],
        dense: Mapping[str, Any],
        column_major: bool,
    ) -> None:
        rotation = require_tail("orientations", _given("orientations", orientations), 3, 3)
        self.chunked: dict[str, tuple[Any, int]] = {"orientations": (rotation, 2)}  # with its axes beside the batch's
        self.rest: dict[str, Any] = {}
        single = False
        if isinstance(reflections, Reflections):
            if reflections.dtype is not None:
                raise ValueError(
                    "reflections are a view of an array: make a set that travels (Reflections.from_vectors)"
                )
        else:
            reflections = _host("hkl", reflections)
            single = reflections.ndim == 1
        if cell is not None and basis is None and not isinstance(cell, da.Array):
            cell, basis = None, reciprocal_basis(cell)
            basis = basis.swapaxes(-1, -2) if column_major else basis
        if basis is not None:
            basis = require_tail("basis", _given("basis", basis), 3, 3)
        if cell is not None:
            cell = require_tail("cell", _given("cell", cell), 6)
        if cell is None and isinstance(basis, np.ndarray) and not isinstance(reflections, Reflections) and not single:
            # The set is made here, once; of another basis than the first each chunk is told.
            one = basis.reshape(-1, 3, 3)[0] if basis.size else np.eye(3)
            reflections = Reflections(reflections, basis=one.T if column_major else one)
            basis = basis if basis.ndim > 2 else None
        self.reflections = reflections
        self._add("cell", cell, 1)
        self._add("basis", basis, 2)
        for name, value in numbers.items():
            self._add(name, value, 0)
        for name, value in dense.items():
            self._add(name, value, 0 if single else 1)
            shape = self.chunked[name][0].shape if name in self.chunked else ()
            if shape and not single and shape[-1] not in (1, len(reflections)):
                raise ValueError(f"{name} has the shape {shape}: (..., {len(reflections)}) is needed")

    def _add(self, name: str, value: Any, tail: int) -> None:
        if value is None:
            return
        array = _given(name, value)
        if array.ndim == 0 and not isinstance(array, da.Array):
            self.rest[name] = value
        else:
            self.chunked[name] = array, min(tail, array.ndim)

    def chunks(self) -> tuple[tuple[int, ...], ...]:
        """Chunks of the batch: the orientations', or those of the first Dask array that has the axis at full length."""
        batch = batch_of(**{name: array.shape[: array.ndim - tail] for name, (array, tail) in self.chunked.items()})
        found = []
        for axis, length in enumerate(batch, -len(batch)):
            fitting = (
                array.chunks[axis - tail]
                for array, tail in self.chunked.values()
                if isinstance(array, da.Array)
                if array.ndim - tail >= -axis and array.shape[axis - tail] == length
            )
            # Dask joins empty chunks on axes that broadcast.
            found.append((length,) if length < 2 else next(fitting, (length,)))
        return tuple(found)

    def example(self) -> dict[str, Any]:
        """Arrays of these shapes and types without an orientation, where they have an axis of them."""
        good = {"cell": (1.0, 1.0, 1.0, 90.0, 90.0, 90.0), "orientations": np.eye(3), "basis": np.eye(3), "chi": 0.0}
        arrays: dict[str, Any] = {}
        for name, (array, tail) in self.chunked.items():
            batch = array.ndim - tail
            one = np.broadcast_to(np.asarray(good.get(name, 1.0)), array.shape[batch:]).astype(array.dtype)
            arrays[name] = np.broadcast_to(one, (0,) * batch + one.shape)
        return arrays


# ---------------------------------------------------------------- the graph


def _block(
    *blocks: Any, call: Any, names: Sequence[str], reflections: Any, threads: int, rest: Mapping[str, Any]
) -> tuple[Array, ...]:
    """A call for one chunk, in the context of the thread that computes it; its results in a row."""
    arrays = dict(zip(names, blocks, strict=True))
    piece = arrays.pop("targets", None)
    if piece is not None:
        arrays["targets"] = piece.targets
    results = call(reflections, **arrays, **rest, context=context_of_thread(threads=threads))
    return tuple(results.values()) if isinstance(results, dict) else tuple(results)


def _part(results: tuple[Array, ...], place: int) -> Array:
    return results[place]


def _chunked(array: Any, chunks: tuple[tuple[int, ...], ...]) -> Any:
    """The array in these chunks."""
    if not isinstance(array, da.Array):
        return da.from_array(array, chunks=chunks)
    if array.chunks == chunks:
        return array
    # Dask leaves some empty arrays in the chunks that they have.
    if not array.size:
        array = da.zeros(array.shape, dtype=array.dtype, chunks=chunks)
    return array.rechunk(chunks)


def _lazily(call: Any, problem: _Problem, specification: Mapping[str, Array], threads: int) -> dict[str, da.Array]:
    """The results of `call` chunk by chunk, with the types and last axes of `specification`."""
    chunks = problem.chunks()
    axes, free = len(chunks), itertools.count(len(chunks))
    operands: list[Any] = []
    for array, tail in problem.chunked.values():
        batch = array.ndim - tail
        wanted: list[tuple[int, ...]] = [
            own if length == sum(own) else (1,)
            for length, own in zip(array.shape[:batch], chunks[axes - batch :], strict=True)
        ]
        wanted += [(length,) for length in array.shape[batch:]]
        operands += [_chunked(array, tuple(wanted)), (*range(axes - batch, axes), *itertools.islice(free, tail))]
    results = da.blockwise(
        _block,
        tuple(range(axes)),
        *operands,
        concatenate=True,
        meta=np.empty((0,) * axes, object),
        token=f"braggrad-{call.__name__}",
        call=call,
        names=tuple(problem.chunked),
        reflections=delayed(problem.reflections, pure=True),
        threads=threads,
        rest=problem.rest,
    )
    lazies = {}
    for place, (name, example) in enumerate(specification.items()):
        index = tuple(range(example.ndim))
        lazies[name] = da.blockwise(
            _part,
            index,
            results,
            index[:axes],
            place,
            None,
            new_axes=dict(zip(index[axes:], example.shape[axes:], strict=True)),
            meta=np.empty((0,) * example.ndim, example.dtype),
            token=f"braggrad-{name}",
        )
    return lazies


@dataclass(frozen=True)
class _Piece:
    """The targets of a chunk, as one thing in the graph."""

    targets: TargetList


def _pieces(lists: Mapping[str, Array | None], chunks: tuple[tuple[int, ...], ...]) -> da.Array:
    """A Dask array whose chunks are the lists of the chunks of orientations."""
    entries: dict[str, Any] = dict(lists)
    offsets = entries.pop("offsets")
    name = f"braggrad-targets-{tokenize(dict(lists), chunks)}"
    graph: dict[Any, Any] = {}
    start = 0
    for index in np.ndindex(*(len(own) for own in chunks)):
        stop = start + (chunks[0][index[0]] if chunks else 1)
        first, last = offsets[start], offsets[stop]
        own: dict[str, Any] = {key: None if array is None else array[first:last] for key, array in entries.items()}
        graph[(name, *index)] = _Piece(TargetList(offsets[start : stop + 1] - first, **own))
        start = stop
    return da.Array(graph, name, chunks=chunks, meta=np.empty((0,) * len(chunks), object))


# ---------------------------------------------------------------- the calls


def predict(
    reflections: Reflections | ArrayLike,
    orientations: LazyLike,
    *,
    cell: LazyLike | None = None,
    basis: LazyLike | None = None,
    geometry: Geometry | None = None,
    energy: LazyLike | None = None,
    wavelength: LazyLike | None = None,
    wavenumber: LazyLike | None = None,
    chi: LazyLike | None = None,
    magnitude_from_rotated: bool = False,
    column_major: bool = False,
    threads: int = 1,
) -> Roots:
    """`braggrad.predict` of chunked orientations: rotation angles of all reflections in all of them.

    Parameters
    ----------
    reflections : Reflections or array_like of integers, shape (N, 3) or (3,)
        As in `braggrad.predict`; of the host, and no view. Each worker gets the set once.
    orientations : dask.array.Array or array_like, shape (..., 3, 3)
        Rotations, crystal to sample. A chunk is a call; the last two axes are made one chunk.
    cell, basis, energy, wavelength, wavenumber, chi : dask.array.Array or array_like, optional
        As in `braggrad.predict`: Angstrom and degrees, 1/Angstrom with 2 pi, keV, Angstrom, 1/Angstrom, rad. Along the
        axes of the orientations they get the orientations' chunks.
    geometry, magnitude_from_rotated, column_major
        As in `braggrad.predict`.
    threads : int
        Of each call. 1: the scheduler's workers share the cores between them; 0: all cores that the worker's process
        may use.

    Returns
    -------
    Roots
        omega1, omega2 (rad, float32 or float64) and observable (bool): Dask arrays of the shape (..., N), or (...) for
        one hkl, with the chunks of the orientations and one along N. Nothing is computed yet. ``dask.compute(*roots)``
        computes each chunk once for all three; one after the other they cost a call each.

    Raises
    ------
    ValueError
        Names the argument, when the graph is made: shapes, types, the geometry, chunks of unknown length. What is wrong
        inside a lazy array of one number, or of cells, is found when that is computed.

    Notes
    -----
    Source: ``include/braggrad/predict.h``, ``docs/physics.md``. Blocks are NumPy's arrays; the answers are those of
    `braggrad.predict` to the bit, however the orientations are chunked.

    Examples
    --------
    >>> import dask.array as da, numpy as np, braggrad, braggrad.dask
    >>> gold = braggrad.Reflections([[1, 1, 1], [0, 0, 2]], cell=(4.0782, 4.0782, 4.0782, 90, 90, 90))
    >>> rotations = da.broadcast_to(np.eye(3), (1000, 3, 3), chunks=(300, 3, 3))
    >>> roots = braggrad.dask.predict(gold, rotations, energy=50.02099)
    >>> roots.omega1.chunks, int(roots.observable.sum().compute())
    (((300, 300, 300, 100), (2,)), 1000)
    """
    problem = _Problem(
        reflections,
        orientations,
        cell,
        basis,
        {"energy": energy, "wavelength": wavelength, "wavenumber": wavenumber, "chi": chi},
        {},
        column_major,
    )
    problem.rest |= {
        "geometry": geometry,
        "magnitude_from_rotated": magnitude_from_rotated,
        "column_major": column_major,
    }
    example = _predict.predict(
        problem.reflections, **problem.example(), **problem.rest, context=context_of_thread(threads=threads)
    )
    return Roots(**_lazily(_predict.predict, problem, example._asdict(), threads))


def omega_loss(
    reflections: Reflections | ArrayLike,
    orientations: LazyLike,
    omega1: LazyLike | None = None,
    omega2: LazyLike | None = None,
    *,
    weight1: LazyLike | None = None,
    weight2: LazyLike | None = None,
    targets: TargetList | None = None,
    loss: str = "squares",
    delta: float = 0.0,
    missing_loss: float = 0.0,
    parameters: Iterable[str] = ("rotation",),
    outputs: Iterable[str] = ("loss", "gradient"),
    cell: LazyLike | None = None,
    basis: LazyLike | None = None,
    geometry: Geometry | None = None,
    energy: LazyLike | None = None,
    wavelength: LazyLike | None = None,
    wavenumber: LazyLike | None = None,
    chi: LazyLike | None = None,
    magnitude_from_rotated: bool = False,
    column_major: bool = False,
    threads: int = 1,
) -> dict[str, da.Array]:
    """`braggrad.omega_loss` of chunked orientations: loss, gradient and normal equations of each of them.

    Parameters
    ----------
    reflections, orientations, cell, basis, geometry, energy, wavelength, wavenumber, chi, magnitude_from_rotated, \
column_major, threads
        As in `predict`.
    omega1, omega2 : dask.array.Array or array_like, shape (N,) or (..., N), optional
        Observed angles of root 1 and 2, rad, any turn; (N,) is shared by all orientations. nan: no target. Those of
        orientations get their chunks, and one along N.
    weight1, weight2 : dask.array.Array or array_like, optional
        Weights of the same shapes; default 1. What is not > 0 is no target.
    targets : TargetList, optional
        Instead of omega1 and omega2: a list for each orientation, in arrays of the host, of orientations (B, 3, 3) or
        (3, 3). A worker gets the entries of its chunk.
    loss, delta, missing_loss, parameters, outputs
        As in `braggrad.omega_loss`.

    Returns
    -------
    dict of str to dask.array.Array
        What `outputs` asks for, with the chunks of the orientations and one along every other axis. Nothing is
        computed yet. ``dask.compute(result)`` computes each chunk once for all of them.

    Raises
    ------
    ValueError
        Names the argument, as in `predict`.

    Notes
    -----
    Source: ``include/braggrad/fit.h``, ``docs/physics.md``. Results are those of `braggrad.omega_loss` to the bit, each
    of one orientation. A sum over them (``result["loss"].sum()``) is Dask's, and its last bits depend on the chunks.
    """
    dense: dict[str, Any] = {"omega1": omega1, "omega2": omega2, "weight1": weight1, "weight2": weight2}
    if targets is not None:
        _fit.require_no_dense(dense)
    problem = _Problem(
        reflections,
        orientations,
        cell,
        basis,
        {"energy": energy, "wavelength": wavelength, "wavenumber": wavenumber, "chi": chi},
        dense,
        column_major,
    )
    problem.rest |= {
        "loss": loss,
        "delta": delta,
        "missing_loss": missing_loss,
        "parameters": (parameters,) if isinstance(parameters, str) else tuple(parameters),
        "outputs": (outputs,) if isinstance(outputs, str) else tuple(outputs),
        "geometry": geometry,
        "magnitude_from_rotated": magnitude_from_rotated,
        "column_major": column_major,
    }
    arrays = problem.example()
    if targets is not None:
        chunks = problem.chunks()
        if len(chunks) > 1:
            raise ValueError(f"targets are given with a batch of {len(chunks)} axes: one is needed, as in (B, 3, 3)")
        for name, value in _fit.require_list(targets)._asdict().items():
            if value is not None:
                _host(f"targets.{name}", value)
        lists = _fit.checked_list(targets, sum(chunks[0]) if chunks else 1, np.dtype(np.float64))
        empty: dict[str, Any] = {name: None if array is None else array[:0] for name, array in lists.items()}
        arrays["targets"] = TargetList(**empty | {"offsets": [0] if chunks else [0, 0]})
        problem.chunked["targets"] = _pieces(lists, chunks), 0
    example = _fit.omega_loss(problem.reflections, **arrays, **problem.rest, context=context_of_thread(threads=threads))
    return _lazily(_fit.omega_loss, problem, example, threads)
