#include "clients/score_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>

#include "clients/agreement.h"
#include "clients/family_libraries.h"
#include "clients/fit_options.h"
#include "clients/interrupt.h"
#include "clients/model_file.h"
#include "clients/row_reader.h"
#include "clients/scores.h"
#include "clients/table.h"

namespace emulsion::client {
namespace {

constexpr const char* kScore = "score";

constexpr const char* kScoreHead = R"(examples:
  emulsion score faithful.emulsion faithful.csv > labels.csv
  emulsion score faithful.emulsion new.csv --responsibilities --json
  emulsion score iris.emulsion iris.csv --label-column species --summary
  emulsion model room --json | emulsion score - room.csv

usage: emulsion score MODEL FILE|- [flags]

For each row of FILE the component that it most probably belongs to (its id, or noise), and its log density under the whole
model in nats; then, on stderr, how many rows there were and their total and mean log likelihood. MODEL is what `emulsion fit
--output` or `emulsion model --json` writes. Columns are found by the names that the model has for them, if it has any.
Exits with 65 if rows were bad data.
)";

struct ScoreOptions {
  std::string model_path;
  std::string path;
  wire::PointReaderOptions reader;
  bool responsibilities = false;
  bool json = false;
  bool summary = false;
  bool quiet = false;
};

void append(std::string& text, double number) {
  char digits[32];  // the longest double has 24
  text.append(digits, std::to_chars(digits, digits + sizeof digits, number).ptr);
}

// What the components are called in labels.
std::vector<std::string> names_of(const Snapshot& model, const Mixture& mixture) {
  std::vector<std::string> names;
  for (const auto& bank : mixture.banks())
    for (Index k = 0; k < bank->size(); ++k)
      names.push_back(bank->family().is_noise() ? "noise" : std::to_string(model.components[names.size()].id));
  return names;
}

// Rows as lines of text.
class Lines {
 public:
  Lines(const ScoreOptions& options, const Snapshot& model, const Mixture& mixture) : options_(options), names_(names_of(model, mixture)) {
    for (const ComponentSnapshot& component : model.components) ids_.push_back(std::to_string(component.id));
  }

  std::string heading() const {
    if (options_.json || options_.summary) return {};
    std::string text = "label,log_density";
    for (std::size_t k = 0; options_.responsibilities && k < ids_.size(); ++k) text += ",responsibility_" + ids_[k];
    return text + "\n";
  }

  void add(std::string& text, const Expectation& expectation, Index row) const {
    const std::string& label = names_[static_cast<std::size_t>(expectation.most_probable[static_cast<std::size_t>(row)])];
    if (options_.json) {
      text += label == "noise" ? "{\"label\":\"noise\"" : "{\"label\":" + label;
      text += ",\"log_density\":";
      append(text, expectation.log_density[row]);
      for (std::size_t k = 0; options_.responsibilities && k < ids_.size(); ++k) {
        text += k == 0 ? ",\"responsibilities\":{\"" : ",\"";
        text += ids_[k] + "\":";
        append(text, expectation.responsibilities(row, static_cast<Index>(k)));
      }
      text += options_.responsibilities ? "}}\n" : "}\n";
      return;
    }
    text += label + ",";
    append(text, expectation.log_density[row]);
    for (std::size_t k = 0; options_.responsibilities && k < ids_.size(); ++k) {
      text += ',';
      append(text, expectation.responsibilities(row, static_cast<Index>(k)));
    }
    text += '\n';
  }

 private:
  const ScoreOptions& options_;
  std::vector<std::string> names_;
  std::vector<std::string> ids_;
};

struct Totals {
  std::uint64_t rows = 0;
  double weight = 0;
  double log_likelihood = 0;
  std::optional<Contingency> agreement;

  std::string text() const {
    std::string line = counted(rows, "row");
    if (weight != static_cast<double>(rows)) line += fmt::format(" of weight {:.6g}", weight);
    line += fmt::format(": log likelihood {:.6f}", log_likelihood);
    if (weight > 0) line += fmt::format(", {:.6f} nats/point", log_likelihood / weight);
    if (agreement)
      line += fmt::format("; adjusted Rand index {:.3f}, NMI {:.3f}", agreement->adjusted_rand_index(), agreement->normalised_mutual_information());
    return line + "\n";
  }

