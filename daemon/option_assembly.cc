#include "daemon/option_assembly.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "daemon/option_consistency.h"
#include "daemon/option_endpoints.h"
#include "daemon/option_table.h"
#include "daemon/option_values.h"
#include "emulsion/wire/topic.h"

namespace emulsion::service {
namespace {

// A dotted key taken apart: "stream.office.components" is of section "stream.office" and named "components".
struct Key {
  std::string section;
  std::string name;
};

Key take_apart(const std::string& key) {
  if (key.starts_with("defaults.")) return {"defaults", key.substr(9)};
  if (key.starts_with("stream.")) {
    const std::size_t dot = key.find('.', 7);
    if (dot != std::string::npos) return {key.substr(0, dot), key.substr(dot + 1)};
  }
  return {"", key};
}

bool is_stream(const std::string& section) { return section.starts_with("stream."); }
std::string stream_name(const std::string& section) { return section.substr(7); }

// The nearest key there is, in the spelling of the origin. A file's key stands below its section; elsewhere the section is
// part of what one types.
template <typename Target>
std::string did_you_mean_key(const std::vector<Option<Target>>& options, const Origin& origin, const Key& key) {
  static const std::vector<std::string> names = [&] {
    std::vector<std::string> all;
    for (const auto& option : options) all.push_back(option.key);
    return all;
  }();
  const auto name = nearest(key.name, names);
  if (!name) return "";
  const bool bare = key.section.empty() || origin.kind == OriginKind::file;
  return "; did you mean \"" + origin.spelling(bare ? *name : key.section + "." + *name) + "\"?";
}

std::string unknown_key(const Setting& setting, const Key& key) {
  const Origin& origin = setting.origin;
  const bool file = origin.kind == OriginKind::file;
  const std::string unknown = file ? "unknown key" : "unknown option";
  if (key.section.empty()) {
    if (key.name == "stream" || key.name.starts_with("stream.")) {
      return unknown + only(origin.spelling("stream.NAME.KEY"));
    }
    if (find_option(stream_options(), key.name)) {
      return file ? unknown + "; \"" + key.name + "\" belongs into [defaults] or [stream.NAME]"
                  : unknown + "; did you mean \"" + origin.spelling("defaults." + key.name) + "\"?";
    }
    return unknown + did_you_mean_key(daemon_options(), origin, key);
  }
  if (find_option(daemon_options(), key.name)) {
    return file ? unknown + "; \"" + key.name + "\" belongs before the first section"
                : unknown + "; did you mean \"" + origin.spelling(key.name) + "\"?";
  }
  return unknown + did_you_mean_key(stream_options(), origin, key);
}

// What no value may hold, whatever its key; empty if all is well.
std::string unfit_text(const std::string& value) {
  if (value.find('#') != std::string::npos) return "a value cannot hold \"#\", which begins a comment";
  if (!value.empty() && value.front() == '"')
    return wire::printable(value) + " begins with a quote; allowed: values without quotes";
  const auto is_control = [](char c) { return (c >= 0 && c < ' ' && c != '\t') || c == 127; };
  if (std::any_of(value.begin(), value.end(), is_control)) return in_quotes(value) + " holds a control character";
  return "";
}

class Assembly {
 public:
  explicit Assembly(const WrittenSettings& written) : written_(written) { result_.faults = written.faults; }

  AssembledOptions run() {
    find_sound_settings();
    apply_top_level();
    apply_section("defaults", result_.options.defaults);
    apply_streams();
    check_consistency(result_);
    sort_faults();
    return std::move(result_);
  }

 private:
  void fault(const Setting& setting, const std::string& problem) {
    result_.faults.push_back({setting.origin, setting.origin.spelling(setting.key), problem});
  }

  // Faults unknown, unfit and doubled settings. What can be read goes on, so that its value is checked too.
  void find_sound_settings() {
    std::map<std::pair<OriginKind, std::string>, const Setting*> first;
    for (const Setting& setting : written_.settings) {
      const Key key = take_apart(setting.key);
      const auto* top = key.section.empty() ? find_option(daemon_options(), key.name) : nullptr;
      const bool known = top || (!key.section.empty() && find_option(stream_options(), key.name));
      if (!known) {
        fault(setting, unknown_key(setting, key));
        continue;
      }
      const std::string unfit = unfit_text(setting.value);
      if (!unfit.empty()) fault(setting, unfit);
      const auto [place, is_new] = first.try_emplace({setting.origin.kind, setting.key}, &setting);
      if (!is_new && !(top && top->repeatable)) {
        const int line = place->second->origin.line;
        fault(setting, "set twice" + (line > 0 ? "; the first time on line " + std::to_string(line) : ""));
      }
      if (unfit.empty()) sound_[key.section].push_back(&setting);
    }
  }

