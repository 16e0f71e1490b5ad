#include "emulsion/custom_family_adapter.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "emulsion/custom_family_guard.h"
#include "emulsion/merge_components.h"

namespace emulsion {
namespace {

using Numbers = CustomFamily::Numbers;
using Shape = CustomFamilyGuard::Shape;

constexpr double kImpossible = -std::numeric_limits<double>::infinity();

Numbers column(const Eigen::MatrixXd& matrix, Index k) { return {matrix.col(k).data(), static_cast<std::size_t>(matrix.rows())}; }
std::span<double> column(Eigen::MatrixXd& matrix, Index k) {
  return {matrix.col(k).data(), static_cast<std::size_t>(matrix.rows())};
}
Numbers numbers(const Eigen::VectorXd& vector) { return {vector.data(), static_cast<std::size_t>(vector.size())}; }

class AdaptedFamily;

// One row of a tile after another as the user's functions take it.
class Rows {
 public:
  explicit Rows(const Tile& tile) : tile_(tile), point_(static_cast<std::size_t>(tile.dimension())) {}

  enum class Kind { complete, incomplete, empty };

  Kind load(Index row) {
    Index missing = 0;
    for (Index i = 0; i < tile_.dimension(); ++i) {
      point_[static_cast<std::size_t>(i)] = tile_.points()(row, i);
      missing += tile_.is_missing(row, i) ? 1 : 0;
    }
    if (missing == 0) return Kind::complete;
    return missing == tile_.dimension() ? Kind::empty : Kind::incomplete;
  }
  Numbers point() const { return point_; }

 private:
  const Tile& tile_;
  std::vector<double> point_;
};

// What is asked of the user's family once for each set of parameters.
struct Components {
  Eigen::MatrixXd parameters;  // P x K
  Eigen::MatrixXd means;       // d x K
  Eigen::MatrixXd variances;   // d x K
  Eigen::MatrixXd expected;    // M x K: mean statistics of each component's own points
  std::string failure = {};    // why there are no parameters, where a first guess has failed: its components have no points
};

class AdaptedBank final : public Bank {
 public:
  AdaptedBank(const AdaptedFamily& family, const Shape& shape, Components components)
      : family_(family), shape_(shape), components_(std::move(components)) {}

  const Family& family() const override;
  Index size() const override { return components_.parameters.cols(); }
  Index dimension() const override { return shape_.dimension; }
  Eigen::MatrixXd means() const override { return components_.means; }
  Eigen::MatrixXd variances() const override { return components_.variances; }
  Eigen::MatrixXd pack() const override { return components_.parameters; }
  const Components& components() const { return components_; }

  void log_densities(const Tile& tile, LaneRange lanes, LaneMatrix& out, Index first_column) const override;
  void accumulate(const Tile& tile, const LaneMatrix& responsibilities, Index first_column, BankStatistics& statistics) const override;

 private:
  // Adds the share that one component has of one point. `buffer` holds M numbers.
  Result<void> add_point(Numbers point, double share, Index k, BankStatistics& statistics, Eigen::VectorXd& buffer) const;

  const AdaptedFamily& family_;
  const Shape& shape_;
  Components components_;
};

class AdaptedFamily final : public Family {
 public:
  explicit AdaptedFamily(std::unique_ptr<const CustomFamilyGuard> guard) : guard_(std::move(guard)) {}

  const CustomFamilyGuard& guard() const { return *guard_; }
  std::string name() const override { return guard_->name(); }
  std::vector<ParameterPart> layout(Index d) const override { return guard_->shape(d).parts; }
  Index free_parameters(Index d, Index components) const override { return components * guard_->shape(d).free_parameters; }

  Result<void> check_dimension(Index d) const override {
    const Shape& shape = guard_->shape(d);
    if (!shape.failure.empty()) return fail(shape.failure);
    if (!shape.refusal.empty()) return fail(shape.refusal);
    return {};
  }

