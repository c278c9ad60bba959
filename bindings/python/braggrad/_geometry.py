"""Beam and rotation axis, and the ways in which a call is told about them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from . import _abi as abi
from ._arrays import Array, as_host, as_real, number, positive
from ._device import DeviceArray
from ._library import library, require


def _vector(name: str, value: ArrayLike) -> list[float]:
    array = as_host(name, value)
    if array.shape != (3,):
        raise ValueError(f"{name} has the shape {array.shape}: (3,) is needed")
    return [float(component) for component in array]


def _per_keV() -> float:
    one = abi.brg_geometry()
    require(library.brg_geometry_set_energy(one, 1.0))
    return one.wavenumber


WAVENUMBER_PER_KEV: float = _per_keV()
"""Wavenumber of photons of 1 keV, 1/Angstrom (CODATA 2018)."""


class Geometry:
    """Beam and rotation axis in the laboratory frame. Immutable.

    The reflections of a sample turned about `axis` by omega, right-handed, diffract a beam along
    cos(chi) `beam` + sin(chi) `axis`.

    Parameters
    ----------
    energy : float, optional
        Photon energy, keV. One of energy, wavelength and wavenumber at most; without any of them each call needs it.
    wavelength : float, optional
        Angstrom.
    wavenumber : float, optional
        2 pi / wavelength, 1/Angstrom.
    beam, axis : array_like, shape (3,)
        Unit vectors. Default +x and +z.
    chi : float
        Tilt of the beam toward the axis, rad. Not 0 only for a beam that is perpendicular to the axis.
    grazing_cut : float
        In [0, 1): derivatives and losses leave out roots whose ``|s1 . (axis x s0)| / (|s0| |s1|)`` is below it.

    Raises
    ------
    ValueError
        Names the argument: not finite, no unit vector, beam along the axis, more than one of the three.

    Notes
    -----
    Source: ``include/braggrad/geometry.h``, ``docs/physics.md``.
    """

    __slots__ = ("key", "struct", "values")

    def __init__(
        self,
        *,
        energy: float | None = None,
        wavelength: float | None = None,
        wavenumber: float | None = None,
        beam: ArrayLike = (1.0, 0.0, 0.0),
        axis: ArrayLike = (0.0, 0.0, 1.0),
        chi: float = 0.0,
        grazing_cut: float = 0.0,
    ) -> None:
        k = _wavenumber(energy, wavelength, wavenumber)
        if k is not None and k.ndim:
            raise ValueError("energy, wavelength or wavenumber of a Geometry is one number: give arrays to the calls")
        ends = (*_vector("beam", beam), *_vector("axis", axis))
        self.values: tuple[float, ...] = (
            0.0 if k is None else float(k),
            *ends,
            number("chi", chi),
            number("grazing_cut", grazing_cut),
        )
        self.struct = struct_of(self.values)
        require(library.brg_geometry_check(self.struct))
        self.key = bytes(self.struct)  # in place of the values: it keeps its hash

    @classmethod
    def from_values(cls, values: Iterable[float]) -> Geometry:
        """From wavenumber, beam, axis, chi and grazing cut in a row: `values` of another."""
        k, *ends, chi, cut = values
        return cls(wavenumber=k or None, beam=ends[:3], axis=ends[3:], chi=chi, grazing_cut=cut)

    @property
    def wavenumber(self) -> float:
        """2 pi / wavelength, 1/Angstrom; 0 where it was not given."""
        return self.values[0]

    @property
    def beam(self) -> tuple[float, ...]:
        """Unit vector of the beam before its tilt by chi."""
        return self.values[1:4]

    @property
    def axis(self) -> tuple[float, ...]:
        """Unit vector of the rotation axis."""
        return self.values[4:7]

    @property
    def chi(self) -> float:
        """Tilt of the beam toward the axis, rad."""
        return self.values[7]

    @property
    def grazing_cut(self) -> float:
        """Roots below it are left out of derivatives and losses."""
        return self.values[8]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Geometry) and self.values == other.values

    def __hash__(self) -> int:
        return hash(self.values)

    def __repr__(self) -> str:
        return (
            f"Geometry(wavenumber={self.wavenumber or None!r}, beam={self.beam!r}, axis={self.axis!r}, "
            f"chi={self.chi!r}, grazing_cut={self.grazing_cut!r})"
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return Geometry.from_values, (self.values,)

    def __dask_tokenize__(self) -> tuple[Any, ...]:
        return "braggrad.Geometry", self.values


def known_geometry(geometry: Geometry | None) -> Geometry:
    """The geometry, or the default one."""
    if geometry is None:
        return DEFAULT
    if not isinstance(geometry, Geometry):
        raise ValueError(f"geometry is a {type(geometry).__name__}: a Geometry is needed")
    return geometry


def struct_of(values: Sequence[float]) -> abi.brg_geometry:
    """The struct of `Geometry.values`, unchecked."""
    return abi.brg_geometry(
        wavenumber=values[0],
        beam=tuple(values[1:4]),
        axis=tuple(values[4:7]),
        chi=values[7],
        grazing_cut=values[8],
    )


def _wavenumber(energy: ArrayLike | None, wavelength: ArrayLike | None, wavenumber: ArrayLike | None) -> Array | None:
    """The one of the three that is given, as a wavenumber in its own type. One number must be finite and > 0."""
    named = {"energy": energy, "wavelength": wavelength, "wavenumber": wavenumber}
    given = {name: as_real(name, value) for name, value in named.items() if value is not None}
    if len(given) > 1:
        raise ValueError(f"{' and '.join(given)} are given: one of them is needed")
    for name, value in given.items():
        if isinstance(value, DeviceArray):
            if name != "wavenumber" or not value.ndim:
                kind = "one number" if not value.ndim else f"an {name}"
                raise ValueError(f"{name} is {kind} on a device: give a number of the host, or wavenumbers (N,)")
            return value
        if value.ndim == 0:
            positive(name, value)
        if name == "energy":
            return np.asarray(value * WAVENUMBER_PER_KEV)
        with np.errstate(divide="ignore"):
            return np.asarray(2 * np.pi / value) if name == "wavelength" else value
    return None


@dataclass(frozen=True)
class Beamline:
    """A geometry, and the values that vary over a batch."""

    struct: abi.brg_geometry
    wavenumber: Array | None
    chi: Array | None
    given: str = "wavenumber"
    """What the caller gave for the wavenumber: errors name that."""

    @classmethod
    def of(
        cls,
        geometry: Geometry | None,
        energy: ArrayLike | None,
        wavelength: ArrayLike | None,
        wavenumber: ArrayLike | None,
        chi: ArrayLike | None,
    ) -> Beamline:
        """Single numbers replace the geometry's own, arrays go to the items of the batch."""
        if not (geometry is None or isinstance(geometry, Geometry)):
            raise ValueError(f"geometry is a {type(geometry).__name__}: a Geometry is needed")
        if geometry is not None and energy is wavelength is wavenumber is chi is None and geometry.wavenumber:
            return cls(geometry.struct, None, None)
        struct = abi.brg_geometry.from_buffer_copy((geometry or DEFAULT).struct)
        k = _wavenumber(energy, wavelength, wavenumber)
        tilt = None if chi is None else as_real("chi", chi)
        if k is not None and k.ndim == 0:
            struct.wavenumber = float(k)
            k = None
        if tilt is not None and tilt.ndim == 0:
            require(library.brg_geometry_set_chi(struct, float(tilt)))
            tilt = None
        if k is None and struct.wavenumber == 0:
            raise ValueError("energy is not given, nor wavelength, wavenumber or a geometry that has one")
        given = "energy" if energy is not None else "wavelength" if wavelength is not None else "wavenumber"
        return cls(struct, k, tilt, given)

    def take_scalars(self, dots: dict[str, Array | None]) -> dict[str, float]:
        """Moves the changes of what is one number here out of `dots`, to the members of a tangent."""
        scalars = {}
        for name, array in (("wavenumber", self.wavenumber), ("chi", self.chi)):
            dot = dots[f"{name}_dot"]
            if dot is None or array is not None:
                continue
            if dot.ndim:
                raise ValueError(f"{name}_dot has the shape {dot.shape}: {name} is one number")
            scalars[f"geometry_{name}"] = float(dot)
            dots[f"{name}_dot"] = None
        return scalars


DEFAULT = Geometry()
