// What every state store promises, and what the one on disk does about damage and failures.
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <catch2/catch.hpp>

#include "daemon/file_state_store.h"
#include "daemon/memory_state_store.h"
#include "daemon/posix_disk.h"
#include "daemon/temporary_directory.h"
#include "emulsion/wire/checkpoint.h"

namespace emulsion::service {
namespace {

// A checkpoint that holds a text.
std::string holding(std::string_view text) { return wire::encode_checkpoint(std::vector<wire::CheckpointSection>{{"learner", text}}); }

struct MemoryRoom {
  MemoryStateStore memory;
  StateStore& store() { return memory; }
  void damage(const std::string& stream) { memory.damage(stream); }
};

Result<std::unique_ptr<FileStateStore>> open_directory(const std::string& path, std::size_t generations = 2) {
  static PosixDisk disk;
  return FileStateStore::open(disk, path, generations);
}

struct FileRoom {
  TemporaryDirectory directory;
  std::unique_ptr<FileStateStore> file = open_directory(directory.path()).value();
  StateStore& store() { return *file; }
  std::vector<std::string> files() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(directory.path())) names.push_back(entry.path().filename());
    std::sort(names.begin(), names.end());
    return names;
  }
  // The newest file of a stream; no generation here has two digits.
  std::string path(const std::string& stream) const {
    std::string newest;
    for (const std::string& name : files())
      if (name.starts_with(stream + ".") && name.ends_with(".state")) newest = name;
    return directory.file(newest);
  }
  void damage(const std::string& stream) { write_file(path(stream), "EMULSION, but not for long"); }
};

// Lets no file of this process grow beyond `bytes`, as a full disk would.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) : handler_(::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    rlimit limited = before_;
    limited.rlim_cur = bytes;
    ::setrlimit(RLIMIT_FSIZE, &limited);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    ::signal(SIGXFSZ, handler_);
  }

 private:
  sighandler_t handler_;
  rlimit before_{};
};

std::string load_error(StateStore& store, const std::string& stream) {
  auto loaded = store.load(stream);
  REQUIRE_FALSE(loaded);
  return loaded.error().message;
}

TEMPLATE_TEST_CASE("what was saved last is loaded whole", "[state]", MemoryRoom, FileRoom) {
  TestType room;
  const std::string binary("\0\xFF\n\0", 4);
  for (const std::string& text : {std::string("first"), std::string(), binary, std::string(3000000, 'x')}) {
    REQUIRE(room.store().save("radar", holding(text)));
    REQUIRE(room.store().save("radar10", holding("another")));
    CHECK(room.store().load("radar").value() == holding(text));
  }
}

TEMPLATE_TEST_CASE("a stream without a state has nothing, and removing nothing is no error", "[state]", MemoryRoom,
                   FileRoom) {
  TestType room;
  CHECK_FALSE(room.store().load("radar").value());
  CHECK(room.store().remove("radar"));
  CHECK(room.store().list().value().empty());
}

TEMPLATE_TEST_CASE("the streams with a state are listed in order, a removed one is gone", "[state]", MemoryRoom,
                   FileRoom) {
  TestType room;
  for (const char* stream : {"b", "c", "a", "B"}) REQUIRE(room.store().save(stream, holding("x")));
  REQUIRE(room.store().remove("c"));
  CHECK(room.store().list().value() == std::vector<std::string>{"B", "a", "b"});
  CHECK_FALSE(room.store().load("c").value());
}

TEMPLATE_TEST_CASE("what is no name of a stream is refused", "[state]", MemoryRoom, FileRoom) {
  TestType room;
  const std::string name = GENERATE(as<std::string>(), "", "..", "a/b", "a.b", "../../etc/passwd");
  const std::string expected =
      "\"" + name + "\" is no name of a stream: expected 1 to 64 of the characters A-Z a-z 0-9 _ -";
  CHECK(room.store().save(name, holding("x")).error().message == expected);
  CHECK(load_error(room.store(), name) == expected);
  CHECK(room.store().remove(name).error().message == expected);
}

