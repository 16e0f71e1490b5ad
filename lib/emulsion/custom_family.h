// A family of distributions of your own, in a shared object that emulsiond and emulsion load while they run.
//
// Derive from CustomFamily, export what you derived, and name the shared object by `family_library` in the configuration
// or --family-library on the command line; docs/own-family.md goes the whole way. This header needs the standard library
// alone, and what is made with it links to nothing of Emulsion.
//
//   class InverseGaussian final : public emulsion::CustomFamily { ... };
//   EMULSION_EXPORT_FAMILIES(InverseGaussian);
//
// How it is used: the library keeps, for each component, its weight and the mean of statistics() over the points that it
// takes, each by its responsibility. Means merge, fade and can be saved by themselves; maximise() makes parameters of them.
// Where the distribution is of the exponential family and statistics() its sufficient statistics, EM is exact, on a stream
// as well as on a file.
//
// Errors: throw anything derived from std::exception, or give a number that is not finite. The update is then refused with
// the family's name, the model stays as it was, and the daemon goes on. A crash or an endless loop cannot be caught.
// Objects are used by several threads at once: the functions are const, and depend on nothing but their arguments.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace emulsion {

class CustomFamily {
 public:
  // A named part of the parameters of one component, such as {"mean", 1}: so many numbers.
  struct Part {
    std::string name;
    std::size_t size = 1;
  };

  // What maximise() may lean on where the points alone would leave a component no width: so many imagined points (>= 0),
  // which vary by `variances` (d, each > 0) along the coordinates: a small fraction of the stream's own.
  struct Prior {
    double points = 0;
    std::span<const double> variances;
  };

  using Numbers = std::span<const double>;
  using Output = std::span<double>;  // holds NaN before; every number has to be set

  virtual ~CustomFamily() = default;

  // As it is written in configurations: letters, digits and "_", no digit first; none of Emulsion's own.
  virtual std::string name() const = 0;

  // Why there is no such distribution over so many coordinates, such as "expected 1 coordinate"; empty if there is.
  virtual std::string why_not_dimension(std::size_t /*dimension*/) const { return {}; }

  // What the parameters of one component consist of, P numbers in all. Names are unique.
  virtual std::vector<Part> parameters(std::size_t dimension) const = 0;

  // Numbers that an estimate is free to choose, for BIC and AIC: those of its parameters that nothing ties to others.
  virtual std::size_t free_parameters(std::size_t dimension) const {
    std::size_t sum = 0;
    for (const Part& part : parameters(dimension)) sum += part.size;
    return sum;
  }

  // How many numbers the statistics of a point are, M.
  virtual std::size_t statistics_size(std::size_t dimension) const = 0;

  // Why no component can have given this point (d finite coordinates), such as "expected a number > 0"; empty if one can.
  // Such a point is refused, or left to the other families of a mixture: the two functions below never see it.
  virtual std::string why_not(Numbers /*point*/) const { return {}; }

  // Log density in nats per unit volume; of a discrete distribution, log probability. -infinity: impossible.
  virtual double log_density(Numbers point, Numbers parameters) const = 0;

  // The statistics of one point. Where they depend on the parameters of the component that takes the point, as an E-step
  // over what is hidden does, those are given too.
  virtual void statistics(Numbers point, Numbers parameters, Output statistics) const = 0;

  // The statistics that points of exactly this component have on average: maximise() makes its parameters of them again.
  virtual void expected_statistics(Numbers parameters, Output statistics) const = 0;

  // The most probable parameters given the mean of the statistics over points of so much weight (> 0), and the prior.
  //   previous  the parameters before, for a search to start from
  virtual void maximise(Numbers mean_statistics, double weight, const Prior& prior, Numbers previous,
                        Output parameters) const = 0;

  // A first guess: a component about `centre`, a point or the mean of some, as wide as `variances` (d, each > 0) say, as
  // far as the family can choose.
  virtual void place(Numbers centre, Numbers variances, Output parameters) const = 0;

  // Mean and variance along each coordinate, d each. Where there is none: the place, and the square of the scale.
  virtual void mean(Numbers parameters, Output mean) const = 0;
  virtual void variance(Numbers parameters, Output variance) const = 0;
};

// What a shared object exports, under the name emulsion_family_library.
//   interface  which version of this header it was made with, and how its standard library lays out what crosses. Stays
//              the first member in all versions, so that another one can be told before anything else is touched
struct FamilyLibrary {
  const char* interface;
  std::vector<std::unique_ptr<CustomFamily>> (*make)();
};

#if defined(_LIBCPP_VERSION)
#define EMULSION_STANDARD_LIBRARY "libc++"
#elif defined(_GLIBCXX_DEBUG)
#define EMULSION_STANDARD_LIBRARY "libstdc++ in debug mode"
#elif defined(_GLIBCXX_USE_CXX11_ABI) && _GLIBCXX_USE_CXX11_ABI
#define EMULSION_STANDARD_LIBRARY "libstdc++"
#else
#define EMULSION_STANDARD_LIBRARY "a library with other strings"
#endif

inline constexpr const char* kFamilyInterface = "version 1, " EMULSION_STANDARD_LIBRARY;

template <typename... Families>
std::vector<std::unique_ptr<CustomFamily>> make_custom_families() {
  std::vector<std::unique_ptr<CustomFamily>> families;
  (families.push_back(std::make_unique<Families>()), ...);
  return families;
}

}  // namespace emulsion

// Exports one or several families, each with a constructor without arguments. Once in a shared object, in no namespace.
#define EMULSION_EXPORT_FAMILIES(...)                                                                      \
  extern "C" __attribute__((visibility("default"))) const emulsion::FamilyLibrary emulsion_family_library; \
  const emulsion::FamilyLibrary emulsion_family_library = {emulsion::kFamilyInterface,                     \
                                                           &emulsion::make_custom_families<__VA_ARGS__>}
