#!/usr/bin/python3
"""Garbage of every kind on every socket beside a good producer, which loses nothing: not a row, not a label, not a bit.

EMULSION_MALFORMED says how many messages.
"""

import collections
import socket
import struct
import threading
import unittest

import numpy
import zmq

from conversation import Conversation
from daemon import PATIENCE, clusters, control_pb2, drawn
from garbage import BAD_TOPIC, DAEMON, Garbage, other_protocol, say_garbage, zmtp_garbage
from hostile import SLACK_BYTES, HostileTest, amount, counts, say

MESSAGES = amount("EMULSION_MALFORMED", 20_000, 2000)
ROUND = 500  # messages of garbage; then garbage for the other sockets, and a look at the daemon
REQUESTS_A_ROUND = 20
CONNECTIONS_A_ROUND = 5
DROPPED = "malformed, out_of_order or too_many_producers"
OTHER_PROTOCOLS = 20
BAD_FOR_A_GOOD = 10
GOOD_A_ROUND = ROUND // BAD_FOR_A_GOOD
SEED_ROWS = 200
GOOD_ROWS = 10
QUEUE_BYTES = 1 << 20
LARGEST_BYTES = 1 << 16
SOCKETS = 5  # where garbage comes to: three inputs, output, control
CONFIG = f"""
max_message_bytes = {LARGEST_BYTES}
queue_bytes = {QUEUE_BYTES}
dynamic_streams = room scrap
[defaults]
components = 3
max_producers = 2
"""
MEANS = [[0, 0], [30, 0], [0, 30]]


