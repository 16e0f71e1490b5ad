"""Messages that are wrong in every way that is known, and what a daemon has to make of each.

    garbage = Garbage(random, "room", "scrap")
    where, why, frames = garbage.draw()         # where, why: the stream, or DAEMON, that refuses it, and the reason
    where, why, frames = garbage.draw_hello()   # to an acknowledged input

Bits that have turned round may still make a message that can be read, so these are of a stream of their own, and nobody
can know what becomes of them: why is None. A hello of this kind is refused or answered.
"""

import struct

from daemon import control_pb2, points_pb2, with_fields
from emulsion.v1 import acknowledged_pb2

DAEMON = ""  # refused before it belonged to any stream
BAD_TOPIC = "bad_topic or unknown_stream"
ROWS, COLUMNS = 3, 2

# Leaves out the tags, in either of two lengths, of every request that the daemon would obey, such as one to end.
OBEYED = [field.number << 3 | 2 for field in control_pb2.ControlRequest.DESCRIPTOR.oneofs_by_name["command"].fields
          if field.name not in ("status", "list", "get_model")]
HARMLESS = bytes(0 if byte & 0x7F in OBEYED else byte for byte in range(256))


def flip_bits(random, whole, most=8):
    damaged = bytearray(whole)
    for _ in range(random.integers(1, most + 1)):
        position = int(random.integers(8 * len(damaged)))
        damaged[position // 8] ^= 1 << position % 8
    return bytes(damaged)


class Garbage:
    def __init__(self, random, stream, scrap):
        self.random = random
        self.stream = stream
        self.scrap = scrap
        self.topic = f"emulsion.v1.{stream}.points.".encode()
        self.scrap_topic = f"emulsion.v1.{scrap}.points.".encode()
        self.kinds = [self.random_bytes, self.truncated, self.flipped_payload, self.flipped_topic, self.wrong_topic,
                      self.unknown_stream, self.wrong_frames, self.huge_claim, self.wrong_field, self.stranger]
        self.hello = f"emulsion.v1.{stream}.hello.".encode()
        self.hello_kinds = [self.random_hello, self.truncated_hello, self.flipped_hello, self.wrong_hello, self.wrong_hello_topic,
                            self.wrong_hello_frames]
        self.strangers = 0

    def draw(self):
        return self.kinds[self.random.integers(len(self.kinds))]()

    def draw_hello(self):
        return self.hello_kinds[self.random.integers(len(self.hello_kinds))]()

    def points(self, **fields):
        message = points_pb2.Points(producer="scrap", session=7, sequence=int(self.random.integers(1000)), rows=ROWS, cols=COLUMNS,
                                    element_type="ELEMENT_TYPE_F64", values=self.random.normal(size=(ROWS, COLUMNS)).tobytes())
        return with_fields(message, **fields)

    def some_bytes(self, most=300):
        return self.random.bytes(int(self.random.integers(most)))

    def choose(self, choices):
        return choices[int(self.random.integers(len(choices)))]

    def random_bytes(self):
        return self.stream, "malformed", (self.topic, self.some_bytes())

    def truncated(self):
        whole = self.points()
        return self.stream, "malformed", (self.topic, whole[: int(self.random.integers(len(whole)))])

    def flipped_payload(self):
        return self.scrap, None, (self.scrap_topic, flip_bits(self.random, self.points()))

    def flipped_topic(self):
        return DAEMON, BAD_TOPIC, (flip_bits(self.random, self.scrap_topic, 1), self.points())

    def wrong_topic(self):
        topic = self.choose([b"", b"emulsion", b"emulsion.v1.", b"emulsion.v1..points.", b"emulsion.v2.room.points.", self.topic[:-1],
                             self.topic + b".", self.topic.replace(b"points", b"model"), self.topic.replace(b"points", b"points.points"),
                             b"emulsion.v1." + b"x" * 65 + b".points.", b"emulsion.v1." + self.some_bytes() + b"\n.points."])
        return DAEMON, BAD_TOPIC, (topic, self.points())

    def unknown_stream(self):
        return DAEMON, BAD_TOPIC, (f"emulsion.v1.kitchen{self.random.integers(10**9)}.points.".encode(), self.points())

    def wrong_frames(self):
        number = self.choose([1, 3, 4, 20, 300])
        return DAEMON, "bad_frames", (self.topic, self.points(), *[b"more"] * (number - 2))[:number]

    def huge_claim(self):
        huge = self.choose([2**16, 2**28, 2**31, 2**32 - 1])
        return self.stream, "malformed", (self.topic, self.choose([
            self.points(rows=huge), self.points(cols=huge), self.points(rows=huge, cols=huge),
            # As if the values took 2^63 bytes, or 4 GiB.
            b"\x3a\xff\xff\xff\xff\xff\xff\xff\xff\x7f" + self.some_bytes(), self.points() + b"\x3a\xff\xff\xff\xff\x0f",
        ]))

    def wrong_field(self):
        return self.stream, "malformed", (self.topic, self.points(**self.choose([
            {"producer": ""}, {"producer": "a b"}, {"producer": "x" * 65}, {"rows": 2}, {"cols": 0}, {"element_type": 0}, {"element_type": 9},
            {"values": b""}, {"unix_nanoseconds": [1]}, {"weights": [1, 1]}, {"weights": [1, 1, -1]}, {"weights": [0, 1, 1]},
            {"weights": [1, float("nan"), 1]}, {"weights": [1, 1, float("inf")]},
        ])))

    def stranger(self):
        """Where there are as many producers as there may be."""
        self.strangers += 1
        return self.stream, "too_many_producers", (self.topic, self.points(producer=f"stranger{self.strangers}"))

    def some_hello(self, **fields):
        message = acknowledged_pb2.Hello(producer="scrap", session=7, question=int(self.random.integers(1, 2**32)))
        return with_fields(message, **fields)

    def random_hello(self):
        return DAEMON, "malformed", (self.hello, self.some_bytes())

    def truncated_hello(self):
        """Without its question, which comes last, or without a part of it."""
        whole = self.some_hello()
        return DAEMON, "malformed", (self.hello, whole[: int(self.random.integers(len(whole)))])

    def flipped_hello(self):
        return DAEMON, None, (self.hello, flip_bits(self.random, self.some_hello()))

    def wrong_hello(self):
        return DAEMON, "malformed", (self.hello, self.some_hello(**self.choose([
            {"producer": ""}, {"producer": "a b"}, {"producer": "x" * 65}, {"question": 0},
        ])))

    def wrong_hello_topic(self):
        topic = self.choose([self.hello[:-1], self.hello + b".", self.hello.replace(b"hello", b"acknowledgement"), b"emulsion.v1.hello.",
                             b"emulsion.v1..hello.", b"emulsion.v1." + b"x" * 65 + b".hello."])
        return DAEMON, BAD_TOPIC, (topic, self.some_hello())

    def wrong_hello_frames(self):
        number = self.choose([1, 3, 4, 20, 300])
        return DAEMON, "bad_frames", (self.hello, self.some_hello(), *[b"more"] * (number - 2))[:number]

    def request(self):
        """Frames to the control endpoint, as a REQ socket would send them, that change nothing."""
        whole = control_pb2.ControlRequest(request_id=int(self.random.integers(2**32)), status=control_pb2.StatusRequest(stream=self.stream))
        whole = whole.SerializeToString()
        payload = self.choose([self.some_bytes(), whole[: int(self.random.integers(len(whole)))], flip_bits(self.random, whole), b"", whole])
        return [*[b"envelope"] * self.choose([0, 0, 0, 3, 7, 8, 50]), b"", payload.translate(HARMLESS)]


# ZMTP 3.0 with the NULL mechanism, https://rfc.zeromq.org/spec/23/.
GREETING = b"\xff\0\0\0\0\0\0\0\x01\x7f\x03\0NULL".ljust(64, b"\0")
READY = b"\x05READY"  # begins what the other side says at the end of its handshake


def command(name, body):
    text = bytes([len(name)]) + name + body
    return b"\x04" + bytes([len(text)]) + text


def ready(kind, identity=None):
    properties = [(b"Socket-Type", kind)] + ([(b"Identity", identity)] if identity is not None else [])
    return command(b"READY", b"".join(bytes([len(name)]) + name + struct.pack(">I", len(value)) + value for name, value in properties))


def zmtp_garbage(random, kind):
    """What goes wrong in a conversation with a peer of the kind "PUSH", "PUB", "SUB" or "DEALER": what is said at once, and after the
    other side is ready. It has no whole message."""
    some = random.bytes(int(random.integers(2000)))
    hello = GREETING + ready(kind)
    choices = [
        (b"", b""),
        (GREETING[: int(random.integers(64))], b""),
        (GREETING + some, b""),
        (GREETING.replace(b"NULL", b"EVIL") + some, b""),
        (GREETING + ready(b"NONE"), b""),
        (GREETING + ready(kind)[:-2], b""),
        (GREETING + command(b"READY", b"\xff\xff" + some[:200]), b""),
        (GREETING + command(b"ERROR", b"\x05sorry"), b""),
        (GREETING + ready(kind, b"somebody"), b"\x01\x04more"),  # whoever comes next has the same name
        (GREETING + ready(kind, b"\0" + some[:4]), b"\x01\x04more"),  # a name as a ROUTER gives to who has none
        (hello + b"\x01\x04more", b""),  # the other side is not ready
        (hello, b"\x00\xff" + some[:254]),  # a frame that is cut
        (hello, hello),
        (hello, b"\x02" + struct.pack(">Q", 2**63)),  # a frame of so many bytes
        (hello, b"\x02" + struct.pack(">Q", 2**40) + some),
        (hello, b"\xff" + some),
        (hello, command(b"PING", b"\xff\xff" + some[:100]) * 50),
        (hello, b"\x01\x04more" * int(random.integers(1, 20000))),  # of a message that never ends
    ]
    return choices[random.integers(len(choices))]


def say_garbage(connection, garbage):
    """Both parts of it. The other side may hang up before their end."""
    hello, rest = garbage
    try:
        connection.sendall(hello)
        heard = b""
        while rest and READY not in heard:
            part = connection.recv(4096)
            if not part:
                return
            heard += part
        connection.sendall(rest)
    except OSError:
        pass


def other_protocol(random):
    """Bytes of no protocol, or another one. libzmq takes them for ZMTP 1.0, so there may be messages in them. All is said at once."""
    some = random.bytes(int(random.integers(2000)))
    choices = [some, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" + some, b"\x16\x03\x01" + some]
    return choices[random.integers(len(choices))], b""
