// What a reload can take.
#include <catch2/catch.hpp>

#include "daemon/option_loading.h"
#include "daemon/options.h"

namespace emulsion::service {

TEST_CASE("a reload tells what applies at once and what needs a restart") {
  const auto load = [](const std::string& text) {
    const auto loaded = load_text(text);
    REQUIRE(loaded.faults == kNone);
    return loaded.options;
  };
  const DaemonOptions now = load("[stream.a]\n[stream.gone]\n");
  const DaemonOptions next = load(R"(input = pull bind tcp://*:1
queue_messages = 7
max_streams = 9
log_level = debug
log_format = json
save_interval_seconds = 1
commit_interval_seconds = 1
dynamic_streams =
[stream.a]
components = 5
missing = refuse
max_producers = 3
half_life_points = 1
starved_below_points = 3
[stream.new]
components = 2
)");
  const ReloadPlan plan = plan_reload(now, next);
  CHECK(plan.applicable == std::vector<std::string>{"save_interval_seconds", "commit_interval_seconds", "dynamic_streams", "max_streams",
                                                    "log_level", "log_format", "stream.a.missing",
                                                    "stream.a.max_producers", "stream.new"});
  CHECK(plan.needs_restart == std::vector<std::string>{"input", "queue_messages", "stream.a.components",
                                                       "stream.a.half_life_points",
                                                       "stream.a.starved_below_points", "stream.gone"});
  const DaemonOptions merged = apply_reload(now, next);
  CHECK(plan_reload(now, merged).applicable == plan.applicable);
  CHECK(plan_reload(now, merged).needs_restart == kNone);
  CHECK(plan_reload(merged, next).needs_restart == plan.needs_restart);
  CHECK(plan_reload(now, now).applicable == kNone);
  CHECK(plan_reload(now, now).needs_restart == kNone);
}

TEST_CASE("a reload can add families") {
  const auto now = load_text("").options;
  const auto next = load_text("family_library = " EMULSION_FAMILIES_DIR "/inverse_gaussian.so\n").options;
  CHECK(plan_reload(now, next).applicable == std::vector<std::string>{"family_library"});
  CHECK(apply_reload(now, next).family_libraries == next.family_libraries);
}

TEST_CASE("new defaults apply to later streams, and need a restart for those that are there") {
  const auto now = load_text("[stream.a]\n[stream.b]\nbatch_points = 4\n").options;
  const auto next = load_text("[defaults]\nbatch_points = 8\n[stream.a]\n[stream.b]\nbatch_points = 4\n").options;
  const ReloadPlan plan = plan_reload(now, next);
  CHECK(plan.applicable == std::vector<std::string>{"defaults.batch_points"});
  CHECK(plan.needs_restart == std::vector<std::string>{"stream.a.batch_points"});
}

}  // namespace emulsion::service
