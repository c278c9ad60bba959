! Without stat, a failure stops the program with its message.
program stops
  use, intrinsic :: iso_fortran_env, only: real64
  use braggrad
  implicit none
  type(brg_geometry) :: geometry
  call make_geometry(geometry, energy=-3.0_real64)
  write (*, '(a)') 'went on'
end program stops
