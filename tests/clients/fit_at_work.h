// Runs `emulsion fit` and `emulsion score` on small files.
#pragma once

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "clients/captured.h"
#include "clients/fit_command.h"
#include "clients/point_writer.h"
#include "clients/scenario.h"
#include "clients/score_command.h"
#include "daemon/temporary_directory.h"

namespace emulsion::client::testing {

using Json = nlohmann::json;
using Arguments = std::vector<std::string>;

// A directory of files, and the commands on them.
class Workbench {
 public:
  std::string path(const std::string& name) const { return directory_.file(name); }

  std::string write(const std::string& name, const std::string& text) const {
    service::write_file(path(name), text);
    return path(name);
  }

  std::string read(const std::string& name) const { return service::read_file(path(name)); }

  std::vector<Json> read_lines(const std::string& name) const {
    std::vector<Json> lines;
    std::istringstream text(read(name));
    for (std::string line; std::getline(text, line);) lines.push_back(Json::parse(line));
    return lines;
  }

  // Points of a scenario, in a CSV file with labels.
  std::string simulate(const std::string& name, const std::string& scenario, std::uint64_t points, std::optional<Index> components = {}) const {
    ScenarioOptions options;
    options.points = points;
    if (components) options.components = *components;
    auto source = Scenario::make(scenario, options);
    REQUIRE(source);
    const LabelledPoints drawn = source->next(static_cast<Index>(points));
    return write(name, csv_header(drawn.batch.dimension(), true) + points_as_text(drawn.batch.points, &drawn.labels, PointText::csv));
  }

  static Captured fit(Arguments arguments) {
    return capture([&] { return run_fit(arguments); });
  }

  // The result as JSON, where it must be there.
  static Json fitted(Arguments arguments) {
    arguments.insert(arguments.end(), {"--json", "--quiet"});
    const Captured captured = fit(arguments);
    INFO(captured.err);
    REQUIRE(captured.exit_code == 0);
    return Json::parse(captured.out);
  }

  static Captured score(const Arguments& arguments) {
    return capture([&] { return run_score(arguments); });
  }

 private:
  service::TemporaryDirectory directory_;
};

// A model as people write it by hand.
inline std::string two_by_hand(double x0, double y0, double x1, double y1) {
  const auto component = [](double weight, double x, double y) {
    return Json{{"weight", weight}, {"mean", {x, y}}, {"covariance", {{1, 0}, {0, 1}}}};
  };
  return Json{{"components", {component(0.4, x0, y0), component(0.6, x1, y1)}}}.dump();
}

}  // namespace emulsion::client::testing
