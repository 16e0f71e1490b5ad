#!/usr/bin/env python3
"""The ugliest points, given to scikit-learn's GaussianMixture and to `emulsion fit`: what each does, as a table.

    tests/numbers/beside_sklearn.py build/release/bin/emulsion

Three clusters in three dimensions, 300 points, made ugly; K = 3, full covariances. "as it should be" means: a model of finite
parameters whose clusters are those of the points before they were made ugly, with variances within 40 % where moving and
scaling have an inverse.
"""

import json
import pathlib
import subprocess
import sys
import tempfile
import warnings

import numpy
import sklearn
from sklearn.mixture import GaussianMixture

N = 300
CENTRES = numpy.array([[0.0, 0.0, 0.0], [8.0, 0.0, 4.0], [0.0, 8.0, -4.0]])


def good():
    generator = numpy.random.default_rng(3)
    return CENTRES[generator.integers(3, size=N)] + generator.standard_normal((N, 3))


def with_cell(row, column, value):
    def make():
        points = good()
        points[row, column] = value
        return points

    return make


def with_row(row, value):
    def make():
        points = good()
        points[row] = value
        return points

    return make


def with_column(column, values):
    def make():
        points = good()
        points[:, column] = values(points)
        return points

    return make


def undo(offset, scale):
    """Where the clusters are to be found, and what their variances are."""
    return lambda mean: (mean - offset) / scale, lambda variance: variance / scale / scale


SAME = undo(0, 1)
CASES = [
    ("a cell is NaN", with_cell(5, 1, numpy.nan), SAME),
    ("a cell is infinite", with_cell(5, 1, numpy.inf), SAME),
    ("an outlier of 1e20", with_row(5, 1e20), None),
    ("an outlier of 1e155", with_row(5, 1e155), SAME),
    ("an outlier of 1e200", with_row(5, 1e200), SAME),
    ("offset 1e6", lambda: good() + 1e6, undo(1e6, 1)),
    ("offset 1.7e9", lambda: good() + 1.7e9, undo(1.7e9, 1)),
    ("offset 1.7e12", lambda: good() + 1.7e12, undo(1.7e12, 1)),
    ("a column of times in nanoseconds", with_column(2, lambda _: 1.7e18 + 1e9 * numpy.arange(N)), None),
    ("a constant column", with_column(2, lambda _: 4.0), None),
    ("two equal columns", with_column(2, lambda points: points[:, 0]), None),
    ("all points equal", lambda: numpy.full((N, 3), 2.5), None),
    ("one point", lambda: good()[:1], None),
    ("two points, three dimensions", lambda: good()[:2], None),
    ("scale 1e-6", lambda: good() * 1e-6, undo(0, 1e-6)),
    ("scale 1e-100", lambda: good() * 1e-100, undo(0, 1e-100)),
    ("scale 1e-160", lambda: good() * 1e-160, None),
    ("scale 1e100", lambda: good() * 1e100, undo(0, 1e100)),
    ("scale 1e145", lambda: good() * 1e145, undo(0, 1e145)),
    ("zeros of both signs", lambda: numpy.copysign(0.0, good()), None),
    ("subnormal numbers", lambda: numpy.round(good() * 10) * 5e-324, None),
    ("points sorted by the first column", lambda: good()[numpy.argsort(good()[:, 0])], SAME),
    ("a cell is minus infinite", with_cell(5, 1, -numpy.inf), SAME),
    ("scale 1e148", lambda: good() * 1e148, undo(0, 1e148)),
    ("one point far away, two equal ones", lambda: numpy.array([[0.0, 0.0, 0.0], [0.0, 0.0, 0.0], [1e6, 1e6, 1e6]]), None),
    ("one cluster, for three components", lambda: good() % 1, None),
    ("no points", lambda: good()[:0], None),
]


