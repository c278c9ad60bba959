#!/usr/bin/env bash
# check_levels.sh OBJECT...: code compiled for more than the baseline defines nothing that the linker could merge with another
# file's copy: whatever it defines beyond its own namespace would run, and crash, on machines without its instructions.
set -euo pipefail
for object in "$@"; do
  level=$(sed -E 's|.*braggrad_([a-z0-9]+)\.dir.*|\1|' <<<"$object")
  foreign=$(nm -C --defined-only "$object" | grep -E ' [A-Zuvw] ' | grep -vF "braggrad::cpu::$level::" || true)
  [ -z "$foreign" ] || { echo "$level defines: $foreign"; exit 1; }
done
echo "$# instruction sets, each in a namespace of its own"
