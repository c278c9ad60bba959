! Refines orientation and strain of one grain from measured omega angles: Gauss-Newton on the normal equations that omega_loss makes
! in one call. Then compares the answers and the speed of predict with a plain loop over the textbook formula.
!
!     gfortran -O3 fit_grain.f90 $(pkg-config --cflags --libs braggrad-fortran braggrad) -o fit_grain
program fit_grain
  use, intrinsic :: iso_c_binding, only: c_bool, c_int32_t, c_int64_t
  use, intrinsic :: iso_fortran_env, only: real64
  use, intrinsic :: ieee_arithmetic, only: ieee_value, ieee_quiet_nan
  use braggrad
  implicit none
  integer, parameter :: dp = real64
  real(dp), parameter :: pi = 3.14159265358979324_dp, degree = pi / 180
  real(dp), parameter :: corundum(6) = [4.7602_dp, 4.7602_dp, 12.9933_dp, 90.0_dp, 90.0_dp, 120.0_dp]
  real(dp), parameter :: noise = 0.01_dp * degree
  type(brg_context) :: context
  type(brg_reflections) :: reflections
  type(brg_geometry) :: geometry
  integer(c_int32_t), allocatable :: hkl(:, :)
  real(dp) :: basis(3, 3)

  call context%create(threads=1)  ! one thread: as the plain loop below
  if (context%backend() /= BRG_BACKEND_CPU) call context%create(backend=BRG_BACKEND_CPU, threads=1)
  call make_geometry(geometry, energy=52.0_dp, grazing_cut=0.05_dp)
  call reciprocal_basis_of(corundum, basis)
  call enumerate_hkl(corundum, 'R', 1.0_dp, hkl)
  call reflections%create(context, hkl, basis)
  call refine()
  call compare()