class EvilPublisher(threading.Thread):
    """Listens where the daemon connects to, and answers every connection with garbage."""

    def __init__(self):
        super().__init__(daemon=True)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.endpoint = f"tcp://127.0.0.1:{self.listener.getsockname()[1]}"
        self.random = drawn(2)
        self.answered = 0

    def run(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return  # closed
            with connection:
                connection.settimeout(PATIENCE)
                say_garbage(connection, zmtp_garbage(self.random, b"PUB"))
            self.answered += 1

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.join(PATIENCE)


class GarbageTest(HostileTest):
    def good_messages(self, producer, points):
        """The first one has enough rows for a model."""
        yield producer.message(points[:SEED_ROWS])
        for first in range(SEED_ROWS, len(points), GOOD_ROWS):
            yield producer.message(points[first : first + GOOD_ROWS])

    def read_labels(self, subscriber, labels, messages):
        """Adds the labels of the good messages that have come, up to so many in all: who does not read loses what is queued."""
        while len(labels) < messages:
            message = subscriber.next()
            if message.producer == "good":
                spans = [(span.model_version, span.rows) for span in message.model_spans]
                labels.append((message.sequence, message.rows, message.component_ids, message.log_densities, spans))

    def alone(self, points):
        """The digest of the stream and all labels where there is nobody but the good producer."""
        daemon = self.start(CONFIG)
        subscriber = self.subscribe(daemon, "emulsion.v1.room.labels.")
        producer = self.producer(daemon, "room", "good")
        labels = []
        for message in self.good_messages(producer, points):
            producer.send_frames(producer.topic, message.SerializeToString())
            self.read_labels(subscriber, labels, producer.next_sequence - GOOD_A_ROUND)
        self.read_labels(subscriber, labels, producer.next_sequence)
        return daemon.stream("room").digest, labels

    def begin_counting(self):
        self.garbage = Garbage(self.random, "room", "scrap")
        self.sent = self.infinite_rows = 0
        self.refused = collections.Counter()  # by place and reason
        self.known = []  # messages of the good producer that have arrived
        self.on_the_way = []

    def arrive(self):
        self.wait_for_messages(self.daemon, self.sent)
        self.known += self.on_the_way
        self.on_the_way = []

    def send_good(self, message):
        self.on_the_way.append(message.SerializeToString())
        self.good.send_frames(self.good.topic, self.on_the_way[-1])
        self.sent += 1

    def send_bad_rows(self):
        """A message that can be read, of which no row can be learned."""
        if self.random.integers(2):
            self.bad.send(self.random.normal(size=(2, 3)))
            self.refused["room", "bad_dimension"] += 1
        else:
            self.bad.send([[numpy.inf, 1.0], [1.0, -numpy.inf]])
            self.infinite_rows += 2

    def connect_garbage(self, endpoint, garbage):
        """Raw bytes, and one of two ways to go."""
        with socket.create_connection(("127.0.0.1", int(endpoint.rsplit(":", 1)[1])), PATIENCE) as connection:
            if self.random.integers(2):
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # a reset
            say_garbage(connection, garbage)

    def send_too_much(self, kind=zmq.PUSH):
        """A frame beyond the limit, from a peer that is good otherwise: it is hung up on."""
        glutton = self.context.socket(kind)
        glutton.linger = 0
        monitor = glutton.get_monitor_socket(zmq.EVENT_DISCONNECTED)
        glutton.connect(self.daemon.input)
        glutton.send_multipart([self.good.topic, bytes(LARGEST_BYTES + 1)])
        self.assertTrue(monitor.poll(PATIENCE * 1000), "the peer is hung up on")
        glutton.disable_monitor()
        monitor.close()
        glutton.close()


class MalformedTest(GarbageTest):
    def start_hostile(self):
        self.publisher = self.socket(zmq.XPUB)
        self.publisher.bind("tcp://127.0.0.1:*")
        evil = EvilPublisher()
        evil.start()
        self.addCleanup(evil.close)
        inputs = ("pull bind tcp://127.0.0.1:*", f"subscribe connect {self.publisher.last_endpoint.decode()}", f"subscribe connect {evil.endpoint}")
        self.daemon = self.start(CONFIG, inputs=inputs, http=True)
        self.assertEqual(self.publisher.recv(), b"\x01emulsion.v1.")  # the daemon listens
        self.good = self.producer(self.daemon, "room", "good")
        self.bad = self.producer(self.daemon, "room", "bad", session=2)
        self.requests = self.socket(zmq.DEALER, self.daemon.control)
        self.begin_counting()

    def send_bad(self):
        way = self.random.integers(20)
        if way < 2:
            self.send_bad_rows()
        elif way == 2:  # what the good one has said, word for word
            self.bad.send_frames(self.good.topic, self.garbage.choose(self.known))
            self.refused["room", "duplicate"] += 1
        else:
            where, why, frames = self.garbage.draw()
            # A publisher sends what was subscribed to, and nothing else.
            published = self.random.integers(2) and frames[0].startswith(b"emulsion.v1.")
            (self.publisher if published else self.bad.socket).send_multipart(frames)
            self.refused[where, why] += 1
        self.sent += 1

    def ask_garbage(self, number):
        """Every request gets a reply, whatever it was."""
        for _ in range(number):
            self.requests.send_multipart(self.garbage.request())
        for _ in range(number):
            reply = control_pb2.ControlReply.FromString(self.requests.recv_multipart()[-1])
            self.assertIn(reply.WhichOneof("result"), ("error", "status", "list", "get_model"))

    def check_counts(self):
        status = self.daemon.status()
        streams = {stream.stream: stream for stream in status.streams}
        room, scrap = streams["room"], streams["scrap"]
        producers = {producer.producer: producer for producer in room.producers}

        of_daemon = counts(status.refusals)
        self.assertEqual(of_daemon["message", "bad_frames"], self.refused[DAEMON, "bad_frames"])
        self.assertEqual(of_daemon["message", "bad_topic"] + of_daemon["message", "unknown_stream"], self.refused[DAEMON, BAD_TOPIC])
        self.assertEqual(len(of_daemon), 3)

        reasons = ("malformed", "bad_dimension", "too_many_producers")
        self.assertEqual(counts(room.refusals), {("row", "not_finite"): self.infinite_rows,
                                                 **{("message", reason): self.refused["room", reason] for reason in reasons}})

        # What has lost its bits is refused, or is a message of some producer; either way it is one message.
        of_scrap = counts(scrap.refusals)
        self.assertEqual(of_scrap["message", "malformed"] + of_scrap["message", "too_many_producers"] + sum(p.messages for p in scrap.producers),
                         self.refused["scrap", None])

        good = producers["good"]
        rows = SEED_ROWS + GOOD_ROWS * (self.good.next_sequence - 1)
        self.assertEqual((good.messages, good.messages_duplicate), (self.good.next_sequence + good.messages_duplicate, self.refused["room", "duplicate"]))
        self.assertEqual((good.rows_accepted, good.rows_refused, good.messages_missing, good.messages_reordered), (rows, 0, 0, 0))
        self.assertEqual((room.points_accepted, room.points_labelled), (rows, rows))
        bad = producers["bad"]
        self.assertEqual((bad.messages, bad.rows_accepted, bad.messages_missing), (self.bad.next_sequence, 0, 0))
        self.assertEqual(len(producers), 2)
        self.assertEqual(self.daemon.status().messages_received, self.sent)

    def check_other_protocols(self):
        """Nobody knows what messages there are in bytes that are not even ZeroMQ's, but each that is found is counted."""
        for _ in range(OTHER_PROTOCOLS):
            self.connect_garbage(self.daemon.input, other_protocol(self.random))
        status = self.daemon.status()
        self.assertEqual(status.messages_received - self.sent, counts(status.refusals).total() - sum(
            count for (where, _), count in self.refused.items() if where == DAEMON))

    def test_a_good_producer_loses_nothing_beside_garbage_and_all_of_it_is_counted(self):
        points, _ = clusters(SEED_ROWS + GOOD_ROWS * (MESSAGES // BAD_FOR_A_GOOD), MEANS)
        expected = self.alone(points)

        self.start_hostile()
        footprint = self.footprint(self.daemon)
        subscriber = self.subscribe(self.daemon, "emulsion.v1.room.labels.")
        messages = self.good_messages(self.good, points)
        # The streams have their dimension and the room its producers before anything else comes.
        self.send_good(next(messages))
        self.bad.send_frames(self.garbage.scrap_topic, self.garbage.points())
        self.sent += 1
        self.refused["scrap", None] += 1
        self.arrive()
        self.bad.send(numpy.full((1, 2), numpy.inf))
        self.sent += 1
        self.infinite_rows += 1
        self.arrive()

        labels = []
        warm = None
        for number in range(1, MESSAGES + 1):
            self.send_bad()
            if number % BAD_FOR_A_GOOD == 0:
                self.send_good(next(messages))
            if number % ROUND == 0 or number == MESSAGES:
                self.ask_garbage(REQUESTS_A_ROUND)
                self.connect_garbage(self.daemon.input, zmtp_garbage(self.random, b"PUSH"))
                self.connect_garbage(self.daemon.output, zmtp_garbage(self.random, b"SUB"))
                self.connect_garbage(self.daemon.control, zmtp_garbage(self.random, b"DEALER"))
                for endpoint in (self.daemon.output, self.daemon.control, self.daemon.http):
                    self.connect_garbage(endpoint, other_protocol(self.random))
                self.send_too_much()
                self.arrive()
                self.read_labels(subscriber, labels, self.good.next_sequence)
                if warm is None:
                    warm = footprint.resident()
                    footprint.forget_peak()
        self.assertIsNone(next(messages, None))

        say(f"  {self.sent - self.good.next_sequence} of {self.sent} messages were garbage: " + ", ".join(
            f"{count} {why or 'with bits turned round'}" for (_, why), count in self.refused.most_common()))
        self.check_memory(footprint.peak() - warm, 2 * QUEUE_BYTES * SOCKETS + SLACK_BYTES, "after the first round")
        self.check_counts()
        self.check_other_protocols()
        digest, labels_alone = expected
        self.check_same(labels, labels_alone, "labels of the good producer")
        self.assertEqual(self.daemon.stream("room").digest, digest)


class MalformedAcknowledgedTest(GarbageTest):
    """Garbage and broken hellos to an acknowledged input."""

    def start_acknowledged(self):
        return self.start(CONFIG, "--state_directory", str(self.directory / "state"), inputs=["acknowledged bind tcp://127.0.0.1:*"])

    def begin(self):
        self.daemon = self.start_acknowledged()
        self.good = Conversation(self, self.daemon.input, "room", "good", session=1)
        self.bad = Conversation(self, self.daemon.input, "room", "bad", session=2)  # and never listens
        self.asker = Conversation(self, self.daemon.input, "room", "asker")
        self.repeated = self.asked = 0
        self.begin_counting()

    def arrive(self):
        """All is there, and what is good is acknowledged: in its order, and without having been asked for again."""
        super().arrive()
        while self.good.durable < self.good.next_sequence:
            said = self.good.hear()
            self.assertIsNotNone(said, "acknowledged in time")
            self.assertEqual((said.producer, said.session, said.out_of_order, said.fault), ("good", 1, False, ""))

    def send_bad(self):
        way = self.random.integers(20)
        if way < 2:
            self.send_bad_rows()
        elif way == 2:  # what the good one has said, word for word
            self.bad.send_frames(self.good.topic, self.garbage.choose(self.known))
            self.repeated += 1
        elif way == 3:  # in its name, but far from its turn
            ahead = int(self.random.integers(10**6, 2**63))
            self.bad.send_frames(self.good.topic, self.garbage.points(producer="good", session=1, sequence=ahead))
            self.refused["room", DROPPED] += 1
        elif way == 4:  # asked in its name
            self.asker.send_frames(self.good.hello, self.garbage.some_hello(producer="good", session=1))
            self.asked += 1
        elif way < 10:
            where, why, frames = self.garbage.draw_hello()
            (self.bad if why else self.asker).send_frames(*frames)
            self.asked += why is None  # it is refused or answered
            self.refused[where, why] += 1
        else:
            where, why, frames = self.garbage.draw()
            self.bad.send_frames(*frames)
            # Of points that cannot be read, and of those of strangers, it counts first whether it is their turn.
            self.refused[where, DROPPED if where == "room" else why] += 1
        self.sent += 1

    def count_answers(self):
        """Of all that was asked, but for a last question that everybody can understand."""
        self.asker.ask()
        self.sent += 1
        answers = 0
        while (said := self.asker.hear()).producer != "asker":
            answers += 1
        return answers

    def check_counts(self):
        answers = self.count_answers()
        status = self.daemon.status()
        room = next(stream for stream in status.streams if stream.stream == "room")
        producers = {producer.producer: producer for producer in room.producers}

        of_daemon = counts(status.refusals)
        self.assertEqual(of_daemon["message", "bad_frames"], self.refused[DAEMON, "bad_frames"])
        self.assertEqual(of_daemon["message", "bad_topic"] + of_daemon["message", "unknown_stream"], self.refused[DAEMON, BAD_TOPIC])
        self.assertEqual(of_daemon["message", "malformed"] + answers, self.refused[DAEMON, "malformed"] + self.asked)
        self.assertEqual(len(of_daemon), 4)

        of_room = counts(room.refusals)
        dropped = sum(of_room.pop(("message", reason)) for reason in ("malformed", "out_of_order", "too_many_producers"))
        self.assertEqual(dropped, self.refused["room", DROPPED])
        self.assertEqual(of_room, {("row", "not_finite"): self.infinite_rows, ("message", "bad_dimension"): self.refused["room", "bad_dimension"]})

        good, bad = producers["good"], producers["bad"]
        rows = SEED_ROWS + GOOD_ROWS * (self.good.next_sequence - 1)
        self.assertEqual((good.messages, good.messages_duplicate), (self.good.next_sequence + self.repeated, self.repeated))
        self.assertEqual((good.rows_accepted, good.rows_refused, good.messages_missing, good.messages_reordered), (rows, 0, 0, 0))
        self.assertEqual((room.points_accepted, room.points_labelled), (rows, rows))
        self.assertEqual((bad.messages, bad.rows_accepted, bad.messages_missing), (self.bad.next_sequence, 0, 0))
        self.assertEqual(len(producers), 2)
        self.assertEqual(status.messages_received, self.sent)

    def check_other_protocols(self):
        """Nobody knows what messages there are in bytes that are not even ZeroMQ's, but each that is found is counted."""
        before = self.daemon.status()
        for _ in range(OTHER_PROTOCOLS):
            self.connect_garbage(self.daemon.input, other_protocol(self.random))
        after = self.daemon.status()
        self.assertEqual(after.messages_received - before.messages_received, counts(after.refusals).total() - counts(before.refusals).total())

    def test_a_good_acknowledged_producer_loses_nothing_beside_garbage_and_broken_hellos(self):
        points, _ = clusters(SEED_ROWS + GOOD_ROWS * (MESSAGES // BAD_FOR_A_GOOD), MEANS)
        digest, labels_alone = self.alone(points)

        self.begin()
        footprint = self.footprint(self.daemon)
        subscriber = self.subscribe(self.daemon, "emulsion.v1.room.labels.")
        messages = self.good_messages(self.good, points)
        # The streams are there and the room has its producers before anything else comes.
        self.send_good(next(messages))
        self.bad.send_frames(self.garbage.scrap_topic, self.garbage.points())
        self.sent += 1
        self.arrive()
        self.bad.send(numpy.full((1, 2), numpy.inf))
        self.sent += 1
        self.infinite_rows += 1
        self.arrive()

        labels = []
        warm = None
        for number in range(1, MESSAGES + 1):
            self.send_bad()
            if number % BAD_FOR_A_GOOD == 0:
                self.send_good(next(messages))
            if number % ROUND == 0 or number == MESSAGES:
                for _ in range(CONNECTIONS_A_ROUND):
                    self.connect_garbage(self.daemon.input, zmtp_garbage(self.random, b"DEALER"))
                self.send_too_much(zmq.DEALER)
                self.arrive()
                self.read_labels(subscriber, labels, self.good.next_sequence)
                if warm is None:
                    warm = footprint.resident()
                    footprint.forget_peak()
        self.assertIsNone(next(messages, None))

        say(f"  {self.sent - self.good.next_sequence} of {self.sent} messages were garbage")
        self.check_memory(footprint.peak() - warm, 2 * QUEUE_BYTES + SLACK_BYTES, "after the first round")
        self.check_counts()
        self.check_other_protocols()
        self.check_same(labels, labels_alone, "labels of the good producer")
        self.assertEqual(self.daemon.stream("room").digest, digest)

        # And what was acknowledged is on the disk.
        self.daemon.process.kill()
        self.daemon.wait_for_exit()
        self.daemon = self.start_acknowledged()
        self.assertEqual(self.daemon.stream("room").digest, digest)
        again = Conversation(self, self.daemon.input, "room", "good", session=1)
        self.assertEqual(again.answer().next_sequence, self.good.next_sequence)


if __name__ == "__main__":
    unittest.main()
