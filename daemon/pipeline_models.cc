// The part of the pipeline that publishes models: which, when, and to whom they are owed.
#include <utility>

#include "daemon/pipeline.h"
#include "emulsion/wire/topic.h"

namespace emulsion::service {
namespace {

constexpr int kModelsPerTurn = 64;
constexpr int kOwedPerTurn = 256;

std::string model_topic(std::string_view stream) { return wire::to_string({stream, wire::TopicKind::model}); }

// What the names of all streams begin with whose models a subscription asks for; nothing if it asks for none.
std::optional<std::string> names_of(std::string_view subscription) {
  if (wire::kTopicPrefix.starts_with(subscription)) return "";
  if (!subscription.starts_with(wire::kTopicPrefix)) return std::nullopt;
  const std::string_view rest = subscription.substr(wire::kTopicPrefix.size());
  const std::string_view name = rest.substr(0, rest.find('.'));
  if (name.size() < rest.size() && !model_topic(name).starts_with(subscription)) return std::nullopt;
  return std::string(name);
}

}  // namespace

// Sends what a stream has to say, and sees to it that its model and its state follow.
void Pipeline::publish(StreamEntry& entry, StreamOutput& output) {
  streams_.changed(entry);
  entry.unpublished |= output.model_changed;
  publisher_.publish(entry.stream.name(), output, entry.published);
  publish_or_wait(entry, take_due_model(entry, now_()));
}

// When a model that has changed may be published.
Pipeline::Time Pipeline::due(const StreamEntry& entry) {
  if (!entry.model_published) return Time::min();
  return *entry.model_published + seconds_to_duration(entry.stream.model_interval_seconds());
}

// The model, to be published now.
wire::ModelMessage Pipeline::take_model(StreamEntry& entry, Time now) {
  entry.model_published = now;
  entry.unpublished = false;
  return entry.stream.model();
}

// The same, if it has changed, its interval is over, and somebody reads it.
std::optional<wire::ModelMessage> Pipeline::take_due_model(StreamEntry& entry, Time now) const {
  if (!entry.unpublished || !entry.stream.has_model() || due(entry) > now) return std::nullopt;
  if (publisher_.has_model_reader(entry.stream.name())) return take_model(entry, now);
  // Nobody would get it. Who subscribes later is answered then.
  entry.model_published = now;
  entry.unpublished = false;
  return std::nullopt;
}

// Publishes the model if there is one, and sees to it that one follows if it has changed since.
void Pipeline::publish_or_wait(StreamEntry& entry, std::optional<wire::ModelMessage> model) {
  if (model) publisher_.publish(*std::move(model), entry.published);
  if (entry.unpublished && entry.stream.has_model()) enqueue(entry, due(entry));
}

void Pipeline::enqueue(StreamEntry& entry, Time when) {
  if (entry.to_publish) return;
  entry.to_publish = true;
  models_due_.push({when, &entry});
}

void Pipeline::reschedule_models() {
  models_due_ = {};
  for (auto& [name, entry] : streams_.all())
    if (std::exchange(entry.to_publish, false)) enqueue(entry, due(entry));
}

bool Pipeline::publish_due_models(Time now) {
  for (int i = 0; i < kModelsPerTurn; ++i) {
    if (models_due_.empty() || models_due_.top().when > now) return false;
    StreamEntry& entry = *models_due_.top().entry;
    models_due_.pop();
    entry.to_publish = false;
    publish_or_wait(entry, take_due_model(entry, now));
  }
  return true;
}

// Looks at the next stream of the subscription under way, or at the next subscription.
void Pipeline::look_for_owed() {
  if (!answered_) {
    std::string subscription = std::move(subscriptions_.extract(subscriptions_.begin()).value());
    const auto names = names_of(subscription);
    if (!names) return;
    answered_ = std::move(subscription);
    next_to_owe_ = streams_.all().lower_bound(*names);
  }
  // Topics are in the order of names, but for those that go on where another one ends.
  if (next_to_owe_ == streams_.all().end() || !next_to_owe_->first.starts_with(*names_of(*answered_))) {
    answered_.reset();
    return;
  }
  StreamEntry& entry = next_to_owe_++->second;
  if (entry.owed || !model_topic(entry.stream.name()).starts_with(*answered_)) return;
  entry.owed = true;
  owed_.push(&entry);
}

// Whoever subscribes gets the models of all matching streams as they are now, and so do those who have subscribed before.
bool Pipeline::answer_subscribers(Time now) {
  subscriptions_.merge(sink_.new_subscriptions());
  for (int i = 0; i < kOwedPerTurn && (answered_ || !subscriptions_.empty()); ++i) look_for_owed();
  for (int i = 0; i < kModelsPerTurn && !owed_.empty(); ++i) {
    StreamEntry& entry = *owed_.front();
    owed_.pop();
    entry.owed = false;
    if (entry.stream.has_model() && publisher_.has_model_reader(entry.stream.name())) publish_or_wait(entry, take_model(entry, now));
  }
  return answered_ || !subscriptions_.empty() || !owed_.empty();
}

}  // namespace emulsion::service
