#include "emulsion/wire/npy_reader.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>
#include <system_error>
#include <utility>

#include "emulsion/wire/quoted.h"

namespace emulsion::wire {
namespace {

static_assert(std::endian::native == std::endian::little, "arrays are read as they lie in memory");

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr std::uint32_t kMaxHeaderBytes = 1 << 16;
constexpr std::uint64_t kDataBlockBytes = 1 << 16;

template <typename T>
Cell cell_of(const char* bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof value);
  Cell cell;
  if constexpr (std::is_floating_point_v<T>) {
    cell.kind = std::isnan(value) ? Cell::Kind::missing : Cell::Kind::number;
    cell.number = static_cast<double>(value);
  } else if (std::in_range<std::int64_t>(value)) {
    cell.kind = Cell::Kind::integer;
    cell.integer = static_cast<std::int64_t>(value);
  } else {
    cell.kind = Cell::Kind::number;
    cell.number = static_cast<double>(value);
  }
  return cell;
}

struct Type {
  std::string_view name;
  std::size_t bytes;
  Cell (*to_cell)(const char*);
};

constexpr Type kTypes[] = {
    {"<f8", 8, cell_of<double>},        {"<f4", 4, cell_of<float>},         {"<i8", 8, cell_of<std::int64_t>},
    {"<i4", 4, cell_of<std::int32_t>},  {"<i2", 2, cell_of<std::int16_t>},  {"|i1", 1, cell_of<std::int8_t>},
    {"<u8", 8, cell_of<std::uint64_t>}, {"<u4", 4, cell_of<std::uint32_t>}, {"<u2", 2, cell_of<std::uint16_t>},
    {"|u1", 1, cell_of<std::uint8_t>},
};

// Reads Python's spelling of a dictionary from the front of a text.
class HeaderScanner {
 public:
  explicit HeaderScanner(std::string_view text) : text_(text) {}

  bool take(std::string_view token) {
    skip_space();
    if (!text_.starts_with(token)) return false;
    text_.remove_prefix(token.size());
    return true;
  }
  bool take_string(std::string& value) {
    skip_space();
    if (text_.empty() || (text_[0] != '\'' && text_[0] != '"')) return false;
    const std::size_t end = text_.find(text_[0], 1);
    if (end == std::string_view::npos) return false;
    value = text_.substr(1, end - 1);
    text_.remove_prefix(end + 1);
    return true;
  }
  bool take_count(std::uint64_t& value) {
    skip_space();
    const auto [stop, code] = std::from_chars(text_.data(), text_.data() + text_.size(), value);
    if (code != std::errc()) return false;
    text_.remove_prefix(static_cast<std::size_t>(stop - text_.data()));
    take("L");  // Python 2 wrote long integers so
    return true;
  }
  bool done() {
    skip_space();
    return text_.empty();
  }

 private:
  void skip_space() { text_.remove_prefix(std::min(text_.find_first_not_of(" \n"), text_.size())); }
  std::string_view text_;
};

bool take_shape(HeaderScanner& scan, std::vector<std::uint64_t>& shape) {
  if (!scan.take("(")) return false;
  while (!scan.take(")")) {
    std::uint64_t extent = 0;
    if (!scan.take_count(extent)) return false;
    shape.push_back(extent);
    if (!scan.take(",")) return scan.take(")");
  }
  return true;
}

bool take_bool(HeaderScanner& scan, bool& value) {
  value = scan.take("True");
  return value || scan.take("False");
}

}  // namespace

Result<NpyHeader> parse_npy_header(std::string_view text) {
  HeaderScanner scan(text);
  NpyHeader header;
  bool has_type = false, has_order = false, has_shape = false;
  const auto wrong = [] { return fail("the header is not a dictionary of descr, fortran_order and shape"); };
  if (!scan.take("{")) return wrong();
  while (!scan.take("}")) {
    std::string key;
    if (!scan.take_string(key) || !scan.take(":")) return wrong();
    if (key == "descr" && !has_type) {
      has_type = true;
      if (scan.take("[")) return fail("a structured type is not supported; save the fields as columns of one array");
      if (!scan.take_string(header.type)) return wrong();
    } else if (key == "fortran_order" && !has_order) {
      has_order = true;
      if (!take_bool(scan, header.fortran_order)) return wrong();
    } else if (key == "shape" && !has_shape) {
      has_shape = true;
      if (!take_shape(scan, header.shape)) return wrong();
    } else {
      return wrong();
    }
    if (!scan.take(",")) {
      if (!scan.take("}")) return wrong();
      break;
    }
  }
  if (!scan.done() || !has_type || !has_order || !has_shape) return wrong();
  return header;
}

