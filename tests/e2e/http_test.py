#!/usr/bin/python3
"""The pages for machines: /metrics, /healthz and /readyz."""

import http.client
import re
import subprocess
import unittest
import urllib.error
import urllib.request

from daemon import PATIENCE, EndToEndTest, clusters, control_pb2, eventually

CONFIG = """
dynamic_streams = guest-*
[defaults]
components = 2
[stream.room]
[stream.cellar]
"""


class HttpTest(EndToEndTest):
    def setUp(self):
        super().setUp()
        self.daemon = self.start(CONFIG, http=True)

    def get(self, page):
        """Status, type and text of a page."""
        try:
            with urllib.request.urlopen(self.daemon.http + page, timeout=PATIENCE) as reply:
                return reply.status, reply.headers["Content-Type"], reply.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.headers["Content-Type"], error.read().decode()

    def samples(self):
        """Every sample of /metrics: its name with its labels, and its value."""
        lines = [line for line in self.get("/metrics")[2].splitlines() if not line.startswith("#")]
        return {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1]) for line in lines}

    def feed(self):
        """Something of everything; every number of it is in test_counters_agree_with_what_was_sent."""
        points, _ = clusters(600, [[0, 0], [9, 9]])
        room = self.producer(self.daemon, "room")
        room.send(points[:300])
        room.send(points[300:], sequence=5)
        room.send(points[:10], sequence=5)  # again
        room.send(points[:10], sequence=2)  # late, as are the next two; 1 never comes
        room.send([[1.0, 2.0, 3.0]])
        room.send([[float("inf"), 0.0], [1.0, 1.0]])
        room.send_frames(room.topic, b"no points")
        for guest in ("guest-1", "guest-2"):
            self.producer(self.daemon, guest).send(points[:250])
        self.producer(self.daemon, "stranger").send(points)
        eventually(lambda: self.daemon.status().messages_received == 10, "10 messages received")

    def wait_for_sample(self, sample, value):
        """The page is a fifth of a second old at most."""
        return eventually(lambda: (now := self.samples()).get(sample) == value and now, f"{sample} {value}")

    def test_promtool_has_nothing_to_say(self):
        self.feed()
        self.wait_for_sample("emulsion_messages_received_total", 10)
        page = self.get("/metrics")[2]
        done = subprocess.run(["promtool", "check", "metrics"], input=page, capture_output=True, text=True, timeout=PATIENCE)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""), page)

    def test_counters_agree_with_what_was_sent(self):
        self.feed()
        now = self.wait_for_sample("emulsion_messages_received_total", 10)
        expected = {
            'emulsion_refused_total{stage="message",reason="unknown_stream"}': 1,
            'emulsion_points_accepted_total{stream="room"}': 611,
            'emulsion_points_labelled_total{stream="room"}': 611,
            'emulsion_stream_refused_total{stream="room",stage="message",reason="bad_dimension"}': 1,
            'emulsion_stream_refused_total{stream="room",stage="message",reason="malformed"}': 1,
            'emulsion_stream_refused_total{stream="room",stage="row",reason="not_finite"}': 1,
            'emulsion_producers{stream="room"}': 1,
            'emulsion_messages_missing{stream="room"}': 1,
            'emulsion_messages_duplicate_total{stream="room"}': 1,
            'emulsion_messages_reordered_total{stream="room"}': 3,
            'emulsion_producer_restarts_total{stream="room"}': 0,
            'emulsion_components{stream="room"}': 2,
            'emulsion_published_total{stream="room",kind="labels"}': 4,
            'emulsion_points_accepted_total{stream="cellar"}': 0,
            'emulsion_streams{phase="warming_up"}': 1,
            'emulsion_streams{phase="learning"}': 4,
            "emulsion_ready": 1,
        }
        self.assertEqual({sample: now.get(sample) for sample in expected}, expected)
        room = self.daemon.stream("room")
        same = {
            'emulsion_points_learned_total{stream="room"}': room.points_learned,
            'emulsion_points_waiting{stream="room"}': room.points_waiting,
            'emulsion_batches_learned_total{stream="room"}': room.batches,
            'emulsion_model_version{stream="room"}': room.model_version,
        }
        self.assertEqual({sample: now.get(sample) for sample in same}, same)
        self.assertAlmostEqual(now['emulsion_mean_log_likelihood_nats{stream="room"}'], room.mean_log_likelihood, delta=1e-4)
        self.assertGreaterEqual(now['emulsion_em_step_seconds_count{stream="room"}'], 1)

    def test_streams_that_are_not_configured_share_one_series(self):
        self.feed()
        now = self.wait_for_sample('emulsion_points_accepted_total{stream="_dynamic"}', 500)
        streams = {stream for sample in now for stream in re.findall(r'stream="([^"]*)"', sample)}
        self.assertEqual(streams, {"_dynamic", "cellar", "probe", "room"})
        self.assertNotIn('emulsion_model_version{stream="_dynamic"}', now)

    def test_a_daemon_that_takes_points_is_healthy_and_ready(self):
        self.assertEqual(self.get("/healthz")[::2], (200, "ok\n"))
        self.assertEqual(self.get("/readyz")[::2], (200, "ready\n"))
        self.assertEqual(self.get("/metrics")[1], "text/plain; version=0.0.4; charset=utf-8")

    def test_other_pages_and_methods_are_refused(self):
        for page in ("/", "/metric", "/metrics/", "/../etc/passwd"):
            self.assertEqual(self.get(page)[0], 404, page)
        connection = http.client.HTTPConnection(self.daemon.http.removeprefix("http://"), timeout=PATIENCE)
        self.addCleanup(connection.close)
        connection.request("POST", "/metrics", b"x")
        self.assertEqual(connection.getresponse().status, 405)

    def test_the_counts_go_back_to_nothing_when_a_stream_is_reset(self):
        self.feed()
        self.wait_for_sample('emulsion_points_accepted_total{stream="room"}', 611)
        self.daemon.ask(reset=control_pb2.ResetRequest(stream="room"))
        now = self.wait_for_sample('emulsion_points_accepted_total{stream="room"}', 0)
        self.assertNotIn('emulsion_model_version{stream="room"}', now)


if __name__ == "__main__":
    unittest.main()
