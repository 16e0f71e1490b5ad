#include "emulsion/wire/state_sections.h"

#include <array>
#include <limits>

#include "emulsion/v1/state.pb.h"
#include "emulsion/wire/checkpoint.h"
#include "emulsion/wire/silence.h"

namespace emulsion::wire {
namespace {

// One section: its name, and how its own fields are moved out of a message.
struct Section {
  const char* name;
  void (*move)(v1::StreamState& from, v1::StreamState& to);
};

const std::array<Section, 5> kSections{{
    {"stream",
     [](v1::StreamState& from, v1::StreamState& to) {
       to.mutable_stream()->swap(*from.mutable_stream());
       to.mutable_configuration()->swap(*from.mutable_configuration());
     }},
    {"learner",
     [](v1::StreamState& from, v1::StreamState& to) {
       if (from.has_learner()) to.mutable_learner()->Swap(from.mutable_learner());
       from.clear_learner();
     }},
    {"sources", [](v1::StreamState& from, v1::StreamState& to) { to.mutable_producers()->Swap(from.mutable_producers()); }},
    {"waiting", [](v1::StreamState& from, v1::StreamState& to) { to.mutable_waiting()->Swap(from.mutable_waiting()); }},
    {"counters", [](v1::StreamState& from, v1::StreamState& to) { to.Swap(&from); }},  // whatever is left
}};

using Contents = std::array<std::string, kSections.size()>;

Contents contents_of(v1::StreamState state) {
  Contents contents;
  for (std::size_t i = 0; i < kSections.size(); ++i) {
    v1::StreamState part;
    kSections[i].move(state, part);
    contents[i] = part.SerializeAsString();
  }
  return contents;
}

std::string name_of(std::size_t section) { return "section \"" + std::string(kSections[section].name) + "\""; }

}  // namespace

std::string checkpoint_of(v1::StreamState state) {
  if (state.ByteSizeLong() > static_cast<std::size_t>(std::numeric_limits<int>::max())) return {};
  const Contents contents = contents_of(std::move(state));
  std::array<CheckpointSection, kSections.size()> sections;
  for (std::size_t i = 0; i < kSections.size(); ++i) sections[i] = {kSections[i].name, contents[i]};
  return encode_checkpoint(sections);
}

Result<v1::StreamState> message_of_checkpoint(std::string_view bytes) {
  const auto sections = decode_checkpoint(bytes);
  if (!sections) return tl::unexpected(sections.error());
  if (sections->size() != kSections.size())
    return fail(std::to_string(sections->size()) + " sections, expected " + std::to_string(kSections.size()));
  silence_protobuf();
  v1::StreamState state;
  for (std::size_t i = 0; i < kSections.size(); ++i) {
    const CheckpointSection& section = (*sections)[i];
    if (section.name != kSections[i].name) return fail("section \"" + std::string(section.name) + "\": expected " + name_of(i));
    v1::StreamState part;
    if (!part.ParseFromArray(section.bytes.data(), static_cast<int>(section.bytes.size()))) return fail(name_of(i) + ": not a StreamState message");
    part.DiscardUnknownFields();
    state.MergeFrom(part);
  }
  // What is unknown, doubled, out of order or in the wrong section would be written otherwise.
  const Contents written = contents_of(state);
  for (std::size_t i = 0; i < kSections.size(); ++i)
    if (written[i] != (*sections)[i].bytes) return fail(name_of(i) + ": fields that this version would not write so");
  return state;
}

}  // namespace emulsion::wire
