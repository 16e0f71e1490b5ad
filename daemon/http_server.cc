// One thread runs the context, so Asio's fences would guard nothing; and thread sanitizer does not know fences.
#define BOOST_ASIO_DISABLE_FENCED_BLOCK

#include "daemon/http_server.h"

#include <fmt/core.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/system/system_error.hpp>
#include <charconv>
#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>

namespace emulsion::service {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using boost::system::error_code;
using tcp = asio::ip::tcp;

// What an unread rest of a request may hold before the connection is cut.
constexpr std::size_t kMaxDiscardedBytes = 1 << 20;
constexpr std::chrono::milliseconds kAcceptPause{100};

struct HostPort {
  std::string host;
  std::string port;
};

Result<HostPort> parse_endpoint(std::string_view endpoint) {
  const auto colon = endpoint.rfind(':');
  if (colon == std::string_view::npos) return fail("expected host:port, such as 127.0.0.1:7704");
  std::string_view host = endpoint.substr(0, colon);
  const std::string_view port = endpoint.substr(colon + 1);
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return fail("expected an IPv6 address in brackets, such as [::1]:7704");
  }
  if (host.empty()) return fail("expected a host before the port, such as 127.0.0.1:7704");
  std::uint16_t number = 0;
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
  if (error != std::errc{} || end != port.data() + port.size()) {
    return fail(fmt::format("port \"{}\" is not a number from 0 to 65535", port));
  }
  return HostPort{std::string(host), std::string(port)};
}

error_code listen(tcp::acceptor& acceptor, const tcp::endpoint& endpoint) {
  error_code error;
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error) {
    error_code ignored;
    acceptor.close(ignored);
  }
  return error;
}

HttpReply refusal(http::status status) {
  return {static_cast<unsigned>(status), std::string(http::obsolete_reason(status)) + "\n"};
}

// The answer to a request that could not be read; nothing if nobody waits for one.
std::optional<http::status> status_for(error_code error) {
  if (error == http::error::end_of_stream || error == http::error::partial_message) return std::nullopt;
  if (error == http::error::header_limit || error == http::error::buffer_overflow) {
    return http::status::request_header_fields_too_large;
  }
  if (error.category() == http::make_error_code(http::error::bad_method).category()) return http::status::bad_request;
  return std::nullopt;
}

}  // namespace

struct HttpServer::Service {
  class Session;

  Service(const HttpServerOptions& server_options, HttpPages server_pages)
      : options(server_options), pages(std::move(server_pages)) {}

  ~Service() {
    io.stop();
    if (thread.joinable()) thread.join();
    stopped = true;
  }

  void accept();
  void accept_if_room();

  const HttpServerOptions options;
  const HttpPages pages;
  std::size_t connections = 0;
  bool accepting = false;
  bool stopped = false;
  unsigned short port = 0;
  asio::io_context io{1};
  tcp::acceptor acceptor{io};
  asio::steady_timer pause{io};
  std::thread thread;
};

// One connection: requests are read and answered one after another.
// It lives as long as an operation of it is under way.
class HttpServer::Service::Session : public std::enable_shared_from_this<Session> {
 public:
  Session(tcp::socket socket, Service& service)
      : stream_(std::move(socket)), buffer_(service.options.max_header_bytes + 4096), service_(service) {
    ++service_.connections;
  }
  ~Session() {
    --service_.connections;
    service_.accept_if_room();
  }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  void read() {
    parser_.emplace();
    parser_->header_limit(static_cast<std::uint32_t>(service_.options.max_header_bytes));
    // A body is refused by `answer`, which knows the method.
    parser_->body_limit(std::numeric_limits<std::uint64_t>::max());
    stream_.expires_after(service_.options.timeout);  // for the whole header, however many pieces it comes in
    http::async_read_header(stream_, buffer_, *parser_, [self = shared_from_this()](error_code error, std::size_t) {
      if (!error) return self->answer();
      if (const auto status = status_for(error)) self->write(refusal(*status), {.keep_alive = false});
    });
  }

 private:
  struct Framing {
    bool keep_alive = true;
    bool head = false;   // headers alone
    bool allow = false;  // name the methods that are allowed
  };

