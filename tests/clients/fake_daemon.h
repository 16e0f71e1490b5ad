// The sockets of a daemon with the simplest possible service behind them: it counts what it gets, and answers.
#pragma once

#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>
#include <zmq.hpp>

#include "clients/connection.h"
#include "emulsion/wire/convert.h"
#include "emulsion/wire/topic.h"

namespace emulsion::client {

// A thread of its own from construction to destruction.
class FakeDaemon {
 public:
  FakeDaemon() {
    for (zmq::socket_t* socket : {&input_, &output_, &control_}) {
      socket->set(zmq::sockopt::linger, 0);
      socket->bind("tcp://127.0.0.1:*");
    }
    endpoints_.input = input_.get(zmq::sockopt::last_endpoint);
    endpoints_.output = output_.get(zmq::sockopt::last_endpoint);
    endpoints_.control = control_.get(zmq::sockopt::last_endpoint);
    thread_ = std::thread([this] { serve(); });
  }

  ~FakeDaemon() {
    stop_ = true;
    thread_.join();
  }

  const Endpoints& endpoints() const { return endpoints_; }

  // Flags that point a subcommand here.
  std::vector<std::string> flags(const std::vector<std::string>& names) const {
    std::vector<std::string> result;
    for (const std::string& name : names) {
      result.push_back("--" + name);
      result.push_back(name == "input" ? endpoints_.input : name == "output" ? endpoints_.output : endpoints_.control);
    }
    return result;
  }

  using Refuse = std::function<bool(const wire::PointsMessage&)>;
  using Answer = std::function<wire::ControlReply(const wire::ControlRequest&)>;

  // Both are called in the daemon's thread, under its lock.
  void refuse_if(Refuse refuse) {
    const std::lock_guard lock(mutex_);
    refuse_ = std::move(refuse);
  }
  void answer_with(Answer answer) {  // in place of the usual answers
    const std::lock_guard lock(mutex_);
    answer_ = std::move(answer);
  }

  // Messages for whoever subscribes: sent when a subscription comes.
  void publish_to_subscribers(std::vector<Delivery> messages) {
    const std::lock_guard lock(mutex_);
    to_publish_ = std::move(messages);
  }

  std::vector<wire::PointsMessage> received() {
    const std::lock_guard lock(mutex_);
    return received_;
  }

  // Changes what is known of a stream.
  void set_stream(wire::StreamStatus status) {
    const std::lock_guard lock(mutex_);
    streams_[status.stream] = std::move(status);
  }
  void set_model(wire::ModelMessage model) {
    const std::lock_guard lock(mutex_);
    models_[model.stream] = std::move(model);
  }

 private:
  void serve() {
    while (!stop_) {
      zmq::pollitem_t items[] = {{input_.handle(), 0, ZMQ_POLLIN, 0},
                                 {output_.handle(), 0, ZMQ_POLLIN, 0},
                                 {control_.handle(), 0, ZMQ_POLLIN, 0}};
      zmq::poll(items, 3, std::chrono::milliseconds(20));
      const std::lock_guard lock(mutex_);
      for (auto parts = read(input_); parts.size() == 2; parts = read(input_)) take(parts[0], parts[1]);
      for (auto parts = read(output_); !parts.empty(); parts = read(output_)) {
        if (parts[0].starts_with('\1')) publish();
      }
      for (auto parts = read(control_); !parts.empty(); parts = read(control_)) reply(parts);
    }
  }

  static std::vector<std::string> read(zmq::socket_t& socket) {
    std::vector<std::string> parts;
    zmq::message_t part;
    while (socket.recv(part, zmq::recv_flags::dontwait)) {
      parts.push_back(part.to_string());
      if (!part.more()) break;
    }
    return parts;
  }

  void take(const std::string& topic, const std::string& payload) {
    ++messages_;
    const auto where = wire::parse_topic(topic);
    const auto message = codec_.decode_points(payload);
    if (!where || !message) {
      refusals_.push_back({"message", "malformed", 1});
      return;
    }
    auto& stream = streams_[std::string(where->stream)];
    stream.stream = where->stream;
    stream.dimension = static_cast<std::uint32_t>(message->batch.dimension());
    auto producer = std::find_if(stream.producers.begin(), stream.producers.end(),
                                 [&](const auto& known) { return known.producer == message->producer; });
    if (producer == stream.producers.end()) {
      stream.producers.push_back({});
      producer = stream.producers.end() - 1;
      producer->producer = message->producer;
    }
    producer->session = message->session;
    producer->last_sequence = message->sequence;
    ++producer->messages;
    const auto rows = static_cast<std::uint64_t>(message->batch.size());
    if (refuse_(*message)) {
      producer->rows_refused += rows;
      stream.refusals.push_back({"row", "not_finite", rows});
    } else {
      producer->rows_accepted += rows;
      stream.points_accepted += rows;
    }
    received_.push_back(*message);
  }

