// What is left of saved states after calls that fail, a kill at any call, and a loss of power at any call.
//
//   EMULSION_SEED     where draws begin; 1 if it is not set
//   EMULSION_SOAK_ROUNDS   so many times the draws and the kills
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <cstdlib>

#include "daemon/fatal_disk.h"
#include "daemon/file_state_store.h"
#include "daemon/posix_disk.h"
#include "daemon/simulated_disk.h"
#include "daemon/temporary_directory.h"
#include "emulsion/wire/checkpoint.h"

namespace emulsion::service {
namespace {

using Random = std::mt19937_64;
using State = std::optional<std::string>;
using DiskFault = SimulatedDisk::Fault;

std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}
std::uint64_t first_seed() { return from_environment("EMULSION_SEED", 1); }
std::uint64_t rounds() { return from_environment("EMULSION_SOAK_ROUNDS", 1); }

// A state that tells its number, of a size that depends on it.
std::string numbered_state(std::uint64_t number) {
  const std::string bytes = std::to_string(number) + std::string(37 * number % 1500, static_cast<char>('a' + number % 26));
  return wire::encode_checkpoint(std::vector<wire::CheckpointSection>{{"learner", bytes}});
}

// What may be found of a stream: the state whose save was the last to return, or one that was begun since.
class Expected {
 public:
  void begin(State state) { begun_.push_back(std::move(state)); }
  void done() {
    done_ = begun_.back();
    begun_.clear();
  }
  bool may_be(const State& found) const { return found == done_ || std::find(begun_.begin(), begun_.end(), found) != begun_.end(); }
  void found(const State& state) {
    done_ = state;
    begun_.clear();
  }

 private:
  State done_;
  std::vector<State> begun_;
};

const std::array<std::string, 2> kStreams{"radar", "sonar"};
using AllExpected = std::map<std::string, Expected>;

// Opens the directory and looks at every stream. Returns what is wrong; empty if nothing is, or if the disk failed on the way.
std::string look(Disk& disk, std::size_t generations, AllExpected& all, bool must_open) {
  auto store = FileStateStore::open(disk, "above/state", generations);
  if (!store) return must_open ? store.error().message : "";
  for (const std::string& stream : kStreams) {
    const auto state = (*store)->load(stream);
    if (!state) return must_open ? state.error().message : "";
    if (!all[stream].may_be(*state)) return stream + ": a state that is neither the last one saved nor one begun since";
    all[stream].found(*state);  // whoever has seen it may rely on it
  }
  return {};
}

// Saves, and now and then removes, until the disk stops.
void work(Disk& disk, std::size_t generations, AllExpected& all, Random& random, std::uint64_t& number) {
  auto store = FileStateStore::open(disk, "above/state", generations);
  if (!store) return;
  for (int i = 0; i < 6; ++i) {
    const std::string& stream = kStreams[random() % 2];
    if (random() % 8 == 0) {
      all[stream].begin(std::nullopt);
      if ((*store)->remove(stream)) all[stream].done();
    } else {
      const std::string state = numbered_state(++number);
      all[stream].begin(state);
      if ((*store)->save(stream, state)) all[stream].done();
    }
  }
}

}  // namespace

TEST_CASE("after a loss of power at any moment every stream has the last state whose save returned, or one begun since", "[durability]") {
  const std::uint64_t draws = 2000 * rounds();
  WARN("seeds " << first_seed() << " to " << first_seed() + draws - 1);
  for (std::uint64_t seed = first_seed(); seed < first_seed() + draws; ++seed) {
    Random random(seed);
    const std::size_t generations = 1 + random() % 3;
    AllExpected all;
    std::uint64_t number = 0;
    SimulatedDisk disk;
    // Several lives, each of which ends anywhere, so also while it recovers from the one before.
    for (int life = 0; life < 4; ++life) {
      disk.stop_at(disk.calls() + 1 + random() % (life % 2 == 0 ? 60 : 12));
      work(disk, generations, all, random, number);
      disk = random() % 4 == 0 ? disk.after_kill() : disk.after_power_loss(random);
      if (const std::string wrong = look(disk, generations, all, true); !wrong.empty()) FAIL("seed " << seed << ", life " << life << ": " << wrong);
      disk = disk.after_power_loss(random);  // right after it was looked at
    }
  }
}

TEST_CASE("a state that a save has dropped does not come back when its stream is being removed", "[durability]") {
  for (std::uint64_t calls = 1; calls < 8; ++calls) {
    for (std::uint64_t seed = 1; seed <= 32; ++seed) {
      SimulatedDisk disk;
      {
        auto store = FileStateStore::open(disk, "state", 1);
        REQUIRE((*store)->save("radar", numbered_state(1)));
        REQUIRE((*store)->save("radar", numbered_state(2)));
        disk.stop_at(disk.calls() + calls);
        (void)(*store)->remove("radar");
      }
      Random random(seed);
      SimulatedDisk left = disk.after_power_loss(random);
      const auto state = (*FileStateStore::open(left, "state", 1))->load("radar");
      REQUIRE(state);
      CHECK((!*state || **state == numbered_state(2)));
    }
  }
}

