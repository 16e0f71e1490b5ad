"""A picture of each part of a run.

    bench/pictures.py bench/results.json docs/pictures
"""

import argparse
import json
import pathlib

import matplotlib

matplotlib.use("svg")
from matplotlib import pyplot  # noqa: E402

import goals  # noqa: E402
import tables  # noqa: E402

COLOURS = {"emulsion": "#c0392b", "sklearn": "#2471a3", "armadillo": "#229954", "plain": "#7d6608", "kmeans": "#7d3c98", "grey": "#888888"}
LABELS = {"emulsion": "Emulsion", "sklearn": "scikit-learn", "armadillo": "Armadillo", "plain": "own loop with Eigen", "kmeans": "MiniBatchKMeans"}
MARKERS = {"emulsion": "o", "sklearn": "s", "armadillo": "^", "plain": "v", "kmeans": "D"}

# The same results give the same file.
matplotlib.rcParams.update({"svg.hashsalt": "emulsion", "svg.fonttype": "path", "font.size": 10, "axes.grid": True, "grid.color": "#dddddd", "axes.axisbelow": True})


def save(figure, folder, name):
    figure.tight_layout()
    figure.savefig(pathlib.Path(folder) / f"performance-{name}.svg", metadata={"Date": None})
    pyplot.close(figure)


def error_bars(values):
    """Quartiles as matplotlib takes them."""
    return [[v["median"] - v["lower_quartile"] for v in values], [v["upper_quartile"] - v["median"] for v in values]]


def em(results, folder):
    figure, axes = pyplot.subplots(1, 2, figsize=(10, 4.2), sharey=True)
    for axis, covariance in zip(axes, ("full", "diagonal")):
        rows = goals.em_rows(results, covariance=covariance)
        for peer, label in LABELS.items():
            if all(any(name.split("-")[0] == peer for name in row["points_per_second"]) for row in rows):
                rates = [goals.best_rate(row, peer)[1] for row in rows]
                axis.plot(range(len(rows)), rates, marker=MARKERS[peer], color=COLOURS[peer], label=label)
        # What dgemm's rate would come to if every useful flop ran at it.
        ceiling = [row["points_per_second"]["emulsion"] / row["fraction_of_dgemm"] for row in rows]
        axis.plot(range(len(rows)), ceiling, linestyle="--", color=COLOURS["grey"], label="useful flops at dgemm's rate")
        axis.set_xticks(range(len(rows)), [goals.shape(row) for row in rows], rotation=30)
        axis.set(yscale="log", title=f"{covariance} covariances", xlabel="d × K")
    axes[0].set_ylabel("points/s of an EM step, one thread")
    axes[1].legend(fontsize=8)
    save(figure, folder, "em")


def daemon(results, folder):
    rows = results["daemon"]["rows"]
    x = [row["rows"] for row in rows]
    figure, axis = pyplot.subplots(figsize=(6.5, 4.2))
    for name, label, colour, marker in (
        ("echo", "raw ZeroMQ, the same frames", COLOURS["sklearn"], "s"),
        ("kernel", "the learner alone", COLOURS["armadillo"], "^"),
        ("daemon", "emulsiond: points in, labels out", COLOURS["emulsion"], "o"),
    ):
        axis.plot(x, [row["points_per_second"][name] for row in rows], marker=marker, color=colour, label=label)
    axis.set(xscale="log", yscale="log", xlabel="rows of a message", ylabel="points/s")
    axis.set_xticks(x, [f"{value:,}" for value in x])
    axis.minorticks_off()
    axis.legend()
    save(figure, folder, "daemon")


def latency(results, folder):
    rates = results["latency"]["rates"]
    figure, axes = pyplot.subplots(1, len(rates), figsize=(10, 3.6), sharey=True)
    for axis, row in zip(axes, rates):
        for name, label, colour in (("daemon", "emulsiond", COLOURS["emulsion"]), ("echo", "raw echo", COLOURS["sklearn"])):
            curve = row[name]["curve"]
            axis.plot([1 / share for share, _ in curve], [1e6 * seconds for _, seconds in curve], color=colour, label=label)
        axis.set(xscale="log", yscale="log", title=f"{row['messages_per_second']:,} messages/s", xlabel="quantile")
        ticks = [value for value in (1, 10, 100, 1000, 10000) if value <= 1 / row["daemon"]["curve"][-1][0] * 1.01]
        axis.set_xticks(ticks, [{1: "least", 10: "90 %", 100: "99 %", 1000: "99.9 %", 10000: "99.99 %"}[value] for value in ticks], fontsize=8)
        axis.minorticks_off()
    axes[0].set_ylabel("µs from due to label")
    axes[0].legend()
    save(figure, folder, "latency")


