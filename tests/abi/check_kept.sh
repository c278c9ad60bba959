#!/usr/bin/env bash
# check_kept.sh FILE COMMAND...: every line of FILE is among the lines of the command's output. Sizes of structs ("name size") may
# have grown, and the library's version may be another.
set -euo pipefail
file=$1
shift
awk 'NR == FNR { now[$1] = $0; size[$1] = $2; next }
  /^BRG_VERSION_/ { next }
  now[$1] != $0 && !($1 ~ /^brg_[a-z0-9_]*$/ && NF == 2 && size[$1] > $2) { print "was: " $0 ", is: " now[$1]; bad = 1 }
  END { if (bad) exit 1; print FNR " lines as they were" }' <("$@") "$file"
