#include "clients/simulate.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <nlohmann/json.hpp>
#include <sstream>

#include "emulsion/wire/point_reader.h"

using namespace emulsion;
using namespace emulsion::client;

namespace {

Scenario scenario_of(std::string_view name, std::uint64_t points) {
  ScenarioOptions options;
  options.points = points;
  return Scenario::make(name, options).value();
}

std::vector<nlohmann::json> lines_of(const std::string& text) {
  std::vector<nlohmann::json> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(nlohmann::json::parse(line));
  return lines;
}

}  // namespace

TEST_CASE("points are written short, and missing ones said so", "[simulate]") {
  Eigen::Matrix2d points;
  points << 0.1, -1e300, NAN, 3;
  const std::vector<std::int64_t> labels = {2, kOutlier};
  CHECK(csv_header(2, false) == "x0,x1\n");
  CHECK(csv_header(1, true) == "x0,label\n");
  CHECK(points_as_text(points, nullptr, PointText::csv) == "0.1,nan\n-1e+300,3\n");
  CHECK(points_as_text(points, &labels, PointText::csv) == "0.1,nan,2\n-1e+300,3,-1\n");
  CHECK(points_as_text(points, &labels, PointText::json_lines) ==
        "{\"x0\":0.1,\"x1\":null,\"label\":2}\n{\"x0\":-1e+300,\"x1\":3,\"label\":-1}\n");
}

TEST_CASE("what is simulated reads back as the same bits", "[simulate]") {
  const LabelledPoints expected = scenario_of("missing", 2500).next(2500);
  for (const PointText form : {PointText::csv, PointText::json_lines}) {
    Scenario scenario = scenario_of("missing", 2500);
    auto text = std::make_unique<std::stringstream>();
    REQUIRE(simulate(scenario, nullptr, 1, text_sink(*text, form, true)));
    wire::PointReaderOptions options;
    options.label_column = "label";
    auto reader = wire::PointReader::make(std::move(text), form == PointText::csv ? "p.csv" : "p.jsonl", options);
    REQUIRE(reader);
    const auto table = reader->read(10000);
    REQUIRE(table);
    const Eigen::MatrixXd& points = (*table)->batch.points;
    REQUIRE(points.cols() == 2500);
    for (Index i = 0; i < points.size(); ++i) {
      const double value = expected.batch.points.data()[i];
      CHECK((points.data()[i] == value || (std::isnan(points.data()[i]) && std::isnan(value))));
    }
    for (std::size_t i = 0; i < 2500; ++i) CHECK((*table)->labels[i] == std::to_string(expected.labels[i]));
  }
}

TEST_CASE("the truth is written first, every so many points, and last", "[simulate]") {
  Scenario scenario = scenario_of("drift", 2500);
  std::ostringstream truth;
  Index taken = 0;
  REQUIRE(simulate(scenario, &truth, 700, [&](const LabelledPoints& points) -> Attempt<void> {
    taken += points.batch.size();
    return {};
  }));
  CHECK(taken == 2500);
  const auto lines = lines_of(truth.str());
  REQUIRE(lines.size() == 5);
  const std::uint64_t moments[] = {0, 700, 1400, 2100, 2499};
  for (std::size_t i = 0; i < 5; ++i) {
    CHECK(lines[i]["t"] == moments[i]);
    const auto expected = scenario.truth(moments[i]);
    REQUIRE(lines[i]["components"].size() == expected.size());
    for (std::size_t k = 0; k < expected.size(); ++k) {
      const auto& component = lines[i]["components"][k];
      CHECK(component["label"] == expected[k].label);
      CHECK(component["weight"] == expected[k].weight);
      CHECK(component["mean"][1] == expected[k].mean[1]);
      CHECK(component["covariance"][0][1] == expected[k].covariance(0, 1));
    }
  }
}

TEST_CASE("where nothing moves one line of truth is enough", "[simulate]") {
  Scenario scenario = scenario_of("stationary", 2500);
  std::ostringstream truth, out;
  REQUIRE(simulate(scenario, &truth, 100, text_sink(out, PointText::csv, false)));
  CHECK(lines_of(truth.str()).size() == 1);
  CHECK(out.str().starts_with("x0,x1\n"));
}

TEST_CASE("a sink that fails ends the simulation", "[simulate]") {
  Scenario scenario = scenario_of("stationary", 5000);
  int calls = 0;
  const auto outcome = simulate(scenario, nullptr, 1, [&](const LabelledPoints&) -> Attempt<void> {
    ++calls;
    return fail(exit_code::kUnavailable, "nobody there");
  });
  REQUIRE_FALSE(outcome);
  CHECK(outcome.error().message == "nobody there");
  CHECK(calls == 1);

  std::ostringstream closed;
  closed.setstate(std::ios::badbit);
  Scenario again = scenario_of("stationary", 10);
  CHECK(simulate(again, nullptr, 1, text_sink(closed, PointText::csv, false)).error().message ==
        "the output cannot be written");
  Scenario third = scenario_of("stationary", 10);
  CHECK(simulate(third, &closed, 1, [](const LabelledPoints&) -> Attempt<void> { return {}; }).error().message ==
        "the truth cannot be written");
}
