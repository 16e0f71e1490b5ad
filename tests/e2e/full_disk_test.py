#!/usr/bin/python3
"""A daemon whose disk is full says so, goes on with labels, and recovers by itself."""

import json
import pathlib
import subprocess
import time
import unittest
import urllib.error
import urllib.request

from daemon import EMULSIOND, PATIENCE, EndToEndTest, array, clusters, control_pb2, eventually

CONFIG = """
save_interval_seconds = 0.05
[defaults]
components = 2
batch_points = 32
"""
# A file system of its own of 1 MiB, which only this daemon has, without any rights: $1 is where.
SMALL_DISK = ["unshare", "-rm", "sh", "-c", 'mount -t tmpfs -o size=1m tmpfs "$1" && shift && exec "$@"', "sh"]


def small_disks_can_be_made():
    try:
        tried = subprocess.run([*SMALL_DISK, "/mnt", "true"], capture_output=True, timeout=PATIENCE)
    except FileNotFoundError:
        return False
    return tried.returncode == 0


@unittest.skipUnless(small_disks_can_be_made(), "no mount without rights here: `unshare -rm` with a tmpfs does not work")
class FullDiskTest(EndToEndTest):
    def setUp(self):
        super().setUp()
        self.points, _ = clusters(4000, [[0, 0], [6, 1]])
        self.sent = 0

    def ready(self, daemon):
        try:
            with urllib.request.urlopen(daemon.http + "/readyz", timeout=PATIENCE) as reply:
                return reply.status, reply.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def metric(self, daemon, name):
        with urllib.request.urlopen(daemon.http + "/metrics", timeout=PATIENCE) as reply:
            lines = reply.read().decode().splitlines()
        return float(next(line.split()[1] for line in lines if line.startswith(name + " ")))

    def send(self, producer, labels):
        """Ten rows, and their labels."""
        producer.send(self.points[self.sent : self.sent + 10])
        self.sent += 10
        self.assertEqual(array(labels.next().component_ids, "<u8").shape, (10,))

    def test_it_is_degraded_while_the_disk_is_full_and_recovers_within_5_s(self):
        (self.directory / "state").mkdir()
        daemon = self.start(CONFIG, "--state_directory", str(self.directory / "state"), http=True,
                            command=[*SMALL_DISK, str(self.directory / "state"), EMULSIOND])
        # As the daemon sees it.
        state = pathlib.Path(f"/proc/{daemon.process.pid}/root{self.directory}/state")
        producer = self.producer(daemon, "room")
        labels = self.subscribe(daemon, "emulsion.v1.room.labels.")
        producer.send(self.points[:100])
        self.sent = 100
        self.assertEqual(labels.next().rows, 100)
        eventually(lambda: list(state.glob("room.*.state")), "a first state")
        self.assertEqual(self.ready(daemon), (200, "ready\n"))

        ballast = state / "ballast"
        with open(ballast, "wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(4096))
            except OSError:
                pass  # full
        kept = {path.name: path.read_bytes() for path in state.glob("room.*.state")}
        self.send(producer, labels)
        status, reason = eventually(lambda: (now := self.ready(daemon))[0] == 503 and now, "degraded")
        self.assertRegex(reason, r"degraded: \d+ saves in a row have failed; the last: stream room: .*: cannot \w+: No space left on device")
        self.assertEqual(self.metric(daemon, "emulsion_degraded"), 1)
        self.assertGreaterEqual(self.metric(daemon, "emulsion_save_failures_total"), 3)
        self.assertIn("No space left on device", daemon.status().degraded)
        self.assertIn("degraded: ", self.client(daemon, "status"))
        for _ in range(20):
            self.send(producer, labels)  # goes on
        self.assertEqual({path.name: path.read_bytes() for path in state.glob("room.*.state")}, kept)
        refused = daemon.ask(save=control_pb2.SaveRequest(stream="room"))
        self.assertIn("No space left on device", refused.error.message)

        ballast.unlink()
        freed = time.monotonic()
        eventually(lambda: self.ready(daemon)[0] == 200, "recovered")
        self.assertLess(time.monotonic() - freed, 5)
        self.assertEqual(self.metric(daemon, "emulsion_degraded"), 0)
        self.assertEqual(daemon.status().degraded, "")
        self.assertEqual(json.loads(self.client(daemon, "status", "--json"))["degraded"], "")
        self.assertTrue({path.name for path in state.glob("room.*.state")} - set(kept), "a state that is newer")


if __name__ == "__main__":
    unittest.main()
