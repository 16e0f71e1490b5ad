"""The goals: what was found beside what was wanted, from the results of a run.

Each is {what, found, goal, reached, text}: `found` is the worst figure of all cases that the goal speaks of, `text` says
it for people. `reached` is None where nothing could be measured.
"""

MICROSECONDS = 1e6
KIB = 1024

# Two threads may be so much slower than one on small mini-batches before that is more than noise.
NOISE = 0.03


def goal_row(what, found, goal, at_least=True, unit="×", digits=1, note=""):
    """A figure that should be at least the goal, or at most. None: not measured."""
    if found is None:
        return {"what": what, "found": None, "goal": goal, "reached": None, "text": "not available", "wanted": wanted(goal, at_least, unit, digits)}
    reached = found >= goal if at_least else found <= goal
    text = f"{found:.{digits}f}{unit and ' ' + unit}" + (f" ({note})" if note else "")
    return {"what": what, "found": found, "goal": goal, "reached": reached, "text": text, "wanted": wanted(goal, at_least, unit, digits)}


def wanted(goal, at_least, unit, digits):
    shown = f"{goal:.{digits}f}".rstrip("0").rstrip(".") if "." in f"{goal:.{digits}f}" else f"{goal:.{digits}f}"
    return f"{'≥' if at_least else '≤'} {shown}{unit and ' ' + unit}"


def shape(row):
    return f"{row['dimension']} × {row['components']}"


def best_rate(row, *peers):
    """The faster of some peers, whatever build: (name, points per second)."""
    rates = {name: rate for name, rate in row["points_per_second"].items() if name.split("-")[0] in peers}
    name = max(rates, key=rates.get)
    return name, rates[name]


def over(row, *peers):
    return row["points_per_second"]["emulsion"] / best_rate(row, *peers)[1]


def em_rows(results, kind="touching", threads=1, covariance=None):
    return [
        row
        for row in results["em"]["rows"]
        if row["kind"] == kind and row["threads"] == threads and covariance in (None, row["covariance"])
    ]


def worst(rows, figure):
    """(row, figure) where the figure is least."""
    return min(((row, figure(row)) for row in rows), key=lambda pair: pair[1])


def em_goals(results):
    faster = lambda row: over(row, "sklearn", "armadillo")
    full, diagonal = em_rows(results, covariance="full"), em_rows(results, covariance="diagonal")

    def least(what, rows, figure, goal, **more):
        row, found = worst(rows, figure)
        return goal_row(what, found, goal, note=f"at {shape(row)}", **more)

    of = lambda rows, *dimensions: [row for row in rows if row["dimension"] in dimensions]
    goals = [
        least("full covariances, d ≤ 8: over the faster of scikit-learn and Armadillo", of(full, 2, 4, 8), faster, 12),
        least("full covariances, d = 16", of(full, 16), faster, 9),
        least("full covariances, d = 32", of(full, 32), faster, 5),
        least("full covariances, d = 64", of(full, 64), faster, 3),
        least("diagonal covariances, d ≤ 8: over the faster of them", of(diagonal, 2, 4, 8), faster, 10),
        least("diagonal covariances, d > 8", of(diagonal, 16, 32, 64), faster, 5),
        least("diagonal covariances: over MiniBatchKMeans.partial_fit", diagonal, lambda row: over(row, "kmeans"), 3),
        least("full covariances, d ≥ 16: useful flops, of dgemm's", of(full, 16, 32, 64), lambda row: row["fraction_of_dgemm"], 0.65, unit="", digits=2),
        least("d = 2, K = 4, full: over scikit-learn", of(full, 2), lambda row: over(row, "sklearn"), 30),
        goal_row("d = 16, K = 256, clusters 6 σ apart: over the dense kernel", results["em"]["skipping"]["ratio"], 3),
    ]
    return goals


def daemon_goals(results):
    def share(row):
        rates = row["points_per_second"]
        return rates["daemon"] / min(rates["echo"], rates["kernel"])

    row, found = worst([row for row in results["daemon"]["rows"] if row["rows"] >= 256], share)
    return [goal_row("end to end, messages of 256 rows and more: of the lower of raw ZeroMQ and the kernel", found, 0.8, digits=2, note=f"at {row['rows']} rows")]


def latency_goals(results):
    row = next(row for row in results["latency"]["rates"] if row["messages_per_second"] == 1000)
    goals = []
    for label, name, most in (("p50", "p50", 60), ("p99", "p99", 300)):
        beyond = (row["daemon"][name]["median"] - row["echo"][name]["median"]) * MICROSECONDS
        goals.append(goal_row(f"latency at 1,000 messages/s, {label}: beyond the raw echo", beyond, most, at_least=False, unit="µs", digits=0))
    return goals


def growth_goals(results):
    growth = results["growth"]
    large = [row for row in growth["threads"] if row["batch_points"] >= 4096]
    small = [row for row in growth["threads"] if row["batch_points"] < 4096]
    streams = growth["streams"]
    most = streams["rows"][-1]["streams"]
    beyond = (streams["bytes_each"] - streams["statistics_bytes"]) / KIB
    row, found = worst(large, lambda row: row["ratio"])
    small_row, small_found = worst(small, lambda row: row["ratio"])
    return [
        goal_row("two threads over one, mini-batches of 4,096 points", found, 1.8, digits=2, note=f"at {shape(row)}"),
        goal_row("two threads over one, mini-batches of 64 points: not slower", small_found, 1 - NOISE, digits=2, note=f"at {shape(small_row)}"),
        goal_row(f"{most:,} streams of d = 4, K = 4: memory of each beyond its statistics", beyond, 8, at_least=False, unit="KiB"),
        goal_row(f"{most:,} streams: time a point beyond that of 1 stream", 100 * streams["slower_than_one"], 25, at_least=False, unit="%", digits=0),
    ]


PARTS = {"em": em_goals, "daemon": daemon_goals, "latency": latency_goals, "growth": growth_goals}


def goals_of(results):
    """Those that the measured parts tell of."""
    return [goal for part, goals in PARTS.items() if part in results for goal in goals(results)]
