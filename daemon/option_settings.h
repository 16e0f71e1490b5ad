// Settings as they were written, and what is wrong with them.
//
// options.cc reads settings from the three origins; option_assembly.h makes a configuration of them.
#pragma once

#include <string>
#include <vector>

namespace emulsion::service {

// Where something was written. In the order of precedence, lowest first.
enum class OriginKind { file, environment, command_line };

struct Origin {
  OriginKind kind = OriginKind::command_line;
  std::string name;  // path of the file, or name of the variable
  int line = 0;      // of the file; 0: the file as a whole

  // How faults begin: "emulsiond.conf:14", "environment", "command line".
  std::string place() const;

  // How --print-config tells of it: "emulsiond.conf:14", "environment EMULSION_OUTPUT", "command line".
  std::string text() const;

  // A key as it is written there: "defaults.components", "EMULSION_DEFAULTS_COMPONENTS", "--defaults.components".
  std::string spelling(const std::string& key) const;
};

struct Setting {
  std::string key;  // "output", "defaults.components", "stream.office.components"
  std::string value;
  Origin origin;
};

struct Fault {
  Origin origin;
  std::string subject;  // what is wrong, as it was written
  std::string problem;

  // "emulsiond.conf:14: defaults.step_exponent: 1.4 is out of range; allowed: (0.5, 1]".
  std::string text() const;
};

// A section [stream.NAME], which makes a stream even if nothing is set in it.
struct StreamSection {
  std::string name;
  Origin origin;
};

// Everything that was written, in the order of precedence, lowest first; within one origin in the order of the text.
struct WrittenSettings {
  std::vector<Setting> settings;
  std::vector<StreamSection> streams;
  std::vector<Fault> faults;
};

// The variable that stands for a key before the first section or in [defaults]: "EMULSION_DEFAULTS_COMPONENTS".
std::string variable_name(const std::string& key);

}  // namespace emulsion::service