  std::optional<std::string> refusal(std::span<const double> point) const override {
    const auto missing = std::count_if(point.begin(), point.end(), [](double number) { return std::isnan(number); });
    if (missing == static_cast<std::ptrdiff_t>(point.size())) return std::nullopt;
    if (missing > 0)
      return std::to_string(missing) + " of " + std::to_string(point.size()) + " coordinates missing, expected all";
    const auto reason = guard_->why_not(point);
    if (!reason) return reason.error().message;
    return reason->empty() ? std::nullopt : std::optional(*reason);
  }

  BankStatistics empty(Index d, Index components) const override {
    return {this, Eigen::VectorXd::Zero(components), Eigen::MatrixXd::Zero(guard_->shape(d).statistics, components)};
  }

  void merge(BankStatistics& into, const BankStatistics& from) const override {
    merge_means(into, from);
    if (into.failure.empty()) into.failure = from.failure;
  }

  void scale(BankStatistics& statistics, double factor) const override { statistics.weight *= factor; }

  MaximisedBank maximise(const BankStatistics& statistics, const Prior& prior, const Bank& previous,
                         const std::vector<bool>& keep, Workers&) const override {
    const auto& before = dynamic_cast<const AdaptedBank&>(previous);
    MaximisedBank result{nullptr, std::vector<Repair>(keep.size(), Repair::none)};
    result.failure = before.components().failure;
    if (!result.failure.empty()) return result;
    const Shape& shape = guard_->shape(before.dimension());
    const Eigen::VectorXd variances = prior.options.covariance_fraction * prior.variances;
    const Eigen::MatrixXd& old = before.components().parameters;
    Eigen::MatrixXd parameters = old;
    for (Index k = 0; k < before.size(); ++k) {
      if (keep[static_cast<std::size_t>(k)]) continue;
      const auto found =
          guard_->maximise(shape, column(statistics.moments, k), statistics.weight[k],
                           {prior.options.covariance_points, numbers(variances)}, column(old, k), column(parameters, k));
      if (found) continue;
      result.failure = found.error().message;
      return result;
    }
    auto bank = bank_of(shape, std::move(parameters), false);
    if (bank)
      result.bank = std::move(*bank);
    else
      result.failure = bank.error().message;
    return result;
  }

  std::shared_ptr<const Bank> place(const Eigen::MatrixXd& centres, const Eigen::VectorXd& variances) const override {
    const Shape& shape = guard_->shape(centres.rows());
    Eigen::MatrixXd parameters(shape.parameters, centres.cols());
    Result<void> placed = check_dimension(centres.rows());
    for (Index k = 0; k < centres.cols() && placed; ++k)
      placed = guard_->place(column(centres, k), numbers(variances), column(parameters, k));
    auto bank = placed ? bank_of(shape, std::move(parameters), false) : fail(placed.error().message);
    if (bank) return *bank;
    return std::make_shared<const AdaptedBank>(
        *this, shape,
        Components{Eigen::MatrixXd::Zero(shape.parameters, centres.cols()), centres, variances.replicate(1, centres.cols()),
                   Eigen::MatrixXd::Zero(shape.statistics, centres.cols()), bank.error().message});
  }

  BankStatistics expected(const Bank& bank, const Eigen::VectorXd& points) const override {
    const Components& components = dynamic_cast<const AdaptedBank&>(bank).components();
    return {this, points, components.expected, components.failure};
  }

  Result<std::shared_ptr<const Bank>> unpack(const Eigen::MatrixXd& parameters, Index d) const override {
    if (const auto checked = check_dimension(d); !checked) return fail(checked.error().message);
    const Shape& shape = guard_->shape(d);
    if (parameters.rows() != shape.parameters)
      return fail(name() + ": " + std::to_string(parameters.rows()) + " parameters, expected " +
                  std::to_string(shape.parameters) + " in " + std::to_string(d) + " dimensions");
    for (Index k = 0; k < parameters.cols(); ++k)
      if (!parameters.col(k).allFinite())
        return fail("component " + std::to_string(k + 1) + ": a parameter is not a finite number");
    return bank_of(shape, parameters, true);
  }

