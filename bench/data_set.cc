#include "bench/data_set.h"

#include <fstream>
#include <stdexcept>

namespace emulsion::bench {
namespace {

Eigen::MatrixXd read(const std::string& path, Eigen::Index rows, Eigen::Index columns) {
  Eigen::MatrixXd values(rows, columns);
  std::ifstream file(path, std::ios::binary);
  file.read(reinterpret_cast<char*>(values.data()), static_cast<std::streamsize>(values.size()) * 8);
  if (!file) throw std::runtime_error(path + ": cannot be read, or is too short");
  return values;
}

}  // namespace

DataSet read_data_set(const nlohmann::json& about) {
  const std::string folder = about.at("folder");
  const Eigen::Index d = about.at("dimension"), k = about.at("components"), n = about.at("points");
  DataSet data;
  data.diagonal = about.at("covariance") == "diagonal";
  data.points = read(folder + "/points", d, n);
  data.weights = read(folder + "/weights", k, 1);
  data.means = read(folder + "/means", d, k);
  const Eigen::MatrixXd covariances = read(folder + "/covariances", data.diagonal ? d : d * d, k);
  for (Eigen::Index i = 0; i < k; ++i) {
    if (data.diagonal)
      data.covariances.emplace_back(covariances.col(i).asDiagonal());
    else
      data.covariances.emplace_back(covariances.col(i).reshaped(d, d));
  }
  return data;
}

}  // namespace emulsion::bench