TEST_CASE("a stream whose removal failed and was tried again is gone for good", "[durability]") {
  for (std::uint64_t call = 1; call < 8; ++call) {
    SimulatedDisk disk;
    auto store = FileStateStore::open(disk, "state", 2);
    for (std::uint64_t number = 1; number <= 3; ++number) REQUIRE((*store)->save("radar", numbered_state(number)));
    disk.fail_at(disk.calls() + call, DiskFault::io_error);
    if (!(*store)->remove("radar")) REQUIRE((*store)->remove("radar"));
    for (std::uint64_t seed = 1; seed <= 32; ++seed) {
      Random random(seed);
      SimulatedDisk left = disk.after_power_loss(random);
      const auto state = (*FileStateStore::open(left, "state", 2))->load("radar");
      REQUIRE(state);
      CHECK_FALSE(*state);
    }
  }
}

TEST_CASE("wherever a call fails, no save tells that it is done when it is not, and the next ones are", "[durability]") {
  const DiskFault fault = GENERATE(DiskFault::io_error, DiskFault::no_space, DiskFault::short_write, DiskFault::short_and_full);
  const std::size_t generations = GENERATE(1, 2);
  bool reached_the_end = false;
  for (std::uint64_t call = 1; !reached_the_end; ++call) {
    INFO("call " << call);
    AllExpected all;
    SimulatedDisk disk;
    disk.fail_at(call, fault);
    std::uint64_t number = 0;
    int failed = 0;
    for (int run = 0; run < 2; ++run) {
      auto store = FileStateStore::open(disk, "above/state", generations);
      if (!store) {
        ++failed;
        REQUIRE((store = FileStateStore::open(disk, "above/state", generations)));
      }
      for (const std::string stream : {"radar", "radar", "sonar", "radar"}) {
        const std::string state = numbered_state(++number);
        all[stream].begin(state);
        if (const auto saved = (*store)->save(stream, state)) {
          all[stream].done();
        } else {
          ++failed;
          REQUIRE(saved.error().message.size() > 20);
        }
        AllExpected now = all;
        SimulatedDisk left = disk.after_kill();
        if (const std::string wrong = look(left, generations, now, true); !wrong.empty()) FAIL(wrong);
        Random random(call);
        for (int draw = 0; draw < 4; ++draw) {
          now = all;
          left = disk.after_power_loss(random);
          if (const std::string wrong = look(left, generations, now, true); !wrong.empty()) FAIL(wrong);
        }
      }
    }
    REQUIRE(failed <= 1);
    reached_the_end = disk.calls() < call;
  }
}

namespace {

// A process of its own on a real directory that is killed at a call. Returns the number of the last save that it told was
// done, and whether it came to its end.
struct Life {
  std::uint64_t done = 0;
  bool ended = false;
};
Life live(const std::string& directory, std::uint64_t first, std::uint64_t fatal_call) {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    PosixDisk posix;
    FatalDisk disk(posix, fatal_call);
    auto store = FileStateStore::open(disk, directory, 2);
    bool well = store.has_value();
    for (std::uint64_t number = first; well && number < first + 4; ++number) {
      well = (*store)->load("radar") && (*store)->save("radar", numbered_state(number));
      if (well) well = ::write(ends[1], &number, sizeof number) == sizeof number;
    }
    ::_exit(well ? 0 : 1);
  }
  ::close(ends[1]);
  Life life;
  for (std::uint64_t number; ::read(ends[0], &number, sizeof number) == sizeof number;) life.done = number;
  ::close(ends[0]);
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  life.ended = WIFEXITED(status) && WEXITSTATUS(status) == 0;
  REQUIRE((life.ended || (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)));
  return life;
}

}  // namespace

TEST_CASE("a process that is killed before any of its calls to the disk leaves the last state saved, or the next one", "[durability]") {
  for (std::uint64_t round = 0; round < rounds(); ++round) {
    const TemporaryDirectory place;
    const std::string directory = place.file("state");
    std::uint64_t kills = 0;
    std::uint64_t saved = 0;  // what must be there at least
    std::uint64_t next = 1;
    bool ended = false;
    // One life after another in the same directory: each goes on from what the one before has left.
    for (std::uint64_t call = 1; !ended; ++call) {
      const Life life = live(directory, next, call);
      ended = life.ended;
      kills += ended ? 0 : 1;
      saved = std::max(saved, life.done);
      PosixDisk disk;
      const auto store = FileStateStore::open(disk, directory, 2);
      REQUIRE(store);
      const auto state = (*store)->load("radar");
      REQUIRE(state);
      INFO("round " << round << ", call " << call << ", saved " << saved);
      if (saved > 0 || *state) {
        REQUIRE(*state);
        if (**state != numbered_state(saved)) {
          // The save that was under way.
          const std::uint64_t begun = life.done > 0 ? life.done + 1 : next;
          REQUIRE(**state == numbered_state(begun));
          saved = begun;
        }
      }
      next = saved + 1;
    }
    if (round == 0) WARN(kills << " kills, " << rounds() << " times each");
    CHECK(saved > 20);
  }
}

}  // namespace emulsion::service
