#include "emulsion/gaussian_diagonal.h"

#include <cmath>
#include <numbers>
#include <string_view>

#include "emulsion/frame.h"
#include "emulsion/kernels/kernels.h"
#include "emulsion/merge_components.h"
#include "emulsion/prefetch.h"
#include "emulsion/scatter.h"

namespace emulsion {
namespace {

class DiagonalFamily;

class DiagonalGaussian final : public Bank {
 public:
  DiagonalGaussian(const DiagonalFamily& family, Eigen::MatrixXd means, Eigen::MatrixXd variances)
      : family_(family),
        means_(std::move(means)),
        variances_(std::move(variances)),
        deviations_(variances_.cwiseSqrt()),
        log_normalisers_(-0.5 * static_cast<double>(means_.rows()) * std::log(2 * std::numbers::pi) -
                         deviations_.array().log().colwise().sum()),
        frame_(means_),
        packed_(2 * dimension(), size()) {
    for (Index k = 0; k < size(); ++k) {
      const Eigen::ArrayXd factors = deviations_.col(k).cwiseInverse();
      const Eigen::ArrayXd from_centre = factors * (means_.col(k) - frame_.centre()).array();
      const bool framed = frame_.admit(from_centre.abs().maxCoeff());
      for (Index i = 0; i < dimension(); ++i) {
        packed_(2 * i, k) = factors[i];
        packed_(2 * i + 1, k) = framed ? -from_centre[i] : 0.0;
      }
    }
  }

  const Family& family() const override;
  Index size() const override { return means_.cols(); }
  Index dimension() const override { return means_.rows(); }
  Eigen::MatrixXd means() const override { return means_; }
  Eigen::MatrixXd variances() const override { return variances_; }

  void log_densities(const Tile& tile, LaneRange lanes, LaneMatrix& out, Index first_column) const override {
    frame_.for_each_run(tile, lanes, means_, [&](const double* blocks, Index first, Index count) {
      kernels::diagonal_distances(blocks, dimension(), packed_.col(first).data(), count, -0.5, log_normalisers_.data() + first, lanes,
                                  out.col(first_column + first).data());
    });
    for (const Index row : tile.incomplete_rows()) {
      if (row < lanes.begin || row >= lanes.end) continue;
      for (Index k = 0; k < size(); ++k) out(row, first_column + k) = observed_log_density(tile, row, k);
    }
  }

  void accumulate(const Tile& tile, const LaneMatrix& responsibilities, Index first_column,
                  BankStatistics& statistics) const override {
    spreads_of(tile, responsibilities.middleCols(first_column, size()), means_, statistics.weight, statistics.moments);
    if (tile.incomplete_rows().empty()) return;
    BankStatistics one = family().empty(dimension(), size());
    for (const Index row : tile.incomplete_rows()) {
      set_one_point(tile, row, responsibilities, first_column, one);
      family().merge(statistics, one);
    }
  }

  void prefetch(int step) const override {
    if (step == 0) return prefetch_object(*this);
    prefetch_numbers(log_normalisers_);
    frame_.prefetch();
    prefetch_numbers(packed_);
  }

  Eigen::MatrixXd pack() const override;

 private:
  double observed_log_density(const Tile& tile, Index row, Index k) const {
    double log_density = log_normalisers_[k];
    for (Index i = 0; i < dimension(); ++i) {
      if (tile.is_missing(row, i)) {
        log_density += 0.5 * std::log(2 * std::numbers::pi) + std::log(deviations_(i, k));
        continue;
      }
      const double value = (tile.points()(row, i) - means_(i, k)) / deviations_(i, k);
      log_density -= 0.5 * value * value;
    }
    return log_density;
  }

  // A missing coordinate is independent of the others: it counts with the component's own mean and variance.
  void set_one_point(const Tile& tile, Index row, const LaneMatrix& responsibilities, Index first_column, BankStatistics& one) const {
    const Index d = dimension();
    one.weight = responsibilities.row(row).segment(first_column, size()).transpose();
    for (Index k = 0; k < size(); ++k) {
      if (one.weight[k] == 0) continue;
      for (Index i = 0; i < d; ++i) {
        const bool missing = tile.is_missing(row, i);
        one.moments(i, k) = missing ? means_(i, k) : tile.points()(row, i);
        one.moments(d + i, k) = missing ? one.weight[k] * variances_(i, k) : 0.0;
      }
    }
  }

  const DiagonalFamily& family_;
  Eigen::MatrixXd means_;      // d x K
  Eigen::MatrixXd variances_;  // d x K
  Eigen::MatrixXd deviations_;
  Eigen::RowVectorXd log_normalisers_;  // K: log density at the mean
  Frame frame_;
  Eigen::MatrixXd packed_;  // 2 d x K, for kernels::diagonal_distances
};

class DiagonalFamily final : public Family {
 public:
  DiagonalFamily(std::string_view name, bool spherical) : name_(name), spherical_(spherical) {}

  bool spherical() const { return spherical_; }
  std::string name() const override { return std::string(name_); }

  std::vector<ParameterPart> layout(Index d) const override {
    const ParameterPart mean{"mean", PartShape::vector, d, 0};
    if (spherical_) return {mean, {"covariance", PartShape::isotropic, 1, d}};
    return {mean, {"covariance", PartShape::diagonal, d, d}};
  }

  bool refuses_points() const override { return false; }

  Index free_parameters(Index d, Index components) const override { return components * (d + (spherical_ ? 1 : d)); }

