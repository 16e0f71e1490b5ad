#!/usr/bin/env bash
# Emulsion in a minute: installs what is missing, builds, and lets emulsiond learn the states of an office from its sensors.
set -euo pipefail
cd "$(dirname "$0")/.."

data=clients/data/room_occupancy.csv
stream=occupancy
rows=$(($(wc -l <"$data") - 1))
rate=1200  # rows per second: a week of minutes in seven seconds

echo "[1/4] packages"
clients/install.sh build
echo "[2/4] build"
clients/build.sh release -DBUILD_TESTING=OFF -- emulsiond emulsion emulsion_python
bin=build/release/bin

work=$(mktemp -d)
started=()
stop() {
  for process in "${started[@]}"; do kill "$process" 2>/dev/null && wait "$process" || true; done
  rm -rf "$work"
}
trap stop EXIT

echo "[3/4] $rows minutes of an office: temperature (x0), humidity (x1), light (x2), CO2 (x3)"
"$bin/emulsiond" --config config/demo.conf 2>"$work/daemon.log" &
started+=($!)
for _ in $(seq 200); do
  grep -qs 'ready:' "$work/daemon.log" && break
  kill -0 "${started[0]}" 2>/dev/null || { cat "$work/daemon.log" >&2; echo "demo.sh: emulsiond did not start; is another one running?" >&2; exit 69; }
  sleep 0.05
done

"$bin/emulsion" watch --stream $stream --what labels --rows "$rows" --timeout 60 --format csv \
  >"$work/labels.csv" 2>"$work/watch.log" &
labels=$!
started+=($labels)
for _ in $(seq 100); do grep -qs following "$work/watch.log" && break; sleep 0.05; done

"$bin/emulsion" send $data --columns temperature,humidity,light,co2 --stream $stream --rate $rate \
  >"$work/sent" 2>"$work/send.log" &
send=$!
started+=($send)
for seconds in 2 4 6; do
  sleep 2
  kill -0 $send 2>/dev/null || break
  echo
  echo "after $seconds seconds"
  "$bin/emulsion" top --once | tail -n +4
done
wait $send || { cat "$work/send.log" >&2; exit 1; }
wait $labels || { cat "$work/watch.log" >&2; exit 1; }
echo
cat "$work/sent"

echo
echo "[4/4] the clusters, and what they have to do with people (the sensors never said who was there)"
"$bin/emulsion" model $stream
echo
awk -F, -f clients/occupancy_match.awk $data "$work/labels.csv"

cat <<'TXT'

Next
  build/release/bin/emulsiond --config config/demo.conf       # start it again and leave it running; then, elsewhere:
  build/release/bin/emulsion send clients/data/room_occupancy.csv --stream occupancy \
    --columns temperature,humidity,light,co2 --rate 200
  build/release/bin/emulsion top                              # watch the clusters move
  build/release/bin/emulsion simulate --help                  # streams whose truth is known
  build/release/bin/emulsion watch --what events              # what happens in a stream
  curl -s 127.0.0.1:7704/metrics                              # the same for Prometheus
TXT
