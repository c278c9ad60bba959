#!/usr/bin/env bash
# Builds the wheel of the Python package, makes it self-contained, and tests it outside of the source tree, in a virtual
# environment under build/, and against other programs that are Python packages. What cannot be installed (torch, jax, ImageD11) is
# said, and its tests are skipped; exits 77 where not even the tools of the test can be.
#
#   BRAGGRAD_CUDA   OFF (default, quick), AUTO or ON: backends of the wheel
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD work=$PWD/build/python
venv=$work/venv
mkdir -p "$work/run"

# The environment, anew where what it needs has changed.
wanted=$(cat tests/python/requirements*.txt tests/conventions/requirements.txt | sha256sum)
if [ "$(cat "$venv/made-for" 2>/dev/null)" != "$wanted" ]; then
  rm -rf "$venv"
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check -r tests/python/requirements.txt 2>"$work/install.log" ||
    { tail -3 "$work/install.log"; exit 77; }
  # No retries: an index that is not reached makes pip go on with those that are.
  complete=yes
  for part in python/requirements-frameworks conventions/requirements; do
    "$venv/bin/pip" install --quiet --disable-pip-version-check --retries 1 --timeout 30 -r "tests/$part.txt" \
      >"$work/${part//\//-}.log" 2>&1 ||
      { tail -3 "$work/${part//\//-}.log"; echo "skipped: tests/$part.txt cannot be installed here"; complete=no; }
  done
  if [ $complete = yes ]; then echo "$wanted" >"$venv/made-for"; fi
fi

"$venv/bin/ruff" check --quiet .
"$venv/bin/ruff" format --check --quiet .

rm -rf "$work/wheel" "$work/repaired"
"$venv/bin/pip" wheel --quiet --disable-pip-version-check --no-deps --no-build-isolation -w "$work/wheel" \
  -C build-dir="$work/build" -C cmake.define.BRAGGRAD_CUDA="${BRAGGRAD_CUDA:-OFF}" . >"$work/wheel.log" 2>&1 ||
  { tail -40 "$work/wheel.log"; exit 1; }
PATH="$venv/bin:$PATH" "$venv/bin/auditwheel" repair -w "$work/repaired" "$work"/wheel/*.whl >"$work/repair.log" 2>&1 ||
  { tail -20 "$work/repair.log"; exit 1; }
"$venv/bin/pip" install --quiet --disable-pip-version-check --no-deps --force-reinstall "$work"/repaired/*.whl

cd "$work/run"
unset PYTHONPATH BRAGGRAD_LIBRARY
"$venv/bin/python" - "$venv" <<'END'
import pathlib, sys, braggrad
assert pathlib.Path(braggrad.__file__).is_relative_to(sys.argv[1]), braggrad.__file__
print(braggrad.build_info())
END
installed=$("$venv/bin/python" -c 'from braggrad._library import library; print(library._name)')
"$venv/bin/python" "$root/tests/conventions/peers.py" "$installed" >"$work/peers.log" 2>&1 || [ $? = 77 ] ||
  { tail -20 "$work/peers.log"; exit 1; }
tail -1 "$work/peers.log"
if "$venv/bin/python" -c 'import torch, jax' 2>/dev/null; then
  "$venv/bin/mypy" --config-file "$root/pyproject.toml" --no-error-summary --cache-dir "$work/mypy" -p braggrad
else
  echo "skipped: types, which need torch and jax"
fi
"$venv/bin/python" -m pytest -q -p no:cacheprovider "$root/tests/python" "$@"
