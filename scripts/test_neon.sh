#!/usr/bin/env bash
# test_neon.sh [GTEST_FILTER]: builds the library for 64-bit ARM and runs the tests of the C interface under qemu, at the levels
# neon and scalar. On Debian: apt-get install g++-aarch64-linux-gnu qemu-user googletest. Exit 77: something of it is missing.
set -euo pipefail
cd "$(dirname "$0")/.."
filter=${1:--*CUDA*:*AForkedChild*} # qemu takes MADV_WIPEONFORK for advice, and does nothing
for tool in aarch64-linux-gnu-g++ qemu-aarch64 cmake; do
  command -v "$tool" >/dev/null || { echo "skipped: no $tool"; exit 77; }
done
googletest=/usr/src/googletest/googletest
[ -f "$googletest/src/gtest-all.cc" ] || { echo "skipped: no $googletest"; exit 77; }
build=$PWD/build/neon
mkdir -p "$build/include"
for headers in hwy nlohmann; do # alone: other headers beside them belong to this machine
  [ -d "/usr/include/$headers" ] || { echo "skipped: no /usr/include/$headers"; exit 77; }
  ln -sfn "/usr/include/$headers" "$build/include/$headers"
done
cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_SYSTEM_NAME=Linux -DCMAKE_SYSTEM_PROCESSOR=aarch64 \
  -DCMAKE_C_COMPILER=aarch64-linux-gnu-gcc -DCMAKE_CXX_COMPILER=aarch64-linux-gnu-g++ \
  -DBRAGGRAD_HIGHWAY_INCLUDE="$build/include" -DBRAGGRAD_CUDA=OFF -DBRAGGRAD_CLI=OFF -DBRAGGRAD_FORTRAN=OFF \
  -DBRAGGRAD_TESTS=OFF >/dev/null
cmake --build "$build" --target braggrad
cat >"$build/tests.ninja" <<END
builddir = $build
rule cxx
  command = ${CMAKE_CXX_COMPILER_LAUNCHER:-} aarch64-linux-gnu-g++ -std=c++20 -O1 -ffp-contract=off -Iinclude -Ibindings/cxx -Itests -I$googletest/include -I$googletest -isystem $build/include -DBRAGGRAD_REFERENCE='"$PWD/tests/reference"' -DBRAGGRAD_SHARED_DATA='"$PWD/../shared/data"' -MMD -MF \$out.d -c \$in -o \$out
  depfile = \$out.d
rule link
  command = aarch64-linux-gnu-g++ \$in -L$build -lbraggrad -Wl,-rpath,$build -ldl -pthread -o \$out
END
objects=
for source in tests/capi/{context,convention,crystal,fit,friedel,graph,library,long,memory,predict,rotate,solve,spots,stream}_test.cpp \
  "$googletest"/src/gtest-{all,_main}.cc; do
  [ -f "$source" ] || source=${source/gtest-_main/gtest_main}
  object=$build/tests/$(basename "$source").o
  echo "build $object: cxx $source" >>"$build/tests.ninja"
  objects+=" $object"
done
echo "build $build/capi_tests: link $objects | $build/libbraggrad.so" >>"$build/tests.ninja"
ninja -f "$build/tests.ninja"
for level in neon scalar; do
  echo "level $level"
  BRAGGRAD_SIMD=$level qemu-aarch64 -L /usr/aarch64-linux-gnu "$build/capi_tests" --gtest_brief=1 --gtest_filter="$filter"
done
