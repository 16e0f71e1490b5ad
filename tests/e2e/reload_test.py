#!/usr/bin/python3
"""SIGHUP applies what can be applied, and the signs that a service manager waits for come."""

import re
import signal
import socket
import time
import unittest

import zmq

from daemon import PATIENCE, EndToEndTest, clusters, eventually

CONFIG = """
log_level = info
save_interval_seconds = 0
[defaults]
components = 2
[stream.room]
components = 2
model_interval_seconds = 86400
"""


class ReloadTest(EndToEndTest):
    def setUp(self):
        super().setUp()
        self.daemon = self.start(CONFIG, "--state_directory", str(self.directory / "state"))
        self.points, _ = clusters(2000, [[0, 0], [9, 9]])

    def reload(self, *changes, until="reload: applied"):
        """The lines of the log from the signal to the line that ends the reload."""
        text = self.daemon.config_path.read_text()
        for old, new in changes:
            self.assertIn(old, text)
            text = text.replace(old, new)
        self.daemon.config_path.write_text(text)
        before = len(self.daemon.text().splitlines())
        self.daemon.process.send_signal(signal.SIGHUP)
        self.daemon.wait_for_log(until, after=before)
        return lambda pattern: self.daemon.wait_for_log(pattern, after=before).string

    def test_an_unchanged_file_changes_nothing(self):
        said = self.reload()
        self.assertIn("nothing has changed", said("applied"))

    def test_the_log_level_is_applied_at_once(self):
        producer = self.producer(self.daemon, "room")
        producer.send(self.points[:300])
        self.daemon.wait_for_rows("room", 300)
        self.assertNotIn("trace", self.daemon.text())
        said = self.reload(("log_level = info", "log_level = trace"))
        self.assertIn("log_level", said("applied"))
        producer.send(self.points[300:600])
        self.daemon.wait_for_log("trace .*emulsion.v1.room.points.")
        self.daemon.config_path.write_text(CONFIG.replace("log_level = info", "log_level = error"))
        self.daemon.process.send_signal(signal.SIGHUP)
        # Quiet from then on: of the reload itself, and of the end.
        self.assertEqual(self.daemon.stop(), 0)
        self.assertEqual(self.daemon.text().count("applied"), 1)
        self.assertNotIn("SIGTERM", self.daemon.text())

    def test_the_log_becomes_json_lines_at_once(self):
        self.reload(("log_level = info", "log_format = json"))
        self.assertEqual(self.daemon.stop(), 0)
        self.assertRegex(self.daemon.text().splitlines()[-1], r'^\{.*"ended".*\}$')

    def test_the_interval_between_models_is_applied_to_a_stream_that_is_there(self):
        subscriber = self.subscribe(self.daemon, "emulsion.v1.room.model.")
        producer = self.producer(self.daemon, "room")
        producer.send(self.points[:1000])
        self.assertEqual(subscriber.next().topic_sequence, 0)
        producer.send(self.points[1000:])
        self.daemon.wait_for_rows("room", 2000)
        self.assertTrue(subscriber.nothing_more())  # until tomorrow
        said = self.reload(("model_interval_seconds = 86400", "model_interval_seconds = 0"))
        self.assertIn("stream.room.model_interval_seconds", said("applied"))
        self.assertEqual(subscriber.next().version, self.daemon.model("room").version)

    def test_the_interval_between_saves_is_applied(self):
        self.producer(self.daemon, "room").send(self.points)
        self.daemon.wait_for_rows("room", 2000)
        self.assertEqual(self.state_files(), [])
        said = self.reload(("save_interval_seconds = 0", "save_interval_seconds = 0.05"))
        self.assertIn("save_interval_seconds", said("applied"))
        eventually(self.state_files, "a saved state")

    def test_a_new_stream_and_its_settings_are_applied(self):
        said = self.reload(("[stream.room]", "[stream.cellar]\ncomponents = 5\n[stream.room]"))
        self.assertIn("stream.cellar", said("applied"))
        self.producer(self.daemon, "cellar").send(self.points[:10])
        self.assertEqual(self.daemon.wait_for_rows("cellar", 10).components, 5)

    def test_the_names_of_dynamic_streams_are_applied(self):
        self.reload(("log_level = info", "dynamic_streams = guest-*"))
        producer = self.producer(self.daemon, "guest-1")
        producer.send(self.points[:5])
        self.daemon.wait_for_rows("guest-1", 5)
        self.producer(self.daemon, "stranger").send(self.points[:5])
        self.daemon.wait_for_log('"stranger" is not configured')

    def test_what_needs_a_restart_is_named_keeps_its_value_and_is_named_again(self):
        self.producer(self.daemon, "room").send(self.points)
        self.daemon.wait_for_rows("room", 2000)
        change = ("[stream.room]\ncomponents = 2", "[stream.room]\ncomponents = 3")
        said = self.reload(change, ("log_level = info", "queue_messages = 77"), until="needs a restart")
        self.assertIn("stream.room.components", said("needs a restart"))
        self.assertIn("queue_messages", said("needs a restart"))
        self.assertNotIn("components", said("applied"))
        self.assertEqual(len(self.daemon.model("room").components), 2)
        said = self.reload(until="needs a restart")
        self.assertIn("stream.room.components", said("needs a restart"))

    def test_a_file_with_faults_keeps_the_old_in_force_and_every_fault_is_named(self):
        said = self.reload(("log_level = info", "log_level = loud"), ("model_interval_seconds = 86400", "model_intervall_seconds = 0"),
                           until="the old one stays in force")
        self.assertIn(f'{self.daemon.config_path}:2: log_level: "loud"', said("loud"))
        self.assertIn('did you mean "model_interval_seconds"?', said("intervall"))
        subscriber = self.subscribe(self.daemon, "emulsion.v1.room.model.")
        producer = self.producer(self.daemon, "room")
        producer.send(self.points[:1000])
        producer.send(self.points[1000:])
        self.daemon.wait_for_rows("room", 2000)
        self.assertEqual(subscriber.next().topic_sequence, 0)
        self.assertTrue(subscriber.nothing_more())
        # And the way back is open.
        self.reload(("loud", "info"), ("intervall", "interval"))

    def test_points_that_come_meanwhile_are_all_learned(self):
        producer = self.producer(self.daemon, "room")
        for number in range(200):
            producer.send(self.points[10 * number : 10 * number + 10])
            if number % 20 == 0:
                self.daemon.process.send_signal(signal.SIGHUP)
        room = self.daemon.wait_for_rows("room", 2000)
        self.assertEqual((room.points_accepted, room.producers[0].messages_missing), (2000, 0))


