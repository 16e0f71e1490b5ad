// Words for the enums of the wire messages.
#include "emulsion/wire/messages.h"

namespace emulsion::wire {

const char* name(EventKind kind) {
  switch (kind) {
    case EventKind::seeded:
      return "seeded";
    case EventKind::starved:
      return "starved";
    case EventKind::revived:
      return "revived";
    case EventKind::repaired:
      return "repaired";
    case EventKind::update_failed:
      return "update_failed";
    case EventKind::rejected:
      return "rejected";
    case EventKind::gap:
      return "gap";
    case EventKind::duplicate:
      return "duplicate";
    case EventKind::reordered:
      return "reordered";
    case EventKind::restarted:
      return "restarted";
    case EventKind::reset:
      return "reset";
    case EventKind::paused:
      return "paused";
    case EventKind::resumed:
      return "resumed";
    case EventKind::imprecise:
      return "imprecise";
  }
  return "unknown";
}

const char* name(StreamPhase phase) {
  switch (phase) {
    case StreamPhase::warming_up:
      return "warming_up";
    case StreamPhase::learning:
      return "learning";
    case StreamPhase::paused:
      return "paused";
  }
  return "unknown";
}

}  // namespace emulsion::wire
