#!/usr/bin/env bash
# Runs the tests of the CUDA backend under the simulator of the CUDA runtime whose sources CUDASIM_ROOT names: the same
# test programs and bounds, every kernel executed and checked. Builds the simulator first, once.
#
#   test_cudasim.sh [gtest filter]
set -euo pipefail
cd "$(dirname "$0")/.."
filter=${1:-*}
: "${CUDASIM_ROOT:?names the sources of the simulator}"

log=build/test-logs
mkdir -p "$log"
quietly() { "$@" >"$log/cudasim.build" 2>&1 || { tail -50 "$log/cudasim.build"; return 1; }; }
quietly cmake -S "$CUDASIM_ROOT" -B build/simulator -G Ninja -DCMAKE_BUILD_TYPE=Release
quietly cmake --build build/simulator
quietly cmake --preset cudasim -DBRAGGRAD_CLI=OFF
quietly cmake --build build/cudasim --target capi_tests

# One process per core, each with a part of the tests.
shards=$(nproc) pids=()
for ((shard = 0; shard < shards; ++shard)); do
  env LD_LIBRARY_PATH="$PWD/build/simulator" CUDASIM_EXITCODE=99 CUDASIM_REPORT="$PWD/$log/cudasim.$shard.json" \
    GTEST_TOTAL_SHARDS="$shards" GTEST_SHARD_INDEX="$shard" BRAGGRAD_BACKEND=cuda \
    build/cudasim/tests/capi_tests --gtest_filter="$filter:-*CPU" >"$log/cudasim.$shard.log" 2>&1 &
  pids+=($!)
done
failed=0
for ((shard = 0; shard < shards; ++shard)); do
  wait "${pids[$shard]}" || failed=1
  if [ $failed = 1 ]; then grep -aE 'cudasim: error|Failure|FAILED' -A6 "$log/cudasim.$shard.log" | head -60; fi
done
[ $failed = 0 ] || { echo "the simulated CUDA tests failed"; exit 1; }

# Each call of the runtime fails once: its first, and a later one. Two are left out: a cudaFreeAsync that fails cannot
# but leak, and CUB keeps what its only cudaFuncGetAttributes answered for the rest of the process.
faults=0
for call in cudaGetDeviceCount cudaGetDevice cudaSetDevice cudaDeviceGetAttribute cudaStreamCreateWithFlags cudaEventCreate \
  cudaMemPoolCreate cudaMemPoolSetAttribute cudaMalloc cudaMallocFromPoolAsync cudaMemcpyAsync cudaMemsetAsync \
  cudaStreamSynchronize cudaOccupancyMaxActiveBlocksPerMultiprocessor launch; do
  for nth in 1 4; do
    env LD_LIBRARY_PATH="$PWD/build/simulator" CUDASIM_EXITCODE=99 CUDASIM_FAIL="$call:$nth" BRAGGRAD_EXPECT_FAULT=1 \
      build/cudasim/tests/capi_tests --gtest_filter='RuntimeFault.*' >"$log/cudasim.fault.log" 2>&1 ||
      { echo "failure of call $nth of $call:"; grep -aE 'cudasim: error|Failure' -A6 "$log/cudasim.fault.log" | head -40; exit 1; }
    faults=$((faults + 1))
  done
done
echo "simulated CUDA: $faults injected failures, each a status and a sentence, nothing leaked"
for devices in 0 -1; do
  env LD_LIBRARY_PATH="$PWD/build/simulator" CUDASIM_DEVICES=$devices build/cudasim/tests/capi_tests \
    --gtest_filter='ContextOptions.*:Device.*:Library.*' >"$log/cudasim.none.log" 2>&1 ||
    { grep -a Failure -A6 "$log/cudasim.none.log" | head -40; exit 1; }
done
echo "simulated CUDA: no device and no driver give the CPU to AUTO, and a sentence to CUDA"
python3 scripts/cudasim_summary.py "$log"/cudasim.[0-9]*.json
