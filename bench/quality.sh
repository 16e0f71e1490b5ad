#!/usr/bin/env bash
# How good the clusters are, beside scikit-learn in the same run: a table, and an exit code of 1 if a goal is missed.
#
#   bench/quality.sh FOLDER            every set of the folder that quality.py knows
#   bench/quality.sh                   those that are in this repository
set -euo pipefail
cd "$(dirname "$0")/.."

echo "[1/3] packages"
clients/install.sh build quality
echo "[2/3] build"
clients/build.sh release -- emulsion
echo "[3/3] quality"
exec /usr/bin/python3 bench/quality.py --emulsion build/release/bin/emulsion "$@"
