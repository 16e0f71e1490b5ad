"""What the tests of a hostile network share: how much they do, what they draw from, and what a daemon takes up meanwhile.

Each test does little unless a variable such as EMULSION_MALFORMED says how much. EMULSION_SEED draws again what an earlier
run has drawn; every test prints its seed.
"""

import collections
import itertools
import os
import re
import sys

from daemon import SCALE, EndToEndTest, drawn, eventually

PAGE = os.sysconf("SC_PAGE_SIZE")

# Sanitizers keep memory of their own: what a daemon takes up then says nothing.
MEMORY_COUNTS = SCALE == 1

# What allocators, code that runs for the first time and libzmq's pools of empty messages may take beside what is queued.
SLACK_BYTES = 8 << 20


def amount(variable, quick, least=1):
    """What the variable says; otherwise that of the quick tier, or a share of it with sanitizers."""
    given = os.environ.get(variable)
    return int(given) if given else max(least, int(quick * SCALE))


def say(text):
    print(text, file=sys.stderr, flush=True)


def megabytes(size):
    return f"{size / 1e6:.1f} MB"


class Footprint:
    """What a process takes up: memory and descriptors."""

    def __init__(self, process_id):
        self.place = f"/proc/{process_id}"

    def _status(self, field):
        with open(self.place + "/status") as lines:
            return 1024 * int(re.search(field + r":\s+(\d+) kB", lines.read()).group(1))

    def resident(self):
        return self._status("VmRSS")

    def peak(self):
        """The most since forget_peak()."""
        return self._status("VmHWM")

    def forget_peak(self):
        with open(self.place + "/clear_refs", "w") as file:
            file.write("5")

    def descriptors(self):
        return len(os.listdir(self.place + "/fd"))


class HostileTest(EndToEndTest):
    def setUp(self):
        super().setUp()
        self.random = drawn(1)
        say(self.id())

    def footprint(self, daemon):
        return Footprint(daemon.process.pid)

    def check_memory(self, grown, budget, what):
        say(f"  memory: {megabytes(grown)} more {what}; {megabytes(budget)} allowed")
        if MEMORY_COUNTS:
            self.assertLessEqual(grown, budget, f"bytes that the daemon has grown by {what}")

    def check_same(self, found, expected, what):
        """Of two long lists; names the first difference instead of printing both."""
        for number, (one, other) in enumerate(itertools.zip_longest(found, expected)):
            if one != other:
                self.fail(f"{what}: {len(found)} instead of {len(expected)}, and another one at {number}")

    def wait_for_messages(self, daemon, messages):
        eventually(lambda: daemon.status().messages_received >= messages, f"{messages} messages received")


def counts(refusals):
    return collections.Counter({(refusal.stage, refusal.reason): refusal.count for refusal in refusals})
