! The module `braggrad` in one precision (WP, by the compiler's command line): exact tables, identities, Fortran's own matmul,
! wrong arguments. `numbers FOLDER`: the reference tables.
program numbers
  use, intrinsic :: iso_c_binding, only: c_bool, c_int8_t, c_int32_t, c_int64_t
  use, intrinsic :: iso_fortran_env, only: real32, real64
  use, intrinsic :: ieee_arithmetic, only: ieee_value, ieee_quiet_nan, ieee_is_nan
  use braggrad
  implicit none
  integer, parameter :: wp = WP
  real(real64), parameter :: pi = 3.14159265358979324_real64, eps = epsilon(1.0_wp)
  real(real64), parameter :: triclinic(6) = [4.1_real64, 5.3_real64, 6.7_real64, 78.0_real64, 97.0_real64, 112.0_real64]
  type(brg_context) :: context
  integer :: failures = 0, checks = 0

  call context%create(backend=BRG_BACKEND_CPU, threads=2)
  call lattice()
  call tables()
  call predictions()
  call derivatives()
  call spots()
  call losses()
  call conventions()
  call awkward()
  call wrong_arguments()
  call handles()
  write (*, '(i0, a, i0, a)') checks, ' checks, ', failures, ' failed'
  if (failures > 0) error stop 1

contains

  subroutine check(ok, name)
    logical, intent(in) :: ok
    character(*), intent(in) :: name
    checks = checks + 1
    if (ok) return
    failures = failures + 1
    if (failures <= 20) write (*, '(2a)') 'failed: ', name
  end subroutine check

  ! Difference of two angles modulo 2 pi.
  elemental function turned(a, b) result(difference)
    real(wp), intent(in) :: a
    real(real64), intent(in) :: b
    real(real64) :: difference
    difference = modulo(real(a, real64) - b + pi, 2 * pi) - pi
  end function turned

  ! Any rotation: of a unit quaternion.
  function rotations(n) result(r)
    integer, intent(in) :: n
    real(wp) :: r(3, 3, n)
    real(real64) :: q(4)
    integer :: i
    do i = 1, n
      call random_number(q)
      q = q - 0.5_real64
      q = q / norm2(q)
      associate (w => q(1), x => q(2), y => q(3), z => q(4))
        r(1, :, i) = real([1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)], wp)
        r(2, :, i) = real([2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)], wp)
        r(3, :, i) = real([2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)], wp)
      end associate
    end do
  end function rotations

  ! B of a cell without a symmetry against the metric of its edges: M B^T B = (2 pi)^2.
  subroutine lattice()
    real(real64) :: basis(3, 3), metric(3, 3), product(3, 3), cosines(3, 3)
    integer(c_int32_t), allocatable :: hkl(:, :)
    integer :: i, j
    call reciprocal_basis_of(triclinic, basis)
    cosines = 1
    cosines(1, 2) = cos(triclinic(6) * pi / 180)
    cosines(1, 3) = cos(triclinic(5) * pi / 180)
    cosines(2, 3) = cos(triclinic(4) * pi / 180)
    do i = 1, 3
      do j = 1, i
        metric(i, j) = triclinic(i) * triclinic(j) * cosines(j, i)
        metric(j, i) = metric(i, j)
      end do
    end do
    product = matmul(metric, matmul(transpose(basis), basis)) / (4 * pi**2)
    do i = 1, 3
      product(i, i) = product(i, i) - 1
    end do
    call check(maxval(abs(product)) < 1e-13_real64, 'the reciprocal basis inverts the metric')
    call check(basis(2, 1) == 0 .and. basis(3, 1) == 0 .and. basis(3, 2) == 0, 'upper triangular, a* along x')

    call enumerate_hkl([4.0_real64, 4.0_real64, 4.0_real64, 90.0_real64, 90.0_real64, 90.0_real64], 'F', 1.4_real64, hkl)
    call check(size(hkl, 2) == 26, 'face-centred: {111}, {200}, {220}')
    if (size(hkl, 2) /= 26) return
    call check(all(hkl(:, 14:) == -hkl(:, :13)), 'Friedel mates')
    call check(all(modulo(hkl(1, :) + hkl(2, :), 2) == 0), 'centring')
  end subroutine lattice

  ! Rows of a table: numbers of its columns, `category` as 0.
  subroutine read_table(path, rows)
    character(*), intent(in) :: path
    real(real64), allocatable, intent(out) :: rows(:, :)
    character(4096) :: line
    integer :: unit, status, columns, n, i, first, comma
    open (newunit=unit, file=path, action='read', status='old')
    read (unit, '(a)') line
    columns = count([(line(i:i) == ',', i = 1, len_trim(line))]) + 1
    n = 0
    do
      read (unit, '(a)', iostat=status)
      if (status /= 0) exit
      n = n + 1
    end do
    allocate (rows(columns, n))
    rewind (unit)
    read (unit, '(a)')
    do n = 1, size(rows, 2)
      read (unit, '(a)') line
      first = 1
      do i = 1, columns
        comma = index(line(first:)//',', ',')
        rows(i, n) = 0
        if (i /= 2) read (line(first:first + comma - 2), *) rows(i, n)
        first = first + comma
      end do
    end do
    close (unit)
  end subroutine read_table

  ! Promises 1 to 3 of docs/accuracy.md against values with 20 digits: the columns of tests/reference/solve_f*.csv.
  subroutine tables()
    character(1024) :: folder
    real(real64), allocatable :: rows(:, :)
    real(wp), allocatable :: g(:, :), omega1(:), omega2(:), g_bar(:, :), chi_bar(:), k_dot(:), ones(:)
    logical(c_bool), allocatable :: observable(:)
    type(brg_geometry) :: geometry
    real(real64) :: rho, tilt, bound, relative, scale
    integer :: n, i, compared
    call get_command_argument(1, folder)
    if (wp == real32) call read_table(trim(folder)//'/solve_f32.csv', rows)
    if (wp == real64) call read_table(trim(folder)//'/solve_f64.csv', rows)
    n = size(rows, 2)
    allocate (omega1(n), omega2(n), g_bar(3, n), chi_bar(n), k_dot(n), observable(n), ones(n))
    ones = 1
    g = real(rows(3:5, :), wp)
    call make_geometry(geometry)
    call solve(context, geometry, g, omega1, omega2, observable, g_magnitude=real(rows(6, :), wp), &
               wavenumber=real(rows(7, :), wp), chi=real(rows(8, :), wp))
    call solve_vjp(context, geometry, g, omega2_bar=ones, g_magnitude=real(rows(6, :), wp), &
                   wavenumber=real(rows(7, :), wp), chi=real(rows(8, :), wp), g_bar=g_bar, chi_bar=chi_bar)
    call solve_jvp(context, geometry, g, omega1_dot=k_dot, g_magnitude=real(rows(6, :), wp), &
                   wavenumber=real(rows(7, :), wp), chi=real(rows(8, :), wp), wavenumber_dot=ones)
    compared = 0
    do i = 1, n
      rho = hypot(rows(3, i), rows(4, i))
      tilt = abs(rows(5, i) * tan(rows(8, i))) / max(rho, tiny(rho))
      if (observable(i) .neqv. rows(9, i) > 0.5_real64) then
        call check(rows(12, i) < 2 * sqrt(eps * (1 + tilt)), 'observable flag')
        cycle
      end if
      if (.not. observable(i)) then
        call check(omega1(i) == 0 .and. omega2(i) == 0 .and. all(g_bar(:, i) == 0), 'zeros where nothing diffracts')
        cycle
      end if
      bound = 4 * eps / rows(13, i) * (1 + tilt) / max(rows(12, i), sqrt(eps)) + 2 * eps * pi
      call check(abs(turned(omega1(i), rows(10, i))) <= bound, 'omega1 of the table')
      call check(abs(turned(omega2(i), rows(11, i))) <= bound, 'omega2 of the table')
      if (rows(12, i) < 2 * sqrt(eps * (1 + tilt))) cycle
      compared = compared + 1
      relative = 4 * eps / rows(13, i) * (1 + tilt) / rows(12, i)**2
      scale = 1 / (rows(12, i) * rho)
      call check(all(abs(g_bar(:, i) - rows(20:22, i)) <= relative * scale), 'd omega2 / dg of the table')
      call check(abs(chi_bar(i) - rows(25, i)) <= relative * norm2(rows(3:5, i)) * scale, 'd omega2 / dchi of the table')
      call check(abs(k_dot(i) - rows(18, i)) <= relative * abs(rows(18, i)), 'd omega1 / dk of the table')
    end do
    call check(compared > 130, 'rows of the table')
  end subroutine tables

  ! A set of a cell without symmetry, and orientations.
  subroutine sample(reflections, hkl, basis, geometry)
    type(brg_reflections), intent(inout) :: reflections
    integer(c_int32_t), allocatable, intent(out) :: hkl(:, :)
    real(real64), intent(out) :: basis(3, 3)
    type(brg_geometry), intent(out) :: geometry
    call reciprocal_basis_of(triclinic, basis)
    call enumerate_hkl(triclinic, 'P', 1.9_real64, hkl)
    call reflections%create(context, hkl, basis)
    call make_geometry(geometry, energy=50.0_real64, chi=0.02_real64)
  end subroutine sample

  ! Rotations as Fortran has them: predict(R) is solve(matmul(R, q)), rotate(R) is matmul(R, q).
  subroutine predictions()
    type(brg_reflections) :: reflections
    type(brg_geometry) :: geometry
    integer(c_int32_t), allocatable :: hkl(:, :)
    real(real64) :: basis(3, 3)
    real(wp), allocatable :: r(:, :, :), omega1(:, :), omega2(:, :), g(:, :, :), solved1(:), solved2(:), bases(:, :, :)
    real(wp), allocatable :: again(:, :)
    logical(c_bool), allocatable :: observable(:, :), flag(:)
    integer :: n, b
    integer, parameter :: orientations = 7
    call sample(reflections, hkl, basis, geometry)
    n = size(hkl, 2)
    call check(reflections%count() == n, 'count')
    r = rotations(orientations)
    allocate (omega1(n, orientations), omega2(n, orientations), observable(n, orientations), g(3, n, orientations))
    allocate (solved1(n), solved2(n), flag(n), bases(3, 3, orientations), again(n, orientations))
    call predict(context, geometry, reflections, r, omega1, omega2, observable)
    call rotate(context, reflections, r, g)
    do b = 1, orientations
      call check(maxval(abs(g(:, :, b) - matmul(real(r(:, :, b), real64), matmul(basis, real(hkl, real64))))) < 20 * eps, &
                 'rotate is matmul')
      call solve(context, geometry, g(:, :, b), solved1, solved2, flag)
      call check(count(flag .neqv. observable(:, b)) == 0, 'predict observes what solve does')
      call check(all(abs(turned(omega1(:, b), real(solved1, real64))) < 2000 * eps .or. .not. observable(:, b)), &
                 'predict is solve of matmul, root 1')
      call check(all(abs(turned(omega2(:, b), real(solved2, real64))) < 2000 * eps .or. .not. observable(:, b)), &
                 'predict is solve of matmul, root 2')
      bases(:, :, b) = real(basis, wp)
    end do
    call check(count(observable) > n, 'something diffracts')

    call predict(context, geometry, reflections, r, again, reciprocal_basis=bases)
    call check(all(abs(turned(again, real(omega1, real64))) < 2000 * eps), 'a basis for each orientation, as matrices')

    call predict(context, geometry, reflections, r(:, :, 7:1:-2), again(:, :4))  ! not contiguous
    call check(all(again(:, 1) == omega1(:, 7)) .and. all(again(:, 4) == omega1(:, 1)), 'sections of arrays')

    call predict(context, geometry, reflections, r, observable=observable)
    call check(count(observable) > n, 'outputs that are not asked for')
  end subroutine predictions

  ! The sample turned about the axis turns every root back; adjoint and directional derivative are one matrix.
  subroutine derivatives()
    type(brg_reflections) :: reflections
    type(brg_geometry) :: geometry
    integer(c_int32_t), allocatable :: hkl(:, :)
    real(real64) :: basis(3, 3), left, right, spin(3, 3)
    real(wp), allocatable :: r(:, :, :), w1(:, :), w2(:, :), dot1(:, :), dot2(:, :), r_bar(:, :, :), v_bar(:, :), v(:, :)
    real(wp), allocatable :: r_dot(:, :, :), basis_bar(:, :, :), basis_dot(:, :, :), bases(:, :, :), q_bar(:, :), k_bar(:)
    real(wp), allocatable :: g_bar(:, :, :), g_dot(:, :, :)
    real(wp) :: geometry_k_bar, geometry_chi_bar, beam_bar(3), axis_bar(3), set_bar(3, 3)
    logical(c_bool), allocatable :: observable(:, :)
    integer :: n, b, i
    integer, parameter :: orientations = 3
    call sample(reflections, hkl, basis, geometry)
    geometry%grazing_cut = 0.05_real64
    n = size(hkl, 2)
    r = rotations(orientations)
    allocate (w1(n, orientations), w2(n, orientations), dot1(n, orientations), dot2(n, orientations))
    allocate (observable(n, orientations), r_bar(3, 3, orientations), v_bar(3, orientations), v(3, orientations))
    allocate (r_dot(3, 3, orientations), basis_bar(3, 3, orientations), basis_dot(3, 3, orientations))
    allocate (bases(3, 3, orientations), q_bar(3, n), k_bar(orientations), g_bar(3, n, orientations))
    allocate (g_dot(3, n, orientations))
    v = 0
    v(3, :) = 1
    call predict_jvp(context, geometry, reflections, r, dot1, dot2, observable, rotation_vector_dot=v)
    call check(all(abs(dot1 + 1) < 4000 * eps .or. dot1 == 0), 'turned about the axis, root 1')
    call check(all(abs(dot2 + 1) < 4000 * eps .or. dot2 == 0), 'turned about the axis, root 2')
    call check(count(dot1 /= 0) > n, 'most roots are no grazing ones')

    call random_number(w1)
    call random_number(w2)
    call random_number(r_dot)
    call random_number(basis_dot)
    bases = spread(real(basis, wp), 3, orientations)
    call predict_vjp(context, geometry, reflections, r, w1, w2, reciprocal_basis=bases, rotation_bar=r_bar, &
                     rotation_vector_bar=v_bar, reciprocal_basis_bar=basis_bar, geometry_wavenumber_bar=geometry_k_bar, &
                     geometry_chi_bar=geometry_chi_bar, geometry_beam_bar=beam_bar, geometry_axis_bar=axis_bar)
    call predict_jvp(context, geometry, reflections, r, dot1, dot2, reciprocal_basis=bases, rotation_dot=r_dot, &
                     reciprocal_basis_dot=basis_dot, geometry_wavenumber_dot=0.3_real64, geometry_chi_dot=0.1_real64, &
                     geometry_beam_dot=[0.1_real64, 0.2_real64, 0.3_real64], &
                     geometry_axis_dot=[0.3_real64, -0.2_real64, 0.1_real64])
    left = sum(real(w1, real64) * dot1) + sum(real(w2, real64) * dot2)
    right = sum(real(r_bar, real64) * r_dot) + sum(real(basis_bar, real64) * basis_dot) + 0.3_real64 * geometry_k_bar + &
            0.1_real64 * geometry_chi_bar + dot_product([0.1_real64, 0.2_real64, 0.3_real64], real(beam_bar, real64)) + &
            dot_product([0.3_real64, -0.2_real64, 0.1_real64], real(axis_bar, real64))
    ! Rounding of each term, at most 1/0.05 of its value by the cut.
    call check(abs(left - right) < 1000 * eps * (sum(abs(dot1)) + sum(abs(dot2))), 'adjoint and directional derivative')
    do b = 1, orientations
      do i = 1, 3
        spin = 0
        spin(1 + modulo(i + 1, 3), 1 + modulo(i, 3)) = 1
        spin(1 + modulo(i, 3), 1 + modulo(i + 1, 3)) = -1
        left = sum(real(r_bar(:, :, b), real64) * matmul(spin, real(r(:, :, b), real64)))
        call check(abs(left - v_bar(i, b)) < 1000 * eps * (sum(abs(r_bar(:, :, b)))), 'rotation_bar is no transpose')
      end do
    end do

    call predict_vjp(context, geometry, reflections, r, w1, w2, q_bar=q_bar, reflections_basis_bar=set_bar)
    left = maxval(abs(matmul(real(q_bar, real64), transpose(real(hkl, real64))) - set_bar))
    call check(left < 4000 * eps * maxval(abs(set_bar)), 'reflections_basis_bar = sum q_bar hkl^T')
    q_bar = 2
    call predict_vjp(context, geometry, reflections, r, q_bar=q_bar, accumulate=.true.)
    call check(all(q_bar == 2), 'accumulate adds')

    call random_number(g_bar)
    call rotate_vjp(context, reflections, r, g_bar, rotation_bar=r_bar, q_bar=q_bar)
    call rotate_jvp(context, reflections, r, g_dot, rotation_dot=r_dot)
    left = sum(real(g_bar, real64) * g_dot)
    right = sum(real(r_bar, real64) * r_dot)
    call check(abs(left - right) < 100 * eps * sum(abs(g_bar * g_dot)), 'adjoint of rotate')
    call check(all(abs(q_bar(:, 5) - sum(reshape([(matmul(transpose(r(:, :, b)), g_bar(:, 5, b)), b = 1, orientations)], &
                                                 [3, orientations]), 2)) < 100 * eps), 'q_bar of rotate')
  end subroutine derivatives

  ! The list of spots holds what predict answers; the beams obey Bragg's law.
  subroutine spots()
    type(brg_reflections) :: reflections
    type(brg_geometry) :: geometry
    integer(c_int32_t), allocatable :: hkl(:, :), reflection(:)
    integer(c_int64_t) :: n_spots, offsets(5)
    integer(c_int8_t), allocatable :: root(:)
    real(real64) :: basis(3, 3), windows(2, 2)
    real(wp), allocatable :: r(:, :, :), omega1(:, :), omega2(:, :), omega(:), g(:, :, :), direction(:, :), two_theta(:)
    real(wp), allocatable :: eta(:)
    logical(c_bool), allocatable :: observable(:, :)
    integer(c_int32_t) :: stat
    integer :: n, b, i, expected
    call sample(reflections, hkl, basis, geometry)
    n = size(hkl, 2)
    r = rotations(4)
    allocate (omega1(n, 4), omega2(n, 4), observable(n, 4), g(3, n, 4), direction(3, n), two_theta(n), eta(n))
    call predict(context, geometry, reflections, r, omega1, omega2, observable)
    call predict_spots(context, geometry, reflections, r, n_spots, stat=stat)
    call check(n_spots == 2 * count(observable), 'number of spots')
    allocate (reflection(n_spots), root(n_spots), omega(n_spots))
    windows = reshape([3.0_real64, -3.0_real64, -0.5_real64, 0.25_real64], [2, 2])
    expected = count(observable .and. (omega1 >= 3 .or. omega1 < -3 .or. (omega1 >= -0.5 .and. omega1 < 0.25))) + &
               count(observable .and. (omega2 >= 3 .or. omega2 < -3 .or. (omega2 >= -0.5 .and. omega2 < 0.25)))
    call predict_spots(context, geometry, reflections, r, n_spots, offsets, reflection, root, omega, windows)
    call check(n_spots == expected .and. offsets(5) == expected .and. expected > 5, 'spots inside windows')
    do b = 1, 4
      do i = int(offsets(b)) + 1, int(offsets(b + 1))
        if (root(i) == 1) call check(omega(i) == omega1(reflection(i) + 1, b), 'omega of a spot, root 1')
        if (root(i) == 2) call check(omega(i) == omega2(reflection(i) + 1, b), 'omega of a spot, root 2')
      end do
    end do
    call rotate(context, reflections, r, g)
    call diffracted_beam(context, geometry, g(:, :, 1), omega1(:, 1), direction, two_theta, eta)
    call check(all(abs(norm2(direction, 1) - 1) < 4 * eps .or. .not. observable(:, 1)), 'unit directions')
    call check(all(abs(sin(two_theta / 2) - norm2(g(:, :, 1), 1) / (2 * geometry%wavenumber)) < 20 * eps .or. &
                   .not. observable(:, 1)), "Bragg's law")
    call check(all(eta < 0 .or. .not. observable(:, 1)), 'root 1 has eta < 0')
  end subroutine spots

  ! Losses summed here, from the angles of predict.
  subroutine losses()
    type(brg_reflections) :: reflections
    type(brg_geometry) :: geometry
    integer(c_int32_t), allocatable :: hkl(:, :), reflection(:)
    integer(c_int32_t), parameter :: mask = BRG_FIT_ROTATION + BRG_FIT_CHI
    integer(c_int32_t) :: matched(2), missing(2), observable_count(2)
    integer(c_int64_t) :: offsets(3)
    integer(c_int8_t), allocatable :: root(:)
    real(real64) :: basis(3, 3), expected, slope
    real(wp), allocatable :: r(:, :, :), omega1(:, :), target1(:, :), weight1(:, :), dot1(:, :), v(:, :), omega(:)
    real(wp) :: value(2), gradient(4, 2), normal(10, 2), listed(2), rotation_bar(3, 3, 2)
    logical(c_bool), allocatable :: observable(:, :)
    integer :: n, b, i
    call sample(reflections, hkl, basis, geometry)
    n = size(hkl, 2)
    r = rotations(2)
    allocate (omega1(n, 2), observable(n, 2), target1(n, 1), weight1(n, 1), dot1(n, 2), v(3, 2))
    call predict(context, geometry, reflections, r, omega1, observable=observable)
    target1(:, 1) = omega1(:, 1) + 0.01_wp
    target1(3, 1) = ieee_value(1.0_wp, ieee_quiet_nan)  ! not measured
    call random_number(weight1)
    v = 0
    v(2, :) = 1
    call predict_jvp(context, geometry, reflections, r, dot1, rotation_vector_dot=v)
    call omega_loss(context, geometry, reflections, r, target1, weight1=weight1, parameters=mask, value=value, &
                    gradient=gradient, normal=normal, rotation_bar=rotation_bar, observable=observable_count, &
                    matched=matched, missing=missing)
    call check(all(observable_count == count(observable, 1)), 'observable reflections')
    call check(matched(1) + missing(1) == n - 1 .and. matched(1) > 10, 'targets are matched or missing')
    do b = 1, 2
      expected = 0
      slope = 0
      do i = 1, n
        if (.not. observable(i, b) .or. ieee_is_nan(target1(i, 1)) .or. dot1(i, b) == 0) cycle
        expected = expected + weight1(i, 1) * turned(omega1(i, b), real(target1(i, 1), real64))**2 / 2
        slope = slope + weight1(i, 1) * turned(omega1(i, b), real(target1(i, 1), real64)) * dot1(i, b)
      end do
      call check(abs(value(b) - expected) < 2000 * eps * (1 + expected), 'loss of shared targets')
      call check(abs(gradient(2, b) - slope) < 4000 * eps * sum(abs(dot1(:, b))) * pi, 'gradient of the loss')
      call check(normal(1, b) > 0 .and. normal(5, b) > 0 .and. normal(8, b) > 0 .and. normal(10, b) > 0, 'diagonal of normal')
      call check(abs(normal(1, b) * normal(5, b) * (1 + 4 * eps)) >= normal(2, b)**2, 'normal is no negative matrix')
    end do

    ! The same targets as a list, of the first orientation only.
    reflection = pack([(i - 1, i = 1, n)], [(.not. ieee_is_nan(target1(i, 1)), i = 1, n)])
    omega = target1(reflection + 1, 1)
    offsets = [0_c_int64_t, size(omega, kind=c_int64_t), size(omega, kind=c_int64_t)]
    allocate (root(size(omega)))
    root = 1
    call omega_loss_list(context, geometry, reflections, r, offsets, reflection, omega, root, &
                         weight=weight1(reflection + 1, 1), value=listed, matched=matched)
    call check(abs(listed(1) - value(1)) < 100 * eps * value(1) .and. listed(2) == 0 .and. matched(2) == 0, 'list of targets')
  end subroutine losses

  ! HEXRD's angles of its vectors: k = Rx(chi) Ry(omega) v under a beam along -z has k_z = |k|^2 wavelength / 2.
  subroutine conventions()
    type(brg_convention) :: hexrd
    type(brg_geometry) :: geometry
    real(wp) :: v(3, 40), first(40), second(40), roots1(40, 1), roots2(40, 1)
    logical(c_bool) :: observable(40), flags(40, 1)
    real(real64) :: k_z, x
    integer :: i
    call random_number(v)
    v = v - 0.3_wp
    call make_convention(hexrd, BRG_SYSTEM_HEXRD)
    hexrd%wavelength = 0.25_real64
    hexrd%chi = 0.1_real64
    call convention_solve(context, hexrd, v, first, second, observable)
    do i = 1, 40
      call check(observable(i) .neqv. ieee_is_nan(first(i)), 'NaN where nothing diffracts')
      if (.not. observable(i)) cycle
      x = -sin(real(first(i), real64)) * v(1, i) + cos(real(first(i), real64)) * v(3, i)
      k_z = sin(hexrd%chi) * v(2, i) + cos(hexrd%chi) * x
      call check(abs(k_z - sum(real(v(:, i), real64)**2) * hexrd%wavelength / 2) < 20 * eps, 'HEXRD: on the Ewald sphere')
    end do
    call check(count(observable) > 20, 'something diffracts')
    call geometry_of_convention(hexrd, geometry)
    call solve(context, geometry, v, roots1(:, 1), roots2(:, 1), flags(:, 1))
    call convention_angles(context, hexrd, roots1, roots2, flags)
    call check(all(roots1(:, 1) == first .or. .not. observable) .and. all(roots2(:, 1) == second .or. .not. observable), &
               'in two steps')
  end subroutine conventions

  ! No orientation, no item, the tangent, the axis, NaN.
  subroutine awkward()
    type(brg_reflections) :: reflections, none
    type(brg_geometry) :: geometry
    integer(c_int32_t), allocatable :: hkl(:, :)
    real(real64) :: basis(3, 3)
    real(wp) :: g(3, 5), omega1(5), omega2(5), nothing(0), no_vectors(3, 0), no_rotation(3, 3, 0), no_pairs(0, 0)
    real(wp), allocatable :: empty(:, :)
    logical(c_bool) :: observable(5)
    real(wp) :: not_a_number
    integer(c_int32_t) :: stat
    not_a_number = ieee_value(1.0_wp, ieee_quiet_nan)
    call sample(reflections, hkl, basis, geometry)
    call make_geometry(geometry, wavenumber=1.0_real64)
    g = reshape([2.0_wp, 0.0_wp, 0.0_wp, 0.0_wp, 0.0_wp, 1.0_wp, not_a_number, 0.0_wp, 0.0_wp, 0.0_wp, 0.0_wp, 0.0_wp, &
                 0.0_wp, 1.0_wp, 0.0_wp], [3, 5])
    call solve(context, geometry, g, omega1, omega2, observable)
    call check(all(logical(observable) .eqv. [.true., .false., .false., .false., .true.]), 'tangent, axis, NaN, zero')
    call check(abs(abs(omega1(1)) - pi) < 4 * eps .and. abs(abs(omega2(1)) - pi) < 4 * eps, 'the tangent at pi')
    call check(all(omega1(2:4) == 0), 'zeros where nothing diffracts')
    call check(abs(turned(omega1(5), pi / 6)) < 4 * eps .and. abs(turned(omega2(5), 5 * pi / 6)) < 4 * eps, '30 degrees')

    call solve(context, geometry, no_vectors, nothing, nothing, stat=stat)
    call check(stat == BRG_SUCCESS, 'no item')
    allocate (empty(size(hkl, 2), 0))
    call predict(context, geometry, reflections, no_rotation, empty, stat=stat)
    call check(stat == BRG_SUCCESS, 'no orientation')
    call none%create(context, hkl(:, :0), basis, stat=stat)
    call check(none%count() == 0 .and. stat == BRG_SUCCESS, 'no reflection')
    call predict(context, geometry, none, no_rotation, no_pairs, stat=stat)
    call check(stat == BRG_SUCCESS, 'no pair')
  end subroutine awkward

  subroutine wrong_arguments()
    type(brg_context) :: unborn
    type(brg_reflections) :: reflections
    type(brg_geometry) :: geometry
    integer(c_int32_t), allocatable :: hkl(:, :)
    real(real64) :: basis(3, 3)
    real(wp) :: g(3, 2), two(2), three(3), four_vectors(4, 2), r(3, 3, 1), pairs(2, 1)
    integer(c_int32_t) :: stat
    character(200) :: message
    g = 1
    r = rotations(1)
    call sample(reflections, hkl, basis, geometry)
    message = 'as it was'
    call solve(context, geometry, g, two, stat=stat, errmsg=message)
    call check(stat == BRG_SUCCESS .and. message == 'as it was', 'success leaves errmsg')
    call solve(context, geometry, g, two, three, stat=stat, errmsg=message)
    call check(stat == BRG_ERROR_INVALID_ARGUMENT, 'status of a wrong shape')
    call check(message == 'solve: omega2 has shape (3), and must have (2)', 'message of a wrong shape: '//trim(message))
    call solve(context, geometry, four_vectors, two, stat=stat, errmsg=message)
    call check(message == 'solve: g has shape (4,2), and must have (3,2)', 'message of wrong vectors: '//trim(message))
    call predict(context, geometry, reflections, r, pairs, stat=stat, errmsg=message)
    call check(index(message, 'predict: omega1 has shape (2,1), and must have (') == 1, 'message of wrong pairs')
    call solve(unborn, geometry, g, two, stat=stat, errmsg=message)
    call check(stat == BRG_ERROR_INVALID_ARGUMENT .and. index(message, 'context is NULL') > 0, 'a context not created')
    call make_geometry(geometry, energy=-1.0_real64, stat=stat, errmsg=message)
    call check(stat == BRG_ERROR_INVALID_ARGUMENT .and. index(message, 'energy_keV is -1') > 0, 'energy < 0')
    call make_geometry(geometry, energy=50.0_real64, wavelength=0.2_real64, stat=stat, errmsg=message)
    call check(stat == BRG_ERROR_INVALID_ARGUMENT .and. index(message, 'one of wavenumber') > 0, 'energy and wavelength')
    call make_geometry(geometry, wavenumber=10.0_real64, beam=[1.0_real64, 1.0_real64, 0.0_real64], stat=stat)
    call check(stat == BRG_ERROR_INVALID_ARGUMENT, 'a beam that is no unit vector')
    call unborn%create(backend=77_c_int32_t, stat=stat)
    call check(unborn%backend() == BRG_BACKEND_AUTO .and. stat == BRG_ERROR_INVALID_ARGUMENT, 'an unknown backend')
  end subroutine wrong_arguments

  ! Copies borrow, and nothing is destroyed twice.
  subroutine handles()
    type(brg_context) :: first, second
    type(brg_reflections) :: set, view
    real(wp), target :: q(3, 1)
    real(wp) :: omega(1, 1)
    type(brg_geometry) :: geometry
    call first%create(backend=BRG_BACKEND_CPU)
    second = first
    second = second
    call second%destroy()
    call check(first%backend() == BRG_BACKEND_CPU, 'a borrowed context is not destroyed')
    first = first
    call check(first%backend() == BRG_BACKEND_CPU, 'a context assigned to itself lives on')
    q(:, 1) = [0.0_wp, 1.0_wp, 0.0_wp]
    call view%view(first, q)
    set = view
    call make_geometry(geometry, wavenumber=1.0_real64)
    q = 0
    q(2, 1) = 1.2_wp  ! a view sees what q is now
    call predict(first, geometry, set, reshape(real([1, 0, 0, 0, 1, 0, 0, 0, 1], wp), [3, 3, 1]), omega)
    call check(abs(omega(1, 1) - asin(0.6_real64)) < 8 * eps, 'a view of q')
    call first%destroy()
    call first%destroy()
    call check(first%backend() == BRG_BACKEND_AUTO, 'a destroyed context is none')
    call check(index(version(), '.') > 0, 'version')
  end subroutine handles

end program numbers
