"""Measures everything and tells it: see run.sh."""

import argparse
import datetime
import json
import os
import pathlib
import platform
import re
import signal
import subprocess
import sys
import tempfile
import time

import numpy
import sklearn

import daemon
import em
import growth
import page
import pictures
import start
import tables
from contenders import BIN, CORES, HERE, Failed, say

ROOT = HERE.parent

PARTS = {
    "em": ("what a step of EM costs", lambda folder: em.run(folder)),
    "daemon": ("points in, labels out", lambda folder: daemon.throughput(folder, 4)),
    "latency": ("from send to label", lambda folder: daemon.latency(folder, 3)),
    "growth": ("how cost grows", lambda folder: growth.run(folder)),
    "start": ("start and save", lambda folder: start.run(folder)),
}


def output_of(*command):
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def package_version(name):
    return output_of("dpkg-query", "-W", "-f=${Version}", name) or "unknown"


def machine(load_before_the_build):
    """What a reader must know of the machine. A load that was not read before the build is that of now."""
    information = pathlib.Path("/proc/cpuinfo").read_text()
    model = re.search(r"model name\s*: (.*)", information)
    flags = (re.search(r"flags\s*: (.*)", information) or ["", ""])[1].split()
    memory = int(re.search(r"MemTotal:\s+(\d+)", pathlib.Path("/proc/meminfo").read_text())[1])
    load = {"load_before_the_build": load_before_the_build} if load_before_the_build else {"load_before_the_run": f"{os.getloadavg()[0]:.2f}"}
    compiler = re.search(r"CMAKE_CXX_COMPILER:\w+=(\S+)", (BIN.parent / "CMakeCache.txt").read_text())[1]
    return {
        "date": datetime.datetime.now(datetime.timezone.utc).date().isoformat(),
        "commit": output_of("git", "describe", "--always", "--dirty", "--exclude=*") or "unknown",
        "processor": model[1] if model else platform.machine(),
        "instruction_sets": ", ".join(flag for flag in ("sse2", "avx", "avx2", "fma", "avx512f") if flag in flags) or platform.machine(),
        "cores": CORES,
        "memory": f"{memory / 1048576:.0f} GiB",
        "kernel": platform.release(),
        "compiler": output_of(compiler, "--version").splitlines()[0],
        "scikit-learn": sklearn.__version__,
        "numpy": numpy.__version__,
        "Armadillo": package_version("libarmadillo-dev"),
        "OpenBLAS": package_version("libopenblas-dev"),
        "Eigen": package_version("libeigen3-dev"),
        "ZeroMQ": package_version("libzmq5"),
        **load,
    }


def measure(parts, load_before_the_build):
    results = {"machine": machine(load_before_the_build)}
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="emulsion-bench-") as folder:
        for part in parts:
            title, run = PARTS[part]
            say(f"{part}: {title}")
            results[part] = run(folder)
    results["machine"]["minutes"] = f"{(time.monotonic() - began) / 60:.1f}"
    return results


def main():
    parser = argparse.ArgumentParser(prog="bench/run.sh", description="Measures Emulsion beside others.")
    parser.add_argument("--only", metavar="PART,...", help=f"some of {','.join(PARTS)}; writes to build/bench alone")
    parser.add_argument("--load-before-the-build", metavar="LOAD", help="which run.sh has read, as a build raises it")
    arguments = parser.parse_args()
    parts = arguments.only.split(",") if arguments.only else list(PARTS)
    unknown = [part for part in parts if part not in PARTS]
    if unknown:
        parser.error(f'there is no part "{unknown[0]}"; allowed: {", ".join(PARTS)}')

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was started ends too
    try:
        results = measure(parts, arguments.load_before_the_build)
    except Failed as failed:
        sys.exit(f"bench: {failed}")

    whole = not arguments.only
    folder = ROOT / "build" / "bench"
    results_file, pictures_folder = (HERE / "results.json", ROOT / "docs" / "pictures") if whole else (folder / "results.json", folder)
    folder.mkdir(parents=True, exist_ok=True)
    results_file.write_text(json.dumps(results, indent=1) + "\n")
    pictures.draw(results, pictures_folder)
    if whole:
        for path in (ROOT / "docs" / "performance.md", ROOT / "README.md"):
            path.write_text(page.filled(path.read_text(), results))
    for name, table in tables.blocks_of(results).items():
        print(f"\n{name}\n\n{tables.as_text(table)}".replace("**", ""))
    for line in tables.sentences_of(results).values():
        print(f"\n{line}")
    print(f"\nall figures: {results_file.relative_to(ROOT)}; pictures: {pictures_folder.relative_to(ROOT)}/performance-*.svg")


if __name__ == "__main__":
    main()
