#!/usr/bin/env bash
# Everything that needs a GPU, on a machine with nvcc, cmake, ninja and the development files of GoogleTest, nlohmann-json and
# Google Benchmark; no network. Writes bench/results/gpu_check-<device>.{json,txt}; exits non-zero if a part failed.
#
#   gpu_check.sh [--part build|test|sanitize|debug|bench|all]
#
# A tool that is not there is reported as missing, never as passed. Parts keep their results in build/gpu_check, so they can be
# run one by one; every call writes the table of all parts that have run.
set -uo pipefail
cd "$(dirname "$0")/.."

part=all
case "${1:-}" in
  "") ;;
  --part) part=${2:-} ;;
  *) echo "usage: gpu_check.sh [--part build|test|sanitize|debug|bench|all]"; exit 2 ;;
esac
case "$part" in build | test | sanitize | debug | bench | all) ;; *) echo "unknown part: $part"; exit 2 ;; esac

out=build/gpu_check
mkdir -p "$out"
arch=$(nvidia-smi --query-gpu=compute_cap --format=csv,noheader 2>/dev/null | head -1 | tr -d .)
device=$(nvidia-smi --query-gpu=name --format=csv,noheader 2>/dev/null | head -1)
if [ -z "$arch" ]; then
  echo "gpu_check: no NVIDIA driver here (nvidia-smi answers nothing): nothing was checked"
  exit 3
fi
tests=build/gpu/tests/capi_tests
filter='-*CPU'

# record STEP RESULT DETAIL: passed, failed or missing
record() {
  printf '%s\t%s\t%s\n' "$1" "$2" "$3" >"$out/$1.result"
  printf '%-24s %-8s %s\n' "$1" "$2" "$3"
}
# attempt STEP DETAIL COMMAND...: records whether the command succeeded; its output goes to a log
attempt() {
  local step=$1 detail=$2 start=$SECONDS
  shift 2
  if "$@" >"$out/$step.log" 2>&1; then
    record "$step" passed "$detail, $((SECONDS - start)) s"
  else
    record "$step" failed "$detail, see $out/$step.log"
    tail -15 "$out/$step.log"
  fi
}
configure() { # configure FOLDER PRESET
  cmake --preset "$2" -B "build/$1" -DBRAGGRAD_CUDA_ARCHITECTURES="$arch-real" -DBRAGGRAD_CLI=OFF -DBRAGGRAD_BENCH=ON &&
    cmake --build "build/$1" -j"$(nproc)"
}

part_build() {
  attempt build "sm_$arch" configure gpu profile
  attempt build_debug "sm_$arch, -G" configure gpu-debug cuda-debug
}

# Tests that find no device skip themselves: here that is a failure.
run_on_cuda() {
  env BRAGGRAD_BACKEND=cuda "$@" "$tests" --gtest_filter="$filter" >"$out/run" 2>&1
  local status=$?
  cat "$out/run"
  [ $status = 0 ] && ! grep -q 'this machine has no CUDA device' "$out/run"
}

part_test() {
  attempt test "capi_tests on CUDA" run_on_cuda
  attempt test_synchronous "the same with BRAGGRAD_SYNC=1" run_on_cuda BRAGGRAD_SYNC=1
}

part_sanitize() {
  local tool
  for tool in memcheck racecheck initcheck synccheck; do
    if ! command -v compute-sanitizer >/dev/null; then
      record "sanitize_$tool" missing "compute-sanitizer is not installed"
      continue
    fi
    local extra=()
    [ "$tool" = memcheck ] && extra=(--leak-check full)
    # Tests that provoke CUDA errors on purpose are left out: the sanitizer would count them.
    attempt "sanitize_$tool" "capi_tests" timeout 480 compute-sanitizer --tool "$tool" "${extra[@]}" --error-exitcode 99 \
      "$tests" --gtest_filter='*CUDA:-*MoreThanThereIs*:*SplittingAndThreads*:*OmegaLoss.Agrees*'
  done
}

part_debug() {
  if ! command -v cuda-gdb >/dev/null; then
    record debug missing "cuda-gdb is not installed"
    return
  fi
  timeout 300 cuda-gdb -batch -x scripts/debug_session.gdb --args build/gpu-debug/tests/capi_tests \
    --gtest_filter='*Predict.AccumulatesOnRequest/CUDA:*Predict.BadRows*/CUDA' >"$out/debug.log" 2>&1
  if grep -q 'brg_predict_kernel' "$out/debug.log" && grep -A1 'reflection of this thread' "$out/debug.log" | grep -q '\$[0-9]* ='; then
    record debug passed "stopped in brg_predict_kernel and printed the pair of a thread"
  else
    record debug failed "see $out/debug.log"
  fi
}

part_bench() {
  attempt bench "operations_bench" build/gpu/bench/operations_bench --benchmark_filter=cuda --benchmark_out_format=json \
    --benchmark_out="$out/bench.json"
  if ! command -v ncu >/dev/null; then
    record profile missing "Nsight Compute is not installed"
    return
  fi
  attempt profile "Nsight Compute" timeout 300 ncu --set basic --launch-count 40 build/gpu/bench/operations_bench \
    --benchmark_filter='cuda/.*/5000' --benchmark_min_time=0.01
  if grep -q ERR_NVGPUCTRPERM "$out/profile.log"; then record profile missing "the driver refuses performance counters"; fi
}

if [ "$part" = all ]; then
  for each in build test sanitize debug bench; do "part_$each"; done
else
  "part_$part"
fi
python3 scripts/gpu_check_table.py "$out" "$device" "sm_$arch" "$(git rev-parse --short HEAD 2>/dev/null || echo unknown)"
