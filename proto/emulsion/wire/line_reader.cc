#include "emulsion/wire/line_reader.h"

#include <string_view>
#include <utility>

namespace emulsion::wire {
namespace {

constexpr std::size_t kLineBlockBytes = 1 << 14;
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

}  // namespace

LineReader::LineReader(std::istream& input, std::string name)
    : input_(input), name_(std::move(name)), block_(kLineBlockBytes) {}

Result<bool> LineReader::next(std::string& line) {
  line.clear();
  if (!input_.good()) return false;
  for (;;) {
    input_.getline(block_.data(), static_cast<std::streamsize>(block_.size()));
    const auto count = static_cast<std::size_t>(input_.gcount());
    if (input_.eof()) {
      line.append(block_.data(), count);
      if (line.empty()) return false;
      offset_ += line.size();
      break;
    }
    if (!input_.fail()) {
      line.append(block_.data(), count - 1);  // the newline was counted
      offset_ += line.size() + 1;
      break;
    }
    if (input_.bad()) return false;
    // The block is full, and the line goes on.
    input_.clear();
    line.append(block_.data(), count);
    if (line.size() > kMaxLineBytes) {
      input_.setstate(std::ios::failbit);
      return fail(place(number_ + 1) + ": the line is longer than " + std::to_string(kMaxLineBytes) + " bytes");
    }
  }
  if (++number_ == 1 && line.starts_with(kByteOrderMark)) line.erase(0, kByteOrderMark.size());
  return true;
}

void LineReader::go_to(const FilePlace& place) {
  input_.clear();
  input_.seekg(static_cast<std::streamoff>(place.byte));
  offset_ = place.byte;
  number_ = place.line;
}

}  // namespace emulsion::wire
