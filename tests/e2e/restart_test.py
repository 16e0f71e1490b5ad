#!/usr/bin/python3
"""A daemon that is stopped and started again ends with the same bits as one that never was."""

import signal
import sys
import unittest

import numpy
import zmq

from daemon import PATIENCE, EndToEndTest, array, clusters, control_pb2, drawn, eventually, scaled

ROWS = scaled(3000, 1500)
MESSAGE_ROWS = 10
CONFIG = """
[defaults]
components = 3
batch_points = 64
"""


class StatefulTest(EndToEndTest):
    def setUp(self):
        super().setUp()
        self.points, _ = clusters(ROWS, [[0, 0], [5, 1], [1, 6]])

    def start_with_state(self, directory="state", config=CONFIG, *arguments, **options):
        return self.start(config, "--state_directory", str(self.directory / directory), *arguments, **options)

    def state_file(self, directory="state", stream="room"):
        """The newest one."""
        return self.state_files(stream, directory)[-1]

    def send(self, daemon, first, last, rows=MESSAGE_ROWS):
        """Rows from `first` up to `last`, as one part of one session, in messages of `rows`."""
        path = self.directory / "part.npy"
        numpy.save(path, self.points[first:last])
        self.client(daemon, "send", path, "--stream", "room", "--producer", "sensor", "--session", 7,
                    "--first-sequence", first // rows, "--batch", rows, "--no-end")


class RestartTest(StatefulTest):
    def run_through(self, directory, stops=(), number=signal.SIGTERM, config=CONFIG, rows=MESSAGE_ROWS):
        """All points, with a stop after each of so many rows; the digest before the last stop."""
        edges = [0, *stops, ROWS]
        for first, last in zip(edges, edges[1:]):
            daemon = self.start_with_state(directory, config)
            self.send(daemon, first, last, rows)
            digest = daemon.wait_for_rows("room", last).digest
            self.assertEqual(daemon.stop(number), 0)
        return digest

    def check_same_end(self, stops, number=signal.SIGTERM):
        digest = self.run_through("never-stopped")
        again = self.run_through("stopped", stops, number)
        self.assertEqual(again, digest)
        self.assertEqual(self.state_file("stopped").read_bytes(), self.state_file("never-stopped").read_bytes())

    def test_a_stop_in_the_middle_of_a_mini_batch_changes_no_bit(self):
        self.check_same_end([150 + 10 * 64 + 30])

    def test_a_stop_while_the_stream_warms_up_changes_no_bit(self):
        self.check_same_end([40])

    def test_a_stop_where_the_warm_up_ends_changes_no_bit(self):
        self.check_same_end([150])

    def test_many_stops_change_no_bit(self):
        self.check_same_end([10, 100, 160, 400, 410, 1000])

    def test_sigint_is_as_good_as_sigterm(self):
        self.check_same_end([700], signal.SIGINT)

    def test_the_same_points_give_the_same_digest_in_other_messages_and_on_other_threads(self):
        digest = self.run_through("small")
        self.assertEqual(self.run_through("large", rows=500), digest)
        self.assertEqual(self.run_through("threads", config=CONFIG + "threads = 4\n", rows=100), digest)
        # And the digest does tell: a change of one coordinate by 1e-6 is another model.
        self.points[500, 0] += 1e-6
        self.assertNotEqual(self.run_through("changed"), digest)

    def test_labels_of_rows_that_waited_come_after_the_restart_once(self):
        first = self.start_with_state()
        self.send(first, 0, 100)
        first.wait_for_rows("room", 100)
        self.assertEqual(first.stream("room").points_labelled, 0)
        self.assertEqual(first.stop(), 0)
        second = self.start_with_state()
        subscriber = self.subscribe(second, "emulsion.v1.room.labels.")
        self.send(second, 100, 200)
        labels = [subscriber.next() for _ in range(20)]
        self.assertEqual([(label.session, label.sequence, label.rows) for label in labels], [(7, n, 10) for n in range(20)])
        self.assertTrue(all(array(label.component_ids, "<u8").all() for label in labels))
        self.assertEqual(second.wait_for_rows("room", 200).points_labelled, 200)

    def test_a_saved_model_is_there_at_once_and_a_paused_stream_stays_paused(self):
        first = self.start_with_state()
        self.send(first, 0, 500)
        first.wait_for_rows("room", 500)
        first.ask(pause=control_pb2.PauseRequest(stream="room"))
        model = first.model("room")
        self.assertEqual(first.stop(), 0)
        second = self.start_with_state()
        again = self.subscribe(second, "emulsion.v1.room.model.").next()
        self.assertEqual((again.version, again.points_learned), (model.version, model.points_learned))
        self.assertEqual([c.SerializeToString() for c in again.components], [c.SerializeToString() for c in model.components])
        self.assertEqual(second.stream("room").phase, 3)

    def start_with_address(self, config=CONFIG):
        # A file has an address that stays. The producer does not notice the end of the daemon: PUSH connects again.
        return self.start_with_state(config=config, inputs=[f"pull bind ipc://{self.directory}/points"])

    def lasting_producer(self, daemon):
        socket = self.socket(zmq.PUSH)
        socket.reconnect_ivl = 10
        self.connections = socket.get_monitor_socket(zmq.EVENT_CONNECTED)
        self.addCleanup(self.connections.close)
        self.addCleanup(socket.disable_monitor)
        socket.connect(daemon.input)
        self.wait_for_connection()
        return self.producer(daemon, "room", "sensor", session=3, socket=socket)

    def wait_for_connection(self):
        """What the producer sends from now on goes to the daemon that lives now."""
        self.assertTrue(self.connections.poll(PATIENCE * 1000), "the producer connects")
        self.connections.recv_multipart()

    def kill(self, daemon):
        daemon.process.kill()
        self.assertEqual(daemon.wait_for_exit(), -signal.SIGKILL)

    def wait_for_last(self, daemon, sequence):
        return daemon.wait_for_stream("room", lambda s: s.producers and s.producers[0].last_sequence == sequence, f"message {sequence}")

    def check_that_missing_is_what_was_lost(self, daemon, producer, batches):
        """After the last message: what is not missing has been learned, and what is missing can be sent again. How many were."""
        number = len(batches)
        rows = sum(map(len, batches))
        producer.send(self.points[:0].reshape(0, 2))  # the end
        stream = self.wait_for_last(daemon, number)
        missing, messages = stream.producers[0].messages_missing, stream.producers[0].messages
        self.assertEqual(stream.points_accepted + MESSAGE_ROWS * missing, rows)
        for sequence, batch in enumerate(batches):
            producer.send(batch, sequence=sequence)
        stream = daemon.wait_for_stream("room", lambda s: s.producers[0].messages == messages + number, "all again")
        self.assertEqual(stream.points_accepted, rows)
        known = stream.producers[0]
        self.assertEqual((known.messages_missing, known.messages_reordered, known.messages_duplicate), (0, missing, number - missing))
        return missing

    def test_a_stop_under_fire_loses_nothing_unseen_and_sending_again_completes_it(self):
        daemon = self.start_with_address()
        producer = self.lasting_producer(daemon)
        batches = numpy.split(self.points[:1000], 100)
        for number, batch in enumerate(batches):
            producer.send(batch)
            if number == 50:
                daemon.process.send_signal(signal.SIGTERM)
        self.assertEqual(daemon.wait_for_exit(), 0)
        self.check_that_missing_is_what_was_lost(self.start_with_address(), producer, batches)

    def test_after_a_kill_what_came_since_the_last_save_is_missing_and_nothing_else(self):
        config = "save_interval_seconds = 0\n" + CONFIG
        daemon = self.start_with_address(config)
        producer = self.lasting_producer(daemon)
        batches = numpy.split(self.points[:1000], 100)
        for batch in batches[:40]:
            producer.send(batch)
        daemon.wait_for_rows("room", 400)
        daemon.ask(save=control_pb2.SaveRequest(stream="room"))
        for batch in batches[40:60]:
            producer.send(batch)
        self.assertEqual(daemon.wait_for_rows("room", 600).producers[0].messages_missing, 0)
        self.kill(daemon)
        daemon = self.start_with_address(config)
        self.wait_for_connection()
        self.assertEqual(daemon.stream("room").producers[0].last_sequence, 39)
        for batch in batches[60:]:
            producer.send(batch)
        stream = self.wait_for_last(daemon, 99)
        self.assertEqual((stream.producers[0].messages_missing, stream.points_accepted), (20, 800))
        self.assertEqual(self.check_that_missing_is_what_was_lost(daemon, producer, batches), 20)

    def test_kills_under_fire_lose_nothing_unseen_and_sending_again_completes_it(self):
        config = "save_interval_seconds = 0.02\n" + CONFIG
        random = drawn(1)
        batches = numpy.split(self.points[:1000], 100)
        kills = sorted(random.choice(range(10, 100), size=3, replace=False))
        daemon = self.start_with_address(config)
        producer = self.lasting_producer(daemon)
        for number, batch in enumerate(batches):
            producer.send(batch)
            if random.integers(3) == 0:  # some have been learned, some are under way
                self.wait_for_last(daemon, number)
            if number in kills:
                eventually(self.state_files, "a first state")
                self.kill(daemon)
                daemon = self.start_with_address(config)
                self.wait_for_connection()
        missing = self.check_that_missing_is_what_was_lost(daemon, producer, batches)
        print(f"killed after messages {', '.join(map(str, kills))}: {missing} of 100 were lost", file=sys.stderr)


class StateFileTest(StatefulTest):
    def save_a_state(self):
        daemon = self.start_with_state()
        self.send(daemon, 0, 300)
        daemon.wait_for_rows("room", 300)
        self.assertEqual(daemon.stop(), 0)

    def check_refused(self, daemon, exit_code, *words):
        self.assertEqual(daemon.wait_for_exit(), exit_code)
        for word in words:
            self.assertIn(word, daemon.text())

    def launch_with_state(self, config=CONFIG):
        return self.launch(config, "--state_directory", str(self.directory / "state"))

    def test_a_damaged_state_is_refused_and_left_as_it_is(self):
        self.save_a_state()
        good = self.state_file().read_bytes()
        flipped = bytearray(good)
        flipped[len(good) // 2] ^= 1
        for damaged in (bytes(flipped), good[: len(good) // 2], good[:5], b"", b"something else entirely", good + b"x"):
            with self.subTest(damaged[:8], length=len(damaged)):
                self.state_file().write_bytes(damaged)
                self.check_refused(self.launch_with_state(), 65, "room.1.state: damaged", "move it away to start anew")
                self.assertEqual(self.state_file().read_bytes(), damaged)

    def test_what_the_message_advises_works(self):
        self.save_a_state()
        self.state_file().write_bytes(b"damaged")
        self.check_refused(self.launch_with_state(), 65, "move it away")
        self.state_file().rename(self.directory / "away")
        daemon = self.start_with_state()
        self.assertIsNone(daemon.stream("room"))
        self.send(daemon, 0, 300)
        self.assertEqual(daemon.wait_for_rows("room", 300).points_accepted, 300)

    def test_a_damaged_newest_state_is_refused_though_there_is_an_older_one(self):
        daemon = self.start_with_state()
        for first in (0, 300):
            self.send(daemon, first, first + 300)
            daemon.wait_for_rows("room", first + 300)
            daemon.ask(save=control_pb2.SaveRequest(stream="room"))
        self.assertEqual(daemon.stop(), 0)
        older, newest = self.state_files()
        newest.write_bytes(newest.read_bytes()[:-1])
        # Producers have let go of what came since the older one: that is for people to decide.
        self.check_refused(self.launch_with_state(), 65, f"{newest.name}: damaged", f"move it away to go back to {older.name}, which is older")
        self.assertEqual(self.state_files(), [older, newest])
        newest.rename(self.directory / "away")
        self.assertEqual(self.start_with_state().stream("room").points_accepted, 300)

    def test_a_state_that_does_not_fit_the_configuration_is_refused_and_left_as_it_is(self):
        self.save_a_state()
        good = self.state_file().read_bytes()
        for setting in ("components = 4", "covariance = diagonal", "dimension = 5"):
            with self.subTest(setting):
                key = setting.split()[0]
                lines = [line for line in CONFIG.splitlines() if not line.startswith(key)]
                daemon = self.launch_with_state("\n".join([*lines, setting, ""]))
                self.check_refused(daemon, 65, 'stream "room"')
                self.assertEqual(self.state_file().read_bytes(), good)

    def test_a_second_daemon_on_one_directory_does_not_start_and_does_no_harm(self):
        first = self.start_with_state()
        self.send(first, 0, 200)
        self.check_refused(self.launch_with_state(), 69, "in use by another daemon")
        self.send(first, 200, 400)
        self.assertEqual(first.wait_for_rows("room", 400).points_accepted, 400)

    def test_save_writes_the_file_and_reset_removes_it(self):
        daemon = self.start_with_state()
        self.send(daemon, 0, 200)
        daemon.wait_for_rows("room", 200)
        self.assertEqual(self.client_json(daemon, "save", "room"), {"command": "save", "streams": ["room"]})
        self.assertTrue(self.state_file().read_bytes().startswith(b"EMULSION"))
        self.client(daemon, "reset", "room", "--yes")
        self.assertEqual(self.state_files(), [])
        self.assertEqual(daemon.stream("room").points_accepted, 0)


if __name__ == "__main__":
    unittest.main()
