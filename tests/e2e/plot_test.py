#!/usr/bin/python3
"""Pictures, as they come out of the program: what is in the file is what was to be drawn."""

import json
import pathlib
import re
import subprocess
import unittest
import xml.etree.ElementTree as ElementTree

import numpy
from PIL import Image

from daemon import EMULSION, PATIENCE, EndToEndTest, clusters, environment

FAITHFUL = pathlib.Path(__file__).resolve().parent.parent.parent / "clients" / "data" / "old_faithful.csv"
SVG = "{http://www.w3.org/2000/svg}"

# What a fit of two components finds in it, to two digits.
GEYSER = {
    "columns": ["eruption_minutes", "waiting_minutes"],
    "components": [
        {"id": 1, "weight": 0.36, "mean": [2.04, 54.5], "covariance": [[0.069, 0.44], [0.44, 33.7]]},
        {"id": 2, "weight": 0.64, "mean": [4.29, 80.0], "covariance": [[0.17, 0.94], [0.94, 36.0]]},
    ],
}


def read_png(path):
    """Its colours, height x width x 3."""
    with Image.open(path) as image:
        return numpy.asarray(image.convert("RGB"))


def colours_of(image):
    return {tuple(colour) for colour in image.reshape(-1, 3)}


class PlotTest(EndToEndTest):
    def setUp(self):
        super().setUp()
        self.write("geyser.json", json.dumps(GEYSER))

    def write(self, name, text):
        (self.directory / name).write_text(text)
        return name

    def plot(self, *arguments, picture, daemon=None, **options):
        """The path of the picture that `emulsion plot` makes."""
        self.client(daemon, "plot", *arguments, "-o", picture, **options)
        return self.directory / picture

    def svg(self, *arguments, **options):
        """The picture as XML: its texts, and the ids of its parts."""
        root = ElementTree.parse(self.plot(*arguments, picture="picture.svg", **options)).getroot()
        texts = ["".join(node.itertext()).strip() for node in root.iter(f"{SVG}text")]
        ids = [node.get("id") for node in root.iter() if node.get("id")]
        return texts, ids

    def points(self, columns, rows):
        """A file of points of three clusters, and the model that they were made of."""
        means = numpy.array([[0.0] * columns, [6.0] * columns, [0.0, 9.0] * (columns // 2) + [4.0] * (columns % 2)])
        numbers, labels = clusters(rows, means)
        names = [f"c{i}" for i in range(columns)]
        lines = [",".join([*map(repr, map(float, row)), f"kind{label}"]) for row, label in zip(numbers, labels)]
        self.write("points.csv", "\n".join([",".join([*names, "kind"]), *lines]) + "\n")
        components = [{"weight": 1 / 3, "mean": list(mean), "covariance": numpy.eye(columns).tolist()} for mean in means]
        self.write("model.json", json.dumps({"components": components}))
        return "points.csv", "--columns", ",".join(names), "--model", "model.json"

    def ellipses(self, ids):
        return sorted(name for name in ids if name.startswith("ellipse-"))

    def test_a_scatter_has_its_size_and_the_colours_of_its_components(self):
        path = self.plot(FAITHFUL, "--model", "geyser.json", "--width", 5, "--height", 4, "--dpi", 80, picture="scatter.png")
        image = read_png(path)
        self.assertEqual(image.shape, (320, 400, 3))
        colours = colours_of(image)
        for colour in ((255, 255, 255), (0x00, 0x72, 0xB2), (0xD5, 0x5E, 0x00)):
            self.assertIn(colour, colours)
        self.assertNotIn((0x00, 0x9E, 0x73), colours)  # a third component's
        self.assertGreater(len(colours), 50)

    def test_a_scatter_has_two_ellipses_a_component_and_says_what_it_shows(self):
        texts, ids = self.svg(FAITHFUL, "--model", "geyser.json", "--title", "Old Faithful, $5 a look")
        self.assertEqual(self.ellipses(ids), [f"ellipse-{k}-{sigma}-sigma-0-1" for k in (1, 2) for sigma in (1, 2)])
        for text in ("eruption_minutes", "waiting_minutes", "component, weight", "1   0.360", "2   0.640", "1 σ", "2 σ"):
            self.assertIn(text, texts)
        self.assertIn("Old Faithful, $5 a look", texts)

    def test_the_same_command_gives_the_same_bytes(self):
        for suffix in ("svg", "png", "pdf"):
            first = self.plot(FAITHFUL, "--model", "geyser.json", picture=f"a.{suffix}").read_bytes()
            self.assertEqual(first, self.plot(FAITHFUL, "--model", "geyser.json", picture=f"b.{suffix}").read_bytes(), suffix)

    def test_true_labels_stand_beside_the_clusters(self):
        texts, _ = self.svg(*self.points(2, 300), "--label-column", "kind", "--points", 100)
        for text in ("kind", "kind0", "kind1", "kind2"):
            self.assertIn(text, texts)
        self.assertIn("points drawn", " ".join(texts))

    def test_one_coordinate_is_a_histogram_with_curves(self):
        texts, ids = self.svg(*self.points(1, 300))
        self.assertTrue({"curve-1-0", "curve-2-0", "curve-3-0", "total-0"} <= set(ids), ids)
        self.assertTrue({"c0", "density", "mixture", "points"} <= set(texts), texts)
        read_png(self.plot(*self.points(1, 300), "--label-column", "kind", picture="density.png"))
        # And so is one that was chosen among several.
        texts, ids = self.svg(*self.points(3, 300), "--x", "c2")
        self.assertIn("c2", texts)
        self.assertIn("total-0", ids)

    def test_more_coordinates_are_pairs(self):
        texts, ids = self.svg(*self.points(4, 200), "--label-column", "kind")
        self.assertEqual(len(self.ellipses(ids)), 3 * 2 * 6)  # components, sigmas, pairs
        self.assertEqual(sum(name.startswith("curve-") for name in ids), 3 * 4)
        self.assertTrue({"c0", "c1", "c2", "c3", "kind0"} <= set(texts), texts)
        image = read_png(self.plot(*self.points(3, 200), "--dpi", 40, picture="pairs.png"))
        self.assertIn((0x00, 0x9E, 0x73), colours_of(image))

    def test_many_coordinates_show_those_that_tell_most(self):
        self.client(None, "plot", *self.points(8, 100), "-o", "eight.svg")
        self.assertIn("6 of 8 columns are drawn", self.client_errors)

    def history(self):
        lines = []
        for iteration, shift in enumerate((0.8, 0.3, 0.0)):
            components = [dict(c, mean=[c["mean"][0] + shift, c["mean"][1]]) for c in GEYSER["components"]]
            model = dict(GEYSER, components=components)
            lines.append(json.dumps({"iteration": iteration, "mean_log_likelihood": -4.155 - shift, "shift": shift, "model": model}))
        return self.write("history.jsonl", "\n".join(lines) + "\n")

    def test_a_history_has_a_picture_for_each_iteration_all_of_one_size(self):
        history = self.history()
        self.plot(FAITHFUL, "--history", history, "--dpi", 40, picture="frames/iteration-%03d.png")
        paths = sorted((self.directory / "frames").iterdir())
        self.assertEqual([path.name for path in paths], [f"iteration-00{i}.png" for i in range(3)])
        images = [read_png(path) for path in paths]
        self.assertEqual(len({image.shape for image in images}), 1)
        self.assertFalse((images[0] == images[2]).all())
        # The axes do not move: nothing changes where their numbers and names stand.
        for image in images[1:]:
            self.assertTrue((image[:, :20] == images[0][:, :20]).all())
            self.assertTrue((image[-16:] == images[0][-16:]).all())

    def test_chosen_iterations_alone_are_drawn(self):
        self.plot(FAITHFUL, "--history", self.history(), "--at", "0,2", picture="i%d.svg")
        self.assertEqual(sorted(path.name for path in self.directory.glob("i*.svg")), ["i0.svg", "i2.svg"])
        texts, _ = self.svg(FAITHFUL, "--history", self.history(), "--at", 2)
        self.assertIn("iteration 2", texts)
        self.assertIn("mean log likelihood −4.155", texts)

    def test_the_log_likelihood_is_a_curve_that_ends_in_its_last_value(self):
        texts, ids = self.svg("--history", self.history())
        self.assertIn("log-likelihood", ids)
        self.assertTrue({"iteration", "mean log likelihood (nats per point)", "−4.1550"} <= set(texts), texts)
        read_png(self.plot("--history", self.history(), picture="ll.png"))

    def test_a_model_without_points_is_drawn_from_a_pipe(self):
        texts, ids = self.svg("--model", "-", stdin=json.dumps(GEYSER))
        self.assertEqual(len(self.ellipses(ids)), 4)
        self.assertIn("waiting_minutes", texts)
        texts, _ = self.svg("--model", "geyser.json", "--columns", "eruption,waiting")
        self.assertTrue({"eruption", "waiting"} <= set(texts), texts)

    def test_a_running_daemon_shows_its_model_of_this_moment(self):
        daemon = self.start("[defaults]\ncomponents = 2\nrandom_seed = 1\n")
        self.client(daemon, "send", FAITHFUL, "--stream", "geyser")
        self.client(daemon, "flush", "geyser")
        texts, ids = self.svg(FAITHFUL, "--stream", "geyser", daemon=daemon)
        self.assertEqual(len(self.ellipses(ids)), 4)
        self.assertTrue(any(re.match(r"geyser: model \d+, learned from 272 points", text) for text in texts), texts)
        self.client(daemon, "plot", "--stream", "nobody", "-o", "x.svg", expect=1)
        self.assertIn('"nobody"', self.client_errors)
        self.assertIn("there are geyser", self.client_errors)

    def test_without_matplotlib_it_says_how_to_get_it(self):
        # Without its site-packages Python knows nothing but itself.
        wrapper = self.directory / "python"
        wrapper.write_text('#!/bin/sh\nexec /usr/bin/python3 -I -S "$@"\n')
        wrapper.chmod(0o755)
        done = subprocess.run(
            [EMULSION, "plot", "--model", "geyser.json", "-o", "x.png"],
            cwd=self.directory,
            env=environment({"EMULSION_PYTHON": str(wrapper)}),
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
        self.assertEqual(done.returncode, 69)
        self.assertIn("apt install python3-matplotlib", done.stderr)
        self.assertFalse((self.directory / "x.png").exists())

    def test_a_picture_that_cannot_be_written_is_named(self):
        self.write("file", "")
        self.client(None, "plot", "--model", "geyser.json", "-o", "file/x.png", expect=73)
        self.assertIn("file/x.png", self.client_errors)

    def test_a_module_in_the_working_directory_is_not_taken_for_pythons_own(self):
        self.write("json.py", "raise SystemExit(99)")
        self.plot("--model", "geyser.json", picture="safe.png")


if __name__ == "__main__":
    unittest.main()
