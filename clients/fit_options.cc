#include "clients/fit_options.h"

#include <algorithm>
#include <limits>
#include <thread>

#include "clients/family_libraries.h"
#include "clients/interrupt.h"

namespace emulsion::client {

const char* const kFitHead = R"(examples:
  emulsion fit faithful.csv -k 2
  emulsion fit faithful.csv -k 1..6 --select bic -o faithful.emulsion
  emulsion fit iris.csv -k 3 --label-column species --json
  emulsion fit points.csv --mixture "2*gaussian(full) + 1*uniform"
  emulsion fit room.csv --mixture "gaussian(full)[temperature,humidity] * poisson[people]" -k 3
  emulsion fit points.csv --init guess.json --restarts 5 --assignment hard --tolerance 0 --shift-tolerance 0.01
  emulsion fit stream.csv -k 4 --algorithm online --step half-life --half-life-points 5000
  emulsion simulate two-gaussians | emulsion fit - -k 2

usage: emulsion fit FILE|- [flags]

Fits a mixture to the rows of a CSV, JSON lines or npy file, and prints it. An empty cell, nan, NA or null is a missing
value. Batch EM passes over the points until they gain no more; --algorithm online learns each point once, in the order of
the file, with the same result to the last bit as a daemon with the same options (seed_points among them). A file larger than --memory-limit is read
again for each pass.

Each iteration is a line on stderr, unless --quiet; with --json only where stderr is a terminal. The result is on stdout.
Exits with 65 if rows were bad data, 130 after Ctrl-C, with the best fit until then.
)";

