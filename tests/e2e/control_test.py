#!/usr/bin/python3
"""Requests by raw sockets, and the client that asks them."""

import json
import unittest

import zmq

from daemon import EndToEndTest, clusters, control_pb2

COMMANDS = ("send", "simulate", "watch", "top", "list", "status", "model", "flush", "save", "pause", "resume", "reset", "shutdown")
Code = control_pb2.ControlErrorCode.Value


class RequestTest(EndToEndTest):
    def setUp(self):
        super().setUp()
        self.daemon = self.start("", "--state_directory", str(self.directory / "state"))
        self.points, _ = clusters(600, [[0, 0], [9, 9]])
        self.producer(self.daemon, "room").send(self.points)
        self.daemon.wait_for_rows("room", 600)

    def check_error(self, reply, code):
        self.assertEqual(reply.WhichOneof("result"), "error")
        self.assertEqual(reply.error.code, Code(f"CONTROL_ERROR_CODE_{code}"))
        self.assertTrue(reply.error.message)

    def raw(self, payload):
        with self.socket(zmq.REQ, self.daemon.control) as socket:
            socket.send(payload)
            return control_pb2.ControlReply.FromString(socket.recv())

    def test_status_tells_of_all_streams_or_of_one(self):
        reply = self.daemon.ask(status=control_pb2.StatusRequest()).status
        self.assertEqual([s.stream for s in reply.streams], ["probe", "room"])
        self.assertEqual((reply.version, reply.messages_received), ("0.1.0", 1))
        self.assertGreater(reply.uptime_seconds, 0)
        self.assertNotEqual(reply.daemon_session, 0)
        one = self.daemon.ask(status=control_pb2.StatusRequest(stream="room")).status
        self.assertEqual([s.stream for s in one.streams], ["room"])
        room = one.streams[0]
        self.assertEqual((room.dimension, room.components, room.points_accepted, room.points_learned, room.points_waiting, room.batches),
                         (2, 2, 600, 356, 244, 1))
        self.assertRegex(room.digest, "^[0-9a-f]{16}$")

    def test_list_names_the_streams(self):
        self.assertEqual(list(self.daemon.ask(list=control_pb2.ListRequest()).list.streams), ["probe", "room"])

    def test_get_model_gives_the_model_as_it_is_now(self):
        model = self.daemon.model("room")
        self.assertEqual((model.stream, model.version, model.dimension, model.points_learned), ("room", 2, 2, 356))
        self.assertEqual([c.id for c in model.components], [1, 2])
        self.assertEqual([(s.producer, s.session, s.last_sequence) for s in model.sources], [("python", 1, 0)])

    def test_flush_learns_what_waits(self):
        self.assertEqual(self.daemon.flush("room"), 244)
        self.assertEqual(self.daemon.stream("room").points_learned, 600)
        self.assertEqual(self.daemon.flush("room"), 0)

    def test_a_paused_stream_labels_and_does_not_learn_until_it_is_resumed(self):
        subscriber = self.subscribe(self.daemon, "emulsion.v1.room.events.", "emulsion.v1.room.labels.")
        producer = self.producer(self.daemon, "room", name="later")
        digest = self.daemon.stream("room").digest
        self.assertEqual(self.daemon.ask(pause=control_pb2.PauseRequest(stream="room")).WhichOneof("result"), "pause")
        self.assertEqual(subscriber.next().kind, 12)
        producer.send(self.points[:300])
        self.assertEqual(subscriber.next().rows, 300)
        paused = self.daemon.stream("room")
        self.assertEqual((paused.phase, paused.points_paused, paused.points_learned, paused.digest), (3, 300, 356, digest))
        self.daemon.ask(resume=control_pb2.ResumeRequest(stream="room"))
        self.assertEqual(subscriber.next().kind, 13)
        producer.send(self.points[:300])
        self.assertEqual(subscriber.next().rows, 300)
        self.assertEqual(self.daemon.stream("room").points_learned, 356 + 512)

    def test_reset_forgets_the_model_and_the_counts_but_not_the_positions(self):
        subscriber = self.subscribe(self.daemon, "emulsion.v1.room.")
        self.daemon.ask(reset=control_pb2.ResetRequest(stream="room"))
        self.assertEqual(subscriber.until(lambda m: hasattr(m, "kind"))[-1].kind, 11)
        room = self.daemon.stream("room")
        self.assertEqual((room.points_accepted, room.points_learned, room.model_version, room.dimension), (0, 0, 0, 0))
        self.check_error(self.daemon.ask(get_model=control_pb2.GetModelRequest(stream="room")), "NO_MODEL")
        # Another dimension is welcome now, and number 1 is no gap.
        producer = self.producer(self.daemon, "room")
        producer.send(clusters(200, [[0, 0, 0], [9, 9, 9]])[0], sequence=1)
        room = self.daemon.wait_for_rows("room", 200)
        self.assertEqual((room.dimension, room.producers[0].messages_missing), (3, 0))

    def test_save_names_what_it_has_written(self):
        reply = self.daemon.ask(save=control_pb2.SaveRequest(stream="room")).save
        self.assertEqual(list(reply.streams), ["room"])
        self.assertEqual(len(self.state_files()), 1)
        self.assertEqual(list(self.daemon.ask(save=control_pb2.SaveRequest()).save.streams), ["probe", "room"])

    def test_save_fails_where_there_is_nowhere_to_save_to(self):
        reply = self.start().ask(save=control_pb2.SaveRequest())
        self.check_error(reply, "FAILED")
        self.assertIn("state_directory", reply.error.message)

    def test_shutdown_replies_and_ends_with_0(self):
        self.assertEqual(self.daemon.ask(shutdown=control_pb2.ShutdownRequest()).WhichOneof("result"), "shutdown")
        self.assertEqual(self.daemon.wait_for_exit(), 0)

    def test_every_command_on_an_unknown_stream_is_an_error_that_names_it(self):
        for command in ("status", "get_model", "save", "reset", "pause", "resume", "flush"):
            with self.subTest(command):
                kind = control_pb2.ControlRequest.DESCRIPTOR.fields_by_name[command].message_type._concrete_class
                reply = self.daemon.ask(**{command: kind(stream="cellar")})
                self.check_error(reply, "UNKNOWN_STREAM")
                self.assertIn('"cellar"', reply.error.message)

    def test_a_stream_without_a_model_says_so(self):
        self.producer(self.daemon, "young").send(self.points[:5])
        self.daemon.wait_for_rows("young", 5)
        self.check_error(self.daemon.ask(get_model=control_pb2.GetModelRequest(stream="young")), "NO_MODEL")
        self.check_error(self.daemon.ask(pause=control_pb2.PauseRequest(stream="young")), "NO_MODEL")

    def test_malformed_and_unknown_requests_get_an_error(self):
        for payload in (b"\xff\xff\xff", b"\x0a", b"status", b"\x12\x05\x0a\x03\xff\xfe\xfd"):
            with self.subTest(payload):
                reply = self.raw(payload)
                self.check_error(reply, "MALFORMED")
                self.assertEqual(reply.request_id, 0)
        self.check_error(self.raw(b""), "UNKNOWN_COMMAND")
        newer = self.raw(b"\x08\x09" + b"\xfa\x01\x00")  # id 9, and a command with the tag 31
        self.check_error(newer, "UNKNOWN_COMMAND")
        self.assertEqual(newer.request_id, 9)
        self.assertEqual(len(self.daemon.status().streams), 2)

    def test_a_dealer_asks_many_questions_and_matches_the_answers(self):
        dealer = self.socket(zmq.DEALER, self.daemon.control)
        for number in range(100):
            dealer.send_multipart([b"", control_pb2.ControlRequest(request_id=number, list=control_pb2.ListRequest()).SerializeToString()])
        replies = [dealer.recv_multipart() for _ in range(100)]
        self.assertEqual([control_pb2.ControlReply.FromString(payload).request_id for _, payload in replies], list(range(100)))
        self.assertEqual({delimiter for delimiter, _ in replies}, {b""})

    def test_envelopes_come_back_as_they_were_and_too_long_ones_get_an_error(self):
        request = control_pb2.ControlRequest(request_id=3, list=control_pb2.ListRequest()).SerializeToString()
        dealer = self.socket(zmq.DEALER, self.daemon.control)
        dealer.send_multipart([b"proxy 1", b"proxy 2", b"", request])
        *envelope, payload = dealer.recv_multipart()
        self.assertEqual(envelope, [b"proxy 1", b"proxy 2", b""])
        self.assertEqual(control_pb2.ControlReply.FromString(payload).request_id, 3)
        dealer.send_multipart([b"", *[b"x"] * 50, request])
        self.check_error(control_pb2.ControlReply.FromString(dealer.recv_multipart()[-1]), "MALFORMED")
        dealer.send(request)  # no envelope at all
        self.assertEqual(control_pb2.ControlReply.FromString(dealer.recv()).request_id, 3)


