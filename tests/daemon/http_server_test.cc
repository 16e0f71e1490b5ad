#include "daemon/http_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace emulsion::service {
namespace {

using Catch::Matchers::Contains;
using Catch::Matchers::EndsWith;
using Catch::Matchers::StartsWith;
using namespace std::chrono_literals;

constexpr int kDeadlineMilliseconds = 20000;

// A client that says exactly what the test tells it to.
class Client {
 public:
  explicit Client(const HttpServer& server) : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(server.port());
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    // Thrown, as Catch's own assertions are for one thread at a time.
    if (connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
      throw std::runtime_error("cannot connect");
    }
  }
  ~Client() { close(fd_); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // False if the server has hung up.
  bool send(const std::string& text) {
    return ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size());
  }

  // Makes `send` wait until the server has taken nearly everything.
  void keep_little() {
    const int bytes = 4096;
    REQUIRE(setsockopt(fd_, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes) == 0);
  }

  // Nothing more will be sent.
  void finish() { shutdown(fd_, SHUT_WR); }

  bool readable(int milliseconds) const {
    pollfd watched{fd_, POLLIN, 0};
    return poll(&watched, 1, milliseconds) == 1;
  }

  // One reply with its body, as Content-Length bounds it. What follows stays for the next call.
  std::string reply(bool head = false) {
    std::size_t end = std::string::npos;
    while ((end = unread_.find("\r\n\r\n")) == std::string::npos) {
      if (!receive()) return std::exchange(unread_, "");
    }
    std::size_t size = end + 4;
    const auto field = unread_.find("Content-Length: ");
    if (field < end && !head) size += std::strtoul(unread_.c_str() + field + 16, nullptr, 10);
    while (unread_.size() < size && receive()) {
    }
    const std::string text = unread_.substr(0, size);
    unread_.erase(0, size);
    return text;
  }

  // Everything until the server hangs up.
  std::string rest() {
    while (receive()) {
    }
    return std::exchange(unread_, "");
  }

 private:
  bool receive() {
    if (!readable(kDeadlineMilliseconds)) throw std::runtime_error("the server neither answers nor hangs up");
    char piece[4096];
    const auto size = recv(fd_, piece, sizeof piece, 0);
    if (size > 0) unread_.append(piece, static_cast<std::size_t>(size));
    return size > 0;
  }

  int fd_;
  std::string unread_;
};

HttpServer serve(HttpServerOptions options = {}) {
  options.endpoint = "127.0.0.1:0";
  HttpPages pages;
  pages["/metrics"] = [] { return HttpReply{200, "a 1\n", "text/plain; version=0.0.4"}; };
  pages["/readyz"] = [] { return HttpReply{503, "restoring state\n"}; };
  auto server = HttpServer::start(options, std::move(pages));
  REQUIRE(server);
  REQUIRE(server->port() != 0);
  return std::move(*server);
}

std::string ask(const HttpServer& server, const std::string& request) {
  Client client(server);
  client.send(request);
  return client.reply(request.starts_with("HEAD"));
}

