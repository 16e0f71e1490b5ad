#!/usr/bin/python3
"""Producers, subscribers and clients that come and go: nothing of those that have gone is kept.

EMULSION_CHURN says how many come.
"""

import http.client
import socket
import struct
import unittest

import zmq

from conversation import Conversation
from daemon import PATIENCE, PROBE, clusters, control_pb2, eventually, model_pb2
from garbage import say_garbage, zmtp_garbage
from hostile import HostileTest, amount, say

VISITS = amount("EMULSION_CHURN", 1000, 200)
WARM_VISITS = VISITS // 5
VISITS_AT_A_TIME = 20
ROWS = 10

# Blocks that allocators have cut up and give to whoever comes next. It does not grow with the visits.
KEPT_BYTES = 2 << 20
CONFIG = """
[defaults]
components = 3
"""


class ChurnTest(HostileTest):
    def producer_visits(self):
        """Sends a message, which arrives although its sender goes at once."""
        with self.context.socket(zmq.PUSH) as visitor:
            visitor.linger = PATIENCE * 1000
            visitor.connect(self.daemon.input)
            producer = self.producer(self.daemon, "room", "visitor", session=self.visits, socket=visitor)
            producer.send(self.points[:ROWS])
        self.sent += 1
        self.pulled += 1

    def acknowledged_visits(self):
        """Says hello, and leaves at once, or after a message, with or without having listened."""
        listens, sends = self.random.integers(2), self.random.integers(2)
        with self.context.socket(zmq.DEALER) as visitor:
            visitor.linger = PATIENCE * 1000
            visitor.connect(self.daemon.inputs[1])
            conversation = Conversation(self, None, "room", "acknowledged", session=self.visits, socket=visitor)
            conversation.ask()
            self.sent += 1
            if sends:
                conversation.send(self.points[:ROWS])
                self.sent += 1
                self.acknowledged += 1
            if listens:
                self.assertEqual(conversation.hear().question, 1)
            if listens and sends:
                conversation.wait_until_durable(1)

    def subscriber_visits(self):
        """Subscribes to a topic that nobody else has subscribed to, and reads something."""
        with self.context.socket(zmq.SUB) as visitor:
            visitor.linger = 0
            visitor.rcvtimeo = PATIENCE * 1000
            visitor.connect(self.daemon.output)
            visitor.subscribe(f"emulsion.v1.nobody{self.visits}.".encode() + b"x" * 40)
            visitor.subscribe(PROBE)
            self.assertTrue(model_pb2.Model.FromString(visitor.recv_multipart()[1]).components)

    def client_visits(self):
        self.assertFalse(self.daemon.ask(list=control_pb2.ListRequest()).HasField("error"))

    def client_leaves_without_its_reply(self):
        with self.context.socket(zmq.DEALER) as visitor:
            visitor.linger = PATIENCE * 1000
            visitor.connect(self.daemon.control)
            visitor.send_multipart([b"", control_pb2.ControlRequest(status=control_pb2.StatusRequest()).SerializeToString()])

    def browser_visits(self):
        connection = http.client.HTTPConnection(self.daemon.http.removeprefix("http://"), timeout=PATIENCE)
        connection.request("GET", "/readyz")
        self.assertEqual(connection.getresponse().status, 200)
        connection.close()

    def stranger_visits(self):
        """Says something broken, to anybody, and leaves as if its cable had been cut."""
        endpoints = [*self.daemon.inputs, self.daemon.output, self.daemon.control, self.daemon.http]
        endpoint = endpoints[self.random.integers(len(endpoints))]
        with socket.create_connection(("127.0.0.1", int(endpoint.rsplit(":", 1)[1])), PATIENCE) as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            say_garbage(connection, zmtp_garbage(self.random, (b"PUSH", b"DEALER")[self.random.integers(2)]))

    def visit(self, number):
        kinds = [self.producer_visits, self.acknowledged_visits, self.subscriber_visits, self.client_visits,
                 self.client_leaves_without_its_reply, self.browser_visits, self.stranger_visits]
        for _ in range(number):
            kinds[self.random.integers(len(kinds))]()
            self.visits += 1
            if self.visits % VISITS_AT_A_TIME == 0:
                self.wait_for_messages(self.daemon, self.sent)

    def test_descriptors_and_memory_return_when_everybody_has_gone(self):
        inputs = ("pull bind tcp://127.0.0.1:*", "acknowledged bind tcp://127.0.0.1:*")
        self.daemon = self.start(CONFIG, "--state_directory", str(self.directory / "state"), inputs=inputs, http=True)
        self.points, _ = clusters(ROWS, [[0, 0], [30, 0], [0, 30]])
        self.visits = self.sent = self.acknowledged = self.pulled = 0  # messages of points are in the last two
        footprint = self.footprint(self.daemon)
        alone = footprint.descriptors()

        def everybody_has_gone():
            eventually(lambda: footprint.descriptors() <= alone, f"the daemon is back at the {alone} descriptors that it has alone")

        self.visit(WARM_VISITS)
        everybody_has_gone()
        before = footprint.resident()
        self.visit(VISITS - WARM_VISITS)
        self.assertGreater(min(self.pulled, self.acknowledged), 0)
        everybody_has_gone()
        self.check_memory(footprint.resident() - before, KEPT_BYTES, f"after {VISITS - WARM_VISITS} more visits")

        room = self.daemon.stream("room")
        rows = (self.pulled + self.acknowledged) * ROWS
        self.assertEqual((room.points_accepted, room.points_labelled), (rows, rows))
        self.assertEqual({producer.producer: producer.messages for producer in room.producers},
                         {"visitor": self.pulled, "acknowledged": self.acknowledged})
        say(f"  {VISITS} came and went; {alone} descriptors before and after")


if __name__ == "__main__":
    unittest.main()
