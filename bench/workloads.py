"""The data of every measurement: drawn from mixtures of normal distributions whose parameters are known.

Centres form a random tree: each one lies `separation` from one that was drawn before, in a random direction, and nowhere
nearer than 3/4 of that to any other. So every cluster has a neighbour whom it overlaps, in any dimension, and others that
are farther away. Distances count in typical standard deviations: the variances along a cluster's axes are drawn from
[1 / spread, spread], evenly in their logarithm, with a random rotation for full covariances and none for diagonal ones.
Weights are drawn from [1/2, 3/2] and scaled to sum 1. Which cluster a point comes from is drawn for each point, so the
clusters are mixed in the order of the points.

`touching`     separation 4, spread 2: next neighbours share a few per cent of their points
`overlapping`  every centre is drawn from a normal distribution of variance 1 / (2 d), so that two centres are about one
               standard deviation apart; spread 1.1. Every component matters for every point
`apart`        separation 6, spread 2

EM starts from the generating parameters with each mean moved by a tenth of a standard deviation.

A data set is a folder of raw little-endian float64: points (n x d), weights (K), means (K x d), covariances (K x d x d, or
K x d variances).
"""

import dataclasses
import json
import pathlib

import numpy

KINDS = ("touching", "overlapping", "apart")


@dataclasses.dataclass(frozen=True)
class Workload:
    dimension: int
    components: int
    points: int
    covariance: str  # "full" or "diagonal"
    kind: str = "touching"

    @property
    def name(self):
        return f"{self.kind}-{self.covariance}-d{self.dimension}-k{self.components}-n{self.points}"


@dataclasses.dataclass
class Mixture:
    weights: numpy.ndarray  # K
    means: numpy.ndarray  # K x d
    covariances: numpy.ndarray  # K x d x d

    def log_densities(self, points):
        """n x K, with the weights."""
        columns = []
        for weight, mean, covariance in zip(self.weights, self.means, self.covariances):
            factor = numpy.linalg.cholesky(covariance)
            white = numpy.linalg.solve(factor, (points - mean).T)
            log_det = 2 * numpy.log(numpy.diag(factor)).sum()
            columns.append(numpy.log(weight) - 0.5 * ((white**2).sum(axis=0) + log_det + points.shape[1] * numpy.log(2 * numpy.pi)))
        return numpy.array(columns).T


def random_direction(random, dimension):
    direction = random.normal(size=dimension)
    return direction / numpy.linalg.norm(direction)


def tree_of_centres(random, components, dimension, separation):
    centres = [numpy.zeros(dimension)]
    while len(centres) < components:
        candidate = centres[random.integers(len(centres))] + separation * random_direction(random, dimension)
        if min(numpy.linalg.norm(candidate - centre) for centre in centres) >= 0.75 * separation:
            centres.append(candidate)
    return numpy.array(centres)


def draw_mixture(random, workload):
    d, k = workload.dimension, workload.components
    if workload.kind == "overlapping":
        centres, spread = random.normal(scale=(2 * d) ** -0.5, size=(k, d)), 1.1
    else:
        centres, spread = tree_of_centres(random, k, d, {"touching": 4.0, "apart": 6.0}[workload.kind]), 2.0
    covariances = []
    for _ in range(k):
        variances = spread ** random.uniform(-1, 1, size=d)
        axes = numpy.linalg.qr(random.normal(size=(d, d)))[0] if workload.covariance == "full" else numpy.eye(d)
        covariances.append((axes * variances) @ axes.T)
    weights = random.uniform(0.5, 1.5, size=k)
    return Mixture(weights / weights.sum(), centres, numpy.array(covariances))


def draw_points(random, mixture, count):
    labels = random.choice(len(mixture.weights), size=count, p=mixture.weights)
    points = random.normal(size=(count, mixture.means.shape[1]))
    for k, (mean, covariance) in enumerate(zip(mixture.means, mixture.covariances)):
        rows = labels == k
        points[rows] = mean + points[rows] @ numpy.linalg.cholesky(covariance).T
    return points


def overlap(mixture, points):
    """How much the clusters overlap, on some of the points: the share of all pairs of a point and a component whose
    responsibility is above 1e-12, and the mean of the points' highest responsibility."""
    joint = mixture.log_densities(points[:4096])
    joint -= joint.max(axis=1, keepdims=True)
    responsibilities = numpy.exp(joint)
    responsibilities /= responsibilities.sum(axis=1, keepdims=True)
    return {
        "pairs_that_matter": float((responsibilities > 1e-12).mean()),
        "mean_highest_responsibility": float(responsibilities.max(axis=1).mean()),
    }


def make(workload, folder):
    """Writes a data set, unless it is there already, and returns what a contender must know of it."""
    random = numpy.random.default_rng([workload.dimension, workload.components, KINDS.index(workload.kind)])
    path = pathlib.Path(folder) / workload.name
    about = path / "about.json"
    if not about.exists():
        path.mkdir(parents=True, exist_ok=True)
        mixture = draw_mixture(random, workload)
        points = draw_points(random, mixture, workload.points)
        start = Mixture(
            mixture.weights,
            mixture.means + 0.1 * numpy.array([random_direction(random, workload.dimension) for _ in mixture.means]),
            mixture.covariances,
        )
        covariances = start.covariances if workload.covariance == "full" else numpy.diagonal(start.covariances, axis1=1, axis2=2)
        for name, values in (("points", points), ("weights", start.weights), ("means", start.means), ("covariances", covariances)):
            numpy.ascontiguousarray(values, dtype="<f8").tofile(path / name)
        (path / "model.json").write_text(json.dumps(model_of(start)))
        about.write_text(json.dumps(overlap(mixture, points)))
    return {
        "folder": str(path),
        "dimension": workload.dimension,
        "components": workload.components,
        "points": workload.points,
        "covariance": workload.covariance,
        **json.loads(about.read_text()),
    }


def model_of(mixture):
    """The mixture as the daemon's option `init` reads it; it weighs as much as 1000 points."""
    dimension = mixture.means.shape[1]
    parts = zip(mixture.weights.tolist(), mixture.means.tolist(), mixture.covariances.tolist())
    return {
        "dimension": dimension,
        "components": [
            {"weight": weight, "effective_sample_size": 1000 * weight, "parameters": {"mean": mean, "covariance": covariance}}
            for weight, mean, covariance in parts
        ],
    }


def load(data):
    """The arrays of a data set: points, weights, means, covariances."""
    folder, d, k = pathlib.Path(data["folder"]), data["dimension"], data["components"]
    read = lambda name, *shape: numpy.fromfile(folder / name, dtype="<f8").reshape(shape)
    covariances = read("covariances", k, d, d) if data["covariance"] == "full" else read("covariances", k, d)
    return read("points", data["points"], d), read("weights", k), read("means", k, d), covariances
