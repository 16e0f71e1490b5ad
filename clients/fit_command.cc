#include "clients/fit_command.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <memory>
#include <optional>

#include "clients/fit_report.h"
#include "clients/interrupt.h"
#include "clients/progress.h"
#include "clients/terminal.h"
#include "emulsion/families.h"
#include "emulsion/learner.h"

namespace emulsion::client {
namespace {

constexpr const char* kFit = "fit";

// The mixture to be fitted, for each count of components.
struct Wanted {
  MixtureFormula formula;            // of the least count
  std::string text;                  // of --mixture, if a count completes it
  std::vector<std::string> columns;  // of the file

  MixtureFormula of(Index components) const {
    if (!text.empty()) return *parse_formula(text, columns, components);
    return {{{components, formula.terms.front().family}}};
  }
};

Attempt<Wanted> wanted_mixture(const FitOptions& options, const PointFile& file, const std::optional<NamedModel>& initial) {
  const auto misused = [](const std::string& what) { return fail(exit_code::kUsage, what); };
  Wanted wanted{{}, {}, file.columns()};
  const CountRange& count = options.components;
  if (!options.mixture.empty()) {
    const auto one = parse_formula(options.mixture, file.columns(), 1);
    if (!one) return misused(one.error().message);
    const bool open = parse_formula(options.mixture, file.columns(), 2)->components() != one->components();
    const auto given = initial ? static_cast<std::uint64_t>(initial->snapshot.components.size()) : 1;
    const std::uint64_t least = count.least > 0 ? count.least : given;
    wanted.formula = open ? *parse_formula(options.mixture, file.columns(), static_cast<Index>(least)) : *one;
    if (open) wanted.text = options.mixture;
    if (!open && count.least > 0 && (count.least != count.most || static_cast<Index>(count.least) != one->components()))
      return misused(fmt::format("-k says {}, but the mixture has {}", count.least == count.most ? std::to_string(count.least) : "a range",
                                 counted(static_cast<unsigned long long>(one->components()), "component")));
  } else if (initial && !options.family_given && (count.least == 0 || count.least == initial->snapshot.components.size())) {
    wanted.formula = formula_of(initial->snapshot);
  } else if (initial && count.least == 0) {
    wanted.formula = {{{static_cast<Index>(initial->snapshot.components.size()), options.learner.family}}};
  } else if (count.least > 0) {
    wanted.formula = {{{static_cast<Index>(count.least), options.learner.family}}};
  } else {
    return misused("how many components? -k N says it, or --mixture FORMULA, or --init FILE");
  }
  return wanted;
}

// By their canonical names, if they exist and suit the points.
Attempt<MixtureFormula> checked(MixtureFormula formula, const FitOptions& options, Index dimension) {
  LearnerOptions learner = options.learner;
  learner.mixture = formula.text();
  const auto canonical = formula_of(learner);
  if (!canonical) return fail(exit_code::kUsage, canonical.error().message);
  // The learner checks every option; batch EM has the same ones.
  if (const auto made = Learner::make(learner, dimension); !made) return fail(exit_code::kUsage, made.error().message);
  return *canonical;
}

// What is shown on stderr while the fit runs.
class Display {
 public:
  Display(const FitOptions& options, std::uint64_t rows)
      : options_(options), terminal_(isatty(STDERR_FILENO) != 0), lines_(!options.quiet && (!options.json || terminal_)) {
    if (!options.quiet) progress_ = std::make_unique<Progress>(rows);
  }

  FitWatch watch() {
    FitWatch watch;
    if (lines_) watch.iteration = [this](const FitIteration& iteration) { show(iteration); };
    if (progress_) watch.rows = [this](std::uint64_t rows) { progress_->show(rows); };
    return watch;
  }

  // Tells what is left to tell, once all iterations are over.
  void finish() {
    if (!screened_) return;
    line(fmt::format("{}start {}: {:.6f} nats/point after {}", screened_->on_sample ? "sample, " : "", screened_->start + 1,
                     screened_->mean_log_likelihood, counted(static_cast<unsigned long long>(screened_->number), "iteration")));
    screened_.reset();
  }

  void line(const std::string& text) {
    if (!lines_) return;
    if (progress_) progress_->clear();
    std::fputs((text + "\n").c_str(), stderr);
  }

 private:
  // A start that is only screened is one line: its last iteration, once it is known to be the last.
  void show(const FitIteration& iteration) {
    if (screened_ && (!iteration.screening || iteration.start != screened_->start)) finish();
    if (iteration.screening)
      screened_ = iteration;
    else
      line(progress_text(iteration, options_.restarts));
  }

