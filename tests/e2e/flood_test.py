#!/usr/bin/python3
"""More points than can be learned: memory stays within what may be queued, and what is shed is what was sent but not applied.

EMULSION_FLOOD_SECONDS says how long each flood lasts.
"""

import itertools
import time
import unittest

import zmq

from conversation import Conversation
from daemon import clusters, eventually, events_pb2, labels_pb2
from hostile import SLACK_BYTES, HostileTest, amount, say

SECONDS = amount("EMULSION_FLOOD_SECONDS", 3)
MEASURED_SECONDS = 1
ROWS = 256
DIMENSION = 16
MESSAGE_BYTES = ROWS * DIMENSION * 8
QUEUE_BYTES = 4 << 20
FIT = QUEUE_BYTES // MESSAGE_BYTES

# Costly components, so that the daemon is slower than this.
COMPONENTS = 64
PLENTY = 4000  # messages a second, more than it can learn
GAP = events_pb2.EventKind.Value("EVENT_KIND_GAP")
CONFIG = f"""
queue_bytes = {QUEUE_BYTES}
[defaults]
components = {COMPONENTS}
covariance = full
seed_points = 2048
"""


class FloodTest(HostileTest):
    def begin(self, input_kind, socket_kind, *options):
        """A daemon with a model, a producer with a short queue, and a subscriber to all that is said of the stream."""
        self.daemon = self.start(CONFIG, *options, inputs=(f"{input_kind} bind tcp://127.0.0.1:*",))
        self.subscriber = self.subscribe(self.daemon, "emulsion.v1.room.labels.", "emulsion.v1.room.events.")
        self.labels = []
        self.told_missing = 0
        socket = self.socket(socket_kind)
        socket.sndhwm = FIT
        socket.connect(self.daemon.input)
        self.producer = self.producer(self.daemon, "room", socket=socket)
        points, _ = clusters(ROWS, [[20 * (k == i) for i in range(DIMENSION)] for k in range(COMPONENTS)])
        self.message = self.producer.message(points, sequence=0)
        self.producer.next_sequence = self.held_up = 0

        def has_model():
            self.wait_for_room_to_send()
            return any(stream.stream == "room" and stream.points_labelled > 0 for stream in self.daemon.status().streams)

        eventually(has_model, "a model")
        self.footprint = self.footprint(self.daemon)
        self.before = self.footprint.resident()
        self.footprint.forget_peak()

    def try_to_send(self):
        """False where the socket would make us wait."""
        self.message.sequence = self.producer.next_sequence
        try:
            self.producer.socket.send_multipart((self.producer.topic, self.message.SerializeToString()), zmq.DONTWAIT)
        except zmq.Again:
            self.held_up += 1
            return False
        self.producer.next_sequence += 1
        return True

    def wait_for_room_to_send(self):
        eventually(self.try_to_send, "room in the producer's queue")

    def listen(self):
        """Reads what has come."""
        while not self.subscriber.nothing_more():
            message = self.subscriber.next()
            if isinstance(message, labels_pb2.Labels):
                self.labels.append((message.topic_sequence, message.sequence, message.rows))
            elif message.kind == GAP:
                self.told_missing += message.count

    def status(self):
        """Of the producer, as the daemon knows it."""
        self.listen()
        return next(stream for stream in self.daemon.status().streams if stream.stream == "room").producers[0]

    def flood(self, messages_a_second, seconds):
        """Offers so many, and gives up what there is no room for; self.held_up says how often there was none."""
        start = time.monotonic()
        offered = self.held_up = 0
        while (elapsed := time.monotonic() - start) < seconds:
            for _ in range(int(elapsed * messages_a_second) - offered):
                offered += 1
                if not self.try_to_send():
                    break
            self.listen()
            self.subscriber.socket.poll(1)  # what is to be offered next takes a moment to fall due
        return int(seconds * messages_a_second)

    def capacity(self):
        """Messages a second that are applied while there are always some to apply."""
        before, start = self.status().messages, time.monotonic()
        self.flood(PLENTY, MEASURED_SECONDS)
        return (self.status().messages - before) / (time.monotonic() - start)

    def end(self):
        """The producer once the last message that was sent has arrived."""
        flooded = self.producer.next_sequence
        looks = itertools.count()

        def arrived():
            if next(looks) % 40 == 0:  # there may have been no room for the one before
                self.try_to_send()
            return self.status().last_sequence >= flooded and self.status().last_sequence + 1 == self.producer.next_sequence

        eventually(arrived, "a message after the flood")
        return self.status()

    def check(self, factor):
        capacity = self.capacity()
        first = self.producer.next_sequence
        offered = self.flood(factor * capacity, SECONDS)
        sent = self.producer.next_sequence - first
        producer = self.end()
        say(f"  {capacity:.0f} messages/s can be learned; in {SECONDS} s {offered} were offered and {sent} sent; "
            f"in all {self.producer.next_sequence} sent, {producer.messages} applied, {producer.messages_missing} missing")
        self.check_memory(self.footprint.peak() - self.before, 2 * QUEUE_BYTES + SLACK_BYTES, "in the flood")

        self.assertEqual(producer.messages_missing, self.producer.next_sequence - producer.messages)
        self.assertEqual((producer.messages_duplicate, producer.messages_reordered, producer.rows_refused), (0, 0, 0))
        self.assertEqual(producer.rows_accepted, producer.messages * ROWS)
        eventually(lambda: self.listen() or len(self.labels) >= producer.messages, "labels of all that was applied")
        self.check_same([number for number, _, _ in self.labels], range(producer.messages), "numbers of labels")
        sequences = [sequence for _, sequence, _ in self.labels]
        self.check_same(sequences, sorted(set(sequences)), "sequences of labels")
        self.assertEqual({rows for _, _, rows in self.labels}, {ROWS})
        self.assertEqual(self.told_missing, producer.messages_missing)
        return producer

    def check_pull(self, factor):
        self.begin("pull", zmq.PUSH)
        self.assertEqual(self.check(factor).messages_missing, 0)

    def check_subscribe(self, factor):
        self.begin("subscribe", zmq.PUB)
        return self.check(factor).messages_missing

    def test_a_pull_at_twice_what_can_be_learned_loses_nothing(self):
        self.check_pull(2)

    def test_a_pull_at_ten_times_what_can_be_learned_holds_the_producer_up_and_loses_nothing(self):
        self.check_pull(10)
        self.assertGreater(self.held_up, 0)

    def test_a_subscription_at_twice_what_can_be_learned_counts_what_it_loses(self):
        self.check_subscribe(2)

    def test_a_subscription_at_ten_times_what_can_be_learned_counts_what_it_loses(self):
        self.assertGreater(self.check_subscribe(10), 0)

    def flood_acknowledged(self, *options):
        """How many messages were sent and not applied, and how many are told to have come before their turn."""
        self.begin("acknowledged", zmq.DEALER, "--state_directory", str(self.directory / "state"), *options)
        offered = self.producer.next_sequence + self.flood(PLENTY, SECONDS)
        flooded = self.producer.next_sequence
        self.conversation = Conversation(self, None, socket=self.producer.socket, name=self.producer.name, session=self.producer.session)
        expected = self.conversation.answer().expected_sequence
        producer = self.status()
        out_of_order = sum(refused.count for refused in self.daemon.stream("room").refusals if refused.reason == "out_of_order")
        say(f"  in {SECONDS} s {offered} messages were offered, {flooded} sent and {producer.messages} applied; {out_of_order} were out of order")
        self.check_memory(self.footprint.peak() - self.before, 2 * QUEUE_BYTES + SLACK_BYTES, "in the flood")
        self.assertEqual((producer.messages, producer.messages_duplicate, producer.messages_missing), (expected, 0, 0))
        return flooded - expected, out_of_order

    def check_acknowledged(self, more):
        """Goes on as a producer should, within its credit: nothing is lost."""
        first = self.conversation.expected
        self.producer.next_sequence = first
        for durable in range(first, first + more):
            self.conversation.wait_until_durable(durable)
            self.assertTrue(self.try_to_send())
        eventually(lambda: self.listen() or len(self.labels) >= first + more, "labels of all that was applied")
        self.check_same([sequence for _, sequence, _ in self.labels], range(first + more), "sequences of labels")
        self.assertEqual(self.told_missing, 0)

    def test_an_acknowledged_input_holds_the_producer_up_and_loses_nothing(self):
        self.assertEqual(self.flood_acknowledged("--credit_messages", "1000000"), (0, 0))
        self.assertGreater(self.held_up, 0)
        self.check_acknowledged(more=5)

    def test_a_producer_beyond_its_credit_loses_nothing_once_it_keeps_to_it(self):
        not_applied, out_of_order = self.flood_acknowledged("--credit_messages", "16")
        self.assertEqual(not_applied, out_of_order)
        self.assertGreater(out_of_order, 0)
        self.check_acknowledged(more=20)


if __name__ == "__main__":
    unittest.main()
