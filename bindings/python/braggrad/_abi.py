"""The C interface as ctypes sees it. Made by scripts/generate_ctypes.py from the headers: do not edit.

Names are those of the headers, which describe them. Pointers to structs are typed, all others (arrays, handles) are
addresses.
"""

import ctypes as c


class Struct(c.Structure):
    """A struct that begins with its size and flags, as all of the interface do."""

    struct_size: int
    flags: int

    def __init__(self, **members: object) -> None:
        self.struct_size = c.sizeof(self)
        for name, value in members.items():  # in half of the time of the base class
            setattr(self, name, value)


BRG_SUCCESS = 0
BRG_ERROR_INVALID_ARGUMENT = 1
BRG_ERROR_ABI = 2
BRG_ERROR_NO_DEVICE = 3
BRG_ERROR_WRONG_DEVICE = 4
BRG_ERROR_OUT_OF_MEMORY = 5
BRG_ERROR_WORKSPACE = 6
BRG_ERROR_CAPACITY = 7
BRG_ERROR_CUDA = 8
BRG_ERROR_FORKED = 9
BRG_ERROR_INTERNAL = 10
BRG_COLUMN_MAJOR = 1
BRG_MAGNITUDE_FROM_ROTATED = 2
BRG_ACCUMULATE = 4
BRG_BACKEND_AUTO = 0
BRG_BACKEND_CPU = 1
BRG_BACKEND_CUDA = 2
BRG_SYSTEM_ICENINE = 1
BRG_SYSTEM_HEXRD = 2
BRG_SYSTEM_MIDAS = 3
BRG_SYSTEM_IMAGED11 = 4
BRG_SYSTEM_XFAB = 5
BRG_SYSTEM_DIALS = 6
BRG_MIDAS_WEDGE_UNTIL_2026_08 = 1
BRG_RANGE_START = 2
BRG_HEXRD_UNWRAPPED = 4
BRG_LOSS_SQUARES = 0
BRG_LOSS_CHORD = 1
BRG_LOSS_HUBER = 2
BRG_LOSS_NORM = 3
BRG_FIT_ROTATION = 1
BRG_FIT_WAVENUMBER = 2
BRG_FIT_CHI = 4
BRG_FIT_LATTICE = 8
BRG_VERSION_MAJOR = 0
BRG_VERSION_MINOR = 1
BRG_VERSION_PATCH = 0
BRG_ABI_VERSION = 0
BRG_MAX_OMEGA_WINDOWS = 8


class brg_device_properties(Struct):
    name: bytes
    backend: int
    device: int
    compute_capability: int
    units: int
    memory_bytes: int
    _fields_ = (
        ("struct_size", c.c_uint32),
        ("flags", c.c_uint32),
        ("name", c.c_char * 128),
        ("backend", c.c_int32),
        ("device", c.c_int32),
        ("compute_capability", c.c_int32),
        ("units", c.c_int32),
        ("memory_bytes", c.c_int64),
    )


class brg_context_options(Struct):
    backend: int
    device: int
    threads: int
    reserved: int
    max_pairs_per_launch: int
    _fields_ = (
        ("struct_size", c.c_uint32),
        ("flags", c.c_uint32),
        ("backend", c.c_int32),
        ("device", c.c_int32),
        ("threads", c.c_int32),
        ("reserved", c.c_int32),
        ("max_pairs_per_launch", c.c_int64),
    )


class brg_geometry(Struct):
    wavenumber: float
    beam: c.Array[c.c_double]
    axis: c.Array[c.c_double]
    chi: float
    grazing_cut: float
    _fields_ = (
        ("struct_size", c.c_uint32),
        ("flags", c.c_uint32),
        ("wavenumber", c.c_double),
        ("beam", c.c_double * 3),
        ("axis", c.c_double * 3),
        ("chi", c.c_double),
        ("grazing_cut", c.c_double),
    )


