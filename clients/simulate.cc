#include "clients/simulate.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <ostream>

#include "clients/interrupt.h"
#include "clients/point_writer.h"

namespace emulsion::client {
namespace {

constexpr std::uint64_t kBlockPoints = 1000;

std::string truth_line(const Scenario& scenario, std::uint64_t t) {
  nlohmann::ordered_json line{{"t", t}, {"components", nlohmann::ordered_json::array()}};
  for (const TrueComponent& component : scenario.truth(t)) {
    nlohmann::ordered_json covariance = nlohmann::ordered_json::array();
    for (const auto& row : component.covariance.rowwise()) {
      covariance.push_back(std::vector<double>(row.begin(), row.end()));
    }
    line["components"].push_back({{"label", component.label},
                                  {"weight", component.weight},
                                  {"mean", std::vector<double>(component.mean.begin(), component.mean.end())},
                                  {"covariance", std::move(covariance)}});
  }
  return line.dump() + "\n";
}

Attempt<void> write(std::ostream& out, const std::string& text, const char* what) {
  out << text << std::flush;
  if (!out) return fail(exit_code::kBadData, std::string(what) + " cannot be written");
  return {};
}

}  // namespace

Attempt<void> simulate(Scenario& scenario, std::ostream* truth, std::uint64_t truth_every, const PointSink& sink) {
  const std::uint64_t last = scenario.points() - 1;
  while (!scenario.done() && !interrupted()) {
    std::uint64_t block = kBlockPoints;
    if (truth != nullptr) {
      // A block ends where a line of truth is due.
      const std::uint64_t t = scenario.drawn();
      const bool due = t == 0 || (scenario.moving() && (t == last || t % truth_every == 0));
      if (due) {
        if (auto written = write(*truth, truth_line(scenario, t), "the truth"); !written) return written;
      }
      if (scenario.moving()) {
        block = std::min(block, truth_every - t % truth_every);
        if (t < last) block = std::min(block, last - t);
      }
    }
    if (auto taken = sink(scenario.next(static_cast<Index>(block))); !taken) return taken;
  }
  return {};
}

PointSink text_sink(std::ostream& out, PointText form, bool labels) {
  return [&out, form, labels, started = false](const LabelledPoints& points) mutable -> Attempt<void> {
    std::string text;
    if (!started && form == PointText::csv) text = csv_header(points.batch.dimension(), labels);
    started = true;
    text += points_as_text(points.batch.points, labels ? &points.labels : nullptr, form);
    return write(out, text, "the output");
  };
}

}  // namespace emulsion::client
