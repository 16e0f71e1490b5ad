#!/usr/bin/python3
"""A daemon that is killed at any instant ends with the same state as one that never was.

A table has the digest of the state after each message, from a daemon that nobody kills. Then daemon and producer are
killed at random instants and started again; whatever is found after a start must be in the table, at the message that the
state has come to, and nothing that was acknowledged may be missing. Once all is durable it starts again with the first message
and an empty state directory, so that no kill comes when there is nothing left to do.

EMULSION_KILLS says how often (tests/soak.sh sets it), EMULSION_SEED when: both are printed.
"""

import os
import random
import shutil
import subprocess
import sys
import time
import unittest

import numpy

from conversation import Conversation
from daemon import EMULSION, PATIENCE, SEED, EndToEndTest, clusters, scaled

KILLS = int(os.environ.get("EMULSION_KILLS", scaled(200, 20)))
MESSAGES = 600
ROWS = 10  # of a message
MOST_UNDER_WAY = 12  # messages that are not durable yet
SHORT_LIFE = 0.015  # seconds between what is sent and the end
PACE = 1250  # points a second of `emulsion send`, which then lives through some 40 kills
MOST_IN_VAIN = 0.1  # share of the kills that may come when nothing is due
CONFIG = """
commit_interval_seconds = 0.002
save_interval_seconds = 0.05
[defaults]
components = 3
batch_points = 64
"""


