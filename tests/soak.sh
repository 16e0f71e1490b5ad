#!/usr/bin/env bash
# The long tier of the tests of reliability, on build/release. Prints its seed; the same seed draws the same.
#
#   tests/soak.sh                       everything
#   tests/soak.sh PART ...              some of: kills
#   tests/soak.sh --kills N             the part kills, with so many of them
#   EMULSION_SOAK_SEED=N tests/soak.sh  another seed than one of today's
#
# Parts, and what the quick tier, which is ctest, has of them:
#   kills  daemon and sender killed 10,000 times at random instants, the state compared after each start (100)
set -euo pipefail
cd "$(dirname "$0")/.."

export EMULSION_SOAK_SEED=${EMULSION_SOAK_SEED:-$(date +%s)}
python=$(command -v /usr/bin/python3 || command -v python3)
bin=$PWD/build/release/bin
kills=10000

kills() {
  EMULSIOND=$bin/emulsiond EMULSION=$bin/emulsion EMULSION_KILLS=$kills PYTHONPATH=build/release/python PYTHONDONTWRITEBYTECODE=1 \
    "$python" tests/e2e/kill_test.py
}

parts=()
while [ $# -gt 0 ]; do
  case $1 in
    --kills) kills=${2:?--kills: how many}; parts+=(kills); shift 2 ;;
    *) parts+=("$1"); shift ;;
  esac
done
[ ${#parts[@]} -gt 0 ] || parts=(kills)
echo "seed $EMULSION_SOAK_SEED"
for part in "${parts[@]}"; do
  [ "$(type -t "$part")" = function ] || { echo "soak.sh: no part \"$part\"; allowed: kills" >&2; exit 2; }
  echo "== $part"
  started=$SECONDS
  "$part"
  echo "== $part: $((SECONDS - started)) s"
done
