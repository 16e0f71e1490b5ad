#!/usr/bin/python3
"""`emulsion fit` and `emulsion score` as a user runs them."""

import json
import os
import pathlib
import pty
import signal
import subprocess
import tempfile
import threading
import unittest

import numpy

from daemon import EMULSION, PATIENCE, EndToEndTest, clusters, environment

MEANS = [[0, 0], [9, 3]]


class FitTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.directory = pathlib.Path(self.folder.name)

    def write(self, rows, name="points.csv"):
        points, labels = clusters(rows, MEANS)
        table = numpy.column_stack([points, labels])
        numpy.savetxt(self.directory / name, table, delimiter=",", header="x,y,kind", comments="", fmt=["%.17g", "%.17g", "%d"])
        return points, labels

    def run_client(self, *arguments, expect=0, stdin=None):
        done = subprocess.run([EMULSION, *map(str, arguments)], cwd=self.directory, env=environment({}), capture_output=True, text=True,
                              timeout=PATIENCE, input=stdin)
        self.assertEqual(done.returncode, expect, done.stderr)
        return done

    def test_clusters_are_found_told_and_scored(self):
        points, labels = self.write(2000)
        done = self.run_client("fit", "points.csv", "-k", 2, "--label-column", "kind", "-o", "points.emulsion")
        self.assertIn("2*gaussian(full): 2000 points of 2 coordinates in points.csv\n", done.stdout)
        self.assertIn("adjusted Rand index 1.000", done.stdout)
        self.assertIn("x ± sd", done.stdout)
        self.assertIn("iteration", done.stderr)
        model = json.loads((self.directory / "points.emulsion").read_text())
        means = sorted(component["parameters"]["mean"] for component in model["components"])
        numpy.testing.assert_allclose(means, MEANS, atol=5 / numpy.sqrt(1000))
        rows = [json.loads(line) for line in self.run_client("score", "points.emulsion", "points.csv", "--json").stdout.splitlines()]
        ids = {kind: {row["label"] for row, label in zip(rows, labels) if label == kind} for kind in set(labels)}
        self.assertEqual(sorted(map(len, ids.values())), [1, 1])
        self.assertAlmostEqual(numpy.mean([row["log_density"] for row in rows]), model["mean_log_likelihood"], delta=1e-9)

    def test_standard_input_is_as_good_as_a_file(self):
        self.write(500)
        text = (self.directory / "points.csv").read_text()
        from_file = self.run_client("fit", "points.csv", "-k", 2, "--columns", "x,y", "--json").stdout
        self.assertEqual(self.run_client("fit", "-", "-k", 2, "--columns", "x,y", "--json", stdin=text).stdout, from_file)
        # Kept even where a file would be read again.
        self.assertEqual(self.run_client("fit", "-", "-k", 2, "--columns", "x,y", "--json", "--memory-limit", "1e-6", stdin=text).stdout, from_file)

    def test_bad_data_is_65_with_the_place(self):
        (self.directory / "bad.csv").write_text("a,b\n1,2\nx,3\n")
        done = self.run_client("fit", "bad.csv", "-k", 1, expect=65)
        self.assertEqual((done.stdout, done.stderr), ("", 'emulsion fit: bad.csv:3: column "a": "x" is not a number\n'))

    def test_help_shows_examples_first(self):
        for command in ("fit", "score"):
            self.assertTrue(self.run_client(command, "--help").stdout.startswith("examples:\n"))

    def test_ctrl_c_gives_the_best_fit_until_then(self):
        self.write(20_000)
        # No tolerance, and more iterations than anybody waits for.
        child = subprocess.Popen([EMULSION, "fit", "points.csv", "-k", "8", "--label-column", "kind", "--restarts", "1", "--tolerance", "0",
                                  "--max-iterations", "1000000", "--json", "--history", "/dev/null"],
                                 cwd=self.directory, env=environment({}), stdout=subprocess.PIPE, stderr=self.terminal(), text=True)
        self.addCleanup(child.kill)
        self.saw_iteration.wait(PATIENCE)
        child.send_signal(signal.SIGINT)
        out, _ = child.communicate(timeout=PATIENCE)
        self.assertEqual(child.returncode, 130)
        result = json.loads(out)
        self.assertFalse(result["converged"])
        self.assertIn("interrupted before it had converged", result["warnings"])
        self.assertEqual(len(result["components"]), 8)

    def terminal(self):
        """A terminal for stderr; saw_iteration is set once an iteration has been told there, which --json leaves to terminals."""
        reader, writer = pty.openpty()
        self.addCleanup(os.close, writer)
        self.saw_iteration = threading.Event()

        def watch():
            text = b""
            while b"iteration 2:" not in text:
                try:
                    text += os.read(reader, 4096)
                except OSError:
                    return
            self.saw_iteration.set()
            while True:  # so that the writer never waits
                try:
                    if not os.read(reader, 4096):
                        return
                except OSError:
                    return

        threading.Thread(target=watch, daemon=True).start()
        return writer


class OnlineTest(EndToEndTest):
    def test_the_daemon_learns_the_same_bits(self):
        points, _ = clusters(5000, MEANS)
        numpy.savetxt(self.directory / "points.csv", points, delimiter=",", header="x,y", comments="", fmt="%.17g")
        daemon = self.start("[defaults]\ncomponents = 2\nbatch_points = 100\nseed_points = 400\n")
        self.client(daemon, "send", self.directory / "points.csv", "--stream", "room")
        self.client(daemon, "flush", "room")
        streamed = self.client_json(daemon, "model", "room")
        fitted = json.loads(self.client(None, "fit", self.directory / "points.csv", "-k", 2, "--algorithm", "online", "--batch-points", 100, "--seed-points", 400, "--json"))
        self.assertEqual(fitted["components"], streamed["components"])

    def test_a_fit_is_where_a_daemon_starts(self):
        points, _ = clusters(1000, MEANS)
        numpy.savetxt(self.directory / "points.csv", points, delimiter=",", header="x,y", comments="", fmt="%.17g")
        self.client(None, "fit", self.directory / "points.csv", "-k", 2, "-o", self.directory / "points.emulsion", "--quiet")
        daemon = self.start(f"[stream.room]\ncomponents = 2\ninit = {self.directory / 'points.emulsion'}\n")
        streamed = self.client_json(daemon, "model", "room")
        fitted = json.loads((self.directory / "points.emulsion").read_text())
        self.assertEqual([c["parameters"] for c in streamed["components"]], [c["parameters"] for c in fitted["components"]])


if __name__ == "__main__":
    unittest.main()
