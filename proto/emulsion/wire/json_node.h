// A JSON value and where it stands, so that whatever is wrong with it is refused by its place.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "emulsion/wire/topic.h"

namespace emulsion::wire {

// Why a text is refused. Thrown while it is read, and caught before the reader returns.
struct Refusal {
  std::string message;
};

inline std::string number_text(double number) {
  char text[32];
  std::snprintf(text, sizeof text, "%.9g", number);
  return text;
}

// A value and where it stands.
class Node {
 public:
  Node(const nlohmann::ordered_json& json, std::string place) : json_(json), place_(std::move(place)) {}

  [[noreturn]] void refuse(const std::string& problem) const {
    throw Refusal{place_.empty() ? problem : place_ + ": " + problem};
  }

  bool has(const std::string& key) const { return json_.contains(key); }
  bool is_number() const { return json_.is_number(); }
  std::size_t size() const { return json_.size(); }

  Node at(const std::string& key) const {
    const std::string place = place_.empty() ? key : place_ + '.' + key;
    const auto found = json_.find(key);
    if (found == json_.end()) throw Refusal{place + ": missing"};
    return {*found, place};
  }

  const Node& object() const {
    if (!json_.is_object()) refuse_type("an object");
    return *this;
  }

  std::vector<Node> elements(const char* expected) const {
    if (!json_.is_array()) refuse_type(expected);
    std::vector<Node> nodes;
    for (const nlohmann::ordered_json& element : json_) nodes.emplace_back(element, place_ + '[' + std::to_string(nodes.size()) + ']');
    return nodes;
  }

  double number() const {
    if (!json_.is_number()) refuse_type("a number");
    return json_.get<double>();
  }

  std::uint64_t count() const {
    if (!json_.is_number_unsigned()) refuse_type("a whole number >= 0");
    return json_.get<std::uint64_t>();
  }

  bool flag() const {
    if (!json_.is_boolean()) refuse_type("true or false");
    return json_.get<bool>();
  }

  std::string text() const {
    if (!json_.is_string()) refuse_type("a text");
    return json_.get<std::string>();
  }

  std::vector<double> numbers() const {
    std::vector<double> result;
    for (const Node& element : elements("an array of numbers")) result.push_back(element.number());
    return result;
  }

  double number_or_nan() const { return json_.is_null() ? std::nan("") : number(); }

 private:
  [[noreturn]] void refuse_type(const std::string& expected) const {
    const std::string found =
        json_.is_structured() ? std::string("an ") + json_.type_name() : printable(json_.dump(), 40);
    refuse(found + ", expected " + expected);
  }

  const nlohmann::ordered_json& json_;
  std::string place_;
};

}  // namespace emulsion::wire
