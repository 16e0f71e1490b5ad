#!/usr/bin/env bash
# The long tier of the tests of reliability, on build/release. Prints its seed; the same seed draws the same.
#
#   tests/soak.sh                  everything
#   tests/soak.sh PART ...         some of: malformed stall flood churn day
#   EMULSION_SEED=N tests/soak.sh  another seed than one of today's
#
# Parts, and what the quick tier, which is ctest, has of them:
#   malformed    1,000,000 messages of garbage beside a good producer (20,000)
#   stall        50 subscribers that stand still beside one that reads (10)
#   flood        60 s at twice and ten times what can be learned, pulled and subscribed to (3 s)
#   churn        20,000 peers that come and go (1,000)
#   day          86.4 million points, a day of 1,000 points/s (2 million)
set -euo pipefail
cd "$(dirname "$0")/.."

export EMULSION_SEED=${EMULSION_SEED:-$(date +%s)}
python=$(command -v /usr/bin/python3 || command -v python3)
bin=$PWD/build/release/bin

e2e() {
  EMULSIOND=$bin/emulsiond EMULSION=$bin/emulsion PYTHONPATH=build/release/python PYTHONDONTWRITEBYTECODE=1 "$python" "tests/e2e/$1_test.py"
}

malformed() { EMULSION_MALFORMED=${EMULSION_MALFORMED:-1000000} e2e malformed; }
stall() { EMULSION_STALLED=${EMULSION_STALLED:-50} e2e stall; }
flood() { EMULSION_FLOOD_SECONDS=${EMULSION_FLOOD_SECONDS:-60} e2e flood; }
churn() { EMULSION_CHURN=${EMULSION_CHURN:-20000} e2e churn; }
day() { EMULSION_SOAK_POINTS=${EMULSION_SOAK_POINTS:-86400000} e2e soak; }

parts=("$@")
[ $# -gt 0 ] || parts=(malformed stall flood churn day)
echo "seed $EMULSION_SEED"
for part in "${parts[@]}"; do
  [ "$(type -t "$part")" = function ] || { echo "soak.sh: no part \"$part\"; allowed: malformed, stall, flood, churn, day" >&2; exit 2; }
  echo "== $part"
  started=$SECONDS
  "$part"
  echo "== $part: $((SECONDS - started)) s"
done