TEMPLATE_TEST_CASE("a damaged state is refused, and not overwritten until it is removed", "[state]", MemoryRoom,
                   FileRoom) {
  TestType room;
  REQUIRE(room.store().save("radar", holding("good")));
  room.damage("radar");
  CHECK_FALSE(room.store().load("radar"));
  CHECK_FALSE(room.store().save("radar", holding("new")));
  CHECK_FALSE(room.store().load("radar"));
  CHECK(room.store().save("sonar", holding("another stream is not concerned")));
  REQUIRE(room.store().remove("radar"));
  CHECK(room.store().save("radar", holding("new")));
  CHECK(room.store().load("radar").value() == holding("new"));
}

TEST_CASE("the memory store fails to save when it is told to, and keeps the previous state", "[state]") {
  MemoryStateStore store;
  REQUIRE(store.save("radar", holding("old")));
  store.fail_saves("disk full");
  CHECK(store.save("radar", holding("new")).error().message == "memory: radar: cannot write: disk full");
  CHECK(store.load("radar").value() == holding("old"));
  store.fail_saves("");
  CHECK(store.save("radar", holding("new")));
}

TEST_CASE("state outlives the store that saved it", "[state]") {
  const TemporaryDirectory directory;
  REQUIRE(open_directory(directory.path()).value()->save("radar", holding("kept")));
  auto store = open_directory(directory.path()).value();
  CHECK(store->load("radar").value() == holding("kept"));
  CHECK(store->list().value() == std::vector<std::string>{"radar"});
}

TEST_CASE("a file is the checkpoint that was saved, and the newest ones are kept", "[state]") {
  FileRoom room;
  for (const char* text : {"one", "two", "three"}) REQUIRE(room.store().save("radar", holding(text)));
  CHECK(room.files() == std::vector<std::string>{".lock", "radar.2.state", "radar.3.state"});
  CHECK(read_file(room.directory.file("radar.2.state")) == holding("two"));
  CHECK(read_file(room.directory.file("radar.3.state")) == holding("three"));
  room.file.reset();
  room.file = open_directory(room.directory.path(), 1).value();
  REQUIRE(room.store().save("radar", holding("four")));
  CHECK(room.files() == std::vector<std::string>{".lock", "radar.4.state"});
  REQUIRE(room.store().remove("radar"));
  CHECK(room.files() == std::vector<std::string>{".lock"});
}

TEST_CASE("a damaged file is refused with its name, what is wrong, and what to do", "[state]") {
  FileRoom room;
  REQUIRE(room.store().save("radar", holding("one")));
  std::string bytes = holding("one");
  bytes[50] ^= 1;
  write_file(room.path("radar"), bytes);
  CHECK_THAT(load_error(room.store(), "radar"), Catch::StartsWith(room.path("radar") + ": damaged: at byte 28: section \"learner\": checksum ") &&
                                                    Catch::EndsWith("; restore it from a copy, or move it away to start anew"));
  write_file(room.path("radar"), holding("one"));
  REQUIRE(room.store().save("radar", holding("two")));
  write_file(room.path("radar"), holding("two").substr(0, 20));
  CHECK(load_error(room.store(), "radar") == room.directory.file("radar.2.state") +
                                                 ": damaged: it has 20 bytes, the shortest checkpoint has 36; restore it from a copy, or move it away to "
                                                 "go back to radar.1.state, which is older");
  std::filesystem::remove(room.path("radar"));
  room.file.reset();
  room.file = open_directory(room.directory.path()).value();
  CHECK(room.store().load("radar").value() == holding("one"));
}

TEST_CASE("a file that somebody has put there under the stream's name alone is the oldest of its states", "[state]") {
  FileRoom room;
  write_file(room.directory.file("radar.state"), holding("copied"));
  CHECK(room.store().list().value() == std::vector<std::string>{"radar"});
  CHECK(room.store().load("radar").value() == holding("copied"));
  REQUIRE(room.store().save("radar", holding("new")));
  CHECK(room.files() == std::vector<std::string>{".lock", "radar.1.state", "radar.state"});
  CHECK(room.store().load("radar").value() == holding("new"));
}

