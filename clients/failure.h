// How a subcommand fails: what it prints and what it exits with.
//
// The codes 65 to 78 are those of <sysexits.h>.
#pragma once

#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <utility>

#include "emulsion/result.h"
#include "emulsion/wire/messages.h"

namespace emulsion::client {

namespace exit_code {
inline constexpr int kOk = 0;
inline constexpr int kRefused = 1;         // the daemon understood, and refused or failed
inline constexpr int kUsage = 2;           // the command line is wrong
inline constexpr int kBadData = 65;        // a file, or rows of it, could not be used
inline constexpr int kUnavailable = 69;    // the daemon cannot be reached, or does not answer in time
inline constexpr int kInternal = 70;        // a fault of ours
inline constexpr int kCannotCreate = 73;    // a file cannot be written
inline constexpr int kTryLater = 75;       // right, but too early: there is no model yet
inline constexpr int kConfiguration = 78;  // an EMULSION_CLIENT_* variable is wrong
inline constexpr int kInterrupted = 130;   // ended by Ctrl-C before its work was done
}  // namespace exit_code

struct Failure {
  int exit_code = exit_code::kUnavailable;
  std::string message;                             // for the user: names the place and what was expected
  std::optional<wire::ControlErrorCode> answered;  // if it was the daemon who said so
};

template <typename T>
using Attempt = tl::expected<T, Failure>;

using emulsion::fail;  // of a Result, beside the one below

inline tl::unexpected<Failure> fail(int code, std::string message) {
  return tl::unexpected<Failure>(Failure{code, std::move(message), std::nullopt});
}

}  // namespace emulsion::client
