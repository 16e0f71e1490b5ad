"""Parts 2 and 3: points in and labels out over TCP on loopback, beside raw ZeroMQ that moves the same frames."""

import contextlib
import math

import workloads
from contenders import BIN, Contender, Program, interleave, say, spread
from daemons import Daemon, Echo

WORKLOAD = workloads.Workload(8, 8, 131072, "full")
ROWS = [1, 16, 256, 4096]
RATES = [100, 1000, 10000]
LATENCY_SECONDS = {100: 4, 1000: 3, 10000: 2}
LATENCY_ROWS = 1
QUANTILES = {"p50": 0.5, "p99": 0.99, "p99_9": 0.999}


class Line:
    """A load program with its connection to a daemon or an echo."""

    def __init__(self, stack, data, peer, rows, streams=1):
        self.program = stack.enter_context(Program(BIN / "bench_load"))
        self.load = Contender("load", self.program, "load", data=data, input=peer.input, output=peer.output, rows=rows, streams=streams)

    def throughput(self, messages):
        return self.load.ask("throughput", messages=messages)

    def latencies(self, messages, rate):
        return sorted(self.load.ask("latencies", messages=messages, rate=rate)["seconds"])


@contextlib.contextmanager
def daemon_and_echo(folder, data, rows):
    """A line to a daemon, and one to an echo whose answers are as long as the daemon's."""
    with contextlib.ExitStack() as stack:
        daemon = stack.enter_context(Daemon(folder, model=f"{data['folder']}/model.json"))
        daemon_line = Line(stack, data, daemon, rows)
        echo = stack.enter_context(Echo(daemon_line.throughput(64)["answer_bytes"]))
        yield daemon_line, Line(stack, data, echo, rows)


def messages_for(line, rows, seconds, most):
    """How many messages keep a line busy for so long."""
    count = 64
    while True:
        took = line.throughput(count)["seconds"]
        if took > seconds / 4 or count >= most:
            return max(64, min(most, round(count * seconds / took)))
        count *= 4


def throughput(folder, budget_seconds):
    data = workloads.make(WORKLOAD, folder)
    rows_of = []
    with Program(BIN / "bench_emulsion") as program:
        for rows in ROWS:
            kernel = Contender("kernel", program, "stream", data=data, message_rows=rows, batch_points=256)
            kernel.calibrate(0.1)
            with daemon_and_echo(folder, data, rows) as (daemon, echo):
                # So that what is encoded beforehand takes 64 MiB at most.
                most = min(1 << 17, (1 << 26) // (rows * WORKLOAD.dimension * 8))
                counts = {"daemon": messages_for(daemon, rows, 0.4, most), "echo": messages_for(echo, rows, 0.4, most)}
                measures = {
                    "daemon": lambda: daemon.throughput(counts["daemon"])["seconds"] / counts["daemon"] / rows,
                    "echo": lambda: echo.throughput(counts["echo"])["seconds"] / counts["echo"] / rows,
                    "kernel": lambda: kernel.seconds() / data["points"],
                }
                seconds = {name: spread(values) for name, values in interleave(measures, budget_seconds).items()}
            kernel.drop()
            rates = {name: 1 / value["median"] for name, value in seconds.items()}
            rows_of.append({"rows": rows, "seconds_per_point": seconds, "points_per_second": rates})
            say(f"messages of {rows}: " + ", ".join(f"{name} {rate / 1e6:.3f}" for name, rate in rates.items()) + " M points/s")
    return {"dimension": WORKLOAD.dimension, "components": WORKLOAD.components, "batch_points": 256, "rows": rows_of}


def quantile(ordered, share):
    return ordered[min(len(ordered) - 1, math.ceil(share * len(ordered)) - 1)]


def latency(folder, rounds):
    data = workloads.make(WORKLOAD, folder)
    result = []
    with daemon_and_echo(folder, data, LATENCY_ROWS) as (daemon, echo):
        for rate in RATES:
            count = rate * LATENCY_SECONDS[rate]
            for line in (daemon, echo):
                line.latencies(max(10, count // 10), rate)  # so that neither has just begun
            measures = {"daemon": lambda: daemon.latencies(count, rate), "echo": lambda: echo.latencies(count, rate)}
            found = interleave(measures, 0, least=rounds, most=rounds)
            row = {"messages_per_second": rate, "messages": count}
            for name, repeats in found.items():
                row[name] = {label: spread([quantile(repeat, share) for repeat in repeats]) for label, share in QUANTILES.items()}
                row[name]["curve"] = curve(repeats)
            result.append(row)
            tell = lambda name: ", ".join(f"{label} {row[name][label]['median'] * 1e6:.0f}" for label in QUANTILES)
            say(f"{rate} messages/s: daemon {tell('daemon')} µs; echo {tell('echo')} µs")
    return {"dimension": WORKLOAD.dimension, "components": WORKLOAD.components, "message_rows": LATENCY_ROWS, "rates": result}


def curve(repeats):
    """Quantiles of all repeats together, ever finer towards the slowest, for a picture: [share that is slower, seconds]."""
    pooled = sorted(value for repeat in repeats for value in repeat)
    slower = [10 ** (-step / 8) for step in range(0, int(8 * math.log10(len(pooled))) + 1)]
    return [[share, quantile(pooled, 1 - share) if share < 1 else pooled[0]] for share in slower]


if __name__ == "__main__":
    import json
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        throughput(folder, 4)
        latency(folder, 3)
