#!/usr/bin/python3
"""Every family's log density, as `emulsion score` prints it, beside an independent reference: scipy.

At 1,000 random points and at extremes, within 1e-12, relative to the log density or, where that is near 0, to 1. Where
scipy itself loses digits the formula stands here in another form, and says so.
"""

import csv
import io
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

import numpy
from scipy import special, stats

from daemon import EMULSION, drawn

POINTS = 1000
TOLERANCE = 1e-12


def log_surface_normaliser(d, concentration):
    """log of the von Mises-Fisher normaliser; scipy 1.10 has the distribution itself only on the circle."""
    order = d / 2 - 1
    return order * numpy.log(concentration) - d / 2 * numpy.log(2 * numpy.pi) - numpy.log(special.ive(order, concentration)) - concentration


class DensityTest(unittest.TestCase):
    def setUp(self):
        self.random = drawn()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def found(self, family, parameters, points):
        """Log densities by the program, n."""
        points = numpy.atleast_2d(numpy.asarray(points, dtype=float))
        model = {"dimension": points.shape[1], "components": [{"family": family, "weight": 1, "parameters": parameters}]}
        (self.folder / "model.json").write_text(json.dumps(model))
        with open(self.folder / "points.csv", "w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow([f"x{j}" for j in range(points.shape[1])])
            writer.writerows([[repr(float(x)) for x in row] for row in points])
        done = subprocess.run([EMULSION, "score", self.folder / "model.json", self.folder / "points.csv"], capture_output=True, text=True,
                              timeout=300)
        self.assertEqual(done.returncode, 0, done.stderr)
        return numpy.array([float(row["log_density"]) for row in csv.DictReader(io.StringIO(done.stdout))])

    def check(self, family, parameters, points, expected):
        with self.subTest(family, **{key: str(value)[:60] for key, value in parameters.items()}):
            found = self.found(family, parameters, points)
            expected = numpy.asarray(expected, dtype=float)
            self.assertEqual(found.shape, expected.shape)
            error = numpy.abs(found - expected) / numpy.maximum(1, numpy.abs(expected))
            worst = int(numpy.argmax(error))
            self.assertLess(error[worst], TOLERANCE, f"at {numpy.atleast_2d(points)[worst]}: {found[worst]!r}, expected {expected[worst]!r}")

    def column(self, values):
        return numpy.asarray(values, dtype=float).reshape(-1, 1)

    def test_normal_and_gaussian(self):
        for mean, deviation in ((0, 1), (1e8, 1), (-3, 1e-6), (0, 1e10)):
            x = numpy.concatenate([mean + deviation * self.random.normal(size=POINTS), [mean, mean + 40 * deviation]])
            expected = -0.5 * numpy.log(2 * numpy.pi) - numpy.log(deviation) - 0.5 * ((x - mean) / deviation) ** 2
            self.check("normal", {"mean": [mean], "covariance": [[deviation**2]]}, self.column(x), expected)
        a = self.random.normal(size=(4, 4))
        covariance = a @ a.T + numpy.eye(4)
        x = self.random.multivariate_normal(numpy.arange(4), covariance, POINTS)
        self.check("gaussian(full)", {"mean": list(range(4)), "covariance": covariance.tolist()}, x,
                   stats.multivariate_normal(numpy.arange(4), covariance).logpdf(x))

    def test_log_normal(self):
        for mean, deviation in ((0, 1), (5, 0.1), (-20, 3)):
            x = numpy.concatenate([numpy.exp(mean + deviation * self.random.normal(size=POINTS)), [1e-300, 1e150]])
            self.check("log_normal", {"mean_log": [mean], "variance_log": [deviation**2]}, self.column(x),
                       stats.norm.logpdf(numpy.log(x), mean, deviation) - numpy.log(x))

    def test_exponential(self):
        for rate in (1e-8, 1, 10, 1e12):
            x = numpy.concatenate([self.random.exponential(1 / rate, POINTS), [0, 700 / rate]])
            self.check("exponential", {"rate": [rate]}, self.column(x), stats.expon.logpdf(x, scale=1 / rate))

    def test_geometric(self):
        for p in (1e-6, 0.1, 0.3, 0.999):
            x = numpy.concatenate([self.random.geometric(p, POINTS), [1, 10**9]])
            self.check("geometric", {"p": [p]}, self.column(x), numpy.log(p) + (x - 1) * numpy.log1p(-p))

    def test_poisson(self):
        for rate in (1e-6, 1, 30, 1000):
            x = numpy.concatenate([self.random.poisson(rate, POINTS), [0, 100]])
            self.check("poisson", {"rate": [rate]}, self.column(x), stats.poisson.logpmf(x, rate))

    def test_gamma(self):
        for shape, rate in ((0.1, 1), (1, 10), (7.5, 0.01), (200, 3)):
            x = numpy.concatenate([self.random.gamma(shape, 1 / rate, POINTS), [1e-12 / rate, 1000 / rate]])
            x = x[x > 0]
            self.check("gamma", {"shape": [shape], "rate": [rate]}, self.column(x), stats.gamma.logpdf(x, shape, scale=1 / rate))

    def test_bernoulli_and_categorical(self):
        for p in (1e-9, 0.25, 1 - 1e-9):
            x = numpy.array([0, 1] * (POINTS // 2))
            self.check("bernoulli", {"probability": [p]}, self.column(x), numpy.where(x == 1, numpy.log(p), numpy.log1p(-p)))
        probabilities = numpy.array([0.1, 0.2, 0.3, 0.4])
        x = self.random.choice(4, POINTS, p=probabilities)
        self.check("categorical(4)", {"probabilities": probabilities.tolist()}, self.column(x), numpy.log(probabilities[x]))

    def test_student_t(self):
        for freedom in (0.5, 3, 30, 500):
            a = self.random.normal(size=(3, 3))
            scale = a @ a.T + numpy.eye(3)
            distribution = stats.multivariate_t([1, 2, 3], scale, df=freedom)
            x = numpy.concatenate([distribution.rvs(POINTS, random_state=self.random), [[1, 2, 3], [1e6, -1e6, 0]]])
            self.check("student_t", {"location": [1, 2, 3], "scale": scale.tolist(), "degrees_of_freedom": freedom}, x, distribution.logpdf(x))

    def test_von_mises_fisher(self):
        for d, concentration in ((2, 1e-3), (2, 5), (3, 1), (3, 500), (10, 20), (50, 100), (500, 1000), (500, 1e5), (3, 1e5)):
            x = self.random.normal(size=(POINTS, d))
            x /= numpy.linalg.norm(x, axis=1, keepdims=True)
            direction = numpy.zeros(d)
            direction[0] = 1
            x = numpy.concatenate([x, [direction, -direction]])
            expected = log_surface_normaliser(d, concentration) + concentration * (x @ direction)
            self.assertTrue(numpy.isfinite(expected).all(), "scipy cannot do that")
            # Relative to the terms, which cancel in the sum.
            found = self.found("von_mises_fisher", {"direction": direction.tolist(), "concentration": concentration}, x)
            error = numpy.abs(found - expected) / numpy.maximum(concentration, numpy.abs(expected))
            self.assertLess(error.max(), TOLERANCE, (d, concentration))

    def test_uniform(self):
        x = self.random.uniform(-2, 5, POINTS)
        x = numpy.concatenate([x, [-2, 5]])
        self.check("uniform", {"lowest": [-2], "highest": [5]}, self.column(x), stats.uniform.logpdf(x, -2, 7))

    def test_a_product_is_the_sum_of_its_factors(self):
        points = numpy.column_stack([self.random.normal(size=POINTS), self.random.poisson(4, POINTS), self.random.exponential(2, POINTS)])
        expected = stats.norm.logpdf(points[:, 0]) + stats.poisson.logpmf(points[:, 1], 4) + stats.expon.logpdf(points[:, 2], scale=2)
        self.check("gaussian(full)[0]*poisson[1]*exponential[2]",
                   {"gaussian(full)[0]": {"mean": [0], "covariance": [[1]]}, "poisson[1]": {"rate": [4]}, "exponential[2]": {"rate": [0.5]}},
                   points, expected)


if __name__ == "__main__":
    sys.exit(unittest.main())
