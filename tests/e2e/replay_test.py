#!/usr/bin/python3
"""A daemon learns a file and ends."""

import json
import subprocess
import unittest

import numpy

from daemon import EndToEndTest, clusters

MEANS = [[0, 0], [9, 3]]


class ReplayTest(EndToEndTest):
    def write_csv(self, rows, name="points.csv", header="x,y"):
        """A file of points around MEANS; the points."""
        points, _ = clusters(rows, MEANS)
        numpy.savetxt(self.directory / name, points, delimiter=",", header=header, comments="", fmt="%.17g")
        return points

    def replay(self, *arguments, name="points.csv", stream="geyser", config="[defaults]\ncomponents = 2\n", expect=0):
        """Runs a daemon to its end; its log."""
        daemon = self.launch(config, *arguments, inputs=[f"replay {stream} {name}"])
        self.assertEqual(daemon.wait_for_exit(), expect, daemon.text())
        return daemon.text()

    def kept(self):
        return ["--state_directory", str(self.directory / "state")]

    def look(self, stream="geyser"):
        """What a daemon finds in the state directory: the status of the stream, and its model (None if there is none)."""
        daemon = self.start("[defaults]\ncomponents = 2\n", *self.kept())
        found = daemon.stream(stream), daemon.model(stream) if daemon.stream(stream).model_version else None
        self.assertEqual(daemon.stop(), 0)
        return found

    def test_a_csv_is_learned_and_the_daemon_exits_with_0(self):
        points = self.write_csv(1000)
        self.replay(*self.kept())
        status, model = self.look()
        self.assertEqual((status.points_accepted, status.points_labelled, status.points_learned + status.points_waiting), (1000, 1000, 1000))
        self.assertEqual([(p.producer, p.messages) for p in status.producers], [("replay", 4)])
        means = sorted(tuple(c.gaussian.mean) for c in model.components)
        numpy.testing.assert_allclose(means, MEANS, atol=5 / numpy.sqrt(500 / 2))
        self.assertEqual(len(points), 1000)

    def test_fewer_rows_than_the_warm_up_needs_are_fitted_at_the_end(self):
        points = self.write_csv(30)
        self.replay(*self.kept())
        status, model = self.look()
        self.assertEqual((status.points_to_seed, status.points_learned, status.points_labelled, model.version), (100, 30, 30, 1))
        weights = numpy.array([c.weight for c in model.components])
        means = numpy.array([c.gaussian.mean for c in model.components])
        # Maximum likelihood: the mean of the mixture is the mean of the points, but for a weak prior.
        numpy.testing.assert_allclose(weights @ means, points.mean(axis=0), atol=0.1)

    def test_a_replay_that_is_repeated_learns_nothing_twice(self):
        self.write_csv(1000)
        self.replay(*self.kept())
        first, _ = self.look()
        self.replay(*self.kept())
        again, _ = self.look()
        self.assertEqual((again.digest, again.points_accepted, again.points_learned), (first.digest, 1000, first.points_learned))
        self.assertEqual(again.producers[0].messages_duplicate, 0)  # it went on at the end, and found nothing
        self.assertTrue(self.state_files("geyser"))

    def test_a_replay_makes_good_for_a_damaged_state_where_there_is_an_older_one(self):
        self.write_csv(1024)
        lines = (self.directory / "points.csv").read_text().splitlines(keepends=True)
        (self.directory / "points.csv").write_text("".join(lines[: 1 + 512]))
        self.replay(*self.kept())
        (self.directory / "points.csv").write_text("".join(lines))
        self.replay(*self.kept())
        whole, _ = self.look()
        older, newest = self.state_files("geyser")
        damaged = bytearray(newest.read_bytes())
        damaged[len(damaged) // 2] ^= 4
        newest.write_bytes(damaged)
        log = self.replay(*self.kept())
        self.assertIn(f"{newest.name}: damaged: at byte ", log)
        self.assertIn(f"stream geyser: goes on from {older.name}, which is older", log)
        again, _ = self.look()
        self.assertEqual((again.digest, again.points_accepted), (whole.digest, 1024))
        self.assertEqual((self.directory / "state" / f"{newest.name}.damaged").read_bytes(), damaged)
        self.assertNotIn(newest, self.state_files("geyser"))

    def test_a_file_that_has_grown_is_learned_from_where_it_ended(self):
        self.write_csv(1024)
        lines = (self.directory / "points.csv").read_text().splitlines(keepends=True)
        for rows in (500, 503, 1024):  # whole messages have 256
            (self.directory / "points.csv").write_text("".join(lines[: 1 + rows]))
            self.replay(*self.kept())
        grown, _ = self.look()
        self.assertEqual((grown.points_accepted, grown.producers[0].messages_missing, grown.producers[0].messages_duplicate), (1024, 0, 0))
        self.replay("--state_directory", str(self.directory / "other"), stream="geyser")
        daemon = self.start("[defaults]\ncomponents = 2\n", "--state_directory", str(self.directory / "other"))
        self.assertEqual(daemon.stream("geyser").digest, grown.digest)

    def test_a_replay_that_is_killed_goes_on_where_its_state_is(self):
        self.write_csv(20000)
        self.replay("--state_directory", str(self.directory / "whole"))
        kills = 0
        for _ in range(200):
            daemon = self.launch("save_interval_seconds = 0.01\n[defaults]\ncomponents = 2\n", *self.kept(), inputs=["replay geyser points.csv"])
            try:
                daemon.process.wait(0.01 * 1.05**kills)  # a little later each time
            except subprocess.TimeoutExpired:
                daemon.process.kill()
                kills += 1
            if daemon.wait_for_exit() == 0:
                break
        self.assertGreater(kills, 0)
        digests = set()
        for directory in ("whole", "state"):
            daemon = self.start("[defaults]\ncomponents = 2\n", "--state_directory", str(self.directory / directory))
            status = daemon.stream("geyser")
            self.assertEqual((status.points_accepted, status.producers[0].messages_duplicate), (20000, 0))
            digests.add(status.state_digest)
        self.assertEqual(len(digests), 1)

    def test_a_replay_gives_the_same_bits_as_the_same_points_by_socket(self):
        points = self.write_csv(1000)
        self.replay(*self.kept())
        replayed, _ = self.look()
        daemon = self.start("[defaults]\ncomponents = 2\n")
        self.producer(daemon, "geyser").send(points)
        self.assertEqual(daemon.wait_for_rows("geyser", 1000).digest, replayed.digest)

    def test_bad_rows_are_named_counted_and_passed_over(self):
        self.write_csv(300)
        lines = (self.directory / "points.csv").read_text().splitlines()
        lines[100] = "1,oops"
        (self.directory / "points.csv").write_text("\n".join(lines) + "\n")
        log = self.replay(*self.kept())
        self.assertIn('points.csv:101: column "y": "oops" is not a number', log)
        status, _ = self.look()
        self.assertEqual((status.points_accepted, status.points_learned), (299, 299 - status.points_waiting))

    def test_a_file_that_cannot_be_read_exits_with_65(self):
        self.assertIn("no-such-file.csv", self.replay(name="no-such-file.csv", expect=65))
        (self.directory / "points.npy").write_bytes(b"\x93NUMPY damaged")
        self.assertIn("points.npy", self.replay(name="points.npy", expect=65))

    def test_npy_and_json_lines_are_learned_like_csv(self):
        points = self.write_csv(500)
        numpy.save(self.directory / "points.npy", points)
        (self.directory / "points.jsonl").write_text("".join(json.dumps(list(point)) + "\n" for point in points))
        for name in ("points.csv", "points.npy", "points.jsonl"):
            self.replay(*self.kept(), name=name, stream=name.split(".")[1])
        digests = {self.look(stream)[0].digest for stream in ("csv", "npy", "jsonl")}
        self.assertEqual(len(digests), 1)

    def test_a_daemon_with_another_input_stays(self):
        self.write_csv(200)
        daemon = self.start("", inputs=["pull bind tcp://127.0.0.1:*", "replay geyser points.csv"])
        daemon.wait_for_rows("geyser", 200)
        self.producer(daemon, "geyser").send(clusters(50, MEANS)[0])
        daemon.wait_for_rows("geyser", 250)

    def test_a_daemon_told_to_stay_stays(self):
        self.write_csv(200)
        daemon = self.start("exit_after_replay = false\n", inputs=["replay geyser points.csv"])
        self.assertEqual(daemon.wait_for_rows("geyser", 200).points_accepted, 200)
        self.assertEqual(len(daemon.model("geyser").components), 2)


if __name__ == "__main__":
    unittest.main()
