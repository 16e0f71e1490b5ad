#include "daemon/source_tracker.h"

#include <algorithm>

namespace emulsion::service {
namespace {

using SequenceRange = boost::icl::interval<std::uint64_t>;

std::uint64_t first_of(const SequenceRange::interval_type& range) { return boost::icl::first(range); }
std::uint64_t last_of(const SequenceRange::interval_type& range) { return boost::icl::last(range); }

}  // namespace

Result<Arrival> SourceTracker::arrive(std::string_view name, std::uint64_t session_id, std::uint64_t sequence) {
  auto found = producers_.find(name);
  if (found == producers_.end()) {
    if (producers_.size() >= max_producers_)
      return fail("producer: there are " + std::to_string(max_producers_) + " already, and no more are allowed (max_producers)");
    found = producers_.emplace(name, Producer{}).first;
  }
  Producer& producer = found->second;
  ++producer.messages;
  Arrival arrival;
  const bool known = find(name, session_id) != nullptr;
  Session& session = session_of(producer, session_id, arrival);
  if (!known) {
    skip(producer, session, 0, sequence, arrival);
    session.last_sequence = sequence;
  } else if (sequence > session.last_sequence) {
    skip(producer, session, session.last_sequence + 1, sequence, arrival);
    session.last_sequence = sequence;
  } else if (boost::icl::contains(session.missing, sequence)) {
    session.missing.subtract(sequence);
    give_up_oldest_holes(producer, session);  // as one from the middle leaves two
    arrival.reordered = true;
    ++producer.reordered;
  } else {
    arrival.duplicate = true;
    ++producer.duplicate;
  }
  undurable_ |= !arrival.duplicate;
  return arrival;
}

// The lowest number that has not come.
std::uint64_t SourceTracker::expected(const Session& session) {
  return session.missing.empty() ? session.last_sequence + 1 : first_of(*session.missing.begin());
}

const SourceTracker::Session* SourceTracker::find(std::string_view name, std::uint64_t session) const {
  const auto producer = producers_.find(name);
  if (producer == producers_.end()) return nullptr;
  const auto& sessions = producer->second.sessions;
  const auto found = std::find_if(sessions.rbegin(), sessions.rend(), [&](const Session& candidate) { return candidate.session == session; });
  return found == sessions.rend() ? nullptr : &*found;
}

SourceTracker::Position SourceTracker::position(std::string_view producer, std::uint64_t session_id) const {
  const Session* session = find(producer, session_id);
  return session == nullptr ? Position{} : Position{session->durable, expected(*session)};
}

void SourceTracker::acknowledge(std::string_view producer) { producers_.find(producer)->second.sessions.back().acknowledged = true; }

bool SourceTracker::has_acknowledged() const {
  return std::any_of(producers_.begin(), producers_.end(), [](const auto& producer) {
    const auto& sessions = producer.second.sessions;
    return std::any_of(sessions.begin(), sessions.end(), [](const Session& session) { return session.acknowledged; });
  });
}

void SourceTracker::make_durable() {
  if (!undurable_) return;
  for (auto& [name, producer] : producers_)
    for (Session& session : producer.sessions) session.durable = expected(session);
  undurable_ = false;
}

std::string_view SourceTracker::mark(std::string_view producer, std::uint64_t session_id) const {
  const Session* session = find(producer, session_id);
  return session == nullptr ? std::string_view() : session->mark;
}

void SourceTracker::set_mark(std::string_view name, std::string_view mark) {
  if (const auto producer = producers_.find(name); producer != producers_.end()) producer->second.sessions.back().mark = mark;
}

// The session, moved to the end as the one that was heard last.
SourceTracker::Session& SourceTracker::session_of(Producer& producer, std::uint64_t session, Arrival& arrival) {
  auto& sessions = producer.sessions;
  const auto found = std::find_if(sessions.rbegin(), sessions.rend(), [&](const Session& candidate) { return candidate.session == session; });
  if (found != sessions.rend()) {
    std::rotate(found.base() - 1, found.base(), sessions.end());
    return sessions.back();
  }
  if (!producer.sessions.empty()) {
    arrival.restarted = true;
    ++producer.restarts;
  }
  for (const bool acknowledged : {false, true}) {
    const auto same = [&](const Session& candidate) { return candidate.acknowledged == acknowledged; };
    const auto count = static_cast<std::size_t>(std::count_if(sessions.begin(), sessions.end(), same));
    if (count < (acknowledged ? kAcknowledgedSessions : kSessions)) continue;
    const auto oldest = std::find_if(sessions.begin(), sessions.end(), same);
    producer.lost += boost::icl::cardinality(oldest->missing);
    sessions.erase(oldest);
  }
  sessions.push_back({session, 0, {}});
  return sessions.back();
}

// The numbers from `first` up to, not including, `next` have not come.
void SourceTracker::skip(Producer& producer, Session& session, std::uint64_t first, std::uint64_t next, Arrival& arrival) {
  if (first == next) return;
  arrival.skipped = next - first;
  session.missing.add(SequenceRange::right_open(first, next));
  give_up_oldest_holes(producer, session);
}

void SourceTracker::give_up_oldest_holes(Producer& producer, Session& session) {
  while (session.missing.iterative_size() > kHoles) {
    const auto oldest = *session.missing.begin();
    producer.lost += boost::icl::cardinality(oldest);
    session.missing.subtract(oldest);
  }
}

std::uint64_t SourceTracker::missing(const Producer& producer) {
  std::uint64_t count = producer.lost;
  for (const Session& session : producer.sessions) count += boost::icl::cardinality(session.missing);
  return count;
}

void SourceTracker::count_rows(std::string_view producer, std::uint64_t accepted, std::uint64_t refused) {
  Producer& counted = producers_.find(producer)->second;
  counted.rows_accepted += accepted;
  counted.rows_refused += refused;
}

std::vector<wire::ProducerStatus> SourceTracker::status() const {
  std::vector<wire::ProducerStatus> result;
  for (const auto& [name, producer] : producers_)
    result.push_back({name, producer.sessions.back().session, producer.sessions.back().last_sequence, producer.messages,
                      producer.rows_accepted, producer.rows_refused, missing(producer), producer.duplicate, producer.reordered,
                      producer.restarts});
  return result;
}

std::vector<wire::SourcePosition> SourceTracker::positions() const {
  std::vector<wire::SourcePosition> result;
  for (const auto& [name, producer] : producers_)
    result.push_back({name, producer.sessions.back().session, producer.sessions.back().last_sequence});
  return result;
}

std::vector<wire::ProducerState> SourceTracker::state() const {
  std::vector<wire::ProducerState> result;
  for (const auto& [name, producer] : producers_) {
    wire::ProducerState state;
    state.producer = name;
    for (const Session& session : producer.sessions) {
      wire::SessionState saved{session.session, session.last_sequence, {}, session.acknowledged, session.mark};
      for (const auto& range : session.missing) saved.missing.emplace_back(first_of(range), last_of(range));
      state.sessions.push_back(std::move(saved));
    }
    state.messages = producer.messages;
    state.rows_accepted = producer.rows_accepted;
    state.rows_refused = producer.rows_refused;
    state.messages_lost = producer.lost;
    state.messages_duplicate = producer.duplicate;
    state.messages_reordered = producer.reordered;
    state.restarts = producer.restarts;
    result.push_back(std::move(state));
  }
  return result;
}

void SourceTracker::restore(const std::vector<wire::ProducerState>& producers) {
  producers_.clear();
  undurable_ = false;
  for (const wire::ProducerState& state : producers) {
    if (state.sessions.empty()) continue;
    Producer producer;
    for (const wire::SessionState& saved : state.sessions) {
      Session session{saved.session, saved.last_sequence, {}, 0, saved.acknowledged, saved.mark};
      for (const auto& [first, last] : saved.missing) session.missing.add(SequenceRange::closed(first, last));
      session.durable = expected(session);
      producer.sessions.push_back(std::move(session));
    }
    producer.messages = state.messages;
    producer.rows_accepted = state.rows_accepted;
    producer.rows_refused = state.rows_refused;
    producer.lost = state.messages_lost;
    producer.duplicate = state.messages_duplicate;
    producer.reordered = state.messages_reordered;
    producer.restarts = state.restarts;
    producers_.emplace(state.producer, std::move(producer));
  }
}

void SourceTracker::reset_counts() {
  undurable_ = true;  // what was missing is given up
  for (auto& [name, producer] : producers_) {
    for (Session& session : producer.sessions) session.missing.clear();
    Producer fresh;
    fresh.sessions = std::move(producer.sessions);
    producer = std::move(fresh);
  }
}

}  // namespace emulsion::service
