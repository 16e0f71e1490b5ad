// A model to plot, and files to plot it from.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace emulsion::client {

inline constexpr const char* kTwo = R"({"columns": ["left", "up"], "components": [
    {"id": 1, "weight": 0.75, "mean": [0, 0], "covariance": [[1, 0], [0, 4]]},
    {"id": 4, "weight": 0.25, "mean": [10, 0], "covariance": [[1, 0], [0, 4]]}]})";

// A directory with files that are written for a test.
class Files {
 public:
  Files() {
    std::string pattern = (std::filesystem::temp_directory_path() / "emulsion-plot-XXXXXX").string();
    directory_ = mkdtemp(pattern.data());
  }
  ~Files() { std::filesystem::remove_all(directory_); }

  std::string write(const std::string& name, const std::string& text) const {
    const std::string path = this->path(name);
    std::ofstream(path) << text;
    return path;
  }
  std::string path(const std::string& name) const { return (directory_ / name).string(); }

 private:
  std::filesystem::path directory_;
};

}  // namespace emulsion::client
