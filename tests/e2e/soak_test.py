#!/usr/bin/python3
"""Points for as long as a day has seconds: what the daemon keeps does not grow.

A message has the thousand points of one second, each with its time; the stream forgets by these times, and its labels and
models are read. EMULSION_SOAK_POINTS says how many points.
"""

import struct
import unittest

import numpy

from daemon import clusters, labels_pb2
from hostile import MEMORY_COUNTS, HostileTest, amount, say

ROWS = 1000  # points of a second
MESSAGES = amount("EMULSION_SOAK_POINTS", 2_000_000, 20_000) // ROWS
LOOKS = 200  # at the memory
WARM = 0.25  # share of the messages after which memory has to stay as it is
AHEAD = 20  # messages whose labels may be on the way

# Memory comes in pages and in blocks of them, so a step is no slope: over all points the line may rise by so much, which is
# less than a byte for each of the quick tier's.
RISE_BYTES = 1 << 20
CONFIG = """
[defaults]
components = 3
step = half-life
half_life_points = 0
half_life_seconds = 3600
model_interval_seconds = 0.1
"""
MEANS = [[0, 0], [30, 0], [0, 30]]
DAY_START = 1_700_000_000


def varint(number):
    encoded = b""
    while number > 127:
        encoded += bytes([number & 127 | 128])
        number >>= 7
    return encoded + bytes([number])


class SoakTest(HostileTest):
    def test_memory_is_flat_after_the_first_quarter_of_a_day(self):
        daemon = self.start(CONFIG)
        footprint = self.footprint(daemon)
        subscriber = self.subscribe(daemon, "emulsion.v1.room.")
        producer = self.producer(daemon, "room")
        points, _ = clusters(ROWS, MEANS)
        in_a_second = numpy.arange(ROWS) * (10**9 // ROWS)
        labelled = rows = 0
        seen = []  # (points, bytes)

        def read_labels(messages):
            nonlocal labelled, rows
            while labelled < messages:
                message = subscriber.next()
                if isinstance(message, labels_pb2.Labels):
                    self.assertEqual(message.sequence, labelled)
                    labelled += 1
                    rows += message.rows

        for second in range(MESSAGES):
            # Clusters that wander, so that there is always something to learn.
            times = (in_a_second + (DAY_START + second) * 10**9).astype("<i8").tobytes()
            message = producer.message(points + 10 * numpy.sin(second / 5000)).SerializeToString()
            # unix_nanoseconds = 8, packed, without a Python number for each.
            producer.send_frames(producer.topic, message + b"\x42" + varint(len(times)) + times)
            read_labels(second + 1 - AHEAD)
            if second % max(1, MESSAGES // LOOKS) == 0:
                seen.append((second * ROWS, footprint.resident()))
        read_labels(MESSAGES)
        self.assertEqual(rows, MESSAGES * ROWS)
        room = daemon.stream("room")
        self.assertEqual((room.points_accepted, room.points_learned + room.points_waiting), (rows, rows))

        after = numpy.array([look for look in seen if look[0] >= WARM * rows], dtype=float)
        slope, _ = numpy.polyfit(after[:, 0], after[:, 1], 1)
        rise = slope * rows
        say(f"  {rows} points; memory {seen[0][1] / 1e6:.1f} MB at the start, {after[0, 1] / 1e6:.2f} MB warm, {after[-1, 1] / 1e6:.2f} MB at the end; "
            f"slope {slope * 1e6:.0f} bytes for a million points")
        if MEMORY_COUNTS:
            self.assertLess(rise, RISE_BYTES, "bytes that the memory rises by over all points")


if __name__ == "__main__":
    unittest.main()