  BankStatistics empty(Index d, Index components) const override {
    return {this, Eigen::VectorXd::Zero(components), Eigen::MatrixXd::Zero(2 * d, components)};
  }

  void merge(BankStatistics& into, const BankStatistics& from) const override {
    const Index d = into.moments.rows() / 2;
    merge_components(into, from, [&](Index k, double share, double cross) {
      for (Index i = 0; i < d; ++i) {
        const double shift = from.moments(i, k) - into.moments(i, k);
        into.moments(i, k) += share * shift;
        into.moments(d + i, k) += from.moments(d + i, k) + cross * shift * shift;
      }
    });
  }

  void scale(BankStatistics& statistics, double factor) const override {
    statistics.weight *= factor;
    statistics.moments.bottomRows(statistics.moments.rows() / 2) *= factor;
  }

  MaximisedBank maximise(const BankStatistics& statistics, const Prior& prior, const Bank& previous,
                         const std::vector<bool>& keep, Workers&) const override {
    const auto& before = dynamic_cast<const DiagonalGaussian&>(previous);
    const Index d = before.dimension();
    const double strength = prior.options.covariance_points;
    Eigen::MatrixXd means = before.means();
    Eigen::MatrixXd variances = before.variances();
    std::vector<Repair> repairs(keep.size(), Repair::none);
    for (Index k = 0; k < before.size(); ++k) {
      if (keep[static_cast<std::size_t>(k)]) continue;
      Eigen::VectorXd squares = statistics.moments.col(k).tail(d) + strength * prior.options.covariance_fraction * prior.variances;
      if (spherical_) squares.setConstant(squares.mean());
      Eigen::VectorXd estimate = squares / (statistics.weight[k] + strength);
      Repair& repair = repairs[static_cast<std::size_t>(k)];
      if (!estimate.allFinite() || !statistics.moments.col(k).head(d).allFinite()) {
        repair = Repair::kept_previous;
        continue;
      }
      const Eigen::VectorXd lowest = variance_floor(prior);
      if ((estimate.array() < lowest.array()).any()) {
        estimate = estimate.cwiseMax(lowest);
        repair = Repair::eigenvalue_floor;
      }
      means.col(k) = statistics.moments.col(k).head(d);
      variances.col(k) = estimate;
    }
    return {std::make_shared<DiagonalGaussian>(*this, std::move(means), std::move(variances)), std::move(repairs)};
  }

  std::shared_ptr<const Bank> place(const Eigen::MatrixXd& centres, const Eigen::VectorXd& variances) const override {
    Eigen::MatrixXd spread = variances.replicate(1, centres.cols());
    if (spherical_) spread.setConstant(variances.mean());
    return std::make_shared<DiagonalGaussian>(*this, centres, std::move(spread));
  }

  BankStatistics expected(const Bank& bank, const Eigen::VectorXd& points) const override {
    const auto& gaussian = dynamic_cast<const DiagonalGaussian&>(bank);
    BankStatistics statistics = empty(bank.dimension(), bank.size());
    statistics.weight = points;
    statistics.moments << gaussian.means(), gaussian.variances() * points.asDiagonal();
    return statistics;
  }

  Result<std::shared_ptr<const Bank>> unpack(const Eigen::MatrixXd& parameters, Index d) const override {
    const Index expected_rows = spherical_ ? d + 1 : 2 * d;
    if (parameters.rows() != expected_rows)
      return fail(name() + ": " + std::to_string(parameters.rows()) + " parameters, expected " + std::to_string(expected_rows) +
                  " in " + std::to_string(d) + " dimensions");
    for (Index k = 0; k < parameters.cols(); ++k) {
      const std::string place = "component " + std::to_string(k + 1) + ": ";
      if (!parameters.col(k).allFinite()) return fail(place + "a parameter is not a finite number");
      if (!(parameters.col(k).tail(expected_rows - d).array() > 0).all()) return fail(place + "a variance is not positive");
    }
    Eigen::MatrixXd variances(d, parameters.cols());
    for (Index k = 0; k < parameters.cols(); ++k) {
      if (spherical_)
        variances.col(k).setConstant(parameters(d, k));
      else
        variances.col(k) = parameters.col(k).tail(d);
    }
    return std::make_shared<const DiagonalGaussian>(*this, parameters.topRows(d), std::move(variances));
  }

 private:
  // Relative to the stream, as the eigenvalue floor of the repair ladder.
  Eigen::VectorXd variance_floor(const Prior& prior) const {
    constexpr double kFloor = 1e-9;
    if (spherical_) return Eigen::VectorXd::Constant(prior.variances.size(), kFloor * prior.variances.mean());
    return kFloor * prior.variances;
  }

  std::string_view name_;
  bool spherical_;
};

const Family& DiagonalGaussian::family() const { return family_; }

Eigen::MatrixXd DiagonalGaussian::pack() const {
  if (!family_.spherical()) return (Eigen::MatrixXd(2 * dimension(), size()) << means_, variances_).finished();
  return (Eigen::MatrixXd(dimension() + 1, size()) << means_, variances_.row(0)).finished();
}

}  // namespace

const Family& diagonal_gaussian() {
  static const DiagonalFamily family("gaussian(diagonal)", false);
  return family;
}

const Family& spherical_gaussian() {
  static const DiagonalFamily family("gaussian(spherical)", true);
  return family;
}

const Family& normal_family() {
  static const DiagonalFamily family("normal", false);
  return family;
}

}  // namespace emulsion