def judged(weights, means, variances, undone):
    """In words: whether a model is one, and the right one."""
    if not all(numpy.isfinite(part).all() for part in (weights, means, variances)):
        return "a model of numbers that are not finite"
    if not (variances > 0).all():
        return "variances that are not > 0"
    if undone is None:
        return "a sound model"
    where, how_wide = undone
    found = where(means)
    distances = numpy.linalg.norm(found[:, None] - CENTRES[None], axis=2)
    if sorted(distances.argmin(axis=1)) != [0, 1, 2] or distances.min(axis=1).max() > 0.5:
        return "a model of other clusters"
    worst = numpy.abs(how_wide(variances) - 1).max()
    return "as it should be" if worst < 0.4 else f"variances wrong by {worst:.2g} of themselves"


def sklearn_does(points, undone):
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        try:
            model = GaussianMixture(3, random_state=0, n_init=5).fit(points)
        except Exception as error:  # whatever it throws is what is told
            return f"{type(error).__name__}: {str(error).splitlines()[0][:70]}"
    variances = numpy.array([numpy.diag(covariance) for covariance in model.covariances_])
    words = judged(model.weights_, model.means_, variances, undone)
    return words + (f", warned: {told[0].category.__name__}" if told else "")


def sklearn_scores_two_coordinates():
    try:
        GaussianMixture(3, random_state=0).fit(good()).predict(good()[:, :2])
    except ValueError as error:
        return f"ValueError: {str(error).splitlines()[0][:70]}"
    return "labels"


def emulsion_scores_two_coordinates(emulsion, folder, algorithm):
    fitted = emulsion_does(emulsion, good(), None, folder, algorithm)
    if not pathlib.Path(folder, "model.json").exists():
        return f"no model to begin with: {fitted}"
    path = pathlib.Path(folder) / "points.npy"
    numpy.save(path, good()[:, :2])
    done = subprocess.run([emulsion, "score", folder + "/model.json", path], capture_output=True, text=True)
    told = done.stderr.splitlines() or [""]
    return f"exit {done.returncode}: {told[0].replace(folder + '/', '')}" if done.returncode else "labels"


def emulsion_does(emulsion, points, undone, folder, algorithm):
    path = pathlib.Path(folder) / "points.npy"
    numpy.save(path, points)
    command = [emulsion, "fit", path, "-k", "3", "--algorithm", algorithm, "--on-error", "skip", "--quiet", "-o", folder + "/model.json"]
    written = pathlib.Path(folder, "model.json")
    written.unlink(missing_ok=True)
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    told = [line for line in done.stderr.splitlines() if line.strip()]
    if done.returncode not in (0, 65) or not written.exists():
        return f"exit {done.returncode}: {told[0].replace(folder + '/', '') if told else ''}"
    model = json.loads(written.read_text())
    components = model["components"]
    means = numpy.array([component["parameters"]["mean"] for component in components])
    covariances = numpy.array([component["parameters"]["covariance"] for component in components])
    variances = numpy.array([numpy.diag(covariance) for covariance in covariances])
    words = judged(numpy.array([component["weight"] for component in components]), means, variances, undone)
    skipped = [line.split("skipped: ")[1].replace(folder + "/", "") for line in told if "skipped: " in line]
    warned = [line.removeprefix("warning: ") for line in done.stdout.splitlines() if line.startswith("warning: ")]
    return words + (f"; told and left out: `{skipped[0]}`" if skipped else "") + (f"; warned: `{warned[0]}`" if warned else "") + (f" and {len(warned) - 1} more" if len(warned) > 1 else "")


def main():
    emulsion = sys.argv[1]
    print(f"| input | scikit-learn {sklearn.__version__} | `emulsion fit` | `emulsion fit --algorithm online` |")
    print("|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for name, make, undone in CASES:
            ours = [emulsion_does(emulsion, make(), undone, folder, algorithm) for algorithm in ("batch", "online")]
            print(f"| {name} | {sklearn_does(make(), undone)} | {ours[0]} | {ours[1]} |", flush=True)
        ours = [emulsion_scores_two_coordinates(emulsion, folder, algorithm) for algorithm in ("batch", "online")]
        print(f"| labels for points of two coordinates | {sklearn_scores_two_coordinates()} | {ours[0]} | {ours[1]} |")


if __name__ == "__main__":
    main()
