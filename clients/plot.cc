#include "clients/plot.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <system_error>
#include <utility>

#include "clients/connection.h"
#include "clients/drawing.h"
#include "clients/family_libraries.h"
#include "clients/flags.h"
#include "clients/interrupt.h"
#include "clients/plot_view.h"
#include "clients/table.h"
#include "emulsion/wire/quoted.h"
#include "emulsion/wire/topic.h"

namespace emulsion::client {
namespace {

constexpr const char* kPlotHead = R"(examples:
  emulsion plot geyser.csv --model geyser.emulsion -o geyser.png
  emulsion plot geyser.csv --history history.jsonl -o frames/iteration-%03d.png --at 0,1,5,10
  emulsion plot --history history.jsonl -o log-likelihood.svg
  emulsion plot room.csv --stream room -o now.png                 the model of a daemon, as it is now
  emulsion plot iris.csv --label-column species --model iris.emulsion -o iris.pdf
  emulsion model room --json | emulsion plot room.csv --model - --x temperature --y co2 -o room.svg

usage: emulsion plot [POINTS|-] (--model FILE | --history FILE | --stream NAME) -o PICTURE [flags]

One coordinate is drawn as a histogram with the curves of the components, two as a scatter with ellipses at 1 and 2 sigma,
more as pairs. Colours are the components'. With a label column the true labels stand beside them. Pictures of a history
have the same axes and colours, so that they can be flipped through. The picture's name ends in .png, .svg or .pdf.
)";

constexpr std::uint64_t kKeptPoints = std::uint64_t{1} << 18;  // of a file, for histograms

struct PlotFlags {
  std::vector<std::string> words;
  std::string model, history, stream, output, at, columns, axes, x, y, title;
  std::string kind = "auto";
  wire::PointReaderOptions reader;
  PlotOptions options;
  Endpoints endpoints;
  double timeout_seconds = 5;

  bool has_points() const { return !words.empty(); }
  std::vector<std::string> named_axes() const {
    std::vector<std::string> named = split_list(axes);
    for (const std::string& name : {x, y}) {
      if (!name.empty()) named.push_back(name);
    }
    return named;
  }
};

bool has_picture_suffix(const std::string& path) {
  const std::string suffix = path.substr(std::min(path.rfind('.'), path.size()));
  return suffix == ".png" || suffix == ".svg" || suffix == ".pdf";
}

Attempt<void> check(const PlotFlags& flags) {
  const auto misused = [](const std::string& message) { return fail(exit_code::kUsage, message); };
  if (int{!flags.model.empty()} + int{!flags.history.empty()} + int{!flags.stream.empty()} != 1) {
    return misused("expected one of --model, --history and --stream");
  }
  if (flags.output.empty()) return misused("missing -o PICTURE");
  if (!has_picture_suffix(flags.output)) {
    return misused(wire::quoted(flags.output) + " ends in none of .png, .svg and .pdf");
  }
  if (flags.has_points() && flags.words.front() == "-" && (flags.model == "-" || flags.history == "-")) {
    return misused("points and model cannot both come from standard input");
  }
  if (flags.history.empty() && !flags.at.empty()) return misused("--at needs --history");
  if (flags.history.empty() && flags.kind == "log-likelihood") return misused("--kind log-likelihood needs --history");
  if (!flags.axes.empty() && !(flags.x.empty() && flags.y.empty())) return misused("expected --axes, or --x and --y, not both");
  if (flags.x.empty() && !flags.y.empty()) return misused("--y needs --x");
  if (!flags.has_points() && !flags.reader.label_column.empty()) return misused("--label-column needs a file of points");
  if (!flags.stream.empty() && !wire::is_stream_name(flags.stream)) {
    return misused(wire::quoted(flags.stream) + " is not a stream's name; allowed: 1 to 64 of A-Z a-z 0-9 _ and -");
  }
  return {};
}

// The lines of a history that --at names, in its order; all of them without it.
Attempt<std::vector<HistoryLine>> chosen_lines(std::vector<HistoryLine> history, const std::string& at) {
  if (at.empty()) return history;
  std::vector<HistoryLine> chosen;
  for (const std::string& word : split_list(at)) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
    if (error != std::errc() || end != word.data() + word.size()) {
      return fail(exit_code::kUsage, "--at: " + wire::quoted(word) + " is not the number of an iteration");
    }
    const auto found = std::find_if(history.begin(), history.end(), [&](const auto& line) { return line.iteration == number; });
    if (found == history.end()) {
      return fail(exit_code::kUsage, fmt::format("--at: there is no iteration {}; there are {} to {}", number,
                                                 history.front().iteration, history.back().iteration));
    }
    chosen.push_back(*found);
  }
  return chosen;
}

