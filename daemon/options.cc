// Reads settings from the command line, the environment and the file.
//
// Program_options gets one argument with its value at a time, so that one fault does not hide the next. The lines of the file
// are few in kind, and are read here: Program_options does not tell where it found what it reads, and silently cuts a value at
// its first #.
#include "daemon/options.h"

#include <boost/program_options.hpp>
#include <array>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <string_view>
#include <system_error>

#include "daemon/option_assembly.h"
#include "daemon/option_settings.h"
#include "daemon/option_table.h"
#include "daemon/option_values.h"

namespace emulsion::service {
namespace {

namespace po = boost::program_options;

constexpr std::size_t kMaxFileBytes = 1 << 20;
constexpr const char* kLineForms = "KEY = VALUE, [SECTION], or # COMMENT";
constexpr const char* kSections = "[defaults], [stream.NAME]";

// What the command line asks for beside settings.
struct Flags {
  bool help = false;
  bool version = false;
  bool check = false;
  bool print = false;
  std::optional<std::string> config_path;
};

std::string_view trimmed(std::string_view text) {
  const auto begin = text.find_first_not_of(" \t\r");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1);
}

const po::options_description& command_line_description() {
  static const auto description = [] {
    po::options_description options;
    auto add = options.add_options();
    add("help,h", "")("version", "")("check-config", "")("print-config", "");
    add("config", po::value<std::string>(), "")("stream.*", po::value<std::string>(), "");
    for (const auto& option : daemon_options()) add(option.key.c_str(), po::value<std::string>(), "");
    for (const auto& option : stream_options()) {
      add(("defaults." + option.key).c_str(), po::value<std::string>(), "");
    }
    return options;
  }();
  return description;
}

class CommandLine {
 public:
  CommandLine(const std::vector<std::string>& arguments, WrittenSettings& written) : written_(written) {
    for (std::size_t i = 0; i < arguments.size();) {
      const bool takes_next = is_option(arguments[i]) && arguments[i].find('=') == std::string::npos &&
                              i + 1 < arguments.size() && !is_option(arguments[i + 1]);
      const std::size_t end = i + (takes_next ? 2 : 1);
      read({arguments.begin() + static_cast<std::ptrdiff_t>(i), arguments.begin() + static_cast<std::ptrdiff_t>(end)});
      i = end;
    }
  }

  const Flags& flags() const { return flags_; }

 private:
  static bool is_option(const std::string& argument) { return argument.starts_with("--"); }

  void fault(const std::string& subject, const std::string& problem) {
    written_.faults.push_back({Origin{}, subject, problem});
  }

  // One option with its value, or one word that is not an option.
  void read(const std::vector<std::string>& words) {
    using namespace po::command_line_style;
    const int style =
        allow_long | long_allow_adjacent | long_allow_next | allow_short | short_allow_next | allow_dash_for_short;
    try {
      const auto parsed =
          po::command_line_parser(words).options(command_line_description()).style(style).allow_unregistered().run();
      for (const auto& option : parsed.options) {
        // The value of an unknown option looks like a word by itself.
        if (option.position_key >= 0 && parsed.options.front().unregistered) continue;
        take(option);
      }
    } catch (const po::invalid_command_line_syntax& error) {
      const bool missing = error.kind() == po::invalid_command_line_syntax::missing_parameter ||
                           error.kind() == po::invalid_command_line_syntax::empty_adjacent_parameter;
      if (error.kind() == po::invalid_command_line_syntax::empty_adjacent_parameter) {
        // "--http=" is an empty value.
        take_setting(words.front().substr(2, words.front().find('=') - 2), "");
      } else {
        fault(words.front().substr(0, words.front().find('=')), missing ? "the value is missing" : "takes no value");
      }
    } catch (const po::error& error) {
      fault(words.front(), error.what());
    }
  }

