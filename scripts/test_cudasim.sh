#!/usr/bin/env bash
# Runs the tests of the CUDA backend under the simulator of the CUDA runtime whose sources CUDASIM_ROOT names: the same
# test programs and bounds, every kernel executed and checked. Builds the simulator first, once.
#
#   test_cudasim.sh [gtest filter]
set -euo pipefail
cd "$(dirname "$0")/.."
filter=${1:-*}
: "${CUDASIM_ROOT:?names the sources of the simulator}"

log=$PWD/build/test-logs simulator=$PWD/build/simulator tests=build/cudasim/tests/capi_tests
mkdir -p "$log"
quietly() { "$@" >"$log/cudasim.build" 2>&1 || { tail -50 "$log/cudasim.build"; return 1; }; }
quietly cmake -S "$CUDASIM_ROOT" -B build/simulator -G Ninja -DCMAKE_BUILD_TYPE=Release
quietly cmake --build build/simulator
# What JAX brings along for its handlers, in the environment that scripts/test_python.sh has made.
python=$PWD/build/python/venv/bin/python
jax=$("$python" -c 'import jax.ffi; print(jax.ffi.include_dir())' 2>/dev/null) || jax=
quietly cmake --preset cudasim -DBRAGGRAD_CLI=OFF -DBRAGGRAD_JAX="$([ -n "$jax" ] && echo ON || echo OFF)" -DBRAGGRAD_JAX_INCLUDE="$jax"
quietly cmake --build build/cudasim --target capi_tests example_thrust_completeness ${jax:+jax_tests braggrad_jax}
export LD_LIBRARY_PATH=$simulator CUDASIM_EXITCODE=99 CUDASIM_CHECKS=all CUDASIM_APPROX=worst
rm -f "$log"/cudasim.*.json

# The whole suite with all checks, approximate instructions at their documented worst: three seeds of the order of streams and
# of the approximations, three orders of blocks and warps. One process per core, each with a part of the tests.
shards=$(nproc)
for run in 1:forward 2:reverse 3:random; do
  pids=()
  for ((shard = 0; shard < shards; ++shard)); do
    env CUDASIM_SEED="${run%:*}" CUDASIM_ORDER="${run#*:}" CUDASIM_REPORT="$log/cudasim.${run%:*}.$shard.json" \
      GTEST_TOTAL_SHARDS="$shards" GTEST_SHARD_INDEX="$shard" BRAGGRAD_BACKEND=cuda \
      "$tests" --gtest_filter="$filter:-*CPU" >"$log/cudasim.$shard.log" 2>&1 &
    pids+=($!)
  done
  failed=0
  for ((shard = 0; shard < shards; ++shard)); do
    wait "${pids[$shard]}" && continue
    failed=1
    grep -aE 'cudasim: error|Failure|FAILED' -A6 "$log/cudasim.$shard.log" | head -60
  done
  [ $failed = 0 ] || { echo "the simulated CUDA tests failed: seed and order $run"; exit 1; }
done
echo "simulated CUDA: three seeds and three orders of blocks pass"

env -u LD_LIBRARY_PATH python3 scripts/cudasim_faults.py build/cudasim/libbraggrad.so "$tests" "$simulator"
# other WHAT FILTER VARIABLE...: a part of the tests with other devices
other() {
  local what=$1 part=$2
  shift 2
  env "$@" "$tests" --gtest_filter="$part" >"$log/cudasim.other.log" 2>&1 ||
    { grep -aE 'cudasim: error|Failure' -A6 "$log/cudasim.other.log" | head -40; exit 1; }
  echo "simulated CUDA: $what"
}
for devices in 1 3; do
  other "a small call is one launch, $devices devices" 'Graph.OfASmallCallNeeds*' CUDASIM_VERBOSE=1 CUDASIM_DEVICES=$devices
done
other "three devices of one process work by turns" 'Graph.*:*ContextsWorkInParallel*CUDA' CUDASIM_DEVICES=3
other "ten million orientations in one call" 'Every/Long.TenMillion*CUDA' BRAGGRAD_LONG_TESTS=1
other "no device gives the CPU to AUTO, and a sentence to CUDA" 'ContextOptions.*:Device.*:Library.*' CUDASIM_DEVICES=0
other "no driver gives the CPU to AUTO, and a sentence to CUDA" 'ContextOptions.*:Device.*:Library.*' CUDASIM_DEVICES=-1

# A program of a user who has arrays in Thrust.
for run in 1:forward 2:reverse 3:random; do
  env CUDASIM_SEED="${run%:*}" CUDASIM_ORDER="${run#*:}" build/cudasim/tests/examples/example_thrust_completeness \
    >"$log/cudasim.thrust.log" 2>&1 || { head -40 "$log/cudasim.thrust.log"; exit 1; }
done
echo "simulated CUDA: arrays of Thrust, $(tail -1 "$log/cudasim.thrust.log")"

# The handlers for JAX: a frame of XLA's for each call, in streams that come and go.
if [ -n "$jax" ]; then
  for run in 1:forward 2:reverse 3:random; do
    env CUDASIM_SEED="${run%:*}" CUDASIM_ORDER="${run#*:}" build/cudasim/tests/jax_tests >"$log/cudasim.jax.log" 2>&1 ||
      { grep -aE 'cudasim: error|Failure|FAILED' -A6 "$log/cudasim.jax.log" | head -40; exit 1; }
  done
  env PYTHONPATH="$PWD/bindings/python" BRAGGRAD_LIBRARY="$PWD/build/cudasim/libbraggrad.so" \
    "$python" -m pytest -q -p no:cacheprovider tests/python/test_jax.py -k each_device >"$log/cudasim.jax.python.log" 2>&1 ||
    { grep -aE '^E  |FAILED' "$log/cudasim.jax.python.log" | head -40; exit 1; }
  echo "simulated CUDA: the handlers for JAX, $(grep -c '  OK ' "$log/cudasim.jax.log") passed"
else
  echo "skipped: the handlers for JAX, which need the environment of scripts/test_python.sh"
fi

# The Python package on devices, in that environment: seed, order of blocks, devices.
if [ -x "$python" ]; then
  for run in 1:forward:1 2:reverse:2 3:random:2; do
    IFS=: read -r seed order devices <<<"$run"
    env CUDASIM_SEED="$seed" CUDASIM_ORDER="$order" CUDASIM_DEVICES="$devices" PYTHONPATH="$PWD/bindings/python" \
      BRAGGRAD_LIBRARY="$PWD/build/cudasim/libbraggrad.so" \
      "$python" -m pytest -q -rs -p no:cacheprovider tests/python/test_device.py >"$log/cudasim.python.log" 2>&1 ||
      { grep -aE 'cudasim: error|^E  |FAILED' "$log/cudasim.python.log" | head -40; exit 1; }
  done
  echo "simulated CUDA: the Python package on devices, $(tail -1 "$log/cudasim.python.log")"
else
  echo "skipped: the Python package on devices, which needs the environment of scripts/test_python.sh"
fi
env -u LD_LIBRARY_PATH python3 scripts/cudasim_summary.py "$log"/cudasim.[0-9]*.json