Attempt<std::vector<PlotFrame>> frames_of_history(const PlotFlags& flags, std::vector<HistoryLine> history) {
  const auto lines = chosen_lines(std::move(history), flags.at);
  if (!lines) return tl::unexpected(lines.error());
  std::vector<PlotFrame> frames;
  for (const HistoryLine& line : *lines) {
    auto path = numbered_path(flags.output, line.iteration);
    if (!path && lines->size() > 1) {
      return fail(exit_code::kUsage,
                  fmt::format("{} pictures need names of their own, such as iteration-%03d.png; or choose one with --at",
                              lines->size()));
    }
    if (line.model.empty()) return fail(exit_code::kBadData, line.place + ": model: missing");
    auto model = model_of_text(line.model, line.place + ": model");
    if (!model) return tl::unexpected(std::move(model.error()));
    if (!frames.empty() && model->snapshot.dimension != frames.front().model.snapshot.dimension) {
      return fail(exit_code::kBadData, fmt::format("{}: model: dimension {}, but {} before", line.place,
                                                   model->snapshot.dimension, frames.front().model.snapshot.dimension));
    }
    std::string title = flags.title.empty() ? "" : flags.title + ", ";
    title += fmt::format("iteration {}", line.iteration);
    if (line.points) title += fmt::format(", after {}", counted(*line.points, "point"));
    title += "\nmean log likelihood " + with_minus(significant(line.mean_log_likelihood, 4));
    frames.push_back({std::move(*model), path.value_or(flags.output), std::move(title)});
  }
  return frames;
}

Attempt<PlotFrame> frame_of_stream(const PlotFlags& flags) {
  auto connection = ControlConnection::open(flags.endpoints.control);
  if (!connection) return tl::unexpected(std::move(connection.error()));
  const Milliseconds timeout(static_cast<std::int64_t>(flags.timeout_seconds * 1000));
  const auto reply = connection->ask_for<wire::GetModelReply>(wire::GetModelRequest{flags.stream}, timeout);
  if (!reply) return tl::unexpected(connection->explained(reply.error(), flags.stream, timeout));
  auto model = model_of_message(reply->model, "stream \"" + flags.stream + "\"");
  if (!model) return tl::unexpected(std::move(model.error()));
  std::string title = flags.title;
  if (title.empty()) {
    title = fmt::format("{}: model {}, learned from {}", flags.stream, reply->model.version,
                        counted(reply->model.points_learned, "point"));
  }
  return PlotFrame{std::move(*model), flags.output, std::move(title)};
}

Attempt<PlotFrame> frame_of_file(const PlotFlags& flags) {
  const auto text = read_text(flags.model);
  if (!text) return tl::unexpected(text.error());
  auto model = model_of_text(*text, flags.model);
  if (!model) return tl::unexpected(std::move(model.error()));
  return PlotFrame{std::move(*model), flags.output, flags.title};
}

template <typename T>
Attempt<std::vector<T>> as_list(Attempt<T> one) {
  if (!one) return tl::unexpected(std::move(one.error()));
  return std::vector<T>{std::move(*one)};
}

std::vector<std::string> default_names(Index dimension) {
  std::vector<std::string> names;
  for (Index i = 0; i < dimension; ++i) names.push_back("x" + std::to_string(i));
  return names;
}

// The points to draw; none, but with names, without a file.
Attempt<PlottedPoints> points_for(const PlotFlags& flags, const PlottedModel& model) {
  const Index dimension = model.snapshot.dimension;
  PlottedPoints points;
  if (!flags.has_points()) {
    points.points.resize(dimension, 0);
    points.columns = model.columns.empty() ? default_names(dimension) : model.columns;
    if (flags.columns.empty()) return points;
    points.columns = split_list(flags.columns);
    if (static_cast<Index>(points.columns.size()) == dimension) return points;
    return fail(exit_code::kUsage, fmt::format("--columns names {}, but the model has {}", points.columns.size(), dimension));
  }
  wire::PointReaderOptions reader = flags.reader;
  reader.columns = flags.columns.empty() ? model.columns : split_list(flags.columns);
  auto read = read_points(flags.words.front(), reader, std::max(kKeptPoints, flags.options.most_points));
  if (read && read->points.rows() != dimension) {
    return fail(
        exit_code::kBadData,
        fmt::format("{}: {} ({}), but the model has {}; --columns and --label-column say which are coordinates",
                    flags.words.front(), counted(read->columns.size(), "column"), fmt::join(read->columns, ", "), dimension));
  }
  return read;
}

