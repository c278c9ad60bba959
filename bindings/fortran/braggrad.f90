! braggrad: at which rotation angles omega do the reflections of a crystal diffract, and how do the angles change with
! orientation, lattice, beam and axis. `use braggrad` gives the procedures below, for real32 and real64 arrays, and everything
! of `braggrad_c` (the C interface itself). Equations, units and the meaning of every argument: the headers in include/braggrad.
!
! Shapes are those of C read by columns: g(3,n), rotation(3,3,B), omega1(N,B). 3x3 matrices are ordinary Fortran matrices,
! G = matmul(rotation(:,:,b), q(:,n)). Indices of reflections and offsets count from 0, as in C.
!
! Arrays live in the memory of the context: with a CUDA context they are device arrays. Their addresses are passed on, nothing is
! copied (an actual argument that is not contiguous is copied by the compiler), and shapes are checked here (extents < 2^31).
!
! stat    absent: a failure stops the program with its message. Present: gets a BRG_* status, BRG_SUCCESS for success
! errmsg  gets the message of a failure, and keeps its value otherwise
module braggrad
  use, intrinsic :: iso_c_binding, only: c_associated, c_bool, c_char, c_double, c_f_pointer, c_float, c_int32_t, c_int64_t, &
    c_int8_t, c_loc, c_null_ptr, c_ptr
  use braggrad_c
  implicit none
  private :: c_associated, c_bool, c_char, c_double, c_f_pointer, c_float, c_int32_t, c_int64_t, c_int8_t, c_loc, c_null_ptr, &
    c_ptr
  private :: at_f64, at_f32, at_i8, at_i32, at_i64, at_bool, expect, finish, flag_if, strlen
  private :: orientations_f64, orientations_f32, items_f64, items_f32, loss_output_f64, loss_output_f32, parameter_count

  ! A context (include/braggrad/context.h), destroyed at the end of its scope. A copy by `=` borrows, it never destroys.
  type :: brg_context
    type(c_ptr), private :: handle = c_null_ptr
    logical, private :: owner = .false.
  contains
    procedure :: create => context_create
    procedure :: destroy => context_destroy
    procedure :: synchronize => context_synchronize
    procedure :: backend => context_backend
    procedure :: c_handle => context_handle
    procedure, private :: context_borrow
    generic :: assignment(=) => context_borrow
    final :: context_final
  end type brg_context

  ! A set of reflections (include/braggrad/reflections.h), destroyed at the end of its scope; copies borrow.
  type :: brg_reflections
    type(c_ptr), private :: handle = c_null_ptr
    logical, private :: owner = .false.
  contains
    procedure :: create => reflections_create
    procedure :: create_from_vectors => reflections_create_from_vectors
    procedure, private :: view_f64 => reflections_view_f64
    procedure, private :: view_f32 => reflections_view_f32
    generic :: view => view_f64, view_f32
    procedure :: destroy => reflections_destroy
    procedure :: count => reflections_count
    procedure :: c_handle => reflections_handle
    procedure, private :: reflections_borrow
    generic :: assignment(=) => reflections_borrow
    final :: reflections_final
  end type brg_reflections

  private :: context_create, context_destroy, context_synchronize, context_backend, context_handle, context_borrow, &
    context_final, reflections_create, reflections_create_from_vectors, reflections_view_f64, reflections_view_f32, &
    reflections_destroy, reflections_count, reflections_handle, reflections_borrow, reflections_final

  interface solve
    procedure :: solve_f64, solve_f32
  end interface solve
  interface solve_vjp
    procedure :: solve_vjp_f64, solve_vjp_f32
  end interface solve_vjp
  interface solve_jvp
    procedure :: solve_jvp_f64, solve_jvp_f32
  end interface solve_jvp
  interface predict
    procedure :: predict_f64, predict_f32
  end interface predict
  interface predict_vjp
    procedure :: predict_vjp_f64, predict_vjp_f32
  end interface predict_vjp
  interface predict_jvp
    procedure :: predict_jvp_f64, predict_jvp_f32
  end interface predict_jvp
  interface rotate
    procedure :: rotate_f64, rotate_f32
  end interface rotate
  interface rotate_vjp
    procedure :: rotate_vjp_f64, rotate_vjp_f32
  end interface rotate_vjp
  interface rotate_jvp
    procedure :: rotate_jvp_f64, rotate_jvp_f32
  end interface rotate_jvp
  interface diffracted_beam
    procedure :: diffracted_beam_f64, diffracted_beam_f32
  end interface diffracted_beam
  interface predict_spots
    procedure :: predict_spots_f64, predict_spots_f32
  end interface predict_spots
  ! omega_loss: a target for each reflection and root. omega_loss_list: a list of targets for each orientation.
  interface omega_loss
    procedure :: omega_loss_f64, omega_loss_f32
  end interface omega_loss
  interface omega_loss_list
    procedure :: omega_loss_list_f64, omega_loss_list_f32
  end interface omega_loss_list

  ! Other programs: their angles of given vectors, and of the roots of any call with the geometry of their convention.
  interface convention_solve
    procedure :: convention_solve_f64, convention_solve_f32
  end interface convention_solve
  interface convention_angles
    procedure :: convention_angles_f64, convention_angles_f32
  end interface convention_angles

  private :: convention_solve_f64, convention_solve_f32, convention_angles_f64, convention_angles_f32
  private :: solve_f64, solve_f32, solve_vjp_f64, solve_vjp_f32, solve_jvp_f64, solve_jvp_f32, predict_f64, predict_f32, &
    predict_vjp_f64, predict_vjp_f32, predict_jvp_f64, predict_jvp_f32, rotate_f64, rotate_f32, rotate_vjp_f64, &
    rotate_vjp_f32, rotate_jvp_f64, rotate_jvp_f32, diffracted_beam_f64, diffracted_beam_f32, predict_spots_f64, &
    predict_spots_f32, omega_loss_f64, omega_loss_f32, omega_loss_list_f64, omega_loss_list_f32

