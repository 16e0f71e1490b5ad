#include "emulsion/product_family.h"

#include <algorithm>
#include <cassert>
#include <limits>

#include "emulsion/formula.h"

namespace emulsion {
namespace {

class ProductFamily;

class ProductBank final : public Bank {
 public:
  ProductBank(const ProductFamily& family, std::vector<std::shared_ptr<const Bank>> banks)
      : family_(family), banks_(std::move(banks)) {}

  const Family& family() const override;
  Index size() const override { return banks_.front()->size(); }
  Index dimension() const override;
  const std::vector<std::shared_ptr<const Bank>>& banks() const { return banks_; }

  void log_densities(const Tile& tile, LaneRange lanes, LaneMatrix& out, Index first_column) const override;
  void accumulate(const Tile& tile, const LaneMatrix& responsibilities, Index first_column, BankStatistics& statistics) const override;
  Eigen::MatrixXd means() const override;
  Eigen::MatrixXd variances() const override;
  Eigen::MatrixXd pack() const override;

 private:
  const ProductFamily& family_;
  std::vector<std::shared_ptr<const Bank>> banks_;  // one for each factor
};

class ProductFamily final : public Family {
 public:
  ProductFamily(std::vector<ProductFactor> factors, Index dimension) : factors_(std::move(factors)), dimension_(dimension) {}

  const std::vector<ProductFactor>& factors() const { return factors_; }
  Index dimension() const { return dimension_; }

  std::string name() const override {
    std::string name;
    for (const ProductFactor& factor : factors_) name += (name.empty() ? "" : "*") + name_of(factor);
    return name;
  }

  std::vector<ParameterPart> layout(Index) const override {
    std::vector<ParameterPart> parts;
    for (const ProductFactor& factor : factors_)
      for (ParameterPart part : factor.family->layout(width(factor))) {
        part.name = name_of(factor) + "." + part.name;
        parts.push_back(std::move(part));
      }
    return parts;
  }

  Index free_parameters(Index, Index components) const override {
    Index sum = 0;
    for (const ProductFactor& factor : factors_) sum += factor.family->free_parameters(width(factor), components);
    return sum;
  }

  Result<void> check_dimension(Index dimension) const override {
    if (dimension != dimension_)
      return fail(name() + ": " + std::to_string(dimension) + " coordinates, expected " + std::to_string(dimension_) +
                  (dimension > dimension_ ? ", as each stands in one factor" : ""));
    for (const ProductFactor& factor : factors_)
      if (const auto checked = factor.family->check_dimension(width(factor)); !checked) return checked;
    return {};
  }

  bool refuses_points() const override {
    return std::any_of(factors_.begin(), factors_.end(), [](const ProductFactor& factor) { return factor.family->refuses_points(); });
  }

  std::optional<std::string> refusal(std::span<const double> point) const override {
    for (const ProductFactor& factor : factors_) {
      std::vector<double> part;
      for (const Index column : factor.columns) part.push_back(point[static_cast<std::size_t>(column)]);
      if (auto reason = factor.family->refusal(part)) return name_of(factor) + ": " + *reason;
    }
    return std::nullopt;
  }

  BankStatistics empty(Index, Index components) const override {
    std::vector<BankStatistics> parts;
    for (const ProductFactor& factor : factors_) parts.push_back(factor.family->empty(width(factor), components));
    return stacked(parts);
  }

  void merge(BankStatistics& into, const BankStatistics& from) const override {
    std::vector<BankStatistics> parts = split(into);
    const std::vector<BankStatistics> added = split(from);
    for (std::size_t f = 0; f < parts.size(); ++f) factors_[f].family->merge(parts[f], added[f]);
    into = stacked(parts);
  }

  void scale(BankStatistics& statistics, double factor) const override {
    std::vector<BankStatistics> parts = split(statistics);
    for (std::size_t f = 0; f < parts.size(); ++f) factors_[f].family->scale(parts[f], factor);
    statistics = stacked(parts);
  }