 private:
  // Errors: parameters (finite) that the family cannot work with; begins with the component's number if told to.
  Result<std::shared_ptr<const Bank>> bank_of(const Shape& shape, Eigen::MatrixXd parameters, bool numbered) const {
    const Index count = parameters.cols();
    Components components{std::move(parameters), Eigen::MatrixXd(shape.dimension, count), Eigen::MatrixXd(shape.dimension, count),
                          Eigen::MatrixXd(shape.statistics, count)};
    for (Index k = 0; k < count; ++k) {
      const auto asked = ask(shape, components, k);
      if (!asked) return fail((numbered ? "component " + std::to_string(k + 1) + ": " : "") + asked.error().message);
    }
    return std::make_shared<const AdaptedBank>(*this, shape, std::move(components));
  }

  // Also tries the density where the component has its mean, if that can be a point.
  Result<void> ask(const Shape& shape, Components& components, Index k) const {
    const Numbers parameters = column(std::as_const(components.parameters), k);
    const std::span<double> mean = column(components.means, k);
    if (auto asked = guard_->mean(shape, parameters, mean); !asked) return asked;
    if (auto asked = guard_->variance(shape, parameters, column(components.variances, k)); !asked) return asked;
    if (auto asked = guard_->expected_statistics(shape, parameters, column(components.expected, k)); !asked) return asked;
    const auto reason = guard_->why_not(mean);
    if (!reason) return fail(reason.error().message);
    if (!reason->empty()) return {};
    const auto log_density = guard_->log_density(shape, mean, parameters);
    return log_density ? Result<void>{} : fail(log_density.error().message);
  }

