#include "emulsion/student_t.h"

#include <Eigen/Cholesky>
#include <Eigen/LU>
#include <catch2/catch.hpp>

#include "emulsion/batch_em.h"
#include "emulsion/learner.h"
#include "emulsion/seeding.h"
#include "lib/bank_at_work.h"
#include "lib/draw.h"
#include "lib/reference.h"

namespace emulsion {
namespace {

using namespace testing;

const Eigen::Vector3d kLocation(1, -2, 0.5);
const Eigen::Matrix3d kScale = (Eigen::Matrix3d() << 2.5, 0.5, -0.75, 0.5, 1.25, 0.25, -0.75, 0.25, 3).finished();

// One component in the layout of pack().
Eigen::VectorXd packed(const Eigen::VectorXd& location, const Eigen::MatrixXd& scale, double freedom) {
  std::vector<double> numbers(location.begin(), location.end());
  for (Index i = 0; i < scale.rows(); ++i)
    for (Index j = 0; j <= i; ++j) numbers.push_back(scale(i, j));
  numbers.push_back(freedom);
  return Eigen::Map<Eigen::VectorXd>(numbers.data(), static_cast<Index>(numbers.size()));
}

std::shared_ptr<const Bank> bank_of(const Eigen::VectorXd& location, const Eigen::MatrixXd& scale, double freedom) {
  const auto bank = student_t().unpack(packed(location, scale, freedom), location.size());
  if (!bank) FAIL(bank.error().message);
  return *bank;
}

struct StudentRow {
  double freedom;
  std::vector<double> point;
  double log_density;
};
// mpmath with 40 digits; scipy.stats.multivariate_t agrees to 2e-12.
const std::vector<StudentRow> kStudentTable = {
    {0.5, {1, -2, 0.5}, -3.062430607441651},
    {0.5, {0, 0, 0}, -7.4221074589581744},
    {0.5, {3, -1, 2}, -6.5978672800624725},
    {0.5, {-40, 25, 10}, -17.427465091303965},
    {0.5, {1000000.0, -3000000.0, 2000000.0}, -57.213191856393938},
    {1, {1, -2, 0.5}, -3.302092675487706},
    {1, {0, 0, 0}, -7.0573994426894343},
    {1, {3, -1, 2}, -6.2053686164039079},
    {1, {-40, 25, 10}, -18.333525115685457},
    {1, {1000000.0, -3000000.0, 2000000.0}, -63.802382598884787},
    {3, {1, -2, 0.5}, -3.5637167473699799},
    {3, {0, 0, 0}, -6.701510959189903},
    {3, {3, -1, 2}, -5.7752582715852952},
    {3, {-40, 25, 10}, -22.818293523875678},
    {3, {1000000.0, -3000000.0, 2000000.0}, -91.01831476646171},
    {7.5, {1, -2, 0.5}, -3.6775219315831232},
    {7.5, {0, 0, 0}, -6.5806470857446096},
    {7.5, {3, -1, 2}, -5.5773449062716504},
    {7.5, {-40, 25, 10}, -32.575338124844577},
    {7.5, {1000000.0, -3000000.0, 2000000.0}, -151.91254212265606},
    {30, {1, -2, 0.5}, -3.7449904727541059},
    {30, {0, 0, 0}, -6.5402427039995918},
    {30, {3, -1, 2}, -5.4521102888218566},
    {30, {-40, 25, 10}, -71.893040025854567},
    {30, {1000000.0, -3000000.0, 2000000.0}, -446.75262554338933},
    {1000, {1, -2, 0.5}, -3.7686990030281737},
    {1000, {0, 0, 0}, -6.5384158981535441},
    {1000, {3, -1, 2}, -5.4059801216857646},
    {1000, {-40, 25, 10}, -526.47344289189923},
    {1000, {1000000.0, -3000000.0, 2000000.0}, -11709.977124921811},
};

TEST_CASE("a log density is that of mpmath and scipy", "[student_t]") {
  for (const StudentRow& row : kStudentTable) {
    CAPTURE(row.freedom, row.point);
    const double found = log_density_at(*bank_of(kLocation, kScale, row.freedom), Eigen::Map<const Eigen::Vector3d>(row.point.data()));
    CHECK(std::abs(found - row.log_density) < 1e-13 * std::abs(row.log_density));
  }
}

TEST_CASE("a t with one degree of freedom is a Cauchy distribution", "[student_t]") {
  const auto bank = bank_of(Eigen::VectorXd::Constant(1, 2), Eigen::MatrixXd::Constant(1, 1, 9), 1);
  for (const double x : {2.0, -7.0, 1e9})
    CHECK(log_density_at(*bank, Eigen::VectorXd::Constant(1, x)) ==
          Approx(-std::log(3 * std::numbers::pi * (1 + (x - 2) * (x - 2) / 9))).epsilon(1e-14));
}

TEST_CASE("an incomplete point has the density of its coordinates' own t, with the same degrees of freedom", "[student_t]") {
  const auto whole = bank_of(kLocation, kScale, 3.5);
  const Eigen::Vector3d point(4, std::nan(""), -6);
  const std::vector<Index> seen = {0, 2};
  const auto part = bank_of(kLocation(seen), kScale(seen, seen), 3.5);
  CHECK(log_density_at(*whole, point) == Approx(log_density_at(*part, point(seen))).epsilon(1e-14));
}

// The M-step for one component by the textbook, in long double: PX-EM, with the degrees of freedom by bisection.
struct Estimate {
  WideVector location;
  WideMatrix scale;
  Wide freedom_equation;  // log mean E[u] - mean E[log u]
};
Estimate m_step(const Gaussian& g, Wide freedom, const Eigen::MatrixXd& points, const Eigen::VectorXd& shares, Wide (*digamma)(Wide)) {
  const Index d = points.rows();
  Wide weight = 0, factors = 0, logs = 0;
  WideVector sum = WideVector::Zero(d);
  std::vector<Wide> factor;
  std::vector<Moments> alone;
  for (Index i = 0; i < points.cols(); ++i) {
    const auto seen = coordinates(points.col(i), false);
    const WideVector apart = points.col(i).cast<Wide>()(seen) - g.mean(seen);
    const Wide n = static_cast<Wide>(seen.size());
    const Wide square = apart.dot(WideMatrix(g.covariance(seen, seen)).inverse() * apart);
    factor.push_back((freedom + n) / (freedom + square));
    alone.push_back(moments(g, points.col(i), WideVector::Ones(1)));  // the point completed, and its uncertainty
    weight += shares[i];
    factors += shares[i] * factor.back();
    logs += shares[i] * (digamma((freedom + n) / 2) - std::log((freedom + square) / 2));
    sum += shares[i] * factor.back() * alone.back().mean;
  }
  Estimate estimate{sum / factors, WideMatrix::Zero(d, d), std::log(factors / weight) - logs / weight};
  for (std::size_t i = 0; i < factor.size(); ++i) {
    const WideVector apart = alone[i].mean - estimate.location;
    estimate.scale += shares[static_cast<Index>(i)] * (factor[i] * apart * apart.transpose() + alone[i].scatter) / factors;
  }
  return estimate;
}

// By recurrence and the asymptotic series, Abramowitz & Stegun (1964), 6.3.5 and 6.3.18.
Wide digamma(Wide x) {
  Wide sum = 0;
  for (; x < 40; ++x) sum -= 1 / x;
  const Wide square = 1 / (x * x);
  return sum + std::log(x) - 0.5L / x - square * (1 / 12.0L - square * (1 / 120.0L - square * (1 / 252.0L - square / 240)));
}

TEST_CASE("an M-step is that of PX-EM by the textbook, whether or not points are complete", "[student_t]") {
  const bool incomplete = GENERATE(false, true);
  const double freedom = GENERATE(0.7, 4.0, 60.0);
  CAPTURE(incomplete, freedom);
  Sampler sampler(4);
  PointBatch batch{Eigen::MatrixXd(3, 120), {}, {}};
  for (Index i = 0; i < 120; ++i) batch.points.col(i) = draw_student(sampler, kLocation, kScale, 2);
  if (incomplete) lose_coordinates(batch, 0.3, 5);
  const Eigen::MatrixXd shares = some_shares(120, 2, 6).leftCols(1);
  const Gaussian g{1, (kLocation + Eigen::Vector3d(1, 0, -1)).cast<Wide>(), (2 * kScale).cast<Wide>()};
  const auto before = bank_of(g.mean.cast<double>(), g.covariance.cast<double>(), freedom);
  const auto expected = m_step(g, freedom, batch.points, shares.col(0), digamma);
  const auto found = maximise(statistics_of(*before, batch.points, shares), *before, {{0, 1e-3, 0}, Eigen::Vector3d::Ones()}).bank->pack();
  CHECK(difference(found.col(0).head(3), expected.location.cast<double>()) < 1e-13);
  CHECK(difference(found.col(0).segment(3, 6), packed(kLocation, expected.scale.cast<double>(), 0).segment(3, 6)) < 1e-13);
  const Wide half = found(9, 0) / 2.0L;
  CHECK(std::abs(static_cast<double>((std::log(half) - digamma(half)) / expected.freedom_equation - 1)) < 1e-12);
}

TEST_CASE("degrees of freedom stay between those of no measurement and those of a Gaussian", "[student_t]") {
  const auto before = bank_of(Eigen::Vector2d(0, 0), Eigen::Matrix2d::Identity(), 30);
  const Prior prior{{0, 1e-3, 0}, Eigen::Vector2d::Ones()};
  BankStatistics light = student_t().expected(*before, Eigen::VectorXd::Ones(1));
  light.moments.col(0).tail<1>()[0] = 0;  // all points at the same distance: log E[u] and E[log u] are equal
  CHECK(maximise(light, *before, prior).bank->pack()(5, 0) == 1000);
  BankStatistics wild = student_t().expected(*before, Eigen::VectorXd::Ones(1));
  wild.moments.col(0).tail<1>()[0] = -1e6;
  CHECK(maximise(wild, *before, prior).bank->pack()(5, 0) == 0.1);
}

TEST_CASE("a variance is that of the t where it has one, and the square of its scale where not", "[student_t]") {
  CHECK(bank_of(kLocation, kScale, 5)->variances()(0, 0) == Approx(2.5 * 5 / 3).epsilon(1e-15));
  CHECK(bank_of(kLocation, kScale, 2)->variances()(1, 0) == 1.25);
  CHECK(bank_of(kLocation, kScale, 0.5)->variances()(2, 0) == 3);
  CHECK(student_t().place(kLocation, Eigen::Vector3d(1, 2, 3))->variances().col(0) == Eigen::Vector3d(1, 2, 3));
}

TEST_CASE("parameters that are no t distribution are refused", "[student_t]") {
  const auto reason = [](const Eigen::VectorXd& parameters, Index d) {
    const auto bank = student_t().unpack(parameters, d);
    return bank ? "accepted" : bank.error().message;
  };
  CHECK(reason(packed(kLocation, kScale, 3), 3) == "accepted");
  CHECK(reason(packed(kLocation, kScale, 0), 3) == "component 1: degrees of freedom 0 are not in [0.1, 1000]");
  CHECK(reason(packed(kLocation, kScale, 1e4), 3) == "component 1: degrees of freedom 10000 are not in [0.1, 1000]");
  CHECK(reason(packed(kLocation, -kScale, 3), 3) == "component 1: scale is not positive definite");
}

// A location of a t is known with a covariance of (nu + d + 2) / (nu + d) of its scale matrix over n.
const Eigen::Vector2d kPlace(5, -3);
const Eigen::Matrix2d kWidth = (Eigen::Matrix2d() << 2, 0.6, 0.6, 1).finished();

PointBatch drawn(Index n, int freedom, std::uint64_t seed) {
  Sampler sampler(seed);
  PointBatch batch{Eigen::MatrixXd(2, n), {}, {}};
  for (Index i = 0; i < n; ++i) batch.points.col(i) = draw_student(sampler, kPlace, kWidth, freedom);
  return batch;
}

LearnerOptions one(const std::string& family) {
  LearnerOptions options;
  options.family = family;
  options.components = 1;
  return options;
}

Eigen::VectorXd fitted(const PointBatch& batch, const std::string& family) {
  Workers workers(1);
  const auto seeded = seed_mixture(batch, one(family), workers);
  REQUIRE(seeded);
  const std::vector<Tile> tiles = cut_tiles(batch);
  MemoryTiles source(tiles);
  double before = -HUGE_VAL;
  BatchOptions options;
  options.tolerance = 1e-12;
  const auto fit = batch_em(source, *seeded, options, workers, [&](const BatchIteration& iteration) {
    CHECK(iteration.mean_log_likelihood >= before);
    before = iteration.mean_log_likelihood;
    return true;
  });
  REQUIRE(fit);
  CHECK(fit->converged);
  return fit->last.mixture->banks().front()->pack().col(0);
}

TEST_CASE("batch EM recovers three degrees of freedom, location and scale from 20,000 points", "[student_t]") {
  const double n = 20000;
  const Eigen::VectorXd found = fitted(drawn(20000, 3, 8), "student_t");
  CAPTURE(found);
  for (Index j = 0; j < 2; ++j) CHECK(std::abs(found[j] - kPlace[j]) < 4 * std::sqrt(7.0 / 5 * kWidth(j, j) / n));
  // Standard errors by the observed information of 2,000,000 points: 0.053 of nu, 0.0154 of the logarithm of a variance.
  CHECK(std::abs(found[5] - 3) < 4 * 0.053);
  CHECK(std::abs(std::log(found[2] / 2)) < 4 * 0.0154);
  CHECK(std::abs(std::log(found[4] / 1)) < 4 * 0.0154);
}

TEST_CASE("five gross outliers in a hundred do not move a t, but do move a Gaussian", "[student_t]") {
  const Index n = 4000;
  Sampler sampler(9);
  PointBatch batch{Eigen::MatrixXd(2, n), {}, {}};
  for (Index i = 0; i < n; ++i)
    batch.points.col(i) = i % 20 == 0 ? Eigen::Vector2d(500 + sampler.normal(), 300 + sampler.normal())
                                      : Eigen::Vector2d(kPlace + kWidth.llt().matrixL() * sampler.normals(2));
  const Eigen::VectorXd robust = fitted(batch, "student_t"), gaussian = fitted(batch, "gaussian(full)");
  for (Index j = 0; j < 2; ++j) {
    const double standard_error = std::sqrt(kWidth(j, j) / (0.95 * static_cast<double>(n)));
    CAPTURE(j, robust[j], gaussian[j], standard_error);
    CHECK(std::abs(robust[j] - kPlace[j]) < 3 * standard_error);
    CHECK(std::abs(gaussian[j] - kPlace[j]) > 100 * standard_error);
  }
}

TEST_CASE("stepwise EM comes within sampling error of batch EM", "[student_t]") {
  const PointBatch batch = drawn(30000, 4, 10);
  const Eigen::VectorXd all = fitted(batch, "student_t");
  auto learner = Learner::make(one("student_t"), 2);
  REQUIRE(learner);
  learner->learn(batch, false);
  const Eigen::VectorXd online = learner->snapshot().components.front().parameters;
  CAPTURE(all, online);
  // With steps t^-0.6 the statistics are those of about the last 30000^0.6 = 485 points, whose standard errors these are.
  const double remembered = learner->snapshot().effective_sample_size;
  for (Index j = 0; j < 2; ++j) CHECK(std::abs(online[j] - all[j]) < 4 * std::sqrt(8.0 / 6 * all[j == 0 ? 2 : 4] / remembered));
  CHECK(std::abs(std::log(online[2] / all[2])) < 4 * 2.1 / std::sqrt(remembered));
  CHECK(std::abs(std::log(online[5] / all[5])) < 4 * 3 / std::sqrt(remembered));

  LearnerOptions cumulative = one("student_t");
  cumulative.step.kind = StepKind::cumulative;
  auto exact = Learner::make(cumulative, 2);
  REQUIRE(exact);
  exact->learn(batch, false);
  const Eigen::VectorXd pooled = exact->snapshot().components.front().parameters;
  CAPTURE(pooled);
  // All points count, but the first of them by what was known then, and that they are far from the degrees of freedom is
  // forgotten only as 1/t: the place is less than one standard error off, the degrees of freedom by a fifth.
  for (Index j = 0; j < 2; ++j) CHECK(std::abs(pooled[j] - all[j]) < std::sqrt(8.0 / 6 * all[j == 0 ? 2 : 4] / 30000));
  CHECK(std::abs(std::log(pooled[5] / all[5])) < 0.3);
}

}  // namespace
}  // namespace emulsion
