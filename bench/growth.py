"""Part 4: how cost grows with points, components, coordinates, streams and threads; and what a stream takes of memory."""

import math

import workloads
from contenders import BIN, CORES, Contender, Program, race, say, spread, interleave
from daemon import Line
from daemons import Daemon

import contextlib

POINTS = [1 << 12, 1 << 14, 1 << 16, 1 << 18, 1 << 20]
COMPONENTS = [2, 4, 8, 16, 32, 64, 128, 256]
DIMENSIONS = [2, 4, 8, 16, 32, 64, 128]
STREAMS = [1, 10, 100, 1000, 10000]
STREAM_DIMENSION, STREAM_COMPONENTS, STREAM_ROWS = 4, 4, 16
BATCH_POINTS = 256  # of the daemon, where nothing else is configured
THREADED_BATCHES = [64, 4096]
THREADED_SHAPES = [(8, 8), (32, 16)]


def exponent(values, costs):
    """The slope of the straight line through the logarithms, by least squares."""
    x, y = [math.log(value) for value in values], [math.log(cost) for cost in costs]
    mean_x, mean_y = sum(x) / len(x), sum(y) / len(y)
    return sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y)) / sum((a - mean_x) ** 2 for a in x)


def series(name, of, folder, workloads_by_value, expected, budget_seconds):
    """The seconds of an EM step where one thing grows, all values taking turns."""
    with Program(BIN / "bench_emulsion") as program:
        contenders = [
            Contender(str(value), program, "em", data=workloads.make(workload, folder)) for value, workload in workloads_by_value.items()
        ]
        for contender in contenders:
            contender.calibrate(0.03)
        seconds = race(contenders, budget_seconds)
    values = list(workloads_by_value)
    medians = [seconds[str(value)]["median"] for value in values]
    # The larger half, where what does not grow counts less.
    half = len(values) // 2
    found = {
        "of": of,
        "values": values,
        "seconds": [seconds[str(value)] for value in values],
        "expected": expected,
        "exponent": exponent(values, medians),
        "exponent_of_larger_half": exponent(values[half:], medians[half:]),
    }
    say(f"{name}: exponent {found['exponent']:.2f}, {found['exponent_of_larger_half']:.2f} in the larger half; {expected} expected")
    return found


def steps(folder):
    few = 16384
    full = lambda d, k, n: workloads.Workload(d, k, n, "full")
    diagonal = lambda d, k, n: workloads.Workload(d, k, n, "diagonal")
    return {
        "points": series("points", "points, d = 8, K = 8, full", folder, {n: full(8, 8, n) for n in POINTS}, 1, 3),
        "components": series("components", "components, d = 8, full", folder, {k: full(8, k, few) for k in COMPONENTS}, 1, 3),
        "dimensions_full": series("coordinates, full", "coordinates, K = 8, full", folder, {d: full(d, 8, few) for d in DIMENSIONS}, 2, 3),
        "dimensions_diagonal": series(
            "coordinates, diagonal", "coordinates, K = 8, diagonal", folder, {d: diagonal(d, 8, few) for d in DIMENSIONS}, 1, 3
        ),
    }


def threads(folder):
    """Two threads beside one in mini-batches, as a stream learns them."""
    rows = []
    for d, k in THREADED_SHAPES:
        data = workloads.make(workloads.Workload(d, k, 32768, "full"), folder)
        for batch_points in THREADED_BATCHES:
            with contextlib.ExitStack() as stack:
                contenders = []
                for count in (1, 2):
                    program = stack.enter_context(Program(BIN / "bench_emulsion", threads=count))
                    contenders.append(Contender(str(count), program, "stream", data=data, message_rows=batch_points, batch_points=batch_points))
                for contender in contenders:
                    contender.calibrate(0.1)
                seconds = race(contenders, 2, least=5)
            ratio = seconds["1"]["median"] / seconds["2"]["median"]
            rows.append({"dimension": d, "components": k, "batch_points": batch_points, "seconds": seconds, "ratio": ratio, "points": data["points"]})
            say(f"d = {d}, K = {k}, mini-batches of {batch_points}: two threads {ratio:.2f} x one")
    return rows


def statistics_bytes(dimension, components):
    """What a stream must remember: weight, mean and scatter of each component, in double precision."""
    return 8 * components * (1 + dimension + dimension * (dimension + 1) // 2)


def streams(folder):
    """The daemon with 1 to 10,000 models, messages to each in turn."""
    data = workloads.make(workloads.Workload(STREAM_DIMENSION, STREAM_COMPONENTS, 65536, "full"), folder)
    messages = 20000
    rows, lines = [], {}
    with contextlib.ExitStack() as stack:
        for count in STREAMS:
            daemon = stack.enter_context(Daemon(folder, model=f"{data['folder']}/model.json", options="max_streams = 100000"))
            before = daemon.memory_bytes()
            lines[count] = Line(stack, data, daemon, STREAM_ROWS, streams=count)
            rows.append({"streams": count, "daemon": daemon, "before": before})
        turn = lambda count: lines[count].throughput(max(count, messages))
        # Every stream has had a mini-batch before the clock starts, so all have the memory that they will have.
        for count in STREAMS:
            for _ in range(math.ceil((1 + BATCH_POINTS // STREAM_ROWS) * count / max(count, messages))):
                turn(count)
        measures = {count: (lambda count=count: turn(count)["seconds"] / max(count, messages) / STREAM_ROWS) for count in STREAMS}
        seconds = interleave(measures, 6, least=3)
        for row in rows:
            row["seconds_per_point"] = spread(seconds[row["streams"]])
            row["bytes"] = row.pop("daemon").memory_bytes()
    most, least = rows[-1], rows[0]
    each = (most["bytes"] - least["bytes"]) / (most["streams"] - least["streams"])
    result = {
        "dimension": STREAM_DIMENSION,
        "components": STREAM_COMPONENTS,
        "message_rows": STREAM_ROWS,
        "rows": rows,
        "exponent": exponent([row["streams"] for row in rows], [row["seconds_per_point"]["median"] for row in rows]),
        "bytes_each": each,
        "statistics_bytes": statistics_bytes(STREAM_DIMENSION, STREAM_COMPONENTS),
        "slower_than_one": most["seconds_per_point"]["median"] / least["seconds_per_point"]["median"] - 1,
    }
    say(f"streams: {each / 1024:.1f} KiB each, {result['slower_than_one']:+.0%} time a point at {most['streams']}")
    return result


def run(folder):
    return {**steps(folder), "threads": threads(folder), "streams": streams(folder)}


if __name__ == "__main__":
    import json
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(run(folder), indent=1))
