// What every state store promises, and what the one on disk does about damage and failures.
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <catch2/catch.hpp>

#include "daemon/file_state_store.h"
#include "daemon/memory_state_store.h"
#include "daemon/temporary_directory.h"

namespace emulsion::service {
namespace {

struct MemoryRoom {
  MemoryStateStore memory;
  StateStore& store() { return memory; }
  void damage(const std::string& stream) { memory.damage(stream); }
};

struct FileRoom {
  TemporaryDirectory directory;
  std::unique_ptr<FileStateStore> file = FileStateStore::open(directory.path()).value();
  StateStore& store() { return *file; }
  std::string path(const std::string& stream) const { return directory.file(stream + ".state"); }
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
  for (const std::string& state : {std::string("first"), std::string(), binary, std::string(3000000, 'x')}) {
    REQUIRE(room.store().save("radar", state));
    REQUIRE(room.store().save("radar10", "another"));
    CHECK(room.store().load("radar").value() == state);
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
  for (const char* stream : {"b", "c", "a", "B"}) REQUIRE(room.store().save(stream, "x"));
  REQUIRE(room.store().remove("c"));
  CHECK(room.store().list().value() == std::vector<std::string>{"B", "a", "b"});
  CHECK_FALSE(room.store().load("c").value());
}

TEMPLATE_TEST_CASE("what is no name of a stream is refused", "[state]", MemoryRoom, FileRoom) {
  TestType room;
  const std::string name = GENERATE(as<std::string>(), "", "..", "a/b", "a.b", "../../etc/passwd");
  const std::string expected =
      "\"" + name + "\" is no name of a stream: expected 1 to 64 of the characters A-Z a-z 0-9 _ -";
  CHECK(room.store().save(name, "x").error().message == expected);
  CHECK(load_error(room.store(), name) == expected);
  CHECK(room.store().remove(name).error().message == expected);
}

TEMPLATE_TEST_CASE("a damaged state is refused, and not overwritten until it is removed", "[state]", MemoryRoom,
                   FileRoom) {
  TestType room;
  REQUIRE(room.store().save("radar", "good"));
  room.damage("radar");
  CHECK_FALSE(room.store().load("radar"));
  CHECK_FALSE(room.store().save("radar", "new"));
  CHECK_FALSE(room.store().load("radar"));
  CHECK(room.store().save("sonar", "another stream is not concerned"));
  REQUIRE(room.store().remove("radar"));
  CHECK(room.store().save("radar", "new"));
  CHECK(room.store().load("radar").value() == "new");
}

TEST_CASE("the memory store fails to save when it is told to, and keeps the previous state", "[state]") {
  MemoryStateStore store;
  REQUIRE(store.save("radar", "old"));
  store.fail_saves("disk full");
  CHECK(store.save("radar", "new").error().message == "memory: radar: cannot write: disk full");
  CHECK(store.load("radar").value() == "old");
  store.fail_saves("");
  CHECK(store.save("radar", "new"));
}

TEST_CASE("state outlives the store that saved it", "[state]") {
  const TemporaryDirectory directory;
  REQUIRE(FileStateStore::open(directory.path()).value()->save("radar", "kept"));
  auto store = FileStateStore::open(directory.path()).value();
  CHECK(store->load("radar").value() == "kept");
  CHECK(store->list().value() == std::vector<std::string>{"radar"});
}

TEST_CASE("a state file has the format that its header documents", "[state]") {
  FileRoom room;
  REQUIRE(room.store().save("radar", "123456789"));
  // 0xCBF43926 is the published check value of this CRC for "123456789".
  const std::string expected(
      "EMULSION\2\0\0\0\x09\0\0\0\0\0\0\0\x26\x39\xF4\xCB"
      "123456789",
      33);
  CHECK(read_file(room.path("radar")) == expected);
}

TEST_CASE("every truncation of a state file is refused", "[state]") {
  FileRoom room;
  REQUIRE(room.store().save("radar", "some state"));
  const std::string bytes = read_file(room.path("radar"));
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    write_file(room.path("radar"), bytes.substr(0, size));
    INFO(size);
    CHECK_THAT(load_error(room.store(), "radar"), Catch::StartsWith(room.path("radar") + ": damaged: it h") &&
                                                      Catch::EndsWith("; move it away to start anew"));
  }
  write_file(room.path("radar"), bytes + "x");
  CHECK(load_error(room.store(), "radar") == room.path("radar") +
                                                 ": damaged: it holds 11 bytes of state, its head says 10"
                                                 "; move it away to start anew");
}

TEST_CASE("every wrong bit of a state file is found, and its place is named", "[state]") {
  FileRoom room;
  REQUIRE(room.store().save("radar", "some state"));
  const std::string bytes = read_file(room.path("radar"));
  for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    std::string damaged = bytes;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << bit % 8));
    write_file(room.path("radar"), damaged);
    INFO(bit);
    const std::string expected = bit < 64    ? "it starts with \""
                                 : bit < 96  ? "format version "
                                 : bit < 160 ? "it holds 10 bytes of state, its head says "
                                             : "checksum ";
    CHECK_THAT(load_error(room.store(), "radar"), Catch::StartsWith(room.path("radar") + ": damaged: " + expected));
  }
  write_file(room.path("radar"), bytes);
  CHECK(room.store().load("radar").value() == "some state");
}

