// What a sender makes of an acknowledged input that cannot acknowledge, said by a socket that says no more than it is told to.
#include "clients/acknowledged_sender.h"

#include <catch2/catch.hpp>
#include <thread>
#include <vector>
#include <zmq.hpp>

#include "emulsion/wire/convert.h"
#include "emulsion/wire/topic.h"

namespace emulsion::client {
namespace {

constexpr std::uint64_t kSession = 7;

// Answers the first hello with the first of what is to be said, each message of points with the next, and any other hello with what
// was said last.
class ScriptedInput {
 public:
  using Words = std::vector<wire::AcknowledgementMessage>;

  explicit ScriptedInput(std::vector<Words> script) : script_(std::move(script)) {
    socket_.set(zmq::sockopt::linger, 0);
    socket_.bind("tcp://127.0.0.1:*");
    endpoint_ = socket_.get(zmq::sockopt::last_endpoint);
    thread_ = std::jthread([this](const std::stop_token& stop) { serve(stop); });
  }

  const std::string& endpoint() const { return endpoint_; }

 private:
  void serve(const std::stop_token& stop) {
    constexpr int kLookForTheEndMilliseconds = 20;
    socket_.set(zmq::sockopt::rcvtimeo, kLookForTheEndMilliseconds);
    wire::Codec codec;
    std::size_t next = 0;
    Words last;
    while (!stop.stop_requested()) {
      zmq::message_t who, topic, payload;
      if (!socket_.recv(who)) continue;
      static_cast<void>(socket_.recv(topic));
      static_cast<void>(socket_.recv(payload));
      const auto hello = codec.decode_hello(payload.to_string_view());
      const bool asked = topic.to_string() == wire::to_string({"room", wire::TopicKind::hello});
      for (wire::AcknowledgementMessage words : asked && next > 0 ? last : script_.at(next++)) {
        last = {words};
        words.stream = "room";
        words.producer = "send";
        words.session = kSession;
        words.daemon_session = 1;
        words.credit = 10;
        words.question = asked ? hello->question : 0;
        socket_.send(zmq::buffer(who.data(), who.size()), zmq::send_flags::sndmore);
        socket_.send(zmq::buffer(wire::to_string({"room", wire::TopicKind::acknowledgement})), zmq::send_flags::sndmore);
        socket_.send(zmq::buffer(codec.encode(words)), zmq::send_flags::none);
      }
    }
  }

  std::vector<Words> script_;
  zmq::context_t context_;
  zmq::socket_t socket_{context_, zmq::socket_type::router};
  std::string endpoint_;
  std::jthread thread_;
};

wire::AcknowledgementMessage said(std::uint64_t next_sequence, const std::string& fault) {
  wire::AcknowledgementMessage words;
  words.next_sequence = words.expected_sequence = next_sequence;
  words.fault = fault;
  return words;
}

}  // namespace

TEST_CASE("a sender tells of a fault once, of another one, and again after progress") {
  ScriptedInput input({{said(0, "full")}, {said(0, "full"), said(0, "full"), said(0, "torn")}, {said(1, ""), said(1, "torn"), said(2, "torn")},
                       {said(3, "")}});
  std::vector<std::string> told;
  AcknowledgedOptions options;
  options.endpoint = input.endpoint();
  options.stream = "room";
  options.producer = "send";
  options.session = kSession;
  options.on_fault = [&](const std::string& reason) { told.push_back(reason); };
  auto sender = AcknowledgedSender::open(options);
  REQUIRE(sender);
  CHECK(told == std::vector<std::string>{"full"});
  for (const char* payload : {"one", "two", "three"}) REQUIRE(sender->send(payload));
  REQUIRE(sender->finish(options.timeout));
  CHECK(sender->durable() == 3);
  CHECK(told == std::vector<std::string>{"full", "torn", "torn", "torn"});
}

}  // namespace emulsion::client
