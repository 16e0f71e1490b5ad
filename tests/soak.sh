#!/usr/bin/env bash
# The long tier of the tests of reliability, on build/release. Prints its seed; the same seed draws the same.
#
#   tests/soak.sh                       everything
#   tests/soak.sh PART ...              some of: checkpoints kills mutations numbers fuzz malformed stall flood churn day threads
#   tests/soak.sh --kills N             the part kills, with so many of them
#   EMULSION_SEED=N tests/soak.sh       another seed than one of today's
#
# Parts, and what the quick tier, which is ctest, has of them:
#   checkpoints  every fail point of the daemon 50 times (1), 100,000 losses of power (2,000), every kill of a store 50 times (1)
#   kills        daemon and sender killed 10,000 times at random instants, the state compared after each start (200)
#   mutations    what protects checkpoints is taken away one thing at a time, and the tests go red (none)
#   numbers      ten million sequences of messages of the ugliest numbers (100,000)
#   fuzz         each fuzzer 100,000,000 times (30 s); goes on where it was interrupted. EMULSION_FUZZERS: some of them;
#                EMULSION_FUZZ_RUNS: another number
#   malformed    1,000,000 messages of garbage beside a good producer (20,000)
#   stall        50 subscribers that stand still beside one that reads (10)
#   flood        60 s of more than can be learned, pulled, subscribed to and acknowledged (3 s)
#   churn        20,000 peers that come and go (1,000)
#   day          86.4 million points, a day of 1,000 points/s (2 million)
#   threads      every test under the thread sanitizer, where 1, 2, 4 and 8 threads learn, but for tests that say how many (1)
set -euo pipefail
cd "$(dirname "$0")/.."

export EMULSION_SEED=${EMULSION_SEED:-$(date +%s)}
python=$(command -v /usr/bin/python3 || command -v python3)
bin=$PWD/build/release/bin
kills=10000
all=(checkpoints kills mutations numbers fuzz malformed stall flood churn day threads)

export EMULSIOND=$bin/emulsiond EMULSION=$bin/emulsion FATAL_EMULSIOND=$bin/fatal_emulsiond
export PYTHONPATH=build/release/python PYTHONDONTWRITEBYTECODE=1

e2e() { "$python" "tests/e2e/$1_test.py"; }

checkpoints() {
  EMULSION_SOAK_ROUNDS=50 "$bin/daemon_tests" '[durability]'
  FAIL_POINT_ROUNDS=50 e2e fail_points
}

kills() { EMULSION_KILLS=$kills e2e kill; }

mutations() { "$python" tests/mutations.py; }

numbers() { RC_PARAMS="max_success=2500000 seed=$EMULSION_SEED" "$bin/numbers_property_tests"; }

# A million runs at a time: of ten, seven of short inputs, which are quick, two of longer ones and one of long ones. Inputs are
# chosen evenly, as to weigh them by what is rare in them takes a third of the time once there are thousands; nobody else adds to
# the corpus, so it is read once; and leaks are looked for at the end of each million. What freed memory held is kept from use for
# a while, though not for long, and allocations are remembered by two callers, as without them no leak is told: what is found is
# written down, and can be run again with more of both. How many runs there have been stands in build/fuzz, so that one night can go
# on where another ended.
fuzz() {
  clients/build.sh fuzz -- fuzzers
  local target found runs longest lengths=(256 256 256 256 256 256 256 4096 4096 65536)
  for target in ${EMULSION_FUZZERS:-points messages acknowledged config state table model_json recording}; do
    found=build/fuzz/fuzz/$target
    mkdir -p "$found/corpus"
    runs=$(cat "$found/runs" 2>/dev/null || echo 0)
    while [ "$runs" -lt "${EMULSION_FUZZ_RUNS:-100000000}" ]; do
      longest=${lengths[runs / 1000000 % 10]}
      ASAN_OPTIONS=malloc_context_size=2:quarantine_size_mb=1:thread_local_quarantine_size_kb=64:use_sigaltstack=0 \
        build/fuzz/bin/"$target"_fuzz -runs=1000000 -seed=$(((EMULSION_SEED + runs) % 4294967295 + 1)) -entropic=0 -timeout=10 \
        -rss_limit_mb=2048 -max_len="$longest" -reload=0 -detect_leaks=0 -verbosity=0 -print_funcs=0 -artifact_prefix="$found/" \
        "$found/corpus" "tests/fuzz/corpus/$target"
      runs=$((runs + 1000000))
      echo "$runs" >"$found/runs"
    done
    echo "$target: $runs runs"
  done
}

malformed() { EMULSION_MALFORMED=${EMULSION_MALFORMED:-1000000} e2e malformed; }
stall() { EMULSION_STALLED=${EMULSION_STALLED:-50} e2e stall; }
flood() { EMULSION_FLOOD_SECONDS=${EMULSION_FLOOD_SECONDS:-60} e2e flood; }
churn() { EMULSION_CHURN=${EMULSION_CHURN:-20000} e2e churn; }
day() { EMULSION_SOAK_POINTS=${EMULSION_SOAK_POINTS:-86400000} e2e soak; }
threads() {
  clients/build.sh tsan -DBUILD_TESTING=ON
  local count
  for count in 1 2 4 8; do
    echo "$count threads"
    EMULSION_TEST_THREADS=$count TSAN_OPTIONS=suppressions=$PWD/tests/tsan.supp:halt_on_error=1:second_deadlock_stack=1 \
      ctest --test-dir build/tsan --parallel "$(nproc)" --output-on-failure --quiet --output-log build/tsan/threads.log || {
      tail -n 100 build/tsan/threads.log
      return 1
    }
    tail -n 4 build/tsan/threads.log
  done
}

parts=()
while [ $# -gt 0 ]; do
  case $1 in
    --kills) kills=${2:?--kills: how many}; parts+=(kills); shift 2 ;;
    *) parts+=("$1"); shift ;;
  esac
done
[ ${#parts[@]} -gt 0 ] || parts=("${all[@]}")
echo "seed $EMULSION_SEED"
for part in "${parts[@]}"; do
  [[ " ${all[*]} " == *" $part "* ]] || { echo "soak.sh: no part \"$part\"; allowed: ${all[*]}" >&2; exit 2; }
  echo "== $part"
  started=$SECONDS
  "$part"
  echo "== $part: $((SECONDS - started)) s"
done
