#!/usr/bin/env bash
# Installs what is missing (Debian), builds, and passes all tests.
set -euo pipefail
cd "$(dirname "$0")/.."

packages=()
need() { dpkg -s "$1" >/dev/null 2>&1 || packages+=("$1"); }
for package in cmake ninja-build g++ libgtest-dev; do need "$package"; done
if ((${#packages[@]})); then
  echo "installing: ${packages[*]}"
  sudo=()
  if [ "$(id -u)" != 0 ]; then sudo=(sudo); fi
  "${sudo[@]}" apt-get update -qq
  "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "${packages[@]}"
fi

cmake --preset cpu-only
cmake --build build/cpu-only
ctest --test-dir build/cpu-only --output-on-failure
