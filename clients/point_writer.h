// Points as text, in the forms that point_reader.h reads.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "emulsion/points.h"

namespace emulsion::client {

enum class PointText { csv, json_lines };

// The first line of a CSV file: x0,x1,...,label
std::string csv_header(Index dimension, bool labels);

// One line for each point; every number is as short as it can be and reads back as the same bits. Missing coordinates
// are nan in CSV and null in JSON.
//   labels  n, or null to leave them out
std::string points_as_text(const Eigen::MatrixXd& points, const std::vector<std::int64_t>* labels, PointText form);

}  // namespace emulsion::client
