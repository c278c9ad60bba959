#!/usr/bin/env bash
# run.sh BUILD_DIR: installs the library into an empty folder, moves it, and uses it by find_package and by pkg-config.
set -euo pipefail
build=$1 here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

DESTDIR="" cmake --install "$build" --prefix "$work/first" >/dev/null
mv "$work/first" "$work/moved"
prefix=$work/moved
lib=$(dirname "$(find "$prefix" -name libbraggrad.so)")

cmake -S "$here" -B "$work/by_cmake" -G Ninja -DCMAKE_PREFIX_PATH="$prefix" >/dev/null
cmake --build "$work/by_cmake" >/dev/null
"$work/by_cmake/consumer_c"
"$work/by_cmake/consumer_cxx"

export PKG_CONFIG_PATH=$lib/pkgconfig
flags=$(pkg-config --cflags --libs braggrad)
# shellcheck disable=SC2086
cc -std=c99 -Wall -Wextra -Wpedantic -Werror "$here/consumer.c" $flags -lm -Wl,-rpath,"$lib" -o "$work/consumer_c"
# shellcheck disable=SC2086
c++ -std=c++17 -Wall -Wextra -Werror "$here/consumer.cpp" $flags -Wl,-rpath,"$lib" -o "$work/consumer_cxx"
"$work/consumer_c"
"$work/consumer_cxx"
[ "$(pkg-config --modversion braggrad)" = "$(sed -n 's/^project(braggrad VERSION \([0-9.]*\).*/\1/p' "$here/../../CMakeLists.txt")" ]

# The program, where it was built, finds the library beside itself.
if [ -x "$prefix/bin/braggrad" ]; then "$prefix/bin/braggrad" info >/dev/null; fi
echo "installed, moved and used"
