#include "emulsion/uniform.h"

#include <cassert>
#include <cmath>
#include <limits>

namespace emulsion {
namespace {

// How wide a box is; the half of it, as all of it may be more than the greatest number. Between the least of numbers it can be 0.
Eigen::MatrixXd half_extents(const Eigen::MatrixXd& lowest, const Eigen::MatrixXd& highest) { return 0.5 * highest - 0.5 * lowest; }

class UniformFamily;

class UniformBank final : public Bank {
 public:
  UniformBank(const UniformFamily& family, Eigen::MatrixXd lowest, Eigen::MatrixXd highest)
      : family_(family),
        lowest_(std::move(lowest)),
        highest_(std::move(highest)),
        log_extents_(half_extents(lowest_, highest_).array().log() + std::log(2.0)) {}

  const Family& family() const override;
  Index size() const override { return lowest_.cols(); }
  Index dimension() const override { return lowest_.rows(); }

  void log_densities(const Tile& tile, LaneRange lanes, LaneMatrix& out, Index first_column) const override {
    for (Index k = 0; k < size(); ++k)
      out.block(lanes.begin, first_column + k, lanes.end - lanes.begin, 1).setConstant(-log_extents_.col(k).sum());
    for (const Index row : tile.incomplete_rows()) {
      if (row < lanes.begin || row >= lanes.end) continue;
      for (Index k = 0; k < size(); ++k) {
        double log_volume = 0;
        for (Index j = 0; j < dimension(); ++j)
          if (!tile.is_missing(row, j)) log_volume += log_extents_(j, k);
        out(row, first_column + k) = -log_volume;
      }
    }
  }

  void accumulate(const Tile&, const LaneMatrix& responsibilities, Index first_column,
                  BankStatistics& statistics) const override {
    for (Index k = 0; k < size(); ++k) statistics.weight[k] = responsibilities.col(first_column + k).sum();
  }

  Eigen::MatrixXd means() const override { return 0.5 * lowest_ + 0.5 * highest_; }
  Eigen::MatrixXd variances() const override {
    constexpr double kWidest = 1e150;  // whose square is still a number
    return (highest_ - lowest_).cwiseMin(kWidest).cwiseAbs2() / 12;
  }
  Eigen::MatrixXd pack() const override { return (Eigen::MatrixXd(2 * dimension(), size()) << lowest_, highest_).finished(); }

 private:
  const UniformFamily& family_;
  Eigen::MatrixXd lowest_;   // d x K
  Eigen::MatrixXd highest_;  // d x K
  Eigen::ArrayXXd log_extents_;
};

class UniformFamily final : public Family {
 public:
  std::string name() const override { return "uniform"; }

  std::vector<ParameterPart> layout(Index d) const override {
    return {{"lowest", PartShape::vector, d, 0}, {"highest", PartShape::vector, d, 0}};
  }

  // One box for all.
  Index free_parameters(Index d, Index) const override { return 2 * d; }

  bool is_noise() const override { return true; }

  BankStatistics empty(Index, Index components) const override {
    return {this, Eigen::VectorXd::Zero(components), Eigen::MatrixXd(0, components)};
  }

  void merge(BankStatistics& into, const BankStatistics& from) const override { into.weight += from.weight; }
  void scale(BankStatistics& statistics, double factor) const override { statistics.weight *= factor; }

  // The range of the stream, also for a component that would keep its parameters: it is known without any points of its own.
  MaximisedBank maximise(const BankStatistics&, const Prior& prior, const Bank& previous, const std::vector<bool>& keep,
                         Workers&) const override {
    assert(prior.lowest.size() == previous.dimension());
    Eigen::VectorXd lowest = prior.lowest;
    Eigen::VectorXd highest = prior.highest;
    const Eigen::VectorXd half = half_extents(lowest, highest);
    for (Index j = 0; j < lowest.size(); ++j)
      if (!(half[j] > 0)) {  // as wide as the stream's own scale, which is no less than rounding
        const double middle = lowest[j];
        lowest[j] = middle - 0.5 * std::sqrt(prior.variances[j]);
        highest[j] = middle + 0.5 * std::sqrt(prior.variances[j]);
      }
    const Index components = previous.size();
    return {std::make_shared<UniformBank>(*this, lowest.replicate(1, components), highest.replicate(1, components)),
            std::vector<Repair>(keep.size(), Repair::none)};
  }

  std::shared_ptr<const Bank> place(const Eigen::MatrixXd& centres, const Eigen::VectorXd& variances) const override {
    constexpr double kRounding = 1e-15;
    const Eigen::VectorXd half = std::sqrt(3.0) * variances.cwiseSqrt();
    const Eigen::MatrixXd reach =
        half.replicate(1, centres.cols()).cwiseMax(kRounding * centres.cwiseAbs()).cwiseMax(std::numeric_limits<double>::min());
    return std::make_shared<UniformBank>(*this, centres - reach, centres + reach);
  }

  BankStatistics expected(const Bank& bank, const Eigen::VectorXd& points) const override {
    BankStatistics statistics = empty(bank.dimension(), bank.size());
    statistics.weight = points;
    return statistics;
  }

  Result<std::shared_ptr<const Bank>> unpack(const Eigen::MatrixXd& parameters, Index d) const override {
    if (parameters.rows() != 2 * d)
      return fail(name() + ": " + std::to_string(parameters.rows()) + " parameters, expected " + std::to_string(2 * d) + " in " +
                  std::to_string(d) + " dimensions");
    for (Index k = 0; k < parameters.cols(); ++k) {
      const std::string place = "component " + std::to_string(k + 1) + ": ";
      if (!parameters.col(k).allFinite()) return fail(place + "a parameter is not a finite number");
      if (!(half_extents(parameters.col(k).head(d), parameters.col(k).tail(d)).array() > 0).all())
        return fail(place + "lowest is not below highest");
    }
    return std::make_shared<const UniformBank>(*this, parameters.topRows(d), parameters.bottomRows(d));
  }
};

const Family& UniformBank::family() const { return family_; }

}  // namespace

const Family& uniform() {
  static const UniformFamily family;
  return family;
}

}  // namespace emulsion
