#!/usr/bin/env bash
# How fast Emulsion is, beside scikit-learn, Armadillo, a loop of one's own and raw ZeroMQ, in one run on this machine.
#
#   bench/run.sh                      everything: under ten minutes on two cores once it is built
#   bench/run.sh --only em,latency    some parts: em, daemon, latency, growth, start
#
# Prints tables, the goals first. The whole run writes bench/results.json, docs/performance.md and its pictures; some parts
# write to build/bench alone. A goal that is missed is no failure of the run; contenders that compute different things are.
set -euo pipefail
cd "$(dirname "$0")/.."

load=$(cut -d ' ' -f 1 /proc/loadavg)  # before the build, which raises it

echo "[1/3] packages"
clients/install.sh build bench
echo "[2/3] build"
clients/build.sh release -DEMULSION_BENCH=ON -- emulsiond bench
echo "[3/3] measure"
exec /usr/bin/python3 bench/run.py --load-before-the-build "$load" "$@"
