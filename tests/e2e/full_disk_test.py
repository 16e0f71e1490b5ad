#!/usr/bin/python3
"""A daemon whose disk is full says so, goes on with labels, and recovers by itself."""

import json
import pathlib
import subprocess
import time
import unittest
import urllib.error
import urllib.request

from conversation import Conversation
from daemon import EMULSION, EMULSIOND, PATIENCE, EndToEndTest, array, clusters, control_pb2, drawn, eventually

CONFIG = """
save_interval_seconds = 0.05
[defaults]
components = 2
batch_points = 32
"""
CREDIT = 20
ROWS = 10  # of a message

# More than 100 KiB of statistics: 64 components, each with a covariance of 16 x 16 numbers.
LARGE_COMPONENTS, LARGE_DIMENSION = 64, 16
LARGE_CONFIG = f"""
save_interval_seconds = 0.05
[stream.small]
components = 2
[stream.large]
components = {LARGE_COMPONENTS}
covariance = full
seed_points = 512
"""
FREE_BYTES = 100 << 10

# A file system of its own of 1 MiB, which only this daemon has, without any rights: $1 is where.
SMALL_DISK = ["unshare", "-rm", "sh", "-c", 'mount -t tmpfs -o size=1m tmpfs "$1" && shift && exec "$@"', "sh"]


def small_disks_can_be_made():
    try:
        tried = subprocess.run([*SMALL_DISK, "/mnt", "true"], capture_output=True, timeout=PATIENCE)
    except FileNotFoundError:
        return False
    return tried.returncode == 0


