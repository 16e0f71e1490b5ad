"""A real daemon in a temporary directory, and the sockets to talk to it.

    class LabelsTest(EndToEndTest):
        def test_a_law(self):
            daemon = self.start("[defaults]\\ncomponents = 3\\n")
            labels = self.subscribe(daemon, "emulsion.v1.room.labels.")
            self.producer(daemon, "room").send(points)
            message = labels.next()

By hand, from the root of the repository:

    EMULSIOND=build/release/bin/emulsiond EMULSION=build/release/bin/emulsion PYTHONPATH=build/release/python \\
        /usr/bin/python3 tests/e2e/labels_test.py

Endpoints are free ones that the daemon chooses and names in its log. What a test starts ends with it: a daemon that is
still there at the end gets SIGTERM and must exit with 0. The log of every daemon is shown if the test fails.
"""

import ctypes
import functools
import json
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest

import numpy
import zmq

from emulsion.v1 import control_pb2, events_pb2, labels_pb2, model_pb2, points_pb2

EMULSIOND = os.environ["EMULSIOND"]
EMULSION = os.environ["EMULSION"]

# Share of the full sizes; less than 1 with sanitizers, which are slow.
SCALE = float(os.environ.get("EMULSION_E2E_SCALE", "1"))

# All that is drawn at random follows from it: EMULSION_SEED draws again what an earlier run has drawn.
SEED = int(os.environ.get("EMULSION_SEED") or random.SystemRandom().randrange(1 << 32))

# Longest wait for anything, in seconds. It ends a test that would hang; no test waits for it to pass.
PATIENCE = 60

LIBC = ctypes.CDLL(None)
EVERYTHING = "emulsion.v1."
PROBE = "emulsion.v1.probe.model."
KINDS = {"model": model_pb2.Model, "labels": labels_pb2.Labels, "events": events_pb2.Event}


def scaled(count, least=1):
    return max(least, int(count * SCALE))


def with_fields(message, **fields):
    """The bytes of a message with other values of some fields; lists are added to."""
    for field, value in fields.items():
        if isinstance(value, list):
            getattr(message, field).extend(value)
        else:
            setattr(message, field, value)
    return message.SerializeToString()


def eventually(condition, what):
    """The first true value of condition(); an AssertionError if none comes in time."""
    deadline = time.monotonic() + PATIENCE
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {PATIENCE} s: {what}")
        time.sleep(0.005)  # between two looks


