// Messages that several tests print.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "emulsion/wire/messages.h"

namespace emulsion::client {

// Gives a component in two dimensions, or a diagonal or spherical one in any, its parameters.
inline void set_gaussian(wire::ComponentMessage& component, const std::string& family, std::vector<double> mean,
                         std::vector<double> covariance) {
  component.family = family;
  component.means = mean;
  component.variances.clear();
  for (std::size_t i = 0; i < mean.size(); ++i) {
    const bool triangle = family == "gaussian(full)" || family == "gaussian(tied)";
    component.variances.push_back(covariance[triangle ? i * (i + 3) / 2 : family == "gaussian(diagonal)" ? i : 0]);
  }
  component.parameters = {{"mean", std::move(mean)}, {"covariance", std::move(covariance)}};
}

// Two components in two dimensions: standard deviations 2 and 3 with correlation 0.5; 1 and 4, uncorrelated.
inline wire::ModelMessage example_model(const std::string& stream = "room") {
  wire::ModelMessage model;
  model.stream = stream;
  model.version = 7;
  model.dimension = 2;
  model.points_learned = 8143;
  model.effective_sample_size = 512.25;
  model.mean_log_likelihood = -3.2149;
  wire::ComponentMessage first;
  first.id = 1;
  first.weight = 0.75;
  first.effective_sample_size = 384.19;
  set_gaussian(first, "gaussian(full)", {20.5, -1}, {4, 3, 9});
  wire::ComponentMessage second;
  second.id = 12;
  second.weight = 0.25;
  second.effective_sample_size = 128.06;
  second.starved = true;
  set_gaussian(second, "gaussian(full)", {0, 426}, {1, 0, 16});
  model.components = {first, second};
  return model;
}

inline wire::StreamStatus example_stream(const std::string& name = "room") {
  wire::StreamStatus stream;
  stream.stream = name;
  stream.phase = wire::StreamPhase::learning;
  stream.dimension = 2;
  stream.components = 2;
  stream.model_version = 7;
  stream.points_accepted = 8143;
  stream.points_learned = 8100;
  stream.points_waiting = 43;
  stream.mean_log_likelihood = -3.2149;
  stream.refusals = {{"row", "not_finite", 3}};
  wire::ProducerStatus producer;
  producer.producer = "sensor-1";
  producer.session = 99;
  producer.last_sequence = 31;
  producer.messages = 32;
  producer.rows_accepted = 8143;
  producer.rows_refused = 3;
  producer.messages_missing = 2;
  stream.producers = {producer};
  return stream;
}

inline wire::StreamStatus waiting_stream(const std::string& name = "room") {
  wire::StreamStatus stream;
  stream.stream = name;
  stream.phase = wire::StreamPhase::warming_up;
  stream.points_waiting = 60;
  stream.points_to_seed = 100;
  return stream;
}

inline wire::LabelsMessage example_labels() {
  wire::LabelsMessage labels;
  labels.stream = "room";
  labels.topic_sequence = 4;
  labels.daemon_session = 77;
  labels.producer = "sensor-1";
  labels.session = 99;
  labels.sequence = 31;
  labels.component_ids = {2, wire::kNoComponent, 1};
  labels.log_densities = {-3.25, wire::kNoDensity, -1e-3};
  labels.model_spans = {{6, 2}, {7, 1}};
  return labels;
}

}  // namespace emulsion::client
