#include "emulsion/wire/model_json.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

#include "emulsion/wire/convert.h"
#include "golden.h"

namespace emulsion::wire {
namespace {

std::string error_of(std::string_view json) {
  const auto model = model_from_json(json);
  return model ? "accepted" : model.error().message;
}

// A model of two components in two dimensions, of which the second is given.
std::string second(const std::string& component) {
  return R"({"components": [{"weight": 0.5, "mean": [0, 5], "covariance": [[2, 0], [0, 3]]}, )" + component + "]}";
}

std::string covariance_error(const std::string& covariance, const std::string& family = "gaussian(full)") {
  return error_of(second(R"({"weight": 0.5, "family": ")" + family +
                         R"(", "parameters": {"mean": [5, 0], "covariance": )" + covariance + "}}"));
}

ModelMessage golden_model(const std::string& name) {
  auto model = Codec().decode_model(golden(name));
  REQUIRE(model);
  return *model;
}

TEST_CASE("a model is printed with its keys in order and whole matrices") {
  CHECK(
      to_json(golden_model("model_full")) ==
      R"({"stream":"radar","version":42,"dimension":2,"points":1000000,"effective_sample_size":512.5,)"
      R"("mean_log_likelihood":-3.25,"components":[)"
      R"j({"id":1,"family":"gaussian(full)","weight":0.75,"effective_sample_size":384.375,"starved":false,"parents":[],)j"
      R"("parameters":{"mean":[0.1,5.0],"covariance":[[2.0,0.5],[0.5,3.0]]}},)"
      R"j({"id":300,"family":"gaussian(full)","weight":0.25,"effective_sample_size":0.5,"starved":true,"parents":[1,2],)j"
      R"("parameters":{"mean":[-5.0,1e-300],"covariance":[[4.0,-0.25],[-0.25,1.0]]}}]})");
  CHECK(to_json(golden_model("model_diagonal")).find(R"([[2.0,0.0],[0.0,3.0]])") != std::string::npos);
  CHECK(to_json(golden_model("model_spherical")).find(R"([[2.0,0.0],[0.0,2.0]])") != std::string::npos);
  CHECK(to_json(golden_model("model_tied")).find(R"j("family":"gaussian(tied)")j") != std::string::npos);
}

TEST_CASE("a model that is printed is read back to the last bit") {
  const std::string name = GENERATE("model_mixed", "model_full", "model_diagonal", "model_spherical", "model_tied");
  INFO(name);
  ModelMessage model = golden_model(name);
  model.components[0].weight = 1.0 / 3;
  model.components[1].weight = 2.0 / 3;
  model.mean_log_likelihood = std::nextafter(-3.25, 0);
  const auto again = model_from_json(to_json(model));
  INFO(error_of(to_json(model)));
  REQUIRE(again);

  // What JSON does not hold: who published it and when.
  model.topic_sequence = 0;
  model.daemon_session = 0;
  model.sources.clear();
  CHECK(Codec().encode(*again) == Codec().encode(model));
}

TEST_CASE("a family that is not known here is printed with the names that it has, however they clash") {
  ModelMessage model = golden_model("model_mixed");
  model.components[1].family = "somebody_s_own";
  model.components[1].parameters = {{"a", {1, 2}}, {"a.b", {3}}, {"a", {4}}};
  const std::string json = to_json(model);
  CHECK(json.find(R"("parameters":{"a":[4.0],"a.b":[3.0]})") != std::string::npos);
}

TEST_CASE("a likelihood that is not known yet is null") {
  ModelMessage model = golden_model("model_full");
  model.mean_log_likelihood = std::numeric_limits<double>::quiet_NaN();
  const std::string json = to_json(model);
  CHECK(json.find(R"("mean_log_likelihood":null)") != std::string::npos);
  REQUIRE(model_from_json(json));
  CHECK(std::isnan(model_from_json(json)->mean_log_likelihood));
}

TEST_CASE("weight, mean and covariance are enough for a model written by hand") {
  const auto model =
      model_from_json(second(R"({"weight": 0.5, "mean": [5, 0], "covariance": [[4, 1], [1, 1]], "note": 7})"));
  REQUIRE(model);
  CHECK(model->dimension == 2);
  CHECK(model->stream.empty());
  REQUIRE(model->components.size() == 2);
  CHECK(model->components[0].id == 1);
  CHECK(model->components[1].id == 2);
  CHECK(model->components[1].weight == 0.5);
  CHECK(model->components[1].family == "gaussian(full)");
  CHECK(model->components[1].means == std::vector<double>{5, 0});
  CHECK(model->components[1].variances == std::vector<double>{4, 1});
  CHECK(model->components[1].parameters.back().values == std::vector<double>{4, 1, 1});
}

TEST_CASE("each family keeps only the numbers that it has") {
  const auto covariance = [](const std::string& family, const std::string& matrix) {
    const auto model = model_from_json(R"j({"components": [{"weight": 1, "family": ")j" + family +
                                       R"j(", "mean": [0, 0], "covariance": )j" + matrix + "}]}");
    REQUIRE(model);
    return model->components[0].parameters.back().values;
  };
  CHECK(covariance("gaussian(full)", "[[4, 1], [1, 2]]") == std::vector<double>{4, 1, 2});
  CHECK(covariance("gaussian(tied)", "[[4, 1], [1, 2]]") == std::vector<double>{4, 1, 2});
  CHECK(covariance("gaussian(diagonal)", "[[4, 0], [0, 2]]") == std::vector<double>{4, 2});
  CHECK(covariance("gaussian(spherical)", "[[4, 0], [0, 4]]") == std::vector<double>{4});
}