class ServiceManagerTest(EndToEndTest):
    def setUp(self):
        super().setUp()
        self.signs = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(self.signs.close)
        self.signs.bind(str(self.directory / "notify"))
        self.signs.settimeout(PATIENCE)
        self.variables = {"NOTIFY_SOCKET": str(self.directory / "notify")}

    def wait_for_sign(self, sign):
        while True:
            text = self.signs.recv(4096).decode()
            if sign in text.splitlines():
                return text

    def test_ready_comes_when_all_sockets_answer_and_stopping_before_the_end(self):
        daemon = self.start(environment=self.variables, http=True)
        self.assertEqual(self.signs.recv(4096), b"READY=1")
        self.assertEqual(len(daemon.status().streams), 1)
        daemon.process.send_signal(signal.SIGTERM)
        self.wait_for_sign("STOPPING=1")
        self.assertEqual(daemon.wait_for_exit(), 0)

    def test_a_reload_is_announced_and_ready_again(self):
        daemon = self.start(environment=self.variables)
        self.wait_for_sign("READY=1")
        before = time.monotonic_ns() // 1000
        daemon.process.send_signal(signal.SIGHUP)
        stamp = int(re.search(r"MONOTONIC_USEC=(\d+)", self.wait_for_sign("RELOADING=1")).group(1))
        self.assertTrue(before <= stamp <= time.monotonic_ns() // 1000)
        self.wait_for_sign("READY=1")

    def test_the_watchdog_gets_its_signs_while_the_daemon_is_idle_and_while_it_works(self):
        daemon = self.start(environment={**self.variables, "WATCHDOG_USEC": "200000"})
        for _ in range(5):
            self.wait_for_sign("WATCHDOG=1")
        points, _ = clusters(1000, [[0, 0], [9, 9]])
        producer = self.producer(daemon, "room")
        for _ in range(50):
            producer.send(points)
        for _ in range(5):
            self.wait_for_sign("WATCHDOG=1")

    def test_without_a_watchdog_there_are_no_signs_for_it(self):
        daemon = self.start(environment=self.variables)
        self.assertEqual(daemon.stop(), 0)
        self.signs.setblocking(False)
        signs = []
        while True:
            try:
                signs.append(self.signs.recv(4096).decode())
            except BlockingIOError:
                break
        self.assertEqual(signs, ["READY=1", "STOPPING=1"])

    def test_a_daemon_that_cannot_start_is_never_ready(self):
        taken = self.socket(zmq.PULL)
        taken.bind("tcp://127.0.0.1:*")
        daemon = self.launch("", "--control", taken.get(zmq.LAST_ENDPOINT).decode(), environment=self.variables)
        self.assertNotEqual(daemon.wait_for_exit(), 0)
        self.signs.setblocking(False)
        self.assertRaises(BlockingIOError, self.signs.recv, 4096)


if __name__ == "__main__":
    unittest.main()
