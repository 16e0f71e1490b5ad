// Raw ZeroMQ beside the daemon: the same sockets, the same frames, and no work.
//
//   bench_echo REPLY_TOPIC REPLY_BYTES
//
// Answers every message of two frames on a PULL socket with two on an XPUB: the topic and so many bytes. Prints
// "INPUT OUTPUT", the endpoints that it has bound on loopback, and ends with its standard input.
#include <poll.h>
#include <unistd.h>

#include <iostream>
#include <string>
#include <zmq.hpp>

namespace {

constexpr int kQueueMessages = 1000000;

zmq::socket_t bound(zmq::context_t& context, zmq::socket_type type) {
  zmq::socket_t socket(context, type);
  socket.set(zmq::sockopt::linger, 0);
  socket.set(zmq::sockopt::sndhwm, kQueueMessages);
  socket.set(zmq::sockopt::rcvhwm, kQueueMessages);
  socket.bind("tcp://127.0.0.1:*");
  return socket;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const std::string topic = argv[1];
  const std::string payload(std::stoul(argv[2]), 'x');
  zmq::context_t context;
  zmq::socket_t input = bound(context, zmq::socket_type::pull);
  zmq::socket_t output = bound(context, zmq::socket_type::xpub);
  std::cout << input.get(zmq::sockopt::last_endpoint) << ' ' << output.get(zmq::sockopt::last_endpoint) << std::endl;

  zmq::pollitem_t items[] = {{input.handle(), 0, ZMQ_POLLIN, 0}, {output.handle(), 0, ZMQ_POLLIN, 0}, {nullptr, STDIN_FILENO, ZMQ_POLLIN, 0}};
  zmq::message_t first, second;
  for (;;) {
    zmq::poll(items, 3);
    if (items[2].revents != 0) return 0;
    while (output.recv(first, zmq::recv_flags::dontwait)) {
    }
    for (int i = 0; i < 64 && input.recv(first, zmq::recv_flags::dontwait); ++i) {
      if (!first.more() || !input.recv(second)) continue;
      output.send(zmq::buffer(topic), zmq::send_flags::sndmore);
      output.send(zmq::buffer(payload), zmq::send_flags::none);
    }
  }
}
