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
    # Spack's arguments: each is one that the project has. With them, but for Fortran, conda's build has just been made.
    mapfile -t arguments < <(python3 "$here/spack_arguments.py" "$work/clone/packaging/spack/package.py")
    [ "${#arguments[@]}" -gt 3 ]
    command -v gfortran >/dev/null || arguments+=(-DBRAGGRAD_FORTRAN=OFF)
    quietly cmake -S "$work/clone" -B "$work/spack" -G Ninja -DCMAKE_BUILD_TYPE=Release "${arguments[@]}"
    if grep "not used by the project" -A9 "$work/log"; then exit 1; fi
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
