"""The part of braggrad's C interface that the comparison calls, by ctypes.

The structs repeat include/braggrad/{context,geometry,solve,predict,fit}.h. Those of the two precisions differ in the
type of their arrays only, so one class with untyped pointers serves both.
"""

import ctypes as c
import os
import pathlib

import numpy as np

BACKEND_CPU = 1
LOSS_SQUARES = 0


class Struct(c.Structure):
    """A struct that begins with its size and flags, as all of the interface do."""

    def __init__(self, **members):
        super().__init__(struct_size=c.sizeof(type(self)), **members)


HEAD = [("struct_size", c.c_uint32), ("flags", c.c_uint32)]


class ContextOptions(Struct):
    """brg_context_options."""

    _fields_ = [
        *HEAD,
        ("backend", c.c_int32),
        ("device", c.c_int32),
        ("threads", c.c_int32),
        ("reserved", c.c_int32),
        ("max_pairs_per_launch", c.c_int64),
    ]


class Geometry(Struct):
    """brg_geometry."""

    _fields_ = [
        *HEAD,
        ("wavenumber", c.c_double),
        ("beam", c.c_double * 3),
        ("axis", c.c_double * 3),
        ("chi", c.c_double),
        ("grazing_cut", c.c_double),
    ]


class Orientations(Struct):
    """brg_orientations_f32 and _f64."""

    _fields_ = [
        *HEAD,
        ("count", c.c_int64),
        ("rotation", c.c_void_p),
        ("reciprocal_basis", c.c_void_p),
        ("wavenumber", c.c_void_p),
        ("chi", c.c_void_p),
    ]


class Roots(Struct):
    """brg_roots_f32 and _f64."""

    _fields_ = [*HEAD, ("omega1", c.c_void_p), ("omega2", c.c_void_p), ("observable", c.c_void_p)]


class Targets(Struct):
    """brg_omega_targets_f32 and _f64."""

    _fields_ = [
        *HEAD,
        ("loss", c.c_int32),
        ("reserved", c.c_int32),
        ("delta", c.c_double),
        ("missing_loss", c.c_double),
        ("orientation_stride", c.c_int64),
        ("omega1", c.c_void_p),
        ("omega2", c.c_void_p),
        ("weight1", c.c_void_p),
        ("weight2", c.c_void_p),
        ("offsets", c.c_void_p),
        ("reflection", c.c_void_p),
        ("root", c.c_void_p),
        ("omega", c.c_void_p),
        ("weight", c.c_void_p),
    ]


class LossOutput(Struct):
    """brg_omega_loss_output_f32 and _f64."""

    _fields_ = [
        *HEAD,
        ("parameters", c.c_uint32),
        ("reserved", c.c_uint32),
        ("loss", c.c_void_p),
        ("gradient", c.c_void_p),
        ("normal", c.c_void_p),
        ("rotation_bar", c.c_void_p),
        ("observable", c.c_void_p),
        ("matched", c.c_void_p),
        ("missing", c.c_void_p),
        ("grazing", c.c_void_p),
    ]


def _signatures() -> dict[str, tuple]:
    """Result and arguments of every function that is called."""
    status, handle, pointer = c.c_int32, c.c_void_p, c.POINTER
    compute = [handle, pointer(Geometry), handle, pointer(Orientations)]
    signatures = {
        "brg_version": (c.c_char_p, []),
        "brg_abi_version": (c.c_uint32, []),
        "brg_build_info": (c.c_char_p, []),
        "brg_last_error": (c.c_char_p, []),
        "brg_status_name": (c.c_char_p, [status]),
        "brg_context_create": (status, [pointer(ContextOptions), pointer(handle)]),
        "brg_context_destroy": (status, [handle]),
        "brg_reciprocal_basis": (status, [pointer(c.c_double), pointer(c.c_double)]),
        "brg_hkl_enumerate": (
            status,
            [pointer(c.c_double), c.c_char, c.c_double, c.c_int64, pointer(c.c_int32), pointer(c.c_int64)],
        ),
        "brg_reflections_create": (
            status,
            [handle, c.c_int64, pointer(c.c_int32), pointer(c.c_double), pointer(handle)],
        ),
        "brg_reflections_destroy": (status, [handle]),
        "brg_geometry_init": (status, [pointer(Geometry), c.c_size_t]),
        "brg_geometry_set_energy": (status, [pointer(Geometry), c.c_double]),
        "brg_geometry_set_chi": (status, [pointer(Geometry), c.c_double]),
    }
    for precision in ("f32", "f64"):
        signatures[f"brg_predict_{precision}"] = (status, [*compute, pointer(Roots)])
        signatures[f"brg_omega_loss_{precision}"] = (status, [*compute, pointer(Targets), pointer(LossOutput)])
    return signatures