def environment(extra):
    """That of this process, without settings of the user's own daemon or client."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("EMULSION") and key != "NOTIFY_SOCKET"}
    if threads := os.environ.get("EMULSION_TEST_THREADS"):  # tests/soak.sh sets it for the thread sanitizer
        kept |= {"EMULSION_LEARNING_THREADS": threads, "EMULSION_DEFAULTS_THREADS": threads}
    return {**kept, **extra}


def end_with_this_process():
    """For a child before it starts: SIGTERM when the test is killed, so that no daemon stays behind."""
    PR_SET_PDEATHSIG = 1
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


class Daemon:
    """One run of emulsiond, from start to exit."""

    def __init__(self, test, arguments, extra_environment, command=(EMULSIOND,)):
        self.test = test
        self.log = []
        self._changed = threading.Condition()
        self.process = subprocess.Popen(
            [*command, *arguments],
            cwd=test.directory,
            env=environment(extra_environment),
            preexec_fn=end_with_this_process,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
        )
        self._reader = threading.Thread(target=self._read_log, daemon=True)
        self._reader.start()

    def _read_log(self):
        for line in self.process.stderr:
            with self._changed:
                self.log.append(line.rstrip("\n"))
                self._changed.notify_all()
        with self._changed:
            self.log.append(None)  # the end
            self._changed.notify_all()

    def text(self):
        with self._changed:
            return "\n".join(line for line in self.log if line is not None)

    def wait_for_log(self, pattern, after=0):
        """The match in the first line from number `after` on that has one."""
        expression = re.compile(pattern)
        deadline = time.monotonic() + PATIENCE
        with self._changed:
            next_line = after
            while True:
                while next_line < len(self.log):
                    line = self.log[next_line]
                    if line is None:
                        raise AssertionError(f'the daemon ended without saying "{pattern}"')
                    found = expression.search(line)
                    if found:
                        return found
                    next_line += 1
                if not self._changed.wait(deadline - time.monotonic()):
                    raise AssertionError(f'the daemon did not say "{pattern}" within {PATIENCE} s')

    def learn_endpoints(self):
        ready = self.wait_for_log(r"ready: .* models at (\S+), control at ([^\s,]+)(?:, metrics at http port (\d+))?")
        self.output, self.control, port = ready.groups()
        self.http = f"http://127.0.0.1:{port}" if port else None
        self.inputs = re.findall(r"input: \w+ (\S+)", self.text())
        self.input = self.inputs[0] if self.inputs else None

    def wait_for_exit(self):
        code = self.process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        return code

    def stop(self, number=signal.SIGTERM):
        """The exit code."""
        self.process.send_signal(number)
        return self.wait_for_exit()

    def ask(self, **command):
        """The reply to one request, asked with a REQ socket: ask(flush=control_pb2.FlushRequest(stream="room"))."""
        with self.test.socket(zmq.REQ, self.control) as socket:
            socket.send(control_pb2.ControlRequest(request_id=7, **command).SerializeToString())
            reply = control_pb2.ControlReply.FromString(socket.recv())
        self.test.assertEqual(reply.request_id, 7)
        return reply

    def status(self):
        return self.ask(status=control_pb2.StatusRequest()).status

    def stream(self, name):
        """Its status; None if there is no such stream."""
        reply = self.ask(status=control_pb2.StatusRequest(stream=name))
        return reply.status.streams[0] if reply.HasField("status") else None

    def wait_for_stream(self, name, condition, what):
        """The status of a stream once the condition holds for it."""

        def look():
            stream = self.stream(name)
            return stream if stream is not None and condition(stream) else None

        return eventually(look, what)

    def wait_for_rows(self, name, rows):
        return self.wait_for_stream(name, lambda s: s.points_accepted >= rows, f"{rows} rows accepted by {name}")

    def model(self, name):
        return self.ask(get_model=control_pb2.GetModelRequest(stream=name)).get_model.model

    def flush(self, name):
        return self.ask(flush=control_pb2.FlushRequest(stream=name)).flush.points


class Producer:
    """Sends points as one session of one producer."""

    def __init__(self, socket, stream, name, session):
        self.socket = socket
        self.topic = f"emulsion.v1.{stream}.points.".encode()
        self.name = name
        self.session = session
        self.next_sequence = 0

    def message(self, points, sequence=None, **fields):
        """A Points message of the rows of an array; its type decides between 4 and 8 bytes a number."""
        points = numpy.atleast_2d(points)
        f32 = points.dtype == numpy.float32
        message = points_pb2.Points(
            producer=self.name,
            session=self.session,
            sequence=self.next_sequence if sequence is None else sequence,
            rows=points.shape[0],
            cols=points.shape[1],
            element_type="ELEMENT_TYPE_F32" if f32 else "ELEMENT_TYPE_F64",
            values=points.astype("<f4" if f32 else "<f8").tobytes(),
        )
        for field, value in fields.items():
            message.MergeFrom(points_pb2.Points(**{field: value}))
        self.next_sequence = message.sequence + 1
        return message

    def send(self, points, sequence=None, **fields):
        message = self.message(points, sequence, **fields)
        self.send_frames(self.topic, message.SerializeToString())
        return message

    def send_frames(self, *frames):
        self.socket.send_multipart(frames)


class Subscriber:
    """What the daemon publishes on some topics, from the moment that this exists."""

    def __init__(self, socket, prefixes):
        self.socket = socket
        # Subscriptions take effect in their order: when the model of the probe comes, the others are in force.
        for prefix in (*prefixes, PROBE):
            socket.subscribe(prefix)
        self._until_probe = []
        while True:
            topic, message = self._receive()
            if topic == PROBE:
                break
            self._until_probe.append((topic, message))
        if not PROBE.startswith(tuple(prefixes)):
            socket.unsubscribe(PROBE)

    def _receive(self):
        topic, payload = self.socket.recv_multipart()
        topic = topic.decode()
        return topic, KINDS[topic.split(".")[3]].FromString(payload)

    def next(self):
        """The next message, whatever it is, but for those of the probe."""
        if self._until_probe:
            return self._until_probe.pop(0)[1]
        while True:
            topic, message = self._receive()
            if topic != PROBE:
                return message

    def until(self, condition):
        """All messages up to the first for which the condition holds."""
        messages = []
        while not messages or not condition(messages[-1]):
            messages.append(self.next())
        return messages

    def nothing_more(self):
        """True if nothing has come that was not read."""
        return not self._until_probe and self.socket.poll(0) == 0


class EndToEndTest(unittest.TestCase):
    def setUp(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="emulsion-e2e-"))
        self.addCleanup(shutil.rmtree, self.directory)
        self.context = zmq.Context()
        self.addCleanup(lambda: self.context.term())
        self.daemons = []
        self.ended = 0  # by end_all
        (self.directory / "probe.json").write_text('{"components": [{"weight": 1, "mean": [0], "covariance": [[1]]}]}')

    def run(self, result=None):
        result = self.defaultTestResult() if result is None else result
        before = len(result.errors) + len(result.failures)
        super().run(result)
        if len(result.errors) + len(result.failures) > before:
            for number, daemon in enumerate(self.daemons):
                print(f"--- {self.id()}: log of daemon {number}, exit code {daemon.process.returncode}", file=sys.stderr)
                print(daemon.text(), file=sys.stderr)
        return result

    def end_all(self):
        """Ends all daemons and sockets now, for tests of many lives; what they said is not kept."""
        self.context.destroy()
        self.context = zmq.Context()
        for daemon in self.daemons:
            self._end(daemon)
        self.ended += len(self.daemons)
        self.daemons.clear()

    def launch(self, config="", *arguments, inputs=("pull bind tcp://127.0.0.1:*",), http=False, environment=None, command=(EMULSIOND,)):
        """A daemon that may or may not come to life."""
        path = self.directory / f"emulsiond-{self.ended + len(self.daemons)}.conf"
        path.write_text(config)
        given = ["--config", str(path), "--output", "tcp://127.0.0.1:*", "--control", "tcp://127.0.0.1:*"]
        given += ["--http", "127.0.0.1:0" if http else ""]
        for text in inputs:
            given += ["--input", text]
        daemon = self.keep(Daemon(self, [*given, *arguments], environment or {}, command))
        daemon.config_path = path
        return daemon

    def keep(self, daemon):
        """The daemon, which ends when the test does."""
        self.daemons.append(daemon)
        self.addCleanup(self._end, daemon)
        return daemon

    def start(self, config="", *arguments, **options):
        """A daemon that is ready, and has one stream that the test does not know of: the probe of Subscriber."""
        probe = ["--stream.probe.components", "1", "--stream.probe.covariance", "full"]
        probe += ["--stream.probe.init", str(self.directory / "probe.json")]
        daemon = self.launch(config, *arguments, *probe, **options)
        daemon.learn_endpoints()
        return daemon

    def _end(self, daemon):
        try:
            if daemon.process.poll() is None:
                self.assertEqual(daemon.stop(), 0, "exit code of emulsiond after SIGTERM")
        finally:
            if daemon.process.poll() is None:
                daemon.process.kill()
                daemon.process.wait()
            daemon._reader.join(PATIENCE)
            daemon.process.stderr.close()

    def socket(self, kind, endpoint=None):
        """Gives up with zmq.Again where nothing comes or goes in time."""
        socket = self.context.socket(kind)
        socket.linger = 0
        socket.rcvtimeo = socket.sndtimeo = PATIENCE * 1000
        socket.sndhwm = socket.rcvhwm = 0
        if endpoint is not None:
            socket.connect(endpoint)
        self.addCleanup(socket.close)  # and not before: a socket that Python collects loses what it has not sent
        return socket

    def producer(self, daemon, stream, name="python", session=1, socket=None):
        return Producer(socket or self.socket(zmq.PUSH, daemon.input), stream, name, session)

    def subscribe(self, daemon, *prefixes):
        return Subscriber(self.socket(zmq.SUB, daemon.output), prefixes)

    def state_files(self, stream="room", directory="state"):
        """The saved states of a stream, oldest first."""
        found = (self.directory / directory).glob(f"{stream}.*.state")
        return sorted(found, key=lambda path: int(path.name.split(".")[1]))

    def client_environment(self, daemon):
        return environment({
            "EMULSION_CLIENT_INPUT": daemon.input or "tcp://127.0.0.1:1",
            "EMULSION_CLIENT_OUTPUT": daemon.output,
            "EMULSION_CLIENT_CONTROL": daemon.control,
        })

    def client(self, daemon, *arguments, expect=0, stdin=""):
        """Runs `emulsion` to its end; its standard output."""
        done = subprocess.run(
            [EMULSION, *map(str, arguments)],
            cwd=self.directory,
            env=self.client_environment(daemon) if daemon else environment({}),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
        self.assertEqual(done.returncode, expect, f"emulsion {' '.join(map(str, arguments))}: {done.stderr}")
        self.client_errors = done.stderr
        return done.stdout

    def client_json(self, daemon, *arguments, **options):
        """The one JSON object on the one line that `emulsion ... --json` prints."""
        text = self.client(daemon, *arguments, "--json", **options)
        self.assertEqual(text.count("\n"), 1, text)
        return json.loads(text)


@functools.cache  # once
def say_seed():
    print(f"EMULSION_SEED={SEED}", file=sys.stderr, flush=True)


def drawn(part=0):
    """What to draw from, the same for the same seed and part."""
    say_seed()
    return numpy.random.default_rng([SEED, part])


def clusters(rows, means, sd=1.0, part=0):
    """Points around the rows of `means`, one after another at random; and which mean each is of."""
    draw = drawn(part)
    means = numpy.asarray(means, dtype=float)
    labels = draw.integers(len(means), size=rows)
    return means[labels] + draw.normal(0, sd, size=(rows, means.shape[1])), labels


def array(bytes_field, kind, *shape):
    """A bytes field of Labels: kind "<u8" or "<f8"."""
    numbers = numpy.frombuffer(bytes_field, kind)
    return numbers.reshape(shape) if shape else numbers
