#!/usr/bin/env bash
# Installs the Debian packages that Emulsion needs and that are missing. Quiet when there is nothing to do.
#
#   clients/install.sh build               to build the daemon and the client
#   clients/install.sh build test          to run the tests as well
#   clients/install.sh plot                to draw pictures with `emulsion plot`
#   clients/install.sh build seeds         to run docs/seeds.sh
#   clients/install.sh build quality       to run bench/quality.sh
#   clients/install.sh build bench         to run bench/run.sh
#   clients/install.sh build bench profile to run bench/hot_spots.py
set -euo pipefail

packages=()
for purpose in "$@"; do
  case "$purpose" in
    build)
      packages+=(g++ cmake ninja-build pkg-config libeigen3-dev libexpected-dev libtbb-dev libhwy-dev
        libprotobuf-dev protobuf-compiler nlohmann-json3-dev libcsv-dev
        libzmq3-dev cppzmq-dev libboost-dev libboost-program-options-dev
        libspdlog-dev libfmt-dev robin-map-dev prometheus-cpp-dev libsystemd-dev)
      ;;
    plot)
      packages+=(python3-matplotlib)
      ;;
    seeds)
      packages+=(python3 python3-numpy python3-matplotlib)
      ;;
    quality)
      packages+=(python3 python3-numpy python3-sklearn)
      ;;
    bench)
      packages+=(libarmadillo-dev libopenblas-dev python3 python3-numpy python3-sklearn python3-matplotlib)
      ;;
    profile)
      packages+=(linux-perf)
      ;;
    test)
      packages+=(catch2 librapidcheck-dev clang libclang-rt-14-dev python3 python3-zmq python3-protobuf python3-numpy python3-scipy python3-matplotlib python3-pil
        prometheus)
      [ "$(dpkg --print-architecture)" = arm64 ] || packages+=(g++-aarch64-linux-gnu)
      # A newer Node.js than Debian's brings its own npm, which Debian's package would fight.
      command -v npm >/dev/null || packages+=(nodejs npm)
      ;;
    *)
      echo "install.sh: \"$purpose\" is not one of: build plot seeds quality bench profile test" >&2
      exit 2
      ;;
  esac
done

missing=()
for package in "${packages[@]}"; do
  state=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$state" = installed ] || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || { echo "install.sh: these packages are missing and need root: ${missing[*]}" >&2; exit 1; }
  as_root=(sudo)
fi

echo "  installing ${#missing[@]} Debian packages: ${missing[*]}"
log=$(mktemp)
# No daemon that a package brings along is started: the tests only want promtool.
policy=/usr/sbin/policy-rc.d
made_policy=
clean_up() {
  rm -f "$log"
  [ -z "$made_policy" ] || "${as_root[@]}" rm -f "$policy"
}
trap clean_up EXIT
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
  "${as_root[@]}" chmod +x "$policy"
  made_policy=yes
fi
status=0
"${as_root[@]}" apt-get update -qq >"$log" 2>&1 || status=$?
[ "$status" -ne 0 ] ||
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >"$log" 2>&1 ||
  status=$?
if [ "$status" -ne 0 ]; then
  tail -n 20 "$log" >&2
  echo "install.sh: the packages could not be installed" >&2
fi
exit "$status"