def _doubles(values) -> c.Array:
    return (c.c_double * len(values))(*values)


def _integers(values: np.ndarray):
    return values.ctypes.data_as(c.POINTER(c.c_int32))


class Library:
    """libbraggrad.so with one CPU context of one thread."""

    def __init__(self, path: str | None):
        """Loads the library from `path`, or from the environment's BRAGGRAD_LIBRARY."""
        path = path or os.environ.get("BRAGGRAD_LIBRARY")
        if not path:
            raise SystemExit("name the library: --library build/release/libbraggrad.so, or BRAGGRAD_LIBRARY")
        self._c = c.CDLL(str(pathlib.Path(path).resolve()))
        for name, (result, arguments) in _signatures().items():
            function = getattr(self._c, name)
            function.restype, function.argtypes = result, arguments
        self.version = self._c.brg_version().decode()
        self.build_info = self._c.brg_build_info().decode()
        if self._c.brg_abi_version() != 0:
            raise SystemExit("this program was written for ABI 0 of braggrad")
        self._context = c.c_void_p()
        options = ContextOptions(backend=BACKEND_CPU, threads=1)
        self.require(self._c.brg_context_create(options, c.byref(self._context)))

    def require(self, status: int) -> None:
        """Raises the library's own sentence where a call failed."""
        if status:
            name = self._c.brg_status_name(status).decode()
            raise RuntimeError(f"{name}: {self._c.brg_last_error().decode()}")

    def basis(self, cell) -> np.ndarray:
        """Reciprocal basis [3,3] of a cell, with 2 pi."""
        result = (c.c_double * 9)()
        self.require(self._c.brg_reciprocal_basis(_doubles(cell), result))
        return np.array(result).reshape(3, 3)

    def hkl(self, cell, centring: str, d_min: float) -> np.ndarray:
        """Miller indices [count,3]: a half of the list, then its Friedel mates."""
        count = c.c_int64()
        arguments = (_doubles(cell), centring.encode(), d_min)
        self.require(self._c.brg_hkl_enumerate(*arguments, 0, None, c.byref(count)))
        rows = np.empty((count.value, 3), np.int32)
        self.require(self._c.brg_hkl_enumerate(*arguments, count.value, _integers(rows), c.byref(count)))
        return rows

    def geometry(self, energy: float, chi: float) -> Geometry:
        """Default axis and beam, energy in keV, tilt of the beam in rad."""
        geometry = Geometry()
        self.require(self._c.brg_geometry_init(geometry, c.sizeof(Geometry)))
        self.require(self._c.brg_geometry_set_energy(geometry, energy))
        self.require(self._c.brg_geometry_set_chi(geometry, chi))
        return geometry

    def reflections(self, hkl: np.ndarray, basis: np.ndarray) -> c.c_void_p:
        """A handle of reflections, to be given to `free_reflections`."""
        handle = c.c_void_p()
        rows = np.ascontiguousarray(hkl, np.int32)
        self.require(
            self._c.brg_reflections_create(
                self._context, len(rows), _integers(rows), _doubles(basis.ravel()), c.byref(handle)
            )
        )
        return handle

    def free_reflections(self, handle: c.c_void_p) -> None:
        """Destroys a handle of reflections."""
        self.require(self._c.brg_reflections_destroy(handle))

    def call(self, name: str, geometry: Geometry, reflections: c.c_void_p, *structs: Struct):
        """A function without arguments that makes this compute call; its structs are built once."""
        function, require = getattr(self._c, name), self.require
        arguments = (self._context, c.byref(geometry), reflections, *(c.byref(struct) for struct in structs))

        def run(function=function, arguments=arguments, require=require):
            status = function(*arguments)
            if status:
                require(status)

        return run