class ClientTest(EndToEndTest):
    def start_with_points(self, streams=("room",)):
        daemon = self.launch()
        daemon.learn_endpoints()
        for stream in streams:
            self.producer(daemon, stream).send(clusters(600, [[0, 0], [9, 9]])[0])
            daemon.wait_for_rows(stream, 600)
        return daemon

    def test_every_subcommand_has_help_with_examples_on_stdout(self):
        for command in COMMANDS:
            with self.subTest(command):
                text = self.client(None, command, "--help")
                self.assertIn(f"emulsion {command}", text)
                self.assertIn("usage:", text)
                self.assertEqual(self.client_errors, "")
        overview = self.client(None, "--help")
        for command in COMMANDS:
            self.assertIn(f"\n  {command} ", overview)

    def test_json_is_one_object_on_one_line(self):
        daemon = self.start_with_points()
        self.assertEqual(self.client_json(daemon, "list"), {"streams": ["room"]})
        self.assertEqual(self.client_json(daemon, "status")["streams"][0]["points_accepted"], 600)
        self.assertEqual(len(self.client_json(daemon, "model")["components"]), 2)  # of the only stream
        self.assertEqual(self.client_json(daemon, "flush", "room"), {"command": "flush", "stream": "room", "points": 244})
        for command in ("pause", "resume"):
            self.assertEqual(self.client_json(daemon, command, "room"), {"command": command, "stream": "room"})
        self.assertEqual(self.client_json(daemon, "reset", "room", "--yes"), {"command": "reset", "stream": "room"})
        self.client_json(daemon, "shutdown")
        self.assertEqual(daemon.wait_for_exit(), 0)

    def test_a_model_as_json_starts_another_daemon(self):
        first = self.start_with_points()
        (self.directory / "room.json").write_text(self.client(first, "model", "room", "--json"))
        second = self.start("[stream.room]\ninit = room.json\n")
        self.assertEqual([c.gaussian for c in second.model("room").components], [c.gaussian for c in first.model("room").components])

    def test_wrong_usage_exits_with_2_and_guesses_what_was_meant(self):
        for arguments, said in ((["statsu"], '"status"'), (["send"], "FILE"), (["status", "--jsno"], '"--json"'),
                                (["watch", "--what", "weather"], "models, labels, events"), (["send", "x.csv", "--batch", "0"], "--batch"),
                                (["simulate", "storm"], "two-gaussians"), (["status", "no such name"], "A-Z a-z 0-9 _"),
                                (["reset"], "STREAM")):
            with self.subTest(arguments):
                self.assertEqual(self.client(None, *arguments, expect=2), "")
                self.assertIn(said, self.client_errors)

    def test_bad_data_exits_with_65_and_names_the_line(self):
        daemon = self.start_with_points()
        text = "a,b\n" + "1,2\n" * 8 + "1,n/a\n"
        self.client(daemon, "send", "-", "--stream", "bad", stdin=text, expect=65)
        self.assertIn(':10: column "b": "n/a" is not a number', self.client_errors)
        # Not told that these were all, the stream waits for the rest instead of starting from eight rows.
        bad = next(stream for stream in self.client_json(daemon, "status")["streams"] if stream["stream"] == "bad")
        self.assertEqual((bad["points_accepted"], bad["phase"]), (8, "warming_up"))
        self.client(daemon, "send", "no-such-file.csv", expect=65)
        closing_line = self.client(daemon, "send", "-", "--stream", "room", stdin="1,2,3\n", expect=65)  # refused there
        self.assertIn("bad_dimension", closing_line)

    def test_rows_that_are_bad_data_can_be_skipped_and_counted(self):
        daemon = self.start_with_points()
        report = self.client_json(daemon, "send", "-", "--stream", "some", "--on-error", "skip", stdin="a,b\n1,2\nx,y\n3,4\n", expect=65)
        self.assertEqual((report["rows"], report["skipped"], report["accepted"]), (2, 1, 2))

    def test_a_daemon_that_is_not_there_exits_with_69(self):
        daemon = self.start_with_points()
        self.assertEqual(daemon.stop(), 0)
        for arguments in (["status", "--timeout", "0.2"], ["send", "-", "--timeout", "0.2"], ["watch", "--timeout", "0.2"]):
            with self.subTest(arguments[0]):
                self.client(daemon, *arguments, stdin="1,2\n", expect=69)
                self.assertIn("is emulsiond running", self.client_errors)

    def test_no_model_yet_exits_with_75_and_says_what_is_missing(self):
        daemon = self.start_with_points(streams=())
        self.client(daemon, "send", "-", "--stream", "young", "--no-end", stdin="1,2\n3,4\n")
        self.client(daemon, "model", "young", expect=75)
        self.assertIn("2 of 100", self.client_errors)

    def test_a_wrong_variable_exits_with_78(self):
        daemon = self.start_with_points(streams=())
        daemon.control = "nowhere"
        self.client(daemon, "status", expect=78)
        self.assertIn("EMULSION_CLIENT_CONTROL", self.client_errors)

    def test_an_unknown_stream_exits_with_1_and_guesses_which_was_meant(self):
        daemon = self.start_with_points(("kitchen", "room"))
        for command in ("status", "model", "flush", "pause", "resume"):
            self.client(daemon, command, "kitchne", expect=1)
            self.assertIn('did you mean "kitchen"?', self.client_errors)
        self.client(daemon, "model", expect=2)
        self.assertIn("kitchen, room", self.client_errors)

    def test_top_shows_every_stream_in_one_picture(self):
        daemon = self.start_with_points(("kitchen", "room"))
        picture = self.client(daemon, "top", "--once")
        for word in ("kitchen", "room", "600"):
            self.assertIn(word, picture)
        self.assertTrue(all(len(line) <= 80 for line in picture.splitlines()), picture)
        self.assertLessEqual(len(picture.splitlines()), 24)

    def test_every_line_of_watch_is_json_when_asked_for(self):
        daemon = self.start_with_points()
        lines = self.client(daemon, "watch", "--stream", "room", "--what", "models", "--count", "1", "--json").splitlines()
        self.assertEqual([json.loads(line)["stream"] for line in lines], ["room"])


if __name__ == "__main__":
    unittest.main()