class KillTest(EndToEndTest):
    def setUp(self):
        super().setUp()
        self.random = random.Random(SEED)
        print(f"{self.id()}: EMULSION_KILLS={KILLS}", file=sys.stderr)
        self.endpoint = f"ipc://{self.directory}/points"
        points, _ = clusters(MESSAGES * ROWS, [[0, 0], [5, 1], [1, 6]])
        self.points = points
        self.table = self.make_table()
        self.kills = self.kills_in_vain = 0
        self.directories = 0
        self.start_anew()

    def start_anew(self):
        """The next daemon has an empty state directory."""
        self.directories += 1
        self.state_directory = self.directory / f"state-{self.directories}"
        self.acknowledged = 0  # messages

    def acknowledged_input(self, directory):
        return ("--state_directory", str(directory)), {"inputs": [f"acknowledged bind {self.endpoint}"]}

    def start_acknowledged(self, directory=None):
        arguments, options = self.acknowledged_input(directory or self.state_directory)
        return self.start(CONFIG, *arguments, **options)

    def send(self, conversation, number):
        conversation.send(self.points[number * ROWS : (number + 1) * ROWS], number, end_of_stream=number == MESSAGES - 1)

    def make_table(self):
        """The digests after 0, 1, 2, ... messages."""
        daemon = self.start_acknowledged(self.directory / "never-killed")
        conversation = Conversation(self, daemon.input)
        table = [None]
        for number in range(MESSAGES):
            self.send(conversation, number)
            self.assertEqual(conversation.answer().expected_sequence, number + 1)
            table.append(daemon.stream("room").state_digest)
        self.assertEqual(len(set(table)), len(table))  # it does tell them apart
        self.end(daemon)
        conversation.socket.close()
        return table

    def check_state(self, daemon):
        """How many messages the state has; it is that of a daemon which was never killed."""
        stream = daemon.stream("room")
        if stream is None:
            self.assertEqual(self.acknowledged, 0, "what was acknowledged is lost")
            return 0
        number = stream.producers[0].last_sequence + 1
        self.assertEqual(stream.state_digest, self.table[number], f"after {self.kills} kills, at message {number}")
        self.assertGreaterEqual(number, self.acknowledged, "what was acknowledged is lost")
        return number

    def let_go(self, daemon):
        daemon.process.stderr.close()
        self.daemons.remove(daemon)

    def end(self, daemon):
        self.assertEqual(daemon.stop(), 0)
        self.let_go(daemon)

    def kill(self, daemon):
        daemon.process.kill()
        daemon.wait_for_exit()
        self.let_go(daemon)
        self.kills += 1

    def check_end(self):
        """All messages are in the state, and it stays as it is."""
        self.acknowledged = MESSAGES
        daemon = self.start_acknowledged()
        self.assertEqual(self.check_state(daemon), MESSAGES)
        self.end(daemon)
        shutil.rmtree(self.state_directory)

    def check_kills(self, kills):
        """A kill of a daemon that has nothing to do shows nothing, so there are hardly any."""
        print(f"{self.kills} kills, {self.kills - self.kills_in_vain} of them while work was due, {self.directories} times from the first message; "
              "0 mismatches", file=sys.stderr)
        self.assertGreaterEqual(self.kills, kills)
        self.assertLessEqual(self.kills_in_vain, max(2, MOST_IN_VAIN * self.kills))

    def patience_of_a_killer(self, most_milliseconds):
        time.sleep(self.random.uniform(0, most_milliseconds / 1000))  # the instant is the experiment

    def kill_while_it_starts(self):
        arguments, options = self.acknowledged_input(self.state_directory)
        daemon = self.launch(CONFIG, *arguments, **options)
        self.patience_of_a_killer(30)
        self.kill(daemon)

    def kill_at_work(self, longest):
        """Keeps messages under way, up to the last, until the kill at most so many seconds later. True if some became durable."""
        daemon = self.start_acknowledged()
        next_message = self.check_state(daemon)
        conversation = Conversation(self, daemon.input)
        self.assertEqual(conversation.answer().next_sequence, next_message)
        sent = max(0, next_message - 2)  # the first two came before
        under_way = self.random.randint(1, MOST_UNDER_WAY)
        deadline = time.monotonic() + self.random.uniform(0, longest)
        while True:
            while sent < min(MESSAGES, conversation.durable + under_way):
                self.send(conversation, sent)
                sent += 1
            if conversation.durable == MESSAGES or not conversation.hear(max(0, int(1000 * (deadline - time.monotonic())))):
                break
        self.kill(daemon)
        while conversation.hear(0):
            pass  # said before it was killed
        conversation.socket.close()
        self.kills_in_vain += conversation.durable == sent
        progress = conversation.durable > self.acknowledged
        self.acknowledged = max(self.acknowledged, conversation.durable)
        return progress

    def durable(self, daemon):
        """How many messages are, as the daemon says."""
        conversation = Conversation(self, daemon.input)
        answer = conversation.answer()
        conversation.socket.close()
        return answer.next_sequence

    def send_the_rest(self):
        daemon = self.start_acknowledged()
        conversation = Conversation(self, daemon.input)
        for number in range(conversation.answer().next_sequence, MESSAGES):
            self.send(conversation, number)
        conversation.wait_until_durable(MESSAGES)
        conversation.socket.close()
        self.end(daemon)

    def test_a_daemon_killed_at_random_ends_as_one_that_never_was(self):
        longest = SHORT_LIFE  # however slow the daemon is, it comes to save something at last
        while self.kills < KILLS:
            if self.acknowledged == MESSAGES:
                self.check_end()
                self.start_anew()
            if self.random.random() < 0.1:
                self.kill_while_it_starts()
            else:
                longest = SHORT_LIFE if self.kill_at_work(longest) else 1.1 * longest
        self.send_the_rest()
        self.check_end()
        self.check_kills(KILLS)

    def test_emulsion_send_goes_on_whoever_is_killed(self):
        numpy.savetxt(self.directory / "points.csv", self.points, delimiter=",", header="x,y", comments="", fmt="%.17g")
        kills = max(10, KILLS // 5)
        command = [EMULSION, "send", "points.csv", "--stream", "room", "--session", "7", "--batch", str(ROWS), "--acknowledged",
                   "--acknowledged-input", self.endpoint, "--no-confirm", "--rate", str(PACE), "--json"]

        def sender():
            environment = self.client_environment(daemon)
            process = subprocess.Popen(command, cwd=self.directory, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            self.addCleanup(lambda: process.poll() is None and process.kill())
            return process

        def check_sender():
            """It ends when all is durable."""
            output, errors = process.communicate(timeout=PATIENCE)
            self.assertEqual(process.returncode, 0, errors)
            self.assertIn(f'"durable":{MESSAGES}', output)
            self.assertEqual(self.check_state(daemon), MESSAGES)
            self.kill(daemon)
            self.kills -= 1  # it had nothing to do
            self.check_end()

        daemon = self.start_acknowledged()
        process = sender()
        while self.kills < kills:
            self.patience_of_a_killer(150)
            if process.poll() is not None:
                check_sender()
                self.start_anew()
                daemon = self.start_acknowledged()
                process = sender()
            elif self.random.random() < 0.5:
                self.kill(daemon)
                self.kills_in_vain += process.poll() is not None
                daemon = self.start_acknowledged()
            else:
                process.kill()
                process.communicate()
                self.kills += 1
                self.kills_in_vain += process.returncode == 0
                process = sender()
            if self.random.random() < 0.5:
                self.check_state(daemon)
                self.acknowledged = self.durable(daemon)
        check_sender()
        self.check_kills(kills)


if __name__ == "__main__":
    unittest.main()