@unittest.skipUnless(small_disks_can_be_made(), "no mount without rights here: `unshare -rm` with a tmpfs does not work")
class FullDiskTest(EndToEndTest):
    def setUp(self):
        super().setUp()
        self.points, _ = clusters(4000, [[0, 0], [6, 1]])
        self.sent = 0

    def ready(self, daemon):
        try:
            with urllib.request.urlopen(daemon.http + "/readyz", timeout=PATIENCE) as reply:
                return reply.status, reply.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def metric(self, daemon, name):
        with urllib.request.urlopen(daemon.http + "/metrics", timeout=PATIENCE) as reply:
            lines = reply.read().decode().splitlines()
        return float(next(line.split()[1] for line in lines if line.startswith(name + " ")))

    def start_on_a_small_disk(self, config, **options):
        """A daemon, and its state directory as it sees it."""
        (self.directory / "state").mkdir()
        daemon = self.start(config, "--state_directory", str(self.directory / "state"), http=True,
                            command=[*SMALL_DISK, str(self.directory / "state"), EMULSIOND], **options)
        return daemon, pathlib.Path(f"/proc/{daemon.process.pid}/root{self.directory}/state")

    def fill(self, state, free_bytes=0):
        """A file that leaves so many bytes of the disk."""
        ballast = state / "ballast"
        with open(ballast, "wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(4096))
            except OSError:
                pass  # full
            file.truncate(file.tell() - free_bytes)
        return ballast

    def send(self, producer, labels):
        """Ten rows, and their labels."""
        producer.send(self.points[self.sent : self.sent + 10])
        self.sent += 10
        self.assertEqual(array(labels.next().component_ids, "<u8").shape, (10,))

    def test_it_is_degraded_while_the_disk_is_full_and_recovers_within_5_s(self):
        daemon, state = self.start_on_a_small_disk(CONFIG)
        producer = self.producer(daemon, "room")
        labels = self.subscribe(daemon, "emulsion.v1.room.labels.")
        producer.send(self.points[:100])
        self.sent = 100
        self.assertEqual(labels.next().rows, 100)
        eventually(lambda: list(state.glob("room.*.state")), "a first state")
        self.assertEqual(self.ready(daemon), (200, "ready\n"))

        ballast = self.fill(state)
        kept = {path.name: path.read_bytes() for path in state.glob("room.*.state")}
        self.send(producer, labels)
        status, reason = eventually(lambda: (now := self.ready(daemon))[0] == 503 and now, "degraded")
        self.assertRegex(reason, r"degraded: \d+ saves in a row have failed; the last: stream room: .*: cannot \w+: No space left on device")
        self.assertEqual(self.metric(daemon, "emulsion_degraded"), 1)
        self.assertGreaterEqual(self.metric(daemon, "emulsion_save_failures_total"), 3)
        self.assertIn("No space left on device", daemon.status().degraded)
        self.assertIn("degraded: ", self.client(daemon, "status"))
        for _ in range(20):
            self.send(producer, labels)  # goes on
        self.assertEqual({path.name: path.read_bytes() for path in state.glob("room.*.state")}, kept)
        refused = daemon.ask(save=control_pb2.SaveRequest(stream="room"))
        self.assertIn("No space left on device", refused.error.message)

        ballast.unlink()
        freed = time.monotonic()
        eventually(lambda: self.ready(daemon)[0] == 200, "recovered")
        self.assertLess(time.monotonic() - freed, 5)
        self.assertEqual(self.metric(daemon, "emulsion_degraded"), 0)
        self.assertEqual(daemon.status().degraded, "")
        self.assertEqual(json.loads(self.client(daemon, "status", "--json"))["degraded"], "")
        self.assertTrue({path.name for path in state.glob("room.*.state")} - set(kept), "a state that is newer")

    def send_message(self, conversation, number):
        conversation.send(self.points[number * ROWS : (number + 1) * ROWS], number)

    def undisturbed(self, messages):
        """The digest after so many, on a disk that has room."""
        daemon = self.start(CONFIG, "--state_directory", str(self.directory / "undisturbed"), inputs=["acknowledged bind tcp://127.0.0.1:*"])
        conversation = Conversation(self, daemon.input)
        for number in range(messages):
            self.send_message(conversation, number)
        self.assertEqual(conversation.answer().expected_sequence, messages)
        return daemon.stream("room").state_digest

    def test_nothing_is_acknowledged_while_the_disk_is_full_and_all_of_it_afterwards(self):
        durable, messages = 10, 10 + CREDIT + 5
        config = f"credit_messages = {CREDIT}\n" + CONFIG
        daemon, state = self.start_on_a_small_disk(config, inputs=["acknowledged bind tcp://127.0.0.1:*"])
        conversation = Conversation(self, daemon.input)
        labels = self.subscribe(daemon, "emulsion.v1.room.labels.")
        for number in range(durable):
            self.send_message(conversation, number)
        conversation.wait_until_durable(durable)
        self.assertEqual([labels.next().sequence for _ in range(durable)], list(range(durable)))

        ballast = self.fill(state)
        self.send_message(conversation, durable)
        told = [conversation.hear()]  # nobody had asked
        self.assertIn("its state cannot be saved", told[0].fault)
        status, reason = eventually(lambda: (now := self.ready(daemon))[0] == 503 and now, "degraded")
        self.assertIn("No space left on device", reason)
        for number in range(durable + 1, messages):
            self.send_message(conversation, number)
        # Labels of all that is within the credit.
        self.assertEqual([labels.next().sequence for _ in range(CREDIT)], list(range(durable, durable + CREDIT)))
        for _ in range(3):  # each after one more failure
            failures = self.metric(daemon, "emulsion_save_failures_total")
            eventually(lambda: self.metric(daemon, "emulsion_save_failures_total") > failures, "another failure")
            conversation.ask()
            while told[-1].question != conversation.question:
                told.append(conversation.hear())
        self.assertEqual({said.next_sequence for said in told}, {durable})
        self.assertEqual(told[-1].expected_sequence, durable + CREDIT)
        self.assertTrue(any(said.out_of_order for said in told), "what is beyond the credit is dropped")
        self.assertEqual(self.ready(daemon)[0], 503)
        self.assertTrue(labels.nothing_more())

        ballast.unlink()
        # Who has been told of the fault has to ask. What the daemon has taken need not be sent again.
        eventually(lambda: conversation.answer().next_sequence == durable + CREDIT, "what is within the credit is acknowledged")
        for number in range(durable + CREDIT, messages):
            self.send_message(conversation, number)
        conversation.wait_until_durable(messages)
        eventually(lambda: self.ready(daemon)[0] == 200, "recovered")
        self.assertEqual([labels.next().sequence for _ in range(messages - durable - CREDIT)], list(range(durable + CREDIT, messages)))
        room = daemon.stream("room")
        self.assertEqual((room.points_accepted, room.producers[0].messages, room.producers[0].messages_duplicate), (messages * ROWS, messages, 0))
        self.assertEqual(room.state_digest, self.undisturbed(messages))

    def test_send_says_what_it_waits_for_and_goes_on(self):
        daemon, state = self.start_on_a_small_disk(CONFIG, inputs=["acknowledged bind tcp://127.0.0.1:*"])
        rows = "x,y\n" + "".join(f"{x},{y}\n" for x, y in self.points[:1000])
        send = ("send", "-", "--stream", "room", "--acknowledged", "--acknowledged-input", daemon.input, "--batch", 10, "--json", "--timeout", 2 * PATIENCE)
        self.client(daemon, *send, stdin=rows)
        ballast = self.fill(state)
        sending = subprocess.Popen([EMULSION, *map(str, send)], env=self.client_environment(daemon), text=True,
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(sending.kill)
        sending.stdin.write(rows)
        sending.stdin.close()
        self.assertRegex(sending.stderr.readline(), r'^emulsion send: waiting: stream "room": its state cannot be saved;')
        eventually(lambda: self.ready(daemon)[0] == 503, "degraded")
        ballast.unlink()
        with sending.stdout, sending.stderr:
            self.assertEqual(json.loads(sending.stdout.read())["durable"], 100)
            self.assertEqual(sending.stderr.read(), "", "said once")
        self.assertEqual(sending.wait(PATIENCE), 0)
        self.assertEqual(daemon.stream("room").points_accepted, 2000)

    def test_a_stream_that_does_not_fit_degrades_the_daemon_though_others_are_saved(self):
        daemon, state = self.start_on_a_small_disk(LARGE_CONFIG)
        small, large = self.producer(daemon, "small"), self.producer(daemon, "large")
        ballast = self.fill(state, FREE_BYTES)

        def newest():
            return max((int(path.name.split(".")[1]) for path in state.glob("small.*.state")), default=0)

        def save_small():
            before = newest()
            small.send(self.points[:ROWS])
            eventually(lambda: newest() > before, "a newer state of the small stream")

        save_small()
        self.assertEqual(self.ready(daemon)[0], 200)
        large.send(20 * drawn(1).normal(size=(512, LARGE_DIMENSION)))
        daemon.wait_for_stream("large", lambda stream: stream.model_version > 0, "a large model")
        # Between any two failures of the large one the small one is saved.
        eventually(lambda: save_small() or self.ready(daemon)[0] == 503, "degraded")
        self.assertGreaterEqual(self.metric(daemon, "emulsion_save_failures_total"), 3)
        self.assertRegex(self.ready(daemon)[1], r"degraded: \d+ saves in a row have failed; the last: stream large: .*No space left on device")
        for _ in range(3):
            save_small()
            self.assertEqual(self.ready(daemon)[0], 503)
        self.assertEqual(list(state.glob("large.*.state")), [])

        ballast.unlink()
        eventually(lambda: self.ready(daemon)[0] == 200, "recovered")
        self.assertTrue(list(state.glob("large.*.state")))


if __name__ == "__main__":
    unittest.main()
