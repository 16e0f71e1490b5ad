#!/usr/bin/python3
"""Every family, live: points in, a model of its kind out, the same bits after a restart, and bad rows refused by name."""

import math
import sys
import unittest

import numpy

from daemon import EndToEndTest, drawn, scaled

ROWS = scaled(2000, least=1000)


def two(random, first, second):
    """Rows of two components in a random order, n x d."""
    half = ROWS // 2
    rows = numpy.concatenate([numpy.reshape(first(half), (half, -1)), numpy.reshape(second(half), (half, -1))])
    return random.permutation(rows)


def directions(random, n, mean, spread):
    points = random.normal(size=(n, 3)) * spread + mean
    return points / numpy.linalg.norm(points, axis=1, keepdims=True)


def streams(random):
    """Name, the mixture as it is configured, and points of two such components."""
    r = random
    mixed = lambda mean, rate: lambda n: numpy.column_stack([r.normal(mean, 1, (n, 2)), r.poisson(rate, n)])
    return [
        ("normal", "normal", two(r, lambda n: r.normal(0, 1, n), lambda n: r.normal(9, 2, n))),
        ("full", "gaussian(full)", two(r, lambda n: r.normal(0, 1, (n, 2)), lambda n: r.normal(9, 1, (n, 2)))),
        ("exponential", "exponential", two(r, lambda n: r.exponential(1, n), lambda n: r.exponential(30, n))),
        ("geometric", "geometric", two(r, lambda n: r.geometric(0.5, n), lambda n: r.geometric(0.02, n))),
        ("log_normal", "log_normal", two(r, lambda n: r.lognormal(0, 0.3, n), lambda n: r.lognormal(3, 0.3, n))),
        ("poisson", "poisson", two(r, lambda n: r.poisson(2, n), lambda n: r.poisson(40, n))),
        ("gamma", "gamma", two(r, lambda n: r.gamma(5, 1, n), lambda n: r.gamma(200, 0.5, n))),
        ("bernoulli", "bernoulli", two(r, lambda n: r.binomial(1, 0.1, (n, 6)), lambda n: r.binomial(1, 0.9, (n, 6)))),
        ("categorical", "categorical(3)", two(r, lambda n: r.choice(3, (n, 6), p=[0.8, 0.1, 0.1]), lambda n: r.choice(3, (n, 6), p=[0.1, 0.1, 0.8]))),
        ("student_t", "student_t", two(r, lambda n: r.standard_t(4, (n, 2)), lambda n: 20 + r.standard_t(4, (n, 2)))),
        ("von_mises_fisher", "von_mises_fisher", two(r, lambda n: directions(r, n, [1, 0, 0], 0.2), lambda n: directions(r, n, [0, 0, 1], 0.2))),
        ("uniform", "2*gaussian(full) + 1*uniform",
         two(r, lambda n: r.normal(0, 1, (n, 2)), lambda n: numpy.concatenate([r.normal(30, 1, (n - n // 8, 2)), r.uniform(-200, 200, (n // 8, 2))]))),
        ("several", "1*normal + 1*exponential", two(r, lambda n: r.normal(50, 2, n), lambda n: r.exponential(3, n))),
        ("product", "gaussian(full)[0,1] * poisson[2]", two(r, mixed(0, 3), mixed(8, 30))),
    ]


def config(all_streams):
    text = "max_streams = 100\n"
    for name, mixture, _ in all_streams:
        text += f"[stream.{name}]\ncomponents = 2\nmixture = {mixture}\n"
    return text


class FamiliesTest(EndToEndTest):
    def test_every_family_learns_labels_and_survives_a_restart_bit_for_bit(self):
        all_streams = streams(drawn())
        state = ("--state_directory", str(self.directory / "state"))
        daemon = self.start(config(all_streams), *state)
        for name, _, points in all_streams:
            numpy.save(self.directory / f"{name}.npy", points.astype(float))
            self.client(daemon, "send", self.directory / f"{name}.npy", "--stream", name, "--no-end")
        before = {}
        for name, mixture, points in all_streams:
            with self.subTest(name):
                status = daemon.wait_for_rows(name, len(points))
                self.assertEqual((status.points_labelled, status.updates_failed), (len(points), 0))
                model = self.client_json(daemon, "model", name)
                families = [component["family"] for component in model["components"]]
                expected = {"uniform": ["gaussian(full)"] * 2 + ["uniform"], "several": ["normal", "exponential"],
                            "product": ["gaussian(full)[0,1]*poisson[2]"] * 2}.get(name, [mixture] * 2)
                self.assertEqual(families, expected)
                self.assertAlmostEqual(sum(component["weight"] for component in model["components"]), 1, delta=1e-12)
                if name != "uniform":
                    for component in model["components"]:
                        self.assertAlmostEqual(component["weight"], 0.5, delta=0.12, msg=str(model["components"]))
                before[name] = (status.digest, model["components"])
        self.assertEqual(daemon.stop(), 0)

        again = self.start(config(all_streams), *state)
        for name, _, _ in all_streams:
            with self.subTest(name):
                model = self.client_json(again, "model", name)
                self.assertEqual((again.stream(name).digest, model["components"]), before[name])

    def test_the_wire_carries_what_the_model_says(self):
        daemon = self.start("[stream.mixed]\ncomponents = 2\nmixture = gaussian(full)[t, h] * poisson[people]\ncolumns = t, h, people\nseed_points = 300\n")
        random = drawn()
        points = numpy.column_stack([random.normal(20, 1, (400, 2)), random.poisson(3, 400)])
        points[::2] += [10, 20, 30]
        self.producer(daemon, "mixed").send(points)
        daemon.wait_for_rows("mixed", 400)
        model = daemon.model("mixed")
        self.assertEqual(list(model.columns), ["t", "h", "people"])
        for component in model.components:
            distribution = component.distribution
            self.assertEqual(distribution.family, "gaussian(full)[0,1]*poisson[2]")
            self.assertEqual([part.name for part in distribution.parameters],
                             ["gaussian(full)[0,1].mean", "gaussian(full)[0,1].covariance", "poisson[2].rate"])
            mean, covariance, rate = (list(part.values) for part in distribution.parameters)
            self.assertEqual(list(distribution.mean), mean + rate)
            self.assertEqual(list(distribution.variance), [covariance[0], covariance[2], rate[0]])
            self.assertTrue(all(map(math.isfinite, [*mean, *covariance, *rate])))

    def test_a_row_outside_the_support_is_refused_by_name_and_costs_nothing_else(self):
        text = "[defaults]\ncomponents = 2\nmixture = log_normal\nseed_points = 100\n"
        daemon = self.start(text)
        events = self.subscribe(daemon, "emulsion.v1.dirty.events.")
        random = drawn()
        good = numpy.reshape(two(random, lambda n: random.lognormal(0, 0.3, n), lambda n: random.lognormal(4, 0.3, n)), (-1, 1))
        dirty = numpy.insert(good, 50, -3.0, axis=0)
        self.producer(daemon, "clean").send(good)
        self.producer(daemon, "dirty").send(dirty)
        clean = daemon.wait_for_rows("clean", len(good))
        status = daemon.wait_for_rows("dirty", len(good))
        self.assertEqual([(refusal.stage, refusal.reason, refusal.count) for refusal in status.refusals], [("row", "out_of_support", 1)])
        self.assertEqual(status.digest, clean.digest)
        rejected = events.until(lambda event: "row" in event.text and "refused" in event.text)
        self.assertIn("row 50, log_normal: coordinate 0: -3, expected a number > 0", rejected[-1].text)

    def test_a_formula_that_is_none_is_a_fault_with_its_place(self):
        daemon = self.launch("[stream.a]\nmixture = 2*gausian(full)\n[stream.b]\nmixture = 2*normal +\n[stream.c]\ndimension = 2\nmixture = poisson[0]\n")
        self.assertEqual(daemon.wait_for_exit(), 78)
        text = daemon.text()
        self.assertIn('.conf:2: stream.a.mixture: family "gausian(full)" is unknown; there are: gaussian(full)', text)
        self.assertIn('.conf:4: stream.b.mixture: mixture "2*normal +": it ends where the name of a family was expected', text)
        self.assertIn(".conf:7: stream.c.mixture: ", text)


if __name__ == "__main__":
    sys.exit(unittest.main())
