// The contract that every family of distributions keeps.
//
// A *bank* is K components of one family, evaluated together on a tile of points. A *family* knows how the sufficient
// statistics of such a bank behave and how they become parameters. Both are immutable and may be shared between threads.
//
// The laws, which tests/lib/family_test.cc checks for every family of the registry:
//   statistics are a commutative monoid: merging is associative and commutative (to rounding), and merging with an empty
//   one changes nothing; merging equals having seen both batches; scaling by a and then b is scaling by a*b, and scales
//   weights, not parameters; maximising and packing never yield a number that is not finite; pack and unpack are inverse,
//   bit for bit; a row's log density does not depend on the other rows of its tile.
//
// To add a family: one header, one source, one line in families.cc, and its parameters on the wire; docs/architecture.md
// has the recipe.
#pragma once

#include <Eigen/Core>
#include <cassert>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "emulsion/parameter_part.h"
#include "emulsion/prior.h"
#include "emulsion/result.h"
#include "emulsion/tile.h"
#include "emulsion/workers.h"

namespace emulsion {

class Bank;
class Family;
class Screen;

// What a bank must remember of the points it has seen.
//   weight   K: total responsibility of each component, decayed
//   moments  M x K: the rest, in the family's own layout. Centred: never sums about the origin, which lose all digits of
//            the variance for data far from it
//   failure  why they cannot be used, where a user's own family has failed on a point; empty if all is well
struct BankStatistics {
  const Family* family = nullptr;
  Eigen::VectorXd weight;
  Eigen::MatrixXd moments;
  std::string failure = {};
};

// What had to be done to make a component's parameters usable. In the order of the repair ladder.
enum class Repair { none, jitter, eigenvalue_floor, kept_previous };

struct MaximisedBank {
  std::shared_ptr<const Bank> bank;
  std::vector<Repair> repairs;  // K
  std::string failure = {};     // why a user's own family gave no parameters; empty if all is well
};

class Bank {
 public:
  virtual ~Bank() = default;
  virtual const Family& family() const = 0;
  virtual Index size() const = 0;       // K
  virtual Index dimension() const = 0;  // d

  // Log densities, in nats per unit volume, of some rows of a tile.
  // Writes out(row, first_column + k) for the rows of `lanes`, which are whole blocks of kLanes. A row with missing
  // coordinates gets the density of those that it has. A point outside the support gets -inf, and one too far away for
  // its density to be a number -inf or NaN: the mixture counts both as the lowest density there is.
  virtual void log_densities(const Tile& tile, LaneRange lanes, LaneMatrix& out, Index first_column) const = 0;

  // Sets the log densities of the incomplete rows alone, as log_densities does. Needed where there is a screen.
  virtual void set_incomplete(const Tile&, LaneRange, LaneMatrix&, Index) const {}

  // A way to leave out components that cannot matter for a point, for log_densities_of; null if there is none, or none that
  // pays. Takes some work, which many points are worth.
  virtual std::shared_ptr<const Screen> screen() const { return nullptr; }

  // The log densities of one component for some complete rows of a tile: the same bits as log_densities.
  //   out  as many numbers, and room for whole blocks of kLanes
  virtual void log_densities_of(const Tile& tile, Index component, RowNumbers rows, double* out) const;

  // The statistics of a tile, given how much of each row belongs to each component: responsibilities(row,
  // first_column + k) >= 0, weight of the row included, 0 past the end of the tile and where the point is outside the
  // support. A missing coordinate counts with its expectation and variance given the others.
  //   statistics  those of no points, which become those of the tile
  virtual void accumulate(const Tile& tile, const LaneMatrix& responsibilities, Index first_column, BankStatistics& statistics) const = 0;

  // What densities need is fetched; see prefetch.h.
  virtual void prefetch(int) const {}

  // Mean and variance of each component along each coordinate: d x K, finite. A distribution that has none tells its
  // place, and the square of its scale.
  virtual Eigen::MatrixXd means() const = 0;
  virtual Eigen::MatrixXd variances() const = 0;

  // The parameters as numbers: P x K.
  virtual Eigen::MatrixXd pack() const = 0;
};

class Family {
 public:
  virtual ~Family() = default;

  // As it is written in configurations and messages, such as "gaussian(full)".
  virtual std::string name() const = 0;

  // What a column of pack() consists of. Names are unique within it.
  virtual std::vector<ParameterPart> layout(Index dimension) const = 0;

  // Numbers that an estimate of so many components is free to choose, without their weights; for BIC and AIC.
  virtual Index free_parameters(Index dimension, Index components) const = 0;

  // Errors: the family has no distributions over so many coordinates; says which it has.
  virtual Result<void> check_dimension(Index dimension) const;

  // True if there are points that `refusal` refuses.
  virtual bool refuses_points() const { return true; }

  // Why no component of the family can have given this point (d coordinates, finite or NaN = missing), such as
  // "coordinate 1: -3, expected a number > 0", counted from 0; nothing if one can.
  virtual std::optional<std::string> refusal(std::span<const double> point) const;

  // True if its components have no place of their own but lie evenly over the whole stream: its points are noise.
  virtual bool is_noise() const { return false; }

  // Statistics of no points: all numbers are 0.
  virtual BankStatistics empty(Index dimension, Index components) const = 0;

  // Adds the points behind `from` to those behind `into`.
  virtual void merge(BankStatistics& into, const BankStatistics& from) const = 0;

  // Makes every point behind the statistics count `factor` times as much. factor >= 0.
  virtual void scale(BankStatistics& statistics, double factor) const = 0;

  // The parameters that make the statistics most probable under the prior (MAP).
  //   keep     K: components that keep the parameters that they have in `previous`
  //   workers  share the work where there is much of it; the result does not depend on them
  // Never fails: the repair ladder ends with the previous parameters.
  virtual MaximisedBank maximise(const BankStatistics& statistics, const Prior& prior, const Bank& previous,
                                 const std::vector<bool>& keep, Workers& workers) const = 0;

  // A first guess: components at the given places (d x K; points of the support, or means of some), as wide as
  // `variances` (d, > 0) say, where the family can choose. Never fails: what the family cannot have is moved to the
  // nearest that it can.
  virtual std::shared_ptr<const Bank> place(const Eigen::MatrixXd& centres, const Eigen::VectorXd& variances) const = 0;

  // The statistics that so many points (K) of exactly these components would leave.
  virtual BankStatistics expected(const Bank& bank, const Eigen::VectorXd& points) const = 0;

  // The inverse of Bank::pack. Errors: wrong size, or parameters that are no distribution; names the component.
  virtual Result<std::shared_ptr<const Bank>> unpack(const Eigen::MatrixXd& parameters, Index dimension) const = 0;
};

inline void Bank::log_densities_of(const Tile&, Index, RowNumbers, double*) const { assert(!"a bank that has a screen"); }

inline Result<void> Family::check_dimension(Index) const { return {}; }
inline std::optional<std::string> Family::refusal(std::span<const double>) const { return std::nullopt; }

}  // namespace emulsion
