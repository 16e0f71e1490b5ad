#!/usr/bin/python3
"""`emulsion send --acknowledged`: every row is learned exactly once, and the sender knows."""

import json
import signal
import subprocess
import sys
import unittest

import numpy

from cutting_proxy import CuttingProxy
from daemon import EMULSION, PATIENCE, EndToEndTest, clusters, drawn, scaled

CONFIG = "[defaults]\ncomponents = 2\n"
ROWS = 1000

CUT_MESSAGES = scaled(1000, 300)
CUT_ROWS = 10
MOST_BYTES_TO_A_CUT = 20_000  # some 100 messages
LEAST_CUTS = CUT_MESSAGES * CUT_ROWS * 16 // MOST_BYTES_TO_A_CUT  # as all their numbers have to come through


class AcknowledgedTest(EndToEndTest):
    def setUp(self):
        super().setUp()
        self.endpoint = f"ipc://{self.directory}/points"
        self.points, _ = clusters(ROWS, [[0, 0], [9, 3]])
        numpy.savetxt(self.directory / "room.csv", self.points, delimiter=",", header="x,y", comments="", fmt="%.17g")

    def start_acknowledged(self, config=CONFIG, directory="state"):
        return self.start(config, "--state_directory", str(self.directory / directory),
                          inputs=[f"acknowledged bind {self.endpoint}"])

    def send(self, daemon, *arguments, **options):
        return self.client_json(daemon, "send", "room.csv", "--stream", "room", "--acknowledged", "--acknowledged-input", self.endpoint,
                                "--batch", 10, *arguments, **options)

    def test_what_send_says_is_durable_survives_kill(self):
        daemon = self.start_acknowledged("commit_interval_seconds = 0.01\nsave_interval_seconds = 0\n" + CONFIG)
        report = self.send(daemon)
        self.assertEqual((report["rows"], report["messages"], report["durable"], report["accepted"], report["refused"]), (ROWS, 100, 100, ROWS, 0))
        digest = daemon.stream("room").state_digest
        daemon.process.kill()
        daemon.wait_for_exit()
        daemon.process.stderr.close()
        self.daemons.remove(daemon)
        again = self.start_acknowledged()
        self.assertEqual(again.stream("room").state_digest, digest)

    def test_a_file_that_is_sent_again_is_learned_once_unless_it_is_told_to_be_new(self):
        daemon = self.start_acknowledged()
        self.send(daemon)
        digest = daemon.stream("room").digest
        again = self.send(daemon)
        self.assertEqual((again["rows"], again["durable_before"], again["durable"]), (0, 100, 100))
        self.assertEqual(daemon.stream("room").digest, digest)
        line = self.client(daemon, "send", "room.csv", "--stream", "room", "--acknowledged", "--acknowledged-input", self.endpoint, "--batch", 10)
        self.assertEqual(line, 'sent 0 rows in 0 messages to "room": all durable, 100 messages had been before; 0 accepted, 0 refused\n')
        self.assertEqual(self.send(daemon, "--new-session")["accepted"], ROWS)
        self.assertEqual(daemon.stream("room").points_accepted, 2 * ROWS)

    def test_a_sender_that_is_killed_goes_on_when_it_is_started_again(self):
        daemon = self.start_acknowledged()
        command = [EMULSION, "send", "room.csv", "--stream", "room", "--acknowledged", "--acknowledged-input", self.endpoint, "--batch", "10",
                   "--rate", "2000"]
        process = subprocess.Popen(command, cwd=self.directory, env=self.client_environment(daemon), stdout=subprocess.DEVNULL)
        daemon.wait_for_rows("room", 100)
        process.kill()
        process.wait(PATIENCE)
        report = self.send(daemon)
        self.assertGreater(report["durable_before"], 0)
        self.assertEqual(report["durable"], 100)
        self.assertEqual(daemon.stream("room").points_accepted, ROWS)

    def test_a_sender_that_is_interrupted_counts_the_message_that_is_under_way(self):
        daemon = self.start_acknowledged("commit_interval_seconds = 0.2\ncredit_messages = 1\n" + CONFIG)
        command = [EMULSION, "send", "room.csv", "--stream", "room", "--acknowledged", "--acknowledged-input", self.endpoint, "--batch", "10",
                   "--json"]
        process = subprocess.Popen(command, cwd=self.directory, env=self.client_environment(daemon), stdout=subprocess.PIPE, text=True)
        daemon.wait_for_rows("room", 10)
        process.send_signal(signal.SIGINT)
        report = json.loads(process.communicate(timeout=PATIENCE)[0])
        messages = report["messages"]
        self.assertGreater(messages, 0)
        self.assertEqual((report["durable"], report["next_sequence"], report["rows"]), (messages, messages, 10 * messages))

    def test_a_row_that_is_refused_holds_nothing_up(self):
        daemon = self.start_acknowledged("[defaults]\ncomponents = 2\nmissing = refuse\n")
        (self.directory / "room.csv").write_text("x,y\n" + "1,2\n3,\n" * 50)
        report = self.send(daemon, expect=65)
        self.assertEqual((report["durable"], report["accepted"], report["refused"]), (10, 50, 50))

    def test_a_stream_that_is_not_there_is_named(self):
        daemon = self.start_acknowledged("dynamic_streams =\n" + CONFIG)
        self.client(daemon, "send", "room.csv", "--stream", "nowhere", "--acknowledged", "--acknowledged-input", self.endpoint,
                    "--timeout", 0.5, expect=69)
        self.assertIn('stream "nowhere" is not configured', self.client_errors)

    def test_a_state_that_is_lost_is_noticed(self):
        daemon = self.start_acknowledged()
        command = [EMULSION, "send", "room.csv", "--stream", "room", "--acknowledged", "--acknowledged-input", self.endpoint, "--batch", "10",
                   "--rate", "500", "--no-confirm"]
        process = subprocess.Popen(command, cwd=self.directory, env=self.client_environment(daemon), stderr=subprocess.PIPE, text=True)
        daemon.wait_for_rows("room", 100)  # the first of which the sender has long let go
        self.assertEqual(daemon.stop(), 0)
        self.start_acknowledged(directory="another")
        _, errors = process.communicate(timeout=PATIENCE)
        self.assertEqual(process.returncode, 65, errors)
        self.assertIn("its state is lost or an older one", errors)

    def test_the_daemon_says_what_an_acknowledged_input_needs(self):
        daemon = self.launch(CONFIG, inputs=[f"acknowledged bind {self.endpoint}"])
        self.assertEqual(daemon.wait_for_exit(), 2)
        self.assertIn("an acknowledged input needs checkpoints, and state_directory is not set", daemon.text())


