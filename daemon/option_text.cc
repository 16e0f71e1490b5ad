// Options as text for people: --help and --print-config.
#include <algorithm>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "daemon/option_table.h"
#include "daemon/options.h"

namespace emulsion::service {
namespace {

constexpr const char* kExamples =
    R"(emulsiond learns clusters from streams of points and publishes them as they change.

Examples
  emulsiond                                            points in at tcp://127.0.0.1:7701
  emulsiond --config my.conf                           with a file; SIGHUP reads it again
  emulsiond --config my.conf --defaults.components 3   the command line wins over all else
  EMULSION_LOG_LEVEL=debug emulsiond --config my.conf  the environment wins over the file
  emulsiond --config my.conf --check-config            every fault at once; exit 78 if any
  emulsiond --config my.conf --print-config            every value, and where it came from
  emulsiond --input "replay geyser data/points.csv"    learn from a file, then exit

Flags
  --config FILE    configuration file; or EMULSION_CONFIG
  --check-config   check the configuration and exit
  --print-config   print the configuration and exit
  --version        print the version and exit
  -h, --help       print this and exit
)";

constexpr std::size_t kWidth = 100;
constexpr const char* kIndent = "      ";

// Breaks text into indented lines of at most kWidth characters.
std::string wrapped(const std::string& text) {
  std::istringstream words(text);
  std::string result, line;
  for (std::string word; words >> word;) {
    if (!line.empty() && std::string(kIndent).size() + line.size() + 1 + word.size() > kWidth) {
      result += kIndent + line + "\n";
      line.clear();
    }
    line += (line.empty() ? "" : " ") + word;
  }
  return result + kIndent + line + "\n";
}

template <typename Target>
std::string help_of(const std::vector<Option<Target>>& options, const std::string& prefix) {
  std::string text;
  for (const auto& option : options) {
    const std::string value = option.print(Target{}).front();
    text += "  --" + prefix + option.key + " (default: " + (value.empty() ? "nothing" : value) + ")\n";
    text += wrapped(option.help) + wrapped("Allowed: " + option.allowed);
  }
  return text;
}

// A setting with its origin. Below column 40 the comments stand under each other.
std::string line(const std::string& key, const std::string& value, const std::string& origin) {
  std::string text = key + " = " + value;
  text.resize(std::max<std::size_t>(text.size(), 40), ' ');
  return text + "  # " + origin + "\n";
}

class Printer {
 public:
  explicit Printer(const LoadedOptions& loaded) : loaded_(loaded) {}

  std::string run() const {
    std::string text = "# emulsiond " EMULSION_VERSION ": every option, its value, and where that came from\n";
    for (const auto& option : daemon_options()) {
      const auto values = option.print(loaded_.options);
      for (std::size_t i = 0; i < values.size(); ++i) {
        const std::string index = option.repeatable ? "[" + std::to_string(i) + "]" : "";
        text += line(option.key, values[i], origin(option.key + index).value_or("default"));
      }
    }
    text += "\n[defaults]\n";
    for (const auto& option : stream_options()) {
      text += line(option.key, option.print(loaded_.options.defaults).front(),
                   origin("defaults." + option.key).value_or("default"));
    }
    for (const auto& [name, stream] : loaded_.options.streams) text += section(name, stream);
    return text;
  }

 private:
  std::optional<std::string> origin(const std::string& key) const {
    const auto found = loaded_.origins.find(key);
    if (found == loaded_.origins.end()) return std::nullopt;
    return found->second;
  }

  // What a stream has from [defaults] is told as a comment, so that it follows [defaults] when the text is used as a
  // file.
  std::string section(const std::string& name, const StreamOptions& stream) const {
    std::string text = "\n[stream." + name + "]\n";
    for (const auto& option : stream_options()) {
      const std::string value = option.print(stream).front();
      const auto own = origin("stream." + name + "." + option.key);
      const bool differs = value != option.print(loaded_.options.defaults).front();
      text += own || differs ? line(option.key, value, own.value_or("program"))
                             : line("# " + option.key, value, "from [defaults]");
    }
    return text;
  }

  const LoadedOptions& loaded_;
};

}  // namespace

std::string help_text() {
  return std::string(kExamples) +
         "\nOptions: as below, as EMULSION_OUTPUT in the environment, or as output = VALUE in the file\n" +
         help_of(daemon_options(), "") +
         "\nOptions of every stream: --defaults.KEY, EMULSION_DEFAULTS_KEY, or KEY = VALUE below [defaults];\n"
         "of one stream: --stream.NAME.KEY, or below [stream.NAME]\n" +
         help_of(stream_options(), "defaults.");
}

std::string print_options(const LoadedOptions& loaded) { return Printer(loaded).run(); }

}  // namespace emulsion::service
