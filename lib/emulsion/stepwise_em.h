// Stepwise (online, mini-batch) EM on sufficient statistics.
//
//   expect      posteriors of a tile under the frozen mixture
//   summarise   statistics of the tile
//   blend       fade the statistics of the past, merge those of the mini-batch
//   maximise    parameters from statistics, under the prior
//
// An update is all or nothing: where maximise fails, mixture and statistics stay as they were.
// Deterministic: the same points in the same order give the same bits, however they are cut into calls and however many
// threads work. Not thread-safe: one thread owns it.
// Source: Cappé & Moulines (2009), On-line expectation-maximization algorithm for latent data models, section 2.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "emulsion/labels.h"
#include "emulsion/learner_options.h"
#include "emulsion/mixture.h"
#include "emulsion/prefetch.h"
#include "emulsion/step_size.h"
#include "emulsion/tile_group.h"
#include "emulsion/workers.h"

namespace emulsion {

// What an update of the parameters did, beyond moving them.
struct Update {
  std::uint64_t version = 0;    // of the model after the update; unchanged if it failed
  std::uint64_t learned = 0;    // points learned after the update
  Index points = 0;             // of the mini-batch; where the update failed, they are not learned
  std::vector<Index> starved;   // components that have become starved
  std::vector<Index> revived;   // components that are no longer starved
  std::vector<Index> repaired;  // components whose covariance had to be repaired; the first one stands for all if tied
  std::string failure;          // empty if it succeeded
};

// Everything that a stepwise EM knows; what is saved and restored.
struct StepwiseState {
  std::shared_ptr<const Mixture> mixture;    // that the E-step uses
  Statistics statistics;                     // decayed, up to the last update
  std::shared_ptr<const Mixture> published;  // with averaging: from `average`; otherwise the same as `mixture`
  std::optional<Statistics> average;         // with averaging: sum over the updates of the statistics per point
  std::vector<bool> starved;                 // K
  std::uint64_t version = 1;
  std::uint64_t learned = 0;            // points that the statistics have seen, those that have faded included
  double seed_weight = 0;               // weight of the statistics that the seed left
  double weight_since_seed = 0;         // t of the schedule
  std::int64_t latest_time = kNoTime;   // nanoseconds; of any point so far
  std::uint64_t batches = 0;            // mini-batches learned
  std::uint64_t updates_failed = 0;
  std::uint64_t repairs = 0;

  // The mini-batch that is under way.
  Index batch_points = 0;              // points in it
  std::int64_t batch_start = kNoTime;  // time of its first point
  double batch_decay = 1;              // what its complete groups of tiles leave of everything before it
  Statistics batch;                    // of its complete groups; without banks as long as there have been none
  TileGroup group;                     // complete tiles of the group that is not complete
  PointBatch pending;                  // points of the tile that is not complete, with weights
  std::vector<double> pending_retentions;
};

class StepwiseEm {
 public:
  // Goes on from a state. Requires a schedule that StepSize::make accepts.
  //   options  outlive it
  StepwiseEm(const LearnerOptions& options, StepwiseState state);
  ~StepwiseEm();
  StepwiseEm(StepwiseEm&&) noexcept;
  StepwiseEm& operator=(StepwiseEm&&) noexcept;

  // Learns points and labels each with the model of its moment.
  //   batch    d as the mixture's; every point has at least one coordinate; coordinates within 1e150
  //   labels   appended to
  //   updates  appended to, one for each mini-batch that is completed
  void learn(const PointView& batch, bool with_responsibilities, Labels& labels, std::vector<Update>& updates);

  // Labels points and learns nothing.
  void label(const PointView& batch, bool with_responsibilities, Labels& labels) const;

  // Closes the mini-batch that is under way early. Does nothing if it is empty.
  void flush(std::vector<Update>& updates);

  // What `learn` needs for a short batch is fetched; see prefetch.h. The object itself is part of another.
  void prefetch(int step) const {
    constexpr std::size_t kShortBatchBytes = 512;  // 16 points of 4 coordinates
    if (step == 1) {
      prefetch_object(*workers_);
      emulsion::prefetch(pending_.values.data() + pending_.values.size(), kShortBatchBytes);
    }
    if (step > 0) state_.mixture->prefetch(step - 1);
  }

  // Where it stands, without the points of the tile that is not complete.
  const StepwiseState& progress() const { return state_; }

  // A consistent cut from which the same bits go on.
  StepwiseState state() const;

 private:
  struct Run;
  struct Room;
  struct Summary;

  // Points of a tile that is not complete. Their weights and retentions need not be written down while all points so far have come
  // without weights and times.
  struct Pending {
    std::vector<std::byte> values;       // point by point, as they came: in double precision once one of them has
    Element element = Element::f64;
    std::optional<double> counted_from;  // t of the schedule before the first one; nothing: they are here
    std::vector<double> weights;
    std::vector<double> retentions;
  };

  Run begin_run(Index first) const;
  Run next_run(const PointView& batch, Index first);
  bool batch_ends_before(const PointView& batch, Index point) const;
  std::optional<double> move_schedule(const PointView& batch, const Run& run);
  void set_retentions(const Run& run, Index first, std::span<double> retentions) const;
  const TileGroup* learn_run(const PointView& batch, const Run& run, bool with_responsibilities, Labels& labels);
  void work(const PointView& batch, const Run& run, Index tile, Room& room, Summary& summary) const;
  void keep_pending(const PointView& batch, const Run& run);
  void keep_values(const PointView& points);
  void spell_out(Pending& pending) const;
  PointView pending() const;
  void forget_pending();
  void take_group(const Run& run, Index group, TileGroup& sums);
  void fold(const TileGroup& group);
  void close_batch(const TileGroup* last, std::vector<Update>& updates);
  Result<MaximisedMixture> m_step(const Statistics& statistics, const Mixture& previous) const;
  void average_statistics(Update& update);

  const LearnerOptions* options_;
  StepSize step_;
  std::unique_ptr<Workers> workers_;
  StepwiseState state_;  // without the points of the incomplete tile, which are here:
  Pending pending_;
  std::vector<double> retentions_;  // of the run that is being learned, where its points' number alone does not decide
};

}  // namespace emulsion
