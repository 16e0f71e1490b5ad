#!/usr/bin/python3
"""A daemon that is killed at any instant ends with the same state as one that never was.

A table has the digest of the state after each message, from a daemon that nobody kills. Then daemon and producer are
killed at random instants and started again; whatever is found after a start must be in the table, at the message that the
state has come to, and nothing that was acknowledged may be missing.

EMULSION_KILLS says how often (tests/soak.sh sets it), EMULSION_SEED when: both are printed.
"""

import os
import random
import subprocess
import sys
import time
import unittest

import numpy
import zmq

from daemon import EMULSION, PATIENCE, EndToEndTest, Producer, clusters, scaled
from emulsion.v1 import acknowledged_pb2

KILLS = int(os.environ.get("EMULSION_KILLS", scaled(200, 20)))
SEED = int(os.environ.get("EMULSION_SEED", random.SystemRandom().randrange(1 << 32)))
MESSAGES = 600
ROWS = 10  # of a message
SHORT_LIFE = 0.015  # seconds between what is sent and the end
CONFIG = """
commit_interval_seconds = 0.002
save_interval_seconds = 0.05
[defaults]
components = 3
batch_points = 64
"""


class Conversation(Producer):
    """A producer of an acknowledged input."""

    def __init__(self, test, endpoint, stream="room", name="send", session=7):
        super().__init__(test.socket(zmq.DEALER, endpoint), stream, name, session)
        self.hello = f"emulsion.v1.{stream}.hello.".encode()
        self.question = 0
        self.durable = self.expected = 0

    def ask(self):
        self.question += 1
        hello = acknowledged_pb2.Hello(producer=self.name, session=self.session, question=self.question)
        self.send_frames(self.hello, hello.SerializeToString())

    def hear(self, milliseconds=PATIENCE * 1000):
        """What the daemon says next; None if it says nothing in time."""
        if not self.socket.poll(milliseconds):
            return None
        topic, payload = self.socket.recv_multipart()
        said = acknowledged_pb2.Acknowledgement.FromString(payload)
        self.durable = max(self.durable, said.next_sequence)
        self.expected = said.expected_sequence
        return said

    def answer(self):
        self.ask()
        while True:
            said = self.hear()
            if said is None or said.question == self.question:
                return said


