// A family as a user would write it, which fails on demand.
#pragma once

#include <atomic>
#include <cmath>
#include <limits>
#include <numbers>
#include <stdexcept>
#include <string>

#include "emulsion/custom_family.h"

namespace emulsion::testing {

enum class Fault { none, nan, infinite, unset, exception, integer };

// Which function fails, and how, until told otherwise.
struct Switch {
  std::string function;
  std::atomic<Fault> fault = Fault::none;
};

// Normal distributions of independent coordinates, whose statistics are x and x^2; breaks where its switch says so.
class Breakable : public CustomFamily {
 public:
  explicit Breakable(Switch& breaker, std::string name = "breakable") : breaker_(breaker), name_(std::move(name)) {}

  std::string name() const override { return broken("name") ? throw_or(std::string("two words")) : name_; }
  std::string why_not_dimension(std::size_t) const override {
    return broken("why_not_dimension") ? throw_or(std::string("none")) : "";
  }
  std::vector<Part> parameters(std::size_t d) const override {
    if (broken("parameters")) return throw_or(std::vector<Part>{{"mean", d}, {"mean", d}});
    return {{"mean", d}, {"deviation", d}};
  }
  std::size_t statistics_size(std::size_t d) const override {
    return broken("statistics_size") ? throw_or(std::size_t{0}) : 2 * d;
  }
  std::string why_not(Numbers x) const override {
    if (broken("why_not")) return throw_or(std::string());
    return x[0] < 1e6 ? "" : "expected a number < 1e6";
  }

  double log_density(Numbers x, Numbers p) const override {
    if (broken("log_density")) return number();
    double sum = 0;
    for (std::size_t j = 0; j < x.size(); ++j) {
      const double value = (x[j] - p[j]) / p[x.size() + j];
      sum -= 0.5 * std::log(2 * std::numbers::pi) + std::log(p[x.size() + j]) + 0.5 * value * value;
    }
    return sum;
  }
  void statistics(Numbers x, Numbers, Output s) const override {
    if (broken("statistics")) return spoil(s);
    for (std::size_t j = 0; j < x.size(); ++j) set(s, j, x[j], x[j] * x[j]);
  }
  void expected_statistics(Numbers p, Output s) const override {
    if (broken("expected_statistics")) return spoil(s);
    const std::size_t d = p.size() / 2;
    for (std::size_t j = 0; j < d; ++j) set(s, j, p[j], p[j] * p[j] + p[d + j] * p[d + j]);
  }
  void maximise(Numbers s, double weight, const Prior& prior, Numbers, Output p) const override {
    if (broken("maximise")) return spoil(p);
    const std::size_t d = s.size() / 2;
    for (std::size_t j = 0; j < d; ++j) {
      const double squares = weight * (s[d + j] - s[j] * s[j]) + prior.points * prior.variances[j];
      set(p, j, s[j], std::sqrt(squares / (weight + prior.points)));
    }
  }
  void place(Numbers centre, Numbers variances, Output p) const override {
    if (broken("place")) return spoil(p);
    for (std::size_t j = 0; j < centre.size(); ++j) set(p, j, centre[j], std::sqrt(variances[j]));
  }
  void mean(Numbers p, Output m) const override {
    if (broken("mean")) return spoil(m);
    for (std::size_t j = 0; j < m.size(); ++j) m[j] = p[j];
  }
  void variance(Numbers p, Output v) const override {
    if (broken("variance")) return spoil(v);
    for (std::size_t j = 0; j < v.size(); ++j) v[j] = p[v.size() + j] * p[v.size() + j];
  }

 private:
  bool broken(const char* function) const { return breaker_.fault != Fault::none && breaker_.function == function; }

  template <typename Value>
  Value throw_or(Value wrong) const {
    if (breaker_.fault == Fault::exception) throw std::runtime_error("out of order");
    if (breaker_.fault == Fault::integer) throw 42;
    return wrong;
  }

  double number() const {
    const double infinity = std::numeric_limits<double>::infinity();
    return throw_or(breaker_.fault == Fault::infinite ? infinity : std::numeric_limits<double>::quiet_NaN());
  }

  void spoil(Output out) const {
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = 1;
    if (breaker_.fault == Fault::unset)
      out.back() = std::numeric_limits<double>::quiet_NaN();  // what the library had put there
    else
      out.back() = number();
  }

  static void set(Output out, std::size_t j, double first, double second) {
    out[j] = first;
    out[out.size() / 2 + j] = second;
  }

  Switch& breaker_;
  std::string name_;
};

}  // namespace emulsion::testing
