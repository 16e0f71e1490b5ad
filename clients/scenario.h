// Points with known truth.
//
//   ScenarioOptions options;
//   auto scenario = Scenario::make("drift", options);
//   while (!scenario->done()) use(scenario->next(1000));
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "clients/random.h"
#include "clients/scenario_plan.h"
#include "clients/scenarios.h"
#include "emulsion/points.h"
#include "emulsion/result.h"

namespace emulsion::client {

inline constexpr std::int64_t kOutlier = -1;

// Points, and which component each is of, or kOutlier.
struct LabelledPoints {
  PointBatch batch;                  // d x n, without weights and times
  std::vector<std::int64_t> labels;  // n
};

// The parameters of one component at one moment.
struct TrueComponent {
  std::int64_t label = 0;
  double weight = 0;           // of the components together 1; outliers are not counted
  Eigen::VectorXd mean;        // d
  Eigen::MatrixXd covariance;  // d x d
};

// Not thread-safe. The points do not depend on how many are asked for at a time.
class Scenario {
 public:
  // Errors: those of plan_scenario.
  static Result<Scenario> make(std::string_view name, const ScenarioOptions& options);

  // The next points, `count` of them unless the end comes first.
  LabelledPoints next(Index count);

  // The distribution that point t, counted from 0, is drawn from. Components without weight are left out.
  std::vector<TrueComponent> truth(std::uint64_t t) const;

  std::uint64_t points() const { return points_; }
  std::uint64_t drawn() const { return drawn_; }
  bool done() const { return drawn_ == points_; }
  bool moving() const { return plan_.moving(); }
  Index dimension() const { return plan_.dimension(); }

 private:
  Scenario(ScenarioPlan plan, std::uint64_t points, Random random);

  double moment(std::uint64_t t) const { return static_cast<double>(t) / static_cast<double>(points_); }
  std::int64_t draw_point(Eigen::Ref<Eigen::VectorXd> point);
  void draw_outlier(Eigen::Ref<Eigen::VectorXd> point);
  void lose_coordinates(Eigen::Ref<Eigen::VectorXd> point);

  ScenarioPlan plan_;
  std::vector<Eigen::MatrixXd> factors_;  // lower Cholesky factors of the covariances
  Eigen::VectorXd center_;                // of the box around all components at all times
  Eigen::VectorXd half_extent_;
  std::uint64_t points_;
  std::uint64_t drawn_ = 0;
  Random random_;
};

}  // namespace emulsion::client
