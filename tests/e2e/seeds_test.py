#!/usr/bin/python3
"""What the three seeds did, done by Emulsion: docs/seeds.md, with what is known of the data.

Tolerances are in standard errors of the estimates: of a mean, sigma / sqrt(n w); of the others as their comments say.
"""

import json
import math
import os
import pathlib
import shutil
import subprocess
import sys
import unittest

import numpy

from daemon import EMULSION, EMULSIOND, SCALE, EndToEndTest, environment, scaled

DOCS = pathlib.Path(__file__).resolve().parent.parent.parent / "docs"
FAITHFUL = DOCS.parent / "clients" / "data" / "old_faithful.csv"
ERRORS = 4.5  # standard errors that an estimate may be off


class SeedsTest(EndToEndTest):
    def data(self, name, draw=1):
        path = self.directory / f"{name}.csv"
        with open(path, "w") as file:
            subprocess.run([sys.executable, DOCS / "seeds" / "data.py", name, "--draw", str(draw)], stdout=file, check=True)
        return path

    def emulsion(self, *arguments, code=0):
        done = subprocess.run([EMULSION, *map(str, arguments)], cwd=self.directory, capture_output=True, text=True, timeout=300,
                              env=environment({}))
        self.assertEqual(done.returncode, code, done.stderr)
        return done

    def fit(self, *arguments):
        return json.loads(self.emulsion("fit", *arguments, "--json", "--quiet").stdout)

    def components(self, result, *by):
        """Components in the order of one of their parameters."""
        def key(component):
            value = component["parameters"]
            for step in by:
                value = value[step]
            return value
        return sorted(result["components"], key=key)

    def check(self, found, expected, standard_error, what):
        self.assertLess(abs(found - expected), ERRORS * standard_error, f"{what}: {found}, expected {expected}")


class NotebookTest(SeedsTest):
    GUESS = DOCS / "seeds" / "notebook_guess.json"
    TRUTH = {"means": ((0, 5), (5, 0)), "variances": ((2, 3), (4, 1))}

    def hard(self, data, *further):
        return self.fit(data, "--columns", "x0,x1", "--init", self.GUESS, "--assignment", "hard", "--shift-tolerance", 0.01, *further)

    def finds_both(self, components):
        """Whether each cluster has a component within a unit of its mean, with at least 80 of its 100 points."""
        return all(any(math.dist(component["parameters"]["mean"], mean) < 1 and component["weight"] > 0.4 for component in components)
                   for mean in self.TRUTH["means"])

    def test_hard_em_from_the_bad_guess_finds_the_clusters_within_sampling_error(self):
        result = self.hard(self.data("notebook"), "--history", "history.jsonl")
        self.assertTrue(result["converged"])
        self.assertTrue(self.finds_both(result["components"]), result)
        for component, mean, variance in zip(self.components(result, "mean", 0), self.TRUTH["means"], self.TRUTH["variances"]):
            self.check(component["weight"], 0.5, math.sqrt(0.25 / 200), "weight")
            for j in (0, 1):
                self.check(component["parameters"]["mean"][j], mean[j], math.sqrt(variance[j] / 100), f"mean {j}")
                # A variance has a standard error of sigma^2 sqrt(2 / n); hard assignment takes a little off it.
                self.check(component["parameters"]["covariance"][j][j], variance[j], variance[j] * math.sqrt(2 / 100), f"variance {j}")
        history = [json.loads(line) for line in (self.directory / "history.jsonl").read_text().splitlines()]
        self.assertEqual([entry["iteration"] for entry in history], list(range(result["iterations"] + 1)))
        self.assertEqual([c["parameters"]["mean"] for c in history[0]["model"]["components"]], [[1, 1], [4, 4]])
        self.assertLess(history[-1]["shift"], 0.01)
        self.emulsion("plot", "notebook.csv", "--columns", "x0,x1", "--history", "history.jsonl", "-o", "at-%02d.png", "--at", "0,1")
        for number in (0, 1):
            self.assertGreater((self.directory / f"at-{number:02d}.png").stat().st_size, 5000)

    def test_alone_it_collapses_in_some_draws_and_says_so_and_five_starts_recover_every_one(self):
        draws = scaled(40, least=6)
        alone = 0
        for draw in range(1, draws + 1):
            data = self.data("notebook", draw)
            result = self.hard(data)
            if self.finds_both(result["components"]):
                alone += 1
            if min(component["weight"] for component in result["components"]) * 200 < 3:  # points
                self.assertTrue(result["warnings"], f"draw {draw} collapsed without a word: {result['components']}")
            self.assertTrue(self.finds_both(self.hard(data, "--restarts", 5)["components"]), f"draw {draw}")
        if SCALE == 1:
            # About one in five: of 40 draws between 1 and 18, beyond which lies less than one in a thousand.
            self.assertGreaterEqual(draws - alone, 1)
            self.assertLessEqual(draws - alone, 18)

    def test_the_same_points_as_a_live_stream_reach_the_same_clusters(self):
        daemon = self.start("[stream.notebook]\ncomponents = 2\ncovariance = diagonal\n")
        data = self.data("notebook")
        sockets = {"EMULSION_CLIENT_INPUT": daemon.input, "EMULSION_CLIENT_OUTPUT": daemon.output, "EMULSION_CLIENT_CONTROL": daemon.control}
        def run(*arguments):
            done = subprocess.run([EMULSION, *map(str, arguments)], capture_output=True, text=True, timeout=120, env=environment(sockets))
            self.assertEqual(done.returncode, 0, done.stderr)
            return done.stdout
        run("send", data, "--columns", "x0,x1", "--stream", "notebook")
        run("flush", "notebook")
        live = json.loads(run("model", "notebook", "--json"))
        self.assertTrue(self.finds_both(live["components"]), live)


