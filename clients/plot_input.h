// What `emulsion plot` draws: points of a file, models of a file, of a fit's history or of a daemon.
#pragma once

#include <Eigen/Core>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "clients/failure.h"
#include "emulsion/mixture.h"
#include "emulsion/snapshot.h"
#include "emulsion/wire/messages.h"
#include "emulsion/wire/point_reader.h"

namespace emulsion::client {

// Points of a file, or, where it has more than can be kept, some of them, evenly chosen.
//   points   d x n
//   labels   n, as the file spells them; empty without a label column
//   columns  d, names of the coordinates
//   total    how many the file has
struct PlottedPoints {
  Eigen::MatrixXd points;
  std::vector<std::string> labels;
  std::vector<std::string> columns;
  std::uint64_t total = 0;
};

// Reads all rows and keeps at most `most` of them. A row without any coordinate is left out.
// Errors: kBadData, with the reader's message, also if there are no rows; kInterrupted.
Attempt<PlottedPoints> read_points(const std::string& path, const wire::PointReaderOptions& options, std::uint64_t most);

// `count` of the numbers 0 ... total - 1, as evenly as can be, the first one among them; all if count >= total.
std::vector<Index> evenly_chosen(Index total, Index count);

// A model, and names for what it is of.
//   columns  names of the coordinates, d; empty if there are none
struct PlottedModel {
  Snapshot snapshot;
  std::shared_ptr<const Mixture> mixture;
  std::vector<std::string> columns;
};

// The model of a message, and of JSON as `emulsion model --json` prints it. `name` is where it comes from.
// Errors: kBadData; says what is wrong and where.
Attempt<PlottedModel> model_of_message(const wire::ModelMessage& message, const std::string& name);
Attempt<PlottedModel> model_of_text(std::string_view json, const std::string& name);

// One line of a fit's history. The model is not read before it is asked for.
//   points  that had been learned then, of an online fit
//   model   its JSON; empty if the line has none
//   place   of the line, such as "history.jsonl:3"
struct HistoryLine {
  std::uint64_t iteration = 0;
  double mean_log_likelihood = 0;  // NaN if it was no number
  std::optional<std::uint64_t> points;
  std::string model;
  std::string place;
};

// Reads a history, one JSON object on each line. Errors: kBadData, with the line.
Attempt<std::vector<HistoryLine>> history_of_text(std::string_view text, const std::string& name);

// A whole file, or standard input if the path is "-". Errors: kBadData.
Attempt<std::string> read_text(const std::string& path);

}  // namespace emulsion::client
