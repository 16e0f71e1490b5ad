// The points of a file, to be passed over again and again: kept in memory, or read again each time.
//
//   auto file = PointFile::open("faithful.csv", {}, 1 << 30);
//   file->load(check_for(formula));             // the first pass
//   file->for_each([&](const PointBatch& batch) { ... });
//   FileTiles tiles(*file);                     // the same for batch EM
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "clients/row_reader.h"
#include "emulsion/em_pass.h"

namespace emulsion::client {

// Call order: open load (for_each | sample | ...)*
// for_each may be called by several threads at once.
class PointFile {
 public:
  // Opens the file and finds its columns.
  //   memory_bytes  what the coordinates may take, 8 bytes each, to be kept; standard input is kept in any case
  // Errors: as PointReader::open.
  static Result<PointFile> open(const std::string& path, const wire::PointReaderOptions& options, std::uint64_t memory_bytes);

  const std::vector<std::string>& columns() const { return reader_->file().columns(); }
  const std::vector<std::string>& left_out() const { return reader_->file().left_out(); }
  Index dimension() const { return static_cast<Index>(columns().size()); }

  // Reads every row once.
  //   check  as of RowReader
  //   seed   of the sample, where the rows are not kept
  //   told   rows so far, now and then
  // Errors: as RowReader::read; no rows.
  Result<void> load(RowCheck check, std::uint64_t seed, const std::function<void(std::uint64_t)>& told = {});

  // Rows that are good; all that follows is of those.
  std::uint64_t rows() const { return rows_; }
  bool in_memory() const { return kept_; }

  // All rows if they are in memory; otherwise an even sample of them, in their order.
  const PointBatch& sample() const { return sample_; }

  // Every row, in order.
  //   use  gets some rows; false ends the pass
  // Errors: those of reading; the file is not the one that was loaded; interrupted.
  Result<void> for_each(const std::function<bool(const PointBatch&)>& use) const;

  // For each row the number of its label in label_names; empty without a label column. An empty name is no label.
  const std::vector<std::uint32_t>& labels() const { return labels_; }
  const std::vector<std::string>& label_names() const { return label_names_; }

  std::uint64_t refused_rows() const { return reader_->refused_rows(); }
  std::vector<std::string> refusals() const { return reader_->refusals(); }

 private:
  PointFile() = default;

  Result<void> read_again(const std::function<bool(const PointBatch&)>& use) const;

  std::string path_;
  wire::PointReaderOptions options_;
  std::uint64_t memory_bytes_ = 0;
  std::unique_ptr<RowReader> reader_;
  RowCheck check_;
  bool kept_ = true;
  PointBatch sample_;
  std::uint64_t rows_ = 0;
  std::uint64_t fingerprint_ = 0;  // of all rows
  std::vector<std::uint32_t> labels_;
  std::vector<std::string> label_names_;
};

// A file as the source of batch EM.
class FileTiles final : public TileSource {
 public:
  // `file` has been loaded, and outlives this. `told` gets the rows of the pass so far.
  explicit FileTiles(const PointFile& file, std::function<void(std::uint64_t)> told = {});

  Result<void> pass(const std::function<void(std::span<const Tile>)>& use) override;

 private:
  const PointFile& file_;
  std::function<void(std::uint64_t)> told_;
  std::vector<Tile> kept_;  // of a file in memory
};

}  // namespace emulsion::client
