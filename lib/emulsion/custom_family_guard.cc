#include "emulsion/custom_family_guard.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <exception>
#include <limits>
#include <optional>
#include <string_view>

namespace emulsion {
namespace {

using Numbers = CustomFamilyGuard::Numbers;
using Shape = CustomFamilyGuard::Shape;

constexpr std::size_t kMostNumbers = 1 << 20;  // of the parameters, and of the statistics
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

// Text of a user's code, fit for one line of any log or message.
std::string printable(std::string_view text) {
  std::string result(text.substr(0, 200));
  for (char& c : result)
    if (c < ' ' || c > '~') c = '?';
  return result;
}

std::string text_of(double number) {
  if (std::isnan(number)) return "nan";  // whatever its sign
  char text[32];
  const auto [end, error] = std::to_chars(text, text + sizeof text, number, std::chars_format::general, 6);
  return error == std::errc() ? std::string(text, end) : "?";
}

// "(1, 2.5)"; a long list is cut.
std::string text_of(Numbers numbers) {
  constexpr std::size_t kMost = 8;
  std::string text;
  for (std::size_t i = 0; i < std::min(numbers.size(), kMost); ++i) text += (i == 0 ? "" : ", ") + text_of(numbers[i]);
  return "(" + text + (numbers.size() > kMost ? ", ..." : "") + ")";
}

// "(mean = 1, shape = 2.5)"
std::string text_of(const Shape& shape, Numbers parameters) {
  std::string text;
  std::size_t first = 0;
  for (const ParameterPart& part : shape.parts) {
    const auto size = static_cast<std::size_t>(part.size);
    const Numbers numbers = parameters.subspan(first, size);
    text += (first == 0 ? "" : ", ") + part.name + " = " + (size == 1 ? text_of(numbers[0]) : text_of(numbers));
    first += size;
  }
  return "(" + text + ")";
}

std::string with_parameters(const Shape& shape, Numbers parameters) {
  return " with the parameters " + text_of(shape, parameters);
}

// Runs a function of the user's. Returns what it threw, if it did.
template <typename Function>
std::optional<std::string> thrown_by(Function function) {
  try {
    function();
    return std::nullopt;
  } catch (const std::exception& exception) {
    return " threw \"" + printable(exception.what()) + "\"";
  } catch (...) {
    return " threw something that is no std::exception";
  }
}

// Runs a function of the user's that sets `out`. `place` says with which numbers, if that is asked for.
template <typename Function, typename Place>
Result<void> filled(const std::string& name, const char* what, std::span<double> out, Function function, Place place) {
  std::fill(out.begin(), out.end(), kNaN);
  const auto thrown = thrown_by(function);
  if (!thrown && std::all_of(out.begin(), out.end(), [](double number) { return std::isfinite(number); })) return {};
  return fail("family \"" + name + "\": " + what + (thrown ? *thrown : " gave " + text_of(Numbers(out))) + place());
}

bool is_word(const std::string& text) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  return !text.empty() && text.size() <= 64 && letter(text.front()) &&
         std::all_of(text.begin(), text.end(), [&](char c) { return letter(c) || (c >= '0' && c <= '9'); });
}

// What is wrong with the parts; empty if nothing.
std::string fault_of(const std::vector<CustomFamily::Part>& parts) {
  if (parts.empty()) return "gave no part, expected at least one";
  std::size_t sum = 0;
  for (auto part = parts.begin(); part != parts.end(); ++part) {
    const std::string name = "\"" + printable(part->name) + "\"";
    if (!is_word(part->name)) return "gave a part " + name + ", expected letters, digits and \"_\"";
    if (std::any_of(parts.begin(), part, [&](const auto& before) { return before.name == part->name; }))
      return "gave two parts " + name;
    if (part->size == 0 || part->size > kMostNumbers || (sum += part->size) > kMostNumbers)
      return "gave a part " + name + " of " + std::to_string(part->size) + " numbers, expected 1 to " +
             std::to_string(kMostNumbers) + " in all";
  }
  return "";
}

}  // namespace

CustomFamilyGuard::CustomFamilyGuard(std::unique_ptr<const CustomFamily> family, std::string name)
    : family_(std::move(family)), name_(std::move(name)) {}

Result<std::unique_ptr<const CustomFamilyGuard>> CustomFamilyGuard::make(std::unique_ptr<const CustomFamily> family) {
  std::string name;
  if (const auto thrown = thrown_by([&] { name = family->name(); })) return fail("a family without a name: name" + *thrown);
  if (!is_word(name))
    return fail("a family of the name \"" + printable(name) +
                "\", expected letters, digits and \"_\", at most 64, no digit first");
  return std::unique_ptr<const CustomFamilyGuard>(new CustomFamilyGuard(std::move(family), std::move(name)));
}

const Shape& CustomFamilyGuard::shape(Index dimension) const {
  const std::lock_guard lock(mutex_);
  const auto known = shapes_.find(dimension);
  return known != shapes_.end() ? known->second : shapes_.emplace(dimension, ask(dimension)).first->second;
}