class PyroTest(SeedsTest):
    def test_a_soft_fit_by_mini_batches_from_random_points_finds_the_clusters(self):
        data = self.data("notebook")
        result = self.fit(data, "-k", 2, "--columns", "x0,x1", "--covariance", "diagonal", "--init", "random", "--restarts", 1, "--seed", 4,
                          "--algorithm", "online", "--batch-points", 20, "--seed-points", 20, "--seed-passes", 1, "--passes", 10,
                          "--history", "pyro.jsonl")
        for component, mean, variance in zip(self.components(result, "mean", 0), ((0, 5), (5, 0)), ((2, 3), (4, 1))):
            for j in (0, 1):
                self.check(component["parameters"]["mean"][j], mean[j], math.sqrt(variance[j] / 100), f"mean {j}")
        history = (self.directory / "pyro.jsonl").read_text().splitlines()
        self.assertGreaterEqual(len(history), 90)
        self.emulsion("plot", data, "--columns", "x0,x1", "--history", "pyro.jsonl", "-o", "step-%02d.svg", "--at", "0,20")
        self.assertTrue((self.directory / "step-20.svg").exists())


class MixemTest(SeedsTest):
    def labelled(self, name, *arguments):
        return self.fit(self.data(name), "-k", 2, "--label-column", "label", *arguments)

    def test_normal(self):
        first, second = self.components(self.labelled("normal", "--mixture", "normal"), "mean", 0)
        for component, mean, deviation, weight in ((first, 0, 1, 0.3), (second, 6, 2, 0.7)):
            n = 2000 * weight
            self.check(component["parameters"]["mean"][0], mean, 1.3 * deviation / math.sqrt(n), "mean")  # a little overlap
            self.check(math.sqrt(component["parameters"]["covariance"][0][0]), deviation, 1.5 * deviation / math.sqrt(2 * n), "deviation")
            self.check(component["weight"], weight, 1.3 * math.sqrt(weight * (1 - weight) / 2000), "weight")

    def test_multivariate_normal(self):
        components = self.components(self.labelled("multinormal"), "mean", 0)
        for component, mean, covariance, weight in zip(components, ((0, 0), (5, 5)), (((1, 0.5), (0.5, 2)), ((2, -0.7), (-0.7, 1))), (0.4, 0.6)):
            n = 2000 * weight
            for i in (0, 1):
                self.check(component["parameters"]["mean"][i], mean[i], math.sqrt(covariance[i][i] / n), "mean")
                for j in (0, 1):
                    # Of a covariance: sqrt((s_ii s_jj + s_ij^2) / n).
                    error = math.sqrt((covariance[i][i] * covariance[j][j] + covariance[i][j] ** 2) / n)
                    self.check(component["parameters"]["covariance"][i][j], covariance[i][j], 1.2 * error, "covariance")

    def test_exponential(self):
        first, second = self.components(self.labelled("exponential", "--mixture", "exponential"), "rate", 0)
        # Two exponentials overlap wherever they are: their Fisher information, integrated numerically, gives these errors.
        error = exponential_errors(0.4, 1, 10, 10000)
        self.check(first["weight"], 0.4, error[0], "weight")
        self.check(first["parameters"]["rate"][0], 1, error[1], "rate")
        self.check(second["parameters"]["rate"][0], 10, error[2], "rate")

    def test_geometric(self):
        first, second = self.components(self.labelled("geometric", "--mixture", "geometric"), "p", 0)
        error = geometric_errors(0.5, 0.1, 0.3, 10000)
        self.check(first["weight"], 0.5, error[0], "weight")
        self.check(first["parameters"]["p"][0], 0.1, error[1], "p")
        self.check(second["parameters"]["p"][0], 0.3, error[2], "p")

    def test_von_mises_fisher(self):
        second, first = self.components(self.labelled("sphere", "--mixture", "von_mises_fisher"), "direction", 0)
        for component, direction, concentration, weight in ((first, (1, 0, 0), 20, 0.3), (second, (0, math.sqrt(0.5), math.sqrt(0.5)), 8, 0.7)):
            n = 5000 * weight
            # In three dimensions kappa has a standard error near kappa / sqrt(n), the direction 1 / sqrt(n kappa) along each axis.
            self.check(component["parameters"]["concentration"], concentration, 1.2 * concentration / math.sqrt(n), "concentration")
            angle = math.acos(min(1, numpy.dot(component["parameters"]["direction"], direction)))
            self.check(angle, 0, 1.2 / math.sqrt(n * (concentration - 1)), "direction")
            self.check(component["weight"], weight, 1.2 * math.sqrt(weight * (1 - weight) / 5000), "weight")

    def test_log_normal(self):
        first, second = self.components(self.labelled("log-normal", "--mixture", "log_normal"), "mean_log", 0)
        for component, mean, deviation in ((first, 0, 0.3), (second, 2, 0.5)):
            self.check(component["parameters"]["mean_log"][0], mean, 1.2 * deviation / math.sqrt(2500), "mean of the logarithm")
            self.check(math.sqrt(component["parameters"]["variance_log"][0]), deviation, 1.3 * deviation / math.sqrt(5000), "its deviation")

    def test_a_normal_and_an_exponential(self):
        result = self.fit(self.data("normal-exponential"), "--mixture", "normal + exponential", "--label-column", "label")
        families = {component["family"]: component for component in result["components"]}
        self.assertEqual(set(families), {"normal", "exponential"})
        self.check(families["normal"]["parameters"]["mean"][0], 10, 1.3 / math.sqrt(2500), "mean")
        self.check(families["exponential"]["parameters"]["rate"][0], 0.5, 1.3 * 0.5 / math.sqrt(2500), "rate")
        self.check(families["normal"]["weight"], 0.5, 1.3 * math.sqrt(0.25 / 5000), "weight")
        self.assertGreater(result["adjusted_rand_index"], 0.9)

    def test_old_faithful_is_the_published_fit(self):
        result = self.fit(FAITHFUL, "--init", DOCS / "seeds" / "faithful_guess.json")
        first, second = self.components(result, "mean", 0)
        self.assertAlmostEqual(result["mean_log_likelihood"], -4.155, delta=0.002)
        for component, mean, weight in ((first, (2.04, 54.5), 0.36), (second, (4.29, 80.0), 0.64)):
            self.assertAlmostEqual(component["parameters"]["mean"][0], mean[0], delta=0.01)
            self.assertAlmostEqual(component["parameters"]["mean"][1], mean[1], delta=0.1)
            self.assertAlmostEqual(component["weight"], weight, delta=0.005)