  void publish() {
    for (const Delivery& message : to_publish_) {
      output_.send(zmq::buffer(message.topic), zmq::send_flags::sndmore);
      output_.send(zmq::buffer(message.payload));
    }
  }

  void reply(const std::vector<std::string>& parts) {
    const auto request = codec_.decode_request(parts.back());
    if (!request) return;
    wire::ControlReply reply = answer_ ? answer_(*request) : usual_answer(*request);
    reply.request_id = request->request_id;
    for (std::size_t i = 0; i + 1 < parts.size(); ++i) control_.send(zmq::buffer(parts[i]), zmq::send_flags::sndmore);
    control_.send(zmq::buffer(codec_.encode(reply)));
  }

  wire::ControlReply usual_answer(const wire::ControlRequest& request) {
    const auto unknown = [](const std::string& name) {
      return wire::ControlError{wire::ControlErrorCode::unknown_stream, "there is no stream \"" + name + "\""};
    };
    wire::ControlReply reply;
    if (const auto* status = std::get_if<wire::StatusRequest>(&request.command)) {
      if (!status->stream.empty() && !streams_.contains(status->stream)) {
        reply.result = unknown(status->stream);
        return reply;
      }
      wire::StatusReply all;
      all.version = "0.1.0";
      all.messages_received = messages_;
      all.refusals = refusals_;
      for (const auto& [name, stream] : streams_) {
        if (status->stream.empty() || status->stream == name) all.streams.push_back(stream);
      }
      reply.result = all;
    } else if (std::holds_alternative<wire::ListRequest>(request.command)) {
      wire::ListReply list;
      for (const auto& [name, stream] : streams_) list.streams.push_back(name);
      reply.result = list;
    } else if (const auto* get = std::get_if<wire::GetModelRequest>(&request.command)) {
      if (!streams_.contains(get->stream))
        reply.result = unknown(get->stream);
      else if (!models_.contains(get->stream)) {
        reply.result = wire::ControlError{wire::ControlErrorCode::no_model, "no model yet"};
      } else
        reply.result = wire::GetModelReply{models_[get->stream]};
    } else if (std::holds_alternative<wire::SaveRequest>(request.command)) {
      reply.result = wire::SaveReply{{"a", "b"}};
    } else if (std::holds_alternative<wire::ResetRequest>(request.command)) {
      reply.result = wire::ResetReply{};
    } else if (std::holds_alternative<wire::PauseRequest>(request.command)) {
      reply.result = wire::PauseReply{};
    } else if (std::holds_alternative<wire::ResumeRequest>(request.command)) {
      reply.result = wire::ResumeReply{};
    } else if (std::holds_alternative<wire::FlushRequest>(request.command)) {
      reply.result = wire::FlushReply{60};
    } else {
      reply.result = wire::ShutdownReply{};
    }
    return reply;
  }

  zmq::context_t context_;
  zmq::socket_t input_{context_, zmq::socket_type::pull};
  zmq::socket_t output_{context_, zmq::socket_type::xpub};
  zmq::socket_t control_{context_, zmq::socket_type::router};
  Endpoints endpoints_;
  wire::Codec codec_;

  std::mutex mutex_;
  Refuse refuse_ = [](const auto&) { return false; };
  Answer answer_;
  std::vector<wire::PointsMessage> received_;
  std::map<std::string, wire::StreamStatus> streams_;
  std::map<std::string, wire::ModelMessage> models_;
  std::vector<wire::RefusalCount> refusals_;
  std::vector<Delivery> to_publish_;
  std::uint64_t messages_ = 0;
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

// An address where nobody is: bound once, to learn a free port, and left.
inline std::string empty_endpoint() {
  zmq::context_t context;
  zmq::socket_t socket(context, zmq::socket_type::pull);
  socket.bind("tcp://127.0.0.1:*");
  return socket.get(zmq::sockopt::last_endpoint);
}

}  // namespace emulsion::client