contains

  subroutine refine()
    integer(c_int32_t), parameter :: free = BRG_FIT_ROTATION + BRG_FIT_LATTICE
    integer, parameter :: p = 9
    real(dp) :: truth(3, 3), strain(6), rotation(3, 3, 1), crystal(3, 3, 1), loss(1), gradient(p, 1), packed(p * (p + 1) / 2, 1)
    real(dp) :: step(p), covariance(p, p), error(p), found(6), product(3, 3)
    real(dp), allocatable :: omega1(:, :), omega2(:, :)
    logical(c_bool), allocatable :: observable(:, :)
    integer(c_int32_t) :: matched(1)
    integer :: n, i

    ! What the experiment saw: a strained grain, angles with noise, NaN where there was no spot.
    n = size(hkl, 2)
    allocate (omega1(n, 1), omega2(n, 1), observable(n, 1))
    truth = turn([0.4_dp, -0.7_dp, 1.1_dp])
    strain = [8e-4_dp, -3e-4_dp, 5e-4_dp, 2e-4_dp, -4e-4_dp, 1e-4_dp]
    rotation(:, :, 1) = truth
    crystal(:, :, 1) = matmul(identity() + symmetric(strain), basis)
    call predict(context, geometry, reflections, rotation, omega1, omega2, observable, reciprocal_basis=crystal)
    do i = 1, n
      omega1(i, 1) = merge(omega1(i, 1) + noise * gauss(i), ieee_value(1.0_dp, ieee_quiet_nan), logical(observable(i, 1)))
      omega2(i, 1) = merge(omega2(i, 1) + noise * gauss(i + n), ieee_value(1.0_dp, ieee_quiet_nan), logical(observable(i, 1)))
    end do

    ! The start: an indexed orientation, 0.2 degrees off, and the cell of the tables.
    rotation(:, :, 1) = matmul(turn([2e-3_dp, -1e-3_dp, 2.5e-3_dp]), truth)
    crystal(:, :, 1) = basis
    write (*, '(a)') '  step  targets   rms residual (degrees)'
    do i = 0, 20
      call omega_loss(context, geometry, reflections, rotation, omega1, omega2, parameters=free, value=loss, &
                      gradient=gradient, normal=packed, matched=matched, reciprocal_basis=crystal)
      write (*, '(i6, i9, f14.6)') i, matched, sqrt(2 * loss / matched) / degree
      call invert(packed(:, 1), covariance)
      step = -matmul(covariance, gradient(:, 1))
      rotation(:, :, 1) = matmul(turn(step(:3)), rotation(:, :, 1))
      crystal(:, :, 1) = matmul(identity() + symmetric(step(4:)), crystal(:, :, 1))
      if (maxval(abs(step)) < 1e-11_dp) exit
    end do

    product = matmul(crystal(:, :, 1), inverse_triangular(basis))
    found = [product(1, 1) - 1, product(2, 2) - 1, product(3, 3) - 1, (product(2, 3) + product(3, 2)) / 2, &
             (product(1, 3) + product(3, 1)) / 2, (product(1, 2) + product(2, 1)) / 2]
    product = matmul(rotation(:, :, 1), transpose(truth))
    error = [(product(3, 2) - product(2, 3)) / 2, (product(1, 3) - product(3, 1)) / 2, (product(2, 1) - product(1, 2)) / 2, &
             found - strain]
    write (*, '(/, a)') '  parameter     error     sigma   (rad, strain)'
    do i = 1, p
      write (*, '(i8, 2es13.2)') i, error(i), noise * sqrt(covariance(i, i))
    end do
    if (any(abs(error) > 5 * noise * [(sqrt(covariance(i, i)), i = 1, p)])) error stop 'the fit missed the grain'
  end subroutine refine

  ! Answers and speed against a scalar loop: omega = asin(c / rho) + atan2(gx, gy), and pi - asin.
  subroutine compare()
    integer, parameter :: orientations = 2000, repeats = 5
    real(dp), allocatable :: rotation(:, :, :), omega1(:, :), omega2(:, :), plain1(:, :), plain2(:, :), q(:, :)
    logical(c_bool), allocatable :: observable(:, :)
    real(dp) :: difference, best(2), k, start, finish
    integer :: n, b, i, repeat
    n = size(hkl, 2)
    k = geometry%wavenumber
    allocate (rotation(3, 3, orientations), omega1(n, orientations), omega2(n, orientations), plain1(n, orientations))
    allocate (plain2(n, orientations), observable(n, orientations), q(3, n))
    q = matmul(basis, hkl)
    do b = 1, orientations
      rotation(:, :, b) = turn([gauss(3 * b), gauss(3 * b + 1), gauss(3 * b + 2)])
    end do
    best = huge(best)
    do repeat = 1, repeats
      call cpu_time(start)
      do b = 1, orientations
        do i = 1, n
          call textbook(rotation(:, :, b), q(:, i), k, plain1(i, b), plain2(i, b))
        end do
      end do
      call cpu_time(finish)
      best(1) = min(best(1), finish - start)
      call cpu_time(start)
      call predict(context, geometry, reflections, rotation, omega1, omega2, observable)
      call cpu_time(finish)
      best(2) = min(best(2), finish - start)
    end do
    difference = 0
    do b = 1, orientations
      do i = 1, n
        if (.not. observable(i, b)) cycle
        difference = max(difference, abs(turned(omega1(i, b) - plain1(i, b))), abs(turned(omega2(i, b) - plain2(i, b))))
      end do
    end do
    write (*, '(/, i0, a, es9.1, a)') 2 * count(observable), ' angles of predict and of the plain loop agree within', difference, &
      ' rad (near the tangent)'
    write (*, '(a, 2(f8.1, a))') 'plain loop', best(1) / size(omega1) * 1e9_dp, ' ns a pair, predict', &
      best(2) / size(omega1) * 1e9_dp, ' ns, one thread each'
    if (difference > 1e-6_dp .or. count(observable) < size(observable) / 2) error stop 'predict and the plain loop differ'
  end subroutine compare

  pure subroutine textbook(r, q, k, omega1, omega2)
    real(dp), intent(in) :: r(3, 3), q(3), k
    real(dp), intent(out) :: omega1, omega2
    real(dp) :: g(3), c, rho, phase
    g = matmul(r, q)
    rho = hypot(g(1), g(2))
    c = dot_product(g, g) / (2 * k)
    omega1 = 0
    omega2 = 0
    if (c > rho) return
    phase = atan2(g(1), g(2))
    omega1 = asin(c / rho) + phase
    omega2 = pi - asin(c / rho) + phase
  end subroutine textbook

  elemental function turned(angle) result(wrapped)
    real(dp), intent(in) :: angle
    real(dp) :: wrapped
    wrapped = modulo(angle + pi, 2 * pi) - pi
  end function turned

  pure function identity() result(m)
    real(dp) :: m(3, 3)
    m = reshape([1, 0, 0, 0, 1, 0, 0, 0, 1], [3, 3])
  end function identity

  ! 11, 22, 33, 23, 13, 12
  pure function symmetric(e) result(m)
    real(dp), intent(in) :: e(6)
    real(dp) :: m(3, 3)
    m = reshape([e(1), e(6), e(5), e(6), e(2), e(4), e(5), e(4), e(3)], [3, 3])
  end function symmetric

  ! Rotation by the vector v (Rodrigues).
  pure function turn(v) result(r)
    real(dp), intent(in) :: v(3)
    real(dp) :: r(3, 3), k(3, 3), angle
    angle = norm2(v)
    k = reshape([0.0_dp, v(3), -v(2), -v(3), 0.0_dp, v(1), v(2), -v(1), 0.0_dp], [3, 3])
    r = identity() + k * sinc(angle) + matmul(k, k) * sinc(angle / 2)**2 / 2
  end function turn

  pure function sinc(x)
    real(dp), intent(in) :: x
    real(dp) :: sinc
    sinc = 1
    if (x > 0) sinc = sin(x) / x
  end function sinc

  ! Sum of twelve numbers of a fixed sequence: mean 0, deviation 1.
  pure function gauss(seed) result(x)
    integer, intent(in) :: seed
    real(dp) :: x
    integer(c_int64_t) :: state
    integer :: i
    state = 7919_c_int64_t * seed + 12345
    x = -6
    do i = 1, 16
      state = modulo(state * 1103515245_c_int64_t + 12345, 2147483648_c_int64_t)
      if (i > 4) x = x + real(state, dp) / 2147483648.0_dp
    end do
  end function gauss

  pure function inverse_triangular(u) result(inverse)
    real(dp), intent(in) :: u(3, 3)
    real(dp) :: inverse(3, 3)
    integer :: i, j
    inverse = 0
    do j = 1, 3
      inverse(j, j) = 1 / u(j, j)
      do i = j - 1, 1, -1
        inverse(i, j) = -dot_product(u(i, i + 1:j), inverse(i + 1:j, j)) / u(i, i)
      end do
    end do
  end function inverse_triangular

  ! Inverse of a positive matrix whose upper triangle is given by rows: Gauss and Jordan, no pivots needed.
  subroutine invert(packed, inverse)
    real(dp), intent(in) :: packed(:)
    real(dp), intent(out) :: inverse(:, :)
    real(dp) :: a(size(inverse, 1), 2 * size(inverse, 1))
    integer :: n, i, j, next
    n = size(inverse, 1)
    a = 0
    next = 0
    do i = 1, n
      a(i, n + i) = 1
      do j = i, n
        next = next + 1
        a(i, j) = packed(next)
        a(j, i) = packed(next)
      end do
    end do
    do i = 1, n
      if (a(i, i) <= 0) error stop 'the angles do not determine all parameters'
      a(i, :) = a(i, :) / a(i, i)
      do j = 1, n
        if (j /= i) a(j, :) = a(j, :) - a(j, i) * a(i, :)
      end do
    end do
    inverse = a(:, n + 1:)
  end subroutine invert
end program fit_grain
