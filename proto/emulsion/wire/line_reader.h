// Lines of a text file, bounded and numbered.
#pragma once

#include <cstdint>
#include <istream>
#include <string>
#include <vector>

#include "emulsion/result.h"
#include "emulsion/wire/record_reader.h"

namespace emulsion::wire {

class LineReader {
 public:
  // `name` is used in messages. A byte order mark at the start is skipped.
  LineReader(std::istream& input, std::string name);

  // Reads the next line, without the newline. False at the end.
  // Errors: longer than 16 MiB.
  Result<bool> next(std::string& line);

  // Number of the line that was read last, from 1.
  std::uint64_t number() const { return number_; }

  // The place behind it.
  FilePlace reached() const { return {offset_, number_}; }
  void go_to(const FilePlace& place);

  // The place of a line for messages: "name:17".
  std::string place(std::uint64_t line) const { return name_ + ":" + std::to_string(line); }

 private:
  std::istream& input_;
  std::string name_;
  std::uint64_t number_ = 0;
  std::uint64_t offset_ = 0;
  std::vector<char> block_;
};

}  // namespace emulsion::wire
