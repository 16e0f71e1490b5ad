#!/usr/bin/python3
"""What can go wrong on the wire, sent beside a good producer: the good one loses nothing, and every count is exact."""

import collections
import struct
import unittest

import numpy
import zmq

from daemon import EVERYTHING, EndToEndTest, array, clusters, drawn, eventually, events_pb2, labels_pb2, points_pb2, with_fields

CONFIG = """
dynamic_streams = room other*
max_streams = 4
[defaults]
components = 2
max_producers = 5
"""
Kind = events_pb2.EventKind.Value


def is_labels(message):
    return isinstance(message, labels_pb2.Labels)


def counts(refusals):
    return {(refusal.stage, refusal.reason): refusal.count for refusal in refusals}


class FaultsTest(EndToEndTest):
    def setUp(self):
        super().setUp()
        self.daemon = self.start(CONFIG)
        self.points, _ = clusters(2000, [[0, 0], [30, 30]])
        self.good = self.producer(self.daemon, "room", "good")
        self.bad = self.producer(self.daemon, "room", "bad", session=2)

    def received(self, messages):
        eventually(lambda: self.daemon.status().messages_received >= messages, f"{messages} messages received")
        status = self.daemon.status()
        self.assertEqual(status.messages_received, messages)
        return status

    def producer_status(self, name="bad", stream="room"):
        producers = {producer.producer: producer for producer in self.daemon.stream(stream).producers}
        return producers[name]

    def check_producer(self, messages, accepted, refused=0, missing=0, duplicate=0, reordered=0, restarts=0, name="bad"):
        found = self.producer_status(name)
        self.assertEqual((found.messages, found.rows_accepted, found.rows_refused, found.messages_missing, found.messages_duplicate,
                          found.messages_reordered, found.restarts), (messages, accepted, refused, missing, duplicate, reordered, restarts))

    def events_of(self, subscriber, number):
        return [(event.kind, event.count) for event in (subscriber.next() for _ in range(number))]

    def test_garbage_beside_a_good_producer_is_counted_and_the_good_one_loses_nothing(self):
        subscriber = self.subscribe(self.daemon, "emulsion.v1.room.labels.")
        self.good.send(self.points[:200])
        good = self.bad.message(self.points[:5])
        whole = good.SerializeToString()
        topic = self.bad.topic

        def changed(**fields):
            return with_fields(points_pb2.Points.FromString(whole), **fields)

        bad_frames = [(b"one frame",), (topic,), (topic, whole, b"a third"), (b"",) * 20]
        bad_topics = [b"", b"emulsion", b"emulsion.v1.room.points", b"emulsion.v1.room.labels.", b"emulsion.v2.room.points.",
                      b"emulsion.v1.a b.points.", b"emulsion.v1..points.", b"\xff\x00\xfe" * 100, b"emulsion.v1." + b"x" * 65 + b".points."]
        unknown = [b"emulsion.v1.kitchen.points."]
        malformed = [
            b"garbage", whole[:-1], whole[: len(whole) // 2], b"\xff" * 50,
            changed(producer=""), changed(producer="a b"), changed(producer="x" * 65),
            changed(rows=4), changed(rows=6), changed(rows=2**32 - 1), changed(cols=2**32 - 1), changed(rows=2**31, cols=2**31),
            changed(cols=0), changed(element_type=0), changed(element_type=9), changed(values=b""),
            changed(unix_nanoseconds=[1, 2]), changed(weights=[1.0]), changed(weights=[1, 1, 1, 1, -1]),
            changed(weights=[1, 1, 1, 1, 0]), changed(weights=[1, 1, 1, 1, float("nan")]), changed(weights=[1, 1, 1, 1, float("inf")]),
        ]
        sent = 1
        for number, frames in enumerate([*bad_frames, *((name, whole) for name in (*bad_topics, *unknown)), *((topic, payload) for payload in malformed)]):
            self.bad.send_frames(*frames)
            self.good.send(self.points[200 + 10 * number : 210 + 10 * number])
            sent += 2
        status = self.received(sent)
        self.assertEqual(counts(status.refusals), {("message", "bad_frames"): len(bad_frames), ("message", "bad_topic"): len(bad_topics),
                                                   ("message", "unknown_stream"): len(unknown)})
        room = self.daemon.stream("room")
        self.assertEqual(counts(room.refusals), {("message", "malformed"): len(malformed)})

        rows = 200 + 10 * (sent // 2)
        self.assertEqual((room.points_accepted, room.points_labelled), (rows, rows))
        self.assertEqual([producer.producer for producer in room.producers], ["good"])
        self.check_producer(sent // 2 + 1, rows, name="good")
        labels = [subscriber.next() for _ in range(sent // 2 + 1)]
        self.assertEqual([label.sequence for label in labels], list(range(sent // 2 + 1)))
        self.assertEqual(sum(label.rows for label in labels), rows)
        self.assertTrue(subscriber.nothing_more())

    def test_bad_messages_change_no_bit_of_the_model(self):
        for name in ("room", "other"):
            for number in range(20):
                self.producer(self.daemon, name, "p", session=number).send(self.points[50 * number : 50 * number + 50])
                # One after another, as two sockets keep no order between them.
                self.daemon.wait_for_rows(name, 50 * (number + 1))
                if name == "room":
                    self.bad.send_frames(self.bad.topic, b"garbage")
                    self.bad.send([[float("inf"), 1.0]])
                    self.bad.send([[1.0, 2.0, 3.0]])
        self.received(100)
        self.assertEqual(self.daemon.stream("room").digest, self.daemon.stream("other").digest)

    def test_bad_rows_are_refused_one_by_one_and_the_others_keep_their_places(self):
        subscriber = self.subscribe(self.daemon, "emulsion.v1.room.labels.", "emulsion.v1.room.events.")
        nan, inf = float("nan"), float("inf")
        rows = self.points[:200].copy()
        for row, values in {0: (inf, 0), 7: (0, -inf), 8: (1e200, 0), 50: (nan, nan), 199: (0, -1e151)}.items():
            rows[row] = values
        rows[60] = (nan, 1)  # is learned from its other coordinate
        self.bad.send(rows)
        messages = subscriber.until(is_labels)
        refused = [event for event in messages[:-1] if event.kind == Kind("EVENT_KIND_REJECTED")]
        self.assertEqual([(event.producer, event.count) for event in refused], [("bad", 5)])
        labels = messages[-1]
        self.assertEqual(list(numpy.flatnonzero(array(labels.component_ids, "<u8") == 0)), [0, 7, 8, 50, 199])
        self.assertEqual(list(numpy.flatnonzero(numpy.isnan(array(labels.log_densities, "<f8")))), [0, 7, 8, 50, 199])
        self.assertEqual(counts(self.daemon.stream("room").refusals),
                         {("row", "not_finite"): 2, ("row", "out_of_range"): 2, ("row", "no_coordinate"): 1})
        self.check_producer(1, 195, refused=5)

    def test_another_dimension_is_refused_whole(self):
        self.good.send(self.points[:200])
        self.daemon.wait_for_rows("room", 200)
        self.bad.send(numpy.ones((7, 3)))
        self.bad.send(numpy.ones((7, 1)))
        self.received(3)
        self.assertEqual(counts(self.daemon.stream("room").refusals), {("message", "bad_dimension"): 2})
        self.check_producer(2, 0, refused=14)

    def test_gaps_duplicates_late_messages_and_restarts_are_counted_and_published(self):
        subscriber = self.subscribe(self.daemon, "emulsion.v1.room.events.")
        for sequence in (0, 1, 5, 5, 1, 3, 3, 2):
            self.bad.send(self.points[:10], sequence=sequence)
        gap, duplicate, reordered = Kind("EVENT_KIND_GAP"), Kind("EVENT_KIND_DUPLICATE"), Kind("EVENT_KIND_REORDERED")
        self.assertEqual(self.events_of(subscriber, 6),
                         [(gap, 3), (duplicate, 1), (duplicate, 1), (reordered, 1), (duplicate, 1), (reordered, 1)])
        self.check_producer(8, 50, missing=1, duplicate=3, reordered=2)
        again = self.producer(self.daemon, "room", "bad", session=9, socket=self.bad.socket)
        again.send(self.points[:10], sequence=2)
        self.assertEqual(self.events_of(subscriber, 2), [(Kind("EVENT_KIND_RESTARTED"), 1), (gap, 2)])
        self.check_producer(9, 60, missing=3, duplicate=3, reordered=2, restarts=1)
        # Both sessions go on.
        self.bad.send(self.points[:10], sequence=4)
        again.send(self.points[:10], sequence=0)
        self.assertEqual(self.events_of(subscriber, 2), [(reordered, 1)] * 2)
        self.check_producer(11, 80, missing=1, duplicate=3, reordered=4, restarts=1)
        self.assertEqual(self.producer_status().session, 9)

    def test_a_random_walk_through_sequences_is_counted_exactly(self):
        random = drawn(1)
        seen, top, expected = set(), -1, collections.Counter()
        for _ in range(500):
            sequence = int(max(0, top + random.integers(-15, 8)))
            if sequence in seen:
                expected["duplicate"] += 1
            elif sequence < top:
                expected["reordered"] += 1
            seen.add(sequence)
            top = max(top, sequence)
            self.bad.send(self.points[:1], sequence=sequence)
        self.received(500)
        self.assertGreater(min(expected["duplicate"], expected["reordered"]), 20)
        self.check_producer(500, len(seen), missing=top + 1 - len(seen), **expected)

    def test_too_many_streams_and_producers_are_refused_and_those_that_are_there_go_on(self):
        for number in range(4):  # with the probe and the room there are 2 to have
            self.producer(self.daemon, f"other{number}", socket=self.bad.socket).send(self.points[:10])
        for number in range(8):
            self.producer(self.daemon, "other0", f"p{number}", socket=self.bad.socket).send(self.points[:10])
        self.good.send(self.points[:200])
        status = self.received(13)
        streams = {stream.stream: stream for stream in status.streams}
        self.assertEqual(len(streams), 4)
        self.assertEqual(counts(status.refusals)[("message", "too_many_streams")], 4 + 1 - 3)
        self.assertEqual(counts(streams["other0"].refusals), {("message", "too_many_producers"): 4})
        self.assertEqual(len(streams["other0"].producers), 5)

    def test_points_without_times_are_refused_by_a_stream_that_forgets_in_seconds(self):
        daemon = self.start("[stream.room]\nstep = half-life\nhalf_life_points = 0\nhalf_life_seconds = 60\n")
        producer = self.producer(daemon, "room")
        producer.send(self.points[:5])
        producer.send(self.points[:5], unix_nanoseconds=range(5))
        room = daemon.wait_for_rows("room", 5)
        self.assertEqual(counts(room.refusals), {("message", "no_timestamps"): 1})

    def test_a_peer_that_speaks_no_zeromq_or_sends_too_much_does_no_harm(self):
        daemon = self.start("max_message_bytes = 2048\n")
        stranger = self.socket(zmq.STREAM, daemon.input)
        identity, _ = stranger.recv_multipart()
        stranger.send_multipart([identity, b"GET / HTTP/1.1\r\n\r\n"])
        glutton = self.producer(daemon, "room", "glutton")
        glutton.send(self.points)  # 32 kB
        good = self.producer(daemon, "room", "good")
        for number in range(20):
            good.send(self.points[10 * number : 10 * number + 10])
        room = daemon.wait_for_rows("room", 200)
        self.assertEqual([producer.producer for producer in room.producers], ["good"])

    def test_text_from_outside_is_escaped_in_the_log(self):
        self.bad.send_frames(b"emulsion.v1.\x1b[31m\nFAKE error.points.", b"")
        self.received(1)
        said = self.daemon.wait_for_log("message refused").string
        self.assertIn(r"\x1B[31m\x0AFAKE", said)


class SubscriberTest(EndToEndTest):
    def setUp(self):
        super().setUp()
        self.daemon = self.start("[defaults]\ncomponents = 2\nmodel_interval_seconds = 0\n")
        self.points, _ = clusters(400, [[0, 0], [30, 30]])

    def teach(self, *streams):
        for stream in streams:
            self.producer(self.daemon, stream).send(self.points)
            self.daemon.wait_for_stream(stream, lambda s: s.points_labelled == 400, "labels")

    def test_a_late_subscriber_gets_the_last_model_of_each_topic_at_once(self):
        self.teach("m1", "m10")
        for prefix, expected in ((EVERYTHING, {"m1", "m10", "probe"}), ("emulsion.v1.m1.", {"m1"}), ("emulsion.v1.m10.model.", {"m10"})):
            with self.subTest(prefix):
                socket = self.socket(zmq.SUB, self.daemon.output)
                socket.subscribe(prefix)
                topics = [socket.recv_multipart()[0].decode() for _ in expected]
                self.assertEqual(sorted(topics), sorted(f"emulsion.v1.{stream}.model." for stream in expected))

    def test_the_model_that_a_late_subscriber_gets_is_the_one_that_the_others_got(self):
        early = self.subscribe(self.daemon, "emulsion.v1.room.model.")
        self.teach("room")
        known = early.until(lambda model: model.version == self.daemon.model("room").version)[-1]
        late = self.subscribe(self.daemon, "emulsion.v1.room.model.")
        answer = late.next()
        # Who was there gets it too: it is the next message of the topic, and the same model as before.
        self.assertEqual(early.next(), answer)
        self.assertEqual(answer.topic_sequence, known.topic_sequence + 1)
        answer.topic_sequence = known.topic_sequence
        self.assertEqual(answer, known)

    def test_a_topic_is_not_a_prefix_of_another(self):
        subscriber = self.subscribe(self.daemon, "emulsion.v1.m1.labels.")
        self.teach("m10", "m1")
        self.assertEqual(subscriber.next().stream, "m1")
        self.assertTrue(subscriber.nothing_more())

    def test_one_socket_that_subscribes_twice_gets_labels_once(self):
        subscriber = self.subscribe(self.daemon, "emulsion.v1.room.labels.", "emulsion.v1.room.", "emulsion.v1.room.labels.")
        self.teach("room")
        messages = subscriber.until(is_labels)
        producer = self.producer(self.daemon, "room")
        producer.send(self.points[:1], sequence=1)
        messages += subscriber.until(is_labels)
        labels = [m for m in messages if is_labels(m)]
        self.assertEqual([(m.sequence, m.topic_sequence) for m in labels], [(0, 0), (1, 1)])

    def test_two_subscribers_get_the_same(self):
        both = [self.subscribe(self.daemon, "emulsion.v1.room.labels.") for _ in range(2)]
        self.teach("room")
        self.assertEqual(both[0].next(), both[1].next())

    def test_what_is_no_subscription_is_ignored(self):
        socket = self.socket(zmq.XSUB, self.daemon.output)
        for garbage in (b"", b"\x02hello", b"hello", b"\x00never subscribed", b"\x01" + b"x" * 4000, struct.pack("<Q", 2**63)):
            socket.send(garbage)
        socket.send(b"\x01emulsion.v1.probe.model.")
        self.assertEqual(socket.recv_multipart()[0], b"emulsion.v1.probe.model.")

    def test_every_topic_counts_its_own_messages(self):
        subscriber = self.subscribe(self.daemon, EVERYTHING)
        self.teach("a", "b")
        messages = subscriber.until(lambda m: m.stream == "b" and is_labels(m))
        numbers = collections.defaultdict(list)
        for message in messages:
            numbers[message.stream, type(message).__name__].append(message.topic_sequence)
        self.assertEqual(numbers["a", "Labels"], [0])
        self.assertEqual(numbers["b", "Labels"], [0])
        self.assertEqual(numbers["a", "Event"], [0])
        self.assertEqual(len({message.daemon_session for message in messages}), 1)


if __name__ == "__main__":
    unittest.main()
