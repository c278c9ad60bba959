# Sourced by the other scripts: installs Debian packages that are missing, as root or with sudo, and says which.

# What the library, its program and its tests are built with.
braggrad_build_packages=(cmake ninja-build g++ pkg-config libcli11-dev nlohmann-json3-dev libcsv-dev libeigen3-dev
  libhwy-dev gnuplot-nox)
braggrad_test_packages=(libgtest-dev libbenchmark-dev clang-format python3 python3-mpmath python3-venv binutils gfortran
  abigail-tools gdb libopenmpi-dev openmpi-bin dpkg-dev g++-aarch64-linux-gnu)
# What a GPU machine builds and tests with besides its toolkit (scripts/gpu_bundle.sh).
braggrad_gpu_packages=(libgtest-dev nlohmann-json3-dev libhwy-dev libbenchmark-dev)

install_missing() {
  local missing=() package
  for package in "$@"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
  done
  if [ ${#missing[@]} = 0 ]; then
    echo "packages: all there"
    return
  fi
  local as_root=()
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || { echo "to be installed as root: ${missing[*]}"; return 1; }
    as_root=(sudo)
  fi
  echo "packages: installing ${missing[*]}"
  "${as_root[@]}" apt-get update -qq
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}
