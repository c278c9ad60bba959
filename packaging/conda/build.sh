#!/usr/bin/env bash
# Run by conda-build, which sets SRC_DIR and PREFIX. Without CUDA; the program needs libcsv, which conda-forge does not have.
set -euo pipefail
bash "$SRC_DIR/packaging/build_and_install.sh" "$SRC_DIR" "$SRC_DIR/build/conda" "$PREFIX" -DBRAGGRAD_CUDA=OFF -DBRAGGRAD_CLI=OFF
