#include "emulsion/wire/model.h"

#include <catch2/catch.hpp>

using namespace emulsion;
using namespace emulsion::wire;

namespace {

struct Case {
  std::string family;
  std::vector<double> covariance;
};

Snapshot snapshot_of(const Case& family) {
  Snapshot snapshot;
  snapshot.dimension = 2;
  snapshot.version = 4;
  snapshot.learned = 99;
  snapshot.effective_sample_size = 12.5;
  snapshot.mean_log_likelihood = -3.5;
  ComponentSnapshot component;
  component.id = 6;
  component.family = family.family;
  component.weight = 1;
  component.effective_sample_size = 12.5;
  component.starved = true;
  component.parents = {2, 3};
  component.parameters.resize(2 + static_cast<Index>(family.covariance.size()));
  component.parameters << 7, 8, Eigen::Map<const Eigen::VectorXd>(family.covariance.data(), static_cast<Index>(family.covariance.size()));
  snapshot.components.push_back(component);
  return snapshot;
}

}  // namespace

TEST_CASE("a model of each family becomes a message and comes back") {
  const Case family = GENERATE(Case{"gaussian(full)", {2, 0.5, 3}},
                               Case{"gaussian(diagonal)", {2, 3}},
                               Case{"gaussian(spherical)", {2}},
                               Case{"gaussian(tied)", {2, 0.5, 3}});
  const Snapshot snapshot = snapshot_of(family);
  const ModelMessage message = to_message(snapshot);
  CHECK(message.version == 4);
  CHECK(message.dimension == 2);
  CHECK(message.points_learned == 99);
  CHECK(message.effective_sample_size == 12.5);
  CHECK(message.mean_log_likelihood == -3.5);
  REQUIRE(message.components.size() == 1);
  CHECK(message.components[0].id == 6);
  CHECK(message.components[0].starved);
  CHECK(message.components[0].parents == std::vector<std::uint64_t>{2, 3});
  CHECK(message.components[0].family == family.family);
  REQUIRE(message.components[0].parameters.size() == 2);
  CHECK(message.components[0].parameters[0].name == "mean");
  CHECK(message.components[0].parameters[0].values == std::vector<double>{7, 8});
  CHECK(message.components[0].parameters[1].name == "covariance");
  CHECK(message.components[0].parameters[1].values == family.covariance);

  const auto back = to_snapshot(message);
  REQUIRE(back);
  CHECK(back->dimension == 2);
  CHECK(back->learned == 99);
  REQUIRE(back->components.size() == 1);
  CHECK(back->components[0].family == family.family);
  CHECK(back->components[0].weight == 1);
  CHECK(back->components[0].parameters == snapshot.components[0].parameters);
}

TEST_CASE("sizes that do not fit the dimension are refused by their place") {
  ModelMessage message = to_message(snapshot_of({"gaussian(full)", {2, 0.5, 3}}));
  ComponentMessage& component = message.components[0];
  SECTION("mean") {
    component.parameters[0].values.push_back(1);
    CHECK(to_snapshot(message).error().message == "components[0].mean: 3 numbers, expected 2");
  }
  SECTION("covariance") {
    component.family = "gaussian(spherical)";
    CHECK(to_snapshot(message).error().message == "components[0].covariance: 3 numbers, expected 1");
  }
}
