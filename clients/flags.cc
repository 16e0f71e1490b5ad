#include "clients/flags.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/program_options.hpp>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <set>
#include <sstream>
#include <system_error>
#include <utility>

#include "clients/failure.h"
#include "emulsion/wire/nearest_word.h"
#include "emulsion/wire/quoted.h"

namespace emulsion::client {
namespace {

namespace po = boost::program_options;

// What is wrong with a value; the caller says where it stood.
struct BadValue {
  std::string message;
};

template <typename Number>
Number parse_number(const std::string& text, Number least, Number most, std::string_view kind) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  // Turned round so that NaN fails too.
  if (error != std::errc() || end != text.data() + text.size() || !(number >= least && number <= most)) {
    throw BadValue{fmt::format("{} is not {} from {} to {}", wire::quoted(text), kind, least, most)};
  }
  return number;
}

void check_endpoint(const std::string& text) {
  for (const std::string_view transport : {"tcp://", "ipc://", "inproc://"}) {
    if (text.starts_with(transport) && text.size() > transport.size()) return;
  }
  throw BadValue{wire::quoted(text) + " is not an address such as tcp://127.0.0.1:7701 or ipc:///tmp/emulsion"};
}

// "output" of "output,o".
std::string long_name(const std::string& name) { return name.substr(0, name.find(',')); }

std::string join(const std::vector<std::string>& words, std::string_view between) {
  return fmt::format("{}", fmt::join(words, between));
}

}  // namespace

struct Flags::State {
  struct Variable {
    std::string flag;
    std::string name;
    std::string* target;
  };
  struct Positional {
    std::string value_name;
    std::vector<std::string>* target = nullptr;
    std::size_t least = 0;
    std::size_t most = 0;
  };

  std::string command;
  std::string head;
  po::options_description visible{"flags", 100, 50};
  std::vector<std::string> names;  // with their dashes
  std::vector<Variable> variables;
  Positional positional;
  std::set<std::string> given;
  bool help = false;

  template <typename Check>
  void add(const std::string& name, const std::string& value_name, const std::string& help_text, Check check) {
    auto* value = po::value<std::string>()->value_name(value_name)->notifier([name, check](const std::string& text) {
      try {
        check(text);
      } catch (const BadValue& bad) {
        throw BadValue{"--" + long_name(name) + ": " + bad.message};
      }
    });
    visible.add_options()(name.c_str(), value, help_text.c_str());
    names.push_back("--" + long_name(name));
  }

  int misused(const std::string& message) const {
    complain(command, exit_code::kUsage, message);
    std::fputs(fmt::format("`emulsion {} --help` shows how it is used\n", command).c_str(), stderr);
    return exit_code::kUsage;
  }
};

Flags::Flags(std::string command, std::string head) : state_(std::make_unique<State>()) {
  state_->command = std::move(command);
  state_->head = std::move(head);
}

Flags::~Flags() = default;

void Flags::toggle(const std::string& name, bool* target, const std::string& help) {
  state_->visible.add_options()(name.c_str(), po::bool_switch()->notifier([target](bool on) { *target |= on; }),
                                help.c_str());
  state_->names.push_back("--" + long_name(name));
}

void Flags::text(const std::string& name, std::string* target, const std::string& value_name, const std::string& help) {
  const std::string ending = target->empty() ? "" : " (default \"" + *target + "\")";
  state_->add(name, value_name, help + ending, [target](const std::string& value) { *target = value; });
}

void Flags::whole(const std::string& name, std::uint64_t* target, std::uint64_t least, std::uint64_t most,
                  const std::string& value_name, const std::string& help) {
  const std::string ending = *target == 0 ? "" : fmt::format(" (default {})", *target);
  state_->add(name, value_name, help + ending,
              [=](const std::string& value) { *target = parse_number(value, least, most, "a whole number"); });
}

void Flags::range(const std::string& name, CountRange* target, std::uint64_t least, std::uint64_t most,
                  const std::string& value_name, const std::string& help) {
  state_->add(name, value_name, help, [=](const std::string& value) {
    const std::size_t dots = value.find("..");
    const auto count = [=](const std::string& text) { return parse_number(text, least, most, "a whole number"); };
    target->least = count(value.substr(0, dots));
    target->most = dots == std::string::npos ? target->least : count(value.substr(dots + 2));
    if (target->most < target->least) throw BadValue{wire::quoted(value) + " goes down; expected a range such as 1..10"};
  });
}

