#include "clients/plot_input.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "clients/interrupt.h"
#include "emulsion/wire/model.h"
#include "emulsion/wire/model_json.h"
#include "emulsion/wire/quoted.h"
#include "emulsion/wire/text_file.h"

namespace emulsion::client {
namespace {

using Json = nlohmann::ordered_json;

// Every stride-th row of a file whose length nobody knows yet: when there are too many, every second one goes and the
// stride doubles.
class EvenSample {
 public:
  EvenSample(std::uint64_t most, bool labelled) : most_(most), labelled_(labelled) {}

  void add(const wire::PointTable& table) {
    for (Index i = 0; i < table.batch.size(); ++i) {
      const auto point = table.batch.points.col(i);
      if (point.array().isNaN().all()) continue;
      dimension_ = point.size();
      if (total_++ % stride_ != 0) continue;
      numbers_.insert(numbers_.end(), point.begin(), point.end());
      if (labelled_) labels_.push_back(table.labels[static_cast<std::size_t>(i)]);
      if (++kept_ == 2 * most_) halve();
    }
  }

  PlottedPoints take() {
    const auto chosen = evenly_chosen(static_cast<Index>(kept_), static_cast<Index>(most_));
    const Eigen::Map<const Eigen::MatrixXd> all(numbers_.data(), dimension_, static_cast<Index>(kept_));
    PlottedPoints points;
    points.points = all(Eigen::all, chosen);
    if (labelled_) {
      for (const Index i : chosen) points.labels.push_back(std::move(labels_[static_cast<std::size_t>(i)]));
    }
    points.total = total_;
    return points;
  }

 private:
  void halve() {
    const auto d = static_cast<std::size_t>(dimension_);
    for (std::uint64_t i = 1; 2 * i < kept_; ++i) {
      std::copy_n(numbers_.begin() + static_cast<std::ptrdiff_t>(2 * i * d), d,
                  numbers_.begin() + static_cast<std::ptrdiff_t>(i * d));
      if (labelled_) labels_[i] = std::move(labels_[2 * i]);
    }
    kept_ = (kept_ + 1) / 2;
    numbers_.resize(kept_ * d);
    if (labelled_) labels_.resize(kept_);
    stride_ *= 2;
  }

  std::uint64_t most_;
  bool labelled_;
  std::uint64_t stride_ = 1;
  std::uint64_t total_ = 0;
  std::uint64_t kept_ = 0;
  Index dimension_ = 0;
  std::vector<double> numbers_;
  std::vector<std::string> labels_;
};

// Parses one JSON object. Errors: kBadData.
Attempt<Json> object_of(std::string_view text, const std::string& place) {
  Json json = Json::parse(text, nullptr, false);
  if (json.is_discarded()) return fail(exit_code::kBadData, place + ": not JSON");
  if (!json.is_object()) return fail(exit_code::kBadData, place + ": not a JSON object");
  return json;
}

Attempt<HistoryLine> history_line(std::string_view text, const std::string& place) {
  const auto json = object_of(text, place);
  if (!json) return tl::unexpected(json.error());
  HistoryLine line;
  line.place = place;
  const auto iteration = json->find("iteration");
  if (iteration == json->end() || !iteration->is_number_unsigned()) {
    return fail(exit_code::kBadData, place + ": iteration: missing, or not a whole number >= 0");
  }
  line.iteration = iteration->get<std::uint64_t>();
  const auto likelihood = json->find("mean_log_likelihood");
  if (likelihood == json->end() || !(likelihood->is_number() || likelihood->is_null())) {
    return fail(exit_code::kBadData, place + ": mean_log_likelihood: missing, or not a number");
  }
  line.mean_log_likelihood = likelihood->is_null() ? std::nan("") : likelihood->get<double>();
  const auto points = json->find("points");
  if (points != json->end() && points->is_number_unsigned()) line.points = points->get<std::uint64_t>();
  const auto model = json->find("model");
  if (model != json->end()) line.model = model->dump(-1, ' ', false, Json::error_handler_t::replace);
  return line;
}

}  // namespace

std::vector<Index> evenly_chosen(Index total, Index count) {
  std::vector<Index> chosen;
  const Index taken = std::min(total, count);
  // The same as i * total / taken, without its overflow.
  for (Index i = 0; i < taken; ++i) chosen.push_back(i * (total / taken) + i * (total % taken) / taken);
  return chosen;
}

Attempt<PlottedPoints> read_points(const std::string& path, const wire::PointReaderOptions& options, std::uint64_t most) {
  constexpr Index kRows = 65536;
  const auto failed = [](const Error& error) {
    if (interrupted()) return fail(exit_code::kInterrupted, "interrupted");
    return fail(exit_code::kBadData, error.message);
  };
  auto reader = wire::PointReader::open(path, options);
  if (!reader) return failed(reader.error());
  EvenSample sample(most, !options.label_column.empty());
  for (;;) {
    auto table = reader->read(kRows);
    if (!table) return failed(table.error());
    if (interrupted()) return fail(exit_code::kInterrupted, "interrupted");
    if (!*table) break;
    sample.add(**table);
  }
  PlottedPoints points = sample.take();
  if (points.total == 0) return fail(exit_code::kBadData, path + ": no points");
  points.columns = reader->columns();
  return points;
}

Attempt<PlottedModel> model_of_message(const wire::ModelMessage& message, const std::string& name) {
  PlottedModel model;
  auto snapshot = wire::to_snapshot(message);
  if (!snapshot) return fail(exit_code::kBadData, name + ": " + snapshot.error().message);
  model.snapshot = std::move(*snapshot);
  auto mixture = mixture_of(model.snapshot);
  if (!mixture) return fail(exit_code::kBadData, name + ": " + mixture.error().message);
  model.mixture = std::move(*mixture);
  model.columns = message.columns;
  return model;
}

Attempt<PlottedModel> model_of_text(std::string_view json, const std::string& name) {
  const auto message = wire::model_from_json(json);
  if (!message) return fail(exit_code::kBadData, name + ": " + message.error().message);
  return model_of_message(*message, name);
}

Attempt<std::vector<HistoryLine>> history_of_text(std::string_view text, const std::string& name) {
  std::vector<HistoryLine> lines;
  std::size_t number = 0;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    auto read = history_line(line, fmt::format("{}:{}", name, number));
    if (!read) return tl::unexpected(std::move(read.error()));
    lines.push_back(std::move(*read));
  }
  if (lines.empty()) return fail(exit_code::kBadData, name + ": no iterations");
  return lines;
}

Attempt<std::string> read_text(const std::string& path) {
  auto text = wire::read_file_or_input(path);
  if (!text) return fail(exit_code::kBadData, wire::printable(path) + ": " + text.error().message);
  return std::move(*text);
}

}  // namespace emulsion::client
