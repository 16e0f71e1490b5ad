#!/usr/bin/python3
"""A million points through `emulsion send` and back as labels: none missing, none twice, every count exact."""

import json
import subprocess
import unittest

import numpy

from daemon import EMULSION, PATIENCE, EndToEndTest, array, clusters, scaled

ROWS = scaled(1_000_000, 20_000) + 7  # so that the last message is not a full one
MESSAGE_ROWS = 256
MESSAGES = -(-ROWS // MESSAGE_ROWS)
WARM_ROWS = 500

# Far enough from each other that the truth of every single point is known.
MEANS = [[0, 0], [40, 0], [0, 40]]


class MillionTest(EndToEndTest):
    def setUp(self):
        super().setUp()
        self.points, self.truth = clusters(ROWS, MEANS)
        numpy.save(self.directory / "points.npy", self.points)
        numpy.save(self.directory / "warm.npy", clusters(WARM_ROWS, MEANS, part=1)[0])
        self.daemon = self.start("[defaults]\ncomponents = 3\nmodel_interval_seconds = 1\n")
        self.client(self.daemon, "send", "warm.npy", "--stream", "big", "--producer", "warm")

    def start_watch(self):
        """`emulsion watch`, following: the model that is there already comes first."""
        arguments = ["watch", "--stream", "big", "--what", "models,labels", "--rows", str(ROWS), "--timeout", str(PATIENCE), "--json"]
        watch = subprocess.Popen([EMULSION, *arguments], env=self.client_environment(self.daemon), cwd=self.directory,
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(watch.communicate)
        self.addCleanup(watch.kill)
        self.assertIn("parameters", watch.stdout.readline())
        return watch

    def check_rows(self, messages):
        """(sequence, component ids) of every message against the points that were sent."""
        self.assertEqual([sequence for sequence, _ in messages], list(range(MESSAGES)))
        ids = numpy.concatenate([ids for _, ids in messages])
        self.assertEqual(len(ids), ROWS)
        # Each component is one of the clusters, row for row.
        model = self.daemon.model("big")
        nearest = {c.id: int(numpy.argmin(numpy.linalg.norm(numpy.array(MEANS) - c.gaussian.mean, axis=1))) for c in model.components}
        self.assertEqual(sorted(nearest.values()), [0, 1, 2])
        found = numpy.vectorize(nearest.get)(ids)
        self.assertEqual(numpy.count_nonzero(found != self.truth), 0)

    def test_a_million_points_come_back_as_labels_none_missing_none_twice(self):
        subscriber = self.subscribe(self.daemon, "emulsion.v1.big.labels.")
        watch = self.start_watch()
        report = self.client_json(self.daemon, "send", "points.npy", "--stream", "big", "--producer", "million", "--batch", MESSAGE_ROWS)
        self.assertEqual((report["rows"], report["messages"], report["accepted"], report["refused"], report["confirmed"]),
                         (ROWS, MESSAGES, ROWS, 0, True))

        labels = [subscriber.next() for _ in range(MESSAGES)]
        self.assertTrue(subscriber.nothing_more())
        self.assertEqual({message.producer for message in labels}, {"million"})
        self.assertEqual(len({message.session for message in labels}), 1)
        first = labels[0].topic_sequence
        self.assertEqual([message.topic_sequence for message in labels], list(range(first, first + MESSAGES)))
        self.check_rows([(message.sequence, array(message.component_ids, "<u8")) for message in labels])

        printed, complaints = watch.communicate(timeout=PATIENCE)
        self.assertEqual(watch.returncode, 0, complaints)
        self.assertNotIn("lost", complaints)
        lines = [json.loads(line) for line in printed.splitlines()]
        self.check_rows([(line["sequence"], numpy.array(line["component_ids"])) for line in lines if "component_ids" in line])

        status = self.client_json(self.daemon, "status", "big")["streams"][0]
        every = ROWS + WARM_ROWS
        self.assertEqual((status["points_accepted"], status["points_labelled"]), (every, every))
        self.assertEqual(status["points_learned"] + status["points_waiting"], every)
        self.assertEqual(status["refusals"], [])
        producer = {entry["producer"]: entry for entry in status["producers"]}["million"]
        expected = {"messages": MESSAGES, "rows_accepted": ROWS, "rows_refused": 0, "messages_missing": 0,
                    "messages_duplicate": 0, "messages_reordered": 0, "restarts": 0, "last_sequence": MESSAGES - 1}
        self.assertEqual({key: producer[key] for key in expected}, expected)


class WatchTest(EndToEndTest):
    def test_labels_as_csv_are_the_labels_on_the_wire(self):
        daemon = self.start("[defaults]\ncomponents = 3\n")
        points, _ = clusters(300, MEANS)
        producer = self.producer(daemon, "big", name="sensor")
        producer.send(points)
        daemon.wait_for_stream("big", lambda s: s.points_labelled == 300, "labels")
        subscriber = self.subscribe(daemon, "emulsion.v1.big.labels.")
        watch = subprocess.Popen([EMULSION, "watch", "--stream", "big", "--what", "labels", "--rows", "10", "--format", "csv"],
                                 env=self.client_environment(daemon), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(watch.communicate)
        self.addCleanup(watch.kill)
        # It begins with one of these; which one, nobody can know before.
        sent = {}
        while watch.poll() is None:
            producer.send(points[:10])
            message = subscriber.next()
            sent[message.sequence] = message
        header, *lines = watch.communicate()[0].splitlines()
        self.assertEqual(header, "producer,session,sequence,row,component,log_density,model_version")
        printed = [[name, *map(int, numbers), float(density), int(version)]
                   for name, *numbers, density, version in (line.split(",") for line in lines)]
        message = sent[printed[0][2]]
        versions = [span.model_version for span in message.model_spans for _ in range(span.rows)]
        labels = zip(range(10), array(message.component_ids, "<u8"), array(message.log_densities, "<f8"), versions, strict=True)
        self.assertEqual(printed, [["sensor", message.session, message.sequence, *label] for label in labels])


if __name__ == "__main__":
    unittest.main()
