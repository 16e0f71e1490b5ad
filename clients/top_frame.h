// One picture of `emulsion top`, as lines of text: a pure function of what the daemon answered.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "clients/terminal.h"
#include "emulsion/wire/messages.h"

namespace emulsion::client {

// What the daemon answered at one moment.
struct TopSample {
  double seconds = 0;    // when, on any clock that does not go back
  std::string endpoint;  // who was asked
  std::string fault;     // why there is no newer answer; empty if there is one
  wire::StatusReply status;
  std::map<std::string, wire::ModelMessage> models;  // by stream; those without a model are missing
};

// At most size.rows lines of at most size.columns characters. `before` gives the rates; without it there are none.
std::vector<std::string> top_frame(const TopSample& now, const TopSample* before, TerminalSize size);

}  // namespace emulsion::client
