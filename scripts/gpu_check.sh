#!/usr/bin/env bash
# Everything that needs a GPU, on a machine with nvcc, cmake and ninja; no network, no further package: the dependencies are those
# of .gpu-deps (scripts/gpu_bundle.sh, run before where packages can be had), or of the system where that is not there.
# Writes bench/results/gpu_check-<device>.{json,txt}; exits 1 if a step of this call failed, 3 without a driver.
#
#   gpu_check.sh [--part build|test|sanitize|debug|bench|all]
#
# A tool that is not there, or that the machine refuses to run, is reported as missing or refused, never as passed. Parts keep
# their results in build/gpu_check, so they can be run one by one, each under 8 minutes: the steps of a part share
# GPU_CHECK_SECONDS (470). Every call writes the table of all parts that have run.
set -uo pipefail
cd "$(dirname "$0")/.."

part=all
case "${1:-}" in
  "") ;;
  --part) part=${2:-} ;;
  *) echo "usage: gpu_check.sh [--part build|test|sanitize|debug|bench|all]"; exit 2 ;;
esac
case "$part" in build | test | sanitize | debug | bench | all) ;; *) echo "unknown part: $part"; exit 2 ;; esac

arch=$(nvidia-smi --query-gpu=compute_cap --format=csv,noheader 2>/dev/null | head -1 | tr -d .)
device=$(nvidia-smi --query-gpu=name --format=csv,noheader 2>/dev/null | head -1)
if [ -z "$arch" ]; then
  echo "gpu_check: no NVIDIA driver here (nvidia-smi answers nothing): nothing was checked"
  exit 3
fi
out=build/gpu_check deps=$PWD/.gpu-deps
mkdir -p "$out"
touch "$out/begin"
tests=build/gpu/tests/capi_tests
# Tests that provoke CUDA errors on purpose are left out where a tool would count them, and so are those that take minutes there.
sanitized='*CUDA:-*MoreThanThereIs*:*Splitting.*:*OmegaLoss.Agrees*'
hot=(predict predict_friedel predict_vjp loss_angle loss_chord loss_angle_rotation loss_angle_csr solve)
bundled=$(find "$deps" -name 'libbenchmark.so' 2>/dev/null | head -1)
if [ -n "$bundled" ]; then export LD_LIBRARY_PATH=${bundled%/*}${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}; fi

# record STEP RESULT DETAIL: passed, failed, missing or refused
record() {
  printf '%s\t%s\t%s\n' "$1" "$2" "$3" >"$out/$1.result"
  printf '%-24s %-8s %s\n' "$1" "$2" "$3"
}
# The steps of a part end before its deadline.
begin_part() { deadline=$((SECONDS + ${GPU_CHECK_SECONDS:-470})); }
# attempt STEP SECONDS DETAIL COMMAND...: records whether the command succeeded in that time, or in what is left of its part's
# where that is less; its output goes to a log. Returns its status.
attempt() {
  local step=$1 seconds=$2 detail=$3 start=$SECONDS status
  shift 3
  [ $((deadline - start)) -lt "$seconds" ] && seconds=$((deadline - start))
  if [ "$seconds" -le 0 ]; then
    record "$step" failed "$detail, no time is left in this part"
    return 124
  fi
  timeout -k 5 "$seconds" "$@" >"$out/$step.log" 2>&1
  status=$?
  if [ $status = 0 ]; then
    record "$step" passed "$detail, $((SECONDS - start)) s"
    return
  fi
  [ $((SECONDS - start)) -ge "$seconds" ] && detail="$detail, stopped after $seconds s"
  record "$step" failed "$detail, see $out/$step.log"
  tail -15 "$out/$step.log"
  return $status
}
# refused STEP STATUS: the tool itself says so, and has not found errors (99) or been stopped
refused() {
  local why
  case "$2" in 99 | 124 | 137) return ;; esac
  why=$(grep -m1 -E '^=========.*(not supported|Unable to|requires root)' "$out/$1.log") && record "$1" refused "$why"
}
# have STEP TOOL NAME: else the step is missing
have() {
  command -v "$2" >/dev/null && return
  record "$1" missing "$3 is not installed"
  return 1
}
# built STEP PROGRAM: else the step has failed
built() {
  [ -x "$2" ] && return
  record "$1" failed "$2 was not built: run --part build"
  return 1
}

# The runtime is shared, so that the tests can make streams and graphs with the library's own.
configure() { # configure FOLDER PRESET TARGET...
  local folder=$1 preset=$2 options=()
  shift 2
  if [ -d "$deps/usr" ]; then
    options=(-DCMAKE_PREFIX_PATH="$deps/usr" -DBRAGGRAD_SHARED_DATA="$deps/data")
  fi
  cmake --preset "$preset" -B "build/$folder" -DBRAGGRAD_CUDA_ARCHITECTURES="$arch-real" -DBRAGGRAD_CLI=OFF \
    -DBRAGGRAD_BENCH=ON -DBRAGGRAD_CUDA_RUNTIME=Shared "${options[@]}" && cmake --build "build/$folder" -j"$(nproc)" --target "$@"
}
export -f configure
export arch deps

part_build() {
  attempt build 470 "sm_$arch" bash -c 'configure gpu profile capi_tests gpu_bench one_call'
  attempt build_debug 470 "sm_$arch, -G" bash -c 'configure gpu-debug cuda-debug capi_tests'
}

# Tests that find no device skip themselves: here that is a failure. Long ones are short on a GPU that has the memory.
run_on_cuda() {
  env BRAGGRAD_BACKEND=cuda "$tests" --gtest_filter='-*CPU' | tee "$out/run"
  [ "${PIPESTATUS[0]}" = 0 ] && ! grep -q 'this machine has no CUDA device' "$out/run"
}
export -f run_on_cuda
export tests out

part_test() {
  built test "$tests" || return
  attempt test 300 "capi_tests on CUDA" env BRAGGRAD_LONG_TESTS=1 bash -c run_on_cuda
  attempt test_synchronous 300 "the same with BRAGGRAD_SYNC=1" env BRAGGRAD_SYNC=1 bash -c run_on_cuda
}

part_sanitize() {
  local tool extra
  for tool in memcheck racecheck initcheck synccheck; do
    have "sanitize_$tool" compute-sanitizer compute-sanitizer && built "sanitize_$tool" "$tests" || continue
    extra=()
    [ "$tool" = memcheck ] && extra=(--leak-check full)
    attempt "sanitize_$tool" 115 "capi_tests" compute-sanitizer --tool "$tool" "${extra[@]}" --error-exitcode 99 \
      "$tests" --gtest_filter="$sanitized" || refused "sanitize_$tool" $?
  done
}

part_debug() {
  have debug cuda-gdb cuda-gdb && built debug build/gpu-debug/tests/capi_tests || return
  attempt debug 300 "stopped in brg_predict_kernel" cuda-gdb -batch -x scripts/debug_session.gdb --args \
    build/gpu-debug/tests/capi_tests --gtest_filter='*Predict.SizesAndPositions*/CUDA' || return
  python3 scripts/gpu_check_table.py --session "$out/debug.log" >"$out/debug.why" ||
    record debug failed "$(cat "$out/debug.why"), see $out/debug.log"
}

