#!/usr/bin/env bash
# packages.sh BUILD_DIR: the Debian package and the tar file are built, unpacked and used, and the package declares what its files need.
set -euo pipefail
build=$1 here=$(cd "$(dirname "$0")" && pwd)
command -v dpkg-shlibdeps >/dev/null || { echo "skipped: no dpkg-shlibdeps (Debian: dpkg-dev)"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cpack --config "$build/CPackConfig.cmake" -G "DEB;TGZ" -B "$work/packages" >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }

deb=$(ls "$work"/packages/*.deb) tar=$(ls "$work"/packages/*.tar.gz)
mkdir "$work/deb" "$work/tar"
dpkg-deb -x "$deb" "$work/deb"
tar -xzf "$tar" -C "$work/tar" --strip-components=1
[ -d "$work/tar/include" ] || mv "$work/tar/usr"/* "$work/tar/"

# Use both by find_package, and the one of Debian by pkg-config too.
for prefix in "$work/deb/usr" "$work/tar"; do
  cmake -S "$here" -B "$work/use" -G Ninja -DCMAKE_PREFIX_PATH="$prefix" >/dev/null
  cmake --build "$work/use" >/dev/null
  "$work/use/consumer_c"
  "$work/use/consumer_hpp"
  rm -rf "$work/use"
done
lib=$(dirname "$(find "$work/deb" -name libbraggrad.so)")
# shellcheck disable=SC2046
cc -std=c99 "$here/consumer.c" $(PKG_CONFIG_PATH=$lib/pkgconfig pkg-config --cflags --libs braggrad) -lm -Wl,-rpath,"$lib" -o "$work/consumer"
"$work/consumer" >/dev/null

# Every library that a file needs is in a package that is declared.
depends=$(dpkg-deb -f "$deb" Depends)
echo "depends on: $depends"
{ echo "$lib/libbraggrad.so"; find "$work/deb" -type f -path '*/bin/*'; } | while read -r file; do
  readelf -d "$file" | sed -n 's/.*NEEDED.*\[\(.*\)\]/\1/p' | grep -v '^libbraggrad' | while read -r needed; do
    path=$(ldconfig -p | sed -n "s|^\s*$needed .*=> ||p" | head -1)
    owner=$({ dpkg -S "$(readlink -f "$path")" || dpkg -S "$path"; } 2>/dev/null | head -1 | cut -d: -f1)
    tr ',' '\n' <<<"$depends" | awk '{ print $1 }' | grep -qxF "$owner" || { echo "$file needs $needed of $owner, which is not declared"; exit 1; }
  done
done