TEST_CASE("a file of an older version is refused, whatever its name", "[state]") {
  FileRoom room;
  write_file(room.directory.file("radar.state"), std::string("EMULSION\2\0\0\0\x09\0\0\0\0\0\0\0\x26\x39\xF4\xCB" "123456789 and more", 42));
  REQUIRE(room.store().list());
  CHECK_THAT(load_error(room.store(), "radar"), Catch::StartsWith(room.directory.file("radar.state") + ": damaged: format version 2 is not known here, expected 4"));
}

TEMPLATE_TEST_CASE("from a damaged state a stream falls back to the one before, where that is whole", "[state]", MemoryRoom, FileRoom) {
  TestType room;
  REQUIRE_FALSE(room.store().fall_back("radar"));
  REQUIRE(room.store().save("radar", holding("only")));
  room.damage("radar");
  REQUIRE_FALSE(room.store().older("radar"));
  REQUIRE_FALSE(room.store().fall_back("radar"));
  REQUIRE_FALSE(room.store().load("radar"));
  REQUIRE(room.store().remove("radar"));
  REQUIRE(room.store().save("radar", holding("older")));
  REQUIRE(room.store().save("radar", holding("newer")));
  room.damage("radar");
  CHECK(room.store().older("radar").value().state == holding("older"));
  CHECK_FALSE(room.store().load("radar"));  // that was to look only
  REQUIRE(room.store().fall_back("radar"));
  CHECK(room.store().load("radar").value() == holding("older"));
  CHECK(room.store().save("radar", holding("newest")));
  CHECK(room.store().load("radar").value() == holding("newest"));
}

TEST_CASE("what a stream fell back from is kept under another name, and nothing ever takes its place", "[state]") {
  FileRoom room;
  for (const char* text : {"one", "two"}) REQUIRE(room.store().save("radar", holding(text)));
  room.damage("radar");
  REQUIRE(room.store().fall_back("radar"));
  CHECK(room.files() == std::vector<std::string>{".lock", "radar.1.state", "radar.2.state.damaged"});
  room.file.reset();
  room.file = open_directory(room.directory.path()).value();
  REQUIRE(room.store().save("radar", holding("three")));
  CHECK(room.files() == std::vector<std::string>{".lock", "radar.1.state", "radar.2.state.damaged", "radar.3.state"});
  // Two damaged ones, and nothing before them.
  room.damage("radar");
  write_file(room.directory.file("radar.1.state"), "");
  CHECK(room.store().fall_back("radar").error().message == room.directory.file("radar.state") + ": no older state is whole");
  CHECK_THAT(load_error(room.store(), "radar"), Catch::EndsWith("; restore it from a copy, or move it and the older ones, which are damaged too, away to start anew"));
  CHECK(room.files() == std::vector<std::string>{".lock", "radar.1.state", "radar.2.state.damaged", "radar.3.state"});
}

TEST_CASE("where the newest two are damaged, both are to be moved away", "[state]") {
  FileRoom room;
  room.file.reset();
  room.file = open_directory(room.directory.path(), 3).value();
  for (const char* text : {"one", "two", "three"}) REQUIRE(room.store().save("radar", holding(text)));
  write_file(room.directory.file("radar.2.state"), "");
  room.damage("radar");
  CHECK_THAT(load_error(room.store(), "radar"), Catch::EndsWith("or move all that are newer away to go back to radar.1.state, which is older"));
}

TEST_CASE("a damaged file that was never loaded is not overwritten either", "[state]") {
  FileRoom room;
  room.file.reset();
  write_file(room.directory.file("radar.3.state"), "EMULSION, but not for long");
  room.file = open_directory(room.directory.path()).value();
  CHECK_FALSE(room.store().save("radar", holding("new")));
  CHECK_THAT(room.store().save("radar", holding("new")).error().message, Catch::StartsWith(room.directory.file("radar.3.state") + ": damaged: "));
  CHECK(room.files() == std::vector<std::string>{".lock", "radar.3.state"});
  CHECK(read_file(room.path("radar")) == "EMULSION, but not for long");
}

TEST_CASE("a damaged file that was moved away by hand makes room for a new state", "[state]") {
  FileRoom room;
  REQUIRE(room.store().save("radar", holding("old")));
  room.damage("radar");
  REQUIRE_FALSE(room.store().load("radar"));
  std::filesystem::rename(room.path("radar"), room.directory.file("damaged"));
  CHECK(room.store().save("radar", holding("new")));
}

