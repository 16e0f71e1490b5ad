#!/usr/bin/env bash
# Installs what is missing, builds, and runs every test.
#
#   tests/run.sh                     release, then with address + undefined, then with thread sanitizer, then the fuzzers
#   EMULSION_QUICK=1 tests/run.sh    release only
set -euo pipefail
cd "$(dirname "$0")/.."

presets=(release asan tsan fuzz)
[ -z "${EMULSION_QUICK:-}" ] || presets=(release)

echo "[1/3] packages"
clients/install.sh build test
# The linter of the wire contract, of the version that package.json names.
buf=build/node/node_modules/.bin/buf
if [ ! -x "$buf" ] || ! cmp -s tests/node/package.json build/node/package.json; then
  mkdir -p build/node
  cp tests/node/package.json build/node/
  npm --prefix build/node install --no-package-lock --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null
fi

echo "[2/3] build: ${presets[*]}"
for preset in "${presets[@]}"; do
  targets=()
  [ "$preset" != fuzz ] || targets=(-- fuzzers)
  clients/build.sh "$preset" -DBUILD_TESTING=ON "${targets[@]}"
done

echo "[3/3] tests"
export ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1
export UBSAN_OPTIONS=print_stacktrace=1
export TSAN_OPTIONS=suppressions=$PWD/tests/tsan.supp:halt_on_error=1:second_deadlock_stack=1
for preset in "${presets[@]}"; do
  echo "  $preset"
  ctest --test-dir "build/$preset" --parallel "$(nproc)" --output-on-failure --progress --quiet --output-log "build/$preset/ctest.log" || {
    tail -n 100 "build/$preset/ctest.log"
    exit 1
  }
  tail -n 4 "build/$preset/ctest.log"
done