void Flags::number(const std::string& name, double* target, double least, double most, const std::string& value_name,
                   const std::string& help) {
  const std::string ending = *target == 0 ? "" : fmt::format(" (default {:g})", *target);
  state_->add(name, value_name, help + ending,
              [=](const std::string& value) { *target = parse_number(value, least, most, "a number"); });
}

void Flags::choice(const std::string& name, std::string* target, const std::vector<std::string>& allowed,
                   const std::string& help) {
  const std::string ending = fmt::format(": {} (default {})", join(allowed, ", "), *target);
  state_->add(name, "WORD", help + ending, [=](const std::string& value) {
    if (std::find(allowed.begin(), allowed.end(), value) == allowed.end()) {
      throw BadValue{fmt::format("{}; allowed: {}", wire::quoted(value), join(allowed, ", "))};
    }
    *target = value;
  });
}

void Flags::endpoint(const std::string& name, std::string* target, const std::string& variable,
                     const std::string& help) {
  const std::string ending = fmt::format(" (default {}; environment: {})", *target, variable);
  state_->variables.push_back({name, variable, target});
  state_->add(name, "ADDRESS", help + ending, [=](const std::string& value) {
    check_endpoint(value);
    *target = value;
  });
}

void Flags::positional(const std::string& value_name, std::vector<std::string>* target, std::size_t least,
                       std::size_t most) {
  state_->positional = {value_name, target, least, most};
}

std::optional<int> Flags::parse(const std::vector<std::string>& arguments) {
  State& state = *state_;
  state.visible.add_options()("help,h", po::bool_switch(&state.help), "print this");
  state.names.push_back("--help");

  std::vector<std::string> words;
  po::options_description all;
  all.add(state.visible).add_options()("\nwords", po::value<std::vector<std::string>>(&words));
  po::positional_options_description places;
  places.add("\nwords", -1);

  po::variables_map values;
  try {
    namespace style = po::command_line_style;
    const int exact = style::unix_style & ~style::allow_guessing;
    po::store(po::command_line_parser(arguments).options(all).positional(places).style(exact).run(), values);
    if (values["help"].as<bool>()) {
      std::ostringstream text;
      text << state.head << "\n" << state.visible << "\n";
      std::fputs(text.str().c_str(), stdout);
      return exit_code::kOk;
    }
    // The environment first, so that a flag has the last word.
    for (const State::Variable& variable : state.variables) {
      const char* value = std::getenv(variable.name.c_str());
      if (value == nullptr || values.count(variable.flag) != 0) continue;
      try {
        check_endpoint(value);
      } catch (const BadValue& bad) {
        return complain(state.command, exit_code::kConfiguration, "environment: " + variable.name + ": " + bad.message);
      }
      *variable.target = value;
    }
    for (const auto& [name, value] : values) {
      if (!value.defaulted()) state.given.insert(name);
    }
    po::notify(values);
  } catch (const BadValue& bad) {
    return state.misused(bad.message);
  } catch (const po::unknown_option& error) {
    const std::string name = error.get_option_name();
    const auto meant = nearest(name, state.names);
    return state.misused("unknown flag " + wire::quoted(name) + (meant ? "; did you mean \"" + *meant + "\"?" : ""));
  } catch (const po::error& error) {
    return state.misused(wire::printable(error.what(), 200));
  }

  const State::Positional& positional = state.positional;
  if (words.size() < positional.least) return state.misused("missing " + positional.value_name);
  if (words.size() > positional.most) {
    return state.misused("unexpected argument " + wire::quoted(words[positional.most]));
  }
  if (positional.target != nullptr && !words.empty()) *positional.target = std::move(words);
  return std::nullopt;
}

bool Flags::given(const std::string& name) const { return state_->given.contains(name); }

std::vector<std::string> split_list(std::string_view text) {
  std::vector<std::string> words;
  while (!text.empty()) {
    const std::size_t comma = text.find(',');
    words.emplace_back(text.substr(0, comma));
    if (comma == std::string_view::npos) break;
    text.remove_prefix(comma + 1);
    if (text.empty()) words.emplace_back();
  }
  return words;
}

std::optional<std::string> nearest(std::string_view word, const std::vector<std::string>& candidates) {
  return wire::nearest_word(word, candidates, word.size() < 5 ? 1 : 2);
}

int complain(std::string_view command, int code, std::string_view message) {
  const std::string_view space = command.empty() ? "" : " ";
  std::fputs(fmt::format("emulsion{}{}: {}\n", space, command, message).c_str(), stderr);
  return code;
}

}  // namespace emulsion::client