  void take(const po::option& option) {
    const std::string& key = option.string_key;
    if (option.position_key >= 0) {
      fault(option.value.front(), "unexpected argument; did you mean \"--config " + option.value.front() + "\"?");
    } else if (option.unregistered) {
      take_unknown(key.empty() ? option.original_tokens.front() : key);
    } else if (key == "help") {
      flags_.help = true;
    } else if (key == "version") {
      flags_.version = true;
    } else if (key == "check-config") {
      flags_.check = true;
    } else if (key == "print-config") {
      flags_.print = true;
    } else {
      take_setting(key, option.value.empty() ? "" : option.value.front());
    }
  }

  void take_setting(const std::string& key, const std::string& value) {
    if (key != "config") {
      written_.settings.push_back({key, std::string(trimmed(value)), Origin{}});
    } else if (value.empty()) {
      fault("--config", "the path is empty; allowed: the path of a file");
    } else if (flags_.config_path) {
      fault("--config", "set twice");
    } else {
      flags_.config_path = value;
    }
  }

  // The assembly knows which settings there are; only the flags are known here.
  void take_unknown(const std::string& key) {
    const auto flag = nearest(key, {"help", "version", "check-config", "print-config", "config"});
    if (key.starts_with("-")) {
      fault(key, "unknown option");
    } else if (flag) {
      fault("--" + key, "unknown option; did you mean \"--" + *flag + "\"?");
    } else {
      written_.settings.push_back({key, "", Origin{}});
    }
  }

  WrittenSettings& written_;
  Flags flags_;
};

// What the environment may hold.
struct Variables {
  Variables() {
    for (const auto& option : daemon_options()) {
      keys[variable_name(option.key)] = option.key;
      if (option.repeatable) separators[option.key] = option.separator;
    }
    for (const auto& option : stream_options()) keys[variable_name("defaults." + option.key)] = "defaults." + option.key;
    for (const auto& [name, key] : keys) names.push_back(name);
  }

  std::map<std::string, std::string> keys;  // by name of the variable
  std::map<std::string, char> separators;   // of lists, by key
  std::vector<std::string> names{"EMULSION_CONFIG"};
};

void read_environment(const std::map<std::string, std::string>& environment, WrittenSettings& written) {
  static const Variables known;
  const auto& [keys, separators, names] = known;
  for (const auto& [name, value] : environment) {
    // Others than the daemon read these: the test command and the clients.
    if (!name.starts_with("EMULSION_") || name == "EMULSION_QUICK" || name.starts_with("EMULSION_CLIENT_")) continue;
    const Origin origin{OriginKind::environment, name};
    if (name == "EMULSION_CONFIG") {
      if (value.empty()) written.faults.push_back({origin, name, "the path is empty; allowed: the path of a file"});
    } else if (const auto key = keys.find(name); key == keys.end()) {
      const std::string in_defaults = "EMULSION_DEFAULTS_" + name.substr(9);
      std::string hint =
          keys.count(in_defaults) ? "; did you mean \"" + in_defaults + "\"?" : did_you_mean(name, names);
      if (name.starts_with("EMULSION_STREAM_")) hint = "; a stream is configured in the file or on the command line";
      written.faults.push_back({origin, name, "unknown variable" + hint});
    } else if (const auto separator = separators.find(key->second); separator != separators.end()) {
      std::istringstream elements(value.empty() ? " " : value);
      for (std::string text; std::getline(elements, text, separator->second);) {
        written.settings.push_back({key->second, std::string(trimmed(text)), origin});
      }
    } else {
      written.settings.push_back({key->second, std::string(trimmed(value)), origin});
    }
  }
}

class ConfigurationFile {
 public:
  ConfigurationFile(const std::string& path, WrittenSettings& written)
      : origin_{OriginKind::file, path, 0}, written_(written) {}

  void read() {
    const auto text = contents();
    if (!text) return fault("", text.error().message);
    std::istringstream lines(*text);
    for (std::string line; std::getline(lines, line);) {
      ++origin_.line;
      read_line(line);
    }
  }

 private:
  void fault(const std::string& subject, const std::string& problem) {
    written_.faults.push_back({origin_, subject, problem});
  }

