#include "daemon/option_settings.h"

#include <algorithm>

#include "emulsion/wire/topic.h"

namespace emulsion::service {

std::string Origin::place() const {
  switch (kind) {
    case OriginKind::file:
      return wire::printable(name, 4096) + (line > 0 ? ":" + std::to_string(line) : "");
    case OriginKind::environment:
      return "environment";
    case OriginKind::command_line:
      break;
  }
  return "command line";
}

std::string Origin::text() const {
  return kind == OriginKind::environment ? "environment " + wire::printable(name) : place();
}

std::string Origin::spelling(const std::string& key) const {
  switch (kind) {
    case OriginKind::file:
      return key;
    case OriginKind::environment:
      return variable_name(key);
    case OriginKind::command_line:
      break;
  }
  return "--" + key;
}

std::string Fault::text() const {
  return origin.place() + ": " + (subject.empty() ? "" : wire::printable(subject, 200) + ": ") + problem;
}

std::string variable_name(const std::string& key) {
  std::string name = "EMULSION_" + key;
  std::transform(name.begin(), name.end(), name.begin(), [](char c) {
    if (c >= 'a' && c <= 'z') return static_cast<char>(c - 'a' + 'A');
    return c == '.' ? '_' : c;
  });
  return name;
}

}  // namespace emulsion::service
