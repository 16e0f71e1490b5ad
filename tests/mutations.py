#!/usr/bin/python3
"""Tests that cannot fail prove nothing: takes away what protects checkpoints, and from doubles, one thing at a time, and expects red tests.

    tests/mutations.py            all of them
    tests/mutations.py NAME ...   some
    tests/mutations.py --check    none; the code is what they expect

The few files that are concerned are compiled by themselves, in a directory that is gone afterwards; $CXX, or c++, does it.
"""

import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
STORE = "daemon/file_state_store.cc"
FORMAT = "proto/emulsion/wire/checkpoint.cc"
TRACKER = "daemon/source_tracker.cc"

# What is tested, and the tests.
SOURCES = [STORE, FORMAT, TRACKER, "daemon/memory_state_store.cc", "daemon/posix_disk.cc", "proto/emulsion/wire/checksum.cc", "proto/emulsion/wire/topic.cc"]
TESTS = ["tests/catch_main.cc", "tests/daemon/durability_test.cc", "tests/daemon/source_tracker_test.cc", "tests/daemon/state_store_test.cc", "tests/wire/checkpoint_test.cc"]
FLAGS = ["-std=c++20", "-O0", "-w", *(f"-I{ROOT / room}" for room in (".", "proto", "lib", "tests")), "-I/usr/include/eigen3"]
PATIENCE = 600  # seconds; a test that has not ended by then is red

# Name: the file, its text, and what stands there instead.
MUTATIONS = {
    "no fsync of the file": (STORE, "const auto synced = disk_.sync(*file); !synced", "const DiskResult<void> synced; !synced"),
    "a failed fsync is tried again": (STORE, "disk_.sync(*file); !synced)", "disk_.sync(*file); !synced && !disk_.sync(*file))"),
    "no fsync of the directory after the rename": (STORE, "  if (auto synced = sync_directory(); !synced) return synced;\n  drop_oldest", "  drop_oldest"),
    "no fsync of the directory at the start": (STORE, "if (auto synced = store->sync_directory(); !synced)", "if (Result<void> synced; !synced)"),
    "no fsync of the directory above a new one": (STORE, "const auto synced = disk.sync_directory(parent);", "const DiskResult<void> synced;"),
    "the oldest goes before the newest is safe": (STORE, "  if (auto synced = sync_directory(); !synced) return synced;\n  drop_oldest(stream, series);", "  drop_oldest(stream, series);\n  if (auto synced = sync_directory(); !synced) return synced;"),
    "a reset removes the newest before the older ones are gone": (STORE, "  if (auto synced = sync_directory(); !synced) return synced;\n  if (auto removed", "  if (auto removed"),
    "a short write is taken for a whole one": (STORE, "state.remove_prefix(*taken);", "state = {};"),
    "a failed write is taken for a good one": (STORE, 'written = failed(at, "write", taken.error());', "state = {};"),
    "a damaged newest state is written over": (STORE, "if (!series.good && !series.generations.empty()) {", "if (false) {"),
    "a message that comes twice counts twice": (TRACKER, "    arrival.duplicate = true;\n", ""),
    "no checksum of the head": (FORMAT, 'found != expected)\n    return wrong_checksum("head: "', 'false)\n    return wrong_checksum("head: "'),
    "no checksum of a section": (FORMAT, "if (found != expected) return wrong_checksum(place", "if (false) return wrong_checksum(place"),
    "no checksum of the whole": (FORMAT, "found != expected)\n    return wrong_checksum(at(end)", "false)\n    return wrong_checksum(at(end)"),
    "no bounds check of a section": (FORMAT, "if (size > end - position - kSectionHeadBytes)", "if (false)"),
    "no bounds check of a section's head": (FORMAT, "if (end - position < kSectionHeadBytes)", "if (false)"),
    "bytes behind the last section are passed over": (FORMAT, "if (position != end)", "if (false)"),
}


def compile_to(object_file, source):
    subprocess.run([os.environ.get("CXX", "c++"), *FLAGS, "-c", str(source), "-o", str(object_file)], check=True)


def object_of(directory, source):
    return directory / (source.replace("/", "_") + ".o")


def is_green(directory, objects):
    """Links and runs."""
    program = directory / "tests"
    subprocess.run([os.environ.get("CXX", "c++"), *map(str, objects), "-o", str(program)], check=True)
    try:
        done = subprocess.run([str(program)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def check_texts():
    """Ends where the code has changed under a mutation."""
    for name, (source, text, _) in MUTATIONS.items():
        if (count := (ROOT / source).read_text().count(text)) != 1:
            sys.exit(f"mutations.py: {name}: {source} has its text {count} times, expected once")


def main(names):
    check_texts()
    if names == ["--check"]:
        return
    for name in names:
        if name not in MUTATIONS:
            sys.exit(f'mutations.py: no mutation "{name}"; allowed: {", ".join(MUTATIONS)}')
    with tempfile.TemporaryDirectory(prefix="emulsion-mutations-") as path:
        directory = pathlib.Path(path)
        objects = {source: object_of(directory, source) for source in [*SOURCES, *TESTS]}
        for source, object_file in objects.items():
            compile_to(object_file, ROOT / source)
        if not is_green(directory, objects.values()):
            sys.exit("mutations.py: the tests are red without any mutation")
        survived = []
        for name in names or MUTATIONS:
            source, text, other = MUTATIONS[name]
            mutant = directory / pathlib.Path(source).name
            mutant.write_text((ROOT / source).read_text().replace(text, other))
            compile_to(directory / "mutant.o", mutant)
            green = is_green(directory, [directory / "mutant.o" if key == source else value for key, value in objects.items()])
            print(f"{'GREEN' if green else 'red'}  {name}", flush=True)
            if green:
                survived.append(name)
    if survived:
        sys.exit(f"mutations.py: {len(survived)} of {len(names or MUTATIONS)} went unseen")


if __name__ == "__main__":
    main(sys.argv[1:])
