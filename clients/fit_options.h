// What `emulsion fit` is asked to do.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "clients/failure.h"
#include "clients/flags.h"
#include "emulsion/batch_em.h"
#include "emulsion/learner_options.h"
#include "emulsion/wire/point_reader.h"

namespace emulsion::client {

enum class Algorithm {
  batch,   // passes over all points until they gain no more
  online,  // each point once, in its order, as the daemon learns a stream
};

enum class Criterion { none, bic, icl, aic };

struct FitOptions {
  std::string path;
  wire::PointReaderOptions reader;
  std::uint64_t memory_bytes = std::uint64_t{1} << 30;  // what coordinates may take to be kept

  std::string mixture;         // with the names of columns; empty: `components` of the learner's family
  bool family_given = false;   // the learner's family was asked for; otherwise an initial model may have another
  CountRange components;       // 0: as the mixture or the initial model has it
  std::string initial_model;   // path of a JSON file; empty: none
  Criterion select = Criterion::none;

  Algorithm algorithm = Algorithm::batch;
  LearnerOptions learner;      // its mixture, components and threads are set for each fit
  BatchOptions em;             // its assignment and prior are the learner's
  std::uint64_t restarts = 10;
  std::uint64_t passes = 1;    // of online learning
  int threads = 1;

  std::string history_path;  // empty: none
  std::string output_path;   // empty: none
  bool json = false;
  bool quiet = false;
};

// What `emulsion fit --help` prints above the flags.
extern const char* const kFitHead;

// Reads the command line. Returns the exit code if there is nothing left to do.
// Errors: flags that contradict each other, printed to stderr: 2.
std::optional<int> read_fit_options(const std::vector<std::string>& arguments, FitOptions& options);

// The flags that say how a file of points is read, for every command that reads one.
struct ReaderFlags {
  std::string format = "auto";
  std::string header = "auto";
  std::string columns;
  std::string time_unit = "auto";
  std::string on_error = "stop";
};
void add_reader_flags(Flags& flags, wire::PointReaderOptions& reader, ReaderFlags& given);
void finish_reader_flags(const ReaderFlags& given, wire::PointReaderOptions& reader);

}  // namespace emulsion::client
