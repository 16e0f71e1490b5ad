// The laws of the configuration: where values come from, and where they go.
#include "daemon/options.h"

#include <catch2/catch.hpp>

#include "daemon/option_loading.h"
#include "emulsion/families.h"

namespace emulsion::service {

TEST_CASE("flags win over the environment, it over the file, the file over the defaults") {
  const std::string file = "log_level = error\nqueue_messages = 1\nmax_streams = 1\n[defaults]\ncomponents = 5\n";
  const auto loaded =
      load_text(file, {"--log_level", "trace"}, {{"EMULSION_LOG_LEVEL", "debug"}, {"EMULSION_QUEUE_MESSAGES", "2"}});
  REQUIRE(loaded.faults == kNone);
  CHECK(loaded.options.log.level == "trace");
  CHECK(loaded.options.queue_messages == 2);
  CHECK(loaded.options.max_streams == 1);
  CHECK(loaded.options.defaults.learner.components == 5);
  CHECK(loaded.options.log.format == "text");
  CHECK(loaded.origins.at("log_level") == "command line");
  CHECK(loaded.origins.at("queue_messages") == "environment EMULSION_QUEUE_MESSAGES");
  CHECK(loaded.origins.at("max_streams") == "emulsiond.conf:3");
  CHECK(loaded.origins.at("defaults.components") == "emulsiond.conf:5");
  CHECK(loaded.origins.count("log_format") == 0);
}

TEST_CASE("without any setting the options are those of the structs") {
  const auto loaded = load_options({}, {});
  CHECK(loaded.faults == kNone);
  CHECK(loaded.action == LoadedOptions::Action::run);
  CHECK(loaded.config_path.empty());
  CHECK(values(loaded.options) == values(DaemonOptions{}));
  REQUIRE(loaded.options.inputs.size() == 1);
  CHECK(loaded.options.inputs[0].endpoint == "tcp://127.0.0.1:7701");
}

TEST_CASE("EMULSION_CONFIG names the file, and --config wins over it") {
  const TemporaryDirectory directory;
  const std::string path = directory.file("my.conf");
  write_file(path, "log_level = error\n");
  CHECK(load_options({}, {{"EMULSION_CONFIG", path}}).options.log.level == "error");
  CHECK(load_options({}, {{"EMULSION_CONFIG", path}}).config_path == path);
  CHECK(load_options({"--config", path}, {{"EMULSION_CONFIG", "/nowhere"}}).faults == kNone);
}

TEST_CASE("variables of the test command and the clients are left alone") {
  CHECK(load_options({}, {{"EMULSION_QUICK", "1"}, {"EMULSION_CLIENT_TIMEOUT", "x"}}).faults == kNone);
}

TEST_CASE("a list of inputs is replaced by that of a higher origin") {
  const std::string file = "input = pull bind tcp://*:1\ninput = subscribe connect tcp://host:2\n";
  const auto from_file = load_text(file);
  REQUIRE(from_file.options.inputs.size() == 2);
  CHECK(from_file.options.inputs[1].kind == InputKind::subscribe);
  CHECK(from_file.options.inputs[1].attachment == Attachment::connect);
  CHECK(from_file.options.inputs[1].endpoint == "tcp://host:2");
  CHECK(from_file.origins.at("input[1]") == "emulsiond.conf:2");

  const auto from_flags = load_text(file, {"--input", "replay geyser my data/points.csv"},
                                    {{"EMULSION_INPUT", "pull bind ipc:///tmp/a; pull bind ipc:///tmp/b"}});
  REQUIRE(from_flags.faults == kNone);
  REQUIRE(from_flags.options.inputs.size() == 1);
  CHECK(from_flags.options.inputs[0].kind == InputKind::replay);
  CHECK(from_flags.options.inputs[0].stream == "geyser");
  CHECK(from_flags.options.inputs[0].path == "my data/points.csv");
  CHECK(from_flags.origins.count("input[1]") == 0);

  CHECK(load_text(file, {}, {{"EMULSION_INPUT", "pull bind ipc:///tmp/a;pull bind ipc:///tmp/b;pull bind inproc://c"}})
            .options.inputs.size() == 3);
}

TEST_CASE("a stream has the values of the defaults but for its own section, wherever that stands") {
  const auto loaded =
      load_text("[stream.a]\ncomponents = 7\n[stream.b]\n[defaults]\ncomponents = 3\nbatch_points = 9\n",
                {"--stream.c.step", "cumulative"});
  REQUIRE(loaded.faults == kNone);
  REQUIRE(loaded.options.streams.size() == 3);
  CHECK(loaded.options.streams.at("a").learner.components == 7);
  CHECK(loaded.options.streams.at("a").learner.batch_points == 9);
  CHECK(loaded.options.streams.at("b").learner.components == 3);
  CHECK(loaded.options.streams.at("c").learner.components == 3);
  CHECK(loaded.options.streams.at("c").learner.step.kind == StepKind::cumulative);
}

TEST_CASE("every stream key reaches its member") {
  const auto loaded = load_text(R"([defaults]
components = 3
covariance = tied
assignment = hard
dimension = 5
missing = refuse
init = start.json
mixture = gaussian(full)[c, a] * poisson[b,3,4]
columns = a, b, c, d, e
batch_points = 11
batch_seconds = 1.5
step = half-life
step_exponent = 0.75
step_offset_points = 12
step_size = 0.25
half_life_points = 13
averaging = true
starved_below_points = 2.5
threads = 4
seed_points = 100
seed_restarts = 2
seed_passes = 6
random_seed = 18446744073709551615
prior_points = 3.5
prior_fraction = 1e-5
prior_weight_points = 0
publish_responsibilities = true
model_interval_seconds = 0
max_producers = 8
)");
  REQUIRE(loaded.faults == kNone);
  const StreamOptions& stream = loaded.options.defaults;
  const LearnerOptions& learner = stream.learner;
  CHECK(learner.components == 3);
  CHECK(learner.family == "gaussian(tied)");
  CHECK(learner.assignment == Assignment::hard);
  CHECK(stream.dimension == 5);
  CHECK(stream.missing == MissingPolicy::refuse);
  CHECK(stream.init == "start.json");
  CHECK(stream.mixture == "gaussian(full)[c, a] * poisson[b,3,4]");
  CHECK(learner.mixture == "3*gaussian(full)[2,0]*poisson[1,3,4]");  // without a count, components of it
  CHECK(stream.columns == std::vector<std::string>{"a", "b", "c", "d", "e"});
  CHECK(learner.batch_points == 11);
  CHECK(learner.batch_seconds == 1.5);
  CHECK(learner.step.kind == StepKind::half_life);
  CHECK(learner.step.exponent == 0.75);
  CHECK(learner.step.offset_points == 12);
  CHECK(learner.step.size == 0.25);
  CHECK(learner.step.half_life_points == 13);
  CHECK(learner.averaging);
  CHECK(learner.starved_below_points == 2.5);
  CHECK(learner.threads == 4);
  CHECK(learner.seed.points == 100);
  CHECK(learner.seed.restarts == 2);
  CHECK(learner.seed.passes == 6);
  CHECK(learner.seed.random_seed == 18446744073709551615u);
  CHECK(learner.prior.covariance_points == 3.5);
  CHECK(learner.prior.covariance_fraction == 1e-5);
  CHECK(learner.prior.weight_points == 0);
  CHECK(stream.publish_responsibilities);
  CHECK(stream.model_interval_seconds == 0);
  CHECK(stream.max_producers == 8);
}

TEST_CASE("every top-level key reaches its member") {
  const auto loaded = load_text(R"(output = tcp://*:*
control = ipc:///tmp/control
http =
queue_messages = 5
queue_bytes = 70000
max_message_bytes = 2048
state_directory = my state
save_interval_seconds = 2.5
commit_interval_seconds = 0.25
credit_messages = 12
dynamic_streams = office-* r?
max_streams = 9
learning_threads = 3
log_level = warning
log_format = json
exit_after_replay = false
)");
  REQUIRE(loaded.faults == kNone);
  const DaemonOptions& options = loaded.options;
  CHECK(options.output_endpoint == "tcp://*:*");
  CHECK(options.control_endpoint == "ipc:///tmp/control");
  CHECK(options.http_endpoint.empty());
  CHECK(options.queue_messages == 5);
  CHECK(options.queue_bytes == 70000);
  CHECK(options.max_message_bytes == 2048);
  CHECK(options.state_directory == "my state");
  CHECK(options.save_interval_seconds == 2.5);
  CHECK(options.commit_interval_seconds == 0.25);
  CHECK(options.credit_messages == 12);
  CHECK(options.dynamic_streams == std::vector<std::string>{"office-*", "r?"});
  CHECK(options.max_streams == 9);
  CHECK(options.learning_threads == 3);
  CHECK(options.log.level == "warning");
  CHECK(options.log.format == "json");
  CHECK_FALSE(options.exit_after_replay);
  CHECK(load_text("dynamic_streams =\n").options.dynamic_streams.empty());
}

TEST_CASE("family libraries are loaded, from one place, and an empty one is none") {
  const std::string example = EMULSION_FAMILIES_DIR "/inverse_gaussian.so";
  const auto from_file = load_text("family_library =\nfamily_library = " + example + "\n[defaults]\n");
  REQUIRE(from_file.faults == kNone);
  CHECK(from_file.options.family_libraries == std::vector<std::string>{example});
  CHECK(from_file.origins.at("family_library[0]") == "emulsiond.conf:2");
  CHECK(find_family("inverse_gaussian"));

  const auto twice = load_text("", {}, {{"EMULSION_FAMILY_LIBRARY", example + ":" + example}});
  CHECK(twice.faults == kNone);
  CHECK(twice.options.family_libraries.size() == 2);
  const auto none = load_text("family_library = " + example + "\n", {"--family_library", ""});
  CHECK(none.options.family_libraries.empty());
  CHECK(none.origins.at("family_library[0]") == "command line");
}

TEST_CASE("a half-life in seconds displaces the default in points") {
  const auto step = [](const LoadedOptions& loaded) {
    REQUIRE(loaded.faults == kNone);
    return loaded.options.defaults.learner.step;
  };
  CHECK(step(load_text("[defaults]\nhalf_life_seconds = 60\n")).half_life_points == 0);
  CHECK(step(load_text("[defaults]\nhalf_life_seconds = 60\n")).half_life_seconds == 60);
  // A higher origin, too, and back again.
  const auto overridden = step(load_text("[defaults]\nhalf_life_points = 5\n", {"--defaults.half_life_seconds=60"}));
  CHECK(overridden.half_life_points == 0);
  const auto back = step(load_text("[defaults]\nhalf_life_seconds = 5\n", {"--defaults.half_life_points=60"}));
  CHECK(back.half_life_seconds == 0);
  const auto stream = load_text("[defaults]\nhalf_life_seconds = 60\n[stream.a]\nhalf_life_points = 4\n");
  CHECK(stream.options.streams.at("a").learner.step.half_life_seconds == 0);
  CHECK(stream.options.defaults.learner.step.half_life_seconds == 60);
}

TEST_CASE("comments, empty lines, spaces, carriage returns and a byte order mark do not matter") {
  const auto loaded = load_text(
      "\xEF\xBB\xBF# first\r\n\r\n  log_level=debug   # why\r\n\t[ defaults ] # section\r\ncomponents  =  3\r\n");
  CHECK(loaded.faults == kNone);
  CHECK(loaded.options.log.level == "debug");
  CHECK(loaded.options.defaults.learner.components == 3);
}

TEST_CASE("flags tell what is asked for, and help wins over faults") {
  using Action = LoadedOptions::Action;
  const auto action = [](const std::vector<std::string>& arguments) { return load_options(arguments, {}).action; };
  CHECK(action({}) == Action::run);
  CHECK(action({"--check-config"}) == Action::check);
  CHECK(action({"--print-config"}) == Action::print);
  CHECK(action({"--version", "--print-config"}) == Action::version);
  CHECK(action({"-h"}) == Action::help);
  const auto helped = load_options({"--help", "--nonsense", "--config", "/nowhere"}, {{"EMULSION_NONSENSE", ""}});
  CHECK(helped.action == Action::help);
  CHECK(helped.faults == kNone);
}

}  // namespace emulsion::service
