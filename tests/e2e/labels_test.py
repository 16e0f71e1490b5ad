#!/usr/bin/python3
"""What comes back for the points of a Python producer: every row its label, in order, from a published model."""

import unittest

import numpy
import zmq

import mixture
from daemon import EndToEndTest, array, clusters, drawn, scaled

CONFIG = """
[defaults]
components = 3
batch_points = 64
model_interval_seconds = 0
publish_responsibilities = true
"""
MEANS = [[0, 0], [4, 1], [1, 5]]


class LabelsTest(EndToEndTest):
    def send_all(self, producer, points, largest=60, **fields):
        """Messages of 1 to `largest` rows, fewer than a mini-batch: each moves the model at most once."""
        random = drawn(1)
        sent = []
        while len(points):
            rows = random.integers(1, largest + 1)
            sent.append((producer.send(points[:rows], **fields), points[:rows].astype(float)))
            points = points[rows:]
        return sent

    def receive(self, subscriber, rows):
        """Labels of so many rows, and the models that made them, by version. A model follows its first labels."""
        labels, models = [], {}
        while rows > 0 or labels[-1].model_spans[-1].model_version not in models:
            message = subscriber.next()
            if hasattr(message, "components"):
                models[message.version] = message
            else:
                labels.append(message)
                rows -= message.rows
        return labels, models

    def check_message(self, labels, message, topic_sequence):
        self.assertEqual(labels.topic_sequence, topic_sequence)
        self.assertEqual((labels.producer, labels.session, labels.sequence, labels.rows),
                         (message.producer, message.session, message.sequence, message.rows))
        self.assertEqual(sum(span.rows for span in labels.model_spans), labels.rows)
        self.assertEqual(len(array(labels.component_ids, "<u8")), labels.rows)

    def check_rows(self, labels, points, models):
        """Each number of each row against numpy and the model that is said to have made it."""
        ids = array(labels.component_ids, "<u8")
        densities = array(labels.log_densities, "<f8")
        shares = array(labels.responsibilities, "<f8", labels.rows, -1)
        numpy.testing.assert_allclose(shares.sum(axis=1), 1, rtol=0, atol=1e-12)
        first = 0
        for span in labels.model_spans:
            rows = slice(first, first + span.rows)
            model = models[span.model_version]
            names = numpy.array([component.id for component in model.components])
            numpy.testing.assert_array_equal(ids[rows], names[numpy.argmax(shares[rows], axis=1)])
            numpy.testing.assert_allclose(shares[rows], mixture.responsibilities(model, points[rows]), rtol=0, atol=1e-9)
            numpy.testing.assert_allclose(densities[rows], mixture.log_densities(model, points[rows]), rtol=1e-9, atol=1e-9)
            first += span.rows

    def check_all(self, sent, labels, models):
        self.assertEqual(len(labels), len(sent))
        for number, (label, (message, points)) in enumerate(zip(labels, sent)):
            self.check_message(label, message, number)
            self.check_rows(label, points, models)

    def follow(self, daemon, stream="room"):
        return self.subscribe(daemon, f"emulsion.v1.{stream}.labels.", f"emulsion.v1.{stream}.model.")

    def test_every_message_gets_its_labels_once_in_order_from_a_published_model(self):
        daemon = self.start(CONFIG)
        subscriber = self.follow(daemon)
        points, _ = clusters(scaled(2000, 400), MEANS)
        sent = self.send_all(self.producer(daemon, "room"), points)
        labels, models = self.receive(subscriber, len(points))
        self.check_all(sent, labels, models)
        self.assertGreater(max(models), 3, "the model should have moved meanwhile")
        status = daemon.stream("room")
        self.assertEqual((status.points_accepted, status.points_labelled), (len(points), len(points)))
        self.assertTrue(subscriber.nothing_more())

    def test_every_shape_of_covariance_labels_by_the_model_that_it_publishes(self):
        for shape in ("full", "diagonal", "spherical", "tied"):
            with self.subTest(shape):
                daemon = self.start(CONFIG + f"covariance = {shape}\n")
                subscriber = self.follow(daemon)
                points, _ = clusters(400, [[0, 0, 0], [3, 1, 2], [1, 4, -2]])
                sent = self.send_all(self.producer(daemon, "room"), points)
                self.check_all(sent, *self.receive(subscriber, len(points)))

    def test_four_byte_numbers_are_labelled_as_the_same_numbers_in_eight(self):
        daemon = self.start(CONFIG)
        subscriber = self.follow(daemon)
        points = clusters(400, MEANS)[0].astype(numpy.float32)
        sent = self.send_all(self.producer(daemon, "room"), points)
        self.assertEqual({message.element_type for message, _ in sent}, {2})
        self.check_all(sent, *self.receive(subscriber, len(points)))

    def test_a_missing_coordinate_is_left_out_of_the_density(self):
        daemon = self.start(CONFIG)
        subscriber = self.follow(daemon)
        points, _ = clusters(400, MEANS)
        points[150::3, 0] = numpy.nan
        sent = self.send_all(self.producer(daemon, "room"), points)
        self.check_all(sent, *self.receive(subscriber, len(points)))

    def test_responsibilities_are_left_out_unless_asked_for(self):
        daemon = self.start("[defaults]\ncomponents = 3\n")
        subscriber = self.subscribe(daemon, "emulsion.v1.room.labels.")
        self.producer(daemon, "room").send(clusters(500, MEANS)[0])
        labels = subscriber.next()
        self.assertEqual((labels.rows, len(labels.component_ids), labels.responsibilities), (500, 4000, b""))

    def test_a_publisher_and_a_subscribing_daemon_do_the_same(self):
        daemon = self.start(CONFIG, inputs=["subscribe bind tcp://127.0.0.1:*"])
        subscriber = self.follow(daemon)
        publisher = self.socket(zmq.XPUB, daemon.input)  # a PUB that can see who subscribes
        self.assertEqual(publisher.recv(), b"\x01emulsion.v1.")
        points, _ = clusters(400, MEANS)
        sent = self.send_all(self.producer(daemon, "room", socket=publisher), points)
        self.check_all(sent, *self.receive(subscriber, len(points)))

    def test_a_daemon_connects_to_producers_that_have_the_address(self):
        push, publish = self.socket(zmq.PUSH), self.socket(zmq.XPUB)
        for socket in (push, publish):
            socket.bind("tcp://127.0.0.1:*")
        addresses = [socket.get(zmq.LAST_ENDPOINT).decode() for socket in (push, publish)]
        daemon = self.start(CONFIG, inputs=[f"pull connect {addresses[0]}", f"subscribe connect {addresses[1]}"])
        self.assertEqual(publish.recv(), b"\x01emulsion.v1.")
        points, _ = clusters(300, MEANS)
        for stream, socket in (("pulled", push), ("subscribed", publish)):
            subscriber = self.follow(daemon, stream)
            sent = self.send_all(self.producer(daemon, stream, socket=socket), points)
            self.check_all(sent, *self.receive(subscriber, len(points)))

    def test_producers_side_by_side_each_get_their_own_labels_in_order(self):
        daemon = self.start(CONFIG)
        subscriber = self.follow(daemon)
        points, _ = clusters(600, MEANS)
        sent = {}
        for number, name in enumerate(("a", "b", "c")):
            share = points[number * 200 : (number + 1) * 200]
            sent[name] = self.send_all(self.producer(daemon, "room", name, session=number), share)
        labels, models = self.receive(subscriber, len(points))
        for name, expected in sent.items():
            mine = [label for label in labels if label.producer == name]
            self.assertEqual(len(mine), len(expected))
            for label, (message, rows) in zip(mine, expected):
                self.check_message(label, message, label.topic_sequence)
                self.check_rows(label, rows, models)
        self.assertEqual([label.topic_sequence for label in labels], list(range(len(labels))))

    def test_the_last_message_of_a_short_stream_brings_the_labels_of_all(self):
        daemon = self.start(CONFIG)
        subscriber = self.follow(daemon)
        producer = self.producer(daemon, "room")
        points, _ = clusters(40, MEANS)
        sent = [(producer.send(points[:30]), points[:30])]
        sent.append((producer.send(points[30:], end_of_stream=True), points[30:]))
        self.check_all(sent, *self.receive(subscriber, 40))


if __name__ == "__main__":
    unittest.main()