class KillTest(EndToEndTest):
    def setUp(self):
        super().setUp()
        self.random = random.Random(SEED)
        print(f"{self.id()}: EMULSION_SEED={SEED} EMULSION_KILLS={KILLS}", file=sys.stderr)
        self.endpoint = f"ipc://{self.directory}/points"
        points, _ = clusters(MESSAGES * ROWS, [[0, 0], [5, 1], [1, 6]])
        self.points = points
        self.table = self.make_table()
        self.kills = 0

    def start_acknowledged(self, directory="state", *arguments):
        return self.start(CONFIG, "--state_directory", str(self.directory / directory), *arguments,
                          inputs=[f"acknowledged bind {self.endpoint}"])

    def send(self, conversation, number):
        conversation.send(self.points[number * ROWS : (number + 1) * ROWS], number, end_of_stream=number == MESSAGES - 1)

    def make_table(self):
        """The digests after 0, 1, 2, ... messages."""
        daemon = self.start_acknowledged("never-killed")
        conversation = Conversation(self, daemon.input)
        table = [None]
        for number in range(MESSAGES):
            self.send(conversation, number)
            self.assertEqual(conversation.answer().expected_sequence, number + 1)
            table.append(daemon.stream("room").state_digest)
        self.assertEqual(len(set(table)), len(table))  # it does tell them apart
        self.assertEqual(daemon.stop(), 0)
        conversation.socket.close()
        return table

    def check_state(self, daemon, acknowledged):
        """How many messages the state has; it is that of a daemon which was never killed."""
        stream = daemon.stream("room")
        if stream is None:
            self.assertEqual(acknowledged, 0, "what was acknowledged is lost")
            return 0
        number = stream.producers[0].last_sequence + 1
        self.assertEqual(stream.state_digest, self.table[number], f"after {self.kills} kills, at message {number}")
        self.assertGreaterEqual(number, acknowledged, "what was acknowledged is lost")
        return number

    def kill(self, daemon):
        daemon.process.kill()
        daemon.wait_for_exit()
        daemon.process.stderr.close()
        self.daemons.remove(daemon)
        self.kills += 1

    def patience_of_a_killer(self, most_milliseconds):
        time.sleep(self.random.uniform(0, most_milliseconds / 1000))  # the instant is the experiment

    def test_a_daemon_killed_at_random_ends_as_one_that_never_was(self):
        acknowledged = 0
        longest = SHORT_LIFE  # however slow the daemon is, it comes to save something at last
        while self.kills < KILLS or acknowledged < MESSAGES:
            if self.random.random() < 0.1:  # while it starts
                path = ["--state_directory", str(self.directory / "state")]
                daemon = self.launch(CONFIG, *path, inputs=[f"acknowledged bind {self.endpoint}"])
                self.patience_of_a_killer(30)
                self.kill(daemon)
                continue
            daemon = self.start_acknowledged()
            next_message = self.check_state(daemon, acknowledged)
            conversation = Conversation(self, daemon.input)
            self.assertEqual(conversation.answer().next_sequence, next_message)
            # So many that the kills and the messages end together.
            share = max(1, 2 * MESSAGES // KILLS)
            last = min(MESSAGES, next_message + self.random.randint(0, 4 * share))
            for number in range(max(0, next_message - 2), last):  # the first two came before
                self.send(conversation, number)
            deadline = time.monotonic() + self.random.uniform(0, longest)
            while conversation.durable < last and conversation.hear(max(0, int(1000 * (deadline - time.monotonic())))):
                pass
            longest = SHORT_LIFE if conversation.durable > acknowledged else 1.1 * longest
            acknowledged = max(acknowledged, conversation.durable)
            self.kill(daemon)
            conversation.socket.close()
        daemon = self.start_acknowledged()
        self.assertEqual(self.check_state(daemon, acknowledged), MESSAGES)
        print(f"{self.kills} kills, 0 mismatches", file=sys.stderr)

    def test_emulsion_send_goes_on_whoever_is_killed(self):
        numpy.savetxt(self.directory / "points.csv", self.points, delimiter=",", header="x,y", comments="", fmt="%.17g")
        kills = max(10, KILLS // 5)
        pace = max(20, MESSAGES * ROWS / (0.12 * kills))  # points a second
        command = [EMULSION, "send", "points.csv", "--stream", "room", "--session", "7", "--batch", str(ROWS), "--acknowledged",
                   "--acknowledged-input", self.endpoint, "--no-confirm", "--rate", str(pace), "--json"]

        def sender():
            environment = self.client_environment(daemon)
            return subprocess.Popen(command, cwd=self.directory, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

        daemon = self.start_acknowledged()
        process = sender()
        self.addCleanup(lambda: process.poll() is None and process.kill())
        reached = 0
        while self.kills < kills:
            self.patience_of_a_killer(150)
            if self.random.random() < 0.5:
                self.kill(daemon)
                daemon = self.start_acknowledged()
            else:
                process.kill()
                process.communicate()
                self.kills += 1
                process = sender()
            reached = self.check_state(daemon, reached) if self.random.random() < 0.5 else reached
        output, errors = process.communicate(timeout=PATIENCE)
        self.assertEqual(process.returncode, 0, errors)
        self.assertIn('"durable":600', output)
        self.assertEqual(self.check_state(daemon, MESSAGES), MESSAGES)
        self.kill(daemon)
        daemon = self.start_acknowledged()
        self.assertEqual(self.check_state(daemon, MESSAGES), MESSAGES)


if __name__ == "__main__":
    unittest.main()