TEST_CASE("a covariance of the wrong shape is refused by its place") {
  CHECK(covariance_error("[[1, 0, 0], [0, 1, 0]]") == "components[1].parameters.covariance: 2 x 3, expected 2 x 2");
  CHECK(covariance_error("[[1, 0]]") == "components[1].parameters.covariance: 1 x 2, expected 2 x 2");
  CHECK(covariance_error("[]") == "components[1].parameters.covariance: 0 x 0, expected 2 x 2");
  CHECK(covariance_error("[[1, 0], [0]]") ==
        "components[1].parameters.covariance: rows of different lengths, expected 2 x 2");
  CHECK(covariance_error("[1, 1]") == "components[1].parameters.covariance[0]: 1, expected an array of numbers");
  CHECK(covariance_error(R"("x")") == "components[1].parameters.covariance: \"x\", expected an array of rows");
  CHECK(error_of(second(R"({"weight": 0.5, "mean": [5, 0], "covariance": [[1]]})")) ==
        "components[1].covariance: 1 x 1, expected 2 x 2");
}

TEST_CASE("a matrix that is no covariance is refused") {
  CHECK(covariance_error("[[1, 0.5], [0.4, 1]]") ==
        "components[1].parameters.covariance: not symmetric: [1][0] is 0.4, [0][1] is 0.5");
  CHECK(covariance_error("[[1, 2], [2, 1]]") == "components[1].parameters.covariance: not positive definite");
  CHECK(covariance_error("[[1, 0], [0, -1]]") ==
        "components[1].parameters.covariance: variance [1][1] is -1, expected > 0");
  CHECK(covariance_error("[[0, 0], [0, 1]]") ==
        "components[1].parameters.covariance: variance [0][0] is 0, expected > 0");
}

TEST_CASE("symmetry and definiteness do not depend on the units") {
  CHECK(covariance_error("[[1e-12, 0.5e-12], [0.4e-12, 1e-12]]").find("not symmetric") != std::string::npos);
  CHECK(covariance_error("[[1e-12, 0.5e-12], [0.5e-12, 1e-12]]") == "accepted");
  CHECK(covariance_error("[[1e12, 0.5], [0.5, 1e-12]]") == "accepted");
}

TEST_CASE("a covariance that its family cannot have is refused") {
  CHECK(covariance_error("[[1, 0.5], [0.5, 1]]", "gaussian(diagonal)") ==
        "components[1].parameters.covariance: has covariances, which gaussian(diagonal) does not");
  CHECK(covariance_error("[[1, 0], [0, 2]]", "gaussian(spherical)") ==
        "components[1].parameters.covariance: has different variances, which gaussian(spherical) does not");
  CHECK(error_of(R"j({"components": [
          {"weight": 0.5, "family": "gaussian(tied)", "mean": [0], "covariance": [[1]]},
          {"weight": 0.5, "family": "gaussian(tied)", "mean": [9], "covariance": [[2]]}]})j") ==
        "components[1]: another covariance than a component before, but gaussian(tied) shares one");
  CHECK(covariance_error("[[1, 0], [0, 2]]", "gaussian(round)").starts_with(
      "components[1].family: family \"gaussian(round)\" is unknown; there are: gaussian(full), "));
}