def growth(results, folder):
    found = results["growth"]
    figure, axes = pyplot.subplots(2, 3, figsize=(14, 7.4))
    for axis, name in zip(axes.flat, ("points", "components", "dimensions_full", "dimensions_diagonal")):
        series = found[name]
        seconds = series["seconds"]
        medians = [value["median"] for value in seconds]
        label = f"{series['of']}: exponent {series['exponent_of_larger_half']:.2f}"
        axis.errorbar(series["values"], medians, yerr=error_bars(seconds), marker="o", color=COLOURS["emulsion"], label=label)
        anchor, value = medians[-1], series["values"][-1]
        expected = [anchor * (v / value) ** series["expected"] for v in series["values"]]
        axis.plot(series["values"], expected, linestyle="--", color=COLOURS["grey"], label=f"exponent {series['expected']}")
        axis.set(xscale="log", yscale="log", ylabel="seconds of an EM step", xlabel=series["of"].split(",")[0])
        axis.legend(fontsize=8)
    axis = axes.flat[4]
    rows = found["streams"]["rows"]
    x = [row["streams"] for row in rows]
    axis.plot(x, [1e6 * row["seconds_per_point"]["median"] for row in rows], marker="o", color=COLOURS["emulsion"], label="time a point, µs")
    axis.plot(x, [row["bytes"] / 1048576 for row in rows], marker="s", color=COLOURS["sklearn"], label="resident memory, MiB")
    axis.set(xscale="log", yscale="log", xlabel="streams of d = 4, K = 4 in one daemon")
    axis.legend(fontsize=8)
    axis = axes.flat[5]
    for (_, row, exponent), colour, marker in zip(tables.threads_series(results), (COLOURS["emulsion"], COLOURS["sklearn"]), "os"):
        times = [1e9 * row["seconds"][count]["median"] / row["points"] for count in ("1", "2")]
        axis.plot([1, 2], times, marker=marker, color=colour, label=f"{goals.shape(row)}: exponent {exponent:.2f}")
        axis.plot([1, 2], [times[0], times[0] / 2], linestyle="--", color=COLOURS["grey"], label="exponent -1" if marker == "o" else None)
    axis.set(xscale="log", yscale="log", ylabel="ns a point", xlabel="threads, mini-batches of 4,096")
    axis.set_xticks([1, 2], ["1", "2"])
    axis.xaxis.set_tick_params(which="minor", bottom=False, labelbottom=False)
    axis.legend(fontsize=8)
    save(figure, folder, "growth")


def start(results, folder):
    rows = results["start"]["rows"]
    names = ["no model"] + [f"{row['streams']} of {goals.shape(row)}" for row in rows]
    figure, axes = pyplot.subplots(1, 2, figsize=(10, 3.4))
    ready = [results["start"]["start_seconds"]] + [row["start_seconds"] for row in rows]
    axes[0].barh(names, [1e3 * value["median"] for value in ready], color=COLOURS["emulsion"])
    axes[0].set(xlabel="ms from exec to ready")
    y = range(len(rows))
    axes[1].barh([i + 0.2 for i in y], [1e3 * row["save_seconds"]["median"] for row in rows], height=0.4, color=COLOURS["emulsion"], label="save")
    axes[1].barh([i - 0.2 for i in y], [1e3 * row["disk_seconds"]["median"] for row in rows], height=0.4, color=COLOURS["grey"], label="disk alone")
    axes[1].set_yticks(list(y), [f"{name}, {row['bytes'] / 1024:,.0f} KiB" for name, row in zip(names[1:], rows)])
    axes[1].set(xlabel="ms of a save", xscale="log", xlim=(1, None))
    axes[1].legend()
    save(figure, folder, "start")


PICTURES = {"em": em, "daemon": daemon, "latency": latency, "growth": growth, "start": start}


def draw(results, folder):
    """Those of the measured parts."""
    for part, picture in PICTURES.items():
        if part in results:
            picture(results, folder)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=pathlib.Path)
    parser.add_argument("folder", type=pathlib.Path)
    arguments = parser.parse_args()
    draw(json.loads(arguments.results.read_text()), arguments.folder)


if __name__ == "__main__":
    main()
