#!/usr/bin/env bash
# renew_baseline.sh BUILD_DIR: what the headers and the library of this tree are becomes the baseline of the ABI checks. Run at a
# release, and before the first one when the interface changes; never to silence a check (docs/abi.md). program.c is written by hand.
set -euo pipefail
build=$1 here=$(cd "$(dirname "$0")" && pwd)
root=$here/../.. baseline=$here/baseline
rm -rf "$baseline/include"
mkdir -p "$baseline/include/braggrad"
cp "$root"/include/braggrad/*.h "$baseline/include/braggrad/"
cp "$here/symbols.txt" "$baseline/symbols.txt"
"$build/tests/abi/abi_layout" >"$baseline/layout.txt"
abidw --no-show-locs --no-comp-dir-path --no-corpus-path --exported-interfaces-only --headers-dir "$root/include" \
  --drop-private-types "$build/tests/libbraggrad_debug.so" >"$baseline/interface.abi"