class brg_items_f64(Struct):
    count: int
    g: int | None
    g_magnitude: int | None
    wavenumber: int | None
    chi: int | None
    _fields_ = (
        ("struct_size", c.c_uint32),
        ("flags", c.c_uint32),
        ("count", c.c_int64),
        ("g", c.c_void_p),
        ("g_magnitude", c.c_void_p),
        ("wavenumber", c.c_void_p),
        ("chi", c.c_void_p),
    )


class brg_roots_f64(Struct):
    omega1: int | None
    omega2: int | None
    observable: int | None
    _fields_ = (
        ("struct_size", c.c_uint32),
        ("flags", c.c_uint32),
        ("omega1", c.c_void_p),
        ("omega2", c.c_void_p),
        ("observable", c.c_void_p),
    )


class brg_root_cotangents_f64(Struct):
    omega1: int | None
    omega2: int | None
    _fields_ = (
        ("struct_size", c.c_uint32),
        ("flags", c.c_uint32),
        ("omega1", c.c_void_p),
        ("omega2", c.c_void_p),
    )


class brg_items_gradient_f64(Struct):
    g: int | None
    g_magnitude: int | None
    wavenumber: int | None
    chi: int | None
    geometry_wavenumber: int | None
    geometry_chi: int | None
    geometry_beam: int | None
    geometry_axis: int | None
    _fields_ = (
        ("struct_size", c.c_uint32),
        ("flags", c.c_uint32),
        ("g", c.c_void_p),
        ("g_magnitude", c.c_void_p),
        ("wavenumber", c.c_void_p),
        ("chi", c.c_void_p),
        ("geometry_wavenumber", c.c_void_p),
        ("geometry_chi", c.c_void_p),
        ("geometry_beam", c.c_void_p),
        ("geometry_axis", c.c_void_p),
    )


class brg_items_tangent_f64(Struct):
    g: int | None
    g_magnitude: int | None
    wavenumber: int | None
    chi: int | None
    geometry_wavenumber: float
    geometry_chi: float
    geometry_beam: c.Array[c.c_double]
    geometry_axis: c.Array[c.c_double]
    _fields_ = (
        ("struct_size", c.c_uint32),
        ("flags", c.c_uint32),
        ("g", c.c_void_p),
        ("g_magnitude", c.c_void_p),
        ("wavenumber", c.c_void_p),
        ("chi", c.c_void_p),
        ("geometry_wavenumber", c.c_double),
        ("geometry_chi", c.c_double),
        ("geometry_beam", c.c_double * 3),
        ("geometry_axis", c.c_double * 3),
    )


class brg_items_f32(Struct):
    count: int
    g: int | None
    g_magnitude: int | None
    wavenumber: int | None
    chi: int | None
    _fields_ = (
        ("struct_size", c.c_uint32),
        ("flags", c.c_uint32),
        ("count", c.c_int64),
        ("g", c.c_void_p),
        ("g_magnitude", c.c_void_p),
        ("wavenumber", c.c_void_p),
        ("chi", c.c_void_p),
    )


class brg_roots_f32(Struct):
    omega1: int | None
    omega2: int | None
    observable: int | None
    _fields_ = (
        ("struct_size", c.c_uint32),
        ("flags", c.c_uint32),
        ("omega1", c.c_void_p),
        ("omega2", c.c_void_p),
        ("observable", c.c_void_p),
    )


class brg_root_cotangents_f32(Struct):
    omega1: int | None
    omega2: int | None
    _fields_ = (
        ("struct_size", c.c_uint32),
        ("flags", c.c_uint32),
        ("omega1", c.c_void_p),
        ("omega2", c.c_void_p),
    )


