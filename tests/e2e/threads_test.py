#!/usr/bin/python3
"""One thread or eight learn the same, to the last bit; under the thread sanitizer, without a race."""

import unittest

from daemon import clusters, scaled
from hostile import HostileTest

THREADS = (1, 2, 4, 8)
STREAMS = [f"room{number}" for number in range(4)]
BATCH = 2048  # several tiles, so that the threads of one stream have something to share
ROWS = scaled(40_000, 10_000)
MESSAGE_ROWS = 500
MEANS = [[0, 0, 0], [6, 0, 2], [0, 6, 4]]


class ThreadsTest(HostileTest):
    def learned(self, threads):
        """Of every stream its digest and all its labels."""
        daemon = self.start(f"learning_threads = {threads}\n[defaults]\ncomponents = 3\nbatch_points = {BATCH}\nthreads = {threads}\n")
        subscriber = self.subscribe(daemon, *(f"emulsion.v1.{stream}.labels." for stream in STREAMS))
        socket = self.producer(daemon, STREAMS[0]).socket
        producers = [self.producer(daemon, stream, socket=socket) for stream in STREAMS]
        points = [clusters(ROWS, MEANS, part=number)[0] for number in range(len(STREAMS))]
        for first in range(0, ROWS, MESSAGE_ROWS):
            for producer, its in zip(producers, points):
                producer.send(its[first : first + MESSAGE_ROWS])
        labels = {stream: [] for stream in STREAMS}
        for _ in range(len(STREAMS) * -(-ROWS // MESSAGE_ROWS)):
            message = subscriber.next()
            message.daemon_session = 0  # another one for each daemon
            labels[message.stream].append(message.SerializeToString())
        return {stream: (daemon.stream(stream).digest, labels[stream]) for stream in STREAMS}

    def test_labels_and_digest_do_not_depend_on_the_number_of_threads(self):
        alone = self.learned(1)
        self.assertEqual(len({digest for digest, _ in alone.values()}), len(STREAMS))
        for threads in THREADS[1:]:
            with self.subTest(threads):
                for stream, (digest, labels) in self.learned(threads).items():
                    self.check_same(labels, alone[stream][1], f"labels of {stream}")
                    self.assertEqual(digest, alone[stream][0])


if __name__ == "__main__":
    unittest.main()
