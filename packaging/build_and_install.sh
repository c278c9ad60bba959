#!/usr/bin/env bash
# build_and_install.sh SOURCE BUILD PREFIX [cmake options]: what every recipe of this folder does.
set -euo pipefail
source=$1 build=$2 prefix=$3
shift 3
cmake -S "$source" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_INSTALL_PREFIX="$prefix" \
  -DCMAKE_INSTALL_LIBDIR=lib -DBRAGGRAD_TESTS=OFF -DBRAGGRAD_WERROR=OFF "$@"
cmake --build "$build" --parallel "${CPU_COUNT:-2}"
cmake --install "$build"
