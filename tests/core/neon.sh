#!/usr/bin/env bash
# neon.sh SOURCE HIGHWAY: the inner loops compile for NEON, with a cross compiler where there is one. Exit 77: there is none.
set -euo pipefail
source_dir=$1 highway=$2
compiler=aarch64-linux-gnu-g++
command -v "$compiler" >/dev/null || { echo "skipped: no $compiler"; exit 77; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
ln -s "$highway/hwy" "$folder/hwy" # alone: other headers beside it belong to this machine
for file in fit level; do
  "$compiler" -march=armv8-a+crypto -DBRG_LEVEL=neon -DBRG_LEVEL_NEON -I"$source_dir/include" -I"$source_dir/src" -I"$folder" \
    -O1 -std=c++20 -ffp-contract=off -Wall -Wextra -Wpedantic -Wconversion -Werror \
    -c "$source_dir/src/cpu/simd/$file.cpp" -o "$folder/$file.o"
done
"$compiler" -DBRG_HAS_NEON -DBRG_HAS_SCALAR -I"$source_dir/include" -I"$source_dir/src" -std=c++20 -Wall -Wextra -Werror \
  -c "$source_dir/src/cpu/levels.cpp" -o "$folder/levels.o"
aarch64-linux-gnu-nm -C "$folder/level.o" | grep 'braggrad::cpu::neon::level' >/dev/null || { echo "no kernels of NEON"; exit 1; }
echo "the loops compile for NEON"