class brg_items_gradient_f32(Struct):
    g: int | None
    g_magnitude: int | None
    wavenumber: int | None
    chi: int | None
    geometry_wavenumber: int | None
    geometry_chi: int | None
    geometry_beam: int | None
    geometry_axis: int | None
    _fields_ = (
        ("struct_size", c.c_uint32),
        ("flags", c.c_uint32),
        ("g", c.c_void_p),
        ("g_magnitude", c.c_void_p),
        ("wavenumber", c.c_void_p),
        ("chi", c.c_void_p),
        ("geometry_wavenumber", c.c_void_p),
        ("geometry_chi", c.c_void_p),
        ("geometry_beam", c.c_void_p),
        ("geometry_axis", c.c_void_p),
    )


class brg_items_tangent_f32(Struct):
    g: int | None
    g_magnitude: int | None
    wavenumber: int | None
    chi: int | None
    geometry_wavenumber: float
    geometry_chi: float
    geometry_beam: c.Array[c.c_double]
    geometry_axis: c.Array[c.c_double]
    _fields_ = (
        ("struct_size", c.c_uint32),
        ("flags", c.c_uint32),
        ("g", c.c_void_p),
        ("g_magnitude", c.c_void_p),
        ("wavenumber", c.c_void_p),
        ("chi", c.c_void_p),
        ("geometry_wavenumber", c.c_double),
        ("geometry_chi", c.c_double),
        ("geometry_beam", c.c_double * 3),
        ("geometry_axis", c.c_double * 3),
    )


class brg_convention(Struct):
    system: int
    omega_sign: int
    wavelength: float
    energy: float
    chi: float
    wedge: float
    s0: c.Array[c.c_double]
    axis: c.Array[c.c_double]
    setting: c.Array[c.c_double]
    fixed: c.Array[c.c_double]
    range_start: float
    _fields_ = (
        ("struct_size", c.c_uint32),
        ("flags", c.c_uint32),
        ("system", c.c_int32),
        ("omega_sign", c.c_int32),
        ("wavelength", c.c_double),
        ("energy", c.c_double),
        ("chi", c.c_double),
        ("wedge", c.c_double),
        ("s0", c.c_double * 3),
        ("axis", c.c_double * 3),
        ("setting", c.c_double * 9),
        ("fixed", c.c_double * 9),
        ("range_start", c.c_double),
    )


class brg_orientations_f64(Struct):
    count: int
    rotation: int | None
    reciprocal_basis: int | None
    wavenumber: int | None
    chi: int | None
    _fields_ = (
        ("struct_size", c.c_uint32),
        ("flags", c.c_uint32),
        ("count", c.c_int64),
        ("rotation", c.c_void_p),
        ("reciprocal_basis", c.c_void_p),
        ("wavenumber", c.c_void_p),
        ("chi", c.c_void_p),
    )


class brg_orientations_gradient_f64(Struct):
    rotation: int | None
    rotation_vector: int | None
    reciprocal_basis: int | None
    wavenumber: int | None
    chi: int | None
    q: int | None
    reflections_basis: int | None
    geometry_wavenumber: int | None
    geometry_chi: int | None
    geometry_beam: int | None
    geometry_axis: int | None
    _fields_ = (
        ("struct_size", c.c_uint32),
        ("flags", c.c_uint32),
        ("rotation", c.c_void_p),
        ("rotation_vector", c.c_void_p),
        ("reciprocal_basis", c.c_void_p),
        ("wavenumber", c.c_void_p),
        ("chi", c.c_void_p),
        ("q", c.c_void_p),
        ("reflections_basis", c.c_void_p),
        ("geometry_wavenumber", c.c_void_p),
        ("geometry_chi", c.c_void_p),
        ("geometry_beam", c.c_void_p),
        ("geometry_axis", c.c_void_p),
    )


