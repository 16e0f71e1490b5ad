#!/usr/bin/python3
"""What bench/ makes of its figures: goals, tables, the page; and that its data are what the page says.

Nothing is measured here.
"""

import itertools
import json
import math
import pathlib
import sys
import unittest

import numpy

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "bench"))

import contenders  # noqa: E402
import em  # noqa: E402
import goals  # noqa: E402
import growth  # noqa: E402
import page  # noqa: E402
import tables  # noqa: E402
import workloads  # noqa: E402


def alike(value):
    return contenders.spread([value])


def em_row(d, k, covariance, emulsion, sklearn=1e6, armadillo=1e6):
    """Points per second; the rest as it would be with 1000 points."""
    rates = {"emulsion": emulsion, "sklearn": sklearn, "armadillo-baseline": armadillo, "armadillo-avx2": armadillo / 2}
    if covariance == "diagonal":
        rates["kmeans"] = 1e6
    return {
        "dimension": d, "components": k, "points": 1000, "covariance": covariance, "kind": "touching", "threads": 1,
        "points_per_second": rates, "fraction_of_dgemm": 0.7, "dgemm_flops_per_second": 70e9, "seconds": {name: alike(1000 / rate) for name, rate in rates.items()},
        "pairs_that_matter": 0.5, "mean_highest_responsibility": 0.9,
    }  # fmt: skip


def results():
    """A run in which every goal is reached."""
    shapes = [(2, 4), (8, 8), (16, 16), (32, 16), (64, 64)]
    rows = [em_row(d, k, covariance, 40e6) for covariance in ("full", "diagonal") for d, k in shapes]
    quantiles = lambda seconds: {name: alike(seconds) for name in ("p50", "p99", "p99_9")}
    return {
        "machine": {"cores": 2},
        "em": {"openblas": {"by itself": 60e9, "Haswell": 71e9}, "rows": rows, "skipping": {"dimension": 16, "components": 256, "points": 10, "pairs_that_matter": 0.1, "ratio": None}},
        "daemon": {
            "rows": [
                {
                    "rows": 256,
                    "points_per_second": {"daemon": 0.9e6, "echo": 2e6, "kernel": 1e6},
                    "seconds_per_point": {"daemon": alike(1 / 0.9e6)},
                }
            ]
        },
        "latency": {"rates": [{"messages_per_second": 1000, "daemon": quantiles(150e-6), "echo": quantiles(100e-6)}]},
    }


def reached(results, beginning):
    """Whether goals whose names begin so are reached."""
    found = [goal["reached"] for goal in goals.goals_of(results) if goal["what"].startswith(beginning)]
    assert found, beginning
    return found


class GoalsTest(unittest.TestCase):
    def test_a_run_that_is_fast_enough_reaches_every_goal_but_those_that_it_could_not_measure(self):
        found = {goal["what"]: goal["reached"] for goal in goals.goals_of(results())}
        self.assertEqual([what for what, is_reached in found.items() if is_reached is None], ["d = 16, K = 256, clusters 6 σ apart: over the dense kernel"])
        self.assertNotIn(False, found.values())

    def test_one_slow_size_misses_the_goal_of_its_sizes_and_no_other(self):
        slow = results()
        slow["em"]["rows"][1] = em_row(8, 8, "full", 11.9e6)
        self.assertEqual(reached(slow, "full covariances, d ≤ 8"), [False])
        self.assertEqual(reached(slow, "full covariances, d = "), [True, True, True])

    def test_the_faster_build_of_the_faster_peer_counts(self):
        row = em_row(8, 8, "full", 24e6, sklearn=1e6, armadillo=2e6)
        self.assertEqual(goals.best_rate(row, "sklearn", "armadillo"), ("armadillo-baseline", 2e6))
        self.assertEqual(goals.over(row, "sklearn", "armadillo"), 12)

    def test_only_one_thread_on_the_touching_clusters_is_judged(self):
        run = results()
        run["em"]["rows"] += [em_row(8, 8, "full", 1.0) | other for other in ({"kind": "overlapping"}, {"threads": 2})]
        self.assertEqual(goals.goals_of(run), goals.goals_of(results()))

    def test_the_lower_of_sockets_and_kernel_is_what_the_daemon_is_measured_by(self):
        run = results()
        self.assertEqual(reached(run, "end to end"), [True])
        run["daemon"]["rows"][0]["points_per_second"]["kernel"] = 1.2e6
        self.assertEqual(reached(run, "end to end"), [False])

    def test_latency_counts_beyond_the_echo(self):
        run = results()
        run["latency"]["rates"][0]["daemon"]["p50"] = alike(161e-6)
        self.assertEqual(reached(run, "latency"), [False, True])