  void answer() {
    const auto& request = parser_->get();
    const bool crowded = service_.connections >= service_.options.max_connections;
    const bool has_body = parser_->chunked() || parser_->content_length().value_or(0) > 0;
    Framing framing{.keep_alive = request.keep_alive() && !crowded && !has_body,
                    .head = request.method() == http::verb::head};

    const auto target = std::string_view(request.target().data(), request.target().size());
    const auto page = service_.pages.find(target.substr(0, target.find('?')));
    if (page == service_.pages.end()) return write(refusal(http::status::not_found), framing);
    if (!framing.head && request.method() != http::verb::get) {
      framing.allow = true;
      return write(refusal(http::status::method_not_allowed), framing);
    }
    if (has_body) return write(refusal(http::status::payload_too_large), framing);
    write(page->second(), framing);
  }

  void write(HttpReply reply, Framing framing) {
    response_ = {};
    response_.version(parser_->get().version() == 10 ? 10 : 11);
    response_.result(reply.status);
    response_.set(http::field::server, "emulsiond");
    response_.set(http::field::content_type, reply.content_type);
    response_.set(http::field::cache_control, "no-store");
    if (framing.allow) response_.set(http::field::allow, "GET, HEAD");
    response_.content_length(reply.body.size());
    response_.keep_alive(framing.keep_alive);
    if (!framing.head) response_.body() = std::move(reply.body);

    stream_.expires_after(service_.options.timeout);
    http::async_write(stream_, response_, [self = shared_from_this(), framing](error_code error, std::size_t) {
      if (error) return;
      if (framing.keep_alive) return self->read();
      error_code ignored;  // the client may have gone
      self->stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
      self->stream_.expires_after(self->service_.options.timeout);
      self->discard();
    });
  }

  // Reads what the client still sends: closing a socket with unread bytes resets it, and the client could lose the
  // reply.
  void discard() {
    stream_.async_read_some(asio::buffer(discarded_), [self = shared_from_this()](error_code error, std::size_t size) {
      self->discarded_bytes_ += size;
      if (!error && self->discarded_bytes_ < kMaxDiscardedBytes) self->discard();
    });
  }

  beast::tcp_stream stream_;
  beast::flat_buffer buffer_;
  std::optional<http::request_parser<http::empty_body>> parser_;
  http::response<http::string_body> response_;
  std::array<char, 4096> discarded_;
  std::size_t discarded_bytes_ = 0;
  Service& service_;
};

void HttpServer::Service::accept() {
  accepting = true;
  acceptor.async_accept([this](error_code error, tcp::socket socket) {
    accepting = false;
    if (error == asio::error::operation_aborted) return;
    if (error) {
      // Without free descriptors every accept fails at once: wait, or this thread would spin.
      accepting = true;
      pause.expires_after(kAcceptPause);
      pause.async_wait([this](error_code) { accept(); });
      return;
    }
    std::make_shared<Session>(std::move(socket), *this)->read();
    accept_if_room();
  });
}

void HttpServer::Service::accept_if_room() {
  if (!stopped && !accepting && connections < options.max_connections) accept();
}

HttpServer::HttpServer(std::unique_ptr<Service> service) : service_(std::move(service)) {}
HttpServer::~HttpServer() = default;
HttpServer::HttpServer(HttpServer&&) noexcept = default;
HttpServer& HttpServer::operator=(HttpServer&&) noexcept = default;

Result<HttpServer> HttpServer::start(const HttpServerOptions& options, HttpPages pages) {
  const auto refuse = [&](std::string_view reason) {
    return fail(fmt::format("http endpoint \"{}\": {}", options.endpoint, reason));
  };
  const auto where = parse_endpoint(options.endpoint);
  if (!where) return refuse(where.error().message);
  try {
    auto service = std::make_unique<Service>(options, std::move(pages));
    error_code error;
    tcp::resolver resolver(service->io);
    const auto found =
        resolver.resolve(where->host, where->port, tcp::resolver::passive | tcp::resolver::numeric_service, error);
    if (error) return refuse(fmt::format("cannot resolve \"{}\": {}", where->host, error.message()));
    for (const auto& entry : found) {
      error = listen(service->acceptor, entry.endpoint());
      if (!error) break;
    }
    if (error) return refuse(fmt::format("cannot listen: {}", error.message()));
    service->port = service->acceptor.local_endpoint(error).port();
    if (error) return refuse(fmt::format("cannot listen: {}", error.message()));
    service->accept();
    service->thread = std::thread([context = &service->io] { context->run(); });
    return HttpServer(std::move(service));
  } catch (const boost::system::system_error& error) {  // no descriptor is left
    return refuse(fmt::format("cannot start: {}", error.what()));
  } catch (const std::system_error& error) {  // no thread is left
    return refuse(fmt::format("cannot start: {}", error.what()));
  }
}

unsigned short HttpServer::port() const { return service_->port; }

}  // namespace emulsion::service
