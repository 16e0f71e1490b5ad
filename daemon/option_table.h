// The table of all options: the one place that knows their keys, ranges, defaults and help.
//
// To add an option: add the member to its struct in options.h or the library, a row here, and its lines in
// config/emulsiond.conf. Command line, environment, file, --help, --print-config and reload follow from the row.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "daemon/options.h"
#include "emulsion/result.h"

namespace emulsion::service {

// What a new value needs to take effect in a running daemon.
enum class Reload { applies, restart };

// One key, bound to the member of `Target` that holds its value.
template <typename Target>
struct Option {
  std::string key;
  std::string allowed;  // "[1, 4096]", "soft, hard", ...
  std::string help;     // meaning and consequence
  Reload reload = Reload::restart;
  bool repeatable = false;  // `read` appends; otherwise it replaces
  char separator = ';';     // of a repeatable one: what stands between its elements in the environment

  // Errors: what is wrong with the text and what is allowed. The target is then unchanged.
  std::function<Result<void>(Target&, const std::string&)> read;

  // The value as text that `read` takes; one for each element if the option is repeatable.
  std::function<std::vector<std::string>(const Target&)> print;

  // Empties the list of a repeatable one.
  std::function<void(Target&)> clear;

  // Gives a target the value that another one has.
  std::function<void(Target&, const Target&)> copy;
};

// Keys before the first section, in the order of the reference configuration.
const std::vector<Option<DaemonOptions>>& daemon_options();

// Keys of [defaults] and [stream.NAME]. `reload` is that of a stream which is there already.
const std::vector<Option<StreamOptions>>& stream_options();

// The row of a key; null if there is none.
template <typename Target>
const Option<Target>* find_option(const std::vector<Option<Target>>& options, const std::string& key) {
  for (const Option<Target>& option : options) {
    if (option.key == key) return &option;
  }
  return nullptr;
}

// A row for a member that `access` reaches, in a form of option_values.h or option_endpoints.h.
template <typename Target, typename Access, typename Form>
Option<Target> make_option(const std::string& key, Access access, const Form& form, Reload reload,
                           const std::string& help) {
  Option<Target> option;
  option.key = key;
  option.allowed = form.allowed;
  option.help = help;
  option.reload = reload;
  option.read = [=](Target& target, const std::string& text) -> Result<void> {
    auto value = form.read(text);
    if (!value) return tl::make_unexpected(value.error());
    access(target) = *std::move(value);
    return {};
  };
  option.print = [=](const Target& target) { return std::vector<std::string>{form.print(access(target))}; };
  option.copy = [=](Target& target, const Target& from) { access(target) = access(from); };
  return option;
}

}  // namespace emulsion::service
