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
"$work/by_cmake/consumer_hpp"

export PKG_CONFIG_PATH=$lib/pkgconfig
flags=$(pkg-config --cflags --libs braggrad)
# shellcheck disable=SC2086
cc -std=c99 -Wall -Wextra -Wpedantic -Werror "$here/consumer.c" $flags -lm -Wl,-rpath,"$lib" -o "$work/consumer_c"
# shellcheck disable=SC2086
c++ -std=c++17 -Wall -Wextra -Werror "$here/consumer.cpp" $flags -Wl,-rpath,"$lib" -o "$work/consumer_cxx"
"$work/consumer_c"
"$work/consumer_cxx"
[ "$(pkg-config --modversion braggrad)" = "$(sed -n 's/^project(braggrad VERSION \([0-9.]*\).*/\1/p' "$here/../../CMakeLists.txt")" ]

# The Fortran module, where it was built: as it is installed, compiled from the installed source, and by pkg-config.
if [ -f "$lib/libbraggrad_fortran.a" ]; then
  example=$here/../../examples/fit_grain.f90
  for source in OFF ON; do
    cmake -S "$here/fortran" -B "$work/fortran_$source" -G Ninja -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_BUILD_TYPE=Release \
      -DEXAMPLE="$example" -Dbraggrad_FORTRAN_FROM_SOURCE=$source >/dev/null
    cmake --build "$work/fortran_$source" >/dev/null
    "$work/fortran_$source/fit_grain"
  done
  [ ! -e "$work/fortran_OFF/libbraggrad_fortran.a" ]
  [ -e "$work/fortran_ON/libbraggrad_fortran.a" ]
  # shellcheck disable=SC2046
  gfortran -O2 "$example" $(pkg-config --cflags --libs braggrad-fortran) -Wl,-rpath,"$lib" -o "$work/fit_grain"
  "$work/fit_grain" >/dev/null
else
  echo "without the Fortran module: no Fortran compiler when this was built"
fi

# The program, where it was built, finds the library beside itself.
if [ -x "$prefix/bin/braggrad" ]; then "$prefix/bin/braggrad" info >/dev/null; fi
echo "installed, moved and used"
