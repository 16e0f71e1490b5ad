"""scikit-learn as a contender: a co-process that does one repeat when it is told to.

Reads one JSON request a line and answers each with one line; see contender.h.
"""

import json
import sys
import time
import warnings

import numpy
from sklearn.cluster import MiniBatchKMeans
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture

import workloads

warnings.filterwarnings("ignore", category=ConvergenceWarning)


class Em:
    """GaussianMixture. An iteration costs the difference of two fits, one with more iterations than the other."""

    def __init__(self, request):
        data = request["data"]
        self.points, self.weights, self.means, covariances = workloads.load(data)
        self.full = data["covariance"] == "full"
        self.precisions = numpy.linalg.inv(covariances) if self.full else 1 / covariances

    def fit(self, iterations):
        model = GaussianMixture(
            len(self.weights),
            covariance_type="full" if self.full else "diag",
            tol=0,
            reg_covar=0,
            max_iter=iterations,
            init_params="random",
            random_state=1,
            weights_init=self.weights,
            means_init=self.means,
            precisions_init=self.precisions,
        )
        began = time.perf_counter()
        model.fit(self.points)
        return model, time.perf_counter() - began

    def log_likelihood(self):
        return float(self.fit(1)[0].score(self.points))

    def seconds(self, steps):
        few, many = self.fit(1)[1], self.fit(1 + steps)[1]
        return (many - few) / steps


class OnlineKMeans:
    """MiniBatchKMeans.partial_fit over all points, in mini-batches of `batch_points`."""

    def __init__(self, request):
        self.points, _, self.means, _ = workloads.load(request["data"])
        self.batch_points = request["batch_points"]

    def seconds(self, steps):
        total = 0
        for _ in range(steps):
            model = MiniBatchKMeans(len(self.means), init=self.means, n_init=1, batch_size=self.batch_points, random_state=1)
            began = time.perf_counter()
            for first in range(0, len(self.points), self.batch_points):
                model.partial_fit(self.points[first : first + self.batch_points])
            total += time.perf_counter() - began
        return total / steps


KINDS = {"sklearn": Em, "kmeans": OnlineKMeans}


def main():
    contenders = {}
    for line in sys.stdin:
        request = json.loads(line)
        answer = {}
        if request["do"] == "prepare":
            contenders[request["id"]] = KINDS[request["contender"]](request)
        elif request["do"] == "drop":
            del contenders[request["id"]]
        elif request["do"] == "log_likelihood":
            answer["log_likelihood"] = contenders[request["id"]].log_likelihood()
        else:
            answer["seconds"] = contenders[request["id"]].seconds(request["steps"])
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