  const FitOptions& options_;
  bool terminal_;
  bool lines_;
  std::unique_ptr<Progress> progress_;
  std::optional<FitIteration> screened_;
};

Attempt<void> write_file(const std::string& path, const std::string& text) {
  if (path == "-") {
    std::fputs(text.c_str(), stdout);
    return {};
  }
  std::ofstream file(path, std::ios::binary);
  file << text;
  file.close();
  if (!file) return fail(exit_code::kUsage, path + " cannot be written");
  return {};
}

// Everything that is written once the fit is there.
Attempt<void> write_results(const FitReport& report) {
  const FitOptions& options = report.options;
  if (!options.output_path.empty())
    if (auto written = write_file(options.output_path, fit_json(report)); !written) return written;
  if (!options.history_path.empty())
    if (auto written = write_file(options.history_path, history_json(report.fit, report.file.columns())); !written) return written;
  if (options.json) {
    std::fputs(fit_json(report).c_str(), stdout);
    return {};
  }
  const std::size_t width = isatty(STDOUT_FILENO) != 0 ? terminal_size(STDOUT_FILENO).columns : kTableWidth;
  if (report.selection != nullptr) std::fputs((selection_text(*report.selection, options.select, width) + "\n").c_str(), stdout);
  std::fputs(fit_text(report, width).c_str(), stdout);
  return {};
}

Attempt<void> load(PointFile& file, const FitOptions& options, const MixtureFormula& formula) {
  std::optional<Progress> progress;
  if (!options.quiet) progress.emplace();
  const auto loaded = file.load(check_for(formula), options.learner.seed.random_seed, [&](std::uint64_t rows) {
    if (progress) progress->show(rows);
  });
  if (!loaded && interrupted()) return fail(exit_code::kInterrupted, "interrupted");
  if (!loaded) return fail(exit_code::kBadData, loaded.error().message);
  return {};
}

Attempt<int> fit_and_report(const FitOptions& options) {
  auto opened = PointFile::open(options.path, options.reader, options.memory_bytes);
  if (!opened) return fail(exit_code::kBadData, opened.error().message);
  PointFile& file = *opened;
  std::optional<NamedModel> initial;
  if (!options.initial_model.empty()) {
    auto model = read_model(options.initial_model);
    if (!model) return fail(exit_code::kBadData, model.error().message);
    initial = std::move(*model);
  }
  auto wanted = wanted_mixture(options, file, initial);
  if (!wanted) return tl::unexpected(std::move(wanted.error()));
  FitTask task;
  auto formula = checked(wanted->formula, options, file.dimension());
  if (!formula) return tl::unexpected(std::move(formula.error()));
  task.formula = *formula;
  if (initial) {
    if (const auto start = starting_mixture(initial->snapshot, task.formula, file.dimension()); !start)
      return fail(exit_code::kBadData, options.initial_model + ": " + start.error().message);
    task.initial = initial->snapshot;
  }
  task.threads = options.threads;
  task.with_history = !options.history_path.empty();

  if (!options.quiet && options.reader.columns.empty() && !file.left_out().empty())
    complain(kFit, 0, fmt::format("columns {}; left out, because not numbers: {}", fmt::join(file.columns(), ", "), fmt::join(file.left_out(), ", ")));
  if (auto loaded = load(file, options, task.formula); !loaded) return tl::unexpected(std::move(loaded.error()));
  for (const std::string& refusal : file.refusals()) complain(kFit, 0, "skipped: " + refusal);
  if (file.refused_rows() > 0) complain(kFit, 0, counted(file.refused_rows(), "bad row") + " skipped");

  Display display(options, file.rows());
  bool whole = true;  // everything was done, and nobody pressed Ctrl-C
  if (options.select != Criterion::none) {
    auto selection = select_components(
        file, options, [&](Index count) { return *checked(wanted->of(count), options, file.dimension()); },
        [&](const SelectionRow& row) {
          const std::string said = row.failure.empty() ? fmt::format("log likelihood {:.2f}, {} {:.2f}", row.log_likelihood,
                                                                     name_of(options.select), value_of(row, options.select))
                                                       : row.failure;
          display.line(counted(static_cast<unsigned long long>(row.components), "component") + ": " + said);
        });
    if (!selection) return tl::unexpected(std::move(selection.error()));
    if (auto written = write_results({selection->fit, options, file, &*selection}); !written) return tl::unexpected(std::move(written.error()));
  } else {
    auto fit = fit_file(file, options, task, display.watch());
    display.finish();
    if (!fit) return tl::unexpected(std::move(fit.error()));
    whole = !fit->interrupted;
    if (auto written = write_results({*fit, options, file}); !written) return tl::unexpected(std::move(written.error()));
  }
  if (!whole) return exit_code::kInterrupted;
  return file.refused_rows() > 0 ? exit_code::kBadData : exit_code::kOk;
}

}  // namespace

int run_fit(const std::vector<std::string>& arguments) {
  FitOptions options;
  if (const auto over = read_fit_options(arguments, options)) return *over;
  const InterruptScope scope;
  const auto code = fit_and_report(options);
  if (!code) return complain(kFit, code.error().exit_code, code.error().message);
  return *code;
}

}  // namespace emulsion::client