def information_errors(density, log_density, parameters, grid, weights, n):
    """Standard errors of the maximum-likelihood estimate: the inverse of n times the Fisher information, by central differences."""
    scores = []
    for i in range(len(parameters)):
        step = 1e-5 * parameters[i]
        up, down = list(parameters), list(parameters)
        up[i] += step
        down[i] -= step
        scores.append((log_density(grid, *up) - log_density(grid, *down)) / (2 * step))
    mass = density(grid, *parameters) * weights
    information = numpy.array([[numpy.sum(a * b * mass) for b in scores] for a in scores])
    return numpy.sqrt(numpy.diag(numpy.linalg.inv(n * information)))


def exponential_errors(weight, rate, other, n):
    grid = numpy.geomspace(1e-9, 60, 200001)
    weights = numpy.gradient(grid)
    density = lambda x, w, a, b: w * a * numpy.exp(-a * x) + (1 - w) * b * numpy.exp(-b * x)
    return information_errors(density, lambda x, *p: numpy.log(density(x, *p)), (weight, rate, other), grid, weights, n)


def geometric_errors(weight, p, other, n):
    grid = numpy.arange(1, 400)
    density = lambda x, w, a, b: w * a * (1 - a) ** (x - 1) + (1 - w) * b * (1 - b) ** (x - 1)
    return information_errors(density, lambda x, *q: numpy.log(density(x, *q)), (weight, p, other), grid, numpy.ones(len(grid)), n)


@unittest.skipIf(SCALE < 1, "one build is enough for the page, and sanitizers make it long")
class PageTest(SeedsTest):
    def test_docs_seeds_md_shows_what_its_commands_print(self):
        docs = self.directory / "docs"
        shutil.copytree(DOCS, docs, ignore=shutil.ignore_patterns("own", "*.csv", "*.jsonl", "*.emulsion", "*.sock"))
        (self.directory / "clients" / "data").mkdir(parents=True)
        shutil.copy(FAITHFUL, self.directory / "clients" / "data")
        for header in ("custom_family.h",):
            self.assertTrue((DOCS.parent / "lib" / "emulsion" / header).exists())
        sockets = {f"EMULSION_CLIENT_{name}": f"ipc://{file}.sock" for name, file in
                   (("INPUT", "points"), ("OUTPUT", "results"), ("CONTROL", "control"))}
        path = os.pathsep.join([str(pathlib.Path(EMULSION).parent), str(pathlib.Path(EMULSIOND).parent), "/usr/bin", os.environ["PATH"]])
        done = subprocess.run([sys.executable, docs / "console.py", docs / "seeds.md", "--in", docs / "seeds", "--check"], capture_output=True,
                              text=True, timeout=280, env={**environment(sockets), "PATH": path})
        self.assertEqual(done.returncode, 0, done.stderr)


if __name__ == "__main__":
    sys.exit(unittest.main())
