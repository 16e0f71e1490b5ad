// The flags of one subcommand, read from the command line and the environment.
//
// Boost.Program_options is used in flags.cc alone. Every number is checked for its range, unknown flags are answered
// with the nearest known one.
//
//   Flags flags("send", "usage: emulsion send FILE\n...");
//   flags.whole("batch", &batch, 1, 1000000, "ROWS", "rows of one message");
//   if (auto over = flags.parse(arguments)) return *over;
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace emulsion::client {

// A count, or all counts from one to another.
struct CountRange {
  std::uint64_t least = 0;
  std::uint64_t most = 0;
};

// Call order: (toggle|text|whole|range|number|choice|endpoint|positional)* parse given*
// Targets keep their value, the default that --help shows, unless the flag is given. A name may have a short one behind a
// comma, "output,o".
class Flags {
 public:
  // `head` is what --help prints above the flags: examples, then what the command does.
  Flags(std::string command, std::string head);
  ~Flags();
  Flags(const Flags&) = delete;
  Flags& operator=(const Flags&) = delete;

  void toggle(const std::string& name, bool* target, const std::string& help);
  void text(const std::string& name, std::string* target, const std::string& value_name, const std::string& help);
  void whole(const std::string& name, std::uint64_t* target, std::uint64_t least, std::uint64_t most,
             const std::string& value_name, const std::string& help);
  // A count such as 3, or a range such as 1..10, both ends included.
  void range(const std::string& name, CountRange* target, std::uint64_t least, std::uint64_t most, const std::string& value_name,
             const std::string& help);
  void number(const std::string& name, double* target, double least, double most, const std::string& value_name,
              const std::string& help);
  void choice(const std::string& name, std::string* target, const std::vector<std::string>& allowed,
              const std::string& help);

  // An address such as tcp://127.0.0.1:7701, which `variable` in the environment may give as well.
  void endpoint(const std::string& name, std::string* target, const std::string& variable, const std::string& help);

  // Arguments that are not flags: at least `least` of them, at most `most`.
  void positional(const std::string& value_name, std::vector<std::string>* target, std::size_t least, std::size_t most);

  // Returns the exit code if there is nothing left to do: after --help (printed to stdout) 0, after a fault (printed to
  // stderr) 2, or 78 if the fault is in the environment.
  std::optional<int> parse(const std::vector<std::string>& arguments);

  // True if the flag stood on the command line; by its long name.
  bool given(const std::string& name) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// The words of "models,labels"; errors are left to the caller. An empty text has none.
std::vector<std::string> split_list(std::string_view text);

// The candidate that was probably meant: at most two letters (one in words of less than five) wrong or swapped.
std::optional<std::string> nearest(std::string_view word, const std::vector<std::string>& candidates);

// Prints `emulsion COMMAND: MESSAGE` to stderr and returns `code`, so that a command can end with it.
int complain(std::string_view command, int code, std::string_view message);

}  // namespace emulsion::client
