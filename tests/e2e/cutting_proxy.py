"""A network that breaks: what connects to it reaches a daemon, until all connections are cut, again and again.

    proxy = CuttingProxy(daemon.input, drawn(), most_bytes=8192)
    proxy.start()
    ... a client of proxy.endpoint ...
    proxy.close()

After some bytes, in both directions together and each time another number of them, every connection ends, by half of the cuts
with a reset; what has not been passed on is lost. So a cut comes within a handshake, a message or an answer as well as between.
"""

import selectors
import socket
import struct
import threading

from daemon import PATIENCE


class CuttingProxy(threading.Thread):
    def __init__(self, target, random, most_bytes):
        super().__init__(daemon=True)
        self.target = ("127.0.0.1", int(target.rsplit(":", 1)[1]))
        self.random = random
        self.most_bytes = most_bytes
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.endpoint = f"tcp://127.0.0.1:{self.listener.getsockname()[1]}"
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.listener, selectors.EVENT_READ)
        self.other_end = {}  # of a socket the one that gets what it says
        self.cuts = 0
        self._draw_next()

    def _draw_next(self):
        self.left = int(self.random.integers(1, self.most_bytes + 1))  # bytes until the next cut

    def run(self):
        while True:
            for key, _ in self.selector.select():
                if key.fileobj is self.listener:
                    try:
                        self._accept()
                    except OSError:
                        return  # closed
                elif key.fileobj in self.other_end:  # it is not gone since
                    self._forward(key.fileobj)

    def _accept(self):
        near, _ = self.listener.accept()
        far = socket.create_connection(self.target, PATIENCE)
        for one, other in ((near, far), (far, near)):
            one.settimeout(PATIENCE)
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.other_end[one] = other
            self.selector.register(one, selectors.EVENT_READ)

    def _forward(self, source):
        try:
            data = source.recv(1 << 16)
            passed = data[: self.left]
            self.other_end[source].sendall(passed)
        except OSError:
            data = b""
        if not data:
            self._end(source)
            return
        self.left -= len(passed)
        if self.left == 0:
            self._cut()

    def _end(self, source):
        for one in (source, self.other_end[source]):
            self.selector.unregister(one)
            del self.other_end[one]
            one.close()

    def _cut(self):
        reset = self.random.integers(2)
        while self.other_end:
            source = next(iter(self.other_end))
            if reset:
                for one in (source, self.other_end[source]):
                    one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._end(source)
        self.cuts += 1
        self._draw_next()

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.join(PATIENCE)
        self.listener.close()
        while self.other_end:
            self._end(next(iter(self.other_end)))
        self.selector.close()