TEST_CASE("weights that do not sum to 1 are refused") {
  const auto error = [](const std::string& weight) {
    return error_of(second(R"({"mean": [5, 0], "covariance": [[1, 0], [0, 1]], "weight": )" + weight + "}"));
  };
  CHECK(error("0.5") == "accepted");
  CHECK(error("0.5000009") == "accepted");
  CHECK(error("0.500002") == "components: weights sum to 1.000002, expected 1 within 1e-6");
  CHECK(error("0.25") == "components: weights sum to 0.75, expected 1 within 1e-6");
  CHECK(error("0") == "components[1].weight: 0, expected a number in (0, 1]");
  CHECK(error("1.5") == "components[1].weight: 1.5, expected a number in (0, 1]");
  CHECK(error("\"0.5\"") == "components[1].weight: \"0.5\", expected a number");
  CHECK(error("null") == "components[1].weight: null, expected a number");
}

TEST_CASE("a value that is missing or of another type is refused by its place") {
  CHECK(error_of("[]") == "an array, expected an object");
  CHECK(error_of("{}") == "components: missing");
  CHECK(error_of(R"({"components": []})") == "components: none, expected at least 1");
  CHECK(error_of(R"({"components": {}})") == "components: an object, expected an array of components");
  CHECK(error_of(R"({"components": [7]})") == "components[0]: 7, expected an object");
  CHECK(error_of(second(R"({"mean": [5, 0], "covariance": [[1, 0], [0, 1]]})")) == "components[1].weight: missing");
  CHECK(error_of(second(R"({"weight": 0.5, "covariance": [[1, 0], [0, 1]]})")) == "components[1].mean: missing");
  CHECK(error_of(second(R"({"weight": 0.5, "parameters": {"mean": [5, 0]}})")) ==
        "components[1].parameters.covariance: missing");
  CHECK(error_of(second(R"({"weight": 0.5, "mean": [5, "x"]})")) == "components[1].mean[1]: \"x\", expected a number");
  CHECK(error_of(second(R"({"weight": 0.5, "mean": [5, 0, 1]})")) == "components[1].mean: 3 numbers, expected 2");
  CHECK(error_of(R"({"components": [{"weight": 1, "mean": []}]})") ==
        "components[0].mean: 0 numbers, expected 1 to 1024");
  CHECK(error_of(second(R"({"weight": 0.5, "starved": 1})")) == "components[1].starved: 1, expected true or false");
  CHECK(error_of(second(R"({"weight": 0.5, "parents": 1})")) == "components[1].parents: 1, expected an array of ids");
  CHECK(error_of(R"({"version": -1})") == "version: -1, expected a whole number >= 0");
  CHECK(error_of(R"({"dimension": 0})") == "dimension: 0, expected 1 to 1024");
  CHECK(error_of(R"({"dimension": 3, "components": [{"weight": 1, "mean": [1]}]})") ==
        "components[0].mean: 1 numbers, expected 3");
  CHECK(error_of(R"({"stream": "a.b"})") == "stream: \"a.b\", expected 1 to 64 of the characters A-Z a-z 0-9 _ -");
}

TEST_CASE("two components do not share an id") {
  const auto error = [](const std::string& id) {
    return error_of(second(R"({"weight": 0.5, "mean": [5, 0], "covariance": [[1, 0], [0, 1]], "id": )" + id + "}"));
  };
  CHECK(error("7") == "accepted");
  CHECK(error("1") == "components[1]: id 1 is also that of components[0]");
  CHECK(error("0") == "components[1].id: 0, expected at least 1");
}

TEST_CASE("text that is not JSON is refused with its line") {
  CHECK(error_of("{\n\"components\": oops}").find("not JSON: parse error at line 2, column 15") == 0);
  CHECK(error_of("").find("not JSON: parse error at line 1") == 0);
  CHECK(error_of(R"({"version": 1e999})").find("not JSON: ") == 0);
  CHECK(error_of("{\"a\": \"" + std::string(100000, 'a')).size() < 250);
  CHECK(error_of(std::string(1000000, '[')).find("not JSON: ") == 0);
}

}  // namespace
}  // namespace emulsion::wire
