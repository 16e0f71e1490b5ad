// What every transport promises, and what is particular to ZeroMQ.
#include <sys/eventfd.h>

#include <algorithm>
#include <random>
#include <set>

#include "daemon/subscriptions.h"
#include "daemon/transport_links.h"

namespace emulsion::service {
namespace {

const std::string kTopic = "emulsion.v1.radar.points.";

std::vector<Parts> numbered(int count) {
  std::vector<Parts> messages;
  for (int i = 0; i < count; ++i) messages.push_back({kTopic, std::to_string(i)});
  return messages;
}

TEMPLATE_TEST_CASE("a source gives frames whole and in order", "[transport]", MemoryLink, PullBind, PullConnect,
                   SubscribeBind, SubscribeConnect,
                   AcknowledgedBind) {
  TestType link;
  CHECK_FALSE(link.source().receive());
  CHECK_FALSE(link.source().exhausted());
  const std::string binary("\0\xFF\n\0", 4);
  link.publish({{kTopic, "first"}, {kTopic, ""}, {kTopic, binary}});
  for (const std::string& payload : {std::string("first"), std::string(), binary}) {
    const auto frame = link.next_frame();
    REQUIRE(frame);
    CHECK(frame->topic == kTopic);
    CHECK(frame->payload == payload);
    CHECK(frame->fault.empty());
    link.source().settle(*frame, Outcome::applied);
  }
  CHECK_FALSE(link.source().receive());
}

TEMPLATE_TEST_CASE("a message that is not two frames comes as a fault, and the next one is whole", "[transport]",
                   MemoryLink, PullBind, PullConnect, SubscribeBind, SubscribeConnect,
                   AcknowledgedBind) {
  TestType link;
  const auto parts = GENERATE(1, 3, 10000);
  Parts message(static_cast<std::size_t>(parts), "x");
  message[0] = kTopic;
  link.publish({message, {kTopic, "good"}});
  const auto refused = link.next_frame();
  REQUIRE(refused);
  CHECK(refused->topic == kTopic);
  CHECK(refused->payload.empty());
  CHECK(refused->fault == "frames: " + std::to_string(parts) + ", expected 2");
  const auto good = link.next_frame();
  REQUIRE(good);
  CHECK(good->payload == "good");
  CHECK(good->fault.empty());
}

TEMPLATE_TEST_CASE("after close_intake what was received can be read, then the source is exhausted", "[transport]",
                   MemoryLink, PullBind, PullConnect, SubscribeBind, SubscribeConnect,
                   AcknowledgedBind) {
  TestType link;
  link.publish(numbered(50));
  for (int i = 0; i < 50; ++i) {
    const auto frame = i == 0 ? link.next_frame() : link.source().receive();
    REQUIRE(frame);
    CHECK(frame->payload == std::to_string(i));
    if (i == 0) link.source().close_intake();
    if (i < 49) CHECK_FALSE(link.source().exhausted());
  }
  CHECK_FALSE(link.source().receive());
  CHECK(link.source().exhausted());
}

TEST_CASE("an acknowledged source answers each peer, and what it says to one that is gone is lost", "[transport]") {
  zmq::context_t peers{1};
  ZmqHub hub;
  ZmqSource* source = hub.add_source(InputKind::acknowledged, Attachment::bind, "tcp://127.0.0.1:*").value();
  CHECK(source->acknowledges());
  CHECK(source->describe() == "acknowledged " + source->endpoint());
  const auto connect = [&] {
    zmq::socket_t socket(peers, zmq::socket_type::dealer);
    socket.set(zmq::sockopt::linger, 0);
    socket.connect(source->endpoint());
    return socket;
  };
  zmq::socket_t first = connect();
  std::optional<zmq::socket_t> second = connect();
  std::map<std::string, std::string> names;  // of the peers, by what they send
  send_parts(first, {"emulsion.v1.radar.points.", "one"});
  send_parts(*second, {"emulsion.v1.radar.points.", "two"});
  while (names.size() < 2) {
    const auto frame = eventually(hub, [&] { return source->receive(); });
    REQUIRE(frame);
    REQUIRE(frame->fault.empty());
    names[std::string(frame->payload)] = frame->peer;
    source->settle(*frame, Outcome::applied);
  }
  source->answer(names["two"], {"to", "two"});
  source->answer(names["one"], {"to", "one"});
  CHECK(eventually(hub, [&] { return receive_parts(first); }) == Parts{"to", "one"});
  CHECK(eventually(hub, [&] { return receive_parts(*second); }) == Parts{"to", "two"});
  second.reset();
  source->answer(names["two"], {"to", "nobody"});
  source->answer("never there", {"to", "nobody"});
  source->answer(names["one"], {"to", "one again"});
  CHECK(eventually(hub, [&] { return receive_parts(first); }) == Parts{"to", "one again"});
}

TEST_CASE("answers to a peer that does not read are lost, and wait for nobody", "[transport]") {
  zmq::context_t peers{1};
  ZmqOptions options;
  options.acknowledged_queue_messages = 10;
  ZmqHub hub(options);
  ZmqSource* source = hub.add_source(InputKind::acknowledged, Attachment::bind, "tcp://127.0.0.1:*").value();
  zmq::socket_t stalled(peers, zmq::socket_type::dealer);
  stalled.set(zmq::sockopt::linger, 0);
  stalled.set(zmq::sockopt::rcvhwm, 1);
  stalled.connect(source->endpoint());
  send_parts(stalled, {"emulsion.v1.radar.points.", "one"});
  const auto frame = eventually(hub, [&] { return source->receive(); });
  REQUIRE(frame);
  const std::string large(100000, 'x');
  for (int i = 0; i < 2000; ++i) source->answer(frame->peer, {"to", large});  // 200 MB, and it comes back at once
  CHECK(eventually(hub, [&] { return receive_parts(stalled); }));
  source->settle(*frame, Outcome::applied);
}

TEMPLATE_TEST_CASE("a subscriber gets the topics of its prefix, in order", "[transport]", MemoryLink, PullBind) {
  TestType link;
  const auto reader = link.subscribe("emulsion.v1.m1.");
  link.sink().send({"emulsion.v1.m1.labels.", "a"});
  link.sink().send({"emulsion.v1.m10.labels.", "another stream"});
  link.sink().send({"emulsion.v1.m1.events.", "b"});
  CHECK(link.next_published(reader)->payload == "a");
  CHECK(link.next_published(reader)->payload == "b");
}

TEMPLATE_TEST_CASE("a late subscriber gets nothing from before, and every subscription is told once", "[transport]", MemoryLink,
                   PullBind) {
  TestType link;
  CHECK(link.sink().new_subscriptions().empty());
  link.sink().send({"emulsion.v1.m1.labels.", "lost"});
  for (int i = 0; i < 2; ++i) {  // the second subscriber to the same topics too
    const auto reader = link.subscribe("emulsion.v1.m1.");
    CHECK(link.sink().new_subscriptions().count("emulsion.v1.m1.") == 1);
    CHECK(link.sink().new_subscriptions().empty());
    CHECK(link.sink().has_reader("emulsion.v1.m1.model."));
    link.sink().send({"emulsion.v1.m1.labels.", "live"});
    CHECK(link.next_published(reader)->payload == "live");
  }
}

TEST_CASE("a topic has a reader from the first subscription to the end of the last one", "[transport]") {
  PullBind link;
  const std::string topic = "emulsion.v1.m1.model.";
  CHECK_FALSE(link.sink().has_reader(topic));
  link.subscribe("emulsion.v1.m1.");
  link.subscribe("emulsion.v1.m1.");
  CHECK(link.sink().has_reader(topic));
  CHECK_FALSE(link.sink().has_reader("emulsion.v1.m10.model."));
  link.readers.erase(link.readers.begin());
  link.readers.front().socket.set(zmq::sockopt::unsubscribe, "emulsion.v1.m1.");
  CHECK(eventually(link.hub, [&] { return !link.sink().has_reader(topic); }));
}

TEST_CASE("a topic matches whatever prefix of it is subscribed to, and nothing else", "[transport]") {
  std::mt19937 random(1);
  const auto word = [&] {
    std::string text;
    for (auto length = random() % 6; length > 0; --length) text += static_cast<char>('a' + random() % 2);
    return text;
  };
  for (int round = 0; round < 300; ++round) {
    Subscriptions subscriptions;
    std::set<std::string> prefixes;
    for (auto count = random() % 8; count > 0; --count) {
      const std::string prefix = word();
      subscriptions.add(prefix);
      prefixes.insert(prefix);
    }
    if (const std::string gone = word(); random() % 2 == 0) {
      subscriptions.remove(gone);
      prefixes.erase(gone);
    }
    for (int i = 0; i < 30; ++i) {
      const std::string topic = word();
      const bool expected = std::any_of(prefixes.begin(), prefixes.end(), [&](const std::string& prefix) { return topic.starts_with(prefix); });
      REQUIRE(subscriptions.match(topic) == expected);
    }
  }
}

TEMPLATE_TEST_CASE("each client gets the reply to its own request", "[transport]", MemoryLink, PullBind) {
  TestType link;
  CHECK_FALSE(link.control().receive());
  const auto first = link.ask("one");
  const auto second = link.ask("two");
  std::vector<Request> requests;
  for (int i = 0; i < 2; ++i) {
    auto request = link.next_request();
    REQUIRE(request);
    CHECK(request->fault.empty());
    requests.push_back(*request);
  }
  for (const Request& request : requests) link.control().reply(request, "reply to " + request.payload);
  CHECK(link.answer(second) == "reply to two");
  CHECK(link.answer(first) == "reply to one");
}

TEST_CASE("the memory transport keeps what was settled and sent, and refuses pushes once closed", "[transport]") {
  MemoryLink link;
  link.publish({{kTopic, "a"}, {kTopic, "b"}});
  link.source().settle(*link.source().receive(), Outcome::applied);
  link.source().settle(*link.source().receive(), Outcome::refused);
  CHECK(link.memory_source.outcomes() == std::vector{Outcome::applied, Outcome::refused});
  link.source().close_intake();
  CHECK_FALSE(link.memory_source.push({kTopic, "late"}));
  CHECK(link.source().describe() == "memory");
  link.sink().send({"t", "p"});
  REQUIRE(link.memory_sink.sent().size() == 1);
  CHECK(link.memory_sink.sent()[0].payload == "p");
  CHECK_FALSE(link.answer(7));
}

TEST_CASE("an endpoint in use, or none at all, is refused by name and reason", "[transport]") {
  ZmqHub hub;
  const auto first = hub.add_source(InputKind::pull, Attachment::bind, "tcp://127.0.0.1:*");
  REQUIRE(first);
  const std::string& taken = (*first)->endpoint();
  CHECK((*first)->describe() == "pull " + taken);
  CHECK(taken.find('*') == std::string::npos);
  const std::string in_use = "cannot bind " + taken + ": Address already in use";
  CHECK(hub.add_source(InputKind::subscribe, Attachment::bind, taken).error().message == in_use);
  CHECK(hub.add_sink(taken).error().message == in_use);
  CHECK(hub.add_control(taken).error().message == in_use);
  CHECK(hub.add_source(InputKind::pull, Attachment::connect, "nonsense").error().message ==
        "cannot connect nonsense: Invalid argument");
  CHECK(hub.add_sink("udp-like://x").error().message == "cannot bind udp-like://x: Protocol not supported");
}

TEST_CASE("a hub with options that libzmq refuses gives an error, not a crash", "[transport]") {
  ZmqOptions options;
  options.queue_messages = -1;
  ZmqHub hub(options);
  CHECK(hub.add_sink("tcp://127.0.0.1:*").error().message ==
        "cannot open a socket for tcp://127.0.0.1:*: Invalid argument");
}

TEST_CASE("waiting ends when the time is over, when a frame is there, and when a descriptor can be read",
          "[transport]") {
  PullBind link;
  const int fd = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  REQUIRE(fd >= 0);
  link.hub.add_descriptor(fd);
  CHECK_FALSE(link.hub.wait(std::chrono::milliseconds(0)));

  link.publish({{kTopic, "a"}});
  CHECK(link.hub.wait(kDeadline));
  CHECK(link.hub.wait(std::chrono::milliseconds(0)));  // until it is read
  REQUIRE(link.source().receive());
  CHECK_FALSE(link.hub.wait(std::chrono::milliseconds(0)));

  const std::uint64_t one = 1;
  REQUIRE(::write(fd, &one, sizeof one) == sizeof one);
  CHECK(link.hub.wait(kDeadline));
  ::close(fd);
}

TEST_CASE("a SUB source takes only Emulsion's topics", "[transport]") {
  SubscribeBind link;
  link.publish({{"another.protocol", "x"}, {kTopic, "ours"}});
  CHECK(link.next_frame()->payload == "ours");
}

TEST_CASE("the control channel answers DEALER clients, with an empty delimiter and without", "[transport]") {
  PullBind link;
  zmq::socket_t dealer(link.peers, zmq::socket_type::dealer);
  dealer.set(zmq::sockopt::linger, 0);
  dealer.connect(link.zmq_control->endpoint());
  const auto envelope = GENERATE(Parts{}, Parts{""}, Parts{"hop", ""});
  Parts message = envelope;
  message.push_back("question");
  send_parts(dealer, message);
  const auto request = link.next_request();
  REQUIRE(request);
  CHECK(request->payload == "question");
  link.control().reply(*request, "answer");
  Parts expected = envelope;
  expected.push_back("answer");
  CHECK(eventually(link.hub, [&] { return receive_parts(dealer); }) == expected);
}

TEST_CASE("a request of too many frames is a fault that can be answered", "[transport]") {
  PullBind link;
  zmq::socket_t dealer(link.peers, zmq::socket_type::dealer);
  dealer.set(zmq::sockopt::linger, 0);
  dealer.connect(link.zmq_control->endpoint());
  Parts message(1000, "x");
  message[0] = "";
  send_parts(dealer, message);
  const auto request = link.next_request();
  REQUIRE(request);
  CHECK(request->fault == "frames: 1000, expected at most 8");
  CHECK(request->payload.empty());
  link.control().reply(*request, "refused");
  CHECK(eventually(link.hub, [&] { return receive_parts(dealer); }) == Parts{"", "refused"});
}

TEST_CASE("a reply to a client that has gone is dropped, and the next client is served", "[transport]") {
  PullBind link;
  link.ask("soon gone");
  const auto request = link.next_request();
  REQUIRE(request);
  link.askers.clear();
  link.control().reply(*request, "nobody there");
  const auto ticket = link.ask("still here");
  const auto next = link.next_request();
  REQUIRE(next);
  link.control().reply(*next, "yes");
  CHECK(link.answer(ticket) == "yes");
}

TEST_CASE("a peer that sends a longer frame than allowed is cut off, others go on", "[transport]") {
  ZmqOptions options;
  options.max_message_bytes = 1024;
  ZmqHub hub(options);
  ZmqSource* source = hub.add_source(InputKind::pull, Attachment::bind, "tcp://127.0.0.1:*").value();
  RawPeer rude;
  rude.connect(source->endpoint());
  rude.shake_hands("PUSH");
  rude.write(std::string("\3\0\0\0\0\0\1\0\0", 9));  // the head of a frame of 64 KiB
  CHECK_THROWS_WITH(rude.read(1), "the peer closed");
  RawPeer polite;
  polite.connect(source->endpoint());
  polite.shake_hands("PUSH");
  polite.write(RawPeer::encode({kTopic, "good"}));
  CHECK(eventually(hub, [&] { return source->receive(); })->payload == "good");
}

TEST_CASE("a producer that never stops cannot keep a closing source open", "[transport]") {
  ZmqOptions options;
  options.queue_messages = 10;
  ZmqHub hub(options);
  ZmqSource* source = hub.add_source(InputKind::pull, Attachment::bind, "tcp://127.0.0.1:*").value();
  RawPeer peer;
  peer.connect(source->endpoint());
  peer.shake_hands("PUSH");
  std::string burst;
  for (const Parts& parts : numbered(200)) burst += RawPeer::encode(parts);
  peer.write(burst);
  REQUIRE(eventually(hub, [&] { return source->receive(); }));
  source->close_intake();
  int frames = 1;
  while (!source->exhausted() && frames < 200) {
    hub.wait(std::chrono::milliseconds(100));  // so that more is there, as long as more comes
    if (const auto frame = source->receive()) CHECK(frame->payload == std::to_string(frames++));
  }
  CHECK(frames > options.queue_messages);
  CHECK(frames < 200);
  CHECK_THROWS_WITH(peer.read(1), "the peer closed");
}

}  // namespace
}  // namespace emulsion::service
