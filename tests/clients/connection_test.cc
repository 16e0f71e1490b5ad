#include "clients/connection.h"

#include <catch2/catch.hpp>
#include <csignal>

#include "clients/example_messages.h"
#include "clients/fake_daemon.h"
#include "clients/interrupt.h"

namespace emulsion::client {
namespace {

constexpr Milliseconds kLong{20000};
constexpr Milliseconds kShort{50};

}  // namespace

TEST_CASE("a question gets its answer") {
  FakeDaemon daemon;
  auto control = ControlConnection::open(daemon.endpoints().control);
  REQUIRE(control);
  const auto reply = control->ask_for<wire::FlushReply>(wire::FlushRequest{"room"}, kLong);
  REQUIRE(reply);
  CHECK(reply->points == 60);
}

TEST_CASE("the daemon's refusal keeps its reason and its words, without control characters") {
  FakeDaemon daemon;
  daemon.answer_with([](const wire::ControlRequest&) {
    wire::ControlReply reply;
    reply.result = wire::ControlError{wire::ControlErrorCode::failed, "disk \x1b[2J full"};
    return reply;
  });
  auto control = ControlConnection::open(daemon.endpoints().control);
  const auto reply = control->ask(wire::SaveRequest{}, kLong);
  REQUIRE_FALSE(reply);
  CHECK(reply.error().exit_code == 1);
  CHECK(reply.error().answered == wire::ControlErrorCode::failed);
  CHECK(reply.error().message == "disk \\x1B[2J full");
}

TEST_CASE("a missing model is a matter of time") {
  FakeDaemon daemon;
  daemon.set_stream(waiting_stream("room"));
  auto control = ControlConnection::open(daemon.endpoints().control);
  CHECK(control->ask(wire::GetModelRequest{"room"}, kLong).error().exit_code == 75);
}

TEST_CASE("the answer to another question is an error, not a crash") {
  FakeDaemon daemon;
  daemon.answer_with([](const wire::ControlRequest&) { return wire::ControlReply{0, wire::PauseReply{}}; });
  auto control = ControlConnection::open(daemon.endpoints().control);
  CHECK(control->ask_for<wire::SaveReply>(wire::SaveRequest{}, kLong).error().exit_code == 69);
}

TEST_CASE("the late answer to an earlier question is not taken for the next one's") {
  FakeDaemon daemon;
  int asked = 0;
  daemon.answer_with([&asked](const wire::ControlRequest&) {
    return wire::ControlReply{0, wire::FlushReply{static_cast<std::uint64_t>(++asked)}};
  });
  auto control = ControlConnection::open(daemon.endpoints().control);
  // No time at all: the answer comes when nobody waits for it any more.
  CHECK_FALSE(control->ask_for<wire::FlushReply>(wire::FlushRequest{}, Milliseconds(0)));
  const auto second = control->ask_for<wire::FlushReply>(wire::FlushRequest{}, kLong);
  REQUIRE(second);
  CHECK(second->points == 2);
}

TEST_CASE("a peer that speaks something else is told apart from silence") {
  zmq::context_t context;
  zmq::socket_t other(context, zmq::socket_type::rep);
  other.bind("tcp://127.0.0.1:*");
  std::thread answering([&other] {
    zmq::message_t request;
    (void)other.recv(request);
    other.send(zmq::str_buffer("\xff\xff not protobuf"));
  });
  auto control = ControlConnection::open(other.get(zmq::sockopt::last_endpoint));
  const auto reply = control->ask(wire::ListRequest{}, kLong);
  answering.join();
  REQUIRE_FALSE(reply);
  CHECK(reply.error().message.find("is not this version of emulsiond") != std::string::npos);
}

TEST_CASE("an address that is none is a usage fault") {
  CHECK(ControlConnection::open("tcp://no port").error().exit_code == 2);
  CHECK(PointSender::open({"tcp://no port"}).error().exit_code == 2);
  CHECK(Subscriber::open({"tcp://no port", {""}}).error().exit_code == 2);
}

TEST_CASE("an address in use cannot be bound") {
  FakeDaemon daemon;
  CHECK(PointSender::open({daemon.endpoints().input, SenderKind::push, true}).error().exit_code == 2);
}

TEST_CASE("a full queue ends at the timeout, not never") {
  // A peer whose queue, and ours, hold a message at most, and who never reads.
  zmq::context_t context;
  zmq::socket_t lazy(context, zmq::socket_type::pull);
  lazy.set(zmq::sockopt::rcvhwm, 1);
  lazy.bind("tcp://127.0.0.1:*");
  auto sender = PointSender::open({lazy.get(zmq::sockopt::last_endpoint)});
  REQUIRE(sender);
  REQUIRE(sender->wait_for_peer("t", kLong));
  const std::string large(1 << 20, 'x');
  Attempt<void> sent;
  int count = 0;
  for (; sent && count < 5000; ++count) sent = sender->send("t", large, kShort);
  REQUIRE_FALSE(sent);
  CHECK(sent.error().exit_code == 69);
  CHECK(sent.error().message.find("the queue is full") != std::string::npos);
  CHECK(sender->close(kShort).error().message.find("not every message could be handed over") != std::string::npos);
}

TEST_CASE("a subscriber receives what it asked for, and nothing at its deadline") {
  FakeDaemon daemon;
  daemon.publish_to_subscribers({{"b.", "no"}, {"a.", "yes"}});
  auto subscriber = Subscriber::open({daemon.endpoints().output, {"a."}});
  REQUIRE(subscriber);
  const auto message = subscriber->receive(from_now(kLong));
  REQUIRE(message);
  CHECK(message->topic == "a.");
  CHECK(message->payload == "yes");
  CHECK(subscriber->connected());
  CHECK_FALSE(subscriber->receive(from_now(kShort)));
}

TEST_CASE("a subscriber to nobody is not connected") {
  auto subscriber = Subscriber::open({empty_endpoint(), {""}});
  CHECK_FALSE(subscriber->receive(from_now(kShort)));
  CHECK_FALSE(subscriber->connected());
}

TEST_CASE("Ctrl-C ends a wait and is told from silence, outside of the scope it is not known") {
  CHECK_FALSE(interrupted());
  {
    const InterruptScope scope;
    std::raise(SIGINT);
    CHECK(interrupted());
    auto control = ControlConnection::open(empty_endpoint());
    CHECK(control->ask(wire::ListRequest{}, kLong).error().exit_code == 130);
    CHECK_FALSE(pause_until(from_now(kLong)));
    CHECK(take_interrupt());
    CHECK_FALSE(take_interrupt());
    CHECK(pause_until(from_now(Milliseconds(1))));
  }
  const InterruptScope next;
  CHECK_FALSE(interrupted());
}

}  // namespace emulsion::client
