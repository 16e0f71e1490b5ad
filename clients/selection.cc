#include "clients/selection.h"

#include <limits>
#include <mutex>
#include <optional>

#include "clients/interrupt.h"
#include "emulsion/workers.h"

namespace emulsion::client {

double value_of(const SelectionRow& row, Criterion criterion) {
  if (!row.failure.empty()) return std::numeric_limits<double>::infinity();
  if (criterion == Criterion::aic) return row.criteria.aic;
  return criterion == Criterion::icl ? row.criteria.icl : row.criteria.bic;
}

Attempt<Selection> select_components(const PointFile& file, const FitOptions& options,
                                     const std::function<MixtureFormula(Index)>& formula_of,
                                     const std::function<void(const SelectionRow&)>& finished) {
  const auto least = static_cast<Index>(options.components.least);
  const auto count = static_cast<Index>(options.components.most) - least + 1;
  Selection selection;
  selection.rows.resize(static_cast<std::size_t>(count));
  std::vector<std::optional<Attempt<Fit>>> fits(static_cast<std::size_t>(count));
  std::mutex telling;
  Workers workers(options.threads);
  // The largest first: it takes longest, and nobody shall wait for it alone at the end.
  workers.for_each(count, [&](Index i) {
    const auto at = static_cast<std::size_t>(count - 1 - i);
    FitTask task;
    task.formula = formula_of(least + static_cast<Index>(at));
    task.with_history = !options.history_path.empty();
    fits[at] = fit_file(file, options, task, {});
    SelectionRow& row = selection.rows[at];
    row.components = task.formula.components();
    if (const auto& fit = *fits[at]) {
      row.log_likelihood = fit->scores.log_likelihood;
      row.criteria = fit->criteria;
      row.converged = fit->converged;
    } else {
      row.failure = fit.error().message;
    }
    const std::lock_guard<std::mutex> lock(telling);
    finished(row);
  });
  if (interrupted()) return fail(exit_code::kInterrupted, "interrupted");
  for (std::size_t i = 1; i < selection.rows.size(); ++i)
    if (value_of(selection.rows[i], options.select) < value_of(selection.rows[selection.chosen], options.select)) selection.chosen = i;
  auto& chosen = *fits[selection.chosen];
  if (!chosen) return tl::unexpected(std::move(chosen.error()));
  selection.fit = std::move(*chosen);
  return selection;
}

}  // namespace emulsion::client