namespace {

constexpr double kGibibyte = 1024.0 * 1024 * 1024;

struct Words {
  ReaderFlags reader;
  std::string covariance = "full";
  std::string assignment = "soft";
  std::string algorithm = "batch";
  std::string init = "kmeans++";
  std::string select;
  std::string family_libraries;
  std::string step = "power-law";
  double memory_gibibytes = 1;
  std::uint64_t max_iterations = 1000;
  std::uint64_t batch_points = 256;
  std::uint64_t seed_points = 0;
  std::uint64_t seed_passes = 0;
  std::uint64_t threads = 0;
};

void add_model_flags(Flags& flags, FitOptions& options, Words& words) {
  flags.text("mixture", &options.mixture, "FORMULA",
             "the components, such as \"2*gaussian(full) + 1*exponential\"; [a,b] behind a family are its columns, and the "
             "coordinates of factors joined by * are independent");
  flags.range("components,k", &options.components, 1, 4096, "N|N..M",
              "how many components; a range is fitted for each count, and --select chooses");
  flags.choice("covariance", &words.covariance, {"full", "diagonal", "spherical", "tied"}, "of the components, without --mixture");
  flags.text("select", &words.select, "CRITERION", "of a range of counts the one with the least bic, icl or aic (default bic)");
  flags.choice("assignment", &words.assignment, {"soft", "hard"},
               "of points to components: by their probabilities, or whole to the most probable one");
  flags.choice("algorithm", &words.algorithm, {"batch", "online"}, "passes over all points, or each point once");
  flags.text("init", &words.init, "WORD|FILE",
             "where to start: kmeans++, random, or a model as a JSON file, for which weight, mean and covariance of each "
             "component are enough");
  flags.whole("restarts", &options.restarts, 1, 1000, "N",
              "independent starts, of which the most likely fit wins; with a FILE it is the first one, alone unless this is "
              "given; online it is the seed's, as in the daemon (8)");
  flags.whole("seed", &options.learner.seed.random_seed, 0, std::numeric_limits<std::uint64_t>::max(), "N",
              "of the random numbers: equal seeds give equal results");
}

void add_learning_flags(Flags& flags, FitOptions& options, Words& words) {
  LearnerOptions& learner = options.learner;
  constexpr double kMost = 1e300;
  flags.whole("max-iterations", &words.max_iterations, 0, 1'000'000, "N", "of batch EM");
  flags.number("tolerance", &options.em.tolerance, 0, 1, "F",
               "ends batch EM when an iteration raises the log likelihood by less than this fraction of itself; 0: never");
  flags.number("shift-tolerance", &options.em.shift_tolerance, 0, kMost, "S",
               "ends batch EM when the means move by less than this together; given alone, it is the only rule (default: off)");
  flags.number("prior-points", &learner.prior.covariance_points, 0, kMost, "N",
               "weight of the prior that keeps a covariance from collapsing; 0: maximum likelihood");
  flags.number("prior-fraction", &learner.prior.covariance_fraction, 1e-300, kMost, "F",
               "the prior covariance, as a fraction of the data's variances");
  flags.number("prior-weight-points", &learner.prior.weight_points, 0, kMost, "N",
               "points that each component is thought to have seen already, in its weight only");
  flags.whole("passes", &options.passes, 1, 1'000'000, "N", "online: times that the file is learned");
  flags.whole("batch-points", &words.batch_points, 1, 1'048'576, "N", "online: points from one update to the next");
  flags.number("batch-seconds", &learner.batch_seconds, 0, kMost, "S",
               "online: time that a mini-batch may span at most, by --time-column (default: any)");
  flags.choice("step", &words.step, {"power-law", "constant", "half-life", "cumulative"}, "online: how old points are forgotten");
  flags.number("step-exponent", &learner.step.exponent, 0.5, 1, "A", "online: of the power law");
  flags.number("step-offset-points", &learner.step.offset_points, 0, kMost, "N", "online: of the power law (default: as fits the seed)");
  flags.number("step-size", &learner.step.size, 1e-300, 1, "G", "online: the constant step of one point");
  flags.number("half-life-points", &learner.step.half_life_points, 0, kMost, "N", "online: after so many a point counts half");
  flags.number("half-life-seconds", &learner.step.half_life_seconds, 0, kMost, "S",
               "online: after so much time a point counts half, by --time-column");
  flags.whole("seed-points", &words.seed_points, 1, std::numeric_limits<std::int64_t>::max(), "N",
              "online: points for the first model (default: the largest of 1000, 200 K and 20 K (d + 1); a daemon, which is to "
              "answer soon, takes 50 K and 10 K (d + 1))");
  flags.whole("seed-passes", &words.seed_passes, 1, 1000, "N", "online: EM passes over them (default: as the daemon)");
  flags.toggle("averaging", &learner.averaging, "online: the result is the average of all updates");
}

void add_output_flags(Flags& flags, FitOptions& options, Words& words) {
  flags.text("output,o", &options.output_path, "FILE", "write the model, for score, plot, --init and the daemon");
  flags.text("history", &options.history_path, "FILE", "write the model after each iteration, as JSON lines");
  flags.toggle("json", &options.json, "the result as one JSON object, which is a model file as well");
  flags.toggle("quiet,q", &options.quiet, "nothing on stderr but what went wrong");
  flags.whole("threads", &words.threads, 1, 256, "N", "the result does not depend on it (default: one for each processor)");
  flags.number("memory-limit", &words.memory_gibibytes, 1e-9, 1e6, "GIB",
               "what the coordinates may take to be kept in memory, 8 bytes each");
}

// Turns words into options; complains of those that contradict each other.
std::optional<int> take_words(const Flags& flags, const Words& words, FitOptions& options) {
  const auto misused = [](const std::string& what) { return complain("fit", exit_code::kUsage, what); };
  finish_reader_flags(words.reader, options.reader);
  LearnerOptions& learner = options.learner;
  learner.family = "gaussian(" + words.covariance + ")";
  options.family_given = flags.given("covariance");
  learner.assignment = words.assignment == "hard" ? Assignment::hard : Assignment::soft;
  learner.batch_points = static_cast<Index>(words.batch_points);
  if (flags.given("seed-points")) learner.seed.points = static_cast<Index>(words.seed_points);
  if (flags.given("seed-passes")) learner.seed.passes = static_cast<Index>(words.seed_passes);
  options.algorithm = words.algorithm == "online" ? Algorithm::online : Algorithm::batch;
  learner.step.kind = words.step == "constant"     ? StepKind::constant
                      : words.step == "half-life"  ? StepKind::half_life
                      : words.step == "cumulative" ? StepKind::cumulative
                                                   : StepKind::power_law;
  if (flags.given("half-life-seconds") && !flags.given("half-life-points")) learner.step.half_life_points = 0;
  options.threads = flags.given("threads") ? static_cast<int>(words.threads)
                                           : std::clamp(static_cast<int>(std::thread::hardware_concurrency()), 1, 256);
  options.memory_bytes = static_cast<std::uint64_t>(words.memory_gibibytes * kGibibyte);
  options.em.max_iterations = static_cast<Index>(words.max_iterations);
  if (flags.given("shift-tolerance") && !flags.given("tolerance")) options.em.tolerance = 0;

  if (words.init == "random")
    learner.seed.kind = SeedKind::random;
  else if (words.init != "kmeans++")
    options.initial_model = words.init;
  if (!flags.given("restarts") && !options.initial_model.empty()) options.restarts = 1;
  if (flags.given("restarts")) learner.seed.restarts = static_cast<Index>(options.restarts);

  if (flags.given("select")) {
    if (words.select != "bic" && words.select != "icl" && words.select != "aic")
      return misused("--select: \"" + words.select + "\"; allowed: bic, icl, aic");
    if (options.components.least == options.components.most) return misused("--select needs a range of components, such as -k 1..10");
  }
  if (options.components.least < options.components.most)
    options.select = words.select == "icl" ? Criterion::icl : words.select == "aic" ? Criterion::aic : Criterion::bic;
  if (options.select != Criterion::none && !options.initial_model.empty())
    return misused("--init FILE has one count of components, and -k has a range");
  if (flags.given("mixture") && flags.given("covariance"))
    return misused("--covariance goes without --mixture, which names the families itself, as in 3*gaussian(" + words.covariance + ")");
  return std::nullopt;
}

std::optional<int> misplaced(const Flags& flags, const FitOptions& options) {
  if (options.algorithm == Algorithm::online) {
    for (const char* name : {"max-iterations", "tolerance", "shift-tolerance"})
      if (flags.given(name)) return complain("fit", exit_code::kUsage, std::string("--") + name + " is for --algorithm batch");
    if (!options.initial_model.empty() && flags.given("restarts"))
      return complain("fit", exit_code::kUsage, "--restarts and --init FILE go together with --algorithm batch alone");
    return std::nullopt;
  }
  for (const char* name : {"passes", "batch-points", "batch-seconds", "step", "step-exponent", "step-offset-points", "step-size",
                           "half-life-points", "half-life-seconds", "seed-points", "seed-passes", "averaging"})
    if (flags.given(name)) return complain("fit", exit_code::kUsage, std::string("--") + name + " needs --algorithm online");
  return std::nullopt;
}

}  // namespace

