#!/usr/bin/python3
"""A family of one's own, from the installed package to labels: the example of docs/own-family.md, and one that breaks."""

import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

import numpy

from daemon import EMULSIOND, EndToEndTest, array, clusters, drawn, environment, events_pb2, scaled

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "docs" / "examples" / "inverse_gaussian"
BUILD = pathlib.Path(EMULSIOND).resolve().parents[1]

# What breaks in the broken family: it knows no long waits.
BREAKS = """  double log_density(Numbers x, Numbers p) const override {
    if (x[0] > 2000) throw "an endless wait";
    if (x[0] > 1000) throw std::range_error("a wait of " + std::to_string(x[0]));
    if (x[0] > 100) return std::log(-x[0]);
"""

CONFIG = """
family_library = {libraries}/inverse_gaussian.so
family_library = {libraries}/broken.so
[defaults]
batch_points = 64
seed_points = 200
step = cumulative
[stream.waits]
mixture = 2*inverse_gaussian
[stream.broken]
mixture = 2*broken
[stream.room]
components = 2
"""


def run(*command, expect=0):
    done = subprocess.run([str(word) for word in command], env=environment({}), capture_output=True, text=True, timeout=240)
    assert done.returncode == expect, f"{command}: exit code {done.returncode}\n{done.stdout}{done.stderr}"
    return done


def waits(rows, part=0):
    """Short and long waits, one after another at random; and which of them are long."""
    random = drawn(part)
    long = random.random(rows) < 0.4
    points = numpy.where(long, random.wald(6, 90, rows), random.wald(1, 8, rows))
    return points.reshape(-1, 1), long


