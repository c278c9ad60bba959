#!/usr/bin/env bash
# check_abidiff.sh BASELINE LIBRARY: libabigail finds nothing removed or changed, but for the structs of grown_structs.abignore.
set -euo pipefail
command -v abidiff >/dev/null || { echo "skipped: abidiff is not installed (Debian: abigail-tools)"; exit 77; }
abidiff --no-added-syms --suppressions "$(dirname "$0")/grown_structs.abignore" "$1" "$2"
echo "abidiff finds nothing that a program of the baseline could trip over"
