# A session of cuda-gdb in batch mode: stops in the prediction kernel, shows the pair of one thread, and where it is.
set pagination off
set confirm off
set breakpoint pending on
break brg_predict_kernel
run
info cuda kernels
info cuda threads
# The first pair of this thread (kernels/pairs.cuh): a block of 256 threads has 256 pairs in a row for each of its steps.
set $pair = tiles.first_column + blockIdx.x * tiles.steps * 256 + threadIdx.x
echo reflection of this thread:\n
print $pair % p.reflections.count
echo orientation of this thread:\n
print tiles.first_row + $pair / p.reflections.count
print p.reflections.count
backtrace
kill
quit