profile_hot() {
  local operation precision
  for operation in "${hot[@]}"; do
    for precision in f64 f32; do
      BRAGGRAD_BACKEND=cuda ncu --set basic --kernel-name 'regex:brg_' --launch-count 2 \
        build/gpu/bench/one_call "$operation" "$precision" 20000 200 || return
    done
  done
}

part_bench() {
  built bench build/gpu/bench/gpu_bench || return
  rm -f "$out/bench.json" "$out/profile.log"
  attempt bench 300 "gpu_bench" build/gpu/bench/gpu_bench --benchmark_min_time=0.1 --benchmark_out_format=json \
    --benchmark_out="$out/bench.json"
  have profile ncu "Nsight Compute" || return
  attempt profile 170 "Nsight Compute, ${#hot[@]} operations" \
    bash -c "$(declare -f profile_hot); hot=(${hot[*]}); profile_hot" && return
  grep -q ERR_NVGPUCTRPERM "$out/profile.log" && record profile refused "the driver refuses performance counters"
}

[ "$part" = all ] && parts=(build test sanitize debug bench) || parts=("$part")
for each in "${parts[@]}"; do begin_part && "part_$each"; done
if command -v python3 >/dev/null; then
  python3 scripts/gpu_check_table.py "$out" "$device" "sm_$arch" "$(git describe --always --dirty 2>/dev/null || echo unknown)"
else
  echo "gpu_check: no python3: no table is written; the parts are in $out"
fi
failed=$(find "$out" -name '*.result' -newer "$out/begin" -exec grep -l "$(printf '\tfailed\t')" {} +)
[ -z "$failed" ]
