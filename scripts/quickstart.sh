#!/usr/bin/env bash
# From a fresh clone to a result: installs what is missing (Debian, as root or with sudo), builds the program, refines the
# embedded data set (twelve simulated gold grains, examples/), and says what it found and where the pictures are.
# Needs neither a GPU nor the CUDA toolkit; with nvcc the CUDA backend is built too.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/packages.sh

preset=cpu-only
if command -v nvcc >/dev/null; then preset=developer; fi # one architecture: release has seven
results=build/quickstart
program=build/$preset/src/cli/braggrad
data=examples/data
mkdir -p "$results"

install_missing "${braggrad_build_packages[@]}" libgtest-dev # the build also configures the tests

echo "building the program (preset $preset), log in $results/build.log"
if ! { cmake --preset "$preset" && cmake --build "build/$preset" --target braggrad_cli -j"$(nproc)"; } \
  >"$results/build.log" 2>&1; then
  tail -40 "$results/build.log"
  echo "quickstart: the build failed, see $results/build.log"
  exit 1
fi

run() {
  printf '\n$ %s\n' "$*"
  "$@"
}

run "$program" info
run "$program" refine --peaks $data/peaks.csv --start $data/grains.csv --energy 50 --cell 4.0782 \
  --free orientation,energy,chi -o "$results/refined.csv" --json "$results/result.json" \
  --picture "$results/residuals.svg" --rows "$results/rows.csv"
run "$program" predict --start "$results/refined.csv" --energy 50.02 --chi 0.05 --cell 4.0782 --centring F \
  --d-min 0.7 -o "$results/spots.csv"
echo "$(($(wc -l <"$results/spots.csv") - 1)) spots, the first of them:"
head -4 "$results/spots.csv"

cat <<END

The data were simulated with an energy of 50.02099 keV, chi = 0.05 degrees and a noise of 0.02 degrees;
the start had 50 keV, chi = 0 and orientations that were 0.5 degrees off.

  picture      $results/residuals.svg
  result       $results/result.json
  grains       $results/refined.csv
  every row    $results/rows.csv
  predictions  $results/spots.csv

quickstart: done, everything is in $results
END