  template <typename Target>
  bool read(const Option<Target>& option, const Setting& setting, Target& target) {
    const auto outcome = option.read(target, setting.value);
    if (!outcome) fault(setting, outcome.error().message);
    return outcome.has_value();
  }

  void apply_top_level() {
    std::map<std::string, std::vector<Origin>> lists;  // by key, where each element was written
    for (const Setting* setting : sound_[""]) {
      const auto* option = find_option(daemon_options(), setting->key);
      if (!option->repeatable) {
        if (read(*option, *setting, result_.options)) result_.origins[setting->key] = setting->origin;
        continue;
      }
      // A list from a higher origin replaces the one from a lower origin, and any list the default.
      std::vector<Origin>& origins = lists[setting->key];
      if (origins.empty() || origins.back().kind != setting->origin.kind) {
        option->clear(result_.options);
        origins.clear();
      }
      if (!read(*option, *setting, result_.options)) continue;
      origins.resize(option->print(result_.options).size());  // as many as before, if nothing was written
      origins.back() = setting->origin;
    }
    for (const auto& [key, origins] : lists)
      for (std::size_t i = 0; i < origins.size(); ++i) result_.origins[key + "[" + std::to_string(i) + "]"] = origins[i];
  }

  void apply_section(const std::string& section, StreamOptions& stream) {
    for (const OriginKind kind : {OriginKind::file, OriginKind::environment, OriginKind::command_line}) {
      std::vector<const Setting*> here;
      for (const Setting* setting : sound_[section]) {
        if (setting->origin.kind != kind) continue;
        if (!read(*find_option(stream_options(), take_apart(setting->key).name), *setting, stream)) continue;
        result_.origins[setting->key] = setting->origin;
        here.push_back(setting);
      }
      settle_half_life(section, here, stream);
    }
  }

  // A half-life is in points or in seconds. What is set at a higher origin, or in the section of a stream, displaces
  // the other; both at one place contradict each other.
  void settle_half_life(const std::string& section, const std::vector<const Setting*>& here, StreamOptions& stream) {
    const auto find = [&](const std::string& name) -> const Setting* {
      const auto found =
          std::find_if(here.begin(), here.end(), [&](const Setting* s) { return s->key == section + "." + name; });
      return found == here.end() ? nullptr : *found;
    };
    const Setting* points = find("half_life_points");
    const Setting* seconds = find("half_life_seconds");
    StepOptions& step = stream.learner.step;
    if (step.half_life_points <= 0 || step.half_life_seconds <= 0) return;
    if (points && seconds) {
      fault(*seconds, "half_life_points is set too" +
                          (points->origin.line > 0 ? ", on line " + std::to_string(points->origin.line) : "") +
                          "; allowed: one of the two above 0");
    } else if (seconds) {
      step.half_life_points = 0;
      result_.origins[section + ".half_life_points"] = seconds->origin;
    } else if (points) {
      step.half_life_seconds = 0;
      result_.origins[section + ".half_life_seconds"] = points->origin;
    }
  }

  void apply_streams() {
    std::map<std::string, Origin> sections;  // by name of the stream, where it was written first
    for (const StreamSection& stream : written_.streams) sections.emplace(stream.name, stream.origin);
    for (const auto& [section, settings] : sound_)
      if (is_stream(section) && !settings.empty()) sections.emplace(stream_name(section), settings.front()->origin);
    for (const auto& [name, origin] : sections) {
      if (!wire::is_stream_name(name)) {
        result_.faults.push_back({origin,
                                  origin.kind == OriginKind::file ? "[stream." + name + "]" : "--stream." + name,
                                  in_quotes(name) + " is not a stream name" + only(kStreamNames)});
      }
      result_.origins["stream." + name] = origin;
      StreamOptions& stream = result_.options.streams[name] = result_.options.defaults;
      apply_section("stream." + name, stream);
    }
  }

  void sort_faults() {
    std::stable_sort(result_.faults.begin(), result_.faults.end(), [](const Fault& a, const Fault& b) {
      return std::tie(a.origin.kind, a.origin.line) < std::tie(b.origin.kind, b.origin.line);
    });
  }

  const WrittenSettings& written_;
  std::map<std::string, std::vector<const Setting*>> sound_;  // by section, "" for what stands before all
  AssembledOptions result_;
};

}  // namespace

AssembledOptions assemble(const WrittenSettings& written) { return Assembly(written).run(); }

}  // namespace emulsion::service
