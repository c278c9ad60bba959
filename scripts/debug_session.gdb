# A session of cuda-gdb in batch mode: stops in the prediction kernel, shows the pair of one thread, and where it is.
set pagination off
set confirm off
set breakpoint pending on
break brg_predict_kernel
run
info cuda kernels
info cuda threads
next 3
echo reflection of this thread:\n
print at.reflection
echo orientation of this thread:\n
print at.orientation
print p.reflections.count
backtrace
kill
quit
