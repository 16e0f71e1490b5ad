#include "emulsion/categorical.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "emulsion/merge_components.h"
#include "emulsion/support.h"

namespace emulsion {
namespace {

constexpr Index kMostCategories = 1024;

class CategoricalBank final : public Bank {
 public:
  // probabilities: (C * d) x K, as packed.
  CategoricalBank(const Family& family, Index categories, Eigen::MatrixXd probabilities)
      : family_(family),
        categories_(categories),
        probabilities_(std::move(probabilities)),
        log_probabilities_(probabilities_.array().log()) {}

  const Family& family() const override { return family_; }
  Index size() const override { return probabilities_.cols(); }
  Index dimension() const override { return probabilities_.rows() / categories_; }
  Eigen::MatrixXd pack() const override { return probabilities_; }

  void log_densities(const Tile& tile, LaneRange lanes, LaneMatrix& out, Index first_column) const override {
    for (Index row = lanes.begin; row < lanes.end; ++row) {
      out.block(row, first_column, 1, size()).setZero();
      for (Index i = 0; i < dimension(); ++i) {
        if (tile.is_missing(row, i)) continue;
        const double x = tile.points()(row, i);
        if (supports(x))
          out.block(row, first_column, 1, size()) += log_probabilities_.row(i * categories_ + static_cast<Index>(x));
        else
          out.block(row, first_column, 1, size()).setConstant(-std::numeric_limits<double>::infinity());
      }
    }
  }

  // A missing coordinate counts for every category as much as is expected of it.
  void accumulate(const Tile& tile, const LaneMatrix& responsibilities, Index first_column,
                  BankStatistics& statistics) const override {
    for (Index k = 0; k < size(); ++k) {
      auto counts = statistics.moments.col(k);
      for (Index row = 0; row < tile.size(); ++row) {
        const double share = responsibilities(row, first_column + k);
        if (!(share > 0) || !can_have(tile, row)) continue;
        statistics.weight[k] += share;
        for (Index i = 0; i < dimension(); ++i) {
          const double x = tile.points()(row, i);
          if (tile.is_missing(row, i))
            counts.segment(i * categories_, categories_) +=
                share * probabilities_.col(k).segment(i * categories_, categories_);
          else
            counts[i * categories_ + static_cast<Index>(x)] += share;
        }
      }
      if (statistics.weight[k] > 0) counts /= statistics.weight[k];
    }
  }

  Eigen::MatrixXd means() const override {
    return for_each([](const Eigen::VectorXd& codes, const Eigen::VectorXd& p) { return codes.dot(p); });
  }
  Eigen::MatrixXd variances() const override {
    return for_each([](const Eigen::VectorXd& codes, const Eigen::VectorXd& p) {
      const double mean = codes.dot(p);
      return std::max((codes.array() - mean).square().matrix().dot(p), 1e-300);
    });
  }

 private:
  bool supports(double x) const { return x >= 0 && x < static_cast<double>(categories_) && x == std::floor(x); }

  bool can_have(const Tile& tile, Index row) const {
    for (Index i = 0; i < dimension(); ++i)
      if (!supports(tile.points()(row, i)) && !tile.is_missing(row, i)) return false;
    return true;
  }

  template <typename Function>
  Eigen::MatrixXd for_each(Function function) const {
    const Eigen::VectorXd codes = Eigen::VectorXd::LinSpaced(categories_, 0, static_cast<double>(categories_ - 1));
    Eigen::MatrixXd result(dimension(), size());
    for (Index k = 0; k < size(); ++k)
      for (Index i = 0; i < dimension(); ++i)
        result(i, k) = function(codes, probabilities_.col(k).segment(i * categories_, categories_));
    return result;
  }

  const Family& family_;
  Index categories_;
  Eigen::MatrixXd probabilities_;
  Eigen::ArrayXXd log_probabilities_;
};

class CategoricalFamily final : public Family {
 public:
  explicit CategoricalFamily(Index categories) : categories_(categories) {}

  std::string name() const override { return "categorical(" + std::to_string(categories_) + ")"; }

  std::vector<ParameterPart> layout(Index d) const override {
    return {{"probabilities", PartShape::vector, d * categories_, 0}};
  }

  Index free_parameters(Index d, Index components) const override { return components * d * (categories_ - 1); }

  std::optional<std::string> refusal(std::span<const double> point) const override {
    const auto supports = [this](double x) {
      return x >= 0 && x < static_cast<double>(categories_) && x == std::floor(x);
    };
    return outside_support(point, supports, "a whole number from 0 to " + std::to_string(categories_ - 1));
  }

