"""emulsiond and what stands beside it, each started for a measurement and ended after it."""

import os
import pathlib
import re
import signal
import socket
import subprocess
import tempfile
import time

from contenders import BIN, Failed

PATIENCE_SECONDS = 60

# Enough that nothing is lost while one side is faster for a while.
QUEUE_MESSAGES = 1000000
QUEUE_BYTES = 1 << 40


class Daemon:
    """One run of emulsiond: `seconds_to_ready` from exec until it says that it is ready."""

    def __init__(self, folder, model=None, state_directory=None, defaults="", options=""):
        self.folder = pathlib.Path(tempfile.mkdtemp(dir=folder))
        configuration = self.folder / "emulsiond.conf"
        lines = [
            "input = pull bind tcp://127.0.0.1:*",
            "output = tcp://127.0.0.1:*",
            "control = tcp://127.0.0.1:*",
            "http =",
            f"queue_messages = {QUEUE_MESSAGES}",
            f"queue_bytes = {QUEUE_BYTES}",
            f"state_directory = {state_directory or ''}",
            "save_interval_seconds = 0",
            options,
            "[defaults]",
            f"init = {model or ''}",
            defaults,
        ]
        configuration.write_text("\n".join(lines) + "\n")
        notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        notify.bind(str(self.folder / "notify"))
        notify.settimeout(PATIENCE_SECONDS)
        environment = {key: value for key, value in os.environ.items() if not key.startswith("EMULSION")}
        environment["NOTIFY_SOCKET"] = str(self.folder / "notify")
        self.log = self.folder / "log"
        began = time.perf_counter()
        with self.log.open("w") as log:
            self.process = subprocess.Popen([BIN / "emulsiond", "--config", configuration], env=environment, stderr=log)
        try:
            while b"READY=1" not in notify.recv(4096):
                pass
            self.seconds_to_ready = time.perf_counter() - began
            self.input = self.wait_for_log(r"input: \w+ (\S+)").group(1)
            self.output, self.control = self.wait_for_log(r"ready: .* models at (\S+), control at ([^\s,]+)\n").groups()
        except TimeoutError:
            self.process.kill()
            raise Failed(f"emulsiond does not become ready: {self.log.read_text()}") from None
        except BaseException:
            self.process.kill()
            raise
        finally:
            notify.close()

    def wait_for_log(self, pattern):
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            found = re.search(pattern, self.log.read_text())
            if found:
                return found
            if time.monotonic() > deadline:
                raise Failed(f'emulsiond did not say "{pattern}": {self.log.read_text()}')
            time.sleep(0.001)

    def memory_bytes(self):
        """What is resident now."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return 1024 * int(re.search(r"VmRSS:\s+(\d+) kB", status).group(1))

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        if self.process.wait(PATIENCE_SECONDS) != 0:
            raise Failed(f"emulsiond ended with {self.process.returncode}: {self.log.read_text()}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()


class Echo:
    """Raw ZeroMQ: answers every message with so many bytes."""

    def __init__(self, answer_bytes, stream="s0"):
        self.process = subprocess.Popen(
            [BIN / "bench_echo", f"emulsion.v1.{stream}.labels.", str(answer_bytes)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.input, self.output = self.process.stdout.readline().split()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()