contains

  ! ---- the library ----

  function version()
    character(:), allocatable :: version
    version = c_text(brg_version())
  end function version

  ! The message of the last call that failed on this thread.
  function last_error()
    character(:), allocatable :: last_error
    last_error = c_text(brg_last_error())
  end function last_error

  ! The text of a C string; empty for NULL.
  function c_text(pointer) result(text)
    type(c_ptr), intent(in) :: pointer
    character(:), allocatable :: text
    character(kind=c_char), pointer :: characters(:)
    integer :: i, length
    length = 0
    if (c_associated(pointer)) length = int(strlen(pointer))
    allocate (character(length) :: text)
    if (length == 0) return
    call c_f_pointer(pointer, characters, [length])
    do i = 1, length
      text(i:i) = characters(i)
    end do
  end function c_text

  ! ---- contexts ----

  ! threads 0: all cores of this process. max_pairs_per_launch 0: 2^30. backend: BRG_BACKEND_AUTO, _CPU or _CUDA.
  subroutine context_create(self, backend, device, threads, max_pairs_per_launch, stat, errmsg)
    class(brg_context), intent(inout) :: self
    integer(c_int32_t), intent(in), optional :: backend, device, threads
    integer(c_int64_t), intent(in), optional :: max_pairs_per_launch
    integer(c_int32_t), intent(out), optional :: stat
    character(*), intent(inout), optional :: errmsg
    type(brg_context_options) :: options
    character(:), allocatable :: fault
    integer(c_int32_t) :: status
    call self%destroy()
    if (present(backend)) options%backend = backend
    if (present(device)) options%device = device
    if (present(threads)) options%threads = threads
    if (present(max_pairs_per_launch)) options%max_pairs_per_launch = max_pairs_per_launch
    status = brg_context_create(options, self%handle)
    self%owner = status == BRG_SUCCESS
    call finish('context%create', status, fault, stat, errmsg)
  end subroutine context_create

  subroutine context_destroy(self, stat, errmsg)
    class(brg_context), intent(inout) :: self
    integer(c_int32_t), intent(out), optional :: stat
    character(*), intent(inout), optional :: errmsg
    character(:), allocatable :: fault
    integer(c_int32_t) :: status
    status = BRG_SUCCESS
    if (self%owner) status = brg_context_destroy(self%handle)
    self%handle = c_null_ptr
    self%owner = .false.
    call finish('context%destroy', status, fault, stat, errmsg)
  end subroutine context_destroy

  ! Waits for the work that was given to the context.
  subroutine context_synchronize(self, stat, errmsg)
    class(brg_context), intent(in) :: self
    integer(c_int32_t), intent(out), optional :: stat
    character(*), intent(inout), optional :: errmsg
    character(:), allocatable :: fault
    call finish('context%synchronize', brg_context_synchronize(self%handle), fault, stat, errmsg)
  end subroutine context_synchronize

  ! BRG_BACKEND_CPU or BRG_BACKEND_CUDA; BRG_BACKEND_AUTO before it is created.
  function context_backend(self) result(backend)
    class(brg_context), intent(in) :: self
    integer(c_int32_t) :: backend
    backend = brg_context_backend(self%handle)
  end function context_backend

  ! The brg_context of C, for the functions of braggrad_c.
  function context_handle(self) result(handle)
    class(brg_context), intent(in) :: self
    type(c_ptr) :: handle
    handle = self%handle
  end function context_handle

  subroutine context_borrow(self, other)
    class(brg_context), intent(inout) :: self
    type(brg_context), intent(in) :: other
    if (self%owner .and. c_associated(self%handle, other%handle)) return  ! a = a
    call self%destroy()
    self%handle = other%handle
  end subroutine context_borrow

  subroutine context_final(self)
    type(brg_context), intent(inout) :: self
    integer(c_int32_t) :: ignored
    call self%destroy(stat=ignored)
  end subroutine context_final

  ! ---- geometries and lattices ----

  ! One of wavenumber (1/Angstrom), energy (keV), wavelength (Angstrom), or none where every call brings wavenumbers.
  ! Defaults: beam +x, axis +z, chi 0 (rad), grazing_cut 0.
  subroutine make_geometry(geometry, wavenumber, energy, wavelength, beam, axis, chi, grazing_cut, stat, errmsg)
    type(brg_geometry), intent(out) :: geometry
    real(c_double), intent(in), optional :: wavenumber, energy, wavelength, beam(3), axis(3), chi, grazing_cut
    integer(c_int32_t), intent(out), optional :: stat
    character(*), intent(inout), optional :: errmsg
    character(:), allocatable :: fault
    integer(c_int32_t) :: status
    status = brg_geometry_init(geometry, int(geometry%struct_size, kind(0_c_int64_t)))
    if (count([present(wavenumber), present(energy), present(wavelength)]) > 1) then
      status = BRG_ERROR_INVALID_ARGUMENT
      fault = 'give one of wavenumber, energy and wavelength'
    end if
    if (present(wavenumber)) geometry%wavenumber = wavenumber
    if (present(energy) .and. status == BRG_SUCCESS) status = brg_geometry_set_energy(geometry, energy)
    if (present(wavelength) .and. status == BRG_SUCCESS) status = brg_geometry_set_wavelength(geometry, wavelength)
    if (present(beam)) geometry%beam = beam
    if (present(axis)) geometry%axis = axis
    if (present(chi)) geometry%chi = chi
    if (present(grazing_cut)) geometry%grazing_cut = grazing_cut
    if (status == BRG_SUCCESS) status = brg_geometry_check(geometry)
    call finish('make_geometry', status, fault, stat, errmsg)
  end subroutine make_geometry

  ! The defaults of a system, BRG_SYSTEM_*; then set its members, and ask for the geometry or call convention_solve
  ! (include/braggrad/convention.h; `setting` and `fixed` are by rows, as in C).
  subroutine make_convention(convention, system, stat, errmsg)
    type(brg_convention), intent(inout) :: convention
    integer(c_int32_t), intent(in) :: system
    integer(c_int32_t), intent(out), optional :: stat
    character(*), intent(inout), optional :: errmsg
    character(:), allocatable :: fault
    integer(c_int32_t) :: status
    status = brg_convention_init(convention, int(convention%struct_size, kind(0_c_int64_t)), system)
    call finish('make_convention', status, fault, stat, errmsg)
  end subroutine make_convention

  subroutine geometry_of_convention(convention, geometry, stat, errmsg)
    type(brg_convention), intent(in) :: convention
    type(brg_geometry), intent(inout) :: geometry
    integer(c_int32_t), intent(out), optional :: stat
    character(*), intent(inout), optional :: errmsg
    character(:), allocatable :: fault
    call finish('geometry_of_convention', brg_convention_geometry(convention, geometry), fault, stat, errmsg)
  end subroutine geometry_of_convention

  ! basis(3,3): columns a*, b*, c* in 1/Angstrom with 2 pi, q = matmul(basis, hkl). cell: a, b, c in Angstrom, alpha, beta,
  ! gamma in degrees.
  subroutine reciprocal_basis_of(cell, basis, stat, errmsg)
    real(c_double), intent(in) :: cell(6)
    real(c_double), intent(inout) :: basis(3, 3)
    integer(c_int32_t), intent(out), optional :: stat
    character(*), intent(inout), optional :: errmsg
    character(:), allocatable :: fault
    real(c_double) :: by_rows(9)
    integer(c_int32_t) :: status
    status = brg_reciprocal_basis(cell, by_rows)
    if (status == BRG_SUCCESS) basis = transpose(reshape(by_rows, [3, 3]))
    call finish('reciprocal_basis_of', status, fault, stat, errmsg)
  end subroutine reciprocal_basis_of

  ! hkl(3,n): all reflections with d >= d_min that the centring (P A B C I F R) allows, as brg_hkl_enumerate orders them.
  subroutine enumerate_hkl(cell, centring, d_min, hkl, stat, errmsg)
    real(c_double), intent(in) :: cell(6), d_min
    character, intent(in) :: centring
    integer(c_int32_t), allocatable, target, intent(inout) :: hkl(:, :)
    integer(c_int32_t), intent(out), optional :: stat
    character(*), intent(inout), optional :: errmsg
    character(:), allocatable :: fault
    integer(c_int64_t) :: n
    integer(c_int32_t) :: status
    integer(c_int8_t) :: code
    n = 0
    code = iachar(centring, c_int8_t)
    status = brg_hkl_enumerate(cell, code, d_min, 0_c_int64_t, c_null_ptr, n)
    if (status == BRG_SUCCESS) then
      if (allocated(hkl)) deallocate (hkl)
      allocate (hkl(3, n))
      status = brg_hkl_enumerate(cell, code, d_min, n, at_i32(hkl), n)
    end if
    call finish('enumerate_hkl', status, fault, stat, errmsg)
  end subroutine enumerate_hkl

  ! ---- reflections ----

  ! hkl(3,n), and basis(3,3) with q = matmul(basis, hkl): both in host memory.
  subroutine reflections_create(self, context, hkl, basis, stat, errmsg)
    class(brg_reflections), intent(inout) :: self
    class(brg_context), intent(in) :: context
    integer(c_int32_t), contiguous, target, intent(in) :: hkl(:, :)
    real(c_double), intent(in) :: basis(3, 3)
    integer(c_int32_t), intent(out), optional :: stat
    character(*), intent(inout), optional :: errmsg
    character(:), allocatable :: fault
    integer(c_int32_t) :: status
    call self%destroy()
    status = BRG_ERROR_INVALID_ARGUMENT
    call expect(fault, 'hkl', shape(hkl), [3, size(hkl, 2)])
    if (.not. allocated(fault)) status = brg_reflections_create(context%handle, size(hkl, 2, c_int64_t), at_i32(hkl), &
      reshape(transpose(basis), [9]), self%handle)
    self%owner = status == BRG_SUCCESS
    call finish('reflections%create', status, fault, stat, errmsg)
  end subroutine reflections_create

  ! q(3,n) in the crystal frame, 1/Angstrom, in host memory.
  subroutine reflections_create_from_vectors(self, context, q, stat, errmsg)
    class(brg_reflections), intent(inout) :: self
    class(brg_context), intent(in) :: context
    real(c_double), contiguous, target, intent(in) :: q(:, :)
    integer(c_int32_t), intent(out), optional :: stat
    character(*), intent(inout), optional :: errmsg
    character(:), allocatable :: fault
    integer(c_int32_t) :: status
    call self%destroy()
    status = BRG_ERROR_INVALID_ARGUMENT
    call expect(fault, 'q', shape(q), [3, size(q, 2)])
    if (.not. allocated(fault)) status = brg_reflections_create_from_vectors(context%handle, size(q, 2, c_int64_t), &
      at_f64(q), self%handle)
    self%owner = status == BRG_SUCCESS
    call finish('reflections%create_from_vectors', status, fault, stat, errmsg)
  end subroutine reflections_create_from_vectors

  subroutine reflections_destroy(self, stat, errmsg)
    class(brg_reflections), intent(inout) :: self
    integer(c_int32_t), intent(out), optional :: stat
    character(*), intent(inout), optional :: errmsg
    character(:), allocatable :: fault
    integer(c_int32_t) :: status
    status = BRG_SUCCESS
    if (self%owner) status = brg_reflections_destroy(self%handle)
    self%handle = c_null_ptr
    self%owner = .false.
    call finish('reflections%destroy', status, fault, stat, errmsg)
  end subroutine reflections_destroy

  ! Number of reflections; 0 before it is created.
  function reflections_count(self) result(n)
    class(brg_reflections), intent(in) :: self
    integer(c_int64_t) :: n
    n = brg_reflections_count(self%handle)
  end function reflections_count

  ! The brg_reflections of C, for the functions of braggrad_c.
  function reflections_handle(self) result(handle)
    class(brg_reflections), intent(in) :: self
    type(c_ptr) :: handle
    handle = self%handle
  end function reflections_handle

  subroutine reflections_borrow(self, other)
    class(brg_reflections), intent(inout) :: self
    type(brg_reflections), intent(in) :: other
    if (self%owner .and. c_associated(self%handle, other%handle)) return  ! a = a
    call self%destroy()
    self%handle = other%handle
  end subroutine reflections_borrow

  subroutine reflections_final(self)
    type(brg_reflections), intent(inout) :: self
    integer(c_int32_t) :: ignored
    call self%destroy(stat=ignored)
  end subroutine reflections_final

  ! ---- what every procedure does ----

  ! Reports a status: a fault found here, or the library's own message.
  subroutine finish(procedure, status, fault, stat, errmsg)
    character(*), intent(in) :: procedure
    integer(c_int32_t), intent(in) :: status
    character(:), allocatable, intent(in) :: fault
    integer(c_int32_t), intent(out), optional :: stat
    character(*), intent(inout), optional :: errmsg
    character(:), allocatable :: message
    if (present(stat)) stat = status
    if (status == BRG_SUCCESS) return
    if (allocated(fault)) then
      message = procedure//': '//fault
    else
      message = last_error()
    end if
    if (present(errmsg)) errmsg = message
    if (.not. present(stat)) error stop message
  end subroutine finish

  ! Notes the first array whose shape is wrong.
  subroutine expect(fault, name, got, wanted)
    character(:), allocatable, intent(inout) :: fault
    character(*), intent(in) :: name
    integer, intent(in) :: got(:), wanted(:)
    character(80) :: shapes
    if (allocated(fault)) return
    if (all(got == wanted)) return
    write (shapes, '(a, *(i0, :, ","))') ' has shape (', got
    fault = name//trim(shapes)//'), and must have ('
    write (shapes, '(*(i0, :, ","))') wanted
    fault = fault//trim(shapes)//')'
  end subroutine expect

  pure function flag_if(flag, on) result(flags)
    integer(c_int32_t), intent(in) :: flag
    logical, intent(in), optional :: on
    integer(c_int32_t) :: flags
    flags = 0
    if (present(on)) flags = merge(flag, 0_c_int32_t, on)
  end function flag_if

  ! Number of parameters of a mask of BRG_FIT_*.
  pure function parameter_count(mask) result(p)
    integer(c_int32_t), intent(in) :: mask
    integer :: p
    p = 0
    if (iand(mask, BRG_FIT_ROTATION) /= 0) p = p + 3
    if (iand(mask, BRG_FIT_WAVENUMBER) /= 0) p = p + 1
    if (iand(mask, BRG_FIT_CHI) /= 0) p = p + 1
    if (iand(mask, BRG_FIT_LATTICE) /= 0) p = p + 6
  end function parameter_count

  function strlen(pointer) result(length)
    type(c_ptr), intent(in) :: pointer
    integer(c_int64_t) :: length
    interface
      function c_strlen(text) bind(C, name='strlen') result(length)
        import :: c_ptr, c_int64_t
        type(c_ptr), value :: text
        integer(c_int64_t) :: length
      end function c_strlen
    end interface
    length = c_strlen(pointer)
  end function strlen

  ! Addresses of arrays of any rank; NULL for one that is absent.
  function at_f64(array) result(address)
    real(c_double), target, intent(in), optional :: array(*)
    type(c_ptr) :: address
    address = c_null_ptr
    if (present(array)) address = c_loc(array)
  end function at_f64

  function at_f32(array) result(address)
    real(c_float), target, intent(in), optional :: array(*)
    type(c_ptr) :: address
    address = c_null_ptr
    if (present(array)) address = c_loc(array)
  end function at_f32

  function at_i8(array) result(address)
    integer(c_int8_t), target, intent(in), optional :: array(*)
    type(c_ptr) :: address
    address = c_null_ptr
    if (present(array)) address = c_loc(array)
  end function at_i8

  function at_i32(array) result(address)
    integer(c_int32_t), target, intent(in), optional :: array(*)
    type(c_ptr) :: address
    address = c_null_ptr
    if (present(array)) address = c_loc(array)
  end function at_i32

  function at_i64(array) result(address)
    integer(c_int64_t), target, intent(in), optional :: array(*)
    type(c_ptr) :: address
    address = c_null_ptr
    if (present(array)) address = c_loc(array)
  end function at_i64

  function at_bool(array) result(address)
    logical(c_bool), target, intent(in), optional :: array(*)
    type(c_ptr) :: address
    address = c_null_ptr
    if (present(array)) address = c_loc(array)
  end function at_bool

  ! real64

  ! ---- views of the caller's arrays ----

  function items_f64(fault, g, g_magnitude, wavenumber, chi) result(items)
    character(:), allocatable, intent(inout) :: fault
    real(c_double), contiguous, target, intent(in) :: g(:, :)
    real(c_double), contiguous, target, intent(in), optional :: g_magnitude(:), wavenumber(:), chi(:)
    type(brg_items_f64) :: items
    integer :: n
    n = size(g, 2)
    call expect(fault, 'g', shape(g), [3, n])
    if (present(g_magnitude)) call expect(fault, 'g_magnitude', shape(g_magnitude), [n])
    if (present(wavenumber)) call expect(fault, 'wavenumber', shape(wavenumber), [n])
    if (present(chi)) call expect(fault, 'chi', shape(chi), [n])
    items%count = n
    items%g = at_f64(g)
    items%g_magnitude = at_f64(g_magnitude)
    items%wavenumber = at_f64(wavenumber)
    items%chi = at_f64(chi)
  end function items_f64

  function orientations_f64(fault, rotation, reciprocal_basis, wavenumber, chi, magnitude_from_rotated) &
    result(orientations)
    character(:), allocatable, intent(inout) :: fault
    real(c_double), contiguous, target, intent(in) :: rotation(:, :, :)
    real(c_double), contiguous, target, intent(in), optional :: reciprocal_basis(:, :, :), wavenumber(:), chi(:)
    logical, intent(in), optional :: magnitude_from_rotated
    type(brg_orientations_f64) :: orientations
    integer :: b
    b = size(rotation, 3)
    call expect(fault, 'rotation', shape(rotation), [3, 3, b])
    if (present(reciprocal_basis)) call expect(fault, 'reciprocal_basis', shape(reciprocal_basis), [3, 3, b])
    if (present(wavenumber)) call expect(fault, 'wavenumber', shape(wavenumber), [b])
    if (present(chi)) call expect(fault, 'chi', shape(chi), [b])
    orientations%flags = ior(BRG_COLUMN_MAJOR, flag_if(BRG_MAGNITUDE_FROM_ROTATED, magnitude_from_rotated))
    orientations%count = b
    orientations%rotation = at_f64(rotation)
    orientations%reciprocal_basis = at_f64(reciprocal_basis)
    orientations%wavenumber = at_f64(wavenumber)
    orientations%chi = at_f64(chi)
  end function orientations_f64

  ! A view of q(3,n) in the memory of the context: no copy. The caller keeps q alive, with the TARGET attribute.
  subroutine reflections_view_f64(self, context, q, stat, errmsg)
    class(brg_reflections), intent(inout) :: self
    class(brg_context), intent(in) :: context
    real(c_double), contiguous, target, intent(in) :: q(:, :)
    integer(c_int32_t), intent(out), optional :: stat
    character(*), intent(inout), optional :: errmsg
    character(:), allocatable :: fault
    integer(c_int32_t) :: status
    call self%destroy()
    status = BRG_ERROR_INVALID_ARGUMENT
    call expect(fault, 'q', shape(q), [3, size(q, 2)])
    if (.not. allocated(fault)) status = brg_reflections_view_f64(context%handle, size(q, 2, c_int64_t), at_f64(q), &
      self%handle)
    self%owner = status == BRG_SUCCESS
    call finish('reflections%view', status, fault, stat, errmsg)
  end subroutine reflections_view_f64

  ! ---- solve: the roots of given scattering vectors g(3,n), include/braggrad/solve.h ----

  subroutine solve_f64(context, geometry, g, omega1, omega2, observable, g_magnitude, wavenumber, chi, stat, errmsg)
    class(brg_context), intent(in) :: context
    type(brg_geometry), intent(in) :: geometry
    real(c_double), contiguous, target, intent(in) :: g(:, :)
    real(c_double), contiguous, target, intent(inout), optional :: omega1(:), omega2(:)
    logical(c_bool), contiguous, target, intent(inout), optional :: observable(:)
    real(c_double), contiguous, target, intent(in), optional :: g_magnitude(:), wavenumber(:), chi(:)
    integer(c_int32_t), intent(out), optional :: stat
    character(*), intent(inout), optional :: errmsg
    type(brg_items_f64) :: items
    type(brg_roots_f64) :: roots
    character(:), allocatable :: fault
    integer(c_int32_t) :: status
    integer :: n
    n = size(g, 2)
    status = BRG_ERROR_INVALID_ARGUMENT
    items = items_f64(fault, g, g_magnitude, wavenumber, chi)
    if (present(omega1)) call expect(fault, 'omega1', shape(omega1), [n])
    if (present(omega2)) call expect(fault, 'omega2', shape(omega2), [n])
    if (present(observable)) call expect(fault, 'observable', shape(observable), [n])
    roots%omega1 = at_f64(omega1)
    roots%omega2 = at_f64(omega2)
    roots%observable = at_bool(observable)
    if (.not. allocated(fault)) status = brg_solve_f64(context%handle, geometry, items, roots)
    call finish('solve', status, fault, stat, errmsg)
  end subroutine solve_f64

  ! Cotangents omega1_bar(n), omega2_bar(n): absent is 0. The geometry's own derivatives are sums over the items.
  subroutine solve_vjp_f64(context, geometry, g, omega1_bar, omega2_bar, g_magnitude, wavenumber, chi, g_bar, &
                           g_magnitude_bar, wavenumber_bar, chi_bar, geometry_wavenumber_bar, geometry_chi_bar, &
                           geometry_beam_bar, geometry_axis_bar, accumulate, stat, errmsg)
    class(brg_context), intent(in) :: context
    type(brg_geometry), intent(in) :: geometry
    real(c_double), contiguous, target, intent(in) :: g(:, :)
    real(c_double), contiguous, target, intent(in), optional :: omega1_bar(:), omega2_bar(:)
    real(c_double), contiguous, target, intent(in), optional :: g_magnitude(:), wavenumber(:), chi(:)
    real(c_double), contiguous, target, intent(inout), optional :: g_bar(:, :), g_magnitude_bar(:), wavenumber_bar(:)
    real(c_double), contiguous, target, intent(inout), optional :: chi_bar(:)
    real(c_double), target, intent(inout), optional :: geometry_wavenumber_bar, geometry_chi_bar
    real(c_double), target, intent(inout), optional :: geometry_beam_bar(3), geometry_axis_bar(3)
    logical, intent(in), optional :: accumulate
    integer(c_int32_t), intent(out), optional :: stat
    character(*), intent(inout), optional :: errmsg
    type(brg_items_f64) :: items
    type(brg_root_cotangents_f64) :: cotangents
    type(brg_items_gradient_f64) :: gradient
    character(:), allocatable :: fault
    integer(c_int32_t) :: status
    integer :: n
    n = size(g, 2)
    status = BRG_ERROR_INVALID_ARGUMENT
    items = items_f64(fault, g, g_magnitude, wavenumber, chi)
    if (present(omega1_bar)) call expect(fault, 'omega1_bar', shape(omega1_bar), [n])
    if (present(omega2_bar)) call expect(fault, 'omega2_bar', shape(omega2_bar), [n])
    if (present(g_bar)) call expect(fault, 'g_bar', shape(g_bar), [3, n])
    if (present(g_magnitude_bar)) call expect(fault, 'g_magnitude_bar', shape(g_magnitude_bar), [n])
    if (present(wavenumber_bar)) call expect(fault, 'wavenumber_bar', shape(wavenumber_bar), [n])
    if (present(chi_bar)) call expect(fault, 'chi_bar', shape(chi_bar), [n])
    cotangents%omega1 = at_f64(omega1_bar)
    cotangents%omega2 = at_f64(omega2_bar)
    gradient%flags = flag_if(BRG_ACCUMULATE, accumulate)
    gradient%g = at_f64(g_bar)
    gradient%g_magnitude = at_f64(g_magnitude_bar)
    gradient%wavenumber = at_f64(wavenumber_bar)
    gradient%chi = at_f64(chi_bar)
    if (present(geometry_wavenumber_bar)) gradient%geometry_wavenumber = c_loc(geometry_wavenumber_bar)
    if (present(geometry_chi_bar)) gradient%geometry_chi = c_loc(geometry_chi_bar)
    gradient%geometry_beam = at_f64(geometry_beam_bar)
    gradient%geometry_axis = at_f64(geometry_axis_bar)
    if (.not. allocated(fault)) status = brg_solve_vjp_f64(context%handle, geometry, items, cotangents, gradient)
    call finish('solve_vjp', status, fault, stat, errmsg)
  end subroutine solve_vjp_f64

  ! Directional derivatives omega1_dot(n), omega2_dot(n) along the *_dot of the inputs: absent is 0.
  subroutine solve_jvp_f64(context, geometry, g, omega1_dot, omega2_dot, observable, g_magnitude, wavenumber, chi, &
                           g_dot, g_magnitude_dot, wavenumber_dot, chi_dot, geometry_wavenumber_dot, &
                           geometry_chi_dot, geometry_beam_dot, geometry_axis_dot, stat, errmsg)
    class(brg_context), intent(in) :: context
    type(brg_geometry), intent(in) :: geometry
    real(c_double), contiguous, target, intent(in) :: g(:, :)
    real(c_double), contiguous, target, intent(inout), optional :: omega1_dot(:), omega2_dot(:)
    logical(c_bool), contiguous, target, intent(inout), optional :: observable(:)
    real(c_double), contiguous, target, intent(in), optional :: g_magnitude(:), wavenumber(:), chi(:)
    real(c_double), contiguous, target, intent(in), optional :: g_dot(:, :), g_magnitude_dot(:), wavenumber_dot(:)
    real(c_double), contiguous, target, intent(in), optional :: chi_dot(:)
    real(c_double), intent(in), optional :: geometry_wavenumber_dot, geometry_chi_dot
    real(c_double), intent(in), optional :: geometry_beam_dot(3), geometry_axis_dot(3)
    integer(c_int32_t), intent(out), optional :: stat
    character(*), intent(inout), optional :: errmsg
    type(brg_items_f64) :: items
    type(brg_items_tangent_f64) :: tangent
    type(brg_roots_f64) :: roots
    character(:), allocatable :: fault
    integer(c_int32_t) :: status
    integer :: n
    n = size(g, 2)
    status = BRG_ERROR_INVALID_ARGUMENT
    items = items_f64(fault, g, g_magnitude, wavenumber, chi)
    if (present(omega1_dot)) call expect(fault, 'omega1_dot', shape(omega1_dot), [n])
    if (present(omega2_dot)) call expect(fault, 'omega2_dot', shape(omega2_dot), [n])
    if (present(observable)) call expect(fault, 'observable', shape(observable), [n])
    if (present(g_dot)) call expect(fault, 'g_dot', shape(g_dot), [3, n])
    if (present(g_magnitude_dot)) call expect(fault, 'g_magnitude_dot', shape(g_magnitude_dot), [n])
    if (present(wavenumber_dot)) call expect(fault, 'wavenumber_dot', shape(wavenumber_dot), [n])
    if (present(chi_dot)) call expect(fault, 'chi_dot', shape(chi_dot), [n])
    tangent%g = at_f64(g_dot)
    tangent%g_magnitude = at_f64(g_magnitude_dot)
    tangent%wavenumber = at_f64(wavenumber_dot)
    tangent%chi = at_f64(chi_dot)
    if (present(geometry_wavenumber_dot)) tangent%geometry_wavenumber = geometry_wavenumber_dot
    if (present(geometry_chi_dot)) tangent%geometry_chi = geometry_chi_dot
    if (present(geometry_beam_dot)) tangent%geometry_beam = geometry_beam_dot
    if (present(geometry_axis_dot)) tangent%geometry_axis = geometry_axis_dot
    roots%omega1 = at_f64(omega1_dot)
    roots%omega2 = at_f64(omega2_dot)
    roots%observable = at_bool(observable)
    if (.not. allocated(fault)) status = brg_solve_jvp_f64(context%handle, geometry, items, tangent, roots)
    call finish('solve_jvp', status, fault, stat, errmsg)
  end subroutine solve_jvp_f64

  ! ---- predict: rotate and solve, include/braggrad/predict.h. rotation(3,3,B), roots (N,B) ----

  subroutine predict_f64(context, geometry, reflections, rotation, omega1, omega2, observable, reciprocal_basis, &
                         wavenumber, chi, magnitude_from_rotated, stat, errmsg)
    class(brg_context), intent(in) :: context
    type(brg_geometry), intent(in) :: geometry
    class(brg_reflections), intent(in) :: reflections
    real(c_double), contiguous, target, intent(in) :: rotation(:, :, :)
    real(c_double), contiguous, target, intent(inout), optional :: omega1(:, :), omega2(:, :)
    logical(c_bool), contiguous, target, intent(inout), optional :: observable(:, :)
    real(c_double), contiguous, target, intent(in), optional :: reciprocal_basis(:, :, :), wavenumber(:), chi(:)
    logical, intent(in), optional :: magnitude_from_rotated
    integer(c_int32_t), intent(out), optional :: stat
    character(*), intent(inout), optional :: errmsg
    type(brg_orientations_f64) :: orientations
    type(brg_roots_f64) :: roots
    character(:), allocatable :: fault
    integer(c_int32_t) :: status
    integer :: pairs(2)
    pairs = [int(reflections%count()), size(rotation, 3)]
    status = BRG_ERROR_INVALID_ARGUMENT
    orientations = orientations_f64(fault, rotation, reciprocal_basis, wavenumber, chi, magnitude_from_rotated)
    if (present(omega1)) call expect(fault, 'omega1', shape(omega1), pairs)
    if (present(omega2)) call expect(fault, 'omega2', shape(omega2), pairs)
    if (present(observable)) call expect(fault, 'observable', shape(observable), pairs)
    roots%omega1 = at_f64(omega1)
    roots%omega2 = at_f64(omega2)
    roots%observable = at_bool(observable)
    if (.not. allocated(fault)) &
      status = brg_predict_f64(context%handle, geometry, reflections%handle, orientations, roots)
    call finish('predict', status, fault, stat, errmsg)
  end subroutine predict_f64

  ! Adjoint. Per orientation: rotation_bar(3,3,B) = dL/d rotation, rotation_vector_bar(3,B), reciprocal_basis_bar(3,3,B),
  ! wavenumber_bar(B), chi_bar(B); summed: q_bar(3,N), reflections_basis_bar(3,3) and the geometry's.
  subroutine predict_vjp_f64(context, geometry, reflections, rotation, omega1_bar, omega2_bar, reciprocal_basis, &
                             wavenumber, chi, magnitude_from_rotated, rotation_bar, rotation_vector_bar, &
                             reciprocal_basis_bar, wavenumber_bar, chi_bar, q_bar, reflections_basis_bar, &
                             geometry_wavenumber_bar, geometry_chi_bar, geometry_beam_bar, geometry_axis_bar, &
                             accumulate, stat, errmsg)
    class(brg_context), intent(in) :: context
    type(brg_geometry), intent(in) :: geometry
    class(brg_reflections), intent(in) :: reflections
    real(c_double), contiguous, target, intent(in) :: rotation(:, :, :)
    real(c_double), contiguous, target, intent(in), optional :: omega1_bar(:, :), omega2_bar(:, :)
    real(c_double), contiguous, target, intent(in), optional :: reciprocal_basis(:, :, :), wavenumber(:), chi(:)
    logical, intent(in), optional :: magnitude_from_rotated
    real(c_double), contiguous, target, intent(inout), optional :: rotation_bar(:, :, :), rotation_vector_bar(:, :)
    real(c_double), contiguous, target, intent(inout), optional :: reciprocal_basis_bar(:, :, :), wavenumber_bar(:)
    real(c_double), contiguous, target, intent(inout), optional :: chi_bar(:), q_bar(:, :)
    real(c_double), target, intent(inout), optional :: reflections_basis_bar(3, 3)
    real(c_double), target, intent(inout), optional :: geometry_wavenumber_bar, geometry_chi_bar
    real(c_double), target, intent(inout), optional :: geometry_beam_bar(3), geometry_axis_bar(3)
    logical, intent(in), optional :: accumulate
    integer(c_int32_t), intent(out), optional :: stat
    character(*), intent(inout), optional :: errmsg
    type(brg_orientations_f64) :: orientations
    type(brg_root_cotangents_f64) :: cotangents
    type(brg_orientations_gradient_f64) :: gradient
    character(:), allocatable :: fault
    integer(c_int32_t) :: status
    integer :: n, b
    n = int(reflections%count())
    b = size(rotation, 3)
    status = BRG_ERROR_INVALID_ARGUMENT
    orientations = orientations_f64(fault, rotation, reciprocal_basis, wavenumber, chi, magnitude_from_rotated)
    if (present(omega1_bar)) call expect(fault, 'omega1_bar', shape(omega1_bar), [n, b])
    if (present(omega2_bar)) call expect(fault, 'omega2_bar', shape(omega2_bar), [n, b])
    if (present(rotation_bar)) call expect(fault, 'rotation_bar', shape(rotation_bar), [3, 3, b])
    if (present(rotation_vector_bar)) call expect(fault, 'rotation_vector_bar', shape(rotation_vector_bar), [3, b])
    if (present(reciprocal_basis_bar)) &
      call expect(fault, 'reciprocal_basis_bar', shape(reciprocal_basis_bar), [3, 3, b])
    if (present(wavenumber_bar)) call expect(fault, 'wavenumber_bar', shape(wavenumber_bar), [b])
    if (present(chi_bar)) call expect(fault, 'chi_bar', shape(chi_bar), [b])
    if (present(q_bar)) call expect(fault, 'q_bar', shape(q_bar), [3, n])
    cotangents%omega1 = at_f64(omega1_bar)
    cotangents%omega2 = at_f64(omega2_bar)
    gradient%flags = flag_if(BRG_ACCUMULATE, accumulate)
    gradient%rotation = at_f64(rotation_bar)
    gradient%rotation_vector = at_f64(rotation_vector_bar)
    gradient%reciprocal_basis = at_f64(reciprocal_basis_bar)
    gradient%wavenumber = at_f64(wavenumber_bar)
    gradient%chi = at_f64(chi_bar)
    gradient%q = at_f64(q_bar)
    gradient%reflections_basis = at_f64(reflections_basis_bar)
    if (present(geometry_wavenumber_bar)) gradient%geometry_wavenumber = c_loc(geometry_wavenumber_bar)
    if (present(geometry_chi_bar)) gradient%geometry_chi = c_loc(geometry_chi_bar)
    gradient%geometry_beam = at_f64(geometry_beam_bar)
    gradient%geometry_axis = at_f64(geometry_axis_bar)
    if (.not. allocated(fault)) status = brg_predict_vjp_f64(context%handle, geometry, reflections%handle, &
      orientations, cotangents, gradient)
    call finish('predict_vjp', status, fault, stat, errmsg)
  end subroutine predict_vjp_f64

  ! Directional derivatives omega1_dot(N,B), omega2_dot(N,B).
  subroutine predict_jvp_f64(context, geometry, reflections, rotation, omega1_dot, omega2_dot, observable, &
                             reciprocal_basis, wavenumber, chi, magnitude_from_rotated, rotation_dot, &
                             rotation_vector_dot, reciprocal_basis_dot, wavenumber_dot, chi_dot, q_dot, &
                             geometry_wavenumber_dot, geometry_chi_dot, geometry_beam_dot, geometry_axis_dot, stat, &
                             errmsg)
    class(brg_context), intent(in) :: context
    type(brg_geometry), intent(in) :: geometry
    class(brg_reflections), intent(in) :: reflections
    real(c_double), contiguous, target, intent(in) :: rotation(:, :, :)
    real(c_double), contiguous, target, intent(inout), optional :: omega1_dot(:, :), omega2_dot(:, :)
    logical(c_bool), contiguous, target, intent(inout), optional :: observable(:, :)
    real(c_double), contiguous, target, intent(in), optional :: reciprocal_basis(:, :, :), wavenumber(:), chi(:)
    logical, intent(in), optional :: magnitude_from_rotated
    real(c_double), contiguous, target, intent(in), optional :: rotation_dot(:, :, :), rotation_vector_dot(:, :)
    real(c_double), contiguous, target, intent(in), optional :: reciprocal_basis_dot(:, :, :), wavenumber_dot(:)
    real(c_double), contiguous, target, intent(in), optional :: chi_dot(:), q_dot(:, :)
    real(c_double), intent(in), optional :: geometry_wavenumber_dot, geometry_chi_dot
    real(c_double), intent(in), optional :: geometry_beam_dot(3), geometry_axis_dot(3)
    integer(c_int32_t), intent(out), optional :: stat
    character(*), intent(inout), optional :: errmsg
    type(brg_orientations_f64) :: orientations
    type(brg_orientations_tangent_f64) :: tangent
    type(brg_roots_f64) :: roots
    character(:), allocatable :: fault
    integer(c_int32_t) :: status
    integer :: n, b
    n = int(reflections%count())
    b = size(rotation, 3)
    status = BRG_ERROR_INVALID_ARGUMENT
    orientations = orientations_f64(fault, rotation, reciprocal_basis, wavenumber, chi, magnitude_from_rotated)
    if (present(omega1_dot)) call expect(fault, 'omega1_dot', shape(omega1_dot), [n, b])
    if (present(omega2_dot)) call expect(fault, 'omega2_dot', shape(omega2_dot), [n, b])
    if (present(observable)) call expect(fault, 'observable', shape(observable), [n, b])
    if (present(rotation_dot)) call expect(fault, 'rotation_dot', shape(rotation_dot), [3, 3, b])
    if (present(rotation_vector_dot)) call expect(fault, 'rotation_vector_dot', shape(rotation_vector_dot), [3, b])
    if (present(reciprocal_basis_dot)) &
      call expect(fault, 'reciprocal_basis_dot', shape(reciprocal_basis_dot), [3, 3, b])
    if (present(wavenumber_dot)) call expect(fault, 'wavenumber_dot', shape(wavenumber_dot), [b])
    if (present(chi_dot)) call expect(fault, 'chi_dot', shape(chi_dot), [b])
    if (present(q_dot)) call expect(fault, 'q_dot', shape(q_dot), [3, n])
    tangent%rotation = at_f64(rotation_dot)
    tangent%rotation_vector = at_f64(rotation_vector_dot)
    tangent%reciprocal_basis = at_f64(reciprocal_basis_dot)
    tangent%wavenumber = at_f64(wavenumber_dot)
    tangent%chi = at_f64(chi_dot)
    tangent%q = at_f64(q_dot)
    if (present(geometry_wavenumber_dot)) tangent%geometry_wavenumber = geometry_wavenumber_dot
    if (present(geometry_chi_dot)) tangent%geometry_chi = geometry_chi_dot
    if (present(geometry_beam_dot)) tangent%geometry_beam = geometry_beam_dot
    if (present(geometry_axis_dot)) tangent%geometry_axis = geometry_axis_dot
    roots%omega1 = at_f64(omega1_dot)
    roots%omega2 = at_f64(omega2_dot)
    roots%observable = at_bool(observable)
    if (.not. allocated(fault)) status = brg_predict_jvp_f64(context%handle, geometry, reflections%handle, &
      orientations, tangent, roots)
    call finish('predict_jvp', status, fault, stat, errmsg)
  end subroutine predict_jvp_f64

  ! ---- rotate: g(3,N,B), include/braggrad/rotate.h ----

  subroutine rotate_f64(context, reflections, rotation, g, reciprocal_basis, stat, errmsg)
    class(brg_context), intent(in) :: context
    class(brg_reflections), intent(in) :: reflections
    real(c_double), contiguous, target, intent(in) :: rotation(:, :, :)
    real(c_double), contiguous, target, intent(inout) :: g(:, :, :)
    real(c_double), contiguous, target, intent(in), optional :: reciprocal_basis(:, :, :)
    integer(c_int32_t), intent(out), optional :: stat
    character(*), intent(inout), optional :: errmsg
    type(brg_orientations_f64) :: orientations
    type(brg_vectors_f64) :: vectors
    character(:), allocatable :: fault
    integer(c_int32_t) :: status
    status = BRG_ERROR_INVALID_ARGUMENT
    orientations = orientations_f64(fault, rotation, reciprocal_basis)
    call expect(fault, 'g', shape(g), [3, int(reflections%count()), size(rotation, 3)])
    vectors%g = at_f64(g)
    if (.not. allocated(fault)) status = brg_rotate_f64(context%handle, reflections%handle, orientations, vectors)
    call finish('rotate', status, fault, stat, errmsg)
  end subroutine rotate_f64

  subroutine rotate_vjp_f64(context, reflections, rotation, g_bar, reciprocal_basis, rotation_bar, &
                            rotation_vector_bar, reciprocal_basis_bar, q_bar, reflections_basis_bar, accumulate, &
                            stat, errmsg)
    class(brg_context), intent(in) :: context
    class(brg_reflections), intent(in) :: reflections
    real(c_double), contiguous, target, intent(in) :: rotation(:, :, :), g_bar(:, :, :)
    real(c_double), contiguous, target, intent(in), optional :: reciprocal_basis(:, :, :)
    real(c_double), contiguous, target, intent(inout), optional :: rotation_bar(:, :, :), rotation_vector_bar(:, :)
    real(c_double), contiguous, target, intent(inout), optional :: reciprocal_basis_bar(:, :, :), q_bar(:, :)
    real(c_double), target, intent(inout), optional :: reflections_basis_bar(3, 3)
    logical, intent(in), optional :: accumulate
    integer(c_int32_t), intent(out), optional :: stat
    character(*), intent(inout), optional :: errmsg
    type(brg_orientations_f64) :: orientations
    type(brg_vector_cotangents_f64) :: cotangents
    type(brg_orientations_gradient_f64) :: gradient
    character(:), allocatable :: fault
    integer(c_int32_t) :: status
    integer :: n, b
    n = int(reflections%count())
    b = size(rotation, 3)
    status = BRG_ERROR_INVALID_ARGUMENT
    orientations = orientations_f64(fault, rotation, reciprocal_basis)
    call expect(fault, 'g_bar', shape(g_bar), [3, n, b])
    if (present(rotation_bar)) call expect(fault, 'rotation_bar', shape(rotation_bar), [3, 3, b])
    if (present(rotation_vector_bar)) call expect(fault, 'rotation_vector_bar', shape(rotation_vector_bar), [3, b])
    if (present(reciprocal_basis_bar)) &
      call expect(fault, 'reciprocal_basis_bar', shape(reciprocal_basis_bar), [3, 3, b])
    if (present(q_bar)) call expect(fault, 'q_bar', shape(q_bar), [3, n])
    cotangents%g = at_f64(g_bar)
    gradient%flags = flag_if(BRG_ACCUMULATE, accumulate)
    gradient%rotation = at_f64(rotation_bar)
    gradient%rotation_vector = at_f64(rotation_vector_bar)
    gradient%reciprocal_basis = at_f64(reciprocal_basis_bar)
    gradient%q = at_f64(q_bar)
    gradient%reflections_basis = at_f64(reflections_basis_bar)
    if (.not. allocated(fault)) &
      status = brg_rotate_vjp_f64(context%handle, reflections%handle, orientations, cotangents, gradient)
    call finish('rotate_vjp', status, fault, stat, errmsg)
  end subroutine rotate_vjp_f64

  subroutine rotate_jvp_f64(context, reflections, rotation, g_dot, reciprocal_basis, rotation_dot, &
                            rotation_vector_dot, reciprocal_basis_dot, q_dot, stat, errmsg)
    class(brg_context), intent(in) :: context
    class(brg_reflections), intent(in) :: reflections
    real(c_double), contiguous, target, intent(in) :: rotation(:, :, :)
    real(c_double), contiguous, target, intent(inout) :: g_dot(:, :, :)
    real(c_double), contiguous, target, intent(in), optional :: reciprocal_basis(:, :, :)
    real(c_double), contiguous, target, intent(in), optional :: rotation_dot(:, :, :), rotation_vector_dot(:, :)
    real(c_double), contiguous, target, intent(in), optional :: reciprocal_basis_dot(:, :, :), q_dot(:, :)
    integer(c_int32_t), intent(out), optional :: stat
    character(*), intent(inout), optional :: errmsg
    type(brg_orientations_f64) :: orientations
    type(brg_orientations_tangent_f64) :: tangent
    type(brg_vectors_f64) :: vectors
    character(:), allocatable :: fault
    integer(c_int32_t) :: status
    integer :: n, b
    n = int(reflections%count())
    b = size(rotation, 3)
    status = BRG_ERROR_INVALID_ARGUMENT
    orientations = orientations_f64(fault, rotation, reciprocal_basis)
    call expect(fault, 'g_dot', shape(g_dot), [3, n, b])
    if (present(rotation_dot)) call expect(fault, 'rotation_dot', shape(rotation_dot), [3, 3, b])
    if (present(rotation_vector_dot)) call expect(fault, 'rotation_vector_dot', shape(rotation_vector_dot), [3, b])
    if (present(reciprocal_basis_dot)) &
      call expect(fault, 'reciprocal_basis_dot', shape(reciprocal_basis_dot), [3, 3, b])
    if (present(q_dot)) call expect(fault, 'q_dot', shape(q_dot), [3, n])
    tangent%rotation = at_f64(rotation_dot)
    tangent%rotation_vector = at_f64(rotation_vector_dot)
    tangent%reciprocal_basis = at_f64(reciprocal_basis_dot)
    tangent%q = at_f64(q_dot)
    vectors%g = at_f64(g_dot)
    if (.not. allocated(fault)) &
      status = brg_rotate_jvp_f64(context%handle, reflections%handle, orientations, tangent, vectors)
    call finish('rotate_jvp', status, fault, stat, errmsg)
  end subroutine rotate_jvp_f64

  ! ---- spots, include/braggrad/spots.h ----

  ! direction(3,n), two_theta(n) and eta(n) of the beams that g(3,n) diffracts at omega(n).
  subroutine diffracted_beam_f64(context, geometry, g, omega, direction, two_theta, eta, wavenumber, chi, stat, errmsg)
    class(brg_context), intent(in) :: context
    type(brg_geometry), intent(in) :: geometry
    real(c_double), contiguous, target, intent(in) :: g(:, :), omega(:)
    real(c_double), contiguous, target, intent(inout), optional :: direction(:, :), two_theta(:), eta(:)
    real(c_double), contiguous, target, intent(in), optional :: wavenumber(:), chi(:)
    integer(c_int32_t), intent(out), optional :: stat
    character(*), intent(inout), optional :: errmsg
    type(brg_items_f64) :: items
    type(brg_beams_f64) :: beams
    character(:), allocatable :: fault
    integer(c_int32_t) :: status
    integer :: n
    n = size(g, 2)
    status = BRG_ERROR_INVALID_ARGUMENT
    items = items_f64(fault, g, wavenumber=wavenumber, chi=chi)
    call expect(fault, 'omega', shape(omega), [n])
    if (present(direction)) call expect(fault, 'direction', shape(direction), [3, n])
    if (present(two_theta)) call expect(fault, 'two_theta', shape(two_theta), [n])
    if (present(eta)) call expect(fault, 'eta', shape(eta), [n])
    beams%direction = at_f64(direction)
    beams%two_theta = at_f64(two_theta)
    beams%eta = at_f64(eta)
    if (.not. allocated(fault)) &
      status = brg_diffracted_beam_f64(context%handle, geometry, items, at_f64(omega), beams)
    call finish('diffracted_beam', status, fault, stat, errmsg)
  end subroutine diffracted_beam_f64

  ! The observable roots inside windows(2,W) (low and high, rad; absent: the whole turn) as rows of reflection, root and omega,
  ! all of one size, the capacity. offsets(B+1): spots of orientation b are rows offsets(b)+1 to offsets(b+1). n_spots: their
  ! number, also where the capacity is too small (BRG_ERROR_CAPACITY); without it a CUDA context does not wait.
  subroutine predict_spots_f64(context, geometry, reflections, rotation, n_spots, offsets, reflection, root, omega, &
                               windows, reciprocal_basis, wavenumber, chi, magnitude_from_rotated, stat, errmsg)
    class(brg_context), intent(in) :: context
    type(brg_geometry), intent(in) :: geometry
    class(brg_reflections), intent(in) :: reflections
    real(c_double), contiguous, target, intent(in) :: rotation(:, :, :)
    integer(c_int64_t), intent(inout), optional :: n_spots
    integer(c_int64_t), contiguous, target, intent(inout), optional :: offsets(:)
    integer(c_int32_t), contiguous, target, intent(inout), optional :: reflection(:)
    integer(c_int8_t), contiguous, target, intent(inout), optional :: root(:)
    real(c_double), contiguous, target, intent(inout), optional :: omega(:)
    real(c_double), intent(in), optional :: windows(:, :)
    real(c_double), contiguous, target, intent(in), optional :: reciprocal_basis(:, :, :), wavenumber(:), chi(:)
    logical, intent(in), optional :: magnitude_from_rotated
    integer(c_int32_t), intent(out), optional :: stat
    character(*), intent(inout), optional :: errmsg
    type(brg_orientations_f64) :: orientations
    type(brg_spots_f64) :: spots
    character(:), allocatable :: fault
    integer(c_int32_t) :: status
    integer :: capacity
    status = BRG_ERROR_INVALID_ARGUMENT
    orientations = orientations_f64(fault, rotation, reciprocal_basis, wavenumber, chi, magnitude_from_rotated)
    capacity = 0
    if (present(reflection)) capacity = size(reflection)
    if (present(root)) capacity = size(root)
    if (present(omega)) capacity = size(omega)
    if (present(reflection)) call expect(fault, 'reflection', shape(reflection), [capacity])
    if (present(root)) call expect(fault, 'root', shape(root), [capacity])
    if (present(offsets)) call expect(fault, 'offsets', shape(offsets), [size(rotation, 3) + 1])
    if (present(windows)) then
      call expect(fault, 'windows', shape(windows), [2, min(size(windows, 2), int(BRG_MAX_OMEGA_WINDOWS))])
      if (.not. allocated(fault)) then
        spots%window_count = size(windows, 2)
        spots%window_low(:spots%window_count) = windows(1, :)
        spots%window_high(:spots%window_count) = windows(2, :)
      end if
    end if
    spots%capacity = capacity
    spots%offsets = at_i64(offsets)
    spots%reflection = at_i32(reflection)
    spots%root = at_i8(root)
    spots%omega = at_f64(omega)
    if (.not. allocated(fault)) status = brg_predict_spots_f64(context%handle, geometry, reflections%handle, &
      orientations, spots, n_spots)
    call finish('predict_spots', status, fault, stat, errmsg)
  end subroutine predict_spots_f64

  ! ---- fit: loss, gradient and normal equations per orientation, include/braggrad/fit.h ----

  ! Targets target1(N,B), target2(N,B) of the two roots, rad; (N,1) is shared by all orientations; NaN is no target.
  ! loss: BRG_LOSS_*; parameters: sum of BRG_FIT_*, P of them. value(B), gradient(P,B), normal(P(P+1)/2,B) upper triangle by
  ! rows, rotation_bar(3,3,B).
  subroutine omega_loss_f64(context, geometry, reflections, rotation, target1, target2, weight1, weight2, loss, delta, &
                            missing_loss, parameters, value, gradient, normal, rotation_bar, observable, matched, &
                            missing, grazing, reciprocal_basis, wavenumber, chi, magnitude_from_rotated, accumulate, &
                            stat, errmsg)
    class(brg_context), intent(in) :: context
    type(brg_geometry), intent(in) :: geometry
    class(brg_reflections), intent(in) :: reflections
    real(c_double), contiguous, target, intent(in) :: rotation(:, :, :)
    real(c_double), contiguous, target, intent(in), optional :: target1(:, :), target2(:, :)
    real(c_double), contiguous, target, intent(in), optional :: weight1(:, :), weight2(:, :)
    integer(c_int32_t), intent(in), optional :: loss, parameters
    real(c_double), intent(in), optional :: delta, missing_loss
    real(c_double), contiguous, target, intent(inout), optional :: value(:), gradient(:, :), normal(:, :)
    real(c_double), contiguous, target, intent(inout), optional :: rotation_bar(:, :, :)
    integer(c_int32_t), contiguous, target, intent(inout), optional :: observable(:), matched(:), missing(:), grazing(:)
    real(c_double), contiguous, target, intent(in), optional :: reciprocal_basis(:, :, :), wavenumber(:), chi(:)
    logical, intent(in), optional :: magnitude_from_rotated, accumulate
    integer(c_int32_t), intent(out), optional :: stat
    character(*), intent(inout), optional :: errmsg
    type(brg_orientations_f64) :: orientations
    type(brg_omega_targets_f64) :: targets
    type(brg_omega_loss_output_f64) :: output
    character(:), allocatable :: fault
    integer(c_int32_t) :: status
    integer :: n, columns
    n = int(reflections%count())
    columns = size(rotation, 3)
    if (present(target2)) columns = size(target2, 2)
    if (present(target1)) columns = size(target1, 2)
    if (columns /= 1) columns = size(rotation, 3)
    status = BRG_ERROR_INVALID_ARGUMENT
    orientations = orientations_f64(fault, rotation, reciprocal_basis, wavenumber, chi, magnitude_from_rotated)
    if (present(target1)) call expect(fault, 'target1', shape(target1), [n, columns])
    if (present(target2)) call expect(fault, 'target2', shape(target2), [n, columns])
    if (present(weight1)) call expect(fault, 'weight1', shape(weight1), [n, columns])
    if (present(weight2)) call expect(fault, 'weight2', shape(weight2), [n, columns])
    if (present(loss)) targets%loss = loss
    if (present(delta)) targets%delta = delta
    if (present(missing_loss)) targets%missing_loss = missing_loss
    targets%orientation_stride = merge(0, n, columns == 1)
    targets%omega1 = at_f64(target1)
    targets%omega2 = at_f64(target2)
    targets%weight1 = at_f64(weight1)
    targets%weight2 = at_f64(weight2)
    output = loss_output_f64(fault, size(rotation, 3), parameters, value, gradient, normal, rotation_bar, observable, &
                             matched, missing, grazing, accumulate)
    if (.not. allocated(fault)) status = brg_omega_loss_f64(context%handle, geometry, reflections%handle, &
      orientations, targets, output)
    call finish('omega_loss', status, fault, stat, errmsg)
  end subroutine omega_loss_f64

  ! Targets of orientation b: rows offsets(b)+1 to offsets(b+1) of reflection (from 0), omega, and root (1, 2, or 0 for the
  ! nearer one; absent: all 0) and weight.
  subroutine omega_loss_list_f64(context, geometry, reflections, rotation, offsets, reflection, omega, root, weight, &
                                 loss, delta, missing_loss, parameters, value, gradient, normal, rotation_bar, &
                                 observable, matched, missing, grazing, reciprocal_basis, wavenumber, chi, &
                                 magnitude_from_rotated, accumulate, stat, errmsg)
    class(brg_context), intent(in) :: context
    type(brg_geometry), intent(in) :: geometry
    class(brg_reflections), intent(in) :: reflections
    real(c_double), contiguous, target, intent(in) :: rotation(:, :, :)
    integer(c_int64_t), contiguous, target, intent(in) :: offsets(:)
    integer(c_int32_t), contiguous, target, intent(in) :: reflection(:)
    real(c_double), contiguous, target, intent(in) :: omega(:)
    integer(c_int8_t), contiguous, target, intent(in), optional :: root(:)
    real(c_double), contiguous, target, intent(in), optional :: weight(:)
    integer(c_int32_t), intent(in), optional :: loss, parameters
    real(c_double), intent(in), optional :: delta, missing_loss
    real(c_double), contiguous, target, intent(inout), optional :: value(:), gradient(:, :), normal(:, :)
    real(c_double), contiguous, target, intent(inout), optional :: rotation_bar(:, :, :)
    integer(c_int32_t), contiguous, target, intent(inout), optional :: observable(:), matched(:), missing(:), grazing(:)
    real(c_double), contiguous, target, intent(in), optional :: reciprocal_basis(:, :, :), wavenumber(:), chi(:)
    logical, intent(in), optional :: magnitude_from_rotated, accumulate
    integer(c_int32_t), intent(out), optional :: stat
    character(*), intent(inout), optional :: errmsg
    type(brg_orientations_f64) :: orientations
    type(brg_omega_targets_f64) :: targets
    type(brg_omega_loss_output_f64) :: output
    character(:), allocatable :: fault
    integer(c_int32_t) :: status
    integer :: rows
    rows = size(omega)
    status = BRG_ERROR_INVALID_ARGUMENT
    orientations = orientations_f64(fault, rotation, reciprocal_basis, wavenumber, chi, magnitude_from_rotated)
    call expect(fault, 'offsets', shape(offsets), [size(rotation, 3) + 1])
    call expect(fault, 'reflection', shape(reflection), [rows])
    if (present(root)) call expect(fault, 'root', shape(root), [rows])
    if (present(weight)) call expect(fault, 'weight', shape(weight), [rows])
    if (present(loss)) targets%loss = loss
    if (present(delta)) targets%delta = delta
    if (present(missing_loss)) targets%missing_loss = missing_loss
    targets%offsets = at_i64(offsets)
    targets%reflection = at_i32(reflection)
    targets%omega = at_f64(omega)
    targets%root = at_i8(root)
    targets%weight = at_f64(weight)
    output = loss_output_f64(fault, size(rotation, 3), parameters, value, gradient, normal, rotation_bar, observable, &
                             matched, missing, grazing, accumulate)
    if (.not. allocated(fault)) status = brg_omega_loss_f64(context%handle, geometry, reflections%handle, &
      orientations, targets, output)
    call finish('omega_loss_list', status, fault, stat, errmsg)
  end subroutine omega_loss_list_f64

  function loss_output_f64(fault, b, parameters, value, gradient, normal, rotation_bar, observable, matched, missing, &
                           grazing, accumulate) result(output)
    character(:), allocatable, intent(inout) :: fault
    integer, intent(in) :: b
    integer(c_int32_t), intent(in), optional :: parameters
    real(c_double), contiguous, target, intent(in), optional :: value(:), gradient(:, :), normal(:, :)
    real(c_double), contiguous, target, intent(in), optional :: rotation_bar(:, :, :)
    integer(c_int32_t), contiguous, target, intent(in), optional :: observable(:), matched(:), missing(:), grazing(:)
    logical, intent(in), optional :: accumulate
    type(brg_omega_loss_output_f64) :: output
    integer :: p
    if (present(parameters)) output%parameters = parameters
    p = parameter_count(output%parameters)
    if (present(value)) call expect(fault, 'value', shape(value), [b])
    if (present(gradient)) call expect(fault, 'gradient', shape(gradient), [p, b])
    if (present(normal)) call expect(fault, 'normal', shape(normal), [p * (p + 1) / 2, b])
    if (present(rotation_bar)) call expect(fault, 'rotation_bar', shape(rotation_bar), [3, 3, b])
    if (present(observable)) call expect(fault, 'observable', shape(observable), [b])
    if (present(matched)) call expect(fault, 'matched', shape(matched), [b])
    if (present(missing)) call expect(fault, 'missing', shape(missing), [b])
    if (present(grazing)) call expect(fault, 'grazing', shape(grazing), [b])
    output%flags = flag_if(BRG_ACCUMULATE, accumulate)
    output%loss = at_f64(value)
    output%gradient = at_f64(gradient)
    output%normal = at_f64(normal)
    output%rotation_bar = at_f64(rotation_bar)
    output%observable = at_i32(observable)
    output%matched = at_i32(matched)
    output%missing = at_i32(missing)
    output%grazing = at_i32(grazing)
  end function loss_output_f64

  ! ---- other programs, include/braggrad/convention.h ----

  ! first(n), second(n): the program's angles of its vectors g(3,n).
  subroutine convention_solve_f64(context, convention, g, first, second, observable, g_magnitude, wavenumber, stat, &
                                  errmsg)
    class(brg_context), intent(in) :: context
    type(brg_convention), intent(in) :: convention
    real(c_double), contiguous, target, intent(in) :: g(:, :)
    real(c_double), contiguous, target, intent(inout), optional :: first(:), second(:)
    logical(c_bool), contiguous, target, intent(inout), optional :: observable(:)
    real(c_double), contiguous, target, intent(in), optional :: g_magnitude(:), wavenumber(:)
    integer(c_int32_t), intent(out), optional :: stat
    character(*), intent(inout), optional :: errmsg
    type(brg_items_f64) :: items
    type(brg_roots_f64) :: answers
    character(:), allocatable :: fault
    integer(c_int32_t) :: status
    integer :: n
    n = size(g, 2)
    status = BRG_ERROR_INVALID_ARGUMENT
    items = items_f64(fault, g, g_magnitude, wavenumber)
    if (present(first)) call expect(fault, 'first', shape(first), [n])
    if (present(second)) call expect(fault, 'second', shape(second), [n])
    if (present(observable)) call expect(fault, 'observable', shape(observable), [n])
    answers%omega1 = at_f64(first)
    answers%omega2 = at_f64(second)
    answers%observable = at_bool(observable)
    if (.not. allocated(fault)) status = brg_convention_solve_f64(context%handle, convention, items, answers)
    call finish('convention_solve', status, fault, stat, errmsg)
  end subroutine convention_solve_f64

  ! Roots (N,B) with their flags become the program's first and second angle, in place.
  subroutine convention_angles_f64(context, convention, omega1, omega2, observable, stat, errmsg)
    class(brg_context), intent(in) :: context
    type(brg_convention), intent(in) :: convention
    real(c_double), contiguous, target, intent(inout) :: omega1(:, :), omega2(:, :)
    logical(c_bool), contiguous, target, intent(inout) :: observable(:, :)
    integer(c_int32_t), intent(out), optional :: stat
    character(*), intent(inout), optional :: errmsg
    type(brg_roots_f64) :: roots
    character(:), allocatable :: fault
    integer(c_int32_t) :: status
    status = BRG_ERROR_INVALID_ARGUMENT
    call expect(fault, 'omega2', shape(omega2), shape(omega1))
    call expect(fault, 'observable', shape(observable), shape(omega1))
    roots%omega1 = at_f64(omega1)
    roots%omega2 = at_f64(omega2)
    roots%observable = at_bool(observable)
    if (.not. allocated(fault)) &
      status = brg_convention_angles_f64(context%handle, convention, size(omega1, kind=c_int64_t), roots, roots)
    call finish('convention_angles', status, fault, stat, errmsg)
  end subroutine convention_angles_f64

  ! real32: the procedures above, stamped by scripts/generate_fortran.py.



  function items_f32(fault, g, g_magnitude, wavenumber, chi) result(items)
    character(:), allocatable, intent(inout) :: fault
    real(c_float), contiguous, target, intent(in) :: g(:, :)
    real(c_float), contiguous, target, intent(in), optional :: g_magnitude(:), wavenumber(:), chi(:)
    type(brg_items_f32) :: items
    integer :: n
    n = size(g, 2)
    call expect(fault, 'g', shape(g), [3, n])
    if (present(g_magnitude)) call expect(fault, 'g_magnitude', shape(g_magnitude), [n])
    if (present(wavenumber)) call expect(fault, 'wavenumber', shape(wavenumber), [n])
    if (present(chi)) call expect(fault, 'chi', shape(chi), [n])
    items%count = n
    items%g = at_f32(g)
    items%g_magnitude = at_f32(g_magnitude)
    items%wavenumber = at_f32(wavenumber)
    items%chi = at_f32(chi)
  end function items_f32

  function orientations_f32(fault, rotation, reciprocal_basis, wavenumber, chi, magnitude_from_rotated) &
    result(orientations)
    character(:), allocatable, intent(inout) :: fault
    real(c_float), contiguous, target, intent(in) :: rotation(:, :, :)
    real(c_float), contiguous, target, intent(in), optional :: reciprocal_basis(:, :, :), wavenumber(:), chi(:)
    logical, intent(in), optional :: magnitude_from_rotated
    type(brg_orientations_f32) :: orientations
    integer :: b
    b = size(rotation, 3)
    call expect(fault, 'rotation', shape(rotation), [3, 3, b])
    if (present(reciprocal_basis)) call expect(fault, 'reciprocal_basis', shape(reciprocal_basis), [3, 3, b])
    if (present(wavenumber)) call expect(fault, 'wavenumber', shape(wavenumber), [b])
    if (present(chi)) call expect(fault, 'chi', shape(chi), [b])
    orientations%flags = ior(BRG_COLUMN_MAJOR, flag_if(BRG_MAGNITUDE_FROM_ROTATED, magnitude_from_rotated))
    orientations%count = b
    orientations%rotation = at_f32(rotation)
    orientations%reciprocal_basis = at_f32(reciprocal_basis)
    orientations%wavenumber = at_f32(wavenumber)
    orientations%chi = at_f32(chi)
  end function orientations_f32

  subroutine reflections_view_f32(self, context, q, stat, errmsg)
    class(brg_reflections), intent(inout) :: self
    class(brg_context), intent(in) :: context
    real(c_float), contiguous, target, intent(in) :: q(:, :)
    integer(c_int32_t), intent(out), optional :: stat
    character(*), intent(inout), optional :: errmsg
    character(:), allocatable :: fault
    integer(c_int32_t) :: status
    call self%destroy()
    status = BRG_ERROR_INVALID_ARGUMENT
    call expect(fault, 'q', shape(q), [3, size(q, 2)])
    if (.not. allocated(fault)) status = brg_reflections_view_f32(context%handle, size(q, 2, c_int64_t), at_f32(q), &
      self%handle)
    self%owner = status == BRG_SUCCESS
    call finish('reflections%view', status, fault, stat, errmsg)
  end subroutine reflections_view_f32


  subroutine solve_f32(context, geometry, g, omega1, omega2, observable, g_magnitude, wavenumber, chi, stat, errmsg)
    class(brg_context), intent(in) :: context
    type(brg_geometry), intent(in) :: geometry
    real(c_float), contiguous, target, intent(in) :: g(:, :)
    real(c_float), contiguous, target, intent(inout), optional :: omega1(:), omega2(:)
    logical(c_bool), contiguous, target, intent(inout), optional :: observable(:)
    real(c_float), contiguous, target, intent(in), optional :: g_magnitude(:), wavenumber(:), chi(:)
    integer(c_int32_t), intent(out), optional :: stat
    character(*), intent(inout), optional :: errmsg
    type(brg_items_f32) :: items
    type(brg_roots_f32) :: roots
    character(:), allocatable :: fault
    integer(c_int32_t) :: status
    integer :: n
    n = size(g, 2)
    status = BRG_ERROR_INVALID_ARGUMENT
    items = items_f32(fault, g, g_magnitude, wavenumber, chi)
    if (present(omega1)) call expect(fault, 'omega1', shape(omega1), [n])
    if (present(omega2)) call expect(fault, 'omega2', shape(omega2), [n])
    if (present(observable)) call expect(fault, 'observable', shape(observable), [n])
    roots%omega1 = at_f32(omega1)
    roots%omega2 = at_f32(omega2)
    roots%observable = at_bool(observable)
    if (.not. allocated(fault)) status = brg_solve_f32(context%handle, geometry, items, roots)
    call finish('solve', status, fault, stat, errmsg)
  end subroutine solve_f32

  subroutine solve_vjp_f32(context, geometry, g, omega1_bar, omega2_bar, g_magnitude, wavenumber, chi, g_bar, &
                           g_magnitude_bar, wavenumber_bar, chi_bar, geometry_wavenumber_bar, geometry_chi_bar, &
                           geometry_beam_bar, geometry_axis_bar, accumulate, stat, errmsg)
    class(brg_context), intent(in) :: context
    type(brg_geometry), intent(in) :: geometry
    real(c_float), contiguous, target, intent(in) :: g(:, :)
    real(c_float), contiguous, target, intent(in), optional :: omega1_bar(:), omega2_bar(:)
    real(c_float), contiguous, target, intent(in), optional :: g_magnitude(:), wavenumber(:), chi(:)
    real(c_float), contiguous, target, intent(inout), optional :: g_bar(:, :), g_magnitude_bar(:), wavenumber_bar(:)
    real(c_float), contiguous, target, intent(inout), optional :: chi_bar(:)
    real(c_float), target, intent(inout), optional :: geometry_wavenumber_bar, geometry_chi_bar
    real(c_float), target, intent(inout), optional :: geometry_beam_bar(3), geometry_axis_bar(3)
    logical, intent(in), optional :: accumulate
    integer(c_int32_t), intent(out), optional :: stat
    character(*), intent(inout), optional :: errmsg
    type(brg_items_f32) :: items
    type(brg_root_cotangents_f32) :: cotangents
    type(brg_items_gradient_f32) :: gradient
    character(:), allocatable :: fault
    integer(c_int32_t) :: status
    integer :: n
    n = size(g, 2)
    status = BRG_ERROR_INVALID_ARGUMENT
    items = items_f32(fault, g, g_magnitude, wavenumber, chi)
    if (present(omega1_bar)) call expect(fault, 'omega1_bar', shape(omega1_bar), [n])
    if (present(omega2_bar)) call expect(fault, 'omega2_bar', shape(omega2_bar), [n])
    if (present(g_bar)) call expect(fault, 'g_bar', shape(g_bar), [3, n])
    if (present(g_magnitude_bar)) call expect(fault, 'g_magnitude_bar', shape(g_magnitude_bar), [n])
    if (present(wavenumber_bar)) call expect(fault, 'wavenumber_bar', shape(wavenumber_bar), [n])
    if (present(chi_bar)) call expect(fault, 'chi_bar', shape(chi_bar), [n])
    cotangents%omega1 = at_f32(omega1_bar)
    cotangents%omega2 = at_f32(omega2_bar)
    gradient%flags = flag_if(BRG_ACCUMULATE, accumulate)
    gradient%g = at_f32(g_bar)
    gradient%g_magnitude = at_f32(g_magnitude_bar)
    gradient%wavenumber = at_f32(wavenumber_bar)
    gradient%chi = at_f32(chi_bar)
    if (present(geometry_wavenumber_bar)) gradient%geometry_wavenumber = c_loc(geometry_wavenumber_bar)
    if (present(geometry_chi_bar)) gradient%geometry_chi = c_loc(geometry_chi_bar)
    gradient%geometry_beam = at_f32(geometry_beam_bar)
    gradient%geometry_axis = at_f32(geometry_axis_bar)
    if (.not. allocated(fault)) status = brg_solve_vjp_f32(context%handle, geometry, items, cotangents, gradient)
    call finish('solve_vjp', status, fault, stat, errmsg)
  end subroutine solve_vjp_f32

  subroutine solve_jvp_f32(context, geometry, g, omega1_dot, omega2_dot, observable, g_magnitude, wavenumber, chi, &
                           g_dot, g_magnitude_dot, wavenumber_dot, chi_dot, geometry_wavenumber_dot, &
                           geometry_chi_dot, geometry_beam_dot, geometry_axis_dot, stat, errmsg)
    class(brg_context), intent(in) :: context
    type(brg_geometry), intent(in) :: geometry
    real(c_float), contiguous, target, intent(in) :: g(:, :)
    real(c_float), contiguous, target, intent(inout), optional :: omega1_dot(:), omega2_dot(:)
    logical(c_bool), contiguous, target, intent(inout), optional :: observable(:)
    real(c_float), contiguous, target, intent(in), optional :: g_magnitude(:), wavenumber(:), chi(:)
    real(c_float), contiguous, target, intent(in), optional :: g_dot(:, :), g_magnitude_dot(:), wavenumber_dot(:)
    real(c_float), contiguous, target, intent(in), optional :: chi_dot(:)
    real(c_double), intent(in), optional :: geometry_wavenumber_dot, geometry_chi_dot
    real(c_double), intent(in), optional :: geometry_beam_dot(3), geometry_axis_dot(3)
    integer(c_int32_t), intent(out), optional :: stat
    character(*), intent(inout), optional :: errmsg
    type(brg_items_f32) :: items
    type(brg_items_tangent_f32) :: tangent
    type(brg_roots_f32) :: roots
    character(:), allocatable :: fault
    integer(c_int32_t) :: status
    integer :: n
    n = size(g, 2)
    status = BRG_ERROR_INVALID_ARGUMENT
    items = items_f32(fault, g, g_magnitude, wavenumber, chi)
    if (present(omega1_dot)) call expect(fault, 'omega1_dot', shape(omega1_dot), [n])
    if (present(omega2_dot)) call expect(fault, 'omega2_dot', shape(omega2_dot), [n])
    if (present(observable)) call expect(fault, 'observable', shape(observable), [n])
    if (present(g_dot)) call expect(fault, 'g_dot', shape(g_dot), [3, n])
    if (present(g_magnitude_dot)) call expect(fault, 'g_magnitude_dot', shape(g_magnitude_dot), [n])
    if (present(wavenumber_dot)) call expect(fault, 'wavenumber_dot', shape(wavenumber_dot), [n])
    if (present(chi_dot)) call expect(fault, 'chi_dot', shape(chi_dot), [n])
    tangent%g = at_f32(g_dot)
    tangent%g_magnitude = at_f32(g_magnitude_dot)
    tangent%wavenumber = at_f32(wavenumber_dot)
    tangent%chi = at_f32(chi_dot)
    if (present(geometry_wavenumber_dot)) tangent%geometry_wavenumber = geometry_wavenumber_dot
    if (present(geometry_chi_dot)) tangent%geometry_chi = geometry_chi_dot
    if (present(geometry_beam_dot)) tangent%geometry_beam = geometry_beam_dot
    if (present(geometry_axis_dot)) tangent%geometry_axis = geometry_axis_dot
    roots%omega1 = at_f32(omega1_dot)
    roots%omega2 = at_f32(omega2_dot)
    roots%observable = at_bool(observable)
    if (.not. allocated(fault)) status = brg_solve_jvp_f32(context%handle, geometry, items, tangent, roots)
    call finish('solve_jvp', status, fault, stat, errmsg)
  end subroutine solve_jvp_f32


  subroutine predict_f32(context, geometry, reflections, rotation, omega1, omega2, observable, reciprocal_basis, &
                         wavenumber, chi, magnitude_from_rotated, stat, errmsg)
    class(brg_context), intent(in) :: context
    type(brg_geometry), intent(in) :: geometry
    class(brg_reflections), intent(in) :: reflections
    real(c_float), contiguous, target, intent(in) :: rotation(:, :, :)
    real(c_float), contiguous, target, intent(inout), optional :: omega1(:, :), omega2(:, :)
    logical(c_bool), contiguous, target, intent(inout), optional :: observable(:, :)
    real(c_float), contiguous, target, intent(in), optional :: reciprocal_basis(:, :, :), wavenumber(:), chi(:)
    logical, intent(in), optional :: magnitude_from_rotated
    integer(c_int32_t), intent(out), optional :: stat
    character(*), intent(inout), optional :: errmsg
    type(brg_orientations_f32) :: orientations
    type(brg_roots_f32) :: roots
    character(:), allocatable :: fault
    integer(c_int32_t) :: status
    integer :: pairs(2)
    pairs = [int(reflections%count()), size(rotation, 3)]
    status = BRG_ERROR_INVALID_ARGUMENT
    orientations = orientations_f32(fault, rotation, reciprocal_basis, wavenumber, chi, magnitude_from_rotated)
    if (present(omega1)) call expect(fault, 'omega1', shape(omega1), pairs)
    if (present(omega2)) call expect(fault, 'omega2', shape(omega2), pairs)
    if (present(observable)) call expect(fault, 'observable', shape(observable), pairs)
    roots%omega1 = at_f32(omega1)
    roots%omega2 = at_f32(omega2)
    roots%observable = at_bool(observable)
    if (.not. allocated(fault)) &
      status = brg_predict_f32(context%handle, geometry, reflections%handle, orientations, roots)
    call finish('predict', status, fault, stat, errmsg)
  end subroutine predict_f32

  subroutine predict_vjp_f32(context, geometry, reflections, rotation, omega1_bar, omega2_bar, reciprocal_basis, &
                             wavenumber, chi, magnitude_from_rotated, rotation_bar, rotation_vector_bar, &
                             reciprocal_basis_bar, wavenumber_bar, chi_bar, q_bar, reflections_basis_bar, &
                             geometry_wavenumber_bar, geometry_chi_bar, geometry_beam_bar, geometry_axis_bar, &
                             accumulate, stat, errmsg)
    class(brg_context), intent(in) :: context
    type(brg_geometry), intent(in) :: geometry
    class(brg_reflections), intent(in) :: reflections
    real(c_float), contiguous, target, intent(in) :: rotation(:, :, :)
    real(c_float), contiguous, target, intent(in), optional :: omega1_bar(:, :), omega2_bar(:, :)
    real(c_float), contiguous, target, intent(in), optional :: reciprocal_basis(:, :, :), wavenumber(:), chi(:)
    logical, intent(in), optional :: magnitude_from_rotated
    real(c_float), contiguous, target, intent(inout), optional :: rotation_bar(:, :, :), rotation_vector_bar(:, :)
    real(c_float), contiguous, target, intent(inout), optional :: reciprocal_basis_bar(:, :, :), wavenumber_bar(:)
    real(c_float), contiguous, target, intent(inout), optional :: chi_bar(:), q_bar(:, :)
    real(c_float), target, intent(inout), optional :: reflections_basis_bar(3, 3)
    real(c_float), target, intent(inout), optional :: geometry_wavenumber_bar, geometry_chi_bar
    real(c_float), target, intent(inout), optional :: geometry_beam_bar(3), geometry_axis_bar(3)
    logical, intent(in), optional :: accumulate
    integer(c_int32_t), intent(out), optional :: stat
    character(*), intent(inout), optional :: errmsg
    type(brg_orientations_f32) :: orientations
    type(brg_root_cotangents_f32) :: cotangents
    type(brg_orientations_gradient_f32) :: gradient
    character(:), allocatable :: fault
    integer(c_int32_t) :: status
    integer :: n, b
    n = int(reflections%count())
    b = size(rotation, 3)
    status = BRG_ERROR_INVALID_ARGUMENT
    orientations = orientations_f32(fault, rotation, reciprocal_basis, wavenumber, chi, magnitude_from_rotated)
    if (present(omega1_bar)) call expect(fault, 'omega1_bar', shape(omega1_bar), [n, b])
    if (present(omega2_bar)) call expect(fault, 'omega2_bar', shape(omega2_bar), [n, b])
    if (present(rotation_bar)) call expect(fault, 'rotation_bar', shape(rotation_bar), [3, 3, b])
    if (present(rotation_vector_bar)) call expect(fault, 'rotation_vector_bar', shape(rotation_vector_bar), [3, b])
    if (present(reciprocal_basis_bar)) &
      call expect(fault, 'reciprocal_basis_bar', shape(reciprocal_basis_bar), [3, 3, b])
    if (present(wavenumber_bar)) call expect(fault, 'wavenumber_bar', shape(wavenumber_bar), [b])
    if (present(chi_bar)) call expect(fault, 'chi_bar', shape(chi_bar), [b])
    if (present(q_bar)) call expect(fault, 'q_bar', shape(q_bar), [3, n])
    cotangents%omega1 = at_f32(omega1_bar)
    cotangents%omega2 = at_f32(omega2_bar)
    gradient%flags = flag_if(BRG_ACCUMULATE, accumulate)
    gradient%rotation = at_f32(rotation_bar)
    gradient%rotation_vector = at_f32(rotation_vector_bar)
    gradient%reciprocal_basis = at_f32(reciprocal_basis_bar)
    gradient%wavenumber = at_f32(wavenumber_bar)
    gradient%chi = at_f32(chi_bar)
    gradient%q = at_f32(q_bar)
    gradient%reflections_basis = at_f32(reflections_basis_bar)
    if (present(geometry_wavenumber_bar)) gradient%geometry_wavenumber = c_loc(geometry_wavenumber_bar)
    if (present(geometry_chi_bar)) gradient%geometry_chi = c_loc(geometry_chi_bar)
    gradient%geometry_beam = at_f32(geometry_beam_bar)
    gradient%geometry_axis = at_f32(geometry_axis_bar)
    if (.not. allocated(fault)) status = brg_predict_vjp_f32(context%handle, geometry, reflections%handle, &
      orientations, cotangents, gradient)
    call finish('predict_vjp', status, fault, stat, errmsg)
  end subroutine predict_vjp_f32

  subroutine predict_jvp_f32(context, geometry, reflections, rotation, omega1_dot, omega2_dot, observable, &
                             reciprocal_basis, wavenumber, chi, magnitude_from_rotated, rotation_dot, &
                             rotation_vector_dot, reciprocal_basis_dot, wavenumber_dot, chi_dot, q_dot, &
                             geometry_wavenumber_dot, geometry_chi_dot, geometry_beam_dot, geometry_axis_dot, stat, &
                             errmsg)
    class(brg_context), intent(in) :: context
    type(brg_geometry), intent(in) :: geometry
    class(brg_reflections), intent(in) :: reflections
    real(c_float), contiguous, target, intent(in) :: rotation(:, :, :)
    real(c_float), contiguous, target, intent(inout), optional :: omega1_dot(:, :), omega2_dot(:, :)
    logical(c_bool), contiguous, target, intent(inout), optional :: observable(:, :)
    real(c_float), contiguous, target, intent(in), optional :: reciprocal_basis(:, :, :), wavenumber(:), chi(:)
    logical, intent(in), optional :: magnitude_from_rotated
    real(c_float), contiguous, target, intent(in), optional :: rotation_dot(:, :, :), rotation_vector_dot(:, :)
    real(c_float), contiguous, target, intent(in), optional :: reciprocal_basis_dot(:, :, :), wavenumber_dot(:)
    real(c_float), contiguous, target, intent(in), optional :: chi_dot(:), q_dot(:, :)
    real(c_double), intent(in), optional :: geometry_wavenumber_dot, geometry_chi_dot
    real(c_double), intent(in), optional :: geometry_beam_dot(3), geometry_axis_dot(3)
    integer(c_int32_t), intent(out), optional :: stat
    character(*), intent(inout), optional :: errmsg
    type(brg_orientations_f32) :: orientations
    type(brg_orientations_tangent_f32) :: tangent
    type(brg_roots_f32) :: roots
    character(:), allocatable :: fault
    integer(c_int32_t) :: status
    integer :: n, b
    n = int(reflections%count())
    b = size(rotation, 3)
    status = BRG_ERROR_INVALID_ARGUMENT
    orientations = orientations_f32(fault, rotation, reciprocal_basis, wavenumber, chi, magnitude_from_rotated)
    if (present(omega1_dot)) call expect(fault, 'omega1_dot', shape(omega1_dot), [n, b])
    if (present(omega2_dot)) call expect(fault, 'omega2_dot', shape(omega2_dot), [n, b])
    if (present(observable)) call expect(fault, 'observable', shape(observable), [n, b])
    if (present(rotation_dot)) call expect(fault, 'rotation_dot', shape(rotation_dot), [3, 3, b])
    if (present(rotation_vector_dot)) call expect(fault, 'rotation_vector_dot', shape(rotation_vector_dot), [3, b])
    if (present(reciprocal_basis_dot)) &
      call expect(fault, 'reciprocal_basis_dot', shape(reciprocal_basis_dot), [3, 3, b])
    if (present(wavenumber_dot)) call expect(fault, 'wavenumber_dot', shape(wavenumber_dot), [b])
    if (present(chi_dot)) call expect(fault, 'chi_dot', shape(chi_dot), [b])
    if (present(q_dot)) call expect(fault, 'q_dot', shape(q_dot), [3, n])
    tangent%rotation = at_f32(rotation_dot)
    tangent%rotation_vector = at_f32(rotation_vector_dot)
    tangent%reciprocal_basis = at_f32(reciprocal_basis_dot)
    tangent%wavenumber = at_f32(wavenumber_dot)
    tangent%chi = at_f32(chi_dot)
    tangent%q = at_f32(q_dot)
    if (present(geometry_wavenumber_dot)) tangent%geometry_wavenumber = geometry_wavenumber_dot
    if (present(geometry_chi_dot)) tangent%geometry_chi = geometry_chi_dot
    if (present(geometry_beam_dot)) tangent%geometry_beam = geometry_beam_dot
    if (present(geometry_axis_dot)) tangent%geometry_axis = geometry_axis_dot
    roots%omega1 = at_f32(omega1_dot)
    roots%omega2 = at_f32(omega2_dot)
    roots%observable = at_bool(observable)
    if (.not. allocated(fault)) status = brg_predict_jvp_f32(context%handle, geometry, reflections%handle, &
      orientations, tangent, roots)
    call finish('predict_jvp', status, fault, stat, errmsg)
  end subroutine predict_jvp_f32


  subroutine rotate_f32(context, reflections, rotation, g, reciprocal_basis, stat, errmsg)
    class(brg_context), intent(in) :: context
    class(brg_reflections), intent(in) :: reflections
    real(c_float), contiguous, target, intent(in) :: rotation(:, :, :)
    real(c_float), contiguous, target, intent(inout) :: g(:, :, :)
    real(c_float), contiguous, target, intent(in), optional :: reciprocal_basis(:, :, :)
    integer(c_int32_t), intent(out), optional :: stat
    character(*), intent(inout), optional :: errmsg
    type(brg_orientations_f32) :: orientations
    type(brg_vectors_f32) :: vectors
    character(:), allocatable :: fault
    integer(c_int32_t) :: status
    status = BRG_ERROR_INVALID_ARGUMENT
    orientations = orientations_f32(fault, rotation, reciprocal_basis)
    call expect(fault, 'g', shape(g), [3, int(reflections%count()), size(rotation, 3)])
    vectors%g = at_f32(g)
    if (.not. allocated(fault)) status = brg_rotate_f32(context%handle, reflections%handle, orientations, vectors)
    call finish('rotate', status, fault, stat, errmsg)
  end subroutine rotate_f32

  subroutine rotate_vjp_f32(context, reflections, rotation, g_bar, reciprocal_basis, rotation_bar, &
                            rotation_vector_bar, reciprocal_basis_bar, q_bar, reflections_basis_bar, accumulate, &
                            stat, errmsg)
    class(brg_context), intent(in) :: context
    class(brg_reflections), intent(in) :: reflections
    real(c_float), contiguous, target, intent(in) :: rotation(:, :, :), g_bar(:, :, :)
    real(c_float), contiguous, target, intent(in), optional :: reciprocal_basis(:, :, :)
    real(c_float), contiguous, target, intent(inout), optional :: rotation_bar(:, :, :), rotation_vector_bar(:, :)
    real(c_float), contiguous, target, intent(inout), optional :: reciprocal_basis_bar(:, :, :), q_bar(:, :)
    real(c_float), target, intent(inout), optional :: reflections_basis_bar(3, 3)
    logical, intent(in), optional :: accumulate
    integer(c_int32_t), intent(out), optional :: stat
    character(*), intent(inout), optional :: errmsg
    type(brg_orientations_f32) :: orientations
    type(brg_vector_cotangents_f32) :: cotangents
    type(brg_orientations_gradient_f32) :: gradient
    character(:), allocatable :: fault
    integer(c_int32_t) :: status
    integer :: n, b
    n = int(reflections%count())
    b = size(rotation, 3)
    status = BRG_ERROR_INVALID_ARGUMENT
    orientations = orientations_f32(fault, rotation, reciprocal_basis)
    call expect(fault, 'g_bar', shape(g_bar), [3, n, b])
    if (present(rotation_bar)) call expect(fault, 'rotation_bar', shape(rotation_bar), [3, 3, b])
    if (present(rotation_vector_bar)) call expect(fault, 'rotation_vector_bar', shape(rotation_vector_bar), [3, b])
    if (present(reciprocal_basis_bar)) &
      call expect(fault, 'reciprocal_basis_bar', shape(reciprocal_basis_bar), [3, 3, b])
    if (present(q_bar)) call expect(fault, 'q_bar', shape(q_bar), [3, n])
    cotangents%g = at_f32(g_bar)
    gradient%flags = flag_if(BRG_ACCUMULATE, accumulate)
    gradient%rotation = at_f32(rotation_bar)
    gradient%rotation_vector = at_f32(rotation_vector_bar)
    gradient%reciprocal_basis = at_f32(reciprocal_basis_bar)
    gradient%q = at_f32(q_bar)
    gradient%reflections_basis = at_f32(reflections_basis_bar)
    if (.not. allocated(fault)) &
      status = brg_rotate_vjp_f32(context%handle, reflections%handle, orientations, cotangents, gradient)
    call finish('rotate_vjp', status, fault, stat, errmsg)
  end subroutine rotate_vjp_f32

  subroutine rotate_jvp_f32(context, reflections, rotation, g_dot, reciprocal_basis, rotation_dot, &
                            rotation_vector_dot, reciprocal_basis_dot, q_dot, stat, errmsg)
    class(brg_context), intent(in) :: context
    class(brg_reflections), intent(in) :: reflections
    real(c_float), contiguous, target, intent(in) :: rotation(:, :, :)
    real(c_float), contiguous, target, intent(inout) :: g_dot(:, :, :)
    real(c_float), contiguous, target, intent(in), optional :: reciprocal_basis(:, :, :)
    real(c_float), contiguous, target, intent(in), optional :: rotation_dot(:, :, :), rotation_vector_dot(:, :)
    real(c_float), contiguous, target, intent(in), optional :: reciprocal_basis_dot(:, :, :), q_dot(:, :)
    integer(c_int32_t), intent(out), optional :: stat
    character(*), intent(inout), optional :: errmsg
    type(brg_orientations_f32) :: orientations
    type(brg_orientations_tangent_f32) :: tangent
    type(brg_vectors_f32) :: vectors
    character(:), allocatable :: fault
    integer(c_int32_t) :: status
    integer :: n, b
    n = int(reflections%count())
    b = size(rotation, 3)
    status = BRG_ERROR_INVALID_ARGUMENT
    orientations = orientations_f32(fault, rotation, reciprocal_basis)
    call expect(fault, 'g_dot', shape(g_dot), [3, n, b])
    if (present(rotation_dot)) call expect(fault, 'rotation_dot', shape(rotation_dot), [3, 3, b])
    if (present(rotation_vector_dot)) call expect(fault, 'rotation_vector_dot', shape(rotation_vector_dot), [3, b])
    if (present(reciprocal_basis_dot)) &
      call expect(fault, 'reciprocal_basis_dot', shape(reciprocal_basis_dot), [3, 3, b])
    if (present(q_dot)) call expect(fault, 'q_dot', shape(q_dot), [3, n])
    tangent%rotation = at_f32(rotation_dot)
    tangent%rotation_vector = at_f32(rotation_vector_dot)
    tangent%reciprocal_basis = at_f32(reciprocal_basis_dot)
    tangent%q = at_f32(q_dot)
    vectors%g = at_f32(g_dot)
    if (.not. allocated(fault)) &
      status = brg_rotate_jvp_f32(context%handle, reflections%handle, orientations, tangent, vectors)
    call finish('rotate_jvp', status, fault, stat, errmsg)
  end subroutine rotate_jvp_f32


  subroutine diffracted_beam_f32(context, geometry, g, omega, direction, two_theta, eta, wavenumber, chi, stat, errmsg)
    class(brg_context), intent(in) :: context
    type(brg_geometry), intent(in) :: geometry
    real(c_float), contiguous, target, intent(in) :: g(:, :), omega(:)
    real(c_float), contiguous, target, intent(inout), optional :: direction(:, :), two_theta(:), eta(:)
    real(c_float), contiguous, target, intent(in), optional :: wavenumber(:), chi(:)
    integer(c_int32_t), intent(out), optional :: stat
    character(*), intent(inout), optional :: errmsg
    type(brg_items_f32) :: items
    type(brg_beams_f32) :: beams
    character(:), allocatable :: fault
    integer(c_int32_t) :: status
    integer :: n
    n = size(g, 2)
    status = BRG_ERROR_INVALID_ARGUMENT
    items = items_f32(fault, g, wavenumber=wavenumber, chi=chi)
    call expect(fault, 'omega', shape(omega), [n])
    if (present(direction)) call expect(fault, 'direction', shape(direction), [3, n])
    if (present(two_theta)) call expect(fault, 'two_theta', shape(two_theta), [n])
    if (present(eta)) call expect(fault, 'eta', shape(eta), [n])
    beams%direction = at_f32(direction)
    beams%two_theta = at_f32(two_theta)
    beams%eta = at_f32(eta)
    if (.not. allocated(fault)) &
      status = brg_diffracted_beam_f32(context%handle, geometry, items, at_f32(omega), beams)
    call finish('diffracted_beam', status, fault, stat, errmsg)
  end subroutine diffracted_beam_f32

  subroutine predict_spots_f32(context, geometry, reflections, rotation, n_spots, offsets, reflection, root, omega, &
                               windows, reciprocal_basis, wavenumber, chi, magnitude_from_rotated, stat, errmsg)
    class(brg_context), intent(in) :: context
    type(brg_geometry), intent(in) :: geometry
    class(brg_reflections), intent(in) :: reflections
    real(c_float), contiguous, target, intent(in) :: rotation(:, :, :)
    integer(c_int64_t), intent(inout), optional :: n_spots
    integer(c_int64_t), contiguous, target, intent(inout), optional :: offsets(:)
    integer(c_int32_t), contiguous, target, intent(inout), optional :: reflection(:)
    integer(c_int8_t), contiguous, target, intent(inout), optional :: root(:)
    real(c_float), contiguous, target, intent(inout), optional :: omega(:)
    real(c_double), intent(in), optional :: windows(:, :)
    real(c_float), contiguous, target, intent(in), optional :: reciprocal_basis(:, :, :), wavenumber(:), chi(:)
    logical, intent(in), optional :: magnitude_from_rotated
    integer(c_int32_t), intent(out), optional :: stat
    character(*), intent(inout), optional :: errmsg
    type(brg_orientations_f32) :: orientations
    type(brg_spots_f32) :: spots
    character(:), allocatable :: fault
    integer(c_int32_t) :: status
    integer :: capacity
    status = BRG_ERROR_INVALID_ARGUMENT
    orientations = orientations_f32(fault, rotation, reciprocal_basis, wavenumber, chi, magnitude_from_rotated)
    capacity = 0
    if (present(reflection)) capacity = size(reflection)
    if (present(root)) capacity = size(root)
    if (present(omega)) capacity = size(omega)
    if (present(reflection)) call expect(fault, 'reflection', shape(reflection), [capacity])
    if (present(root)) call expect(fault, 'root', shape(root), [capacity])
    if (present(offsets)) call expect(fault, 'offsets', shape(offsets), [size(rotation, 3) + 1])
    if (present(windows)) then
      call expect(fault, 'windows', shape(windows), [2, min(size(windows, 2), int(BRG_MAX_OMEGA_WINDOWS))])
      if (.not. allocated(fault)) then
        spots%window_count = size(windows, 2)
        spots%window_low(:spots%window_count) = windows(1, :)
        spots%window_high(:spots%window_count) = windows(2, :)
      end if
    end if
    spots%capacity = capacity
    spots%offsets = at_i64(offsets)
    spots%reflection = at_i32(reflection)
    spots%root = at_i8(root)
    spots%omega = at_f32(omega)
    if (.not. allocated(fault)) status = brg_predict_spots_f32(context%handle, geometry, reflections%handle, &
      orientations, spots, n_spots)
    call finish('predict_spots', status, fault, stat, errmsg)
  end subroutine predict_spots_f32


  subroutine omega_loss_f32(context, geometry, reflections, rotation, target1, target2, weight1, weight2, loss, delta, &
                            missing_loss, parameters, value, gradient, normal, rotation_bar, observable, matched, &
                            missing, grazing, reciprocal_basis, wavenumber, chi, magnitude_from_rotated, accumulate, &
                            stat, errmsg)
    class(brg_context), intent(in) :: context
    type(brg_geometry), intent(in) :: geometry
    class(brg_reflections), intent(in) :: reflections
    real(c_float), contiguous, target, intent(in) :: rotation(:, :, :)
    real(c_float), contiguous, target, intent(in), optional :: target1(:, :), target2(:, :)
    real(c_float), contiguous, target, intent(in), optional :: weight1(:, :), weight2(:, :)
    integer(c_int32_t), intent(in), optional :: loss, parameters
    real(c_double), intent(in), optional :: delta, missing_loss
    real(c_float), contiguous, target, intent(inout), optional :: value(:), gradient(:, :), normal(:, :)
    real(c_float), contiguous, target, intent(inout), optional :: rotation_bar(:, :, :)
    integer(c_int32_t), contiguous, target, intent(inout), optional :: observable(:), matched(:), missing(:), grazing(:)
    real(c_float), contiguous, target, intent(in), optional :: reciprocal_basis(:, :, :), wavenumber(:), chi(:)
    logical, intent(in), optional :: magnitude_from_rotated, accumulate
    integer(c_int32_t), intent(out), optional :: stat
    character(*), intent(inout), optional :: errmsg
    type(brg_orientations_f32) :: orientations
    type(brg_omega_targets_f32) :: targets
    type(brg_omega_loss_output_f32) :: output
    character(:), allocatable :: fault
    integer(c_int32_t) :: status
    integer :: n, columns
    n = int(reflections%count())
    columns = size(rotation, 3)
    if (present(target2)) columns = size(target2, 2)
    if (present(target1)) columns = size(target1, 2)
    if (columns /= 1) columns = size(rotation, 3)
    status = BRG_ERROR_INVALID_ARGUMENT
    orientations = orientations_f32(fault, rotation, reciprocal_basis, wavenumber, chi, magnitude_from_rotated)
    if (present(target1)) call expect(fault, 'target1', shape(target1), [n, columns])
    if (present(target2)) call expect(fault, 'target2', shape(target2), [n, columns])
    if (present(weight1)) call expect(fault, 'weight1', shape(weight1), [n, columns])
    if (present(weight2)) call expect(fault, 'weight2', shape(weight2), [n, columns])
    if (present(loss)) targets%loss = loss
    if (present(delta)) targets%delta = delta
    if (present(missing_loss)) targets%missing_loss = missing_loss
    targets%orientation_stride = merge(0, n, columns == 1)
    targets%omega1 = at_f32(target1)
    targets%omega2 = at_f32(target2)
    targets%weight1 = at_f32(weight1)
    targets%weight2 = at_f32(weight2)
    output = loss_output_f32(fault, size(rotation, 3), parameters, value, gradient, normal, rotation_bar, observable, &
                             matched, missing, grazing, accumulate)
    if (.not. allocated(fault)) status = brg_omega_loss_f32(context%handle, geometry, reflections%handle, &
      orientations, targets, output)
    call finish('omega_loss', status, fault, stat, errmsg)
  end subroutine omega_loss_f32

  subroutine omega_loss_list_f32(context, geometry, reflections, rotation, offsets, reflection, omega, root, weight, &
                                 loss, delta, missing_loss, parameters, value, gradient, normal, rotation_bar, &
                                 observable, matched, missing, grazing, reciprocal_basis, wavenumber, chi, &
                                 magnitude_from_rotated, accumulate, stat, errmsg)
    class(brg_context), intent(in) :: context
    type(brg_geometry), intent(in) :: geometry
    class(brg_reflections), intent(in) :: reflections
    real(c_float), contiguous, target, intent(in) :: rotation(:, :, :)
    integer(c_int64_t), contiguous, target, intent(in) :: offsets(:)
    integer(c_int32_t), contiguous, target, intent(in) :: reflection(:)
    real(c_float), contiguous, target, intent(in) :: omega(:)
    integer(c_int8_t), contiguous, target, intent(in), optional :: root(:)
    real(c_float), contiguous, target, intent(in), optional :: weight(:)
    integer(c_int32_t), intent(in), optional :: loss, parameters
    real(c_double), intent(in), optional :: delta, missing_loss
    real(c_float), contiguous, target, intent(inout), optional :: value(:), gradient(:, :), normal(:, :)
    real(c_float), contiguous, target, intent(inout), optional :: rotation_bar(:, :, :)
    integer(c_int32_t), contiguous, target, intent(inout), optional :: observable(:), matched(:), missing(:), grazing(:)
    real(c_float), contiguous, target, intent(in), optional :: reciprocal_basis(:, :, :), wavenumber(:), chi(:)
    logical, intent(in), optional :: magnitude_from_rotated, accumulate
    integer(c_int32_t), intent(out), optional :: stat
    character(*), intent(inout), optional :: errmsg
    type(brg_orientations_f32) :: orientations
    type(brg_omega_targets_f32) :: targets
    type(brg_omega_loss_output_f32) :: output
    character(:), allocatable :: fault
    integer(c_int32_t) :: status
    integer :: rows
    rows = size(omega)
    status = BRG_ERROR_INVALID_ARGUMENT
    orientations = orientations_f32(fault, rotation, reciprocal_basis, wavenumber, chi, magnitude_from_rotated)
    call expect(fault, 'offsets', shape(offsets), [size(rotation, 3) + 1])
    call expect(fault, 'reflection', shape(reflection), [rows])
    if (present(root)) call expect(fault, 'root', shape(root), [rows])
    if (present(weight)) call expect(fault, 'weight', shape(weight), [rows])
    if (present(loss)) targets%loss = loss
    if (present(delta)) targets%delta = delta
    if (present(missing_loss)) targets%missing_loss = missing_loss
    targets%offsets = at_i64(offsets)
    targets%reflection = at_i32(reflection)
    targets%omega = at_f32(omega)
    targets%root = at_i8(root)
    targets%weight = at_f32(weight)
    output = loss_output_f32(fault, size(rotation, 3), parameters, value, gradient, normal, rotation_bar, observable, &
                             matched, missing, grazing, accumulate)
    if (.not. allocated(fault)) status = brg_omega_loss_f32(context%handle, geometry, reflections%handle, &
      orientations, targets, output)
    call finish('omega_loss_list', status, fault, stat, errmsg)
  end subroutine omega_loss_list_f32

  function loss_output_f32(fault, b, parameters, value, gradient, normal, rotation_bar, observable, matched, missing, &
                           grazing, accumulate) result(output)
    character(:), allocatable, intent(inout) :: fault
    integer, intent(in) :: b
    integer(c_int32_t), intent(in), optional :: parameters
    real(c_float), contiguous, target, intent(in), optional :: value(:), gradient(:, :), normal(:, :)
    real(c_float), contiguous, target, intent(in), optional :: rotation_bar(:, :, :)
    integer(c_int32_t), contiguous, target, intent(in), optional :: observable(:), matched(:), missing(:), grazing(:)
    logical, intent(in), optional :: accumulate
    type(brg_omega_loss_output_f32) :: output
    integer :: p
    if (present(parameters)) output%parameters = parameters
    p = parameter_count(output%parameters)
    if (present(value)) call expect(fault, 'value', shape(value), [b])
    if (present(gradient)) call expect(fault, 'gradient', shape(gradient), [p, b])
    if (present(normal)) call expect(fault, 'normal', shape(normal), [p * (p + 1) / 2, b])
    if (present(rotation_bar)) call expect(fault, 'rotation_bar', shape(rotation_bar), [3, 3, b])
    if (present(observable)) call expect(fault, 'observable', shape(observable), [b])
    if (present(matched)) call expect(fault, 'matched', shape(matched), [b])
    if (present(missing)) call expect(fault, 'missing', shape(missing), [b])
    if (present(grazing)) call expect(fault, 'grazing', shape(grazing), [b])
    output%flags = flag_if(BRG_ACCUMULATE, accumulate)
    output%loss = at_f32(value)
    output%gradient = at_f32(gradient)
    output%normal = at_f32(normal)
    output%rotation_bar = at_f32(rotation_bar)
    output%observable = at_i32(observable)
    output%matched = at_i32(matched)
    output%missing = at_i32(missing)
    output%grazing = at_i32(grazing)
  end function loss_output_f32


  subroutine convention_solve_f32(context, convention, g, first, second, observable, g_magnitude, wavenumber, stat, &
                                  errmsg)
    class(brg_context), intent(in) :: context
    type(brg_convention), intent(in) :: convention
    real(c_float), contiguous, target, intent(in) :: g(:, :)
    real(c_float), contiguous, target, intent(inout), optional :: first(:), second(:)
    logical(c_bool), contiguous, target, intent(inout), optional :: observable(:)
    real(c_float), contiguous, target, intent(in), optional :: g_magnitude(:), wavenumber(:)
    integer(c_int32_t), intent(out), optional :: stat
    character(*), intent(inout), optional :: errmsg
    type(brg_items_f32) :: items
    type(brg_roots_f32) :: answers
    character(:), allocatable :: fault
    integer(c_int32_t) :: status
    integer :: n
    n = size(g, 2)
    status = BRG_ERROR_INVALID_ARGUMENT
    items = items_f32(fault, g, g_magnitude, wavenumber)
    if (present(first)) call expect(fault, 'first', shape(first), [n])
    if (present(second)) call expect(fault, 'second', shape(second), [n])
    if (present(observable)) call expect(fault, 'observable', shape(observable), [n])
    answers%omega1 = at_f32(first)
    answers%omega2 = at_f32(second)
    answers%observable = at_bool(observable)
    if (.not. allocated(fault)) status = brg_convention_solve_f32(context%handle, convention, items, answers)
    call finish('convention_solve', status, fault, stat, errmsg)
  end subroutine convention_solve_f32

  subroutine convention_angles_f32(context, convention, omega1, omega2, observable, stat, errmsg)
    class(brg_context), intent(in) :: context
    type(brg_convention), intent(in) :: convention
    real(c_float), contiguous, target, intent(inout) :: omega1(:, :), omega2(:, :)
    logical(c_bool), contiguous, target, intent(inout) :: observable(:, :)
    integer(c_int32_t), intent(out), optional :: stat
    character(*), intent(inout), optional :: errmsg
    type(brg_roots_f32) :: roots
    character(:), allocatable :: fault
    integer(c_int32_t) :: status
    status = BRG_ERROR_INVALID_ARGUMENT
    call expect(fault, 'omega2', shape(omega2), shape(omega1))
    call expect(fault, 'observable', shape(observable), shape(omega1))
    roots%omega1 = at_f32(omega1)
    roots%omega2 = at_f32(omega2)
    roots%observable = at_bool(observable)
    if (.not. allocated(fault)) &
      status = brg_convention_angles_f32(context%handle, convention, size(omega1, kind=c_int64_t), roots, roots)
    call finish('convention_angles', status, fault, stat, errmsg)
  end subroutine convention_angles_f32

end module braggrad
