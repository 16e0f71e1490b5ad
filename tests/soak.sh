#!/usr/bin/env bash
# The long tier of the tests of reliability, on build/release. Prints its seed; the same seed draws the same.
#
#   tests/soak.sh                       everything
#   tests/soak.sh PART ...              some of: checkpoints mutations
#   EMULSION_SEED=N tests/soak.sh  another seed than one of today's
#
# Parts, and what the quick tier, which is ctest, has of them:
#   checkpoints  every fail point of the daemon 50 times (1), 100,000 losses of power (2,000), every kill of a store 50 times (1)
#   mutations    what protects checkpoints is taken away one thing at a time, and the tests go red (none)
set -euo pipefail
cd "$(dirname "$0")/.."

export EMULSION_SEED=${EMULSION_SEED:-$(date +%s)}
python=$(command -v /usr/bin/python3 || command -v python3)
bin=$PWD/build/release/bin

checkpoints() {
  EMULSION_SOAK_ROUNDS=50 "$bin/daemon_tests" '[durability]'
  EMULSIOND=$bin/emulsiond EMULSION=$bin/emulsion FATAL_EMULSIOND=$bin/fatal_emulsiond FAIL_POINT_ROUNDS=50 \
    PYTHONPATH=build/release/python PYTHONDONTWRITEBYTECODE=1 "$python" tests/e2e/fail_points_test.py
}

mutations() { "$python" tests/mutations.py; }

parts=("$@")
[ $# -gt 0 ] || parts=(checkpoints mutations)
echo "seed $EMULSION_SEED"
for part in "${parts[@]}"; do
  [ "$(type -t "$part")" = function ] || { echo "soak.sh: no part \"$part\"; allowed: checkpoints, mutations" >&2; exit 2; }
  echo "== $part"
  started=$SECONDS
  "$part"
  echo "== $part: $((SECONDS - started)) s"
done