NpyReader::NpyReader(std::istream& input, std::string name) : input_(input), name_(std::move(name)) {}

tl::unexpected<Error> NpyReader::damaged(const std::string& why) const { return fail(name_ + ": " + why); }

Result<void> NpyReader::read_header() {
  char start[8] = {};
  input_.read(start, sizeof start);
  if (input_.gcount() != sizeof start || std::string_view(start, kMagic.size()) != kMagic) {
    return damaged("not an npy file");
  }
  const auto version = static_cast<unsigned char>(start[6]);
  if (version < 1 || version > 3 || start[7] != 0) {
    return damaged("npy version " + std::to_string(version) + "." +
                   std::to_string(static_cast<unsigned char>(start[7])) + " is not known; allowed: 1.0, 2.0, 3.0");
  }
  std::uint32_t header_bytes = 0;  // two bytes in version 1, four later
  const std::streamsize size_bytes = version == 1 ? 2 : 4;
  input_.read(reinterpret_cast<char*>(&header_bytes), size_bytes);
  if (input_.gcount() != size_bytes) return damaged("the header is cut short");
  if (header_bytes > kMaxHeaderBytes) {
    return damaged("the header has " + std::to_string(header_bytes) + " bytes; allowed: 65536");
  }
  std::string text(header_bytes, '\0');
  input_.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (static_cast<std::size_t>(input_.gcount()) != text.size()) return damaged("the header is cut short");
  const Result<NpyHeader> header = parse_npy_header(text);
  if (!header) return damaged(header.error().message);

  const Type* type =
      std::find_if(std::begin(kTypes), std::end(kTypes), [&](const Type& t) { return t.name == header->type; });
  if (type == std::end(kTypes)) {
    return damaged("type " + wire::quoted(header->type) +
                   " is not supported; save it with astype(\"<f8\"), or as little-endian f4, i1 to i8 or u1 to u8");
  }
  const auto& shape = header->shape;
  if (shape.empty() || shape.size() > 2) {
    return damaged("an array of " + std::to_string(shape.size()) + " dimensions; expected 2, rows and columns, or 1");
  }
  const std::uint64_t columns = shape.size() == 2 ? shape[1] : 1;
  if (columns == 0 || columns > kMaxColumns) {
    return damaged(std::to_string(columns) + " columns; allowed: 1 to " + std::to_string(kMaxColumns));
  }
  if (shape[0] > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()) / (columns * type->bytes)) {
    return damaged(std::to_string(shape[0]) + " rows are more than a file can hold");
  }
  rows_ = shape[0];
  columns_ = default_column_names(columns);
  cell_bytes_ = type->bytes;
  to_cell_ = type->to_cell;
  fortran_order_ = header->fortran_order && columns > 1;
  return {};
}

// Grows with what is there, not with what the header claims.
Result<void> NpyReader::read_body(std::uint64_t bytes) {
  bytes_.clear();
  while (bytes_.size() < bytes) {
    const std::size_t before = bytes_.size();
    const auto block = static_cast<std::size_t>(std::min(kDataBlockBytes, bytes - before));
    bytes_.resize(before + block);
    input_.read(bytes_.data() + before, static_cast<std::streamsize>(block));
    if (static_cast<std::size_t>(input_.gcount()) != block) {
      return damaged("cut short in row " + std::to_string(next_row_ + 1) + " of " + std::to_string(rows_));
    }
  }
  return {};
}

Result<bool> NpyReader::next(Record& record) {
  const std::uint64_t row_bytes = columns_.size() * cell_bytes_;
  if (!started_) {
    started_ = true;
    if (const Result<void> header = read_header(); !header) return tl::unexpected(header.error());
    return next(record);
  }
  if (next_row_ == rows_) {
    if (input_.good() && input_.peek() != std::istream::traits_type::eof()) {
      input_.setstate(std::ios::eofbit);
      return damaged("bytes behind the last row");
    }
    return false;
  }
  if (!fortran_order_ || next_row_ == 0) {
    const Result<void> body = read_body(fortran_order_ ? rows_ * row_bytes : row_bytes);
    if (!body) return tl::unexpected(body.error());
  }
  // In Fortran order the cells of a row are one column apart.
  const std::uint64_t stride = fortran_order_ ? rows_ * cell_bytes_ : cell_bytes_;
  const char* at = bytes_.data() + (fortran_order_ ? next_row_ * cell_bytes_ : 0);
  record.problem.clear();
  record.cells.resize(columns_.size());
  for (std::size_t i = 0; i < columns_.size(); ++i) record.cells[i] = to_cell_(at + i * stride);
  record.line = ++next_row_;
  return true;
}

}  // namespace emulsion::wire
