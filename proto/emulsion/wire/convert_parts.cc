#include "emulsion/wire/convert_parts.h"

#include <google/protobuf/stubs/logging.h>
#include <google/protobuf/wire_format_lite.h>

#include <bit>
#include <cstdio>

#include "emulsion/wire/quoted.h"
#include "emulsion/wire/silence.h"
#include "emulsion/wire/topic.h"

namespace emulsion::wire {

static_assert(std::endian::native == std::endian::little, "bytes fields are little-endian and copied as they are");

void silence_protobuf() { [[maybe_unused]] static const auto previous = google::protobuf::SetLogHandler(nullptr); }

std::string text_of(double number) {
  char text[32];
  std::snprintf(text, sizeof text, "%.9g", number);
  return text;
}

std::string utf8(const std::string& text) {
  using google::protobuf::internal::WireFormatLite;
  const bool valid =
      text.size() <= INT_MAX &&
      WireFormatLite::VerifyUtf8String(text.data(), static_cast<int>(text.size()), WireFormatLite::SERIALIZE, nullptr);
  return valid ? text : printable(text, text.max_size());
}

Result<void> check_stream(const std::string& stream) {
  if (is_stream_name(stream)) return {};
  return fail("stream: " + wire::quoted(stream) + ", expected 1 to 64 of the characters A-Z a-z 0-9 _ -");
}

Result<void> check_producer(const std::string& producer) {
  if (is_producer_name(producer)) return {};
  return fail("producer: " + wire::quoted(producer) + ", expected 1 to 64 of the characters A-Z a-z 0-9 . _ : -");
}

std::string element(const char* field, int index) { return std::string(field) + '[' + std::to_string(index) + "]."; }

}  // namespace emulsion::wire
