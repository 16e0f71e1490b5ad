#!/usr/bin/python3
"""Points with known truth go in, and the truth comes out, within sampling error."""

import json
import subprocess
import unittest

import numpy

from daemon import EMULSION, PATIENCE, SEED, EndToEndTest, say_seed, scaled

SCENARIOS = ("stationary", "two-gaussians", "drift", "abrupt", "born", "dying", "splitting", "merging", "missing", "outliers")

# How many standard errors an estimate may be off. 4 are exceeded once in 16,000 times; what comes on top is for clusters
# that overlap a little, which makes them harder to tell apart than labelled points would be.
STANDARD_ERRORS = 5


class SimulateTest(EndToEndTest):
    def pipe(self, daemon, simulate, send):
        """emulsion simulate ... | emulsion send - ...; the report of the sender."""
        simulator = subprocess.Popen([EMULSION, "simulate", *map(str, simulate)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                     cwd=self.directory, env=self.client_environment(daemon))
        sender = subprocess.Popen([EMULSION, "send", "-", "--json", *map(str, send)], stdin=simulator.stdout, stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, cwd=self.directory, env=self.client_environment(daemon), text=True)
        simulator.stdout.close()
        report, complaints = sender.communicate(timeout=PATIENCE)
        self.assertEqual(sender.returncode, 0, complaints)
        self.assertEqual(simulator.wait(PATIENCE), 0, simulator.stderr.read())
        simulator.stderr.close()
        return json.loads(report)

    def check_component(self, learned, weight, mean, covariance, total):
        """Against the truth, in standard errors of the effective sample sizes: of a mean sqrt(c_ii / n), of a covariance
        sqrt((c_ii c_jj + c_ij^2) / n), of a weight sqrt(w (1 - w) / total)."""
        n = learned["effective_sample_size"]
        mean, covariance = numpy.array(mean), numpy.array(covariance)
        variances = numpy.diag(covariance)
        errors = (numpy.array(learned["parameters"]["mean"]) - mean) / numpy.sqrt(variances / n)
        self.assertLess(numpy.abs(errors).max(), STANDARD_ERRORS, "mean")
        bound = numpy.sqrt((numpy.outer(variances, variances) + covariance**2) / n)
        errors = (numpy.array(learned["parameters"]["covariance"]) - covariance) / bound
        self.assertLess(numpy.abs(errors).max(), STANDARD_ERRORS, "covariance")
        self.assertLess(abs(learned["weight"] - weight) / numpy.sqrt(weight * (1 - weight) / total), STANDARD_ERRORS, "weight")

    def check_model(self, model, truth):
        """truth: (weight, mean, covariance) of each component, in any order."""
        self.assertEqual(len(model["components"]), len(truth))
        self.assertAlmostEqual(sum(c["weight"] for c in model["components"]), 1, delta=1e-9)
        left = list(model["components"])
        for weight, mean, covariance in truth:
            nearest = min(left, key=lambda c: numpy.linalg.norm(numpy.array(c["parameters"]["mean"]) - mean))
            left.remove(nearest)
            self.check_component(nearest, weight, mean, covariance, model["effective_sample_size"])

    def read_truth(self, path):
        return [json.loads(line) for line in (self.directory / path).read_text().splitlines()]

    def test_two_gaussians_are_found_within_sampling_error(self):
        daemon = self.start()
        points = scaled(100_000, 20_000)
        report = self.pipe(daemon, ["two-gaussians", "--points", points], ["--stream", "two"])
        self.assertEqual((report["rows"], report["accepted"]), (points, points))
        self.client(daemon, "flush", "two")
        model = self.client_json(daemon, "model", "two")
        self.assertEqual(model["points"], points)
        truth = [(0.5, [0, 5], [[2, 0], [0, 3]]), (0.5, [5, 0], [[4, 0], [0, 1]])]
        self.check_model(model, truth)

    def test_a_stationary_mixture_is_found_within_sampling_error_and_truth_tells_it(self):
        daemon = self.start("[defaults]\ncomponents = 4\nstep = cumulative\n")
        points = scaled(50_000, 10_000)
        self.pipe(daemon, ["stationary", "--points", points, "--components", 4, "--dimension", 3, "--seed", 5, "--truth", "truth.jsonl"],
                  ["--stream", "still"])
        self.client(daemon, "flush", "still")
        truth = self.read_truth("truth.jsonl")
        self.assertEqual([line["t"] for line in truth], [0])
        model = self.client_json(daemon, "model", "still")
        # Nothing is forgotten: every point counts one.
        self.assertAlmostEqual(model["effective_sample_size"], points, delta=1e-6 * points)
        self.check_model(model, [(c["weight"], c["mean"], c["covariance"]) for c in truth[0]["components"]])

    def test_a_half_life_follows_a_drift(self):
        daemon = self.start("[stream.moving]\ncomponents = 3\nstep = half-life\nhalf_life_points = 300\nbatch_points = 50\n")
        self.pipe(daemon, ["drift", "--points", 20_000, "--truth", "truth.jsonl"], ["--stream", "moving"])
        truth = self.read_truth("truth.jsonl")
        self.assertEqual((truth[0]["t"], truth[-1]["t"]), (0, 19_999))
        for learned in self.client_json(daemon, "model", "moving")["components"]:
            mean = numpy.array(learned["parameters"]["mean"])
            end = min(truth[-1]["components"], key=lambda c: numpy.linalg.norm(mean - c["mean"]))
            start = next(c for c in truth[0]["components"] if c["label"] == end["label"])
            # 300 points are a 66th of the way, and what is older than ten half-lives weighs nothing.
            way = numpy.linalg.norm(numpy.subtract(end["mean"], start["mean"]))
            self.assertGreater(way, 3)
            self.assertLess(numpy.linalg.norm(mean - end["mean"]), 0.1 * way)

    def test_every_scenario_runs_into_a_daemon(self):
        say_seed()
        daemon = self.start("[defaults]\ncomponents = 3\n")
        points = scaled(4000, 1000)
        for scenario in SCENARIOS:
            with self.subTest(scenario):
                self.client(daemon, "simulate", scenario, "--points", points, "--seed", SEED, "--to-daemon", "--stream", scenario,
                            "--truth", "truth.jsonl")
                self.assertIn(f"{points} accepted, 0 refused", self.client_errors)
                self.assertEqual(daemon.stream(scenario).points_accepted, points)
                for line in self.read_truth("truth.jsonl"):
                    self.assertAlmostEqual(sum(c["weight"] for c in line["components"]), 1, delta=1e-9)
                    for component in line["components"]:
                        self.assertGreater(numpy.linalg.eigvalsh(component["covariance"]).min(), 0)

    def test_every_scenario_writes_as_many_points_as_asked_for(self):
        for scenario in SCENARIOS:
            with self.subTest(scenario):
                text = self.client(None, "simulate", scenario, "--points", 300, "--labels")
                header, *lines = text.splitlines()
                self.assertEqual((header.split(",")[-1], len(lines)), ("label", 300))
                labels = {int(line.split(",")[-1]) for line in lines}
                self.assertEqual(-1 in labels, scenario == "outliers")
                self.assertEqual(len(self.client(None, "simulate", scenario, "--points", 7, "--json").splitlines()), 7)

    def test_the_same_seed_gives_the_same_points(self):
        say_seed()
        first, again, other = (self.client(None, "simulate", "born", "--points", 500, "--seed", seed) for seed in (SEED, SEED, SEED + 1))
        self.assertEqual(first, again)
        self.assertNotEqual(first, other)

    def test_labels_are_left_out_of_the_points(self):
        daemon = self.start("[defaults]\ncomponents = 3\n")
        report = self.pipe(daemon, ["stationary", "--points", 500, "--labels"], ["--stream", "s", "--label-column", "label"])
        self.assertEqual(report["accepted"], 500)
        self.assertEqual(daemon.stream("s").dimension, 2)


if __name__ == "__main__":
    unittest.main()