class PageTest(unittest.TestCase):
    BLANK = "before\n<!-- bench: goals -->\n<!-- end -->\nbetween\n<!-- bench: em touching full -->\nold\n<!-- end -->\nafter\n"

    def test_blocks_are_filled_and_what_is_around_them_stays(self):
        filled = page.filled(self.BLANK, results())
        lines = filled.split("\n")
        self.assertEqual((lines[0], lines[-2]), ("before", "after"))
        self.assertNotIn("old", filled)
        self.assertIn("| 2 × 4 | 40 × | 0.70 | 40 |", filled)

    def test_filling_twice_changes_nothing(self):
        filled = page.filled(self.BLANK, results())
        self.assertEqual(page.filled(filled, results()), filled)

    def test_a_block_of_a_part_that_was_not_measured_is_a_fault(self):
        self.assertRaises(KeyError, page.filled, "<!-- bench: start -->\n<!-- end -->", results())

    def test_a_missed_goal_is_said_to_be_missed(self):
        slow = results()
        slow["em"]["rows"][0] = em_row(2, 4, "full", 29e6)
        line = next(line for line in page.filled(self.BLANK, slow).split("\n") if line.startswith("| d = 2, K = 4"))
        self.assertEqual(line, "| d = 2, K = 4, full: over scikit-learn | ≥ 30 × | 29.0 × (at 2 × 4) | **missed** |")

    def test_what_is_said_in_sentences_counts_missed_goals_and_tells_how_fast_the_product_was(self):
        said = tables.sentences_of(results())
        self.assertEqual(said["missed"], "Of these 13 goals 0 are missed, and 1 could not be measured.")
        self.assertEqual(
            said["ceiling"],
            "In this run the product makes 70 with one thread (70 to 70), in GFLOP/s. "
            "OpenBLAS was told Haswell, as it was fastest so: 71 GFLOP/s; 60 by itself.",
        )
        slow = results()
        slow["em"]["rows"][0] = em_row(2, 4, "full", 1e6)
        slow["em"]["openblas"] = {}
        said = tables.sentences_of(slow)
        self.assertIn(" 2 are missed", said["missed"])
        self.assertIn("by who started the run", said["ceiling"])

    def test_all_cores_stand_beside_one_thread_of_the_same_size_and_covariance(self):
        run = results()
        run["em"]["rows"] += [em_row(8, 8, "full", 60e6) | {"threads": 2}]
        head, *rows = tables.em_table(run, "touching", "full", 2)
        self.assertEqual([dict(zip(head, row))["over one thread"] for row in rows], ["1.50 ×"])
        self.assertNotIn("over one thread", tables.em_table(run, "touching", "full", 1)[0])

    def test_the_exponent_of_threads_is_that_of_their_time_on_long_mini_batches(self):
        row = {"dimension": 8, "components": 8, "ratio": 2.0}
        run = {"growth": {"threads": [row | {"batch_points": points} for points in (64, 4096)]}}
        ((of, _, exponent),) = tables.threads_series(run)
        self.assertEqual((of, exponent), ("threads, d = 8, K = 8, full, mini-batches of 4,096", -1))

    def test_the_documentation_shows_the_committed_run(self):
        run = json.loads((ROOT / "bench" / "results.json").read_text())
        for path, least in (("docs/performance.md", 11), ("README.md", 1)):
            text = (ROOT / path).read_text()
            self.assertGreaterEqual(len(page.BLOCK.findall(text)), least)
            self.assertTrue(page.filled(text, run) == text, f"run bench/page.py for {path}")

    def test_columns_of_a_printed_table_are_aligned(self):
        self.assertEqual(tables.as_text([["µ", "b"], ["two", "10 ×"]]), "µ       b\ntwo  10 ×")


