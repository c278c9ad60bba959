#!/usr/bin/env bash
# check_layout.sh C_PROGRAM FORTRAN_PROGRAM HEADERS: both compilers see the same sizes, offsets and constants, of every struct that
# the headers define.
set -euo pipefail
c=$("$1") fortran=$("$2")
diff <(echo "$c") <(echo "$fortran") || { echo "C (<) and Fortran (>) differ"; exit 1; }
in_headers=$(cat "$3"/*.h | grep -c '^typedef struct brg_[a-z0-9_]* {')
compared=$(grep -cE '^brg_[a-z0-9_]+ ' <<<"$c")
[ "$in_headers" = "$compared" ] || { echo "$in_headers structs in the headers, $compared compared"; exit 1; }
echo "$compared structs, $(grep -c '\.' <<<"$c") members, $(grep -c '^BRG_' <<<"$c") constants"
