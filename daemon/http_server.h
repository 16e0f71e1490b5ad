// A small HTTP server for pages that monitoring systems read.
//
// GET and HEAD over HTTP/1.0 and 1.1, from one thread of its own. It is meant for a trusted network and still holds its
// ground: headers are bounded, request bodies are refused, a client that is slow, idle or broken costs one of a bounded
// number of connections for a bounded time, and never makes another wait for it.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "emulsion/result.h"

namespace emulsion::service {

struct HttpReply {
  unsigned status = 200;
  std::string body;
  std::string content_type = "text/plain; charset=utf-8";
};

// Makes the reply of one path. Called in the server's thread; does not throw.
using HttpPage = std::function<HttpReply()>;

// By path, such as "/metrics". A query after the path is ignored.
using HttpPages = std::map<std::string, HttpPage, std::less<>>;

struct HttpServerOptions {
  // "host:port"; an IPv6 address in brackets. Port 0: any that is free.
  std::string endpoint = "127.0.0.1:7704";

  // Longest time for a client to send one request, to take one reply, or to be idle. Range > 0.
  std::chrono::milliseconds timeout{5000};

  // Longest request line and headers together, in bytes. Range > 0.
  std::size_t max_header_bytes = 8192;

  // Connections at one time; further ones wait in the kernel's queue until one of them ends. Range > 0.
  std::size_t max_connections = 64;
};

class HttpServer {
 public:
  // Listens and starts to serve.
  // Errors: the endpoint cannot be read, resolved or bound; the message names it and the reason.
  static Result<HttpServer> start(const HttpServerOptions& options, HttpPages pages);

  // Closes every connection and ends the thread.
  ~HttpServer();
  HttpServer(HttpServer&&) noexcept;
  HttpServer& operator=(HttpServer&&) noexcept;

  // The port that it listens on.
  unsigned short port() const;

 private:
  struct Service;
  explicit HttpServer(std::unique_ptr<Service> service);

  std::unique_ptr<Service> service_;
};

}  // namespace emulsion::service
