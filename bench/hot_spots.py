"""Where the time goes, by `perf`: the functions that take most of it.

Needs what bench/run.sh has built, and Debian's linux-perf:

    clients/install.sh build bench profile

    bench/hot_spots.py em 8 8 full         an EM step: d, K, covariance [, touching|overlapping|apart]
    bench/hot_spots.py daemon 256          emulsiond: rows of a message
    bench/hot_spots.py streams 10000       emulsiond: streams
"""

import contextlib
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

import daemon
import em
import growth
import workloads
from contenders import BIN, Contender, Program
from daemons import Daemon

SECONDS = 5
LINES = 15


@contextlib.contextmanager
def recorded(process, folder):
    """Samples a process for the time of the block, and prints what it found."""
    data = pathlib.Path(folder) / "perf.data"
    perf = subprocess.Popen(["perf", "record", "--quiet", "--output", data, "--pid", str(process.pid)], stderr=subprocess.DEVNULL)
    time.sleep(1)  # until it samples
    yield
    perf.send_signal(signal.SIGINT)
    perf.wait()
    report = subprocess.run(
        ["perf", "report", "--input", data, "--stdio", "--no-children", "--sort", "dso,symbol"], capture_output=True, text=True, check=True
    ).stdout
    lines = [line.strip() for line in report.splitlines() if "%" in line and not line.startswith("#")]
    print("\n".join(line[:160] for line in lines[:LINES]))


def repeat(step):
    began = time.monotonic()
    while time.monotonic() - began < SECONDS:
        step()


def profile_em(folder, d, k, covariance, kind="touching"):
    workload = workloads.Workload(int(d), int(k), em.points_of(int(d), int(k)), covariance, kind)
    with Program(BIN / "bench_emulsion") as program:
        contender = Contender("emulsion", program, "em", data=workloads.make(workload, folder))
        with recorded(program.process, folder):
            repeat(contender.seconds)


def profile_daemon(folder, rows, streams=1, workload=daemon.WORKLOAD):
    data = workloads.make(workload, folder)
    with contextlib.ExitStack() as stack:
        started = stack.enter_context(Daemon(folder, model=f"{data['folder']}/model.json", options="max_streams = 100000"))
        line = daemon.Line(stack, data, started, int(rows), streams)
        count = max(streams, min(50000, 1000000 // int(rows)))
        line.throughput(count)  # so that every stream is there
        with recorded(started.process, folder):
            repeat(lambda: line.throughput(count))


def profile_streams(folder, streams):
    workload = workloads.Workload(growth.STREAM_DIMENSION, growth.STREAM_COMPONENTS, 65536, "full")
    profile_daemon(folder, growth.STREAM_ROWS, int(streams), workload)


def main():
    profiles = {"em": profile_em, "daemon": profile_daemon, "streams": profile_streams}
    if len(sys.argv) < 3 or sys.argv[1] not in profiles:
        sys.exit(__doc__)
    with tempfile.TemporaryDirectory() as folder:
        profiles[sys.argv[1]](folder, *sys.argv[2:])


if __name__ == "__main__":
    main()
