#include "clients/fit_report.h"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "clients/model_table.h"

namespace emulsion::client {
namespace {

using Json = nlohmann::ordered_json;

// A number of JSON, or null.
Json finite(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

unsigned long long count(Index number) { return static_cast<unsigned long long>(number); }

// A sum over all points: two decimals, as criteria are compared by differences of a few.
std::string number(double value) { return fmt::format("{:.2f}", value); }

Json selection_json(const Selection& selection, Criterion criterion) {
  Json rows = Json::array();
  for (const SelectionRow& row : selection.rows) {
    Json json = {{"components", row.components}};
    if (!row.failure.empty()) {
      json["failure"] = row.failure;
    } else {
      json["log_likelihood"] = finite(row.log_likelihood);
      json["parameters"] = row.criteria.parameters;
      json["bic"] = finite(row.criteria.bic);
      json["icl"] = finite(row.criteria.icl);
      json["aic"] = finite(row.criteria.aic);
      json["converged"] = row.converged;
    }
    rows.push_back(std::move(json));
  }
  return {{"criterion", name_of(criterion)}, {"chosen", selection.rows[selection.chosen].components}, {"fits", std::move(rows)}};
}

std::string how(const FitReport& report) {
  const Fit& fit = report.fit;
  if (report.options.algorithm == Algorithm::online) return fmt::format("online, {}", counted(count(fit.iterations), "update"));
  std::string text = fmt::format("{} EM, {}, {}", report.options.learner.assignment == Assignment::hard ? "hard" : "batch",
                                 counted(count(fit.iterations), "iteration"), fit.converged ? "converged" : "not converged");
  if (fit.starts > 1) text += fmt::format("; best of {} (number {})", counted(count(fit.starts), "start"), fit.start + 1);
  return text;
}

std::string agreement_text(const Contingency& agreement) {
  return fmt::format("agreement with the labels: adjusted Rand index {:.3f}, NMI {:.3f}\n", agreement.adjusted_rand_index(),
                     agreement.normalised_mutual_information());
}

}  // namespace

const char* name_of(Criterion criterion) {
  return criterion == Criterion::aic ? "aic" : criterion == Criterion::icl ? "icl" : "bic";
}

std::string fit_text(const FitReport& report, std::size_t width) {
  const Fit& fit = report.fit;
  std::string text = fmt::format("{}: {} of {} in {}\n", fit.formula.text(), counted(report.file.rows(), "point"),
                                 counted(count(report.file.dimension()), "coordinate"),
                                 report.options.path == "-" ? "standard input" : report.options.path);
  text += how(report) + "\n";
  text += fmt::format("log likelihood {} ({:.6g} nats/point), {}\n", number(fit.scores.log_likelihood), fit.scores.mean_log_likelihood(),
                      counted(count(fit.criteria.parameters), "parameter"));
  text += fmt::format("BIC {}, ICL {}, AIC {}\n", number(fit.criteria.bic), number(fit.criteria.icl), number(fit.criteria.aic));
  if (fit.scores.agreement) text += agreement_text(*fit.scores.agreement);
  text += component_table(model_message({fit.model, report.file.columns()}), width);
  for (const std::string& warning : fit.warnings) text += "warning: " + warning + "\n";
  return text;
}

std::string fit_json(const FitReport& report) {
  const Fit& fit = report.fit;
  const FitOptions& options = report.options;
  const Json model = Json::parse(model_as_json({fit.model, report.file.columns()}));
  const bool online = options.algorithm == Algorithm::online;
  Json json = {
      {"dimension", report.file.dimension()},
      {"columns", report.file.columns()},
      {"points", report.file.rows()},
      {"weight", fit.scores.weight},
      {"algorithm", online ? "online" : "batch"},
      {"assignment", options.learner.assignment == Assignment::hard ? "hard" : "soft"},
      {"mixture", fit.formula.text()},
      {"seed", options.learner.seed.random_seed},
      {"restarts", online ? static_cast<std::uint64_t>(options.learner.seed.restarts) : options.restarts},
      {"iterations", fit.iterations},
      {"converged", fit.converged},
      {"log_likelihood", finite(fit.scores.log_likelihood)},
      {"mean_log_likelihood", finite(fit.scores.mean_log_likelihood())},
      {"parameters", fit.criteria.parameters},
      {"bic", finite(fit.criteria.bic)},
      {"icl", finite(fit.criteria.icl)},
      {"aic", finite(fit.criteria.aic)},
  };
  if (fit.scores.agreement) {
    json["adjusted_rand_index"] = finite(fit.scores.agreement->adjusted_rand_index());
    json["nmi"] = finite(fit.scores.agreement->normalised_mutual_information());
  }
  json["refused_rows"] = report.file.refused_rows();
  json["warnings"] = fit.warnings;
  if (report.selection != nullptr) json["selection"] = selection_json(*report.selection, options.select);
  // What a model has beside: the fit's own say goes first.
  for (const auto& [key, value] : model.items())
    if (!json.contains(key)) json[key] = value;
  return json.dump() + "\n";
}

std::string history_json(const Fit& fit, const std::vector<std::string>& columns) {
  std::string text;
  for (const FitIteration& iteration : fit.history) {
    Json json = {{"iteration", iteration.number}};
    if (iteration.points) json["points"] = *iteration.points;
    json["mean_log_likelihood"] = finite(iteration.mean_log_likelihood);
    json["shift"] = finite(iteration.shift);
    json["model"] = Json::parse(model_as_json({iteration.model, columns}));
    text += json.dump() + "\n";
  }
  return text;
}

std::string selection_text(const Selection& selection, Criterion criterion, std::size_t width) {
  Table table;
  for (const char* heading : {"components", "log likelihood", "parameters", "BIC", "ICL", "AIC"}) table.column(heading, Align::right);
  table.column("", Align::left);
  for (std::size_t i = 0; i < selection.rows.size(); ++i) {
    const SelectionRow& row = selection.rows[i];
    if (!row.failure.empty()) {
      table.row({std::to_string(row.components), "-", "-", "-", "-", "-", row.failure});
      continue;
    }
    std::string note = i == selection.chosen ? fmt::format("least {}", name_of(criterion)) : "";
    if (!row.converged) note += note.empty() ? "not converged" : ", not converged";
    table.row({std::to_string(row.components), fmt::format("{:.2f}", row.log_likelihood), std::to_string(row.criteria.parameters),
               fmt::format("{:.2f}", row.criteria.bic), fmt::format("{:.2f}", row.criteria.icl), fmt::format("{:.2f}", row.criteria.aic), note});
  }
  return table.render(width);
}

std::string progress_text(const FitIteration& iteration, std::uint64_t starts) {
  if (iteration.points)
    return fmt::format("pass {}: {} learned, {:.6f} nats/point lately", iteration.number, counted(*iteration.points, "point"),
                       iteration.mean_log_likelihood);
  std::string place;
  if (starts > 1) place = fmt::format("start {}, ", iteration.start + 1);
  if (iteration.on_sample) place = "sample, " + place;
  return fmt::format("{}iteration {}: {:.6f} nats/point, shift {}", place, iteration.number, iteration.mean_log_likelihood,
                     significant(iteration.shift, 3));
}

}  // namespace emulsion::client
