#!/usr/bin/python3
"""The ten lines of Python in README.md do what is said of them."""

import os
import pathlib
import re
import socket
import subprocess
import sys
import unittest

from daemon import PATIENCE, SCALE, Daemon, EndToEndTest, environment

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PORTS = (7701, 7702, 7703)


def free(port):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


class ReadmeTest(EndToEndTest):
    def setUp(self):
        super().setUp()
        text = (ROOT / "README.md").read_text()
        self.scripts = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
        # The modules are those of this build, wherever it is.
        self.modules = os.environ["PYTHONPATH"].split(os.pathsep)[0]

    def run_script(self, script, daemon):
        for port, endpoint in zip(PORTS, (daemon.input, daemon.output, daemon.control)):
            script = script.replace(f"tcp://127.0.0.1:{port}", endpoint)
        script = script.replace("build/release/python", self.modules)
        script = script.replace("time.sleep(0.5)", f"time.sleep({0.5 / SCALE})")
        variables = environment({})
        del variables["PYTHONPATH"]
        done = subprocess.run([sys.executable, "-c", script], cwd=self.directory, capture_output=True, text=True, timeout=PATIENCE,
                              env=variables)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def check_labels(self, text):
        """One digit for each of the 120 points: 60 of one cluster, then 60 of the other."""
        labels = re.findall(r"\d+", text)
        self.assertEqual(len(labels), 120, text)
        self.assertEqual(len(set(labels[:60])), 1, text)
        self.assertEqual(len(set(labels[60:])), 1, text)
        self.assertNotEqual(labels[0], labels[60])

    def test_there_is_one_script_of_ten_lines(self):
        self.assertEqual(len(self.scripts), 1)
        self.assertLessEqual(len(self.scripts[0].splitlines()), 10)

    def test_the_script_prints_the_labels_of_its_points(self):
        daemon = self.launch()
        daemon.learn_endpoints()
        self.check_labels(self.run_script(self.scripts[0], daemon))
        # Again, from the same daemon, which has a model now.
        self.check_labels(self.run_script(self.scripts[0], daemon))

    def test_the_script_works_as_it_stands_with_a_daemon_as_it_stands(self):
        if not all(free(port) for port in (*PORTS, 7704)):
            self.skipTest("a default port is taken")
        daemon = self.keep(Daemon(self, [], {}))
        daemon.learn_endpoints()
        self.assertEqual(daemon.inputs, [f"tcp://127.0.0.1:{PORTS[0]}"])
        self.check_labels(self.run_script(self.scripts[0], daemon))


if __name__ == "__main__":
    unittest.main()
