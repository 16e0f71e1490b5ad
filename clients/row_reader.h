// Rows of a file that a mixture can learn; the others are refused by their place, whatever is wrong with them.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "emulsion/mixture.h"
#include "emulsion/wire/point_reader.h"

namespace emulsion::client {

// Why a point (d coordinates, NaN = missing) cannot be learned; nothing if it can.
using RowCheck = std::function<std::optional<std::string>(std::span<const double>)>;

// What every mixture of these families demands: a coordinate that is there, none beyond 1e150, and that one family at
// least can have given the point.
RowCheck check_for(const MixtureFormula& formula);

// Call order: open choose? check? read*
class RowReader {
 public:
  // Errors: as PointReader::open.
  static Result<RowReader> open(const std::string& path, const wire::PointReaderOptions& options);

  // As PointReader::choose.
  Result<void> choose(std::vector<std::string> columns) { return reader_.choose(std::move(columns)); }

  // Of the rows that are read from now on.
  void check(RowCheck check) { check_ = std::move(check); }

  // Up to max_rows rows that are good, at least one; nothing at the end.
  // Errors: as PointReader::read; with `stop` a row that the check refuses, after the rows before it.
  Result<std::optional<wire::PointTable>> read(Index max_rows);

  const wire::PointReader& file() const { return reader_; }

  // Rows that were skipped, by the file's reader or the check, and the messages of the first ten of either.
  std::uint64_t refused_rows() const { return refused_ + reader_.refused_rows(); }
  std::vector<std::string> refusals() const;

 private:
  RowReader(wire::PointReader reader, bool stop) : reader_(std::move(reader)), stop_(stop) {}

  Result<void> sort_out(wire::PointTable& table);

  wire::PointReader reader_;
  bool stop_;
  RowCheck check_;
  std::optional<Error> pending_error_;
  std::uint64_t refused_ = 0;
  std::vector<std::string> refusals_;
};

}  // namespace emulsion::client
