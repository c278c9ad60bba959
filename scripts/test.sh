#!/usr/bin/env bash
# Installs what is missing (Debian), builds the library in each way that this machine can, and passes all tests.
#
#   1  CPU only
#   2  CUDA on, one architecture, where nvcc is: must load and work without a driver
#   3  CUDA under a simulator of the runtime, where nvcc is and CUDASIM_ROOT names its sources
#   4  the check of GPU machines (scripts/gpu_check.sh), as far as a machine without one can
#   5  sanitizers, format, generated files
#   6  the Python package: a wheel, tested outside of the source tree
#   7  NEON code under qemu, where that and a cross compiler are
#
# Needs no GPU and no CUDA toolkit: what cannot be done here is said, and not counted as passed.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/packages.sh

skipped=()
step() { printf '\n== %s (%ds)\n' "$1" "$SECONDS"; }
jobs=$(nproc)
log=build/test-logs
mkdir -p "$log"

# Builds a preset quietly; shows the output where it fails.
build() {
  cmake --preset "$1" >"$log/$1.build" 2>&1 && cmake --build "build/$1" -j"$jobs" >>"$log/$1.build" 2>&1 ||
    { tail -50 "$log/$1.build"; return 1; }
}
# Runs the tests of a preset; the summary and the reasons of what is skipped stay on the screen.
run_tests() {
  local preset=$1
  shift
  ctest --test-dir "build/$preset" -j"$jobs" --output-on-failure "$@" >"$log/$preset.test" 2>&1 ||
    { grep -vE 'Passed|Start|Skipped' "$log/$preset.test" | tail -80; return 1; }
  echo "$preset: $(grep -c ' Passed ' "$log/$preset.test") passed, $(grep -c 'Skipped ' "$log/$preset.test" || true) skipped"
}

step "packages"
packages=("${braggrad_build_packages[@]}" "${braggrad_test_packages[@]}")
python3 -c 'import mpmath' 2>/dev/null && packages=("${packages[@]/python3-mpmath/python3}")
install_missing "${packages[@]}"

step "generated files and format"
python3 scripts/stamp_twins.py --check
python3 scripts/generate_fortran.py --check
python3 scripts/draw_conventions.py --check
python3 scripts/generate_ctypes.py --check
python3 tests/reference/generate.py --check
python3 scripts/generate_angle_polynomial.py --check src/core/angle_coefficients.hpp
git ls-files 'src/*.cpp' 'src/*.hpp' 'include/*.h' 'kernels/*.cu*' 'kernels/*.hpp' 'kernels/*.cpp' 'tests/*.cpp' \
  'tests/*.hpp' 'tests/*.c' 'bindings/*.[ch]pp' 'examples/*.[ch]' 'examples/*.cu' | xargs clang-format --dry-run -Werror

step "CPU only"
build cpu-only
run_tests cpu-only

step "NEON under qemu"
scripts/test_neon.sh >"$log/neon" 2>&1 || {
  [ $? = 77 ] || { tail -40 "$log/neon"; exit 1; }
  skipped+=("NEON: $(tail -1 "$log/neon")")
}

step "Python package"
scripts/test_python.sh || {
  [ $? = 77 ] || exit 1
  skipped+=("Python package: pip cannot install what its tests need")
}

if command -v clang-tidy >/dev/null; then
  step "clang-tidy of the core"
  clang-tidy -p build/cpu-only --quiet src/core/crystal.cpp src/cpu/fit.cpp >"$log/tidy" 2>&1 || { tail -40 "$log/tidy"; exit 1; }
else
  skipped+=("clang-tidy: not installed")
fi

step "sanitizers"
build asan
export ASAN_OPTIONS=allocator_may_return_null=1  # too much memory is an error here as elsewhere
run_tests asan -E '^(package|readme)$'  # these link programs that are not sanitized
build tsan
run_tests tsan -R 'ContextState|Splitting|Library' -E Forked  # the thread sanitizer cannot follow threads after fork()

if command -v nvcc >/dev/null; then
  step "CUDA on, without a simulator"
  build developer
  run_tests developer
  if [ -n "${CUDASIM_ROOT:-}" ] && [ -d "$CUDASIM_ROOT" ]; then
    step "CUDA under the simulator in CUDASIM_ROOT"
    scripts/test_cudasim.sh
    export CUDASIM_BUILD=$PWD/build/simulator
  else
    skipped+=("simulated CUDA: CUDASIM_ROOT names no simulator; the CUDA backend was compiled, not executed")
  fi
  step "the check of GPU machines, as far as this one can"
  scripts/test_gpu_check.sh
else
  skipped+=("CUDA: no nvcc; the CUDA backend was not compiled")
fi

printf '\n'
for reason in "${skipped[@]}"; do echo "skipped: $reason"; done
echo "braggrad: all tests passed in $((SECONDS / 60)) min $((SECONDS % 60)) s, ${#skipped[@]} parts skipped"