class brg_orientations_tangent_f64(Struct):
    rotation: int | None
    rotation_vector: int | None
    reciprocal_basis: int | None
    wavenumber: int | None
    chi: int | None
    q: int | None
    geometry_wavenumber: float
    geometry_chi: float
    geometry_beam: c.Array[c.c_double]
    geometry_axis: c.Array[c.c_double]
    _fields_ = (
        ("struct_size", c.c_uint32),
        ("flags", c.c_uint32),
        ("rotation", c.c_void_p),
        ("rotation_vector", c.c_void_p),
        ("reciprocal_basis", c.c_void_p),
        ("wavenumber", c.c_void_p),
        ("chi", c.c_void_p),
        ("q", c.c_void_p),
        ("geometry_wavenumber", c.c_double),
        ("geometry_chi", c.c_double),
        ("geometry_beam", c.c_double * 3),
        ("geometry_axis", c.c_double * 3),
    )


class brg_orientations_f32(Struct):
    count: int
    rotation: int | None
    reciprocal_basis: int | None
    wavenumber: int | None
    chi: int | None
    _fields_ = (
        ("struct_size", c.c_uint32),
        ("flags", c.c_uint32),
        ("count", c.c_int64),
        ("rotation", c.c_void_p),
        ("reciprocal_basis", c.c_void_p),
        ("wavenumber", c.c_void_p),
        ("chi", c.c_void_p),
    )


class brg_orientations_gradient_f32(Struct):
    rotation: int | None
    rotation_vector: int | None
    reciprocal_basis: int | None
    wavenumber: int | None
    chi: int | None
    q: int | None
    reflections_basis: int | None
    geometry_wavenumber: int | None
    geometry_chi: int | None
    geometry_beam: int | None
    geometry_axis: int | None
    _fields_ = (
        ("struct_size", c.c_uint32),
        ("flags", c.c_uint32),
        ("rotation", c.c_void_p),
        ("rotation_vector", c.c_void_p),
        ("reciprocal_basis", c.c_void_p),
        ("wavenumber", c.c_void_p),
        ("chi", c.c_void_p),
        ("q", c.c_void_p),
        ("reflections_basis", c.c_void_p),
        ("geometry_wavenumber", c.c_void_p),
        ("geometry_chi", c.c_void_p),
        ("geometry_beam", c.c_void_p),
        ("geometry_axis", c.c_void_p),
    )


class brg_orientations_tangent_f32(Struct):
    rotation: int | None
    rotation_vector: int | None
    reciprocal_basis: int | None
    wavenumber: int | None
    chi: int | None
    q: int | None
    geometry_wavenumber: float
    geometry_chi: float
    geometry_beam: c.Array[c.c_double]
    geometry_axis: c.Array[c.c_double]
    _fields_ = (
        ("struct_size", c.c_uint32),
        ("flags", c.c_uint32),
        ("rotation", c.c_void_p),
        ("rotation_vector", c.c_void_p),
        ("reciprocal_basis", c.c_void_p),
        ("wavenumber", c.c_void_p),
        ("chi", c.c_void_p),
        ("q", c.c_void_p),
        ("geometry_wavenumber", c.c_double),
        ("geometry_chi", c.c_double),
        ("geometry_beam", c.c_double * 3),
        ("geometry_axis", c.c_double * 3),
    )


class brg_omega_targets_f64(Struct):
    loss: int
    reserved: int
    delta: float
    missing_loss: float
    orientation_stride: int
    omega1: int | None
    omega2: int | None
    weight1: int | None
    weight2: int | None
    offsets: int | None
    reflection: int | None
    root: int | None
    omega: int | None
    weight: int | None
    _fields_ = (
        ("struct_size", c.c_uint32),
        ("flags", c.c_uint32),
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
    )


class brg_omega_loss_output_f64(Struct):
    parameters: int
    reserved: int
    loss: int | None
    gradient: int | None
    normal: int | None
    rotation_bar: int | None
    observable: int | None
    matched: int | None
    missing: int | None
    grazing: int | None
    _fields_ = (
        ("struct_size", c.c_uint32),
        ("flags", c.c_uint32),
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
    )


