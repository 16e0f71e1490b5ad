#!/usr/bin/python3
"""The rooms and who may include what: lib <- wire <- service <- main, read from the #include lines.

With EMULSIOND set it also checks every file in config/ by `emulsiond --check-config`.
"""

import os
import pathlib
import re
import subprocess
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent
ROOMS = ("lib", "proto", "daemon", "clients")
LONGEST_FILE = 400  # lines

STANDARD = set(
    """algorithm array atomic bit cassert cctype cerrno charconv chrono cinttypes climits cmath compare concepts condition_variable
    csignal cstddef cstdint cstdio cstdlib cstring ctime deque exception filesystem fstream functional initializer_list
    iomanip ios iosfwd iostream istream iterator limits list locale map memory mutex new numbers numeric optional ostream
    queue random ranges ratio regex set shared_mutex span sstream stack stdexcept stop_token streambuf string string_view
    system_error thread tuple type_traits typeindex typeinfo unordered_map unordered_set utility variant vector""".split()
)


def sources(*folders):
    files = [path for folder in folders for suffix in ("*.h", "*.inc", "*.cc") for path in (ROOT / folder).rglob(suffix)]
    return sorted(path.relative_to(ROOT) for path in files)


def includes(path):
    """What a file includes, without brackets or quotation marks."""
    return re.findall(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', (ROOT / path).read_text(), re.MULTILINE)


class LayeringTest(unittest.TestCase):
    def check_includes(self, files, is_forbidden):
        files = list(files)
        self.assertTrue(files, "there is nothing to check")
        found = [f"{path}: {name}" for path in files for name in includes(path) if is_forbidden(path, name)]
        self.assertEqual(found, [])

    def check_homes(self, prefix, *homes):
        """Only files that match one of `homes` include what begins with the prefix, and each home does."""
        pattern = re.compile(prefix)
        at_home = lambda path: any(path.match(home) for home in homes)
        self.check_includes(sources(*ROOMS), lambda path, name: pattern.match(name) and not at_home(path))
        users = [path for path in sources(*ROOMS) if any(pattern.match(name) for name in includes(path))]
        for home in homes:
            self.assertTrue(any(path.match(home) for path in users), f"nobody in {home} includes {prefix}; is this rule out of date?")

    def test_the_library_includes_eigen_expected_the_task_library_special_functions_and_nothing_else(self):
        own = {str(path.relative_to("lib")) for path in sources("lib")}
        allowed = lambda name: name in own or name in STANDARD or name == "dlfcn.h" or name.startswith(("Eigen/", "tbb/", "oneapi/tbb/", "boost/math/special_functions/")) or name in ("tl/expected.hpp", "boost/container/vector.hpp")
        self.check_includes(sources("lib"), lambda path, name: not allowed(name) and not name.startswith("hwy/"))

    def test_vectors_stay_in_the_loops(self):
        self.check_homes(r"hwy/", "lib/emulsion/kernels/*.cc")

    def test_what_a_user_s_own_family_is_made_with_needs_the_standard_library_alone(self):
        self.check_includes(["lib/emulsion/custom_family.h"], lambda path, name: name not in STANDARD)

    def test_shared_objects_are_loaded_in_one_place(self):
        self.check_homes(r"dlfcn\.h", "lib/emulsion/family_library.cc")

    def test_the_wire_includes_nothing_of_daemon_and_clients(self):
        self.check_includes(sources("proto"), lambda path, name: name.startswith(("daemon/", "clients/")))

    def test_the_daemon_includes_nothing_of_clients_and_they_nothing_of_it(self):
        self.check_includes(sources("daemon"), lambda path, name: name.startswith("clients/"))
        self.check_includes(sources("clients"), lambda path, name: name.startswith("daemon/"))

    def test_zeromq_is_known_in_two_places(self):
        self.check_homes(r"zmq", "daemon/zmq_*.cc", "clients/connection.cc")

    def test_program_options_is_known_to_options_and_flags_alone(self):
        self.check_homes(r"boost/program_options", "daemon/option*.cc", "clients/*.cc")

    def test_generated_messages_are_known_to_the_converters_alone(self):
        self.check_homes(r".*\.pb\.h$|google/protobuf", "proto/emulsion/wire/convert*", "proto/emulsion/wire/state*.cc")

    def test_the_web_server_stays_in_one_file(self):
        self.check_homes(r"boost/(beast|asio)", "daemon/http_server.cc")

    def test_headers_do_not_show_what_the_room_hides(self):
        # convert_parts.h is shared by the converters and included by nobody else.
        hidden = re.compile(r"zmq|google/protobuf|.*\.pb\.h$|boost/(program_options|beast|asio)|prometheus/|spdlog/")
        headers = [path for path in sources(*ROOMS) if path.suffix == ".h" and path.name != "convert_parts.h"]
        self.check_includes(headers, lambda path, name: hidden.match(name))
        converter = lambda path: path.match("proto/emulsion/wire/convert*.cc")
        self.check_includes(sources(*ROOMS), lambda path, name: name.endswith("convert_parts.h") and not converter(path))

    def test_a_header_is_included_once_and_uses_no_namespace(self):
        for path in sources(*ROOMS, "tests"):
            if path.suffix != ".h":
                continue
            text = (ROOT / path).read_text()
            with self.subTest(path):
                self.assertIn("#pragma once", text)
                self.assertNotRegex(text, r"using\s+namespace")

    def test_the_library_does_not_print_or_exit(self):
        for path in sources("lib"):
            with self.subTest(path):
                self.assertNotRegex((ROOT / path).read_text(), r"\b(std::cout|std::cerr|printf|std::exit|std::abort)\b")

    def test_no_file_of_a_room_is_longer_than_can_be_read(self):
        lengths = {str(path): (ROOT / path).read_text().count("\n") for path in sources(*ROOMS)}
        self.assertEqual({path: lines for path, lines in lengths.items() if lines > LONGEST_FILE}, {})

    def test_nothing_is_left_to_do_and_no_machine_is_named(self):
        this = pathlib.Path(__file__).resolve()
        for folder in (*ROOMS, "tests", "config", "docs"):
            for path in (ROOT / folder).rglob("*"):
                if path.suffix not in (".h", ".inc", ".cc", ".proto", ".py", ".sh", ".conf", ".md", ".txt") or path == this:
                    continue
                if path.is_relative_to(ROOT / "docs" / "seeds" / "own"):  # built there by docs/seeds.sh
                    continue
                with self.subTest(path.relative_to(ROOT)):
                    self.assertNotRegex(path.read_text(), r"\b(TODO|FIXME|XXX)\b|/(root|work|home)/")


@unittest.skipUnless("EMULSIOND" in os.environ, "EMULSIOND is not set")
class ConfigTest(unittest.TestCase):
    def check(self, *arguments):
        variables = {key: value for key, value in os.environ.items() if not key.startswith("EMULSION")}
        return subprocess.run([os.environ["EMULSIOND"], *arguments], env=variables, capture_output=True, text=True, timeout=60)

    def test_every_configuration_in_the_repository_is_good(self):
        files = sorted((ROOT / "config").glob("*.conf"))
        self.assertGreater(len(files), 2)
        for path in files:
            with self.subTest(path.name):
                done = self.check("--config", str(path), "--check-config")
                self.assertEqual((done.returncode, done.stdout, done.stderr), (0, f"{path} is good\n", ""))

    def test_a_configuration_with_faults_is_not(self):
        done = self.check("--output", "nowhere", "--defaults.components", "0", "--check-config")
        self.assertEqual((done.returncode, done.stdout), (2, ""))  # usage: all of them are on the command line
        self.assertEqual(len(done.stderr.splitlines()), 2, done.stderr)


if __name__ == "__main__":
    sys.exit(unittest.main())
