#include "clients/top_frame.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <sstream>

#include "clients/model_table.h"
#include "clients/status_table.h"
#include "clients/table.h"
#include "emulsion/wire/topic.h"

namespace emulsion::client {
namespace {

constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

// Growth of a count a second; unknown without an earlier count, or after a restart.
double rate(std::uint64_t before, std::uint64_t now, double seconds) {
  return seconds > 0 && now >= before ? static_cast<double>(now - before) / seconds : kUnknown;
}

const wire::StreamStatus* find(const TopSample* sample, const std::string& stream) {
  if (sample == nullptr) return nullptr;
  const auto& streams = sample->status.streams;
  const auto found =
      std::find_if(streams.begin(), streams.end(), [&](const auto& status) { return status.stream == stream; });
  return found == streams.end() ? nullptr : &*found;
}

std::string bar(double share, std::size_t width) {
  static constexpr const char* kEighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  const auto eighths =
      static_cast<std::size_t>(std::lround(std::clamp(share, 0.0, 1.0) * static_cast<double>(8 * width)));
  std::string text;
  for (std::size_t i = 0; i < eighths / 8; ++i) text += "█";
  text += kEighths[eighths % 8];
  return text + std::string(width - display_width(text), ' ');
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

std::vector<std::string> head(const TopSample& now, const TopSample* before, double seconds) {
  const auto& status = now.status;
  const bool same = before != nullptr && before->status.daemon_session == status.daemon_session;
  const auto per_second = [&](std::uint64_t old, std::uint64_t current) {
    return short_count(same ? rate(old, current, seconds) : kUnknown);
  };
  std::vector<std::string> lines{
      fmt::format("emulsiond {} at {}, up {}    q: quit", wire::printable(status.version), now.endpoint,
                  short_time(status.uptime_seconds)),
      fmt::format("messages: {} in ({}/s), {} out ({}/s)", status.messages_received,
                  per_second(same ? before->status.messages_received : 0, status.messages_received),
                  status.messages_published,
                  per_second(same ? before->status.messages_published : 0, status.messages_published))};
  if (const auto refused = refusal_list(status.refusals); !refused.empty()) lines.push_back("refused: " + refused);
  if (!now.fault.empty()) lines.push_back("! " + now.fault);
  return lines;
}

std::vector<std::string> stream_lines(const TopSample& now, const TopSample* before, double seconds) {
  Table table;
  table.column("stream", Align::left);
  table.column("phase", Align::left);
  for (const char* heading : {"points/s", "accepted", "refused", "missing", "waiting", "nats/point"}) {
    table.column(heading, Align::right);
  }
  for (const auto& stream : now.status.streams) {
    const auto* old = find(before, stream.stream);
    const bool warming = stream.phase == wire::StreamPhase::warming_up && stream.points_to_seed > 0;
    table.row({fit(wire::printable(stream.stream), 16), wire::name(stream.phase),
               short_count(old == nullptr ? kUnknown : rate(old->points_accepted, stream.points_accepted, seconds)),
               std::to_string(stream.points_accepted), std::to_string(rows_refused(stream)),
               std::to_string(messages_missing(stream)),
               warming ? fmt::format("{}/{}", stream.points_waiting, stream.points_to_seed)
                       : std::to_string(stream.points_waiting),
               stream.model_version == 0 ? "-" : significant(stream.mean_log_likelihood, 4)});
  }
  return lines_of(table.render(std::numeric_limits<std::size_t>::max()));
}

// The components of one model, the largest first.
std::vector<std::string> component_lines(const wire::ModelMessage& model, std::size_t columns) {
  std::vector<const wire::ComponentMessage*> components;
  for (const auto& component : model.components) components.push_back(&component);
  std::stable_sort(components.begin(), components.end(),
                   [](const auto* a, const auto* b) { return a->weight > b->weight; });

  // As many coordinates as fit: the rest is for `emulsion model`.
  constexpr std::size_t kBar = 16;
  const std::size_t shown = std::min<std::size_t>(model.dimension, columns / 12);
  Table table;
  table.column("id", Align::right);
  table.column("share", Align::left);
  table.column("weight", Align::right);
  for (std::size_t i = 0; i < shown; ++i) table.column(column_name(model, i) + " ± sd", Align::right);
  std::vector<std::vector<std::string>> cells(components.size());
  for (std::size_t i = 0; i < shown; ++i) {
    std::vector<std::pair<double, double>> column;
    for (const auto* component : components) column.push_back(coordinates(*component)[i]);
    const auto texts = with_spread(column);
    for (std::size_t k = 0; k < components.size(); ++k) cells[k].push_back(texts[k]);
  }
  for (std::size_t k = 0; k < components.size(); ++k) {
    std::vector<std::string> row{std::to_string(components[k]->id), bar(components[k]->weight, kBar),
                                 fmt::format("{:.3f}{}", components[k]->weight, components[k]->starved ? "!" : " ")};
    row.insert(row.end(), cells[k].begin(), cells[k].end());
    table.row(std::move(row));
  }
  return lines_of(table.render(std::numeric_limits<std::size_t>::max()));
}

}  // namespace

std::vector<std::string> top_frame(const TopSample& now, const TopSample* before, TerminalSize size) {
  const double seconds = before == nullptr ? 0 : now.seconds - before->seconds;
  std::vector<std::string> lines = head(now, before, seconds);
  lines.emplace_back();
  if (now.status.streams.empty()) {
    lines.push_back("no streams yet; `emulsion send FILE` makes one");
  } else {
    const auto streams = stream_lines(now, before, seconds);
    lines.insert(lines.end(), streams.begin(), streams.end());
  }

  // What height is left is shared by the models, so that each is seen.
  std::size_t models_left = now.models.size();
  for (const auto& [stream, model] : now.models) {
    const std::size_t height = size.rows > lines.size() ? (size.rows - lines.size()) / models_left : 0;
    --models_left;
    constexpr std::size_t kLeast = 4;  // a gap, a title, a heading, a component
    if (height < kLeast) continue;
    const auto components = component_lines(model, size.columns);
    const std::size_t room = height - 2;
    lines.emplace_back();
    const std::size_t shown = std::min(components.size(), room);
    std::string title = fmt::format("{}: model {} of {}", wire::printable(stream), model.version,
                                    counted(model.points_learned, "point"));
    if (shown < components.size()) {
      title += fmt::format(", {} of {} components", shown - 1, components.size() - 1);
    }
    lines.push_back(title);
    lines.insert(lines.end(), components.begin(), components.begin() + static_cast<std::ptrdiff_t>(shown));
  }

  if (lines.size() > size.rows) {
    const std::size_t hidden = lines.size() - size.rows + 1;
    lines.resize(size.rows);
    if (size.rows > 0) lines.back() = fmt::format("... {} more", counted(hidden, "line"));
  }
  for (std::string& line : lines) line = fit(line, size.columns);
  return lines;
}

}  // namespace emulsion::client