  MaximisedBank maximise(const BankStatistics& statistics, const Prior& prior, const Bank& previous,
                         const std::vector<bool>& keep, Workers& workers) const override {
    const auto& before = dynamic_cast<const ProductBank&>(previous);
    const std::vector<BankStatistics> parts = split(statistics);
    MaximisedBank result{nullptr, std::vector<Repair>(keep.size(), Repair::none)};
    std::vector<std::shared_ptr<const Bank>> banks;
    for (std::size_t f = 0; f < factors_.size(); ++f) {
      MaximisedBank part = factors_[f].family->maximise(parts[f], of_columns(prior, factors_[f].columns), *before.banks()[f], keep, workers);
      if (result.failure.empty()) result.failure = part.failure;
      banks.push_back(std::move(part.bank));
      for (std::size_t k = 0; k < keep.size(); ++k) result.repairs[k] = std::max(result.repairs[k], part.repairs[k]);
    }
    if (result.failure.empty()) result.bank = std::make_shared<const ProductBank>(*this, std::move(banks));
    return result;
  }

  std::shared_ptr<const Bank> place(const Eigen::MatrixXd& centres, const Eigen::VectorXd& variances) const override {
    std::vector<std::shared_ptr<const Bank>> banks;
    for (const ProductFactor& factor : factors_)
      banks.push_back(factor.family->place(centres(factor.columns, Eigen::all), variances(factor.columns)));
    return std::make_shared<const ProductBank>(*this, std::move(banks));
  }

  BankStatistics expected(const Bank& bank, const Eigen::VectorXd& points) const override {
    const auto& product = dynamic_cast<const ProductBank&>(bank);
    std::vector<BankStatistics> parts;
    for (std::size_t f = 0; f < factors_.size(); ++f) parts.push_back(factors_[f].family->expected(*product.banks()[f], points));
    return stacked(parts);
  }

  Result<std::shared_ptr<const Bank>> unpack(const Eigen::MatrixXd& parameters, Index dimension) const override {
    if (const auto checked = check_dimension(dimension); !checked) return fail(checked.error().message);
    Index rows = 0;
    for (const ParameterPart& part : layout(dimension)) rows += part.size;
    if (parameters.rows() != rows)
      return fail(name() + ": " + std::to_string(parameters.rows()) + " parameters, expected " + std::to_string(rows));
    std::vector<std::shared_ptr<const Bank>> banks;
    Index first = 0;
    for (const ProductFactor& factor : factors_) {
      Index size = 0;
      for (const ParameterPart& part : factor.family->layout(width(factor))) size += part.size;
      auto bank = factor.family->unpack(parameters.middleRows(first, size), width(factor));
      if (!bank) return fail(name_of(factor) + ": " + bank.error().message);
      banks.push_back(std::move(*bank));
      first += size;
    }
    return std::make_shared<const ProductBank>(*this, std::move(banks));
  }

  // Statistics of the factors, one below the other.
  BankStatistics stacked(const std::vector<BankStatistics>& parts) const {
    BankStatistics whole{this, parts.front().weight, {}};
    Index rows = 0;
    for (const BankStatistics& part : parts) rows += part.moments.rows();
    whole.moments.resize(rows, whole.weight.size());
    Index first = 0;
    for (const BankStatistics& part : parts) {
      whole.moments.middleRows(first, part.moments.rows()) = part.moments;
      first += part.moments.rows();
      if (whole.failure.empty()) whole.failure = part.failure;
    }
    return whole;
  }

  std::vector<BankStatistics> split(const BankStatistics& whole) const {
    std::vector<BankStatistics> parts;
    Index first = 0;
    for (const ProductFactor& factor : factors_) {
      BankStatistics part = factor.family->empty(width(factor), whole.weight.size());
      part.weight = whole.weight;
      part.moments = whole.moments.middleRows(first, part.moments.rows());
      part.failure = whole.failure;
      first += part.moments.rows();
      parts.push_back(std::move(part));
    }
    return parts;
  }

 private:
  static Index width(const ProductFactor& factor) { return static_cast<Index>(factor.columns.size()); }
  static std::string name_of(const ProductFactor& factor) { return component_name({{factor.family->name(), factor.columns}}); }