TEST_CASE("a save that fails half way leaves the previous state and no temporary file", "[state]") {
  FileRoom room;
  REQUIRE(room.store().save("radar", holding("old")));
  {
    const FileSizeLimit limit(1000);
    const auto saved = room.store().save("radar", holding(std::string(5000, 'x')));
    REQUIRE_FALSE(saved);
    CHECK(saved.error().message == room.directory.file(".radar.2.state.new") + ": cannot write: File too large");
  }
  CHECK(room.files() == std::vector<std::string>{".lock", "radar.1.state"});
  CHECK(room.store().load("radar").value() == holding("old"));
  CHECK(room.store().save("radar", holding(std::string(5000, 'x'))));
  CHECK(room.files() == std::vector<std::string>{".lock", "radar.1.state", "radar.3.state"});  // never the same file again
}

TEST_CASE("where the state cannot be put in its place, the reason names it", "[state]") {
  FileRoom room;
  REQUIRE(room.store().save("radar", holding("old")));
  std::filesystem::create_directory(room.directory.file("radar.2.state"));
  CHECK(room.store().save("radar", holding("new")).error().message == room.directory.file("radar.2.state") + ": cannot put in its place: Is a directory");
  REQUIRE(room.store().list());
  CHECK_THAT(load_error(room.store(), "radar"), Catch::StartsWith(room.directory.file("radar.2.state") + ": not a regular file; "));
  CHECK(room.store().remove("radar").error().message == room.directory.file("radar.2.state") + ": cannot remove: Is a directory");

  std::filesystem::create_directory(room.directory.file(".sonar.1.state.new"));
  CHECK(room.store().save("sonar", holding("new")).error().message == room.directory.file(".sonar.1.state.new") + ": cannot create: File exists");
}

TEST_CASE("a leftover of a crash is removed when a store opens, and never listed", "[state]") {
  FileRoom room;
  room.file.reset();
  write_file(room.directory.file(".radar.1.state.new"), std::string(100, 'x'));
  for (const char* other : {"notes.txt", "a b.state", "radar.01.state", "radar..state", "radar.1x.state", "radar.99999999999999999999.state"})
    write_file(room.directory.file(other), "x");
  room.file = open_directory(room.directory.path()).value();
  CHECK_FALSE(std::filesystem::exists(room.directory.file(".radar.1.state.new")));
  CHECK(room.files().size() == 7);
  CHECK(room.store().list().value().empty());
  REQUIRE(room.store().save("radar", holding("short")));
  CHECK(room.store().load("radar").value() == holding("short"));
}

TEST_CASE("a missing directory is made for its owner alone", "[state]") {
  const TemporaryDirectory directory;
  const std::string path = directory.file("above/state");
  REQUIRE(open_directory(path).value()->save("radar", holding("x")));
  struct stat status {};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0700);
  REQUIRE(::stat((path + "/radar.1.state").c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0600);
}

TEST_CASE("a directory that cannot be used is refused by name and reason", "[state]") {
  const TemporaryDirectory directory;
  const std::string file = directory.file("file");
  write_file(file, "x");
  CHECK(open_directory(file).error().message == file + "/.lock: cannot lock: Not a directory");
  CHECK_THAT(open_directory(file + "/state").error().message,
             Catch::StartsWith(file + "/state: cannot make the directory: "));
  CHECK_FALSE(open_directory(""));
}

TEST_CASE("only one store at a time has a directory", "[state]") {
  const TemporaryDirectory directory;
  auto first = open_directory(directory.path()).value();
  CHECK(open_directory(directory.path()).error().message ==
        directory.path() + ": in use by another daemon; give each a directory of its own");
  first.reset();
  CHECK(open_directory(directory.path()));
}

TEST_CASE("a directory that is gone cannot be listed", "[state]") {
  FileRoom room;
  std::filesystem::remove_all(room.directory.path());
  CHECK(room.store().list().error().message == room.directory.path() + ": cannot list: No such file or directory");
  CHECK_FALSE(room.store().save("radar", holding("x")));
}

}  // namespace
}  // namespace emulsion::service
