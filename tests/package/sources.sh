#!/usr/bin/env bash
# sources.sh recipes|fetch: builds a clone of the last commit as others would, by the commands of the recipes, or by FetchContent.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
commit=$(git -C "$root" rev-parse HEAD 2>/dev/null) || { echo "skipped: no git repository to clone"; exit 77; }
[ -z "$(git -C "$root" status --porcelain)" ] || echo "changes that are not committed are not tested here"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
quietly() { "$@" >"$work/log" 2>&1 || { tail -30 "$work/log"; return 1; }; }
quietly git clone -q "$root" "$work/clone"
quietly git -C "$work/clone" checkout -q "$commit"

case $1 in
  recipes) # conda-build and Spack set a prefix and run these commands
    mkdir "$work/prefix"
    SRC_DIR=$work/clone PREFIX=$work/prefix quietly bash "$work/clone/packaging/conda/build.sh"
    for file in lib/libbraggrad.so.0 include/braggrad.hpp lib/cmake/braggrad/braggrad-config.cmake; do [ -f "$work/prefix/$file" ]; done
    for option in TESTS WERROR CUDA FORTRAN CLI; do grep -q "BRAGGRAD_$option" "$root/packaging/spack/package.py"; done
    quietly cmake -S "$here" -B "$work/use" -G Ninja -DCMAKE_PREFIX_PATH="$work/prefix"
    quietly cmake --build "$work/use"
    "$work/use/consumer_c"
    ;;
  fetch)
    quietly cmake -S "$here/fetch" -B "$work/fetch" -G Ninja -DREPOSITORY="$work/clone" -DCOMMIT="$commit"
    quietly cmake --build "$work/fetch" --parallel 2
    "$work/fetch/consumer_c"
    "$work/fetch/consumer_hpp"
    if [ -x "$work/fetch/fit_grain" ]; then "$work/fetch/fit_grain" >/dev/null; fi
    ;;
esac
