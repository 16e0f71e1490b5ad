// Rows of a numpy array file (.npy), versions 1 to 3.
// Source: NumPy Enhancement Proposal 1, A simple file format for NumPy arrays.
#pragma once

#include <cstdint>
#include <istream>
#include <string>
#include <string_view>
#include <vector>

#include "emulsion/wire/record_reader.h"

namespace emulsion::wire {

// The header of an array.
struct NpyHeader {
  std::string type;  // such as "<f8"
  bool fortran_order = false;
  std::vector<std::uint64_t> shape;
};

// Reads the Python dictionary of a header: exactly descr, fortran_order and shape. Errors: what is wrong, without a
// place.
Result<NpyHeader> parse_npy_header(std::string_view text);

// Cells are integers or numbers; NaN is missing. Rows are read one at a time in C order, and all at once in Fortran
// order. Errors of next(): not an npy file, a type or shape that is not supported, an array cut short, bytes behind it.
// Nothing is allocated for what the header claims before the bytes are there.
class NpyReader : public RecordReader {
 public:
  NpyReader(std::istream& input, std::string name);

  Result<bool> next(Record& record) override;
  const std::vector<std::string>& columns() const override { return columns_; }
  std::string place(std::uint64_t line) const override { return name_ + ": row " + std::to_string(line); }

 private:
  using ToCell = Cell (*)(const char* bytes);

  Result<void> read_header();
  Result<void> read_body(std::uint64_t bytes);
  tl::unexpected<Error> damaged(const std::string& why) const;

  std::istream& input_;
  std::string name_;
  std::vector<std::string> columns_;
  bool started_ = false;
  bool fortran_order_ = false;
  std::uint64_t rows_ = 0;
  std::uint64_t next_row_ = 0;
  std::size_t cell_bytes_ = 0;
  ToCell to_cell_ = nullptr;
  std::vector<char> bytes_;  // one row, or everything
};

}  // namespace emulsion::wire
