// Load on a daemon or on an echo, and questions to a daemon.
#include "bench/contender.h"
#include "bench/load.h"
#include "bench/stopwatch.h"
#include "clients/connection.h"

namespace {

using namespace emulsion::bench;
using nlohmann::json;

// Points over sockets: {"contender": "load", "input": ..., "output": ..., "data": ..., "rows": ..., "streams": ...}
//   throughput  {"seconds": until the answers to "messages" messages are here}
//   latencies   {"seconds": [of each of "messages" messages at "rate" a second]}
class Load final : public Contender {
 public:
  explicit Load(const json& request)
      : maker_(read_data_set(request.at("data")), request.at("rows"), request.at("streams")),
        line_(request.at("input"), request.at("output")) {
    line_.subscribe(request.at("streams"), maker_);
  }

  json answer(const json& request) override {
    const auto messages = maker_.make(request.at("messages"));
    if (request.at("do") == "throughput") return {{"seconds", line_.throughput(messages)}, {"answer_bytes", line_.answer_bytes()}};
    if (request.at("do") == "latencies") return {{"seconds", line_.latencies(messages, request.at("rate"))}};
    throw std::invalid_argument("no request is called " + request.at("do").get<std::string>());
  }

 private:
  MessageMaker maker_;
  LoadLine line_;
};

// Questions: {"contender": "control", "endpoint": ...}
//   save  {"seconds": until the daemon has written every state and said so}
class Control final : public Contender {
 public:
  explicit Control(const json& request) : connection_(open(request.at("endpoint"))) {}

  json answer(const json& request) override {
    if (request.at("do") != "save") throw std::invalid_argument("no request is called " + request.at("do").get<std::string>());
    const Stopwatch watch;
    const auto reply = connection_.ask_for<emulsion::wire::SaveReply>(emulsion::wire::SaveRequest{}, std::chrono::seconds(60));
    if (!reply) throw std::runtime_error(reply.error().message);
    return {{"seconds", watch.seconds()}, {"streams", reply->streams.size()}};
  }

 private:
  static emulsion::client::ControlConnection open(const std::string& endpoint) {
    auto connection = emulsion::client::ControlConnection::open(endpoint);
    if (!connection) throw std::runtime_error(connection.error().message);
    return std::move(*connection);
  }

  emulsion::client::ControlConnection connection_;
};

std::unique_ptr<Contender> make(const json& request) {
  if (request.at("contender") == "control") return std::make_unique<Control>(request);
  return std::make_unique<Load>(request);
}

}  // namespace

int main() { return serve(make); }
