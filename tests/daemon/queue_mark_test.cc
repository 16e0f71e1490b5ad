// However large the messages of a socket are and become, all of them get through.
#include <string>

#include "daemon/transport_links.h"

namespace emulsion::service {
namespace {

const std::string kMarkTopic = "emulsion.v1.radar.points.";

// Small messages, large ones, and small ones again; never more on the way at a time than may wait in any case.
template <typename Wait, typename Send, typename Receive>
void change_sizes(int small_first, Wait wait, Send send, Receive receive) {
  int sent = 0;
  const auto burst = [&](int count, std::size_t bytes) {
    wait();
    for (int i = 0; i < count; ++i) send(std::to_string(sent + i) + std::string(bytes, ' '));
    for (int i = 0; i < count; ++i, ++sent) {
      const std::string payload = receive();
      REQUIRE(payload.substr(0, payload.find(' ')) == std::to_string(sent));
    }
  };
  for (int i = 0; i < small_first; ++i) burst(1, 1);
  for (int i = 0; i < 10; ++i) burst(1, 100000);
  for (int i = 0; i < 20; ++i) burst(30, 1);
}

TEST_CASE("messages that grow large at any time get through, and so do those after them", "[transport]") {
  const int small_first = GENERATE(0, 1, 3, 4, 15, 16, 17, 31, 33, 63, 64, 65, 127, 129, 300, 499, 501);
  CAPTURE(small_first);
  ZmqOptions options;
  options.queue_messages = 1000;
  options.queue_bytes = 1000 << 13;
  ZmqHub hub(options);
  const auto wait = [&] { hub.wait(std::chrono::milliseconds(0)); };  // only then a sink hears how far it is read
  SECTION("in") {
    ZmqSource* source = hub.add_source(InputKind::pull, Attachment::bind, "tcp://127.0.0.1:*").value();
    RawPeer peer;
    peer.connect(source->endpoint());
    peer.shake_hands("PUSH");
    change_sizes(
        small_first, wait, [&](const std::string& payload) { peer.write(RawPeer::encode({kMarkTopic, payload})); },
        [&] {
          const auto frame = eventually(hub, [&] { return source->receive(); });
          REQUIRE(frame);
          std::string payload(frame->payload);
          source->settle(*frame, Outcome::applied);
          return payload;
        });
  }
  SECTION("out") {
    zmq::context_t readers{1};
    ZmqSink* sink = hub.add_sink("tcp://127.0.0.1:*").value();
    zmq::socket_t reader(readers, zmq::socket_type::sub);
    reader.set(zmq::sockopt::subscribe, kMarkTopic);
    reader.connect(sink->endpoint());
    REQUIRE(eventually(hub, [&] { return sink->has_reader(kMarkTopic); }));
    change_sizes(
        small_first, wait, [&](const std::string& payload) { sink->send({kMarkTopic, payload}); },
        [&] {
          const auto parts = eventually(hub, [&] { return receive_parts(reader); });
          REQUIRE(parts);
          return parts->at(1);
        });
  }
}

}  // namespace
}  // namespace emulsion::service
