#include "daemon/metrics.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <limits>
#include <map>
#include <utility>
#include <vector>

namespace emulsion::service {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using MetricLabels = std::vector<ClientMetric::Label>;

// By stage and reason: a list may name a pair twice, a metric must not.
using RefusalSums = std::map<std::pair<std::string, std::string>, std::uint64_t>;

// One value of the label `stream`: a configured stream, or the sum of all others.
struct Series {
  std::string stream;
  wire::StreamStatus status;
  StreamDetails details;
  RefusalSums refusals;
  std::uint64_t producers = 0;
  std::uint64_t missing = 0;
  std::uint64_t duplicate = 0;
  std::uint64_t reordered = 0;
  std::uint64_t restarts = 0;
};

void add(RefusalSums& sums, const std::vector<wire::RefusalCount>& counts) {
  for (const auto& count : counts) sums[{count.stage, count.reason}] += count.count;
}

void add(Series& sum, const wire::StreamStatus& stream, const StreamDetails& details) {
  auto& s = sum.status;
  s.components += stream.components;
  s.points_accepted += stream.points_accepted;
  s.points_learned += stream.points_learned;
  s.points_labelled += stream.points_labelled;
  s.points_waiting += stream.points_waiting;
  s.points_to_seed += stream.points_to_seed;
  s.points_paused += stream.points_paused;
  s.batches += stream.batches;
  s.updates_failed += stream.updates_failed;
  s.repairs += stream.repairs;
  add(sum.refusals, stream.refusals);

  sum.details.em_step_seconds.merge(details.em_step_seconds);
  sum.details.components_starved += details.components_starved;
  sum.details.models_published += details.models_published;
  sum.details.labels_published += details.labels_published;
  sum.details.events_published += details.events_published;

  sum.producers += stream.producers.size();
  for (const auto& producer : stream.producers) {
    sum.missing += producer.messages_missing;
    sum.duplicate += producer.messages_duplicate;
    sum.reordered += producer.messages_reordered;
    sum.restarts += producer.restarts;
  }
}

std::vector<Series> series_of(const ServiceStatus& status) {
  std::vector<Series> all;
  Series dynamic;
  bool any_dynamic = false;
  for (const auto& stream : status.reply.streams) {
    const auto found = status.details.find(stream.stream);
    const StreamDetails details = found == status.details.end() ? StreamDetails{} : found->second;
    // A configured stream may bear the name of the sum; it then belongs to it.
    if (!details.configured || stream.stream == kDynamicStreams) {
      any_dynamic = true;
      add(dynamic, stream, details);
      continue;
    }
    Series own;
    own.stream = stream.stream;
    add(own, stream, details);
    own.status.model_version = stream.model_version;
    own.status.effective_sample_size = stream.effective_sample_size;
    own.status.mean_log_likelihood = stream.mean_log_likelihood;
    all.push_back(std::move(own));
  }
  if (any_dynamic) {
    dynamic.stream = kDynamicStreams;
    all.push_back(std::move(dynamic));
  }
  return all;
}

class Exposition {
 public:
  // Opens a family; the samples that follow belong to it.
  Exposition& counter(std::string name, std::string help) {
    return open(std::move(name), std::move(help), MetricType::Counter);
  }
  Exposition& gauge(std::string name, std::string help) {
    return open(std::move(name), std::move(help), MetricType::Gauge);
  }
  Exposition& histogram(std::string name, std::string help) {
    return open(std::move(name), std::move(help), MetricType::Histogram);
  }

  Exposition& sample(MetricLabels labels, double value) {
    ClientMetric metric;
    metric.label = std::move(labels);
    (families_.back().type == MetricType::Counter ? metric.counter.value : metric.gauge.value) = value;
    families_.back().metric.push_back(std::move(metric));
    return *this;
  }
  Exposition& sample(MetricLabels labels, std::uint64_t value) {
    return sample(std::move(labels), static_cast<double>(value));
  }

  Exposition& sample(MetricLabels labels, const DurationHistogram& durations) {
    ClientMetric metric;
    metric.label = std::move(labels);
    auto& histogram = metric.histogram;
    for (std::size_t i = 0; i < durations.counts().size(); ++i) {
      histogram.sample_count += durations.counts()[i];
      const bool last = i == DurationHistogram::kBounds.size();
      histogram.bucket.push_back(
          {histogram.sample_count, last ? std::numeric_limits<double>::infinity() : DurationHistogram::kBounds[i]});
    }
    histogram.sample_sum = durations.sum();
    families_.back().metric.push_back(std::move(metric));
    return *this;
  }

  std::string text() const {
    std::vector<MetricFamily> filled;
    for (const auto& family : families_) {
      if (!family.metric.empty()) filled.push_back(family);
    }
    return prometheus::TextSerializer().Serialize(filled);
  }

 private:
  Exposition& open(std::string name, std::string help, MetricType type) {
    families_.push_back({std::move(name), std::move(help), type, {}});
    return *this;
  }

