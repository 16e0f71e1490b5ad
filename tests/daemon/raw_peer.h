// A ZeroMQ peer made of a plain TCP socket, for what libzmq's own sockets would not do on purpose: many messages in one
// segment, so that they are received together, and broken ones.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace emulsion::service {

// ZMTP 3.0 with the NULL mechanism, https://rfc.zeromq.org/spec/23/.
class RawPeer {
 public:
  RawPeer() = default;
  RawPeer(const RawPeer&) = delete;
  RawPeer& operator=(const RawPeer&) = delete;
  ~RawPeer() {
    if (connection_ >= 0) ::close(connection_);
    if (listener_ >= 0) ::close(listener_);
  }

  // Waits for somebody to connect to the endpoint that is returned.
  std::string listen() {
    listener_ = check(::socket(AF_INET, SOCK_STREAM, 0), "socket");
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    check(::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address), "bind");
    check(::listen(listener_, 1), "listen");
    socklen_t size = sizeof address;
    check(::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size), "getsockname");
    return "tcp://127.0.0.1:" + std::to_string(ntohs(address.sin_port));
  }
  void accept() { connection_ = check(::accept(listener_, nullptr, nullptr), "accept"); }

  void connect(const std::string& endpoint) {
    connection_ = check(::socket(AF_INET, SOCK_STREAM, 0), "socket");
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<std::uint16_t>(std::stoi(endpoint.substr(endpoint.rfind(':') + 1))));
    check(::connect(connection_, reinterpret_cast<sockaddr*>(&address), sizeof address), "connect");
  }

  // Says what kind of socket this pretends to be, and reads the other's greeting and first command.
  void shake_hands(const std::string& type) {
    const int on = 1;
    check(::setsockopt(connection_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on), "setsockopt");
    std::string greeting("\xFF\0\0\0\0\0\0\0\x01\x7F\x03\0NULL", 16);
    greeting.resize(64);
    write(greeting);
    read(64);
    const std::string ready = std::string("\5READY\13Socket-Type\0\0\0", 21) + static_cast<char>(type.size()) + type;
    write(std::string(1, '\4') + static_cast<char>(ready.size()) + ready);
    const std::string head = read(2);
    read(static_cast<unsigned char>(head[1]));
  }

  static std::string encode(const std::vector<std::string>& parts) {
    std::string bytes;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      const std::size_t size = parts[i].size();
      const bool long_frame = size > 255;
      bytes += static_cast<char>((i + 1 < parts.size() ? 1 : 0) | (long_frame ? 2 : 0));
      for (int shift = long_frame ? 56 : 0; shift >= 0; shift -= 8) bytes += static_cast<char>(size >> shift & 255);
      bytes += parts[i];
    }
    return bytes;
  }

  void write(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(connection_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      bytes.remove_prefix(static_cast<std::size_t>(check(static_cast<int>(sent), "send")));
    }
  }

  std::string read(std::size_t size) {
    std::string bytes(size, '\0');
    std::size_t had = 0;
    while (had < size) {
      pollfd ready{connection_, POLLIN, 0};
      if (check(::poll(&ready, 1, 10000), "poll") == 0) throw std::runtime_error("the peer said nothing for 10 s");
      const ssize_t got = ::recv(connection_, bytes.data() + had, size - had, 0);
      if (check(static_cast<int>(got), "recv") == 0) throw std::runtime_error("the peer closed");
      had += static_cast<std::size_t>(got);
    }
    return bytes;
  }

 private:
  static int check(int outcome, const char* call) {
    if (outcome < 0) throw std::runtime_error(call);
    return outcome;
  }

  int listener_ = -1;
  int connection_ = -1;
};

}  // namespace emulsion::service
