#include "emulsion/formula.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <optional>

namespace emulsion {
namespace {

bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-' || c == '.'; }

bool is_number(std::string_view word) {
  return !word.empty() && std::all_of(word.begin(), word.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// The number, or nothing if it is beyond every use.
std::optional<Index> number_of(std::string_view digits) {
  Index value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc{}) return std::nullopt;
  return value;
}

class Reader {
 public:
  Reader(std::string_view text, const std::vector<std::string>& columns) : text_(text), columns_(columns) {}

  Result<MixtureFormula> formula(Index components) {
    MixtureFormula formula;
    bool counted = false;
    do {
      auto term = read_term(counted);
      if (!term) return fail(term.error().message);
      formula.terms.push_back(std::move(*term));
    } while (take('+'));
    if (!at_end()) return expected("\"+\", \"*\" or the end");
    if (formula.terms.size() == 1 && !counted) formula.terms.front().components = components;
    return formula;
  }

  Result<std::vector<FamilyFactor>> component() {
    auto factors = read_factors();
    if (factors && !at_end()) return expected("\"*\" or the end");
    return factors;
  }

 private:
  void skip_space() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_]))) ++at_;
  }

  bool at_end() {
    skip_space();
    return at_ == text_.size();
  }

  bool take(char c) {
    skip_space();
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  std::string_view word() {
    skip_space();
    const std::size_t begin = at_;
    while (at_ < text_.size() && is_word(text_[at_])) ++at_;
    return text_.substr(begin, at_ - begin);
  }

  tl::unexpected<Error> expected(const std::string& what) {
    skip_space();
    const std::string found = at_ == text_.size() ? "it ends" : "there is \"" + std::string(text_.substr(at_, 20)) + "\"";
    return fail("mixture \"" + std::string(text_.substr(0, 200)) + "\": " + found + " where " + what + " was expected");
  }

  Result<MixtureTerm> read_term(bool& counted) {
    MixtureTerm term;
    const std::size_t begin = at_;
    const std::string_view first = word();
    if (is_number(first)) {
      const auto count = number_of(first);
      if (!count || *count < 1 || *count > kMostComponents) {
        at_ = begin;
        return expected("a count of components from 1 to " + std::to_string(kMostComponents));
      }
      if (!take('*')) return expected("\"*\"");
      term.components = *count;
      counted = true;
    } else {
      at_ = begin;
    }
    const bool grouped = take('(');
    const auto factors = read_factors();
    if (!factors) return fail(factors.error().message);
    if (grouped && !take(')')) return expected("\"*\" or \")\"");
    term.family = component_name(*factors);
    return term;
  }

  Result<std::vector<FamilyFactor>> read_factors() {
    std::vector<FamilyFactor> factors;
    do {
      auto factor = read_factor();
      if (!factor) return fail(factor.error().message);
      factors.push_back(std::move(*factor));
    } while (take('*'));
    return factors;
  }

  Result<FamilyFactor> read_factor() {
    FamilyFactor factor;
    const std::string_view name = word();
    if (name.empty() || is_number(name)) {
      at_ -= name.size();
      return expected(name.empty() ? "the name of a family" : "the name of a family, or one count before all of a component,");
    }
    factor.family = name;
    std::replace(factor.family.begin(), factor.family.end(), '-', '_');
    if (take('(')) {
      const std::string_view argument = word();
      if (argument.empty()) return expected("an argument");
      if (!take(')')) return expected("\")\", or columns in brackets,");
      factor.family += "(" + std::string(argument) + ")";
    }
    if (!take('[')) return factor;
    do {
      const auto column = read_column();
      if (!column) return fail(column.error().message);
      factor.columns.push_back(*column);
    } while (take(','));
    if (!take(']')) return expected("\",\" or \"]\"");
    return factor;
  }

  Result<Index> read_column() {
    skip_space();
    const std::size_t begin = at_;
    std::string_view name;
    if (take('"')) {
      const std::size_t end = text_.find('"', at_);
      if (end == std::string_view::npos) return expected("a column and a closing quote");
      name = text_.substr(at_, end - at_);
      at_ = end + 1;
    } else {
      name = word();
    }
    const auto found = std::find(columns_.begin(), columns_.end(), name);
    if (found != columns_.end()) return found - columns_.begin();
    const std::string_view digits = name.starts_with('x') ? name.substr(1) : name;
    const auto position = is_number(digits) ? number_of(digits) : std::nullopt;
    if (position && (columns_.empty() || *position < static_cast<Index>(columns_.size()))) return *position;
    at_ = begin;
    if (columns_.empty()) return expected("the position of a column");
    std::string names;
    for (const std::string& column : columns_) names += (names.empty() ? "" : ", ") + column;
    return expected("one of the columns " + names.substr(0, 300));
  }

  std::string_view text_;
  const std::vector<std::string>& columns_;
  std::size_t at_ = 0;
};

}  // namespace

Index MixtureFormula::components() const {
  Index sum = 0;
  for (const MixtureTerm& term : terms) sum += term.components;
  return sum;
}

std::string MixtureFormula::text() const {
  std::string text;
  for (const MixtureTerm& term : terms) text += (text.empty() ? "" : " + ") + std::to_string(term.components) + "*" + term.family;
  return text;
}

Result<MixtureFormula> parse_formula(std::string_view text, const std::vector<std::string>& columns, Index components) {
  return Reader(text, columns).formula(components);
}

Result<std::vector<FamilyFactor>> parse_component(std::string_view text, const std::vector<std::string>& columns) {
  return Reader(text, columns).component();
}

std::string component_name(const std::vector<FamilyFactor>& factors) {
  std::string name;
  for (const FamilyFactor& factor : factors) {
    if (!name.empty()) name += "*";
    name += factor.family;
    for (std::size_t i = 0; i < factor.columns.size(); ++i) name += (i == 0 ? "[" : ",") + std::to_string(factor.columns[i]);
    if (!factor.columns.empty()) name += "]";
  }
  return name;
}

}  // namespace emulsion