Attempt<void> draw_models(PlotFlags& flags, const std::vector<PlotFrame>& frames) {
  auto points = points_for(flags, frames.front().model);
  if (!points) return tl::unexpected(std::move(points.error()));
  const auto view = view_of(flags.kind, flags.named_axes(), points->columns, frames.back().model);
  if (!view) return tl::unexpected(view.error());
  if (view->chosen_here) {
    std::vector<std::string> names;
    for (const Index axis : view->axes) names.push_back(points->columns[static_cast<std::size_t>(axis)]);
    complain(
        "plot", 0,
        fmt::format("{} of {} columns are drawn, those along which the clusters lie farthest apart: {}; --axes chooses others",
                    names.size(), points->columns.size(), fmt::join(names, ", ")));
  }
  flags.options.kind = view->kind;
  flags.options.axes = view->axes;
  flags.options.names = points->columns;
  flags.options.truth_name = flags.reader.label_column;
  return draw(models_document(*points, frames, flags.options));
}

Attempt<void> draw_history(PlotFlags& flags) {
  const auto text = read_text(flags.history);
  if (!text) return tl::unexpected(text.error());
  auto history = history_of_text(*text, flags.history);
  if (!history) return tl::unexpected(std::move(history.error()));
  const bool of_models = flags.has_points() || !flags.at.empty() || numbered_path(flags.output, 0);
  if (flags.kind == "log-likelihood" || (flags.kind == "auto" && !of_models)) {
    return draw(log_likelihood_document(*history, flags.output, flags.title, flags.options));
  }
  const auto frames = frames_of_history(flags, std::move(*history));
  if (!frames) return tl::unexpected(frames.error());
  return draw_models(flags, *frames);
}

Attempt<void> run(PlotFlags& flags) {
  if (const auto good = check(flags); !good) return good;
  if (!flags.history.empty()) return draw_history(flags);
  const auto frames = as_list(flags.stream.empty() ? frame_of_file(flags) : frame_of_stream(flags));
  if (!frames) return tl::unexpected(frames.error());
  return draw_models(flags, *frames);
}

}  // namespace

int plot(const std::vector<std::string>& arguments) {
  PlotFlags plot;
  Flags flags("plot", kPlotHead);
  flags.positional("POINTS|-", &plot.words, 0, 1);
  flags.text("output,o", &plot.output, "PICTURE", "where it goes; %03d in it stands for the iteration");
  flags.text("model", &plot.model, "FILE|-", "a model in JSON, as `emulsion model --json` prints it");
  flags.text("history", &plot.history, "FILE|-", "a fit's history: one picture for each iteration, or its log likelihood");
  flags.text("at", &plot.at, "NUMBERS", "the iterations that are drawn, such as 0,1,5,10 (default: all)");
  flags.text("stream", &plot.stream, "NAME", "a daemon's stream: its model of this moment");
  flags.choice("kind", &plot.kind, {"auto", "scatter", "density", "pairs", "log-likelihood"}, "of picture");
  flags.text("columns", &plot.columns, "NAMES",
             "the coordinates in the file: names or 0-based positions (default: the model's, or all numbers); without a file "
             "what they are called");
  flags.text("label-column", &plot.reader.label_column, "NAME", "true labels, to be shown beside the clusters");
  flags.text("axes", &plot.axes, "NAMES", "the coordinates that are drawn, of those that there are");
  flags.text("x", &plot.x, "NAME", "the same for one: its density;");
  flags.text("y", &plot.y, "NAME", "... for two: their scatter");
  flags.text("title", &plot.title, "TEXT", "above the picture");
  flags.number("width", &plot.options.width, 1, 100, "INCHES", "of the picture (default: as its kind needs)");
  flags.number("height", &plot.options.height, 1, 100, "INCHES", "of the picture (default: as its kind needs)");
  flags.number("dpi", &plot.options.dpi, 20, 1200, "DOTS", "per inch, of a PNG");
  flags.whole("points", &plot.options.most_points, 1, 10000000, "N", "at most so many points are drawn, evenly chosen");
  flags.endpoint("control", &plot.endpoints.control, "EMULSION_CLIENT_CONTROL", "where the daemon answers");
  flags.number("timeout", &plot.timeout_seconds, 0.001, 86400, "SECONDS", "longest wait for the daemon's answer");
  std::string libraries;
  add_family_library_flag(flags, &libraries);
  if (const auto over = flags.parse(arguments)) return *over;
  if (const auto over = load_family_libraries("plot", libraries)) return *over;
  plot.reader.interrupted = interrupted;

  const InterruptScope scope;
  const auto outcome = run(plot);
  return outcome ? exit_code::kOk : complain("plot", outcome.error().exit_code, outcome.error().message);
}

}  // namespace emulsion::client
