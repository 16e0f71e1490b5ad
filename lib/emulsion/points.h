// Points: the input of everything.
#pragma once

#include <Eigen/Core>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

namespace emulsion {

using Index = Eigen::Index;

// A coordinate beyond this has a square that cannot be added up any more.
inline constexpr double kLargestCoordinate = 1e150;

// What a point may count. Beyond, sums of weights would lose points or digits.
inline constexpr double kLeastWeight = 1e-30;
inline constexpr double kLargestWeight = 1e30;
inline bool is_weight(double weight) { return weight >= kLeastWeight && weight <= kLargestWeight; }

// How a number lies in memory: IEEE 754, in the byte order of the machine.
enum class Element { f64, f32 };

// Points that somebody else keeps, as messages and numpy arrays have them: point by point, d numbers each. A light value;
// valid as long as what it looks at.
//   values            n x d numbers, at any address
//   weights           n, for each is_weight(); null: every weight is 1
//   unix_nanoseconds  n; null: unknown
class PointView {
 public:
  PointView(const void* values, Element element, Index dimension, Index size, const double* weights = nullptr,
            const std::int64_t* unix_nanoseconds = nullptr)
      : values_(static_cast<const std::byte*>(values)),
        weights_(weights),
        unix_nanoseconds_(unix_nanoseconds),
        dimension_(dimension),
        size_(size),
        element_(element) {}

  Index dimension() const { return dimension_; }
  Index size() const { return size_; }
  Element element() const { return element_; }
  const void* values() const { return values_; }
  bool has_weights() const { return weights_ != nullptr; }
  bool has_times() const { return unix_nanoseconds_ != nullptr; }

  double weight(Index i) const { return weights_ == nullptr ? 1.0 : weights_[i]; }
  std::int64_t unix_nanoseconds(Index i) const { return unix_nanoseconds_[i]; }  // requires times

  double coordinate(Index i, Index j) const {
    const Index at = i * dimension_ + j;
    return element_ == Element::f64 ? read<double>(at) : static_cast<double>(read<float>(at));
  }

  // How many bytes a point's numbers take.
  Index point_bytes() const { return dimension_ * static_cast<Index>(element_ == Element::f64 ? sizeof(double) : sizeof(float)); }

  // A point as d doubles.
  void copy(Index i, double* to) const {
    for (Index j = 0; j < dimension_; ++j) to[j] = coordinate(i, j);
  }

  // The points from number `first` on, `count` of them.
  PointView slice(Index first, Index count) const {
    return {values_ + first * point_bytes(),
            element_,
            dimension_,
            count,
            weights_ == nullptr ? nullptr : weights_ + first,
            unix_nanoseconds_ == nullptr ? nullptr : unix_nanoseconds_ + first};
  }

 private:
  template <typename Number>
  Number read(Index at) const {
    Number number;
    std::memcpy(&number, values_ + at * static_cast<Index>(sizeof number), sizeof number);
    return number;
  }

  const std::byte* values_;
  const double* weights_;
  const std::int64_t* unix_nanoseconds_;
  Index dimension_;
  Index size_;
  Element element_;
};

// Points observed one after another.
//   points            d x n, one point per column, in the publisher's own units; NaN = missing
//   weights           n, for each is_weight(); a point of weight 2 counts as two equal points.
//                     Empty: every weight is 1
//   unix_nanoseconds  n, when each point was observed. Empty: unknown
struct PointBatch {
  Eigen::MatrixXd points;
  Eigen::VectorXd weights;
  std::vector<std::int64_t> unix_nanoseconds;

  Index dimension() const { return points.rows(); }
  Index size() const { return points.cols(); }
  double weight(Index i) const { return weights.size() == 0 ? 1.0 : weights[i]; }
  bool has_times() const { return !unix_nanoseconds.empty(); }

  operator PointView() const {
    return {points.data(), Element::f64, dimension(), size(), weights.size() == 0 ? nullptr : weights.data(),
            has_times() ? unix_nanoseconds.data() : nullptr};
  }

  // The points from number `first` on, `count` of them, with their weights and times.
  PointBatch slice(Index first, Index count) const {
    PointBatch part;
    part.points = points.middleCols(first, count);
    if (weights.size() > 0) part.weights = weights.segment(first, count);
    if (has_times()) part.unix_nanoseconds.assign(unix_nanoseconds.begin() + first, unix_nanoseconds.begin() + first + count);
    return part;
  }
};

// Points of one's own, with the weights and times that are there.
inline PointBatch copy_of(const PointView& view) {
  PointBatch batch;
  batch.points.resize(view.dimension(), view.size());
  for (Index i = 0; i < view.size(); ++i) view.copy(i, batch.points.col(i).data());
  if (view.has_weights()) batch.weights = Eigen::VectorXd::NullaryExpr(view.size(), [&](Index i) { return view.weight(i); });
  if (view.has_times())
    for (Index i = 0; i < view.size(); ++i) batch.unix_nanoseconds.push_back(view.unix_nanoseconds(i));
  return batch;
}

// Seconds from one time to another, both in unix nanoseconds; 0 if the other one is not later.
inline double seconds_between(std::int64_t earlier, std::int64_t later) {
  if (later <= earlier) return 0;
  // Unsigned, because the difference of two times may be too large for a signed number.
  return static_cast<double>(static_cast<std::uint64_t>(later) - static_cast<std::uint64_t>(earlier)) / 1e9;
}

}  // namespace emulsion
