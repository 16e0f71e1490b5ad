#include "clients/plot_view.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <regex>
#include <system_error>
#include <utility>

#include "clients/component_shape.h"
#include "emulsion/wire/quoted.h"

namespace emulsion::client {
namespace {

constexpr std::size_t kMostPairs = 6;  // axes of a pair plot that nobody has chosen

// Positions of the coordinates that were named.
Attempt<std::vector<Index>> positions_of(const std::vector<std::string>& words, const std::vector<std::string>& names) {
  std::vector<Index> positions;
  for (const std::string& word : words) {
    auto found = static_cast<std::size_t>(std::find(names.begin(), names.end(), word) - names.begin());
    if (found == names.size()) {
      const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), found);
      if (error != std::errc() || end != word.data() + word.size() || found >= names.size()) {
        return fail(exit_code::kUsage,
                    fmt::format("there is no column {}; there are {}", wire::quoted(word), fmt::join(names, ", ")));
      }
    }
    if (std::find(positions.begin(), positions.end(), static_cast<Index>(found)) != positions.end()) {
      return fail(exit_code::kUsage, "column " + wire::quoted(word) + " is named twice");
    }
    positions.push_back(static_cast<Index>(found));
  }
  return positions;
}

}  // namespace

std::optional<std::string> numbered_path(const std::string& pattern, std::uint64_t number) {
  static const std::regex place("%(0([1-9]))?d");
  std::smatch match;
  if (!std::regex_search(pattern, match, place)) return std::nullopt;
  const std::string after = match.suffix();
  if (std::regex_search(after, place)) return std::nullopt;
  const int width = match[2].matched ? std::stoi(match[2]) : 1;
  return fmt::format("{}{:0{}}{}", match.prefix().str(), number, width, after);
}

Attempt<PlotView> view_of(const std::string& kind, const std::vector<std::string>& axes, const std::vector<std::string>& names,
                          const PlottedModel& model) {
  auto positions = positions_of(axes, names);
  if (!positions) return tl::unexpected(std::move(positions.error()));
  PlotView view{PlotKind::pairs, std::move(*positions), false};
  const std::size_t available = view.axes.empty() ? names.size() : view.axes.size();
  if (kind == "density" || (kind == "auto" && available == 1)) view.kind = PlotKind::density;
  if (kind == "scatter" || (kind == "auto" && available == 2)) view.kind = PlotKind::scatter;

  const std::size_t least = view.kind == PlotKind::density ? 1 : 2;
  const std::size_t most = view.kind == PlotKind::pairs ? kMostPairs : least;
  if (available < least) return fail(exit_code::kUsage, fmt::format("--kind {} needs more than one column", kind));
  if (view.kind == PlotKind::density && available > 1)
    return fail(exit_code::kUsage, "a density has one column; --x chooses it");
  if (view.kind == PlotKind::scatter && view.axes.size() > most) return fail(exit_code::kUsage, "a scatter has two columns");
  if (!view.axes.empty()) return view;

  view.axes = axes_by_separation(shapes_of(model.snapshot, *model.mixture), model.mixture->weights());
  view.chosen_here = view.axes.size() > most;
  view.axes.resize(std::min(view.axes.size(), most));
  std::sort(view.axes.begin(), view.axes.end());
  return view;
}

}  // namespace emulsion::client
