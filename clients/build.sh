#!/usr/bin/env bash
# Configures and builds one preset. One progress line on a terminal, quiet elsewhere; the compiler's output if it fails.
#
#   clients/build.sh PRESET [-DNAME=VALUE ...] [-- TARGET ...]
set -euo pipefail
cd "$(dirname "$0")/.."

preset=$1
shift
definitions=()
while [ $# -gt 0 ] && [ "$1" != -- ]; do definitions+=("$1"); shift; done
[ $# -eq 0 ] || shift

command -v ccache >/dev/null && export CMAKE_CXX_COMPILER_LAUNCHER=ccache
directory=build/$preset
mkdir -p "$directory"
log=$directory/build.log

started=$SECONDS
if ! cmake --preset "$preset" "${definitions[@]}" >"$log" 2>&1; then
  tail -n 30 "$log" >&2
  echo "build.sh: cmake --preset $preset failed" >&2
  exit 1
fi
if [ -t 1 ]; then
  NINJA_STATUS="  $preset [%f/%t] " cmake --build "$directory" ${*:+--target "$@"} | tee "$log" || exit 1
else
  cmake --build "$directory" ${*:+--target "$@"} >"$log" 2>&1 || {
    grep -E -A 12 'FAILED|error' "$log" | head -n 60 >&2
    echo "build.sh: building $preset failed; all output is in $log" >&2
    exit 1
  }
fi
echo "  $preset built in $((SECONDS - started)) s"