  std::string json(std::uint64_t refused) const {
    nlohmann::ordered_json json = {{"rows", rows}, {"weight", weight}, {"log_likelihood", log_likelihood}};
    json["mean_log_likelihood"] = weight > 0 ? nlohmann::ordered_json(log_likelihood / weight) : nlohmann::ordered_json();
    if (agreement) {
      json["adjusted_rand_index"] = agreement->adjusted_rand_index();
      json["nmi"] = agreement->normalised_mutual_information();
    }
    json["refused_rows"] = refused;
    return json.dump() + "\n";
  }
};

// The model's columns, where the file has all of them and the user has not said which.
Result<RowReader> open_rows(const ScoreOptions& options, const NamedModel& model) {
  auto reader = RowReader::open(options.path, options.reader);
  if (!reader || !options.reader.columns.empty() || model.columns.empty() || reader->file().columns() == model.columns) return reader;
  const auto& there = reader->file().all_columns();
  const bool all = std::all_of(model.columns.begin(), model.columns.end(),
                               [&](const std::string& name) { return std::find(there.begin(), there.end(), name) != there.end(); });
  if (!all) return reader;
  if (const auto chosen = reader->choose(model.columns); !chosen) return fail(chosen.error().message);
  return reader;
}

Attempt<int> score(const ScoreOptions& options) {
  const auto bad = [](const Error& error) { return fail(interrupted() ? exit_code::kInterrupted : exit_code::kBadData, error.message); };
  const auto model = read_model(options.model_path);
  if (!model) return bad(model.error());
  const auto mixture = mixture_of(model->snapshot);
  if (!mixture) return bad(mixture.error());
  auto reader = open_rows(options, *model);
  if (!reader) return bad(reader.error());
  const auto dimension = static_cast<Index>(reader->file().columns().size());
  if (dimension != model->snapshot.dimension)
    return fail(exit_code::kBadData, fmt::format("{} has {} ({}), the model has {}; --columns chooses", options.path,
                                                 counted(static_cast<unsigned long long>(dimension), "coordinate"), fmt::join(reader->file().columns(), ", "),
                                                 model->snapshot.dimension));
  reader->check(check_for(formula_of(model->snapshot)));

  const Lines lines(options, model->snapshot, **mixture);
  const std::vector<std::uint64_t> groups = groups_of(**mixture);
  std::map<std::string, std::uint64_t> label_numbers;
  Totals totals;
  if (!options.reader.label_column.empty()) totals.agreement.emplace();
  std::fputs(lines.heading().c_str(), stdout);
  Tile tile(dimension);
  Expectation expectation((*mixture)->size());
  std::optional<Failure> failure;
  while (!failure) {
    const auto table = reader->read(kTilePoints);
    if (!table) {
      failure = bad(table.error()).value();
      break;
    }
    if (!*table) break;
    const PointBatch& batch = (*table)->batch;
    tile.clear();
    for (Index i = 0; i < batch.size(); ++i) tile.push(batch.points.col(i).data(), batch.weight(i), 1);
    (*mixture)->expect(tile, covering_lanes(0, tile.size()), expectation);
    std::string text;
    for (Index row = 0; row < tile.size(); ++row) {
      totals.weight += tile.weight(row);
      totals.log_likelihood += tile.weight(row) * expectation.log_density[row];
      if (totals.agreement && !(*table)->labels[static_cast<std::size_t>(row)].empty()) {
        const auto [found, added] = label_numbers.emplace((*table)->labels[static_cast<std::size_t>(row)], label_numbers.size());
        totals.agreement->add(found->second, groups[static_cast<std::size_t>(expectation.most_probable[static_cast<std::size_t>(row)])], tile.weight(row));
      }
      if (!options.summary) lines.add(text, expectation, row);
    }
    totals.rows += static_cast<std::uint64_t>(tile.size());
    std::fwrite(text.data(), 1, text.size(), stdout);
    if (interrupted()) failure = Failure{exit_code::kInterrupted, "interrupted", std::nullopt};
  }
  std::fflush(stdout);
  for (const std::string& refusal : reader->refusals()) complain(kScore, 0, "skipped: " + refusal);
  if (options.summary)
    std::fputs((options.json ? totals.json(reader->refused_rows()) : totals.text()).c_str(), stdout);
  else if (!options.quiet)
    std::fputs(totals.text().c_str(), stderr);
  if (failure) return tl::unexpected(std::move(*failure));
  return reader->refused_rows() > 0 ? exit_code::kBadData : exit_code::kOk;
}

}  // namespace

int run_score(const std::vector<std::string>& arguments) {
  ScoreOptions options;
  std::vector<std::string> paths;
  ReaderFlags reader;
  Flags flags(kScore, kScoreHead);
  flags.positional("MODEL FILE|-", &paths, 2, 2);
  flags.toggle("responsibilities", &options.responsibilities, "the probability of every component, too");
  flags.toggle("json", &options.json, "a JSON object a row in place of CSV");
  flags.toggle("summary", &options.summary, "only the totals, on stdout");
  flags.toggle("quiet,q", &options.quiet, "no totals on stderr");
  add_reader_flags(flags, options.reader, reader);
  std::string libraries;
  add_family_library_flag(flags, &libraries);
  if (const auto over = flags.parse(arguments)) return *over;
  if (const auto over = load_family_libraries(kScore, libraries)) return *over;
  finish_reader_flags(reader, options.reader);
  options.model_path = paths[0];
  options.path = paths[1];
  if (options.model_path == "-" && options.path == "-") return complain(kScore, exit_code::kUsage, "model and points cannot both come from standard input");
  const InterruptScope scope;
  const auto code = score(options);
  if (!code) return complain(kScore, code.error().exit_code, code.error().message);
  return *code;
}

}  // namespace emulsion::client