class brg_omega_targets_f32(Struct):
    loss: int
    reserved: int
    delta: float
    missing_loss: float
    orientation_stride: int
    omega1: int | None
    omega2: int | None
    weight1: int | None
    weight2: int | None
    offsets: int | None
    reflection: int | None
    root: int | None
    omega: int | None
    weight: int | None
    _fields_ = (
        ("struct_size", c.c_uint32),
        ("flags", c.c_uint32),
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
    )


class brg_omega_loss_output_f32(Struct):
    parameters: int
    reserved: int
    loss: int | None
    gradient: int | None
    normal: int | None
    rotation_bar: int | None
    observable: int | None
    matched: int | None
    missing: int | None
    grazing: int | None
    _fields_ = (
        ("struct_size", c.c_uint32),
        ("flags", c.c_uint32),
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
    )


class brg_vectors_f64(Struct):
    g: int | None
    _fields_ = (
        ("struct_size", c.c_uint32),
        ("flags", c.c_uint32),
        ("g", c.c_void_p),
    )


class brg_vector_cotangents_f64(Struct):
    g: int | None
    _fields_ = (
        ("struct_size", c.c_uint32),
        ("flags", c.c_uint32),
        ("g", c.c_void_p),
    )


class brg_vectors_f32(Struct):
    g: int | None
    _fields_ = (
        ("struct_size", c.c_uint32),
        ("flags", c.c_uint32),
        ("g", c.c_void_p),
    )


class brg_vector_cotangents_f32(Struct):
    g: int | None
    _fields_ = (
        ("struct_size", c.c_uint32),
        ("flags", c.c_uint32),
        ("g", c.c_void_p),
    )


class brg_beams_f64(Struct):
    direction: int | None
    two_theta: int | None
    eta: int | None
    _fields_ = (
        ("struct_size", c.c_uint32),
        ("flags", c.c_uint32),
        ("direction", c.c_void_p),
        ("two_theta", c.c_void_p),
        ("eta", c.c_void_p),
    )


class brg_spots_f64(Struct):
    window_count: int
    reserved: int
    window_low: c.Array[c.c_double]
    window_high: c.Array[c.c_double]
    capacity: int
    offsets: int | None
    reflection: int | None
    root: int | None
    omega: int | None
    _fields_ = (
        ("struct_size", c.c_uint32),
        ("flags", c.c_uint32),
        ("window_count", c.c_int32),
        ("reserved", c.c_int32),
        ("window_low", c.c_double * 8),
        ("window_high", c.c_double * 8),
        ("capacity", c.c_int64),
        ("offsets", c.c_void_p),
        ("reflection", c.c_void_p),
        ("root", c.c_void_p),
        ("omega", c.c_void_p),
    )


class brg_beams_f32(Struct):
    direction: int | None
    two_theta: int | None
    eta: int | None
    _fields_ = (
        ("struct_size", c.c_uint32),
        ("flags", c.c_uint32),
        ("direction", c.c_void_p),
        ("two_theta", c.c_void_p),
        ("eta", c.c_void_p),
    )


class brg_spots_f32(Struct):
    window_count: int
    reserved: int
    window_low: c.Array[c.c_double]
    window_high: c.Array[c.c_double]
    capacity: int
    offsets: int | None
    reflection: int | None
    root: int | None
    omega: int | None
    _fields_ = (
        ("struct_size", c.c_uint32),
        ("flags", c.c_uint32),
        ("window_count", c.c_int32),
        ("reserved", c.c_int32),
        ("window_low", c.c_double * 8),
        ("window_high", c.c_double * 8),
        ("capacity", c.c_int64),
        ("offsets", c.c_void_p),
        ("reflection", c.c_void_p),
        ("root", c.c_void_p),
        ("omega", c.c_void_p),
    )