TEST_CASE("GET gives a page with its type and length", "[http_server]") {
  const auto server = serve();
  const auto reply = ask(server, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
  CHECK_THAT(reply, StartsWith("HTTP/1.1 200 OK\r\n"));
  CHECK_THAT(reply, Contains("\r\nContent-Type: text/plain; version=0.0.4\r\n"));
  CHECK_THAT(reply, Contains("\r\nContent-Length: 4\r\n"));
  CHECK_THAT(reply, EndsWith("\r\n\r\na 1\n"));
}

TEST_CASE("the status is that of the page", "[http_server]") {
  const auto server = serve();
  const auto reply = ask(server, "GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n");
  CHECK_THAT(reply, StartsWith("HTTP/1.1 503 Service Unavailable\r\n") && EndsWith("\r\n\r\nrestoring state\n"));
}

TEST_CASE("HEAD gives the headers of GET and no body", "[http_server]") {
  const auto server = serve();
  Client client(server);
  client.send(
      "HEAD /metrics HTTP/1.1\r\nHost: x\r\n\r\nHEAD /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  const auto reply = client.reply(true);
  CHECK_THAT(reply, StartsWith("HTTP/1.1 200 OK\r\n") && Contains("\r\nContent-Length: 4\r\n"));
  CHECK_THAT(client.rest(), StartsWith("HTTP/1.1 200 OK\r\n") && EndsWith("\r\n\r\n"));
}

TEST_CASE("a query is ignored", "[http_server]") {
  const auto server = serve();
  CHECK_THAT(ask(server, "GET /metrics?name=x HTTP/1.1\r\nHost: x\r\n\r\n"), StartsWith("HTTP/1.1 200 OK\r\n"));
}

TEST_CASE("an unknown page is 404", "[http_server]") {
  const auto server = serve();
  for (const std::string target : {"/", "/metricsx", "/metrics/", "*"}) {
    CHECK_THAT(ask(server, "GET " + target + " HTTP/1.1\r\nHost: x\r\n\r\n"), StartsWith("HTTP/1.1 404 Not Found\r\n"));
  }
  CHECK_THAT(ask(server, "HEAD /x HTTP/1.1\r\nHost: x\r\n\r\n"), StartsWith("HTTP/1.1 404 ") && EndsWith("\r\n\r\n"));
}

TEST_CASE("another method is 405 and the reply names those that are allowed", "[http_server]") {
  const auto server = serve();
  for (const std::string method : {"POST", "DELETE", "OPTIONS", "BREW"}) {
    const auto reply = ask(server, method + " /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
    CHECK_THAT(reply, StartsWith("HTTP/1.1 405 Method Not Allowed\r\n") && Contains("\r\nAllow: GET, HEAD\r\n"));
  }
}

TEST_CASE("requests on one connection are answered in order", "[http_server]") {
  const auto server = serve();
  Client client(server);
  const std::string metrics = "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n";
  const std::string ready = "GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n";
  client.send(metrics);
  CHECK_THAT(client.reply(), EndsWith("a 1\n"));
  client.send(ready + metrics);
  CHECK_THAT(client.reply(), EndsWith("restoring state\n"));
  CHECK_THAT(client.reply(), EndsWith("a 1\n"));
}

TEST_CASE("a client that wants one answer gets it and the end", "[http_server]") {
  const auto server = serve();
  for (const char* request : {"GET /metrics HTTP/1.0\r\n\r\n", "GET /metrics HTTP/1.1\r\nConnection: close\r\n\r\n"}) {
    Client client(server);
    client.send(request);
    CHECK_THAT(client.rest(), EndsWith("\r\n\r\na 1\n"));
  }
}

TEST_CASE("a malformed request is 400 and the end", "[http_server]") {
  const auto server = serve();
  for (const std::string request :
       {"nonsense\r\n\r\n", "GET /metrics\r\n\r\n", "GET /metrics HTTP/9.9\r\n\r\n",
        "GET /metrics HTTP/1.1\r\nno colon\r\n\r\n", "GET /metrics HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "\x16\x03\x01\x02\r\n\r\n"}) {
    Client client(server);
    client.send(request);
    CHECK_THAT(client.rest(), StartsWith("HTTP/1.1 400 Bad Request\r\n"));
  }
}

TEST_CASE("headers that are too long are 431 and the end", "[http_server]") {
  const auto server = serve({.max_header_bytes = 1024});
  for (const std::string& request : {"GET /metrics HTTP/1.1\r\nX: " + std::string(1100, 'x') + "\r\n\r\n",
                                     "GET /" + std::string(1100, 'x') + " HTTP/1.1\r\n\r\n",
                                     "GET /metrics HTTP/1.1\r\nX: " + std::string(500000, 'x')}) {
    Client client(server);
    client.send(request);
    CHECK_THAT(client.rest(), StartsWith("HTTP/1.1 431 Request Header Fields Too Large\r\n"));
  }
  CHECK_THAT(ask(server, "GET /metrics HTTP/1.1\r\nX: " + std::string(900, 'x') + "\r\n\r\n"),
             StartsWith("HTTP/1.1 200 "));
}

TEST_CASE("a client that is refused while it still sends can finish and read why", "[http_server]") {
  const auto server = serve();
  Client client(server);
  client.keep_little();
  CHECK(client.send("GET /metrics HTTP/1.1\r\nX: " + std::string(500000, 'x')));
  client.finish();
  CHECK_THAT(client.rest(), StartsWith("HTTP/1.1 431 "));
}

TEST_CASE("a request with a body is refused, however long it says that the body is", "[http_server]") {
  const auto server = serve();
  const auto after_headers = [&](const std::string& method, const std::string& headers) {
    Client client(server);
    client.send(method + " /metrics HTTP/1.1\r\n" + headers + "\r\n\r\n" + std::string(10000, 'x'));
    return client.rest();
  };
  for (const std::string headers :
       {"Content-Length: 10000", "Content-Length: 18446744073709551615", "Transfer-Encoding: chunked"}) {
    CHECK_THAT(after_headers("GET", headers), StartsWith("HTTP/1.1 413 Payload Too Large\r\n"));
    CHECK_THAT(after_headers("POST", headers), StartsWith("HTTP/1.1 405 Method Not Allowed\r\n"));
  }
}

TEST_CASE("a client that is slow does not make another wait", "[http_server]") {
  const auto server = serve({.timeout = 1h});
  Client slow(server);
  slow.send("GET /metr");
  CHECK_THAT(ask(server, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"), StartsWith("HTTP/1.1 200 OK\r\n"));
  slow.send("ics HTTP/1.1\r\nHost: x\r\n\r\n");
  CHECK_THAT(slow.reply(), StartsWith("HTTP/1.1 200 OK\r\n"));
}

TEST_CASE("a client that does not finish its request is cut off", "[http_server]") {
  const auto server = serve({.timeout = 50ms});
  Client silent(server);
  CHECK(silent.rest() == "");
  Client half(server);
  half.send("GET /metrics HTTP/1.1\r\n");
  CHECK(half.rest() == "");
}

TEST_CASE("a client that drips does not gain time", "[http_server]") {
  const auto server = serve({.timeout = 100ms});
  Client drips(server);
  drips.send("GET /metrics HTTP/1.1\r\n");
  // One header every few milliseconds; readable means that the server has hung up.
  int headers = 0;
  while (!drips.readable(5) && headers < 1000) {
    drips.send("X: y\r\n");
    ++headers;
  }
  CHECK(headers < 1000);
}

TEST_CASE("a connection that is idle after its answer is cut off", "[http_server]") {
  const auto server = serve({.timeout = 50ms});
  Client client(server);
  client.send("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
  CHECK_THAT(client.rest(), EndsWith("a 1\n"));
}

TEST_CASE("connections beyond the most that are allowed wait until one ends", "[http_server]") {
  const auto server = serve({.timeout = 1h, .max_connections = 2});
  std::optional<Client> first(std::in_place, server);
  Client second(server);
  Client third(server);
  third.send("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
  CHECK_FALSE(third.readable(100));
  first.reset();
  CHECK_THAT(third.reply(), StartsWith("HTTP/1.1 200 OK\r\n"));
}

TEST_CASE("when all connections are taken nobody keeps one", "[http_server]") {
  const auto server = serve({.timeout = 1h, .max_connections = 1});
  for (int i = 0; i < 3; ++i) {
    Client client(server);
    client.send("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
    CHECK_THAT(client.rest(), Contains("\r\nConnection: close\r\n"));
  }
}

TEST_CASE("many clients at once are all answered", "[http_server]") {
  const auto server = serve({.max_connections = 4});
  std::atomic<int> answered = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 20; ++n) {
        answered += ask(server, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n").starts_with("HTTP/1.1 200 OK\r\n");
      }
    });
  }
  for (auto& thread : threads) thread.join();
  CHECK(answered == 160);
}

TEST_CASE("a server ends at once whatever its clients do", "[http_server]") {
  std::optional<HttpServer> server(serve({.timeout = 1h}));
  Client silent(*server);
  Client half(*server);
  half.send("GET /met");
  Client idle(*server);
  idle.send("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
  CHECK_THAT(idle.reply(), StartsWith("HTTP/1.1 200 OK\r\n"));
  server.reset();
  CHECK(idle.rest() == "");
}

TEST_CASE("an endpoint that is taken is an error that names it and the reason", "[http_server]") {
  const auto server = serve();
  const std::string endpoint = "127.0.0.1:" + std::to_string(server.port());
  const auto second = HttpServer::start({.endpoint = endpoint}, {});
  REQUIRE_FALSE(second);
  CHECK(second.error().message == "http endpoint \"" + endpoint + "\": cannot listen: Address already in use");
}

TEST_CASE("an endpoint that cannot be read is an error that says what was expected", "[http_server]") {
  const auto message = [](const std::string& endpoint) {
    const auto server = HttpServer::start({.endpoint = endpoint}, {});
    REQUIRE_FALSE(server);
    return server.error().message;
  };
  CHECK(message("7704") == "http endpoint \"7704\": expected host:port, such as 127.0.0.1:7704");
  CHECK(message(":7704") == "http endpoint \":7704\": expected a host before the port, such as 127.0.0.1:7704");
  CHECK(message("::1:7704") == "http endpoint \"::1:7704\": expected an IPv6 address in brackets, such as [::1]:7704");
  CHECK(message("127.0.0.1:") == "http endpoint \"127.0.0.1:\": port \"\" is not a number from 0 to 65535");
  CHECK(message("127.0.0.1:99999") ==
        "http endpoint \"127.0.0.1:99999\": port \"99999\" is not a number from 0 to 65535");
  CHECK(message("127.0.0.1:-1") == "http endpoint \"127.0.0.1:-1\": port \"-1\" is not a number from 0 to 65535");
  CHECK_THAT(message("300.0.0.1.:1"), StartsWith("http endpoint \"300.0.0.1.:1\": cannot resolve \"300.0.0.1.\": "));
}

TEST_CASE("a server can be reached by the name of its host", "[http_server]") {
  const auto server = HttpServer::start({.endpoint = "localhost:0"}, {});
  REQUIRE(server);
  CHECK(server->port() != 0);
}

}  // namespace
}  // namespace emulsion::service
