// The conversation of an acknowledged input to values and back.
#include "emulsion/wire/convert_parts.h"

namespace emulsion::wire {

Result<HelloMessage> read(const v1::Hello& message) {
  if (auto ok = check_producer(message.producer()); !ok) return fail(ok.error().message);
  if (message.question() == 0) return fail("question: 0, expected at least 1");
  return HelloMessage{message.producer(), message.session(), message.question()};
}

void write(const HelloMessage& value, v1::Hello& message) {
  message.set_producer(value.producer);
  message.set_session(value.session);
  message.set_question(value.question);
}

Result<AcknowledgementMessage> read(const v1::Acknowledgement& message) {
  if (auto ok = check_stream(message.stream()); !ok) return fail(ok.error().message);
  if (auto ok = check_producer(message.producer()); !ok) return fail(ok.error().message);
  if (message.expected_sequence() < message.next_sequence()) {
    return fail("expected_sequence: " + std::to_string(message.expected_sequence()) + ", expected at least " +
                std::to_string(message.next_sequence()) + ", which is next_sequence");
  }
  AcknowledgementMessage result;
  result.stream = message.stream();
  result.producer = message.producer();
  result.session = message.session();
  result.daemon_session = message.daemon_session();
  result.next_sequence = message.next_sequence();
  result.expected_sequence = message.expected_sequence();
  result.credit = message.credit();
  result.question = message.question();
  result.out_of_order = message.out_of_order();
  result.fault = message.fault();
  return result;
}

void write(const AcknowledgementMessage& value, v1::Acknowledgement& message) {
  message.set_stream(value.stream);
  message.set_producer(value.producer);
  message.set_session(value.session);
  message.set_daemon_session(value.daemon_session);
  message.set_next_sequence(value.next_sequence);
  message.set_expected_sequence(value.expected_sequence);
  message.set_credit(value.credit);
  message.set_question(value.question);
  message.set_out_of_order(value.out_of_order);
  message.set_fault(utf8(value.fault));
}

}  // namespace emulsion::wire
