// Points that go out and labels that come back, with the time that it takes. Whoever answers may be a daemon or an echo.
#pragma once

#include <cstdint>
#include <string>
#include <vector>
#include <zmq.hpp>

#include "bench/data_set.h"
#include "emulsion/wire/convert.h"

namespace emulsion::bench {

// One message of points, encoded.
struct Outgoing {
  std::string topic;
  std::string payload;
};

// Cuts a data set into messages, one after another for streams s0, s1, ... in turn; goes round in the data. The messages
// of each stream are one session, without holes.
class MessageMaker {
 public:
  MessageMaker(DataSet data, Eigen::Index rows, std::size_t streams);

  // The next ones.
  std::vector<Outgoing> make(std::size_t count);

  // The next one of s0.
  Outgoing hello() { return next_of(0); }

 private:
  Outgoing next_of(std::size_t stream);

  DataSet data_;
  wire::Codec codec_;
  wire::PointsMessage message_;
  std::vector<std::string> topics_;
  std::vector<std::uint64_t> sequences_;  // of the next message of each stream
  std::size_t next_stream_ = 0;
  Eigen::Index next_point_ = 0;
};

// One connection to whoever takes points at `input` and publishes labels at `output`.
class LoadLine {
 public:
  LoadLine(const std::string& input, const std::string& output);

  // Subscribes to the labels of streams s0, s1, ..., and says hello until they come.
  // Throws std::runtime_error if they do not come.
  void subscribe(std::size_t streams, MessageMaker& maker);

  // Sends all as fast as they are taken, each from where it lies. Returns the seconds until the last answer is here.
  // Throws std::runtime_error if one does not come.
  double throughput(const std::vector<Outgoing>& messages);

  // Sends message i when i / rate seconds have passed, whatever comes back. Returns for each the seconds from the moment
  // when it was due until its answer is here: a message that goes out late counts as slow.
  std::vector<double> latencies(const std::vector<Outgoing>& messages, double rate);

  // Bytes of the payload of the latest answer.
  std::size_t answer_bytes() const { return answer_bytes_; }

 private:
  bool send(const Outgoing& message);  // which must stay until it is answered; false if it is not taken in time
  bool receive(int timeout_milliseconds);
  void expect_answer(std::size_t number, std::size_t count);

  std::vector<Outgoing> hellos_;  // ZeroMQ reads each where it is until it has gone
  zmq::context_t context_;
  zmq::socket_t points_{context_, zmq::socket_type::push};
  zmq::socket_t answers_{context_, zmq::socket_type::sub};
  std::size_t answer_bytes_ = 0;
};

}  // namespace emulsion::bench
