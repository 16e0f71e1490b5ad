"""Part 5: how long the daemon takes to start, how long a save takes, and how large it is."""

import contextlib
import os
import pathlib
import tempfile
import time

import workloads
from contenders import Contender, interleave, say, spread
from daemon import Line
from daemons import Daemon

# Streams, dimension, components.
MODELS = [(1, 4, 4), (1, 16, 16), (1, 64, 64), (100, 4, 4)]
ROWS = 64


class Case:
    """A state directory with some models in it."""

    def __init__(self, folder, streams, dimension, components):
        self.streams = streams
        self.about = {"streams": streams, "dimension": dimension, "components": components}
        self.data = workloads.make(workloads.Workload(dimension, components, 16384, "full"), folder)
        self.folder = folder
        self.states = pathlib.Path(tempfile.mkdtemp(dir=folder))
        self.plain = pathlib.Path(tempfile.mkdtemp(dir=folder))

    def daemon(self):
        return Daemon(self.folder, model=f"{self.data['folder']}/model.json", state_directory=self.states, options="max_streams = 100000")

    def work(self, stack):
        """Starts a daemon that has learned something."""
        daemon = stack.enter_context(self.daemon())
        self.line = Line(stack, self.data, daemon, ROWS, self.streams)
        self.control = Contender("control", self.line.program, "control", endpoint=daemon.control)

    def save(self):
        """Seconds, with points learned before, since what has not changed is not saved."""
        self.line.throughput(max(self.streams, 16))
        answer = self.control.ask("save")
        assert answer["streams"] == self.streams, answer
        return answer["seconds"]

    def bytes(self):
        return sum(path.stat().st_size for path in self.states.rglob("*") if path.is_file())

    def disk(self):
        """Seconds that the disk takes for as many files of that size, each written beside the old one, synchronised and
        renamed."""
        content = bytes(self.bytes() // self.streams)
        began = time.perf_counter()
        for i in range(self.streams):
            fresh = self.plain / "fresh"
            with fresh.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            fresh.rename(self.plain / str(i))
            folder = os.open(self.plain, os.O_RDONLY)
            os.fsync(folder)
            os.close(folder)
        return time.perf_counter() - began


def seconds_to_ready(start):
    with start() as daemon:
        return daemon.seconds_to_ready


def run(folder):
    cases = [Case(folder, *model) for model in MODELS]
    with contextlib.ExitStack() as stack:
        measures = {}
        for i, case in enumerate(cases):
            case.work(stack)
            case.save()  # the first one makes the files
            measures |= {f"save {i}": case.save, f"disk {i}": case.disk}
        seconds = {name: spread(values) for name, values in interleave(measures, 12, least=3).items()}
    measures = {"nothing": lambda: seconds_to_ready(lambda: Daemon(folder))}
    measures |= {str(i): (lambda case=case: seconds_to_ready(case.daemon)) for i, case in enumerate(cases)}
    ready = {name: spread(values) for name, values in interleave(measures, 6, least=3, most=11).items()}
    rows = []
    for i, case in enumerate(cases):
        row = {**case.about, "bytes": case.bytes(), "start_seconds": ready[str(i)]}
        row |= {"save_seconds": seconds[f"save {i}"], "disk_seconds": seconds[f"disk {i}"]}
        rows.append(row)
        milliseconds = lambda what: f"{row[what]['median'] * 1e3:.1f} ms"
        say(
            f"{case.streams} x d = {row['dimension']}, K = {row['components']}: start {milliseconds('start_seconds')}, "
            f"save {milliseconds('save_seconds')}, disk alone {milliseconds('disk_seconds')}, {row['bytes'] / 1024:.1f} KiB"
        )
    say(f"no state: start {ready['nothing']['median'] * 1e3:.1f} ms")
    return {"start_seconds": ready["nothing"], "rows": rows}


if __name__ == "__main__":
    import json

    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(run(folder), indent=1))