class MeasuringTest(unittest.TestCase):
    def test_repeats_take_turns(self):
        said = []
        measure = lambda name: lambda: said.append(name) or len(said)
        found = contenders.interleave({"a": measure("a"), "b": measure("b")}, budget_seconds=0, least=3, most=9)
        self.assertEqual(said, ["a", "b"] * 3)
        self.assertEqual(found, {"a": [1, 3, 5], "b": [2, 4, 6]})

    def test_more_repeats_follow_while_there_is_time_up_to_the_most(self):
        counts = itertools.count(1)
        found = contenders.interleave({"a": lambda: next(counts)}, budget_seconds=3600, least=3, most=5)
        self.assertEqual(found, {"a": [1, 2, 3, 4, 5]})

    def test_median_and_quartiles(self):
        self.assertEqual(contenders.spread([5, 1, 4, 2, 3]), {"median": 3, "lower_quartile": 2, "upper_quartile": 4, "repeats": 5})
        self.assertEqual(contenders.spread([7]), {"median": 7, "lower_quartile": 7, "upper_quartile": 7, "repeats": 1})

    def test_the_exponent_of_a_power_law_is_found(self):
        values = [1, 10, 100, 1000]
        self.assertAlmostEqual(growth.exponent(values, [3 * value**1.5 for value in values]), 1.5)
        self.assertAlmostEqual(growth.exponent(values, [4.0] * 4), 0)


class AgreementTest(unittest.TestCase):
    def test_skipping_may_change_the_likelihood_by_rounding_and_no_more(self):
        em.check_that_skipping_changes_nothing({"skip": -27.640553195438784, "dense": -27.64055319543878})
        for skip in (-27.64055319547, math.nan):
            self.assertRaises(contenders.Failed, em.check_that_skipping_changes_nothing, {"skip": skip, "dense": -27.64055319543878})

    def test_skipping_changed_nothing_in_the_committed_run(self):
        run = json.loads((ROOT / "bench" / "results.json").read_text())
        em.check_that_skipping_changes_nothing(run["em"]["skipping"]["log_likelihoods"])


class WorkloadTest(unittest.TestCase):
    def test_every_cluster_has_a_neighbour_and_none_is_nearer_than_three_quarters_of_that(self):
        for d, k in ((2, 40), (8, 8), (64, 64)):
            with self.subTest(d=d, k=k):
                centres = workloads.tree_of_centres(numpy.random.default_rng(1), k, d, 4.0)
                distances = numpy.linalg.norm(centres[:, None] - centres[None], axis=2) + numpy.diag([math.inf] * k)
                self.assertGreaterEqual(distances.min(), 3.0)
                self.assertLessEqual(distances.min(axis=1).max(), 4.0 + 1e-12)

    def test_points_have_the_moments_of_their_mixture(self):
        workload = workloads.Workload(3, 2, 0, "full")
        random = numpy.random.default_rng(2)
        mixture = workloads.draw_mixture(random, workload)
        points = workloads.draw_points(random, mixture, 200000)
        mean = mixture.weights @ mixture.means
        second = sum(w * (c + numpy.outer(m, m)) for w, m, c in zip(mixture.weights, mixture.means, mixture.covariances))
        self.assertLess(numpy.abs(points.mean(axis=0) - mean).max(), 0.03)
        self.assertLess(numpy.abs(points.T @ points / len(points) - second).max(), 0.2)

    def test_variances_lie_in_their_range_and_diagonal_ones_along_the_axes(self):
        for covariance in ("full", "diagonal"):
            mixture = workloads.draw_mixture(numpy.random.default_rng(3), workloads.Workload(5, 4, 0, covariance))
            for matrix in mixture.covariances:
                variances = numpy.linalg.eigvalsh(matrix)
                self.assertTrue(0.5 <= variances.min() and variances.max() <= 2)
                off_axes = numpy.abs(matrix - numpy.diag(numpy.diag(matrix))).max()
                self.assertEqual(off_axes == 0, covariance == "diagonal")

    def test_overlapping_clusters_all_matter_and_touching_ones_do_not(self):
        shares = {}
        for kind in ("overlapping", "touching"):
            random = numpy.random.default_rng(4)
            mixture = workloads.draw_mixture(random, workloads.Workload(16, 64, 0, "full", kind))
            shares[kind] = workloads.overlap(mixture, workloads.draw_points(random, mixture, 500))["pairs_that_matter"]
        self.assertEqual(shares["overlapping"], 1)
        self.assertLess(shares["touching"], 0.5)


if __name__ == "__main__":
    sys.exit(unittest.main())
