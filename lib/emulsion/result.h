// The outcome of an operation that can fail for reasons outside the program.
//
// The library never throws for bad data, never logs and never exits: it returns a Result.
// The message names the place and what was expected, and is fit to be shown to a user.
#pragma once

#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace emulsion {

struct Error {
  std::string message;
};

template <typename T>
using Result = tl::expected<T, Error>;

inline tl::unexpected<Error> fail(std::string message) {
  return tl::unexpected<Error>(Error{std::move(message)});
}

}  // namespace emulsion