void add_reader_flags(Flags& flags, wire::PointReaderOptions& reader, ReaderFlags& given) {
  flags.choice("format", &given.format, {"auto", "csv", "jsonl", "npy"}, "of the file");
  flags.choice("header", &given.header, {"auto", "present", "absent"}, "whether the first line of a CSV names the columns");
  flags.text("columns", &given.columns, "NAMES", "the coordinates: names or 0-based positions (default: all numbers)");
  flags.text("label-column", &reader.label_column, "NAME", "known groups, to compare with the components; no coordinate");
  flags.text("weights-column", &reader.weight_column, "NAME", "how many points a row stands for");
  flags.text("time-column", &reader.time_column, "NAME", "when a point was observed: ISO 8601, or a number");
  flags.choice("time-unit", &given.time_unit, {"auto", "s", "ms", "us", "ns"}, "of times that are numbers");
  flags.choice("on-error", &given.on_error, {"stop", "skip"}, "what is done with a row that is bad data");
}

void finish_reader_flags(const ReaderFlags& given, wire::PointReaderOptions& reader) {
  reader.format = *wire::parse_point_format(given.format);
  reader.csv_header = given.header == "auto"      ? wire::CsvHeader::automatic
                      : given.header == "present" ? wire::CsvHeader::present
                                                  : wire::CsvHeader::absent;
  reader.columns = split_list(given.columns);
  reader.time_unit = *wire::parse_time_unit(given.time_unit);
  reader.bad_rows = given.on_error == "skip" ? wire::BadRowPolicy::skip : wire::BadRowPolicy::stop;
  reader.interrupted = interrupted;
}

std::optional<int> read_fit_options(const std::vector<std::string>& arguments, FitOptions& options) {
  Flags flags("fit", kFitHead);
  Words words;
  std::vector<std::string> paths;
  flags.positional("FILE|-", &paths, 1, 1);
  add_model_flags(flags, options, words);
  add_reader_flags(flags, options.reader, words.reader);
  add_learning_flags(flags, options, words);
  add_output_flags(flags, options, words);
  add_family_library_flag(flags, &words.family_libraries);
  if (const auto over = flags.parse(arguments)) return over;
  if (const auto over = load_family_libraries("fit", words.family_libraries)) return over;
  options.path = paths.front();
  if (const auto over = take_words(flags, words, options)) return over;
  return misplaced(flags, options);
}

}  // namespace emulsion::client
