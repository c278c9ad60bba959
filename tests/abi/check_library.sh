#!/usr/bin/env bash
# check_library.sh LIBRARY LINKED: exported symbols are those of symbols.txt, SONAME is right, no CUDA library is needed
# (unless LINKED says that the CUDA runtime is a shared one), and every symbol is declared in a header.
set -euo pipefail
library=$1 linked=$2 here=$(cd "$(dirname "$0")" && pwd)

exported=$(nm -D --defined-only "$library" | awk '$2 == "T" { sub(/@.*/, "", $3); print $3 }' | sort)
diff <(echo "$exported") "$here/symbols.txt" || { echo "exported symbols differ from tests/abi/symbols.txt"; exit 1; }
other=$(nm -D --defined-only "$library" | awk '$2 != "T" && $3 !~ /^BRAGGRAD_/')
[ -z "$other" ] || { echo "exports beyond functions: $other"; exit 1; }
declared=$(sed -n 's/.*BRG_API [^(]*[ *]\(brg_[a-z0-9_]*\)(.*/\1/p' "$here"/../../include/braggrad/*.h | sort)
diff <(echo "$declared") "$here/symbols.txt" || { echo "declared functions differ from tests/abi/symbols.txt"; exit 1; }

dynamic=$(readelf -d "$library")
grep -q 'SONAME.*\[libbraggrad.so.0\]' <<<"$dynamic" || { echo "SONAME is not libbraggrad.so.0"; exit 1; }
if [ "$linked" != Shared ] && grep -E 'NEEDED.*(libcuda|libcudart|libnv)' <<<"$dynamic"; then
  echo "the library needs a CUDA library"
  exit 1
fi
echo "$(wc -l <"$here/symbols.txt") symbols, SONAME libbraggrad.so.0, no CUDA library needed"