  std::vector<MetricFamily> families_;
};

double unix_seconds(std::chrono::system_clock::time_point time) {
  return std::chrono::duration<double>(time.time_since_epoch()).count();
}

void add_service(Exposition& out, const ServiceStatus& status) {
  const auto& reply = status.reply;
  out.gauge("emulsion_build_info", "Version of the daemon; always 1.").sample({{"version", reply.version}}, 1.0);
  out.gauge("process_start_time_seconds", "When the daemon started, in seconds since 1970-01-01.")
      .sample({}, unix_seconds(status.started));
  out.gauge("emulsion_uptime_seconds", "Time since the daemon started.").sample({}, reply.uptime_seconds);
  out.gauge("emulsion_ready", "1 while points are taken in, else 0.").sample({}, status.health.ready ? 1.0 : 0.0);
  out.gauge("emulsion_degraded", "1 while states cannot be saved, else 0.").sample({}, status.saves.degraded() ? 1.0 : 0.0);
  out.counter("emulsion_saves_total", "States saved since the daemon started.").sample({}, status.saves.saves());
  out.counter("emulsion_save_failures_total", "Saves that failed since the daemon started.").sample({}, status.saves.failures());
  out.counter("emulsion_messages_received_total", "Messages received on all inputs.")
      .sample({}, reply.messages_received);
  out.counter("emulsion_messages_published_total", "Messages published.").sample({}, reply.messages_published);

  out.counter("emulsion_refused_total", "Messages refused before they could be given to a stream.");
  RefusalSums refusals;
  add(refusals, reply.refusals);
  for (const auto& [key, count] : refusals) out.sample({{"stage", key.first}, {"reason", key.second}}, count);

  std::map<wire::StreamPhase, std::uint64_t> phases{
      {wire::StreamPhase::warming_up, 0}, {wire::StreamPhase::learning, 0}, {wire::StreamPhase::paused, 0}};
  for (const auto& stream : reply.streams) ++phases[stream.phase];
  out.gauge("emulsion_streams", "Streams by phase.");
  for (const auto& [phase, count] : phases) out.sample({{"phase", wire::name(phase)}}, count);
}

void add_streams(Exposition& out, const std::vector<Series>& all) {
  const auto each = [&](auto value) {
    for (const auto& series : all) out.sample({{"stream", series.stream}}, value(series));
  };
  const auto each_with_model = [&](auto value) {
    for (const auto& series : all) {
      if (series.status.model_version > 0) out.sample({{"stream", series.stream}}, value(series));
    }
  };

  out.counter("emulsion_points_accepted_total", "Rows accepted.");
  each([](const Series& s) { return s.status.points_accepted; });
  out.counter("emulsion_points_learned_total", "Rows that the model has learned from.");
  each([](const Series& s) { return s.status.points_learned; });
  out.counter("emulsion_points_labelled_total", "Rows labelled.");
  each([](const Series& s) { return s.status.points_labelled; });
  out.counter("emulsion_points_paused_total", "Rows labelled but not learned because the stream was paused.");
  each([](const Series& s) { return s.status.points_paused; });
  out.gauge("emulsion_points_waiting", "Rows that wait for the first model or for their mini-batch.");
  each([](const Series& s) { return s.status.points_waiting; });
  out.gauge("emulsion_points_to_seed", "Rows that the first model needs.");
  each([](const Series& s) { return s.status.points_to_seed; });

  out.counter("emulsion_stream_refused_total",
              "Messages (stage=\"message\") or rows (stage=\"row\") refused by a stream.");
  for (const auto& series : all) {
    for (const auto& [key, count] : series.refusals) {
      out.sample({{"stream", series.stream}, {"stage", key.first}, {"reason", key.second}}, count);
    }
  }

  out.gauge("emulsion_producers", "Producers known.");
  each([](const Series& s) { return s.producers; });
  out.gauge("emulsion_messages_missing", "Messages skipped by their producers' sequences and not yet come.");
  each([](const Series& s) { return s.missing; });
  out.counter("emulsion_messages_duplicate_total", "Messages that came twice and were dropped.");
  each([](const Series& s) { return s.duplicate; });
  out.counter("emulsion_messages_reordered_total", "Messages that came later than a successor.");
  each([](const Series& s) { return s.reordered; });
  out.counter("emulsion_producer_restarts_total", "Times that a producer came back with a new session.");
  each([](const Series& s) { return s.restarts; });

  out.counter("emulsion_batches_learned_total", "Mini-batches learned.");
  each([](const Series& s) { return s.status.batches; });
  out.histogram("emulsion_em_step_seconds", "Time that learning one mini-batch took, since the daemon started.");
  each([](const Series& s) { return s.details.em_step_seconds; });
  out.counter("emulsion_updates_failed_total", "Mini-batches whose update failed; the last good model stayed.");
  each([](const Series& s) { return s.status.updates_failed; });
  out.counter("emulsion_repairs_total", "Covariances that had to be repaired.");
  each([](const Series& s) { return s.status.repairs; });
  out.gauge("emulsion_components", "Components configured.");
  each([](const Series& s) { return std::uint64_t{s.status.components}; });
  out.gauge("emulsion_components_starved", "Components that have too few recent points.");
  each([](const Series& s) { return s.details.components_starved; });

  out.gauge("emulsion_model_version", "Updates of the parameters; absent before the first model.");
  each_with_model([](const Series& s) { return s.status.model_version; });
  out.gauge("emulsion_effective_sample_size_points", "Decayed total weight of the points in the statistics.");
  each_with_model([](const Series& s) { return s.status.effective_sample_size; });
  out.gauge("emulsion_mean_log_likelihood_nats", "Mean log density of recent points under the model.");
  each_with_model([](const Series& s) { return s.status.mean_log_likelihood; });

  out.counter("emulsion_published_total", "Messages published of a stream since the daemon started.");
  for (const auto& series : all) {
    out.sample({{"stream", series.stream}, {"kind", "model"}}, series.details.models_published);
    out.sample({{"stream", series.stream}, {"kind", "labels"}}, series.details.labels_published);
    out.sample({{"stream", series.stream}, {"kind", "events"}}, series.details.events_published);
  }
}

}  // namespace

std::string prometheus_text(const ServiceStatus& status) {
  Exposition out;
  add_service(out, status);
  add_streams(out, series_of(status));
  return out.text();
}

}  // namespace emulsion::service