class FamilyTest(EndToEndTest):
    @classmethod
    def setUpClass(cls):
        cls.work = pathlib.Path(tempfile.mkdtemp(prefix="emulsion-family-"))
        cls.addClassCleanup(shutil.rmtree, cls.work)
        cls.prefix = cls.work / "installed"
        run("cmake", "--install", BUILD, "--prefix", cls.prefix)
        cls.libraries = cls.work / "libraries"
        cls.libraries.mkdir()
        cls.build("inverse_gaussian", lambda text: text)
        cls.build("broken", lambda text: text.replace("inverse_gaussian", "broken").replace(
            "  double log_density(Numbers x, Numbers p) const override {\n", BREAKS).replace("<cmath>\n", "<cmath>\n#include <stdexcept>\n"))

    @classmethod
    def build(cls, name, change):
        """Builds the example, changed, as somebody would who has Emulsion installed and nothing of its source."""
        source = cls.work / name
        source.mkdir()
        (source / "CMakeLists.txt").write_text(change((EXAMPLE / "CMakeLists.txt").read_text()))
        (source / f"{name}.cc").write_text(change((EXAMPLE / "inverse_gaussian.cc").read_text()))
        run("cmake", "-G", "Ninja", "-S", source, "-B", source / "build", f"-DCMAKE_PREFIX_PATH={cls.prefix}", "-DCMAKE_CXX_FLAGS=-O1")
        run("cmake", "--build", source / "build")
        shutil.copy(source / "build" / f"{name}.so", cls.libraries)

    def config(self):
        return CONFIG.format(libraries=self.libraries)

    def check(self, config, daemon=EMULSIOND):
        path = self.directory / "check.conf"
        path.write_text(config)
        done = subprocess.run([daemon, "--config", path, "--check-config"], env=environment({}), capture_output=True, text=True, timeout=60)
        return done.returncode, done.stderr.replace(f"{path}:", "").splitlines()

    def failures(self, daemon, subscriber, stream, points):
        """The text of the event that sending these points to a stream leads to."""
        self.producer(daemon, stream, "python", session=self.next_session()).send(points)
        return subscriber.until(lambda event: event.kind == events_pb2.EVENT_KIND_UPDATE_FAILED)[-1].text

    def next_session(self):
        self.session = getattr(self, "session", 100) + 1
        return self.session

    def test_the_example_is_short(self):
        self.assertLessEqual(len((EXAMPLE / "inverse_gaussian.cc").read_text().splitlines()), 60)

    def test_the_documentation_shows_it_as_it_is(self):
        text = (ROOT / "docs" / "own-family.md").read_text()
        for path in (EXAMPLE / "inverse_gaussian.cc", EXAMPLE / "CMakeLists.txt"):
            self.assertIn(f"\n{path.read_text()}```\n", text)

    def test_the_installed_daemon_takes_it_too(self):
        self.assertEqual(self.check(self.config(), self.prefix / "bin" / "emulsiond"), (0, []))

    def test_a_stream_of_its_mixture_is_learned_labelled_and_goes_on_after_a_restart(self):
        rows = scaled(8000, 2000)
        points, long = waits(rows)
        state = ("--state_directory", str(self.directory / "state"))
        daemon = self.start(self.config(), *state)
        labels = self.subscribe(daemon, "emulsion.v1.waits.labels.")
        self.producer(daemon, "waits").send(points)
        message = labels.next()
        daemon.wait_for_rows("waits", rows)
        model = daemon.model("waits")
        self.assertEqual([c.distribution.family for c in model.components], ["inverse_gaussian"] * 2)
        found = sorted((*(p.values[0] for p in c.distribution.parameters), c.weight, c.id) for c in model.components)
        self.assertEqual([p.name for p in model.components[0].distribution.parameters], ["mean", "shape"])
        # Five times the sampling error, and a tenth more for what overlaps.
        error = 5 / numpy.sqrt(rows)
        for (mean, shape, weight, _), (true_mean, true_shape, true_weight) in zip(found, [(1, 8, 0.6), (6, 90, 0.4)]):
            self.assertAlmostEqual(mean, true_mean, delta=error * numpy.sqrt(true_mean**3 / true_shape / true_weight))
            self.assertAlmostEqual(shape / true_shape, 1, delta=error * numpy.sqrt(2 / true_weight) + 0.1)
            self.assertAlmostEqual(weight, true_weight, delta=0.5 * error)
        means = [c.distribution.mean[0] for c in model.components]
        numpy.testing.assert_allclose(sorted(means), [mean for mean, *_ in found])
        is_long = array(message.component_ids, "<u8") == found[1][3]
        self.assertGreater((is_long == long[: len(is_long)]).mean(), 0.97)

        digest = daemon.stream("waits").digest
        self.assertEqual(daemon.stop(), 0)
        again = self.start(self.config(), *state)
        self.assertEqual(again.stream("waits").digest, digest)
        self.producer(again, "waits", session=2).send(waits(64, part=1)[0])
        again.wait_for_stream("waits", lambda s: s.model_version > model.version, "another version of the model")
        self.assertEqual(again.stop(), 0)

        # A state of a family that is not there any more is left as it is.
        without = self.launch("[stream.waits]\ncomponents = 2\n", *state)
        self.assertEqual(without.wait_for_exit(), 65)
        self.assertIn('family "inverse_gaussian" is unknown', without.text())

    def test_a_point_outside_its_support_is_refused_as_a_row(self):
        daemon = self.start(self.config())
        points, _ = waits(300)
        points[[7, 8]] = [[-1], [0]]
        self.producer(daemon, "waits").send(points)
        status = daemon.wait_for_rows("waits", 298)
        self.assertEqual([(r.stage, r.count) for r in status.refusals], [("row", 2)])

    def test_a_family_that_breaks_is_told_by_its_name_and_the_daemon_lives(self):
        daemon = self.start(self.config())
        events = self.subscribe(daemon, "emulsion.v1.broken.events.")
        points, _ = waits(264)
        self.producer(daemon, "broken").send(points)
        version = daemon.wait_for_stream("broken", lambda s: s.model_version >= 2, "two versions of the model").model_version
        model = daemon.model("broken")

        bad, _ = waits(64, part=2)
        bad[10] = 200
        self.assertIn('family "broken": log_density gave nan at the point (200) with the parameters (mean = ',
                      self.failures(daemon, events, "broken", bad))
        bad[10] = 1500
        self.assertIn('family "broken": log_density threw "a wait of 1500.000000" at the point (1500)',
                      self.failures(daemon, events, "broken", bad))
        bad[10] = 3000
        self.assertIn('family "broken": log_density threw something that is no std::exception at the point (3000)',
                      self.failures(daemon, events, "broken", bad))

        # The last good model stays, other streams learn, and so does this one once the points are good again.
        status = daemon.stream("broken")
        self.assertEqual((status.model_version, status.updates_failed), (version, 3))
        self.assertEqual(daemon.model("broken").components, model.components)
        self.producer(daemon, "room").send(clusters(400, [[0, 0], [9, 9]])[0])
        daemon.wait_for_stream("room", lambda s: s.model_version >= 3, "models of another stream")
        self.producer(daemon, "broken", session=9).send(waits(64, part=3)[0])
        daemon.wait_for_stream("broken", lambda s: s.model_version == version + 1, "a further version of the model")

    def test_a_file_is_fitted_and_scored_and_the_model_starts_a_stream(self):
        rows = scaled(4000, 2000)
        points, _ = waits(rows)
        numpy.savetxt(self.directory / "waits.csv", points)
        library = ("--family-library", self.libraries / "inverse_gaussian.so")
        for algorithm in ("batch", "online"):
            with self.subTest(algorithm):
                model = self.client_json(None, "fit", "waits.csv", "--mixture", "2*inverse_gaussian", "--algorithm", algorithm,
                                         "-o", "waits.emulsion", "--quiet", *library)
                found = sorted(c["parameters"]["mean"] for c in model["components"])
                self.assertEqual([c["family"] for c in model["components"]], ["inverse_gaussian"] * 2)
                numpy.testing.assert_allclose(found, [1, 6], rtol=0.1)
        scores = self.client(None, "score", "waits.emulsion", "waits.csv", "--quiet", *library)
        self.assertEqual(len(scores.splitlines()), rows + 1)
        self.client(None, "score", "waits.emulsion", "waits.csv", expect=65)
        self.assertIn('"inverse_gaussian" is unknown', self.client_errors)
        self.client(None, "fit", "waits.csv", "--mixture", "2*inverse_gaussian", "--family-library", "none.so", expect=65)
        self.assertIn("none.so: cannot be loaded: ", self.client_errors)
        self.client(None, "fit", "waits.csv", "--mixture", "2*broken", "--family-library", self.libraries / "broken.so")

        daemon = self.start(self.config() + "[stream.begun]\ninit = waits.emulsion\n")
        begun = daemon.model("begun").components
        self.assertEqual(sorted(c.distribution.mean[0] for c in begun), found)

    def test_what_cannot_be_loaded_is_a_fault_of_its_line(self):
        wrong = str(self.libraries / "none.so")
        self.assertEqual(self.check(f"\n\nfamily_library = {wrong}\n"), (
            78, [f"3: family_library: {wrong}: cannot be loaded: cannot open shared object file: No such file or directory"]))
        code, faults = self.check("[stream.waits]\nmixture = 2*inverse_gaussian\n")
        self.assertEqual((code, len(faults)), (78, 1))
        self.assertTrue(faults[0].startswith('2: stream.waits.mixture: family "inverse_gaussian" is unknown; there are: '), faults)

    def test_the_environment_names_them_too(self):
        daemon = self.start("[stream.waits]\nmixture = 2*inverse_gaussian\nseed_points = 200\n",
                            environment={"EMULSION_FAMILY_LIBRARY": f"{self.libraries}/inverse_gaussian.so:{self.libraries}/broken.so"})
        self.producer(daemon, "waits").send(waits(300)[0])
        daemon.wait_for_stream("waits", lambda s: s.model_version >= 1, "a model")


if __name__ == "__main__":
    unittest.main()
