! Orientations split over MPI ranks: one context per rank, results gathered in order, the bits of one rank.
!
!     mpifort -O2 mpi_predict.f90 $(pkg-config --cflags --libs braggrad-fortran) -o mpi_predict
!     mpirun -n 3 ./mpi_predict
program mpi_predict
  use, intrinsic :: iso_c_binding, only: c_int32_t, c_int64_t
  use, intrinsic :: iso_fortran_env, only: real64
  use mpi_f08
  use braggrad
  implicit none
  integer, parameter :: dp = real64, total = 10001
  real(dp), parameter :: cell(6) = [4.0782_dp, 4.0782_dp, 4.0782_dp, 90.0_dp, 90.0_dp, 90.0_dp]
  type(brg_context) :: context
  type(brg_reflections) :: reflections
  type(brg_geometry) :: geometry
  integer(c_int32_t), allocatable :: hkl(:, :)
  real(dp), allocatable :: own(:, :), all_omega(:, :), alone(:, :)
  real(dp) :: basis(3, 3)
  integer, allocatable :: firsts(:)
  type(MPI_Datatype) :: row
  integer :: rank, ranks, n, i
  logical :: same

  call MPI_Init()
  call MPI_Comm_rank(MPI_COMM_WORLD, rank)
  call MPI_Comm_size(MPI_COMM_WORLD, ranks)

  ! Arrays of this program are in host memory, so the context is one of the CPU. Ranks of a machine share its cores.
  call context%create(backend=BRG_BACKEND_CPU)
  call make_geometry(geometry, energy=50.0_dp)
  call reciprocal_basis_of(cell, basis)
  call enumerate_hkl(cell, 'F', 0.8_dp, hkl)
  call reflections%create(context, hkl, basis)
  n = size(hkl, 2)

  ! Rank i has orientations firsts(i) + 1 to firsts(i + 1).
  firsts = [(int(int(total, c_int64_t) * i / ranks), i = 0, ranks)]
  allocate (own(n, firsts(rank + 2) - firsts(rank + 1)), all_omega(n, merge(total, 0, rank == 0)))
  call predict(context, geometry, reflections, orientations(firsts(rank + 1) + 1, firsts(rank + 2)), own)
  ! Counts of MPI are default integers: they count orientations.
  call MPI_Type_contiguous(n, MPI_DOUBLE_PRECISION, row)
  call MPI_Type_commit(row)
  call MPI_Gatherv(own, size(own, 2), row, all_omega, firsts(2:) - firsts(:ranks), firsts, row, 0, MPI_COMM_WORLD)
  call MPI_Type_free(row)

  if (rank == 0) then
    allocate (alone(n, total))
    call predict(context, geometry, reflections, orientations(1, total), alone)
    same = all(transfer(alone, [0_c_int64_t]) == transfer(all_omega, [0_c_int64_t]))
    write (*, '(i0, a, i0, a, i0, 2a)') ranks, ' ranks, ', total, ' orientations of ', n, ' reflections: ', &
      merge('the bits of one rank   ', 'DIFFERENT from one rank', same)
    if (.not. same) call MPI_Abort(MPI_COMM_WORLD, 1)
  end if
  call MPI_Finalize()

contains

  ! Rotations number first to last of a spiral over all of them.
  pure function orientations(first, last) result(r)
    integer, intent(in) :: first, last
    real(dp) :: r(3, 3, last - first + 1), u, v, t
    real(dp), parameter :: two_pi = 6.28318530717958648_dp
    integer :: i
    do i = 1, last - first + 1
      u = modulo(0.61803398874989485_dp * (i + first), 1.0_dp)
      v = two_pi * modulo(0.75487766624669276_dp * (i + first), 1.0_dp)
      t = two_pi * modulo(0.56984029099805327_dp * (i + first), 1.0_dp)
      associate (w => sqrt(1 - u) * sin(v), x => sqrt(1 - u) * cos(v), y => sqrt(u) * sin(t), z => sqrt(u) * cos(t))
        r(1, :, i) = [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)]
        r(2, :, i) = [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)]
        r(3, :, i) = [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)]
      end associate
    end do
  end function orientations
end program mpi_predict
