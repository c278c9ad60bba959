#!/usr/bin/env bash
# What the release library costs to build, in processor seconds (one core, no cache; machines are shared), and its size: each
# CUDA source for all architectures of the preset, a unit per precision or one for both, then the rest.
#
#   gpu_build.sh OUT.txt [PREFIX COMMAND...]    each step runs under the prefix, for example: flock -s FILE
set -euo pipefail
cd "$(dirname "$0")/.."
out=$1
shift
folder=build/release-cost
rm -rf "$folder"
prefix=("$@")
"${prefix[@]}" env CCACHE_DISABLE=1 cmake --preset release -B "$folder" -DBRAGGRAD_CUDA=ON -DBRAGGRAD_CLI=OFF -DBRAGGRAD_TESTS=OFF >/dev/null
TIMEFORMAT='%U %S'
# seconds TARGET: user and system time of its build
seconds() {
  { time "${prefix[@]}" env CCACHE_DISABLE=1 cmake --build "$folder" -j1 --target "$1" >/dev/null; } 2>&1 |
    tail -1 | awk '{printf "%.0f", $1 + $2}'
}
{
  echo "Release preset: processor seconds of one core without a cache, commit $(git describe --always --dirty)."
  grep -m1 BRAGGRAD_CUDA_ARCHITECTURES "$folder/CMakeCache.txt"
  nvcc --version | tail -1
  total=0
  longest=0
  for source in kernels/*.cu; do
    sum=0
    parts=
    for kind in f32 f64 both; do
      object="CMakeFiles/braggrad_cuda_$kind.dir/$source.o"
      grep -qF "build $object:" "$folder/build.ninja" || continue
      spent=$(seconds "$object")
      sum=$((sum + spent))
      longest=$((spent > longest ? spent : longest))
      parts+="${parts:+ + }$kind $spent s"
    done
    total=$((total + sum))
    printf '%-28s %5d s = %s\n' "$source" "$sum" "$parts"
  done
  printf '%-28s %5d s\n' "all CUDA sources" "$total"
  printf '%-28s %5d s\n' "the longest CUDA unit" "$longest"
  printf '%-28s %5d s\n' "everything else, and linking" "$(seconds braggrad)"
  library=$(readlink -f "$folder/libbraggrad.so")
  strip -o "$folder/stripped.so" "$library"
  printf '%-28s %5d KiB\n' "libbraggrad.so, stripped" $(($(stat -c %s "$folder/stripped.so") / 1024))
  device=$(objdump -h "$folder/stripped.so" | awk '$2 == ".nv_fatbin" {print $3}')
  printf '%-28s %5d KiB\n' "of it device code" $((16#$device / 1024))
} | tee "$out"