  BankStatistics empty(Index d, Index components) const override {
    return {this, Eigen::VectorXd::Zero(components), Eigen::MatrixXd::Zero(d * categories_, components)};
  }

  void merge(BankStatistics& into, const BankStatistics& from) const override { merge_means(into, from); }

  void scale(BankStatistics& statistics, double factor) const override { statistics.weight *= factor; }

  // The prior's points are spread evenly over the categories.
  // Source: Perks (1947), Some observations on inverse probability including a new indifference rule.
  MaximisedBank maximise(const BankStatistics& statistics, const Prior& prior, const Bank& previous,
                         const std::vector<bool>& keep, Workers&) const override {
    constexpr double kFloor = 1e-9;
    Eigen::MatrixXd probabilities = previous.pack();
    std::vector<Repair> repairs(keep.size(), Repair::none);
    const double believed = prior.options.covariance_points, even = 1 / static_cast<double>(categories_);
    for (Index k = 0; k < previous.size(); ++k) {
      if (keep[static_cast<std::size_t>(k)]) continue;
      Repair& repair = repairs[static_cast<std::size_t>(k)];
      const double weight = statistics.weight[k];
      Eigen::ArrayXd estimate = statistics.moments.col(k).array();
      if (believed > 0) estimate += (believed / (weight + believed)) * (even - estimate);
      if (!(weight > 0) || !(estimate >= -kFloor).all() || !(estimate <= 1 + kFloor).all()) {
        repair = Repair::kept_previous;
        continue;
      }
      if ((estimate < kFloor).any()) {
        estimate = estimate.max(kFloor);
        repair = Repair::eigenvalue_floor;
      }
      for (Index first = 0; first < estimate.size(); first += categories_)
        estimate.segment(first, categories_) /= estimate.segment(first, categories_).sum();
      probabilities.col(k) = estimate;
    }
    return {std::make_shared<const CategoricalBank>(*this, categories_, std::move(probabilities)), std::move(repairs)};
  }

  // Half of a component lies on the category that is nearest, half of it everywhere.
  std::shared_ptr<const Bank> place(const Eigen::MatrixXd& centres, const Eigen::VectorXd&) const override {
    Eigen::MatrixXd probabilities =
        Eigen::MatrixXd::Constant(centres.rows() * categories_, centres.cols(), 0.5 / static_cast<double>(categories_));
    for (Index k = 0; k < centres.cols(); ++k)
      for (Index i = 0; i < centres.rows(); ++i) {
        const double nearest = std::clamp(std::round(centres(i, k)), 0.0, static_cast<double>(categories_ - 1));
        probabilities(i * categories_ + static_cast<Index>(nearest), k) += 0.5;
      }
    return std::make_shared<const CategoricalBank>(*this, categories_, std::move(probabilities));
  }

  BankStatistics expected(const Bank& bank, const Eigen::VectorXd& points) const override {
    return {this, points, bank.pack()};
  }

  Result<std::shared_ptr<const Bank>> unpack(const Eigen::MatrixXd& parameters, Index d) const override {
    constexpr double kTolerance = 1e-9;
    if (parameters.rows() != d * categories_)
      return fail(name() + ": " + std::to_string(parameters.rows()) + " parameters, expected " +
                  std::to_string(d * categories_) + " in " + std::to_string(d) + " dimensions");
    for (Index k = 0; k < parameters.cols(); ++k)
      for (Index i = 0; i < d; ++i) {
        const auto of_coordinate = parameters.col(k).segment(i * categories_, categories_).array();
        const std::string place = "component " + std::to_string(k + 1) + ": coordinate " + std::to_string(i) + ": ";
        if (!(of_coordinate > 0).all() || !of_coordinate.allFinite())
          return fail(place + "a probability is not a finite number > 0");
        if (!(std::abs(of_coordinate.sum() - 1) <= kTolerance))
          return fail(place + "its probabilities do not sum to 1");
      }
    return std::make_shared<const CategoricalBank>(*this, categories_, parameters);
  }

 private:
  Index categories_;
};

}  // namespace

Result<std::unique_ptr<const Family>> make_categorical_family(std::string_view categories) {
  Index number = 0;
  const char* end = categories.data() + categories.size();
  const auto read = std::from_chars(categories.data(), end, number);
  if (categories.empty())
    return fail("write the number of categories, 2 to " + std::to_string(kMostCategories) + ", such as categorical(4)");
  if (read.ec != std::errc{} || read.ptr != end || number < 2 || number > kMostCategories)
    return fail(std::string(categories.substr(0, 20)) + " categories, expected 2 to " +
                std::to_string(kMostCategories));
  return std::make_unique<const CategoricalFamily>(number);
}

}  // namespace emulsion
