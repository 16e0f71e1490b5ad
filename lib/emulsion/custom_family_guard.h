// Calls into a user's own family: whatever comes back is a number that is finite, or an Error that tells what happened.
//
// Errors name the family and the function, and the numbers that it was called with:
//   family "broken": log_density gave nan at the point (3.2) with the parameters (mean = 2, shape = 3)
// Immutable, but for a cache; may be shared between threads.
#pragma once

#include <Eigen/Core>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "emulsion/custom_family.h"
#include "emulsion/family.h"

namespace emulsion {

class CustomFamilyGuard {
 public:
  // What the family has in some dimension, asked once.
  //   refusal  why there is no such distribution over so many coordinates; empty if there is
  //   failure  why the family could not tell; empty if all is well. Then, as where it refuses, the rest is empty
  struct Shape {
    Index dimension = 0;
    std::string refusal;
    std::string failure;
    std::vector<ParameterPart> parts;
    Index parameters = 0;  // P
    Index statistics = 0;  // M
    Index free_parameters = 0;
  };
  using Numbers = CustomFamily::Numbers;

  // Errors: the family cannot tell its name.
  static Result<std::unique_ptr<const CustomFamilyGuard>> make(std::unique_ptr<const CustomFamily> family);

  const std::string& name() const { return name_; }

  // Lives as long as the guard.
  const Shape& shape(Index dimension) const;

  Result<std::string> why_not(Numbers point) const;

  // Finite, or -infinity.
  Result<double> log_density(const Shape& shape, Numbers point, Numbers parameters) const;

  Result<void> statistics(const Shape& shape, Numbers point, Numbers parameters, std::span<double> out) const;
  Result<void> expected_statistics(const Shape& shape, Numbers parameters, std::span<double> out) const;
  Result<void> maximise(const Shape& shape, Numbers mean_statistics, double weight, const CustomFamily::Prior& prior,
                        Numbers previous, std::span<double> out) const;
  Result<void> place(Numbers centre, Numbers variances, std::span<double> out) const;
  Result<void> mean(const Shape& shape, Numbers parameters, std::span<double> out) const;
  Result<void> variance(const Shape& shape, Numbers parameters, std::span<double> out) const;  // each >= 0

 private:
  CustomFamilyGuard(std::unique_ptr<const CustomFamily> family, std::string name);

  Shape ask(Index dimension) const;

  std::unique_ptr<const CustomFamily> family_;
  std::string name_;
  mutable std::mutex mutex_;
  mutable std::map<Index, Shape> shapes_;
};

}  // namespace emulsion