  Result<std::string> contents() const {
    std::error_code ignored;  // what cannot be looked at cannot be opened either
    if (std::filesystem::is_directory(origin_.name, ignored)) {
      return fail("is a directory; allowed: a configuration file");
    }
    std::ifstream file(origin_.name, std::ios::binary);
    if (!file) return fail("cannot be opened: " + std::error_code(errno, std::generic_category()).message());
    std::string text;
    std::array<char, 4096> part;
    while (text.size() <= kMaxFileBytes && (file.read(part.data(), part.size()) || file.gcount() > 0))
      text.append(part.data(), static_cast<std::size_t>(file.gcount()));
    if (file.bad()) return fail("cannot be read");
    if (text.size() > kMaxFileBytes) return fail("is longer than 1 MiB; allowed: a configuration file");
    if (text.starts_with("\xEF\xBB\xBF")) text.erase(0, 3);
    return text;
  }

  void read_line(std::string_view line) {
    const std::size_t hash = line.find('#');
    const std::string content(trimmed(line.substr(0, hash)));
    if (content.empty()) return;
    if (content.front() == '[') return read_section(content);
    if (!section_) return;
    const std::size_t equals = content.find('=');
    if (equals == 0) return fault(content, std::string("has no key") + only(kLineForms));
    if (equals == std::string::npos) return fault(content, std::string("is not a setting") + only(kLineForms));
    std::string key(trimmed(std::string_view(content).substr(0, equals)));
    std::string value(trimmed(std::string_view(content).substr(equals + 1)));
    // A comment begins behind a space. Any other # is left for the assembly to refuse.
    if (hash != std::string_view::npos && std::string_view(" \t=").find(line[hash - 1]) == std::string_view::npos) value += '#';
    written_.settings.push_back({section_->empty() ? std::move(key) : *section_ + "." + key, std::move(value), origin_});
  }

  void read_section(const std::string& content) {
    const bool closed = content.back() == ']';
    const std::string name(trimmed(std::string_view(content).substr(1, content.size() - (closed ? 2 : 1))));
    section_.reset();
    if (!closed) {
      fault(content, std::string("the section is not closed") + only(kSections));
    } else if (name == "defaults") {
      section_ = name;
    } else if (name.starts_with("stream.")) {
      // A dot in the name would be taken for the one before the key.
      if (name.find('.', 7) == std::string::npos) section_ = name;
      written_.streams.push_back({name.substr(7), origin_});
    } else {
      fault(content, std::string("unknown section") + only(kSections) +
                         did_you_mean(content, {"[defaults]", "[stream." + name.substr(name.find('.') + 1) + "]"}));
    }
  }

  Origin origin_;
  WrittenSettings& written_;
  std::optional<std::string> section_ = "";  // none: one that cannot be, whose keys are not looked at
};

void append(WrittenSettings& all, const WrittenSettings& higher) {
  all.settings.insert(all.settings.end(), higher.settings.begin(), higher.settings.end());
  all.streams.insert(all.streams.end(), higher.streams.begin(), higher.streams.end());
  all.faults.insert(all.faults.end(), higher.faults.begin(), higher.faults.end());
}

}  // namespace

LoadedOptions load_options(const std::vector<std::string>& arguments,
                           const std::map<std::string, std::string>& environment) {
  using Action = LoadedOptions::Action;
  LoadedOptions loaded;
  WrittenSettings from_command_line;
  const Flags flags = CommandLine(arguments, from_command_line).flags();
  if (flags.help || flags.version) {
    loaded.action = flags.help ? Action::help : Action::version;
    return loaded;
  }
  if (flags.check) loaded.action = Action::check;
  if (flags.print) loaded.action = Action::print;

  WrittenSettings written;
  const auto variable = environment.find("EMULSION_CONFIG");
  loaded.config_path = flags.config_path ? *flags.config_path : variable != environment.end() ? variable->second : "";
  if (!loaded.config_path.empty()) ConfigurationFile(loaded.config_path, written).read();
  read_environment(environment, written);
  append(written, from_command_line);

  AssembledOptions assembled = assemble(written);
  loaded.options = std::move(assembled.options);
  for (const auto& [key, origin] : assembled.origins) loaded.origins[key] = origin.text();
  for (const Fault& fault : assembled.faults) loaded.faults.push_back(fault.text());
  return loaded;
}

}  // namespace emulsion::service
