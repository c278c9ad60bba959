#!/usr/bin/env bash
# scripts/gpu_check.sh and its bundle in a clean directory, as far as a machine without a GPU can: the build against the bundle
# with the system's packages hidden from CMake, and what is reported where there is no driver, no device and no tool, and where
# tools refuse. The tools are stand-ins. With a simulator in CUDASIM_BUILD also the host side of the debug session.
#
#   test_gpu_check.sh [--build]     without --build the programs are stand-ins too: the build takes minutes
set -euo pipefail
cd "$(dirname "$0")/.."
clean=$PWD/build/clean fake=$PWD/build/fake-tools
fail() { echo "test_gpu_check: $1"; exit 1; }
# expect TEXT STATUS PART: the part of gpu_check ends with the status and says the text
expect() {
  local status=0
  PATH="$fake:$PATH" scripts/gpu_check.sh --part "$3" >"$clean.log" 2>&1 || status=$?
  [ "$status" = "$2" ] || { tail -30 "$clean.log"; fail "part $3 ended with $status instead of $2"; }
  grep -qE "$1" "$clean.log" || { tail -30 "$clean.log"; fail "part $3 does not say: $1"; }
}
# tool NAME BODY: a stand-in
tool() { printf '#!/bin/sh\n%s\n' "$2" >"$fake/$1" && chmod +x "$fake/$1"; }

command -v nvidia-smi >/dev/null && { echo "test_gpu_check: this machine has a driver: run gpu_check.sh itself"; exit 0; }
scripts/gpu_bundle.sh
rm -rf "$clean" "$fake"
mkdir -p "$clean" "$fake"
git ls-files -z --cached --others --exclude-standard | xargs -0 tar -cf - | tar -C "$clean" -xf -
cp -r .gpu-deps "$clean/"
cd "$clean"

expect 'no NVIDIA driver here' 3 build
tool nvidia-smi 'case "$*" in *compute_cap*) echo 9.0 ;; *) echo "NVIDIA H200" ;; esac'
expect 'gpu_bench was not built' 1 bench
if [ "${1:-}" = --build ]; then
  expect '^build_debug +passed' 0 build
  for folder in build/gpu build/gpu-debug; do
    outside=$(ninja -C "$folder" -t deps | grep -E '/(gtest|benchmark|nlohmann|hwy)/' | grep -v "$clean/.gpu-deps/" | head -3 || true)
    [ -z "$outside" ] || fail "not of the bundle: $outside"
    grep -E '^(GTest|benchmark|nlohmann_json)_DIR:' "$folder/CMakeCache.txt" | grep -v "$clean/.gpu-deps/" && fail "CMake looked elsewhere"
  done
else  # stand-ins for programs that find no device
  mkdir -p build/gpu/tests build/gpu/bench build/gpu-debug/tests
  printf '#!/bin/sh\necho "this machine has no CUDA device"\n' | tee build/gpu/tests/capi_tests >build/gpu-debug/tests/capi_tests
  printf '#!/bin/sh\nexit 1\n' | tee build/gpu/bench/gpu_bench >build/gpu/bench/one_call
  chmod +x build/gpu*/*/*
fi
expect '^test +failed' 1 test  # without a device every test of CUDA is skipped
expect '^bench +failed' 1 bench
expect '^profile +missing +Nsight Compute is not installed' 1 bench
expect '^sanitize_racecheck +missing' 0 sanitize
expect '^debug +missing' 0 debug
tool compute-sanitizer 'echo "========= Error: Unable to attach"; exit 1'
expect '^sanitize_memcheck +refused' 0 sanitize
tool compute-sanitizer 'echo "========= ERROR SUMMARY: 1 error"; exit 99'
expect '^sanitize_memcheck +failed' 1 sanitize
tool compute-sanitizer 'echo "========= Program hit cudaErrorNotSupported due to \"operation not supported\""; exit 99'
expect '^sanitize_memcheck +failed' 1 sanitize  # an error found is no refusal, whatever it says
tool compute-sanitizer 'echo "operation not supported"; exit 1'
expect '^sanitize_memcheck +failed' 1 sanitize  # the tests failed
tool compute-sanitizer 'sleep 2'
GPU_CHECK_SECONDS=3 expect '^sanitize_racecheck +failed +capi_tests, stopped after 1 s' 1 sanitize  # the steps share the part's time
GPU_CHECK_SECONDS=0 expect '^sanitize_memcheck +failed +capi_tests, no time is left' 1 sanitize
tool compute-sanitizer 'exit 0'
expect '^sanitize_memcheck +passed' 0 sanitize
tool ncu 'echo "==ERROR== ERR_NVGPUCTRPERM"; exit 1'
expect '^profile +refused' 1 bench
tool cuda-gdb 'echo "No symbol table is loaded."'
expect '^debug +failed +it did not stop' 1 debug
tool cuda-gdb 'cat <<\EOD
Thread 1 "capi_tests" hit Breakpoint 1, braggrad::cuda::brg_predict_kernel<double, true><<<(1,1,1),(256,1,1)>>> (p=...)
reflection of this thread:
$1 = 4
orientation of this thread:
$2 = 0
#0  braggrad::cuda::brg_predict_kernel<double, true><<<(1,1,1),(256,1,1)>>> (p=...)
EOD'
expect '^debug +passed' 0 debug
grep -q '^sanitize_memcheck *passed' bench/results/gpu_check-nvidia-h200.txt || fail "the table lacks a part"
grep -q '"result": "refused"' bench/results/gpu_check-nvidia-h200.json || fail "the JSON lacks a part"

cd ../..
if [ -n "${CUDASIM_BUILD:-}" ] && command -v gdb >/dev/null; then
  LD_LIBRARY_PATH="$CUDASIM_BUILD" gdb -batch -x scripts/debug_session_host.gdb --args build/cudasim/tests/capi_tests \
    --gtest_filter='*Predict.SizesAndPositions*/CUDA' >build/debug_host.log 2>&1 || true
  python3 scripts/gpu_check_table.py --session build/debug_host.log || { tail -30 build/debug_host.log; fail "the host session"; }
else
  echo "test_gpu_check: no gdb, or CUDASIM_BUILD names no simulator: the host side of the debug session was not run"
fi
echo "test_gpu_check: what did not run is not called passed"
