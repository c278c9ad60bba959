! The C interface of braggrad as Fortran sees it: made by scripts/generate_fortran.py from include/braggrad, where every
! member and function is described. The module `braggrad` gives all of it, and procedures that are easier to call.
!
! Derived types are those of C, ready to use: struct_size is set and every other member is its default (brg_geometry and
! brg_context_options have an init function besides). Arrays are type(c_ptr): c_loc of a contiguous target.
module braggrad_c
  use, intrinsic :: iso_c_binding, only: c_char, c_double, c_float, c_int32_t, c_int64_t, c_int8_t, c_null_char, &
    c_null_ptr, c_ptr, c_size_t
  implicit none
  private :: c_char, c_double, c_float, c_int32_t, c_int64_t, c_int8_t, c_null_char, c_null_ptr, c_ptr, c_size_t

  ! Kinds of the C types of the same name.
  integer, parameter :: brg_system = c_int32_t
  integer, parameter :: brg_backend = c_int32_t
  integer, parameter :: brg_loss = c_int32_t
  integer, parameter :: brg_status = c_int32_t

  integer(c_int32_t), parameter :: BRG_VERSION_MAJOR = 0
  integer(c_int32_t), parameter :: BRG_VERSION_MINOR = 1
  integer(c_int32_t), parameter :: BRG_VERSION_PATCH = 0
  integer(c_int32_t), parameter :: BRG_HEADER_ABI_VERSION = 0
  integer(c_int32_t), parameter :: BRG_MAX_OMEGA_WINDOWS = 8
  integer(c_int32_t), parameter :: BRG_SYSTEM_ICENINE = 1
  integer(c_int32_t), parameter :: BRG_SYSTEM_HEXRD = 2
  integer(c_int32_t), parameter :: BRG_SYSTEM_MIDAS = 3
  integer(c_int32_t), parameter :: BRG_SYSTEM_IMAGED11 = 4
  integer(c_int32_t), parameter :: BRG_SYSTEM_XFAB = 5
  integer(c_int32_t), parameter :: BRG_SYSTEM_DIALS = 6
  integer(c_int32_t), parameter :: BRG_MIDAS_WEDGE_UNTIL_2026_08 = 1
  integer(c_int32_t), parameter :: BRG_RANGE_START = 2
  integer(c_int32_t), parameter :: BRG_HEXRD_UNWRAPPED = 4
  integer(c_int32_t), parameter :: BRG_BACKEND_AUTO = 0
  integer(c_int32_t), parameter :: BRG_BACKEND_CPU = 1
  integer(c_int32_t), parameter :: BRG_BACKEND_CUDA = 2
  integer(c_int32_t), parameter :: BRG_LOSS_SQUARES = 0
  integer(c_int32_t), parameter :: BRG_LOSS_CHORD = 1
  integer(c_int32_t), parameter :: BRG_LOSS_HUBER = 2
  integer(c_int32_t), parameter :: BRG_LOSS_NORM = 3
  integer(c_int32_t), parameter :: BRG_FIT_ROTATION = 1
  integer(c_int32_t), parameter :: BRG_FIT_WAVENUMBER = 2
  integer(c_int32_t), parameter :: BRG_FIT_CHI = 4
  integer(c_int32_t), parameter :: BRG_FIT_LATTICE = 8
  integer(c_int32_t), parameter :: BRG_SUCCESS = 0
  integer(c_int32_t), parameter :: BRG_ERROR_INVALID_ARGUMENT = 1
  integer(c_int32_t), parameter :: BRG_ERROR_ABI = 2
  integer(c_int32_t), parameter :: BRG_ERROR_NO_DEVICE = 3
  integer(c_int32_t), parameter :: BRG_ERROR_WRONG_DEVICE = 4
  integer(c_int32_t), parameter :: BRG_ERROR_OUT_OF_MEMORY = 5
  integer(c_int32_t), parameter :: BRG_ERROR_WORKSPACE = 6
  integer(c_int32_t), parameter :: BRG_ERROR_CAPACITY = 7
  integer(c_int32_t), parameter :: BRG_ERROR_CUDA = 8
  integer(c_int32_t), parameter :: BRG_ERROR_FORKED = 9
  integer(c_int32_t), parameter :: BRG_ERROR_INTERNAL = 10
  integer(c_int32_t), parameter :: BRG_COLUMN_MAJOR = 1
  integer(c_int32_t), parameter :: BRG_MAGNITUDE_FROM_ROTATED = 2
  integer(c_int32_t), parameter :: BRG_ACCUMULATE = 4

  type, bind(C) :: brg_context_options
    integer(c_int32_t) :: struct_size = 32
    integer(c_int32_t) :: flags = 0
    integer(brg_backend) :: backend = 0
    integer(c_int32_t) :: device = 0
    integer(c_int32_t) :: threads = 0
    integer(c_int32_t) :: reserved = 0
    integer(c_int64_t) :: max_pairs_per_launch = 0
  end type brg_context_options

  type, bind(C) :: brg_convention
    integer(c_int32_t) :: struct_size = 248
    integer(c_int32_t) :: flags = 0
    integer(brg_system) :: system = 0
    integer(c_int32_t) :: omega_sign = 0
    real(c_double) :: wavelength = 0.0_c_double
    real(c_double) :: energy = 0.0_c_double
    real(c_double) :: chi = 0.0_c_double
    real(c_double) :: wedge = 0.0_c_double
    real(c_double) :: s0(3) = 0.0_c_double
    real(c_double) :: axis(3) = 0.0_c_double
    real(c_double) :: setting(9) = 0.0_c_double
    real(c_double) :: fixed(9) = 0.0_c_double
    real(c_double) :: range_start = 0.0_c_double
  end type brg_convention

  type, bind(C) :: brg_device_properties
    integer(c_int32_t) :: struct_size = 160
    integer(c_int32_t) :: flags = 0
    character(kind=c_char) :: name(128) = c_null_char
    integer(brg_backend) :: backend = 0
    integer(c_int32_t) :: device = 0
    integer(c_int32_t) :: compute_capability = 0
    integer(c_int32_t) :: units = 0
    integer(c_int64_t) :: memory_bytes = 0
  end type brg_device_properties

  type, bind(C) :: brg_omega_targets_f64
    integer(c_int32_t) :: struct_size = 112
    integer(c_int32_t) :: flags = 0
    integer(brg_loss) :: loss = 0
    integer(c_int32_t) :: reserved = 0
    real(c_double) :: delta = 0.0_c_double
    real(c_double) :: missing_loss = 0.0_c_double
    integer(c_int64_t) :: orientation_stride = 0
    type(c_ptr) :: omega1 = c_null_ptr
    type(c_ptr) :: omega2 = c_null_ptr
    type(c_ptr) :: weight1 = c_null_ptr
    type(c_ptr) :: weight2 = c_null_ptr
    type(c_ptr) :: offsets = c_null_ptr
    type(c_ptr) :: reflection = c_null_ptr
    type(c_ptr) :: root = c_null_ptr
    type(c_ptr) :: omega = c_null_ptr
    type(c_ptr) :: weight = c_null_ptr
  end type brg_omega_targets_f64

  type, bind(C) :: brg_omega_loss_output_f64
    integer(c_int32_t) :: struct_size = 80
    integer(c_int32_t) :: flags = 0
    integer(c_int32_t) :: parameters = 0
    integer(c_int32_t) :: reserved = 0
    type(c_ptr) :: loss = c_null_ptr
    type(c_ptr) :: gradient = c_null_ptr
    type(c_ptr) :: normal = c_null_ptr
    type(c_ptr) :: rotation_bar = c_null_ptr
    type(c_ptr) :: observable = c_null_ptr
    type(c_ptr) :: matched = c_null_ptr
    type(c_ptr) :: missing = c_null_ptr
    type(c_ptr) :: grazing = c_null_ptr
  end type brg_omega_loss_output_f64

  type, bind(C) :: brg_omega_targets_f32
    integer(c_int32_t) :: struct_size = 112
    integer(c_int32_t) :: flags = 0
    integer(brg_loss) :: loss = 0
    integer(c_int32_t) :: reserved = 0
    real(c_double) :: delta = 0.0_c_double
    real(c_double) :: missing_loss = 0.0_c_double
    integer(c_int64_t) :: orientation_stride = 0
    type(c_ptr) :: omega1 = c_null_ptr
    type(c_ptr) :: omega2 = c_null_ptr
    type(c_ptr) :: weight1 = c_null_ptr
    type(c_ptr) :: weight2 = c_null_ptr
    type(c_ptr) :: offsets = c_null_ptr
    type(c_ptr) :: reflection = c_null_ptr
    type(c_ptr) :: root = c_null_ptr
    type(c_ptr) :: omega = c_null_ptr
    type(c_ptr) :: weight = c_null_ptr
  end type brg_omega_targets_f32

  type, bind(C) :: brg_omega_loss_output_f32
    integer(c_int32_t) :: struct_size = 80
    integer(c_int32_t) :: flags = 0
    integer(c_int32_t) :: parameters = 0
    integer(c_int32_t) :: reserved = 0
    type(c_ptr) :: loss = c_null_ptr
    type(c_ptr) :: gradient = c_null_ptr
    type(c_ptr) :: normal = c_null_ptr
    type(c_ptr) :: rotation_bar = c_null_ptr
    type(c_ptr) :: observable = c_null_ptr
    type(c_ptr) :: matched = c_null_ptr
    type(c_ptr) :: missing = c_null_ptr
    type(c_ptr) :: grazing = c_null_ptr
  end type brg_omega_loss_output_f32

  type, bind(C) :: brg_geometry
    integer(c_int32_t) :: struct_size = 80
    integer(c_int32_t) :: flags = 0
    real(c_double) :: wavenumber = 0.0_c_double
    real(c_double) :: beam(3) = 0.0_c_double
    real(c_double) :: axis(3) = 0.0_c_double
    real(c_double) :: chi = 0.0_c_double
    real(c_double) :: grazing_cut = 0.0_c_double
  end type brg_geometry

  type, bind(C) :: brg_orientations_f64
    integer(c_int32_t) :: struct_size = 48
    integer(c_int32_t) :: flags = 0
    integer(c_int64_t) :: count = 0
    type(c_ptr) :: rotation = c_null_ptr
    type(c_ptr) :: reciprocal_basis = c_null_ptr
    type(c_ptr) :: wavenumber = c_null_ptr
    type(c_ptr) :: chi = c_null_ptr
  end type brg_orientations_f64

  type, bind(C) :: brg_orientations_gradient_f64
    integer(c_int32_t) :: struct_size = 96
    integer(c_int32_t) :: flags = 0
    type(c_ptr) :: rotation = c_null_ptr
    type(c_ptr) :: rotation_vector = c_null_ptr
    type(c_ptr) :: reciprocal_basis = c_null_ptr
    type(c_ptr) :: wavenumber = c_null_ptr
    type(c_ptr) :: chi = c_null_ptr
    type(c_ptr) :: q = c_null_ptr
    type(c_ptr) :: reflections_basis = c_null_ptr
    type(c_ptr) :: geometry_wavenumber = c_null_ptr
    type(c_ptr) :: geometry_chi = c_null_ptr
    type(c_ptr) :: geometry_beam = c_null_ptr
    type(c_ptr) :: geometry_axis = c_null_ptr
  end type brg_orientations_gradient_f64

  type, bind(C) :: brg_orientations_tangent_f64
    integer(c_int32_t) :: struct_size = 120
    integer(c_int32_t) :: flags = 0
    type(c_ptr) :: rotation = c_null_ptr
    type(c_ptr) :: rotation_vector = c_null_ptr
    type(c_ptr) :: reciprocal_basis = c_null_ptr
    type(c_ptr) :: wavenumber = c_null_ptr
    type(c_ptr) :: chi = c_null_ptr
    type(c_ptr) :: q = c_null_ptr
    real(c_double) :: geometry_wavenumber = 0.0_c_double
    real(c_double) :: geometry_chi = 0.0_c_double
    real(c_double) :: geometry_beam(3) = 0.0_c_double
    real(c_double) :: geometry_axis(3) = 0.0_c_double
  end type brg_orientations_tangent_f64

  type, bind(C) :: brg_orientations_f32
    integer(c_int32_t) :: struct_size = 48
    integer(c_int32_t) :: flags = 0
    integer(c_int64_t) :: count = 0
    type(c_ptr) :: rotation = c_null_ptr
    type(c_ptr) :: reciprocal_basis = c_null_ptr
    type(c_ptr) :: wavenumber = c_null_ptr
    type(c_ptr) :: chi = c_null_ptr
  end type brg_orientations_f32

  type, bind(C) :: brg_orientations_gradient_f32
    integer(c_int32_t) :: struct_size = 96
    integer(c_int32_t) :: flags = 0
    type(c_ptr) :: rotation = c_null_ptr
    type(c_ptr) :: rotation_vector = c_null_ptr
    type(c_ptr) :: reciprocal_basis = c_null_ptr
    type(c_ptr) :: wavenumber = c_null_ptr
    type(c_ptr) :: chi = c_null_ptr
    type(c_ptr) :: q = c_null_ptr
    type(c_ptr) :: reflections_basis = c_null_ptr
    type(c_ptr) :: geometry_wavenumber = c_null_ptr
    type(c_ptr) :: geometry_chi = c_null_ptr
    type(c_ptr) :: geometry_beam = c_null_ptr
    type(c_ptr) :: geometry_axis = c_null_ptr
  end type brg_orientations_gradient_f32

  type, bind(C) :: brg_orientations_tangent_f32
    integer(c_int32_t) :: struct_size = 120
    integer(c_int32_t) :: flags = 0
    type(c_ptr) :: rotation = c_null_ptr
    type(c_ptr) :: rotation_vector = c_null_ptr
    type(c_ptr) :: reciprocal_basis = c_null_ptr
    type(c_ptr) :: wavenumber = c_null_ptr
    type(c_ptr) :: chi = c_null_ptr
    type(c_ptr) :: q = c_null_ptr
    real(c_double) :: geometry_wavenumber = 0.0_c_double
    real(c_double) :: geometry_chi = 0.0_c_double
    real(c_double) :: geometry_beam(3) = 0.0_c_double
    real(c_double) :: geometry_axis(3) = 0.0_c_double
  end type brg_orientations_tangent_f32

  type, bind(C) :: brg_vectors_f64
    integer(c_int32_t) :: struct_size = 16
    integer(c_int32_t) :: flags = 0
    type(c_ptr) :: g = c_null_ptr
  end type brg_vectors_f64

  type, bind(C) :: brg_vector_cotangents_f64
    integer(c_int32_t) :: struct_size = 16
    integer(c_int32_t) :: flags = 0
    type(c_ptr) :: g = c_null_ptr
  end type brg_vector_cotangents_f64

  type, bind(C) :: brg_vectors_f32
    integer(c_int32_t) :: struct_size = 16
    integer(c_int32_t) :: flags = 0
    type(c_ptr) :: g = c_null_ptr
  end type brg_vectors_f32

  type, bind(C) :: brg_vector_cotangents_f32
    integer(c_int32_t) :: struct_size = 16
    integer(c_int32_t) :: flags = 0
    type(c_ptr) :: g = c_null_ptr
  end type brg_vector_cotangents_f32

  type, bind(C) :: brg_items_f64
    integer(c_int32_t) :: struct_size = 48
    integer(c_int32_t) :: flags = 0
    integer(c_int64_t) :: count = 0
    type(c_ptr) :: g = c_null_ptr
    type(c_ptr) :: g_magnitude = c_null_ptr
    type(c_ptr) :: wavenumber = c_null_ptr
    type(c_ptr) :: chi = c_null_ptr
  end type brg_items_f64

  type, bind(C) :: brg_roots_f64
    integer(c_int32_t) :: struct_size = 32
    integer(c_int32_t) :: flags = 0
    type(c_ptr) :: omega1 = c_null_ptr
    type(c_ptr) :: omega2 = c_null_ptr
    type(c_ptr) :: observable = c_null_ptr
  end type brg_roots_f64

  type, bind(C) :: brg_root_cotangents_f64
    integer(c_int32_t) :: struct_size = 24
    integer(c_int32_t) :: flags = 0
    type(c_ptr) :: omega1 = c_null_ptr
    type(c_ptr) :: omega2 = c_null_ptr
  end type brg_root_cotangents_f64

  type, bind(C) :: brg_items_gradient_f64
    integer(c_int32_t) :: struct_size = 72
    integer(c_int32_t) :: flags = 0
    type(c_ptr) :: g = c_null_ptr
    type(c_ptr) :: g_magnitude = c_null_ptr
    type(c_ptr) :: wavenumber = c_null_ptr
    type(c_ptr) :: chi = c_null_ptr
    type(c_ptr) :: geometry_wavenumber = c_null_ptr
    type(c_ptr) :: geometry_chi = c_null_ptr
    type(c_ptr) :: geometry_beam = c_null_ptr
    type(c_ptr) :: geometry_axis = c_null_ptr
  end type brg_items_gradient_f64

  type, bind(C) :: brg_items_tangent_f64
    integer(c_int32_t) :: struct_size = 104
    integer(c_int32_t) :: flags = 0
    type(c_ptr) :: g = c_null_ptr
    type(c_ptr) :: g_magnitude = c_null_ptr
    type(c_ptr) :: wavenumber = c_null_ptr
    type(c_ptr) :: chi = c_null_ptr
    real(c_double) :: geometry_wavenumber = 0.0_c_double
    real(c_double) :: geometry_chi = 0.0_c_double
    real(c_double) :: geometry_beam(3) = 0.0_c_double
    real(c_double) :: geometry_axis(3) = 0.0_c_double
  end type brg_items_tangent_f64

  type, bind(C) :: brg_items_f32
    integer(c_int32_t) :: struct_size = 48
    integer(c_int32_t) :: flags = 0
    integer(c_int64_t) :: count = 0
    type(c_ptr) :: g = c_null_ptr
    type(c_ptr) :: g_magnitude = c_null_ptr
    type(c_ptr) :: wavenumber = c_null_ptr
    type(c_ptr) :: chi = c_null_ptr
  end type brg_items_f32

  type, bind(C) :: brg_roots_f32
    integer(c_int32_t) :: struct_size = 32
    integer(c_int32_t) :: flags = 0
    type(c_ptr) :: omega1 = c_null_ptr
    type(c_ptr) :: omega2 = c_null_ptr
    type(c_ptr) :: observable = c_null_ptr
  end type brg_roots_f32

  type, bind(C) :: brg_root_cotangents_f32
    integer(c_int32_t) :: struct_size = 24
    integer(c_int32_t) :: flags = 0
    type(c_ptr) :: omega1 = c_null_ptr
    type(c_ptr) :: omega2 = c_null_ptr
  end type brg_root_cotangents_f32

  type, bind(C) :: brg_items_gradient_f32
    integer(c_int32_t) :: struct_size = 72
    integer(c_int32_t) :: flags = 0
    type(c_ptr) :: g = c_null_ptr
    type(c_ptr) :: g_magnitude = c_null_ptr
    type(c_ptr) :: wavenumber = c_null_ptr
    type(c_ptr) :: chi = c_null_ptr
    type(c_ptr) :: geometry_wavenumber = c_null_ptr
    type(c_ptr) :: geometry_chi = c_null_ptr
    type(c_ptr) :: geometry_beam = c_null_ptr
    type(c_ptr) :: geometry_axis = c_null_ptr
  end type brg_items_gradient_f32

  type, bind(C) :: brg_items_tangent_f32
    integer(c_int32_t) :: struct_size = 104
    integer(c_int32_t) :: flags = 0
    type(c_ptr) :: g = c_null_ptr
    type(c_ptr) :: g_magnitude = c_null_ptr
    type(c_ptr) :: wavenumber = c_null_ptr
    type(c_ptr) :: chi = c_null_ptr
    real(c_double) :: geometry_wavenumber = 0.0_c_double
    real(c_double) :: geometry_chi = 0.0_c_double
    real(c_double) :: geometry_beam(3) = 0.0_c_double
    real(c_double) :: geometry_axis(3) = 0.0_c_double
  end type brg_items_tangent_f32

  type, bind(C) :: brg_beams_f64
    integer(c_int32_t) :: struct_size = 32
    integer(c_int32_t) :: flags = 0
    type(c_ptr) :: direction = c_null_ptr
    type(c_ptr) :: two_theta = c_null_ptr
    type(c_ptr) :: eta = c_null_ptr
  end type brg_beams_f64

  type, bind(C) :: brg_spots_f64
    integer(c_int32_t) :: struct_size = 184
    integer(c_int32_t) :: flags = 0
    integer(c_int32_t) :: window_count = 0
    integer(c_int32_t) :: reserved = 0
    real(c_double) :: window_low(8) = 0.0_c_double
    real(c_double) :: window_high(8) = 0.0_c_double
    integer(c_int64_t) :: capacity = 0
    type(c_ptr) :: offsets = c_null_ptr
    type(c_ptr) :: reflection = c_null_ptr
    type(c_ptr) :: root = c_null_ptr
    type(c_ptr) :: omega = c_null_ptr
  end type brg_spots_f64

  type, bind(C) :: brg_beams_f32
    integer(c_int32_t) :: struct_size = 32
    integer(c_int32_t) :: flags = 0
    type(c_ptr) :: direction = c_null_ptr
    type(c_ptr) :: two_theta = c_null_ptr
    type(c_ptr) :: eta = c_null_ptr
  end type brg_beams_f32

  type, bind(C) :: brg_spots_f32
    integer(c_int32_t) :: struct_size = 184
    integer(c_int32_t) :: flags = 0
    integer(c_int32_t) :: window_count = 0
    integer(c_int32_t) :: reserved = 0
    real(c_double) :: window_low(8) = 0.0_c_double
    real(c_double) :: window_high(8) = 0.0_c_double
    integer(c_int64_t) :: capacity = 0
    type(c_ptr) :: offsets = c_null_ptr
    type(c_ptr) :: reflection = c_null_ptr
    type(c_ptr) :: root = c_null_ptr
    type(c_ptr) :: omega = c_null_ptr
  end type brg_spots_f32

  interface
    function brg_buffer_create(context, bytes, buffer) bind(C, name="brg_buffer_create") result(answer)
      import
      type(c_ptr), value :: context
      integer(c_size_t), value :: bytes
      type(c_ptr), intent(inout) :: buffer
      integer(brg_status) :: answer
    end function brg_buffer_create

    function brg_buffer_destroy(buffer) bind(C, name="brg_buffer_destroy") result(answer)
      import
      type(c_ptr), value :: buffer
      integer(brg_status) :: answer
    end function brg_buffer_destroy

    function brg_buffer_data(buffer) bind(C, name="brg_buffer_data") result(answer)
      import
      type(c_ptr), value :: buffer
      type(c_ptr) :: answer
    end function brg_buffer_data

    function brg_buffer_size(buffer) bind(C, name="brg_buffer_size") result(answer)
      import
      type(c_ptr), value :: buffer
      integer(c_size_t) :: answer
    end function brg_buffer_size

    function brg_buffer_upload(context, buffer, offset, source, bytes) bind(C, &
      name="brg_buffer_upload") result(answer)
      import
      type(c_ptr), value :: context
      type(c_ptr), value :: buffer
      integer(c_size_t), value :: offset
      type(c_ptr), value :: source
      integer(c_size_t), value :: bytes
      integer(brg_status) :: answer
    end function brg_buffer_upload

    function brg_buffer_download(context, buffer, offset, destination, bytes) bind(C, &
      name="brg_buffer_download") result(answer)
      import
      type(c_ptr), value :: context
      type(c_ptr), value :: buffer
      integer(c_size_t), value :: offset
      type(c_ptr), value :: destination
      integer(c_size_t), value :: bytes
      integer(brg_status) :: answer
    end function brg_buffer_download

    function brg_buffer_clear(context, buffer) bind(C, name="brg_buffer_clear") result(answer)
      import
      type(c_ptr), value :: context
      type(c_ptr), value :: buffer
      integer(brg_status) :: answer
    end function brg_buffer_clear

    function brg_context_options_init(options, struct_size) bind(C, &
      name="brg_context_options_init") result(answer)
      import
      type(brg_context_options), intent(inout) :: options
      integer(c_size_t), value :: struct_size
      integer(brg_status) :: answer
    end function brg_context_options_init

    function brg_context_create(options, context) bind(C, name="brg_context_create") result(answer)
      import
      type(brg_context_options), intent(in), optional :: options
      type(c_ptr), intent(inout) :: context
      integer(brg_status) :: answer
    end function brg_context_create

    function brg_context_destroy(context) bind(C, name="brg_context_destroy") result(answer)
      import
      type(c_ptr), value :: context
      integer(brg_status) :: answer
    end function brg_context_destroy

    function brg_context_set_stream(context, stream) bind(C, name="brg_context_set_stream") result(answer)
      import
      type(c_ptr), value :: context
      type(c_ptr), value :: stream
      integer(brg_status) :: answer
    end function brg_context_set_stream

    function brg_context_use_own_stream(context) bind(C, name="brg_context_use_own_stream") result(answer)
      import
      type(c_ptr), value :: context
      integer(brg_status) :: answer
    end function brg_context_use_own_stream

    function brg_context_synchronize(context) bind(C, name="brg_context_synchronize") result(answer)
      import
      type(c_ptr), value :: context
      integer(brg_status) :: answer
    end function brg_context_synchronize

    function brg_context_backend(context) bind(C, name="brg_context_backend") result(answer)
      import
      type(c_ptr), value :: context
      integer(brg_backend) :: answer
    end function brg_context_backend

    function brg_context_set_workspace(context, workspace, bytes) bind(C, &
      name="brg_context_set_workspace") result(answer)
      import
      type(c_ptr), value :: context
      type(c_ptr), value :: workspace
      integer(c_size_t), value :: bytes
      integer(brg_status) :: answer
    end function brg_context_set_workspace

    function brg_context_workspace_size(context, bytes) bind(C, name="brg_context_workspace_size") result(answer)
      import
      type(c_ptr), value :: context
      integer(c_size_t), intent(inout) :: bytes
      integer(brg_status) :: answer
    end function brg_context_workspace_size

    function brg_context_set_dry_run(context, on) bind(C, name="brg_context_set_dry_run") result(answer)
      import
      type(c_ptr), value :: context
      integer(c_int32_t), value :: on
      integer(brg_status) :: answer
    end function brg_context_set_dry_run

    function brg_convention_init(convention, struct_size, system) bind(C, &
      name="brg_convention_init") result(answer)
      import
      type(brg_convention), intent(inout) :: convention
      integer(c_size_t), value :: struct_size
      integer(brg_system), value :: system
      integer(brg_status) :: answer
    end function brg_convention_init

    function brg_convention_geometry(convention, geometry) bind(C, name="brg_convention_geometry") result(answer)
      import
      type(brg_convention), intent(in) :: convention
      type(brg_geometry), intent(inout) :: geometry
      integer(brg_status) :: answer
    end function brg_convention_geometry

    function brg_convention_angles_f64(context, convention, count, roots, answers) bind(C, &
      name="brg_convention_angles_f64") result(answer)
      import
      type(c_ptr), value :: context
      type(brg_convention), intent(in) :: convention
      integer(c_int64_t), value :: count
      type(brg_roots_f64), intent(in) :: roots
      type(brg_roots_f64), intent(in) :: answers
      integer(brg_status) :: answer
    end function brg_convention_angles_f64

    function brg_convention_solve_f64(context, convention, items, answers) bind(C, &
      name="brg_convention_solve_f64") result(answer)
      import
      type(c_ptr), value :: context
      type(brg_convention), intent(in) :: convention
      type(brg_items_f64), intent(in) :: items
      type(brg_roots_f64), intent(in) :: answers
      integer(brg_status) :: answer
    end function brg_convention_solve_f64

    function brg_convention_angles_f32(context, convention, count, roots, answers) bind(C, &
      name="brg_convention_angles_f32") result(answer)
      import
      type(c_ptr), value :: context
      type(brg_convention), intent(in) :: convention
      integer(c_int64_t), value :: count
      type(brg_roots_f32), intent(in) :: roots
      type(brg_roots_f32), intent(in) :: answers
      integer(brg_status) :: answer
    end function brg_convention_angles_f32

    function brg_convention_solve_f32(context, convention, items, answers) bind(C, &
      name="brg_convention_solve_f32") result(answer)
      import
      type(c_ptr), value :: context
      type(brg_convention), intent(in) :: convention
      type(brg_items_f32), intent(in) :: items
      type(brg_roots_f32), intent(in) :: answers
      integer(brg_status) :: answer
    end function brg_convention_solve_f32

    function brg_reciprocal_basis(cell, basis) bind(C, name="brg_reciprocal_basis") result(answer)
      import
      real(c_double), intent(in) :: cell(6)
      real(c_double), intent(inout) :: basis(9)
      integer(brg_status) :: answer
    end function brg_reciprocal_basis

    function brg_hkl_enumerate(cell, centring, d_min, capacity, hkl, count) bind(C, &
      name="brg_hkl_enumerate") result(answer)
      import
      real(c_double), intent(in) :: cell(6)
      integer(c_int8_t), value :: centring
      real(c_double), value :: d_min
      integer(c_int64_t), value :: capacity
      type(c_ptr), value :: hkl
      integer(c_int64_t), intent(inout) :: count
      integer(brg_status) :: answer
    end function brg_hkl_enumerate

    function brg_backend_available(backend) bind(C, name="brg_backend_available") result(answer)
      import
      integer(brg_backend), value :: backend
      integer(c_int32_t) :: answer
    end function brg_backend_available

    function brg_device_count(backend, count) bind(C, name="brg_device_count") result(answer)
      import
      integer(brg_backend), value :: backend
      integer(c_int32_t), intent(inout) :: count
      integer(brg_status) :: answer
    end function brg_device_count

    function brg_device_info(backend, device, properties) bind(C, name="brg_device_info") result(answer)
      import
      integer(brg_backend), value :: backend
      integer(c_int32_t), value :: device
      type(brg_device_properties), intent(inout) :: properties
      integer(brg_status) :: answer
    end function brg_device_info

    function brg_omega_loss_f64(context, geometry, reflections, orientations, targets, output) bind(C, &
      name="brg_omega_loss_f64") result(answer)
      import
      type(c_ptr), value :: context
      type(brg_geometry), intent(in) :: geometry
      type(c_ptr), value :: reflections
      type(brg_orientations_f64), intent(in) :: orientations
      type(brg_omega_targets_f64), intent(in) :: targets
      type(brg_omega_loss_output_f64), intent(in) :: output
      integer(brg_status) :: answer
    end function brg_omega_loss_f64

    function brg_omega_loss_f32(context, geometry, reflections, orientations, targets, output) bind(C, &
      name="brg_omega_loss_f32") result(answer)
      import
      type(c_ptr), value :: context
      type(brg_geometry), intent(in) :: geometry
      type(c_ptr), value :: reflections
      type(brg_orientations_f32), intent(in) :: orientations
      type(brg_omega_targets_f32), intent(in) :: targets
      type(brg_omega_loss_output_f32), intent(in) :: output
      integer(brg_status) :: answer
    end function brg_omega_loss_f32

    function brg_geometry_init(geometry, struct_size) bind(C, name="brg_geometry_init") result(answer)
      import
      type(brg_geometry), intent(inout) :: geometry
      integer(c_size_t), value :: struct_size
      integer(brg_status) :: answer
    end function brg_geometry_init

    function brg_geometry_set_energy(geometry, energy_keV) bind(C, name="brg_geometry_set_energy") result(answer)
      import
      type(brg_geometry), intent(inout) :: geometry
      real(c_double), value :: energy_keV
      integer(brg_status) :: answer
    end function brg_geometry_set_energy

    function brg_geometry_set_wavelength(geometry, wavelength_angstrom) bind(C, &
      name="brg_geometry_set_wavelength") result(answer)
      import
      type(brg_geometry), intent(inout) :: geometry
      real(c_double), value :: wavelength_angstrom
      integer(brg_status) :: answer
    end function brg_geometry_set_wavelength

    function brg_geometry_set_chi(geometry, chi) bind(C, name="brg_geometry_set_chi") result(answer)
      import
      type(brg_geometry), intent(inout) :: geometry
      real(c_double), value :: chi
      integer(brg_status) :: answer
    end function brg_geometry_set_chi

    function brg_geometry_check(geometry) bind(C, name="brg_geometry_check") result(answer)
      import
      type(brg_geometry), intent(in) :: geometry
      integer(brg_status) :: answer
    end function brg_geometry_check

    function brg_version() bind(C, name="brg_version") result(answer)
      import
      type(c_ptr) :: answer
    end function brg_version

    function brg_abi_version() bind(C, name="brg_abi_version") result(answer)
      import
      integer(c_int32_t) :: answer
    end function brg_abi_version

    function brg_build_info() bind(C, name="brg_build_info") result(answer)
      import
      type(c_ptr) :: answer
    end function brg_build_info

    function brg_status_name(status) bind(C, name="brg_status_name") result(answer)
      import
      integer(brg_status), value :: status
      type(c_ptr) :: answer
    end function brg_status_name

    function brg_last_error() bind(C, name="brg_last_error") result(answer)
      import
      type(c_ptr) :: answer
    end function brg_last_error

    function brg_predict_f64(context, geometry, reflections, orientations, roots) bind(C, &
      name="brg_predict_f64") result(answer)
      import
      type(c_ptr), value :: context
      type(brg_geometry), intent(in) :: geometry
      type(c_ptr), value :: reflections
      type(brg_orientations_f64), intent(in) :: orientations
      type(brg_roots_f64), intent(in) :: roots
      integer(brg_status) :: answer
    end function brg_predict_f64

    function brg_predict_vjp_f64(context, geometry, reflections, orientations, cotangents, gradient) bind(C, &
      name="brg_predict_vjp_f64") result(answer)
      import
      type(c_ptr), value :: context
      type(brg_geometry), intent(in) :: geometry
      type(c_ptr), value :: reflections
      type(brg_orientations_f64), intent(in) :: orientations
      type(brg_root_cotangents_f64), intent(in) :: cotangents
      type(brg_orientations_gradient_f64), intent(in) :: gradient
      integer(brg_status) :: answer
    end function brg_predict_vjp_f64

    function brg_predict_jvp_f64(context, geometry, reflections, orientations, tangent, roots_dot) bind(C, &
      name="brg_predict_jvp_f64") result(answer)
      import
      type(c_ptr), value :: context
      type(brg_geometry), intent(in) :: geometry
      type(c_ptr), value :: reflections
      type(brg_orientations_f64), intent(in) :: orientations
      type(brg_orientations_tangent_f64), intent(in) :: tangent
      type(brg_roots_f64), intent(in) :: roots_dot
      integer(brg_status) :: answer
    end function brg_predict_jvp_f64

    function brg_predict_f32(context, geometry, reflections, orientations, roots) bind(C, &
      name="brg_predict_f32") result(answer)
      import
      type(c_ptr), value :: context
      type(brg_geometry), intent(in) :: geometry
      type(c_ptr), value :: reflections
      type(brg_orientations_f32), intent(in) :: orientations
      type(brg_roots_f32), intent(in) :: roots
      integer(brg_status) :: answer
    end function brg_predict_f32

    function brg_predict_vjp_f32(context, geometry, reflections, orientations, cotangents, gradient) bind(C, &
      name="brg_predict_vjp_f32") result(answer)
      import
      type(c_ptr), value :: context
      type(brg_geometry), intent(in) :: geometry
      type(c_ptr), value :: reflections
      type(brg_orientations_f32), intent(in) :: orientations
      type(brg_root_cotangents_f32), intent(in) :: cotangents
      type(brg_orientations_gradient_f32), intent(in) :: gradient
      integer(brg_status) :: answer
    end function brg_predict_vjp_f32

    function brg_predict_jvp_f32(context, geometry, reflections, orientations, tangent, roots_dot) bind(C, &
      name="brg_predict_jvp_f32") result(answer)
      import
      type(c_ptr), value :: context
      type(brg_geometry), intent(in) :: geometry
      type(c_ptr), value :: reflections
      type(brg_orientations_f32), intent(in) :: orientations
      type(brg_orientations_tangent_f32), intent(in) :: tangent
      type(brg_roots_f32), intent(in) :: roots_dot
      integer(brg_status) :: answer
    end function brg_predict_jvp_f32

    function brg_reflections_create(context, count, hkl, basis, reflections) bind(C, &
      name="brg_reflections_create") result(answer)
      import
      type(c_ptr), value :: context
      integer(c_int64_t), value :: count
      type(c_ptr), value :: hkl
      real(c_double), intent(in) :: basis(9)
      type(c_ptr), intent(inout) :: reflections
      integer(brg_status) :: answer
    end function brg_reflections_create

    function brg_reflections_create_from_vectors(context, count, q, reflections) bind(C, &
      name="brg_reflections_create_from_vectors") result(answer)
      import
      type(c_ptr), value :: context
      integer(c_int64_t), value :: count
      type(c_ptr), value :: q
      type(c_ptr), intent(inout) :: reflections
      integer(brg_status) :: answer
    end function brg_reflections_create_from_vectors

    function brg_reflections_view_f64(context, count, q, reflections) bind(C, &
      name="brg_reflections_view_f64") result(answer)
      import
      type(c_ptr), value :: context
      integer(c_int64_t), value :: count
      type(c_ptr), value :: q
      type(c_ptr), intent(inout) :: reflections
      integer(brg_status) :: answer
    end function brg_reflections_view_f64

    function brg_reflections_view_f32(context, count, q, reflections) bind(C, &
      name="brg_reflections_view_f32") result(answer)
      import
      type(c_ptr), value :: context
      integer(c_int64_t), value :: count
      type(c_ptr), value :: q
      type(c_ptr), intent(inout) :: reflections
      integer(brg_status) :: answer
    end function brg_reflections_view_f32

    function brg_reflections_destroy(reflections) bind(C, name="brg_reflections_destroy") result(answer)
      import
      type(c_ptr), value :: reflections
      integer(brg_status) :: answer
    end function brg_reflections_destroy

    function brg_reflections_count(reflections) bind(C, name="brg_reflections_count") result(answer)
      import
      type(c_ptr), value :: reflections
      integer(c_int64_t) :: answer
    end function brg_reflections_count

    function brg_rotate_f64(context, reflections, orientations, vectors) bind(C, &
      name="brg_rotate_f64") result(answer)
      import
      type(c_ptr), value :: context
      type(c_ptr), value :: reflections
      type(brg_orientations_f64), intent(in) :: orientations
      type(brg_vectors_f64), intent(in) :: vectors
      integer(brg_status) :: answer
    end function brg_rotate_f64

    function brg_rotate_vjp_f64(context, reflections, orientations, cotangents, gradient) bind(C, &
      name="brg_rotate_vjp_f64") result(answer)
      import
      type(c_ptr), value :: context
      type(c_ptr), value :: reflections
      type(brg_orientations_f64), intent(in) :: orientations
      type(brg_vector_cotangents_f64), intent(in) :: cotangents
      type(brg_orientations_gradient_f64), intent(in) :: gradient
      integer(brg_status) :: answer
    end function brg_rotate_vjp_f64

    function brg_rotate_jvp_f64(context, reflections, orientations, tangent, vectors_dot) bind(C, &
      name="brg_rotate_jvp_f64") result(answer)
      import
      type(c_ptr), value :: context
      type(c_ptr), value :: reflections
      type(brg_orientations_f64), intent(in) :: orientations
      type(brg_orientations_tangent_f64), intent(in) :: tangent
      type(brg_vectors_f64), intent(in) :: vectors_dot
      integer(brg_status) :: answer
    end function brg_rotate_jvp_f64

    function brg_rotate_f32(context, reflections, orientations, vectors) bind(C, &
      name="brg_rotate_f32") result(answer)
      import
      type(c_ptr), value :: context
      type(c_ptr), value :: reflections
      type(brg_orientations_f32), intent(in) :: orientations
      type(brg_vectors_f32), intent(in) :: vectors
      integer(brg_status) :: answer
    end function brg_rotate_f32

    function brg_rotate_vjp_f32(context, reflections, orientations, cotangents, gradient) bind(C, &
      name="brg_rotate_vjp_f32") result(answer)
      import
      type(c_ptr), value :: context
      type(c_ptr), value :: reflections
      type(brg_orientations_f32), intent(in) :: orientations
      type(brg_vector_cotangents_f32), intent(in) :: cotangents
      type(brg_orientations_gradient_f32), intent(in) :: gradient
      integer(brg_status) :: answer
    end function brg_rotate_vjp_f32

    function brg_rotate_jvp_f32(context, reflections, orientations, tangent, vectors_dot) bind(C, &
      name="brg_rotate_jvp_f32") result(answer)
      import
      type(c_ptr), value :: context
      type(c_ptr), value :: reflections
      type(brg_orientations_f32), intent(in) :: orientations
      type(brg_orientations_tangent_f32), intent(in) :: tangent
      type(brg_vectors_f32), intent(in) :: vectors_dot
      integer(brg_status) :: answer
    end function brg_rotate_jvp_f32

    function brg_solve_f64(context, geometry, items, roots) bind(C, name="brg_solve_f64") result(answer)
      import
      type(c_ptr), value :: context
      type(brg_geometry), intent(in) :: geometry
      type(brg_items_f64), intent(in) :: items
      type(brg_roots_f64), intent(in) :: roots
      integer(brg_status) :: answer
    end function brg_solve_f64

    function brg_solve_vjp_f64(context, geometry, items, cotangents, gradient) bind(C, &
      name="brg_solve_vjp_f64") result(answer)
      import
      type(c_ptr), value :: context
      type(brg_geometry), intent(in) :: geometry
      type(brg_items_f64), intent(in) :: items
      type(brg_root_cotangents_f64), intent(in) :: cotangents
      type(brg_items_gradient_f64), intent(in) :: gradient
      integer(brg_status) :: answer
    end function brg_solve_vjp_f64

    function brg_solve_jvp_f64(context, geometry, items, tangent, roots_dot) bind(C, &
      name="brg_solve_jvp_f64") result(answer)
      import
      type(c_ptr), value :: context
      type(brg_geometry), intent(in) :: geometry
      type(brg_items_f64), intent(in) :: items
      type(brg_items_tangent_f64), intent(in) :: tangent
      type(brg_roots_f64), intent(in) :: roots_dot
      integer(brg_status) :: answer
    end function brg_solve_jvp_f64

    function brg_solve_f32(context, geometry, items, roots) bind(C, name="brg_solve_f32") result(answer)
      import
      type(c_ptr), value :: context
      type(brg_geometry), intent(in) :: geometry
      type(brg_items_f32), intent(in) :: items
      type(brg_roots_f32), intent(in) :: roots
      integer(brg_status) :: answer
    end function brg_solve_f32

    function brg_solve_vjp_f32(context, geometry, items, cotangents, gradient) bind(C, &
      name="brg_solve_vjp_f32") result(answer)
      import
      type(c_ptr), value :: context
      type(brg_geometry), intent(in) :: geometry
      type(brg_items_f32), intent(in) :: items
      type(brg_root_cotangents_f32), intent(in) :: cotangents
      type(brg_items_gradient_f32), intent(in) :: gradient
      integer(brg_status) :: answer
    end function brg_solve_vjp_f32

    function brg_solve_jvp_f32(context, geometry, items, tangent, roots_dot) bind(C, &
      name="brg_solve_jvp_f32") result(answer)
      import
      type(c_ptr), value :: context
      type(brg_geometry), intent(in) :: geometry
      type(brg_items_f32), intent(in) :: items
      type(brg_items_tangent_f32), intent(in) :: tangent
      type(brg_roots_f32), intent(in) :: roots_dot
      integer(brg_status) :: answer
    end function brg_solve_jvp_f32

    function brg_diffracted_beam_f64(context, geometry, items, omega, beams) bind(C, &
      name="brg_diffracted_beam_f64") result(answer)
      import
      type(c_ptr), value :: context
      type(brg_geometry), intent(in) :: geometry
      type(brg_items_f64), intent(in) :: items
      type(c_ptr), value :: omega
      type(brg_beams_f64), intent(in) :: beams
      integer(brg_status) :: answer
    end function brg_diffracted_beam_f64

    function brg_predict_spots_f64(context, geometry, reflections, orientations, spots, count) bind(C, &
      name="brg_predict_spots_f64") result(answer)
      import
      type(c_ptr), value :: context
      type(brg_geometry), intent(in) :: geometry
      type(c_ptr), value :: reflections
      type(brg_orientations_f64), intent(in) :: orientations
      type(brg_spots_f64), intent(in) :: spots
      integer(c_int64_t), intent(inout), optional :: count
      integer(brg_status) :: answer
    end function brg_predict_spots_f64

    function brg_diffracted_beam_f32(context, geometry, items, omega, beams) bind(C, &
      name="brg_diffracted_beam_f32") result(answer)
      import
      type(c_ptr), value :: context
      type(brg_geometry), intent(in) :: geometry
      type(brg_items_f32), intent(in) :: items
      type(c_ptr), value :: omega
      type(brg_beams_f32), intent(in) :: beams
      integer(brg_status) :: answer
    end function brg_diffracted_beam_f32

    function brg_predict_spots_f32(context, geometry, reflections, orientations, spots, count) bind(C, &
      name="brg_predict_spots_f32") result(answer)
      import
      type(c_ptr), value :: context
      type(brg_geometry), intent(in) :: geometry
      type(c_ptr), value :: reflections
      type(brg_orientations_f32), intent(in) :: orientations
      type(brg_spots_f32), intent(in) :: spots
      integer(c_int64_t), intent(inout), optional :: count
      integer(brg_status) :: answer
    end function brg_predict_spots_f32
  end interface
end module braggrad_c
