// Families of independent column blocks, beside their factors. The contract suite has a product under test as well.
#include "emulsion/product_family.h"

#include <catch2/catch.hpp>

#include "lib/family_example.h"

namespace emulsion {
namespace {

using namespace testing;

const std::string kName = "gaussian(full)[0,2]*poisson[1]";

Eigen::MatrixXd parameters() {
  Eigen::MatrixXd result(6, 2);
  result << 1, 5, 2, 6, 3, 2, 0.5, -1, 4, 7, 9, 2;  // means, triangles of covariances, rates
  return result;
}

std::shared_ptr<const Bank> bank() { return *known_family(kName).unpack(parameters(), 3); }

Eigen::MatrixXd points() {
  Eigen::MatrixXd result(3, 4);
  result << 0, 1, 2, 6, 8, 3, 0, 2, 1, 2, 3, 5;
  return result;
}

TEST_CASE("a product is found once, by its canonical name") {
  CHECK(&known_family("gaussian( full )[0,2] * poisson[1]") == &known_family(kName));
  CHECK(known_family("multivariate-normal[0,1]*lognormal[2]").name() == "gaussian(full)[0,1]*log_normal[2]");
  CHECK(&known_family("poisson[1]*gaussian(full)[0,2]") != &known_family(kName));  // its parameters are in another order
}

TEST_CASE("a log density is the sum of those of the factors on their columns") {
  const auto found = log_densities(*bank(), tile_of(points()));
  const auto gaussian = log_densities(**known_family("gaussian(full)").unpack(parameters().topRows(5), 2),
                                      tile_of(points()({0, 2}, Eigen::all)));
  const auto poisson =
      log_densities(**known_family("poisson").unpack(parameters().bottomRows(1), 1), tile_of(points().row(1)));
  CHECK(difference(found, gaussian + poisson) < 1e-15);
}

TEST_CASE("a row that lacks all columns of a factor has the density of the others, and teaches it nothing new") {
  Eigen::MatrixXd incomplete = points();
  incomplete(1, 0) = incomplete(0, 2) = incomplete(2, 2) = std::nan("");
  const auto found = log_densities(*bank(), tile_of(incomplete));
  const auto gaussian = log_densities(**known_family("gaussian(full)").unpack(parameters().topRows(5), 2),
                                      tile_of(points()({0, 2}, Eigen::all)));
  const auto poisson =
      log_densities(**known_family("poisson").unpack(parameters().bottomRows(1), 1), tile_of(points().row(1)));
  CHECK(difference(found.row(0), gaussian.row(0)) < 1e-15);
  CHECK(difference(found.row(2), poisson.row(2)) < 1e-15);

  const Eigen::MatrixXd only = incomplete.col(0).replicate(1, 5);  // counts that are missing
  const auto statistics = statistics_of(*bank(), only, Eigen::MatrixXd::Constant(5, 2, 0.5));
  const auto learned = maximise(statistics, *bank(), prior_of(points(), no_prior_options())).bank->pack();
  CHECK(difference(learned.row(5), parameters().row(5)) < 1e-15);
}

TEST_CASE("an M-step is that of each factor, under the stream's own scale along its columns") {
  const Eigen::MatrixXd shares = some_shares(4, 2, 3);
  const Prior prior = prior_of(points(), {2, 0.5, 0});
  const auto found = maximise(statistics_of(*bank(), points(), shares), *bank(), prior).bank->pack();
  const auto of_factor = [&](const std::string& name, const Eigen::MatrixXd& own, const Eigen::MatrixXd& block) {
    const auto alone = *known_family(name).unpack(own, block.rows());
    return maximise(statistics_of(*alone, block, shares), *alone, prior_of(block, {2, 0.5, 0})).bank->pack();
  };
  CHECK(difference(found.topRows(5),
                   of_factor("gaussian(full)", parameters().topRows(5), points()({0, 2}, Eigen::all))) < 1e-14);
  CHECK(difference(found.bottomRows(1), of_factor("poisson", parameters().bottomRows(1), points().row(1))) < 1e-14);
}

TEST_CASE("means and variances are in the order of the columns") {
  CHECK(bank()->means().col(0) == Eigen::Vector3d(1, 9, 2));
  CHECK(bank()->variances().col(0) == Eigen::Vector3d(3, 9, 4));
}

TEST_CASE("parts of a product are named by their factor") {
  const auto layout = known_family(kName).layout(3);
  REQUIRE(layout.size() == 3);
  CHECK(layout[0].name == "gaussian(full)[0,2].mean");
  CHECK(layout[1].name == "gaussian(full)[0,2].covariance");
  CHECK(layout[2].name == "poisson[1].rate");
  CHECK(layout[1].shape == PartShape::symmetric);
  CHECK(known_family(kName).free_parameters(3, 2) == 12);
}

TEST_CASE("a product has one dimension alone") {
  CHECK(known_family(kName).check_dimension(3));
  CHECK(known_family(kName).check_dimension(2).error().message == kName + ": 2 coordinates, expected 3");
  CHECK(known_family(kName).unpack(parameters(), 4).error().message == kName + ": 4 coordinates, expected 3, as each stands in one factor");
}

TEST_CASE("columns that do not fit together are refused") {
  CHECK(refusal_of("gamma[0]*poisson[0]") == "family \"gamma[0]*poisson[0]\": column 0 is there twice");
  CHECK(refusal_of("gamma[1,1]") == "family \"gamma[1,1]\": column 1 is there twice");
  CHECK(refusal_of("gamma[0]*poisson[2]") == "family \"gamma[0]*poisson[2]\": column 1 is in no factor");
  CHECK(refusal_of("gamma[1]") == "family \"gamma[1]\": column 0 is in no factor");
  CHECK(refusal_of("gamma*poisson[0]") ==
        "family \"gamma*poisson[0]\": gamma: no columns, but each of several factors needs some, as in \"gamma[0]\"");
  CHECK(refusal_of("gamma[65536]") == "family \"gamma[65536]\": column 65536, expected 0 to 65535");
  CHECK(refusal_of("gamma[0]*cauchy[1]").starts_with("family \"cauchy\" is unknown; there are: "));
  CHECK(refusal_of("categorical[0]*gamma[1]") ==
        "family \"categorical\": write the number of categories, 2 to 1024, such as categorical(4)");
  CHECK(refusal_of("gamma[0]*categorical(3)[1]") == "accepted");
}

TEST_CASE("parameters that do not fit a factor are refused by its name") {
  Eigen::MatrixXd bad = parameters();
  bad(5, 1) = -2;
  CHECK(known_family(kName).unpack(bad, 3).error().message ==
        "poisson[1]: component 2: coordinate 0: rate is not a finite number > 0");
  bad = parameters();
  bad(2, 0) = -1;
  CHECK(known_family(kName).unpack(bad, 3).error().message ==
        "gaussian(full)[0,2]: component 1: covariance is not positive definite");
}

TEST_CASE("a product whose name no message could carry is refused") {
  std::string name;
  for (int column = 0; column < 300; ++column) name += (column == 0 ? "" : "*") + std::string("exponential[") + std::to_string(column) + "]";
  const auto found = find_family(name);
  REQUIRE_FALSE(found);
  CHECK(found.error().message.ends_with("a name of " + std::to_string(name.size()) + " bytes, expected up to 4096"));
}

}  // namespace
}  // namespace emulsion
