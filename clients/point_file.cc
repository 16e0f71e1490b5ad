#include "clients/point_file.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <numeric>
#include <unordered_map>

#include "clients/interrupt.h"
#include "emulsion/random.h"

namespace emulsion::client {
namespace {

constexpr Index kRowsAtOnce = 32 * kTilePoints;
constexpr Index kSampleRows = 100'000;

// Goes on with the hash of Fowler, Noll and Vo, eight bytes at a time.
void add(std::uint64_t& hash, double value) {
  hash = (hash ^ std::bit_cast<std::uint64_t>(value)) * 0x100000001b3;
  hash ^= hash >> 29;
}

void add(std::uint64_t& hash, const PointBatch& batch) {
  for (Index i = 0; i < batch.points.size(); ++i) add(hash, batch.points.data()[i]);
  for (Index i = 0; i < batch.weights.size(); ++i) add(hash, batch.weights[i]);
}

void copy_row(const PointBatch& from, Index i, PointBatch& into, Index at) {
  into.points.col(at) = from.points.col(i);
  if (from.weights.size() > 0) into.weights[at] = from.weights[i];
  if (from.has_times()) into.unix_nanoseconds[static_cast<std::size_t>(at)] = from.unix_nanoseconds[static_cast<std::size_t>(i)];
}

void resize(PointBatch& batch, const PointBatch& as, Index rows) {
  batch.points.conservativeResize(as.dimension(), rows);
  if (as.weights.size() > 0) batch.weights.conservativeResize(rows);
  if (as.has_times()) batch.unix_nanoseconds.resize(static_cast<std::size_t>(rows));
}

// Rows of which each of those seen so far is one with equal probability, in their order.
// Source: Vitter (1985), Random sampling with a reservoir, algorithm R.
class Reservoir {
 public:
  Reservoir(Index rows, std::uint64_t seed) : most_(rows), random_(seed) {}

  void add(const PointBatch& batch, Index i) {
    if (numbers_.size() < static_cast<std::size_t>(most_)) {
      if (sample_.size() == 0) resize(sample_, batch, most_);
      copy_row(batch, i, sample_, static_cast<Index>(numbers_.size()));
      numbers_.push_back(seen_++);
      return;
    }
    const auto place = static_cast<std::uint64_t>(random_.uniform() * static_cast<double>(++seen_));
    if (place >= static_cast<std::uint64_t>(most_)) return;
    copy_row(batch, i, sample_, static_cast<Index>(place));
    numbers_[place] = seen_ - 1;
  }

  PointBatch take() {
    std::vector<Index> order(numbers_.size());
    std::iota(order.begin(), order.end(), Index{0});
    std::sort(order.begin(), order.end(), [this](Index a, Index b) {
      return numbers_[static_cast<std::size_t>(a)] < numbers_[static_cast<std::size_t>(b)];
    });
    PointBatch ordered;
    resize(ordered, sample_, static_cast<Index>(order.size()));
    for (std::size_t at = 0; at < order.size(); ++at) copy_row(sample_, order[at], ordered, static_cast<Index>(at));
    return ordered;
  }

