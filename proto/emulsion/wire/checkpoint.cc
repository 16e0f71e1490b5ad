#include "emulsion/wire/checkpoint.h"

#include <algorithm>
#include <cassert>

#include "emulsion/wire/checksum.h"
#include "emulsion/wire/little_endian.h"
#include "emulsion/wire/topic.h"

namespace emulsion::wire {
namespace {

constexpr std::string_view kCheckpointMagic = "EMULSION";
constexpr std::size_t kNameBytes = 8;
constexpr std::size_t kHeadBytes = 8 + 4 + 4 + 8 + 4;      // magic, version, sections, bytes in all, checksum
constexpr std::size_t kSectionHeadBytes = kNameBytes + 8 + 4;  // name, bytes, checksum
constexpr std::size_t kTailBytes = 8;                      // checksum of the whole

std::string at(std::size_t position) { return "at byte " + std::to_string(position) + ": "; }

tl::unexpected<Error> wrong_checksum(const std::string& place, std::uint64_t found, std::uint64_t expected) {
  return fail(place + "checksum " + std::to_string(found) + " does not match " + std::to_string(expected));
}

// The name in a section's head; empty if that is none.
std::string_view name_at(std::string_view bytes, std::size_t position) {
  const std::string_view field = bytes.substr(position, kNameBytes);
  const auto end = std::min(field.find('\0'), kNameBytes);
  const bool name = std::all_of(field.begin(), field.begin() + end, [](char c) { return c >= 'a' && c <= 'z'; });
  const bool padded = std::all_of(field.begin() + end, field.end(), [](char c) { return c == '\0'; });
  return name && padded ? field.substr(0, end) : std::string_view();
}

}  // namespace

std::string encode_checkpoint(std::span<const CheckpointSection> sections) {
  std::size_t size = kHeadBytes + kTailBytes;
  for (const CheckpointSection& section : sections) size += kSectionHeadBytes + section.bytes.size();
  std::string out;
  out.reserve(size);
  out += kCheckpointMagic;
  append_number(out, kCheckpointVersion, 4);
  append_number(out, sections.size(), 4);
  append_number(out, size, 8);
  append_number(out, checksum_32(out), 4);
  for (const CheckpointSection& section : sections) {
    assert(!section.name.empty() && section.name.size() <= kNameBytes);
    const std::size_t head = out.size();
    out += section.name;
    out.append(kNameBytes - section.name.size(), '\0');
    append_number(out, section.bytes.size(), 8);
    append_number(out, checksum_32(std::string_view(out).substr(head), section.bytes), 4);
    out += section.bytes;
  }
  append_number(out, checksum_64(out), 8);
  return out;
}

Result<std::vector<CheckpointSection>> decode_checkpoint(std::string_view bytes) {
  const std::string_view magic = bytes.substr(0, kCheckpointMagic.size());
  if (magic != kCheckpointMagic.substr(0, magic.size())) return fail("it starts with \"" + printable(magic) + "\", expected \"EMULSION\"");
  constexpr std::size_t kLeast = kHeadBytes + kTailBytes;
  if (bytes.size() < kLeast) return fail("it has " + std::to_string(bytes.size()) + " bytes, the shortest checkpoint has " + std::to_string(kLeast));
  if (const auto version = number_at(bytes, 8, 4); version != kCheckpointVersion)
    return fail("format version " + std::to_string(version) + " is not known here, expected " + std::to_string(kCheckpointVersion));
  if (const auto size = number_at(bytes, 16, 8); size != bytes.size())
    return fail("it has " + std::to_string(bytes.size()) + " bytes, its head says " + std::to_string(size));
  if (const auto found = checksum_32(bytes.substr(0, 24)), expected = static_cast<std::uint32_t>(number_at(bytes, 24, 4)); found != expected)
    return wrong_checksum("head: ", found, expected);

  std::vector<CheckpointSection> sections;
  std::size_t position = kHeadBytes;
  const std::size_t end = bytes.size() - kTailBytes;
  for (auto left = number_at(bytes, 12, 4); left > 0; --left) {
    if (end - position < kSectionHeadBytes)
      return fail(at(position) + std::to_string(end - position) + " bytes are left, the head of a section has " + std::to_string(kSectionHeadBytes));
    const std::string_view name = name_at(bytes, position);
    if (name.empty()) return fail(at(position) + "\"" + printable(bytes.substr(position, kNameBytes)) + "\" is no name of a section");
    const std::string place = at(position) + "section \"" + std::string(name) + "\": ";
    const auto size = number_at(bytes, position + kNameBytes, 8);
    if (size > end - position - kSectionHeadBytes)
      return fail(place + std::to_string(size) + " bytes, but only " + std::to_string(end - position - kSectionHeadBytes) + " are left");
    const CheckpointSection section{name, bytes.substr(position + kSectionHeadBytes, size)};
    const auto found = checksum_32(bytes.substr(position, kSectionHeadBytes - 4), section.bytes);
    const auto expected = static_cast<std::uint32_t>(number_at(bytes, position + kSectionHeadBytes - 4, 4));
    if (found != expected) return wrong_checksum(place, found, expected);
    sections.push_back(section);
    position += kSectionHeadBytes + static_cast<std::size_t>(size);
  }
  if (position != end) return fail(at(position) + std::to_string(end - position) + " bytes that belong to no section");
  if (const auto found = checksum_64(bytes.substr(0, end)), expected = number_at(bytes, end, 8); found != expected)
    return wrong_checksum(at(end) + "the whole: ", found, expected);
  return sections;
}

}  // namespace emulsion::wire
