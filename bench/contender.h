// Programs that do one repeat of a measurement when they are told to, so that those of several contenders interleave.
//
// Each reads one JSON request a line from standard input and answers each with one line on standard output:
//   {"do": "prepare", "id": 1, "contender": "plain", ...}     {}   makes contender 1
//   {"do": "seconds", "id": 1, "steps": 5}                     {"seconds": 0.0123}
//   {"do": "drop", "id": 1}                                    {}
// An answer of {"error": "..."} says what went wrong. The end of the input ends the program.
#pragma once

#include <functional>
#include <memory>
#include <nlohmann/json.hpp>

namespace emulsion::bench {

class Contender {
 public:
  virtual ~Contender() = default;

  // Does what the request's "do" says. Throws std::exception where it cannot.
  virtual nlohmann::json answer(const nlohmann::json& request) = 0;
};

// A contender whose work comes in equal steps.
//   seconds         {"seconds": of one step, on average over "steps"}
//   log_likelihood  {"log_likelihood": mean over the points after one step from the start, nats}
class StepContender : public Contender {
 public:
  nlohmann::json answer(const nlohmann::json& request) final;

 private:
  virtual double seconds(int steps) = 0;
  virtual double log_likelihood();
};

using MakeContender = std::function<std::unique_ptr<Contender>(const nlohmann::json& request)>;

// Answers requests until the input ends. Returns the exit code.
int serve(const MakeContender& make);

}  // namespace emulsion::bench
