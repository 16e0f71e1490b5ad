"""How good the clusters are: `emulsion fit` beside scikit-learn's GaussianMixture, in one run on the same data.

For each set and covariance: the mean log likelihood and the adjusted Rand index of
  peer    GaussianMixture(n_init=10, tol=1e-4, max_iter=300), from k-means
  batch   emulsion fit
  online  emulsion fit --algorithm online: one pass, the mean and the worst of five orders; its likelihood is that of the
          final model on all points

Goals, where the likelihood is comparable: batch reaches the peer's likelihood less 0.005 and its index less 0.01; online
comes within 0.02 of batch in every order with every component alive. Where a covariance can collapse the likelihood means
nothing, and the index alone counts.
"""

import argparse
import csv
import json
import pathlib
import subprocess
import sys
import tempfile
import warnings

import numpy
from sklearn.metrics import adjusted_rand_score
from sklearn.mixture import GaussianMixture

ORDERS = 5
HERE = pathlib.Path(__file__).resolve().parent.parent / "clients" / "data"

# File, components, whether the likelihoods can be compared, and the lowest index of batch with full covariances.
SETS = [
    ("old_faithful", 2, True, None),
    ("iris", 3, True, None),
    ("s1", 15, True, None),
    ("hepta", 7, True, None),
    ("nab_machine_temp", 4, True, None),
    ("wine", 3, False, 0.90),
    ("occ_train", 4, False, None),
]


def read(path):
    """Points, n x d, and labels, n or None."""
    with open(path, newline="") as file:
        header, *rows = list(csv.reader(file))
    labels = [row[header.index("label")] for row in rows] if "label" in header else None
    columns = [i for i, name in enumerate(header) if name != "label"]
    return numpy.array([[float(row[i]) for i in columns] for row in rows]), labels


def write(path, points):
    with open(path, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([f"x{j}" for j in range(points.shape[1])])
        writer.writerows([[repr(float(x)) for x in row] for row in points])


class Bench:
    def __init__(self, emulsion, folder):
        self.emulsion = emulsion
        self.folder = pathlib.Path(folder)

    def run(self, *arguments):
        done = subprocess.run([self.emulsion, *map(str, arguments)], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            sys.exit(f"emulsion {' '.join(map(str, arguments))}: {done.stderr.strip()}")
        return done.stdout

    def fit(self, points, labels, components, covariance, *further):
        """The result of a fit, its mean log likelihood on these points, and its index against the labels."""
        data, model = self.folder / "points.csv", self.folder / "model.emulsion"
        write(data, points)
        result = json.loads(self.run("fit", data, "-k", components, "--covariance", covariance, "--json", "--quiet", "-o", model, *further))
        rows = [json.loads(line) for line in self.run("score", model, data, "--json").splitlines()]
        rows = [row for row in rows if "label" in row]
        mean = float(numpy.mean([row["log_density"] for row in rows]))
        return result, mean, None if labels is None else adjusted_rand_score(labels, [str(row["label"]) for row in rows])


def measure(bench, points, labels, components, covariance):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        peer = GaussianMixture(components, covariance_type={"full": "full", "diagonal": "diag"}[covariance], tol=1e-4, max_iter=300,
                               n_init=10, random_state=0).fit(points)
    row = {"peer": peer.score(points), "peer_ari": None if labels is None else adjusted_rand_score(labels, peer.predict(points))}
    result, row["batch"], row["batch_ari"] = bench.fit(points, labels, components, covariance)
    if abs(result["mean_log_likelihood"] - row["batch"]) > 1e-9 * abs(row["batch"]):
        sys.exit(f"fit reports {result['mean_log_likelihood']}, score {row['batch']}")
    online, indices, alive = [], [], []
    for order in range(ORDERS):
        shuffled = numpy.random.RandomState(order).permutation(len(points))
        result, mean, index = bench.fit(points[shuffled], None if labels is None else [labels[i] for i in shuffled], components, covariance,
                                        "--algorithm", "online")
        online.append(mean)
        indices.append(index)
        alive.append(sum(not component.get("starved", False) for component in result["components"]))
    row.update(online=online, online_ari=None if labels is None else float(numpy.mean(indices)), alive=min(alive))
    return row


def verdict(row, components, comparable, lowest_index):
    missed = []
    if comparable:
        if not row["batch"] >= row["peer"] - 0.005:
            missed.append("batch likelihood")
        if row["peer_ari"] is not None and not row["batch_ari"] >= row["peer_ari"] - 0.01:
            missed.append("batch index")
        if not min(row["online"]) >= row["batch"] - 0.02:
            missed.append("online likelihood")
        if row["alive"] < components:
            missed.append("a component died")
    elif lowest_index is not None and not row["batch_ari"] >= lowest_index:
        missed.append("batch index")
    return missed


def number(value, form):
    return "-" if value is None else format(value, form)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", default=HERE, type=pathlib.Path)
    parser.add_argument("--emulsion", required=True)
    arguments = parser.parse_args()

    print(f"{'set':18} {'covariance':10} {'n x d':>10} {'K':>3} | {'peer':>9} {'batch':>9} {'online':>9} {'worst':>9} | "
          f"{'peer':>6} {'batch':>6} {'online':>6} | alive  missed")
    print(f"{'':44} | {'mean log likelihood':^39} | {'adjusted Rand':^20} |")
    failed, found = False, 0
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(arguments.emulsion, folder)
        for name, components, comparable, lowest_index in SETS:
            path = arguments.folder / f"{name}.csv"
            if not path.exists():
                continue
            found += 1
            points, labels = read(path)
            for covariance in ("full", "diagonal"):
                row = measure(bench, points, labels, components, covariance)
                missed = verdict(row, components, comparable, lowest_index if covariance == "full" else None)
                failed |= bool(missed)
                print(f"{name:18} {covariance:10} {len(points):>6}x{points.shape[1]:<3} {components:>3} | {row['peer']:9.4f} {row['batch']:9.4f} "
                      f"{numpy.mean(row['online']):9.4f} {min(row['online']):9.4f} | {number(row['peer_ari'], '6.3f'):>6} "
                      f"{number(row['batch_ari'], '6.3f'):>6} {number(row['online_ari'], '6.3f'):>6} | {row['alive']:>2}/{components:<3} "
                      f"{', '.join(missed) or '-'}{'' if comparable else '  (likelihoods not comparable)'}", flush=True)
    if not found:
        sys.exit(f"{arguments.folder} has none of {', '.join(name + '.csv' for name, *_ in SETS)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
