# The host side of debug_session.gdb, for gdb where no GPU is: stops in the call that launches the prediction kernel, shows what the
# call is about, and where it is.
set pagination off
set confirm off
set breakpoint pending on
break brg_predict_f64
run
echo reflections of this call:\n
print *reflections
echo orientations of this call:\n
print *orientations
backtrace
kill
quit