  std::unique_ptr<const CustomFamilyGuard> guard_;
};

const Family& AdaptedBank::family() const { return family_; }

void AdaptedBank::log_densities(const Tile& tile, LaneRange lanes, LaneMatrix& out, Index first_column) const {
  const CustomFamilyGuard& guard = family_.guard();
  Rows rows(tile);
  for (Index row = lanes.begin; row < lanes.end; ++row) {
    out.block(row, first_column, 1, size()).setConstant(kImpossible);
    if (row >= tile.size() || !components_.failure.empty()) continue;
    const Rows::Kind kind = rows.load(row);
    if (kind == Rows::Kind::empty) out.block(row, first_column, 1, size()).setZero();
    if (kind != Rows::Kind::complete) continue;
    const auto reason = guard.why_not(rows.point());
    if (!reason || !reason->empty()) continue;
    for (Index k = 0; k < size(); ++k) {
      const auto log_density = guard.log_density(shape_, rows.point(), column(components_.parameters, k));
      if (log_density) out(row, first_column + k) = *log_density;
    }
  }
}

// Every density is asked for once more: where the family fails, log_densities could not tell.
void AdaptedBank::accumulate(const Tile& tile, const LaneMatrix& responsibilities, Index first_column, BankStatistics& statistics) const {
  statistics.failure = components_.failure;
  Rows rows(tile);
  Eigen::VectorXd buffer(shape_.statistics);
  for (Index row = 0; row < tile.size() && statistics.failure.empty(); ++row) {
    const Rows::Kind kind = rows.load(row);
    if (kind == Rows::Kind::incomplete) continue;
    bool possible = true;
    if (kind == Rows::Kind::complete) {
      const auto reason = family_.guard().why_not(rows.point());
      if (!reason) statistics.failure = reason.error().message;
      possible = reason && reason->empty();
    }
    for (Index k = 0; k < size() && possible; ++k) {
      const Numbers point = kind == Rows::Kind::complete ? rows.point() : Numbers{};
      const auto added = add_point(point, responsibilities(row, first_column + k), k, statistics, buffer);
      if (added) continue;
      statistics.failure = added.error().message;
      break;
    }
  }
}

// A point of which nothing is known, with no coordinates, is a component's average one.
Result<void> AdaptedBank::add_point(Numbers point, double share, Index k, BankStatistics& statistics,
                                    Eigen::VectorXd& buffer) const {
  const CustomFamilyGuard& guard = family_.guard();
  const Numbers parameters = column(components_.parameters, k);
  if (point.empty()) {
    buffer = components_.expected.col(k);
  } else {
    const auto log_density = guard.log_density(shape_, point, parameters);
    if (!log_density) return fail(log_density.error().message);
    if (!(share > 0) || *log_density == kImpossible) return {};
    const std::span<double> out(buffer.data(), static_cast<std::size_t>(buffer.size()));
    if (auto asked = guard.statistics(shape_, point, parameters, out); !asked) return asked;
  }
  if (!(share > 0)) return {};
  statistics.weight[k] += share;
  statistics.moments.col(k) += (share / statistics.weight[k]) * (buffer - statistics.moments.col(k));
  return {};
}

// Points that most supports hold one of: the positive, the integers, the sphere, the simplex, the unit cube.
std::vector<Eigen::VectorXd> examples(Index d) {
  const auto n = static_cast<double>(d);
  std::vector<Eigen::VectorXd> points;
  for (const double value : {1.0, 0.5, 1 / std::sqrt(n), 1 / n, 0.0, -1.0, 2.0})
    points.push_back(Eigen::VectorXd::Constant(d, value));
  points.push_back(Eigen::VectorXd::Unit(d, 0));
  return points;
}

// One component from its first guess to its first update.
Result<void> try_out(const AdaptedFamily& family, const Shape& shape, const Eigen::VectorXd& point) {
  constexpr double kVariance = 0.25;
  const CustomFamilyGuard& guard = family.guard();
  const Eigen::VectorXd variances = Eigen::VectorXd::Constant(point.size(), kVariance);
  const auto bank = family.place(point, variances);
  const Components& placed = dynamic_cast<const AdaptedBank&>(*bank).components();
  if (!placed.failure.empty()) return fail(placed.failure);
  const Numbers parameters = column(placed.parameters, 0);
  const auto log_density = guard.log_density(shape, numbers(point), parameters);
  if (!log_density) return fail(log_density.error().message);
  std::vector<double> statistics(static_cast<std::size_t>(shape.statistics));
  if (auto asked = guard.statistics(shape, numbers(point), parameters, statistics); !asked) return asked;
  const MaximisedBank maximised =
      family.maximise(family.expected(*bank, Eigen::VectorXd::Constant(1, 100)), {{}, variances}, *bank, {false}, Workers::alone());
  return maximised.failure.empty() ? Result<void>{} : fail(maximised.failure);
}

}  // namespace

Result<std::unique_ptr<const Family>> make_custom_family(std::unique_ptr<const CustomFamily> custom) {
  constexpr Index kHighestDimension = 64;
  auto guard = CustomFamilyGuard::make(std::move(custom));
  if (!guard) return fail(guard.error().message);
  auto family = std::make_unique<const AdaptedFamily>(std::move(*guard));
  Index d = 1;
  while (d < kHighestDimension && !family->guard().shape(d).refusal.empty()) ++d;
  if (const auto checked = family->check_dimension(d); !checked) return fail(checked.error().message);
  const Shape& shape = family->guard().shape(d);
  for (const Eigen::VectorXd& point : examples(d)) {
    const auto reason = family->guard().why_not(numbers(point));
    if (!reason) return fail(reason.error().message);
    if (!reason->empty()) continue;
    if (const auto tried = try_out(*family, shape, point); !tried) return fail(tried.error().message);
    break;
  }
  return family;
}

}  // namespace emulsion