TEST_CASE("a damaged file that was never loaded is not overwritten either", "[state]") {
  FileRoom room;
  room.damage("radar");
  const std::string bytes = read_file(room.path("radar"));
  CHECK_FALSE(room.store().save("radar", "new"));
  CHECK(room.store().save("radar", "new").error().message ==
        room.path("radar") + ": was damaged when it was read and is not overwritten; move it away to start anew");
  CHECK(read_file(room.path("radar")) == bytes);
}

TEST_CASE("a damaged file that was moved away by hand makes room for a new state", "[state]") {
  FileRoom room;
  room.damage("radar");
  REQUIRE_FALSE(room.store().load("radar"));
  std::filesystem::rename(room.path("radar"), room.directory.file("damaged"));
  CHECK(room.store().save("radar", "new"));
}

TEST_CASE("a save that fails half way leaves the previous state and no temporary file", "[state]") {
  FileRoom room;
  REQUIRE(room.store().save("radar", "old"));
  {
    const FileSizeLimit limit(1000);
    const auto saved = room.store().save("radar", std::string(5000, 'x'));
    REQUIRE_FALSE(saved);
    CHECK(saved.error().message == room.directory.file(".radar.state.new") + ": cannot write: File too large");
  }
  CHECK_FALSE(std::filesystem::exists(room.directory.file(".radar.state.new")));
  CHECK(room.store().load("radar").value() == "old");
  CHECK(room.store().save("radar", std::string(5000, 'x')));
}

TEST_CASE("where the state cannot be put in its place, the reason names it", "[state]") {
  FileRoom room;
  REQUIRE(room.store().save("radar", "old"));
  std::filesystem::remove(room.path("radar"));
  std::filesystem::create_directory(room.path("radar"));
  CHECK(room.store().save("radar", "new").error().message == room.path("radar") + ": cannot replace: Is a directory");
  CHECK_FALSE(std::filesystem::exists(room.directory.file(".radar.state.new")));
  CHECK(load_error(room.store(), "radar") == room.path("radar") + ": not a regular file");
  CHECK(room.store().remove("radar").error().message == room.path("radar") + ": cannot remove: Is a directory");

  std::filesystem::create_directory(room.directory.file(".sonar.state.new"));
  CHECK(room.store().save("sonar", "new").error().message ==
        room.directory.file(".sonar.state.new") + ": cannot create: Is a directory");
}

TEST_CASE("a leftover of a crash is overwritten and never listed", "[state]") {
  FileRoom room;
  write_file(room.directory.file(".radar.state.new"), std::string(100, 'x'));
  write_file(room.directory.file("notes.txt"), "x");
  write_file(room.directory.file("a b.state"), "x");
  CHECK(room.store().list().value().empty());
  REQUIRE(room.store().save("radar", "short"));
  CHECK(room.store().load("radar").value() == "short");
}

TEST_CASE("a missing directory is made for its owner alone", "[state]") {
  const TemporaryDirectory directory;
  const std::string path = directory.file("above/state");
  REQUIRE(FileStateStore::open(path).value()->save("radar", "x"));
  struct stat status {};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0700);
  REQUIRE(::stat((path + "/radar.state").c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0600);
}

TEST_CASE("a directory that cannot be used is refused by name and reason", "[state]") {
  const TemporaryDirectory directory;
  const std::string file = directory.file("file");
  write_file(file, "x");
  CHECK(FileStateStore::open(file).error().message == file + ": cannot open the directory: Not a directory");
  CHECK_THAT(FileStateStore::open(file + "/state").error().message,
             Catch::StartsWith(file + ": cannot make the directory: "));
  CHECK_FALSE(FileStateStore::open(""));
}

TEST_CASE("only one store at a time has a directory", "[state]") {
  const TemporaryDirectory directory;
  auto first = FileStateStore::open(directory.path()).value();
  CHECK(FileStateStore::open(directory.path()).error().message ==
        directory.path() + ": in use by another daemon; give each a directory of its own");
  first.reset();
  CHECK(FileStateStore::open(directory.path()));
}

TEST_CASE("a directory that is gone cannot be listed", "[state]") {
  FileRoom room;
  std::filesystem::remove_all(room.directory.path());
  CHECK(room.store().list().error().message == room.directory.path() + ": cannot list: No such file or directory");
  CHECK_FALSE(room.store().save("radar", "x"));
}

}  // namespace
}  // namespace emulsion::service
