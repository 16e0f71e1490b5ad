// A model as text for people, and as comma-separated values.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "clients/table.h"
#include "emulsion/wire/messages.h"

namespace emulsion::client {

// Mean and standard deviation of every coordinate, d pairs.
std::vector<std::pair<double, double>> coordinates(const wire::ComponentMessage& component);

// The name of a coordinate: that of the model, or x0, x1, ...
std::string column_name(const wire::ModelMessage& model, std::size_t i);

// Correlation of coordinates i > j; 0 for a family without correlations.
double correlation(const wire::ComponentMessage& component, std::size_t i, std::size_t j);

// A table of the components: id, weight, effective points, mean ± standard deviation of
// each coordinate (in the producer's units), the correlations where there are few enough, and of families other than the
// Gaussian ones their name and further parameters.
std::string component_table(const wire::ModelMessage& model, std::size_t width = kTableWidth);

// The same below one line about the whole.
std::string model_table(const wire::ModelMessage& model, std::size_t width = kTableWidth);

// The heading of model_csv for points of dimension d.
std::string model_csv_heading(std::size_t dimension);

// One line for each component: stream, model_version, points_learned, component, weight, effective_sample_size,
// starved, mean_0 ... , sd_0 ...
std::string model_csv(const wire::ModelMessage& model);

}  // namespace emulsion::client
