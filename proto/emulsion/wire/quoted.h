// Untrusted text in a message.
#pragma once

#include <string>
#include <string_view>

#include "emulsion/wire/topic.h"

namespace emulsion::wire {

// The text as printable() shows it, in quotation marks.
inline std::string quoted(std::string_view text) {
  std::string result(1, '"');
  result += printable(text);
  result += '"';
  return result;
}

}  // namespace emulsion::wire
