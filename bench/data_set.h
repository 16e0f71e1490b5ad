// A data set as workloads.py writes it: points, and the mixture that EM starts from.
#pragma once

#include <Eigen/Core>
#include <nlohmann/json.hpp>
#include <vector>

namespace emulsion::bench {

struct DataSet {
  Eigen::MatrixXd points;                    // d x n
  Eigen::VectorXd weights;                   // K
  Eigen::MatrixXd means;                     // d x K
  std::vector<Eigen::MatrixXd> covariances;  // K of d x d
  bool diagonal = false;                     // the covariances are

  Eigen::Index dimension() const { return points.rows(); }
  Eigen::Index size() const { return points.cols(); }
  Eigen::Index components() const { return weights.size(); }
};

// Throws std::runtime_error if a file is not as long as it should be.
DataSet read_data_set(const nlohmann::json& about);

}  // namespace emulsion::bench
