#!/usr/bin/python3
"""Whoever names itself as the daemon would name its next peer does no harm: nobody can know that name.

A ROUTER of libzmq 4.3.4 names peers that have no name of their own by a number that it begins with at random, and the process aborts
when the next one is taken. Its random numbers are those of the C library: the same in every process that has not chosen a seed.
"""

import socket
import struct
import subprocess
import sys
import unittest

from conversation import Conversation
from daemon import PATIENCE, EndToEndTest
from garbage import GREETING, ready

NUMBERS = 12  # of the first ones that the C library draws
NEXT = 3  # as many peers may have come before
FIRST = f"import ctypes; random = ctypes.CDLL(None).random; random.restype = ctypes.c_long; print(*(random() for _ in range({NUMBERS})))"


class PeerNamesTest(EndToEndTest):
    def peer(self, endpoint, name):
        """A connection that stays."""
        connection = socket.create_connection(("127.0.0.1", int(endpoint.rsplit(":", 1)[1])), PATIENCE)
        self.addCleanup(connection.close)
        connection.sendall(GREETING + ready(b"DEALER", name))
        said = b""
        while b"READY" not in said:
            said += connection.recv(1024)
        connection.sendall(b"\x00\x05hello")

    def test_names_that_an_unseeded_daemon_would_give_are_not_the_next_ones(self):
        drawn = subprocess.run([sys.executable, "-c", FIRST], capture_output=True, text=True, check=True).stdout.split()
        daemon = self.start("", "--state_directory", str(self.directory / "state"), inputs=["acknowledged bind tcp://127.0.0.1:*"])
        for endpoint in (daemon.input, daemon.control):
            for number in map(int, drawn):
                for first in (number, number | 1 << 31):
                    for further in range(NEXT):
                        self.peer(endpoint, b"\0" + struct.pack(">I", (first + further) % 2**32))
        for _ in range(NEXT):
            self.assertIsNotNone(Conversation(self, daemon.input).answer())
            self.assertIsNotNone(daemon.status())
        self.assertIsNone(daemon.process.poll())


if __name__ == "__main__":
    unittest.main()