  static Prior of_columns(const Prior& prior, const std::vector<Index>& columns) {
    const auto chosen = [&](const Eigen::VectorXd& of_all) { return of_all.size() == 0 ? of_all : Eigen::VectorXd(of_all(columns)); };
    return {prior.options, chosen(prior.variances), chosen(prior.means), chosen(prior.lowest), chosen(prior.highest)};
  }

  std::vector<ProductFactor> factors_;
  Index dimension_;
};

const Family& ProductBank::family() const { return family_; }
Index ProductBank::dimension() const { return family_.dimension(); }

void ProductBank::log_densities(const Tile& tile, LaneRange lanes, LaneMatrix& out, Index first_column) const {
  LaneMatrix part(kTilePoints, size());
  for (std::size_t f = 0; f < banks_.size(); ++f) {
    banks_[f]->log_densities(tile.with_columns(family_.factors()[f].columns), lanes, part, 0);
    auto rows = out.block(lanes.begin, first_column, lanes.end - lanes.begin, size());
    const auto added = part.middleRows(lanes.begin, lanes.end - lanes.begin);
    if (f == 0)
      rows = added;
    else
      rows += added;
  }
}

void ProductBank::accumulate(const Tile& tile, const LaneMatrix& responsibilities, Index first_column, BankStatistics& statistics) const {
  std::vector<BankStatistics> parts = family_.split(statistics);
  for (std::size_t f = 0; f < banks_.size(); ++f)
    banks_[f]->accumulate(tile.with_columns(family_.factors()[f].columns), responsibilities, first_column, parts[f]);
  statistics = family_.stacked(parts);
}

Eigen::MatrixXd ProductBank::means() const {
  Eigen::MatrixXd result(dimension(), size());
  for (std::size_t f = 0; f < banks_.size(); ++f) result(family_.factors()[f].columns, Eigen::all) = banks_[f]->means();
  return result;
}

Eigen::MatrixXd ProductBank::variances() const {
  Eigen::MatrixXd result(dimension(), size());
  for (std::size_t f = 0; f < banks_.size(); ++f) result(family_.factors()[f].columns, Eigen::all) = banks_[f]->variances();
  return result;
}

Eigen::MatrixXd ProductBank::pack() const {
  std::vector<Eigen::MatrixXd> parts;
  Index rows = 0;
  for (const auto& bank : banks_) {
    parts.push_back(bank->pack());
    rows += parts.back().rows();
  }
  Eigen::MatrixXd packed(rows, size());
  Index first = 0;
  for (const Eigen::MatrixXd& part : parts) {
    packed.middleRows(first, part.rows()) = part;
    first += part.rows();
  }
  return packed;
}

}  // namespace

Result<std::unique_ptr<const Family>> make_product_family(std::vector<ProductFactor> factors) {
  assert(!factors.empty());
  Index highest = -1;
  for (const ProductFactor& factor : factors) {
    if (factor.columns.empty()) return fail(factor.family->name() + ": no columns, but each of several factors needs some, as in \"" + factor.family->name() + "[0]\"");
    highest = std::max(highest, *std::max_element(factor.columns.begin(), factor.columns.end()));
  }
  constexpr Index kMostColumns = 65536;
  if (highest >= kMostColumns) return fail("column " + std::to_string(highest) + ", expected 0 to " + std::to_string(kMostColumns - 1));
  std::vector<bool> used(static_cast<std::size_t>(highest + 1), false);
  for (const ProductFactor& factor : factors)
    for (const Index column : factor.columns) {
      if (used[static_cast<std::size_t>(column)]) return fail("column " + std::to_string(column) + " is there twice");
      used[static_cast<std::size_t>(column)] = true;
    }
  const auto unused = std::find(used.begin(), used.end(), false);
  if (unused != used.end()) return fail("column " + std::to_string(unused - used.begin()) + " is in no factor");
  return std::make_unique<const ProductFamily>(std::move(factors), highest + 1);
}

}  // namespace emulsion