FUNCTIONS = {
    "brg_buffer_create": (c.c_int32, [c.c_void_p, c.c_size_t, c.POINTER(c.c_void_p)]),
    "brg_buffer_destroy": (c.c_int32, [c.c_void_p]),
    "brg_buffer_data": (c.c_void_p, [c.c_void_p]),
    "brg_buffer_size": (c.c_size_t, [c.c_void_p]),
    "brg_buffer_upload": (c.c_int32, [c.c_void_p, c.c_void_p, c.c_size_t, c.c_void_p, c.c_size_t]),
    "brg_buffer_download": (c.c_int32, [c.c_void_p, c.c_void_p, c.c_size_t, c.c_void_p, c.c_size_t]),
    "brg_buffer_clear": (c.c_int32, [c.c_void_p, c.c_void_p]),
    "brg_backend_available": (c.c_int32, [c.c_int32]),
    "brg_device_count": (c.c_int32, [c.c_int32, c.c_void_p]),
    "brg_device_info": (c.c_int32, [c.c_int32, c.c_int32, c.POINTER(brg_device_properties)]),
    "brg_context_options_init": (c.c_int32, [c.POINTER(brg_context_options), c.c_size_t]),
    "brg_context_create": (c.c_int32, [c.POINTER(brg_context_options), c.POINTER(c.c_void_p)]),
    "brg_context_destroy": (c.c_int32, [c.c_void_p]),
    "brg_context_set_stream": (c.c_int32, [c.c_void_p, c.c_void_p]),
    "brg_context_use_own_stream": (c.c_int32, [c.c_void_p]),
    "brg_context_synchronize": (c.c_int32, [c.c_void_p]),
    "brg_context_backend": (c.c_int32, [c.c_void_p]),
    "brg_context_set_workspace": (c.c_int32, [c.c_void_p, c.c_void_p, c.c_size_t]),
    "brg_context_workspace_size": (c.c_int32, [c.c_void_p, c.c_void_p]),
    "brg_context_set_dry_run": (c.c_int32, [c.c_void_p, c.c_int32]),
    "brg_geometry_init": (c.c_int32, [c.POINTER(brg_geometry), c.c_size_t]),
    "brg_geometry_set_energy": (c.c_int32, [c.POINTER(brg_geometry), c.c_double]),
    "brg_geometry_set_wavelength": (c.c_int32, [c.POINTER(brg_geometry), c.c_double]),
    "brg_geometry_set_chi": (c.c_int32, [c.POINTER(brg_geometry), c.c_double]),
    "brg_geometry_check": (c.c_int32, [c.POINTER(brg_geometry)]),
    "brg_solve_f64": (
        c.c_int32,
        [c.c_void_p, c.POINTER(brg_geometry), c.POINTER(brg_items_f64), c.POINTER(brg_roots_f64)],
    ),
    "brg_solve_vjp_f64": (
        c.c_int32,
        [
            c.c_void_p,
            c.POINTER(brg_geometry),
            c.POINTER(brg_items_f64),
            c.POINTER(brg_root_cotangents_f64),
            c.POINTER(brg_items_gradient_f64),
        ],
    ),
    "brg_solve_jvp_f64": (
        c.c_int32,
        [
            c.c_void_p,
            c.POINTER(brg_geometry),
            c.POINTER(brg_items_f64),
            c.POINTER(brg_items_tangent_f64),
            c.POINTER(brg_roots_f64),
        ],
    ),
    "brg_solve_f32": (
        c.c_int32,
        [c.c_void_p, c.POINTER(brg_geometry), c.POINTER(brg_items_f32), c.POINTER(brg_roots_f32)],
    ),
    "brg_solve_vjp_f32": (
        c.c_int32,
        [
            c.c_void_p,
            c.POINTER(brg_geometry),
            c.POINTER(brg_items_f32),
            c.POINTER(brg_root_cotangents_f32),
            c.POINTER(brg_items_gradient_f32),
        ],
    ),
    "brg_solve_jvp_f32": (
        c.c_int32,
        [
            c.c_void_p,
            c.POINTER(brg_geometry),
            c.POINTER(brg_items_f32),
            c.POINTER(brg_items_tangent_f32),
            c.POINTER(brg_roots_f32),
        ],
    ),
    "brg_convention_init": (c.c_int32, [c.POINTER(brg_convention), c.c_size_t, c.c_int32]),
    "brg_convention_geometry": (c.c_int32, [c.POINTER(brg_convention), c.POINTER(brg_geometry)]),
    "brg_convention_angles_f64": (
        c.c_int32,
        [c.c_void_p, c.POINTER(brg_convention), c.c_int64, c.POINTER(brg_roots_f64), c.POINTER(brg_roots_f64)],
    ),
    "brg_convention_solve_f64": (
        c.c_int32,
        [c.c_void_p, c.POINTER(brg_convention), c.POINTER(brg_items_f64), c.POINTER(brg_roots_f64)],
    ),
    "brg_convention_angles_f32": (
        c.c_int32,
        [c.c_void_p, c.POINTER(brg_convention), c.c_int64, c.POINTER(brg_roots_f32), c.POINTER(brg_roots_f32)],
    ),
    "brg_convention_solve_f32": (
        c.c_int32,
        [c.c_void_p, c.POINTER(brg_convention), c.POINTER(brg_items_f32), c.POINTER(brg_roots_f32)],
    ),
    "brg_reciprocal_basis": (c.c_int32, [c.c_void_p, c.c_void_p]),
    "brg_hkl_enumerate": (c.c_int32, [c.c_void_p, c.c_char, c.c_double, c.c_int64, c.c_void_p, c.c_void_p]),
    "brg_reflections_create": (c.c_int32, [c.c_void_p, c.c_int64, c.c_void_p, c.c_void_p, c.POINTER(c.c_void_p)]),
    "brg_reflections_create_from_vectors": (c.c_int32, [c.c_void_p, c.c_int64, c.c_void_p, c.POINTER(c.c_void_p)]),
    "brg_reflections_view_f64": (c.c_int32, [c.c_void_p, c.c_int64, c.c_void_p, c.POINTER(c.c_void_p)]),
    "brg_reflections_view_f32": (c.c_int32, [c.c_void_p, c.c_int64, c.c_void_p, c.POINTER(c.c_void_p)]),
    "brg_reflections_destroy": (c.c_int32, [c.c_void_p]),
    "brg_reflections_count": (c.c_int64, [c.c_void_p]),
    "brg_predict_f64": (
        c.c_int32,
        [c.c_void_p, c.POINTER(brg_geometry), c.c_void_p, c.POINTER(brg_orientations_f64), c.POINTER(brg_roots_f64)],
    ),
    "brg_predict_vjp_f64": (
        c.c_int32,
        [
            c.c_void_p,
            c.POINTER(brg_geometry),
            c.c_void_p,
            c.POINTER(brg_orientations_f64),
            c.POINTER(brg_root_cotangents_f64),
            c.POINTER(brg_orientations_gradient_f64),
        ],
    ),
    "brg_predict_jvp_f64": (
        c.c_int32,
        [
            c.c_void_p,
            c.POINTER(brg_geometry),
            c.c_void_p,
            c.POINTER(brg_orientations_f64),
            c.POINTER(brg_orientations_tangent_f64),
            c.POINTER(brg_roots_f64),
        ],
    ),
    "brg_predict_f32": (
        c.c_int32,
        [c.c_void_p, c.POINTER(brg_geometry), c.c_void_p, c.POINTER(brg_orientations_f32), c.POINTER(brg_roots_f32)],
    ),
    "brg_predict_vjp_f32": (
        c.c_int32,
        [
            c.c_void_p,
            c.POINTER(brg_geometry),
            c.c_void_p,
            c.POINTER(brg_orientations_f32),
            c.POINTER(brg_root_cotangents_f32),
            c.POINTER(brg_orientations_gradient_f32),
        ],
    ),
    "brg_predict_jvp_f32": (
        c.c_int32,
        [
            c.c_void_p,
            c.POINTER(brg_geometry),
            c.c_void_p,
            c.POINTER(brg_orientations_f32),
            c.POINTER(brg_orientations_tangent_f32),
            c.POINTER(brg_roots_f32),
        ],
    ),
    "brg_omega_loss_f64": (
        c.c_int32,
        [
            c.c_void_p,
            c.POINTER(brg_geometry),
            c.c_void_p,
            c.POINTER(brg_orientations_f64),
            c.POINTER(brg_omega_targets_f64),
            c.POINTER(brg_omega_loss_output_f64),
        ],
    ),
    "brg_omega_loss_f32": (
        c.c_int32,
        [
            c.c_void_p,
            c.POINTER(brg_geometry),
            c.c_void_p,
            c.POINTER(brg_orientations_f32),
            c.POINTER(brg_omega_targets_f32),
            c.POINTER(brg_omega_loss_output_f32),
        ],
    ),
    "brg_version": (c.c_char_p, []),
    "brg_abi_version": (c.c_uint32, []),
    "brg_build_info": (c.c_char_p, []),
    "brg_status_name": (c.c_char_p, [c.c_int32]),
    "brg_last_error": (c.c_char_p, []),
    "brg_rotate_f64": (
        c.c_int32,
        [c.c_void_p, c.c_void_p, c.POINTER(brg_orientations_f64), c.POINTER(brg_vectors_f64)],
    ),
    "brg_rotate_vjp_f64": (
        c.c_int32,
        [
            c.c_void_p,
            c.c_void_p,
            c.POINTER(brg_orientations_f64),
            c.POINTER(brg_vector_cotangents_f64),
            c.POINTER(brg_orientations_gradient_f64),
        ],
    ),
    "brg_rotate_jvp_f64": (
        c.c_int32,
        [
            c.c_void_p,
            c.c_void_p,
            c.POINTER(brg_orientations_f64),
            c.POINTER(brg_orientations_tangent_f64),
            c.POINTER(brg_vectors_f64),
        ],
    ),
    "brg_rotate_f32": (
        c.c_int32,
        [c.c_void_p, c.c_void_p, c.POINTER(brg_orientations_f32), c.POINTER(brg_vectors_f32)],
    ),
    "brg_rotate_vjp_f32": (
        c.c_int32,
        [
            c.c_void_p,
            c.c_void_p,
            c.POINTER(brg_orientations_f32),
            c.POINTER(brg_vector_cotangents_f32),
            c.POINTER(brg_orientations_gradient_f32),
        ],
    ),
    "brg_rotate_jvp_f32": (
        c.c_int32,
        [
            c.c_void_p,
            c.c_void_p,
            c.POINTER(brg_orientations_f32),
            c.POINTER(brg_orientations_tangent_f32),
            c.POINTER(brg_vectors_f32),
        ],
    ),
    "brg_diffracted_beam_f64": (
        c.c_int32,
        [c.c_void_p, c.POINTER(brg_geometry), c.POINTER(brg_items_f64), c.c_void_p, c.POINTER(brg_beams_f64)],
    ),
    "brg_predict_spots_f64": (
        c.c_int32,
        [
            c.c_void_p,
            c.POINTER(brg_geometry),
            c.c_void_p,
            c.POINTER(brg_orientations_f64),
            c.POINTER(brg_spots_f64),
            c.c_void_p,
        ],
    ),
    "brg_diffracted_beam_f32": (
        c.c_int32,
        [c.c_void_p, c.POINTER(brg_geometry), c.POINTER(brg_items_f32), c.c_void_p, c.POINTER(brg_beams_f32)],
    ),
    "brg_predict_spots_f32": (
        c.c_int32,
        [
            c.c_void_p,
            c.POINTER(brg_geometry),
            c.c_void_p,
            c.POINTER(brg_orientations_f32),
            c.POINTER(brg_spots_f32),
            c.c_void_p,
        ],
    ),
}


def declare(library: c.CDLL) -> None:
    """Gives every function of the loaded library its result and argument types."""
    for name, (result, arguments) in FUNCTIONS.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
