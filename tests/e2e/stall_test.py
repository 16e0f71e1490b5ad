#!/usr/bin/python3
"""Subscribers that stand still beside one that reads: it gets everything, and what waits for the others is bounded.

EMULSION_STALLED says how many stand still.
"""

import json
import pathlib
import signal
import subprocess
import sys
import unittest

from daemon import clusters, end_with_this_process, eventually
from hostile import SLACK_BYTES, HostileTest, amount, megabytes, say

STALLED = amount("EMULSION_STALLED", 10, 3)
QUEUE_BYTES = 1 << 18
ROWS = 256
COMPONENTS = 8

# Labels with all responsibilities: what one subscriber does not read is more than its queue and what Linux keeps of a
# connection (tcp_wmem: 4 MiB), and would be far more than what may be queued for all if nothing were dropped.
LABEL_BYTES = ROWS * (8 + 8 + 8 * COMPONENTS)
MESSAGES = 3 * ((4 << 20) + SLACK_BYTES + STALLED * QUEUE_BYTES) // LABEL_BYTES
CONFIG = f"""
queue_bytes = {QUEUE_BYTES}
[defaults]
components = {COMPONENTS}
covariance = diagonal
publish_responsibilities = true
"""


class StallTest(HostileTest):
    def start_subscriber(self):
        script = pathlib.Path(__file__).with_name("counting_subscriber.py")
        child = subprocess.Popen([sys.executable, str(script), self.daemon.output, "room"], stdout=subprocess.PIPE, text=True,
                                 preexec_fn=end_with_this_process)
        self.addCleanup(child.stdout.close)
        self.addCleanup(child.wait)
        self.addCleanup(child.kill)
        return child

    def test_who_reads_loses_nothing_and_what_waits_for_the_others_is_bounded(self):
        self.daemon = self.start(CONFIG)
        footprint = self.footprint(self.daemon)
        points, _ = clusters(ROWS * 8, [[10 * k, 0] for k in range(COMPONENTS)])
        producer = self.producer(self.daemon, "room", "good")
        fast = self.subscribe(self.daemon, "emulsion.v1.room.labels.")
        children = [self.start_subscriber() for _ in range(STALLED)]
        for child in children:
            self.assertEqual(child.stdout.readline(), "ready\n")

        def learn(number):
            """One message after another, each read before the next: who keeps up gets them all."""
            for _ in range(number):
                sequence = producer.send(points[: ROWS] if producer.next_sequence else points).sequence
                labels = fast.next()
                self.assertEqual((labels.topic_sequence, labels.sequence), (sequence, sequence))

        learn(100)
        before = footprint.resident()
        footprint.forget_peak()
        for child in children:
            child.send_signal(signal.SIGSTOP)
        learn(MESSAGES)
        say(f"  {STALLED} stalled subscribers did not read {MESSAGES} messages, {megabytes(MESSAGES * LABEL_BYTES)} each")
        self.check_memory(footprint.peak() - before, STALLED * QUEUE_BYTES + SLACK_BYTES, "while they stood still")

        # They go on where they were, and know to the message what they have missed.
        for child in children:
            child.send_signal(signal.SIGCONT)
        end = self.producer(self.daemon, "room", "end", session=2)

        def all_ended():
            end.send(points[:1])
            fast.next()
            return all(child.poll() is not None for child in children)

        eventually(all_ended, "every subscriber gets a message after those that it has missed")
        told = [json.loads(child.stdout.read()) for child in children]
        say(f"  missed: {min(t['missed'] for t in told)} to {max(t['missed'] for t in told)} messages")
        for counted in told:
            self.assertEqual(counted["first"], 0)
            self.assertEqual(counted["received"] + counted["missed"], counted["last"] + 1)
            self.assertGreater(counted["missed"], 0)
        self.assertTrue(fast.nothing_more())


if __name__ == "__main__":
    unittest.main()
