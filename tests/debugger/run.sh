#!/usr/bin/env bash
# run.sh PROGRAM PRINTERS: gdb stops in the program, and shows what is behind its handles.
set -euo pipefail
program=$1 printers=$2
command -v gdb >/dev/null || { echo "skipped: gdb is not installed"; exit 77; }
gdb -batch -ex 'python print("has python")' 2>/dev/null | grep -q 'has python' || { echo "skipped: this gdb has no Python"; exit 77; }
said=$(gdb -batch -nx -iex 'set debuginfod enabled off' -x "$printers" -ex 'break stop_here' -ex run -ex 'print *fresh' -ex 'print *context' \
  -ex 'print *gold' -ex 'print *vectors' -ex 'print *view' -ex 'print *buffer' -ex 'print buffer' --args "$program" 2>&1)
if grep -q 'Could not trace the inferior\|ptrace: Operation not permitted' <<<"$said"; then
  echo "skipped: this machine does not let gdb run programs"
  exit 77
fi
status=0
expect() { grep -qE "$1" <<<"$said" || { echo "gdb does not say: $1"; status=1; }; }
expect '^\$1 = CPU context, workspace of the library, no geometry used yet$'
expect '^\$2 = CPU context, workspace of 4096 bytes at 0x[0-9a-f]+, last geometry: k 25.3387 1/A, chi 0.02, beam \(1, 0, 0\), axis \(0, 0, 1\)$'
expect '^\$3 = 2 reflections with hkl on the CPU$'
expect '^\$4 = 1 reflections of vectors on the CPU$'
expect '^\$5 = 1 reflections in a view of f64 memory on the CPU$'
expect '^\$6 = buffer of 4096 bytes at 0x[0-9a-f]+ on the CPU$'
expect '^\$7 = \(brg_buffer \*\) 0x[0-9a-f]+$'
[ $status = 0 ] || echo "$said"
exit $status