 private:
  Index most_;
  Random random_;
  PointBatch sample_;
  std::vector<std::uint64_t> numbers_;  // of the rows in the sample
  std::uint64_t seen_ = 0;
};

}  // namespace

Result<PointFile> PointFile::open(const std::string& path, const wire::PointReaderOptions& options, std::uint64_t memory_bytes) {
  auto reader = RowReader::open(path, options);
  if (!reader) return fail(reader.error().message);
  PointFile file;
  file.path_ = path;
  file.options_ = options;
  file.memory_bytes_ = memory_bytes;
  file.reader_ = std::make_unique<RowReader>(std::move(*reader));
  return file;
}

Result<void> PointFile::load(RowCheck check, std::uint64_t seed, const std::function<void(std::uint64_t)>& told) {
  check_ = check;
  reader_->check(std::move(check));
  const auto row_bytes = sizeof(double) * static_cast<std::uint64_t>(dimension());
  const auto rows_kept = path_ == "-" ? std::numeric_limits<std::uint64_t>::max() : memory_bytes_ / row_bytes;
  const Index sample_rows = std::clamp(static_cast<Index>(std::min<std::uint64_t>(rows_kept, kSampleRows)), Index{1}, kSampleRows);
  std::unordered_map<std::string, std::uint32_t> numbers;
  Reservoir reservoir(sample_rows, seed);
  for (;;) {
    const auto table = reader_->read(kRowsAtOnce);
    if (!table) return fail(table.error().message);
    if (!*table) break;
    const PointBatch& batch = (*table)->batch;
    for (const std::string& label : (*table)->labels) {
      const auto [found, added] = numbers.emplace(label, static_cast<std::uint32_t>(label_names_.size()));
      if (added) label_names_.push_back(label);
      labels_.push_back(found->second);
    }
    add(fingerprint_, batch);
    if (kept_ && rows_ + static_cast<std::uint64_t>(batch.size()) > rows_kept) {
      kept_ = false;
      for (Index i = 0; i < static_cast<Index>(rows_); ++i) reservoir.add(sample_, i);
      sample_ = {};
    }
    if (kept_) {
      const auto before = static_cast<Index>(rows_);
      const Index needed = before + batch.size();
      if (needed > sample_.size()) resize(sample_, batch, std::max(needed, 2 * sample_.size()));
      for (Index i = 0; i < batch.size(); ++i) copy_row(batch, i, sample_, before + i);
    } else {
      for (Index i = 0; i < batch.size(); ++i) reservoir.add(batch, i);
    }
    rows_ += static_cast<std::uint64_t>(batch.size());
    if (told) told(rows_);
    if (interrupted()) return fail("interrupted");
  }
  if (rows_ == 0) return fail(path_ + ": no points" + (refused_rows() > 0 ? "; the first row: " + refusals().front() : ""));
  if (kept_)
    resize(sample_, PointBatch(sample_), static_cast<Index>(rows_));
  else
    sample_ = reservoir.take();
  return {};
}

Result<void> PointFile::for_each(const std::function<bool(const PointBatch&)>& use) const {
  if (!kept_) return read_again(use);
  use(sample_);
  return {};
}

Result<void> PointFile::read_again(const std::function<bool(const PointBatch&)>& use) const {
  auto reader = RowReader::open(path_, options_);
  if (!reader) return fail(reader.error().message);
  reader->check(check_);
  std::uint64_t rows = 0;
  std::uint64_t fingerprint = 0;
  for (;;) {
    const auto table = reader->read(kRowsAtOnce);
    if (!table) return fail(table.error().message);
    if (!*table) break;
    rows += static_cast<std::uint64_t>((*table)->batch.size());
    add(fingerprint, (*table)->batch);
    if (rows > rows_ || (*table)->batch.dimension() != dimension()) break;
    if (!use((*table)->batch)) return {};
    if (interrupted()) return fail("interrupted");
  }
  if (rows != rows_ || fingerprint != fingerprint_) return fail(path_ + ": changed while it was read");
  return {};
}

FileTiles::FileTiles(const PointFile& file, std::function<void(std::uint64_t)> told) : file_(file), told_(std::move(told)) {
  if (file.in_memory()) kept_ = cut_tiles(file.sample());
}

Result<void> FileTiles::pass(const std::function<void(std::span<const Tile>)>& use) {
  if (file_.in_memory()) {
    use(kept_);
    return {};
  }
  std::vector<Tile> tiles;
  std::uint64_t rows = 0;
  const auto passed = file_.for_each([&](const PointBatch& batch) {
    for (Index i = 0; i < batch.size(); ++i) {
      if (!tiles.empty() && tiles.back().full() && tiles.size() == static_cast<std::size_t>(kRowsAtOnce / kTilePoints)) {
        use(tiles);
        tiles.clear();
      }
      if (tiles.empty() || tiles.back().full()) tiles.emplace_back(batch.dimension());
      tiles.back().push(batch.points.col(i).data(), batch.weight(i), 1);
    }
    rows += static_cast<std::uint64_t>(batch.size());
    if (told_) told_(rows);
    return true;
  });
  if (passed && !tiles.empty()) use(tiles);
  return passed;
}

}  // namespace emulsion::client
