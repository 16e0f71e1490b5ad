#include "clients/commands.h"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "clients/captured.h"
#include "clients/example_messages.h"
#include "clients/fake_daemon.h"
#include "clients/send.h"

namespace emulsion::client {
namespace {

using Words = std::vector<std::string>;

Captured run(Words words) {
  return capture([&words] { return dispatch(words); });
}

// The words, and flags that lead to the daemon's `sockets`.
Captured run(const FakeDaemon& daemon, Words words, const Words& sockets = {"control"}) {
  const Words flags = daemon.flags(sockets);
  words.insert(words.end(), flags.begin(), flags.end());
  return run(words);
}

// A file that goes away again.
class File {
 public:
  explicit File(const std::string& text, const std::string& ending = ".csv") {
    std::string path = (std::filesystem::temp_directory_path() / ("emulsion-XXXXXX" + ending)).string();
    const int descriptor = mkstemps(path.data(), static_cast<int>(ending.size()));
    REQUIRE(descriptor >= 0);
    close(descriptor);
    path_ = path;
    std::ofstream(path_) << text;
  }
  ~File() { std::filesystem::remove(path_); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

std::string rows_of_csv(int rows) {
  std::string text = "a,b,label\n";
  for (int i = 0; i < rows; ++i) text += std::to_string(i) + "," + std::to_string(-i) + ",cat\n";
  return text;
}

}  // namespace

TEST_CASE("help lists every command, examples first, on stdout") {
  const Captured help = run({"--help"});
  CHECK(help.exit_code == 0);
  CHECK(help.out.find("examples:") == 0);
  for (const Command& command : commands()) CHECK(contains(help.out, "\n  " + std::string(command.name) + " "));
  CHECK(run({}).exit_code == 2);
  CHECK(run({"--version"}).out.find("emulsion ") == 0);
}

TEST_CASE("every command has help with an example") {
  for (const Command& command : commands()) {
    INFO(command.name);
    const Captured help = run({std::string(command.name), "--help"});
    CHECK(help.exit_code == 0);
    CHECK(contains(help.out, "emulsion " + std::string(command.name)));
    CHECK(help.out == run({"help", std::string(command.name)}).out);
  }
}

TEST_CASE("an unknown command is answered with the nearest one") {
  CHECK(run({"stauts"}).err == "emulsion: unknown command \"stauts\"; did you mean \"status\"?\n");
  CHECK(run({"frobnicate"}).exit_code == 2);
  CHECK(contains(run({"--hepl"}).err, "unknown flag \"--hepl\"; did you mean \"--help\"?"));
}

TEST_CASE("every command that asks says when nobody answers") {
  const std::string nobody = empty_endpoint();
  for (const char* command : {"list", "status", "model", "flush", "save", "pause", "resume", "shutdown"}) {
    INFO(command);
    const Captured captured = run({command, "--control", nobody, "--timeout", "0.05"});
    CHECK(captured.exit_code == 69);
    CHECK(contains(captured.err, "is emulsiond running?"));
    CHECK(captured.out.empty());
  }
  CHECK(run({"reset", "a", "--yes", "--control", nobody, "--timeout", "0.05"}).exit_code == 69);
}

TEST_CASE("list and status show the streams") {
  FakeDaemon daemon;
  daemon.set_stream(example_stream("room"));
  daemon.set_stream(example_stream("hall"));
  CHECK(run(daemon, {"list"}).out == "hall\nroom\n");
  CHECK(run(daemon, {"list", "--json"}).out == "{\"streams\":[\"hall\",\"room\"]}\n");
  CHECK(contains(run(daemon, {"status"}).out, "hall    learning"));
  CHECK(contains(run(daemon, {"status", "room"}).out, "stream \"room\": learning"));
  const auto json = nlohmann::json::parse(run(daemon, {"status", "room", "--json"}).out);
  CHECK(json["streams"].size() == 1);
}

TEST_CASE("an unknown stream is answered with the nearest one") {
  FakeDaemon daemon;
  daemon.set_stream(example_stream("occupancy"));
  const Captured captured = run(daemon, {"status", "ocupancy"});
  CHECK(captured.exit_code == 1);
  CHECK(captured.err == "emulsion status: there is no stream \"ocupancy\"; did you mean \"occupancy\"?\n");
  CHECK(run(daemon, {"status", "a b"}).exit_code == 2);
}

TEST_CASE("the name may be left out when there is one stream, and only then") {
  FakeDaemon daemon;
  CHECK(run(daemon, {"model"}).exit_code == 75);
  daemon.set_stream(example_stream("room"));
  daemon.set_model(example_model("room"));
  CHECK(contains(run(daemon, {"model"}).out, "stream \"room\": model 7"));
  CHECK(nlohmann::json::parse(run(daemon, {"model", "--json"}).out)["components"].size() == 2);
  CHECK(contains(run(daemon, {"model", "--csv"}).out, "room,7,8143,1,0.75"));
  daemon.set_stream(example_stream("hall"));
  const Captured captured = run(daemon, {"model"});
  CHECK(captured.exit_code == 2);
  CHECK(captured.err == "emulsion model: which stream? There are hall, room\n");
  CHECK(run(daemon, {"model", "room"}).exit_code == 0);
}

TEST_CASE("a stream without a model says what it waits for, and that it is too early") {
  FakeDaemon daemon;
  daemon.set_stream(waiting_stream("room"));
  const Captured captured = run(daemon, {"model", "room"});
  CHECK(captured.exit_code == 75);
  CHECK(
      captured.err ==
      "emulsion model: stream \"room\" waits for its first model: 60 of 100 points; `emulsion flush room` starts with "
      "what there is\n");
}

TEST_CASE("commands that change something say what they did") {
  FakeDaemon daemon;
  daemon.set_stream(example_stream("room"));
  CHECK(run(daemon, {"pause"}).out == "stream \"room\" is paused; `emulsion resume` lets it learn again\n");
  CHECK(run(daemon, {"resume", "room"}).out == "stream \"room\" learns again\n");
  CHECK(run(daemon, {"flush", "room"}).out == "stream \"room\": 60 points had been waiting\n");
  CHECK(run(daemon, {"flush", "--json"}).out == "{\"command\":\"flush\",\"stream\":\"room\",\"points\":60}\n");
  CHECK(run(daemon, {"save"}).out == "saved a, b\n");
  CHECK(run(daemon, {"reset", "room", "--yes"}).out == "stream \"room\" starts anew\n");
  CHECK(run(daemon, {"reset"}).exit_code == 2);
  CHECK(run(daemon, {"shutdown"}).exit_code == 0);
}

TEST_CASE("send sends a file and closes with what became of it") {
  FakeDaemon daemon;
  const File file(rows_of_csv(600));
  const Captured captured =
      run(daemon, {"send", file.path(), "--stream", "room", "--label-column", "label"}, {"input", "control"});
  CHECK(captured.err == "");
  CHECK(captured.out == "sent 600 rows in 3 messages to \"room\": 600 accepted, 0 refused\n");
  CHECK(captured.exit_code == 0);
  const auto messages = daemon.received();
  REQUIRE(messages.size() == 3);
  CHECK(messages[0].batch.size() == 256);
  CHECK(messages[0].batch.dimension() == 2);
  CHECK(messages[2].batch.points(1, 87) == -599);
  CHECK(messages[0].producer == "send");
}

TEST_CASE("a second feed continues a session") {
  FakeDaemon daemon;
  const File file("1\n2\n3\n");
  const Words both{"input", "control"};
  CHECK(run(daemon, {"send", file.path(), "--session", "7", "--batch", "1", "--no-end"}, both).exit_code == 0);
  const Captured second = run(daemon, {"send", file.path(), "--session", "7", "--first-sequence", "3", "--json"}, both);
  CHECK(nlohmann::json::parse(second.out)["accepted"] == 3);
  const auto messages = daemon.received();
  REQUIRE(messages.size() == 4);
  CHECK(messages[3].sequence == 3);
  CHECK(messages[3].end_of_stream);
  CHECK_FALSE(messages[2].end_of_stream);
}

TEST_CASE("repeat, shuffle and count") {
  FakeDaemon daemon;
  const File file("1\n2\n3\n4\n5\n6\n7\n8\n");
  const Captured captured =
      run(daemon, {"send", file.path(), "--repeat", "3", "--shuffle", "--seed", "5", "--count", "20"},
          {"input", "control"});
  CHECK(captured.exit_code == 0);
  const auto messages = daemon.received();
  REQUIRE(messages.size() == 1);
  CHECK(messages[0].batch.size() == 20);
  std::vector<double> first(messages[0].batch.points.data(), messages[0].batch.points.data() + 8);
  std::vector<double> second(messages[0].batch.points.data() + 8, messages[0].batch.points.data() + 16);
  CHECK(first != second);
  std::sort(first.begin(), first.end());
  CHECK(first == std::vector<double>{1, 2, 3, 4, 5, 6, 7, 8});
}

TEST_CASE("shuffling keeps rows together and depends on the seed alone") {
  PointBatch batch;
  batch.points = Eigen::RowVectorXd::LinSpaced(50, 1, 50);
  batch.weights = batch.points.row(0).transpose();
  for (int i = 1; i <= 50; ++i) batch.unix_nanoseconds.push_back(i);
  const PointBatch once = shuffled(batch, 3);
  CHECK(once.points == shuffled(batch, 3).points);
  CHECK(once.points != shuffled(batch, 4).points);
  CHECK(once.points != batch.points);
  for (Index i = 0; i < 50; ++i) {
    CHECK(once.weights[i] == once.points(0, i));
    CHECK(static_cast<double>(once.unix_nanoseconds[static_cast<std::size_t>(i)]) == once.points(0, i));
  }
}

TEST_CASE("a bad row stops the feed after the rows before it, or is skipped, both exit with 65") {
  FakeDaemon daemon;
  const File file("a\n1\n2\nx\n4\n");
  const Words both{"input", "control"};
  const Captured stopped = run(daemon, {"send", file.path()}, both);
  CHECK(stopped.exit_code == 65);
  CHECK(contains(stopped.err, ":4: "));
  CHECK(stopped.out == "sent 2 rows in 1 message to \"default\": 2 accepted, 0 refused\n");
  const Captured skipped = run(daemon, {"send", file.path(), "--on-error", "skip"}, both);
  CHECK(skipped.exit_code == 65);
  CHECK(skipped.out ==
        "sent 3 rows in 1 message to \"default\": 3 accepted, 0 refused; 1 bad row of the file skipped\n");
  CHECK(contains(skipped.err, "skipped: "));
}

TEST_CASE("rows that the daemon refuses exit with 65") {
  FakeDaemon daemon;
  daemon.refuse_if([](const wire::PointsMessage&) { return true; });
  const File file("1\n2\n");
  const Captured captured = run(daemon, {"send", file.path()}, {"input", "control"});
  CHECK(captured.exit_code == 65);
  CHECK(captured.out == "sent 2 rows in 1 message to \"default\": 0 accepted, 2 refused (not_finite: 2 rows)\n");
}

TEST_CASE("a file that is not there is bad data, a daemon that is not there is not reached") {
  CHECK(run({"send", "/nonexistent/file.csv"}).exit_code == 65);
  const File file("1\n");
  const std::string nobody = empty_endpoint();
  const Captured captured = run({"send", file.path(), "--control", nobody, "--input", nobody, "--timeout", "0.05"});
  CHECK(captured.exit_code == 69);
  CHECK(captured.out.empty());
  CHECK(run({"send", file.path(), "--input", nobody, "--no-confirm", "--timeout", "0.05"}).exit_code == 69);
}

TEST_CASE("watch prints models until the count is reached, and a repeated one once") {
  FakeDaemon daemon;
  wire::Codec codec;
  wire::ModelMessage model = example_model("room");
  const std::string topic = "emulsion.v1.room.model.";
  const std::string first = codec.encode(model);
  model.topic_sequence = 3;
  daemon.publish_to_subscribers({{topic, first}, {topic, first}, {topic, codec.encode(model)}});
  const Captured captured = run(daemon, {"watch", "--count", "2", "--json", "--quiet", "--timeout", "20"}, {"output"});
  CHECK(captured.exit_code == 0);
  CHECK(std::count(captured.out.begin(), captured.out.end(), '\n') == 2);
  CHECK(captured.err == "emulsion watch: lost 2 messages on emulsion.v1.room.model.\n");
}

TEST_CASE("watch counts the rows of labels and prints one heading") {
  FakeDaemon daemon;
  wire::Codec codec;
  std::vector<Delivery> messages{{"emulsion.v1.room.events.", codec.encode(wire::EventMessage{})},
                                 {"emulsion.v1.hall.labels.", "not protobuf \xff"}};
  wire::LabelsMessage labels = example_labels();
  for (labels.topic_sequence = 0; labels.topic_sequence < 4; ++labels.topic_sequence) {
    messages.push_back({"emulsion.v1.room.labels.", codec.encode(labels)});
  }
  daemon.publish_to_subscribers(messages);
  const Captured captured =
      run(daemon, {"watch", "--what", "labels", "--format", "csv", "--rows", "9", "--timeout", "20"}, {"output"});
  CHECK(captured.exit_code == 0);
  CHECK(std::count(captured.out.begin(), captured.out.end(), '\n') == 10);
  CHECK(captured.out.find("producer,session,") == 0);
  CHECK(contains(captured.err, "following tcp://"));
  CHECK(contains(captured.err, "emulsion.v1.hall.labels.: cannot be read: "));
}

TEST_CASE("watch without a message in time exits with 69 and says whether the daemon is there") {
  FakeDaemon daemon;
  const Captured silent = run(daemon, {"watch", "--timeout", "0.3"}, {"output"});
  CHECK(silent.exit_code == 69);
  CHECK(contains(silent.err, "the daemon is there, but published nothing"));
  const Captured nobody = run({"watch", "--output", empty_endpoint(), "--timeout", "0.05"});
  CHECK(nobody.exit_code == 69);
  CHECK(contains(nobody.err, "is emulsiond running?"));
}

TEST_CASE("watch refuses what makes no sense") {
  CHECK(contains(run({"watch", "--what", "cats"}).err, "--what: \"cats\"; allowed: models, labels, events"));
  CHECK(run({"watch", "--what", ""}).exit_code == 2);
  CHECK(run({"watch", "--what", "models,events", "--format", "csv"}).exit_code == 2);
  CHECK(run({"watch", "--rows", "5"}).exit_code == 2);
  CHECK(run({"watch", "--stream", "a.b"}).exit_code == 2);
}

TEST_CASE("top prints pictures, and says when nobody answers") {
  FakeDaemon daemon;
  daemon.set_stream(example_stream("room"));
  daemon.set_model(example_model("room"));
  const Captured once = run(daemon, {"top", "--once"});
  CHECK(once.exit_code == 0);
  CHECK(contains(once.out, "room: model 7 of 8143 points"));
  CHECK_FALSE(contains(once.out, "\x1b"));
  const Captured twice = run(daemon, {"top", "--count", "2", "--interval", "0.05"});
  CHECK(contains(twice.out, "(-/s)"));
  CHECK(contains(twice.out, "(0/s)"));
}

}  // namespace emulsion::client