Shape CustomFamilyGuard::ask(Index dimension) const {
  Shape shape;
  shape.dimension = dimension;
  const auto d = static_cast<std::size_t>(dimension);
  const auto failed = [&](const std::string& what) {
    shape.failure = "family \"" + name_ + "\": " + what + " in " + std::to_string(dimension) + " dimensions";
    return shape;
  };
  std::string refusal;
  if (const auto thrown = thrown_by([&] { refusal = family_->why_not_dimension(d); }))
    return failed("why_not_dimension" + *thrown);
  if (!refusal.empty()) {
    shape.refusal = "family \"" + name_ + "\": " + std::to_string(dimension) + " coordinates: " + printable(refusal);
    return shape;
  }
  std::vector<CustomFamily::Part> parts;
  std::size_t statistics = 0, free_parameters = 0;
  if (const auto thrown = thrown_by([&] { parts = family_->parameters(d); })) return failed("parameters" + *thrown);
  if (const std::string fault = fault_of(parts); !fault.empty()) return failed("parameters " + fault);
  if (const auto thrown = thrown_by([&] { statistics = family_->statistics_size(d); }))
    return failed("statistics_size" + *thrown);
  if (statistics == 0 || statistics > kMostNumbers)
    return failed("statistics_size gave " + std::to_string(statistics) + ", expected 1 to " + std::to_string(kMostNumbers));
  if (const auto thrown = thrown_by([&] { free_parameters = family_->free_parameters(d); }))
    return failed("free_parameters" + *thrown);
  if (free_parameters > kMostNumbers)
    return failed("free_parameters gave " + std::to_string(free_parameters) + ", expected at most " +
                  std::to_string(kMostNumbers));

  for (const CustomFamily::Part& part : parts) {
    const auto size = static_cast<Index>(part.size);
    shape.parts.push_back({part.name, size == 1 ? PartShape::scalar : PartShape::vector, size, 0});
    shape.parameters += size;
  }
  shape.statistics = static_cast<Index>(statistics);
  shape.free_parameters = static_cast<Index>(free_parameters);
  return shape;
}

Result<std::string> CustomFamilyGuard::why_not(Numbers point) const {
  std::string reason;
  const auto thrown = thrown_by([&] { reason = family_->why_not(point); });
  if (thrown) return fail("family \"" + name_ + "\": why_not" + *thrown + " at the point " + text_of(point));
  return printable(reason);
}

Result<double> CustomFamilyGuard::log_density(const Shape& shape, Numbers point, Numbers parameters) const {
  double result = 0;
  const auto thrown = thrown_by([&] { result = family_->log_density(point, parameters); });
  if (!thrown && (std::isfinite(result) || result == -std::numeric_limits<double>::infinity())) return result;
  return fail("family \"" + name_ + "\": log_density" + (thrown ? *thrown : " gave " + text_of(result)) + " at the point " +
              text_of(point) + with_parameters(shape, parameters));
}

Result<void> CustomFamilyGuard::statistics(const Shape& shape, Numbers point, Numbers parameters, std::span<double> out) const {
  return filled(
      name_, "statistics", out, [&] { family_->statistics(point, parameters, out); },
      [&] { return " at the point " + text_of(point) + with_parameters(shape, parameters); });
}

Result<void> CustomFamilyGuard::expected_statistics(const Shape& shape, Numbers parameters, std::span<double> out) const {
  return filled(
      name_, "expected_statistics", out, [&] { family_->expected_statistics(parameters, out); },
      [&] { return with_parameters(shape, parameters); });
}

Result<void> CustomFamilyGuard::maximise(const Shape& shape, Numbers mean_statistics, double weight,
                                         const CustomFamily::Prior& prior, Numbers previous, std::span<double> out) const {
  return filled(
      name_, "maximise", out, [&] { family_->maximise(mean_statistics, weight, prior, previous, out); },
      [&] {
        return " for " + text_of(weight) + " points whose mean statistics are " + text_of(mean_statistics) +
               ", after the parameters " + text_of(shape, previous);
      });
}

Result<void> CustomFamilyGuard::place(Numbers centre, Numbers variances, std::span<double> out) const {
  return filled(
      name_, "place", out, [&] { family_->place(centre, variances, out); },
      [&] { return " at the centre " + text_of(centre) + " for the variances " + text_of(variances); });
}

Result<void> CustomFamilyGuard::mean(const Shape& shape, Numbers parameters, std::span<double> out) const {
  return filled(
      name_, "mean", out, [&] { family_->mean(parameters, out); }, [&] { return with_parameters(shape, parameters); });
}

Result<void> CustomFamilyGuard::variance(const Shape& shape, Numbers parameters, std::span<double> out) const {
  const auto set = filled(
      name_, "variance", out, [&] { family_->variance(parameters, out); }, [&] { return with_parameters(shape, parameters); });
  if (set && std::any_of(out.begin(), out.end(), [](double number) { return number < 0; }))
    return fail("family \"" + name_ + "\": variance gave " + text_of(Numbers(out)) + with_parameters(shape, parameters));
  return set;
}

}  // namespace emulsion
