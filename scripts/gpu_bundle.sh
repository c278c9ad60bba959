#!/usr/bin/env bash
# Copies what scripts/gpu_check.sh builds with besides nvcc, cmake and ninja into the ignored .gpu-deps/: the development files of
# the dependencies, shared objects included, and the reference tables. Run it where packages can be had; a machine with a GPU
# and no network then needs the folder only.
#
#   gpu_bundle.sh
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/packages.sh
most_mib=30

install_missing "${braggrad_gpu_packages[@]}"
rm -rf .gpu-deps
mkdir -p .gpu-deps/data
# Files as they lie on the system; the packages' CMake files find them by their own place. Links stay links.
for package in "${braggrad_gpu_packages[@]}"; do
  dpkg-query -L "$package" | while read -r file; do
    case "$file" in /usr/include/* | /usr/lib/* | /usr/share/cmake/*) [ -d "$file" ] || printf '%s\n' "${file#/}" ;; esac
  done
done | sort -u | tar -C / -cf - -T - | tar -C .gpu-deps -xf -
# The shared objects that the links for the linker point to are in other packages.
find .gpu-deps -name '*.so' -type l | while read -r link; do cp -an "${link#.gpu-deps}".* "${link%/*}"; done
if [ -d ../shared/data/reference ]; then
  cp -r ../shared/data/reference .gpu-deps/data/
else
  echo "gpu_bundle: ../shared/data/reference is not there: the tests against its tables will be skipped"
fi
chmod -R u+w .gpu-deps
size=$(du -sm .gpu-deps | cut -f1)
echo "gpu_bundle: .gpu-deps has $(find .gpu-deps -type f | wc -l) files, $size MiB"
[ "$size" -le "$most_mib" ] || { echo "gpu_bundle: more than $most_mib MiB"; exit 1; }
