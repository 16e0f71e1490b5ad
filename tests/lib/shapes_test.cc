// Matrices are factored some at a time, and by several threads: each comes out as it does alone.
#include "emulsion/shapes.h"

#include <catch2/catch.hpp>
#include <limits>

#include "lib/bank_at_work.h"

namespace emulsion {
namespace {

using namespace testing;

constexpr Index kDimension = 3;
constexpr Index kMany = kLanes + 3;  // two runs

// Statistics of components of every fate. In both runs some are sound, and one each is flat, is no scatter of points, and is no number.
struct Fates {
  explicit Fates(const std::string& name)
      : family(known_family(name)), centres(Sampler(5).normals(kDimension, kMany)), before(family.place(centres, Eigen::Vector3d::Ones())) {
    const Eigen::MatrixXd points = Sampler(7).normals(kDimension, 200);
    statistics = statistics_of(*before, points, some_shares(200, kMany, 11));
    const Index scatter_at = statistics.moments.rows() - triangle(kDimension) - (name == "student_t" ? 1 : 0);
    const auto scatter = [&](Index k) { return statistics.moments.col(k).segment(scatter_at, triangle(kDimension)); };
    scatter(2).setZero();
    scatter(8).setZero();
    scatter(0)[0] *= -1;
    scatter(9)[0] *= -1;
    scatter(5)[1] = std::numeric_limits<double>::quiet_NaN();
    scatter(10)[1] = std::numeric_limits<double>::infinity();
    keep.assign(kMany, false);
    keep[3] = true;
  }

  MaximisedBank all(int threads) const {
    Workers workers(threads);
    return family.maximise(statistics, prior, *before, keep, workers);
  }

  MaximisedBank alone(Index k) const {
    const BankStatistics own{statistics.family, statistics.weight.segment(k, 1), statistics.moments.col(k)};
    return family.maximise(own, prior, *family.place(centres.col(k), Eigen::Vector3d::Ones()), {keep[static_cast<std::size_t>(k)]}, Workers::alone());
  }

  const Family& family;
  Eigen::MatrixXd centres;
  std::shared_ptr<const Bank> before;
  BankStatistics statistics;
  Prior prior{{0, 1e-3, 0}, Eigen::Vector3d::Ones()};
  std::vector<bool> keep;
};

TEST_CASE("an M-step makes of each component what it makes of it alone, whatever becomes of those beside it") {
  const Fates fates(GENERATE("gaussian(full)", "student_t"));
  const int threads = GENERATE(1, 3);
  const MaximisedBank all = fates.all(threads);
  const Eigen::MatrixXd packed = all.bank->pack();
  REQUIRE(packed.cols() == kMany);
  for (Index k = 0; k < kMany; ++k) {
    CAPTURE(fates.family.name(), threads, k);
    const MaximisedBank alone = fates.alone(k);
    CHECK(all.repairs[static_cast<std::size_t>(k)] == alone.repairs.front());
    CHECK(same_bits(packed.col(k), alone.bank->pack().col(0)));
  }
  for (const Index k : {2, 8}) CHECK(all.repairs[static_cast<std::size_t>(k)] == Repair::jitter);
  for (const Index k : {0, 9}) CHECK(all.repairs[static_cast<std::size_t>(k)] == Repair::eigenvalue_floor);
  for (const Index k : {5, 10}) CHECK(all.repairs[static_cast<std::size_t>(k)] == Repair::kept_previous);
  for (const Index k : {1, 3, 4, 6, 7}) CHECK(all.repairs[static_cast<std::size_t>(k)] == Repair::none);
}

}  // namespace
}  // namespace emulsion
