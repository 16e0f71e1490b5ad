#!/usr/bin/python3
"""A daemon that dies right before any of its calls to the disk, or right before any of its answers, goes on from the last state that
it said was saved, or from the one that it was about to save, and ends with the same bits.

FATAL_EMULSIOND is such a daemon (tests/daemon/fatal_emulsiond.cc). FAIL_POINT_ROUNDS times every point; 1 if it is not set.
"""

import os
import shutil
import sys
import unittest

import zmq

from conversation import Conversation
from daemon import SCALE, EndToEndTest, clusters, control_pb2

CONFIG = """
save_interval_seconds = 0
commit_interval_seconds = 0.001
[defaults]
components = 2
batch_points = 32
"""
ROWS = 40
MESSAGES = 6
STRIDE = 1 if SCALE == 1 else 4  # with sanitizers, which are slow


class FailPointsTest(EndToEndTest):
    def setUp(self):
        super().setUp()
        self.points, _ = clusters(ROWS * MESSAGES, [[0, 0], [6, 1]])
        self.table = self.uninterrupted()

    def message(self, number):
        return self.points[ROWS * number : ROWS * (number + 1)]

    def send(self, daemon, number):
        self.producer(daemon, "room", "sensor").send(self.message(number), sequence=number)

    def uninterrupted(self):
        """What there is after each message: rows and digest."""
        daemon = self.start(CONFIG)
        table = [(0, "")]
        for number in range(MESSAGES):
            self.send(daemon, number)
            table.append((ROWS * (number + 1), daemon.wait_for_rows("room", ROWS * (number + 1)).digest))
        self.assertEqual(daemon.stop(), 0)
        return table

    def reply(self, daemon, **command):
        """The reply to one request; None if the daemon dies before it gives one."""
        socket = self.socket(zmq.REQ, daemon.control)
        socket.send(control_pb2.ControlRequest(**command).SerializeToString())
        while not socket.poll(20):
            if daemon.process.poll() is not None:
                return None
        return control_pb2.ControlReply.FromString(socket.recv())

    def live(self, call, next_message):
        """A life that ends before the call. Returns after how many messages it last said that all is saved, and if it lived."""
        daemon = self.launch(CONFIG, "--state_directory", str(self.directory / "state"), command=[os.environ["FATAL_EMULSIOND"]],
                             environment={"FATAL_DISK_CALL": str(call)})
        try:
            daemon.learn_endpoints()
        except AssertionError:
            self.assertEqual(daemon.wait_for_exit(), -9, daemon.text())
            return 0, False
        saved = 0
        for number in range(next_message, MESSAGES):
            self.send(daemon, number)
            asked = self.reply(daemon, status=control_pb2.StatusRequest(stream="room"))
            while asked is not None and (asked.HasField("error") or asked.status.streams[0].points_accepted < ROWS * (number + 1)):
                asked = self.reply(daemon, status=control_pb2.StatusRequest(stream="room"))
            done = self.reply(daemon, save=control_pb2.SaveRequest(stream="room"))
            if done is None:
                self.assertEqual(daemon.wait_for_exit(), -9, daemon.text())
                return saved, False
            self.assertEqual(list(done.save.streams), ["room"], done)
            saved = number + 1
        code = daemon.stop()
        self.assertIn(code, (0, -9))
        return saved, code == 0

    def test_every_fail_point(self):
        # A directory where there is something to recover: two states and a save that was not finished.
        first = self.start(CONFIG, "--state_directory", str(self.directory / "state"))
        for number in range(3):
            self.send(first, number)
            first.wait_for_rows("room", ROWS * (number + 1))
            first.ask(save=control_pb2.SaveRequest(stream="room"))
        self.assertEqual(first.stop(), 0)
        (self.directory / "state" / ".room.9.state.new").write_bytes(b"EMUL")
        (self.directory / "state").rename(self.directory / "begin")

        rounds = int(os.environ.get("FAIL_POINT_ROUNDS", "1"))
        for number in range(rounds):
            self.end_all()
            call, lived = 1, False
            while not lived:
                with self.subTest(round=number, call=call):
                    shutil.rmtree(self.directory / "state", ignore_errors=True)
                    shutil.copytree(self.directory / "begin", self.directory / "state")
                    saved, lived = self.live(call, 3)
                    found = self.check_recovery(max(saved, 3))
                    if lived:
                        self.assertEqual(found, MESSAGES)
                call += STRIDE
                self.assertLess(call, 500, "it never lives")
        print(f"{call - 1} fail points, {rounds} times each", file=sys.stderr)
        self.assertGreater(call, 30, "too few calls to be all of them")

    def live_with_answers(self, variable, call):
        """A life of which each message is acknowledged before the next one is sent. Returns how many were, and if it lived."""
        daemon = self.launch(CONFIG, "--state_directory", str(self.directory / "state"), command=[os.environ["FATAL_EMULSIOND"]],
                             environment={variable: str(call)}, inputs=[f"acknowledged bind {self.endpoint}"])
        conversation = Conversation(self, self.endpoint, name="sensor", session=1)
        conversation.ask()
        for number in range(MESSAGES):
            conversation.send(self.message(number), number)
            while conversation.durable <= number and daemon.process.poll() is None:
                conversation.hear(20)
        if daemon.process.poll() is None:
            daemon.stop()
        self.assertIn(daemon.wait_for_exit(), (0, -9), daemon.text())
        while conversation.hear(0) is not None:
            pass  # said before it died
        conversation.socket.close()
        return conversation.durable, daemon.process.returncode == 0

    def check_answers(self, acknowledged):
        """What was acknowledged is there; the rest can be sent again, and the end is the same."""
        daemon = self.launch(CONFIG, "--state_directory", str(self.directory / "state"), inputs=[f"acknowledged bind {self.endpoint}"])
        daemon.learn_endpoints()
        room = daemon.stream("room")
        found = self.table.index((room.points_accepted, room.digest)) if room else 0
        self.assertGreaterEqual(found, acknowledged)
        conversation = Conversation(self, self.endpoint, name="sensor", session=1)
        self.assertEqual(conversation.answer().next_sequence, found)
        for number in range(found, MESSAGES):
            conversation.send(self.message(number), number)
        conversation.wait_until_durable(MESSAGES)
        room = daemon.stream("room")
        self.assertEqual((room.points_accepted, room.digest), self.table[-1])

    def test_every_fail_point_around_an_acknowledgement(self):
        self.endpoint = f"ipc://{self.directory}/points"
        rounds = int(os.environ.get("FAIL_POINT_ROUNDS", "1"))
        for variable, least in (("FATAL_ANSWER", 2 * MESSAGES), ("FATAL_DISK_CALL", 40)):
            for number in range(rounds):
                call, lived = 1, False
                while not lived:
                    self.end_all()
                    with self.subTest(variable, round=number, call=call):
                        shutil.rmtree(self.directory / "state", ignore_errors=True)
                        acknowledged, lived = self.live_with_answers(variable, call)
                        self.check_answers(acknowledged)
                    call += STRIDE
                    self.assertLess(call, 500, "it never lives")
            print(f"{variable}: {call - 1} fail points, {rounds} times each", file=sys.stderr)
            self.assertGreater(call, least, "too few to be all of them")

    def check_recovery(self, saved):
        """What the next daemon finds; after how many messages that is what there was."""
        daemon = self.launch(CONFIG, "--state_directory", str(self.directory / "state"))
        daemon.learn_endpoints()
        room = daemon.stream("room")
        found = self.table.index((room.points_accepted, room.digest))
        self.assertIn(found, (saved, saved + 1))
        producer = self.producer(daemon, "room", "sensor")
        for number in range(found, MESSAGES):
            producer.send(self.message(number), sequence=number)
        self.assertEqual(daemon.wait_for_rows("room", ROWS * MESSAGES).digest, self.table[-1][1])
        self.assertEqual(daemon.stop(), 0)
        return found


if __name__ == "__main__":
    unittest.main()