class CutTest(EndToEndTest):
    """A network that breaks between a sender and a daemon that both live."""

    def setUp(self):
        super().setUp()
        points, _ = clusters(CUT_MESSAGES * CUT_ROWS, [[0, 0], [9, 3]])
        numpy.save(self.directory / "room.npy", points)

    def start_acknowledged(self, directory):
        return self.start(CONFIG, "--state_directory", str(self.directory / directory), inputs=["acknowledged bind tcp://127.0.0.1:*"])

    def send(self, daemon, endpoint):
        return self.client_json(daemon, "send", "room.npy", "--stream", "room", "--session", 7, "--batch", CUT_ROWS, "--acknowledged",
                                "--acknowledged-input", endpoint)

    def test_however_often_connections_are_cut_each_message_is_learned_once(self):
        undisturbed = self.start_acknowledged("undisturbed")
        self.send(undisturbed, undisturbed.input)

        daemon = self.start_acknowledged("cut")
        labels = self.subscribe(daemon, "emulsion.v1.room.labels.")
        proxy = CuttingProxy(daemon.input, drawn(1), MOST_BYTES_TO_A_CUT)
        proxy.start()
        self.addCleanup(proxy.close)
        report = self.send(daemon, proxy.endpoint)
        print(f"{CUT_MESSAGES} messages, {proxy.cuts} cuts: messages were sent again {report['sent_again']} times", file=sys.stderr)
        self.assertGreaterEqual(proxy.cuts, LEAST_CUTS)
        self.assertGreater(report["sent_again"], 0, "the cuts lost something")

        rows = CUT_MESSAGES * CUT_ROWS
        self.assertEqual((report["messages"], report["durable"], report["accepted"], report["refused"], report["restarts"]),
                         (CUT_MESSAGES, CUT_MESSAGES, rows, 0, 0))
        self.assertEqual([labels.next().sequence for _ in range(CUT_MESSAGES)], list(range(CUT_MESSAGES)))
        self.assertTrue(labels.nothing_more())
        room = daemon.stream("room")
        self.assertEqual((room.points_accepted, room.points_labelled), (rows, rows))
        producer = room.producers[0]
        self.assertEqual((producer.messages - producer.messages_duplicate, producer.messages_missing, producer.messages_reordered),
                         (CUT_MESSAGES, 0, 0))
        self.assertEqual(room.state_digest, undisturbed.stream("room").state_digest)


if __name__ == "__main__":
    unittest.main()
