#!/usr/bin/env bash
# Runs the three seeds again and writes docs/seeds.md and its pictures anew.
#
#   docs/seeds.sh            writes
#   docs/seeds.sh --check    only compares what is printed with the page
set -euo pipefail
cd "$(dirname "$0")/.."

clients/install.sh build seeds
clients/build.sh release
export PATH=$PWD/build/release/bin:$PATH
export EMULSION_CLIENT_INPUT=ipc://points.sock EMULSION_CLIENT_OUTPUT=ipc://results.sock EMULSION_CLIENT_CONTROL=ipc://control.sock
exec /usr/bin/python3 docs/console.py docs/seeds.md --in docs/seeds "$@"
