#!/usr/bin/env bash
# readme.sh BUILD_DIR: the README's examples run as they are printed.
set -euo pipefail
build=$1 root=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

block() { awk -v start="\`\`\`$1" '$0 == start { on = 1; next } $0 == "```" { on = 0 } on' "$root/README.md"; }

block c >"$work/example.c"
[ -s "$work/example.c" ]
cc -std=c99 -Wall -Wextra -Wno-format-security -I"$root/include" "$work/example.c" -L"$build" -lbraggrad -Wl,-rpath,"$build" -o "$work/example"
"$work/example" | tee "$work/answer"
grep -q '^gold 111 diffracts at [-0-9.]* and [-0-9.]* rad$' "$work/answer"

if [ -x "$build/src/cli/braggrad" ]; then
  block sh >"$work/example.sh"
  [ -s "$work/example.sh" ]
  ln -s "$root/examples" "$work/examples"
  (cd "$work" && PATH="$build/src/cli:$PATH" bash -euo pipefail example.sh)
  for file in spots.csv refined.csv result.json residuals.svg; do [ -s "$work/$file" ]; done
fi
