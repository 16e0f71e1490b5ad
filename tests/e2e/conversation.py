"""A producer of an acknowledged input, and what the daemon tells it (docs/reliability.md).

    conversation = Conversation(self, endpoint)
    conversation.send(points)              # as any other producer
    conversation.answer().next_sequence    # all before it is durable
"""

import zmq

from daemon import PATIENCE, Producer
from emulsion.v1 import acknowledged_pb2


class Conversation(Producer):
    def __init__(self, test, endpoint, stream="room", name="send", session=7, socket=None):
        super().__init__(socket or test.socket(zmq.DEALER, endpoint), stream, name, session)
        self.hello = f"emulsion.v1.{stream}.hello.".encode()
        self.question = 0
        self.durable = self.expected = 0

    def ask(self):
        self.question += 1
        hello = acknowledged_pb2.Hello(producer=self.name, session=self.session, question=self.question)
        self.send_frames(self.hello, hello.SerializeToString())

    def hear(self, milliseconds=PATIENCE * 1000):
        """What the daemon says next; None if it says nothing in time."""
        if not self.socket.poll(milliseconds):
            return None
        topic, payload = self.socket.recv_multipart()
        said = acknowledged_pb2.Acknowledgement.FromString(payload)
        self.durable = max(self.durable, said.next_sequence)
        self.expected = said.expected_sequence
        return said

    def answer(self):
        """The answer to a question that is asked now; None if none comes in time."""
        self.ask()
        while True:
            said = self.hear()
            if said is None or said.question == self.question:
                return said

    def wait_until_durable(self, messages):
        """Listens until so many are."""
        while self.durable < messages:
            if self.hear() is None:
                raise AssertionError(f"not within {PATIENCE} s: {messages} durable messages of {self.name}; there are {self.durable}")
