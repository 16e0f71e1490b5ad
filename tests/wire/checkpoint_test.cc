// The bytes of a checkpoint: their layout, and that nothing but what was written is read.
#include "emulsion/wire/checkpoint.h"

#include <catch2/catch.hpp>

namespace emulsion::wire {
namespace {

std::string small() {
  const std::vector<CheckpointSection> sections{{"learner", "123456789"}, {"waiting", ""}};
  return encode_checkpoint(sections);
}

std::string checkpoint_refusal(const std::string& bytes) {
  const auto decoded = decode_checkpoint(bytes);
  REQUIRE_FALSE(decoded);
  return decoded.error().message;
}

TEST_CASE("a checkpoint gives its sections back, in their order") {
  const std::string bytes = small();
  const auto sections = decode_checkpoint(bytes);
  REQUIRE(sections);
  REQUIRE(sections->size() == 2);
  CHECK(sections->at(0).name == "learner");
  CHECK(sections->at(0).bytes == "123456789");
  CHECK(sections->at(1).name == "waiting");
  CHECK(sections->at(1).bytes.empty());
  const auto none = decode_checkpoint(encode_checkpoint({}));
  REQUIRE(none);
  CHECK(none->empty());
}

TEST_CASE("a checkpoint has the layout that docs/checkpoint.md has, byte by byte") {
  // Its checksums were computed by Python: zlib.crc32, and a bitwise CRC-64/XZ that gives 0x995DC9BBDF1939FA for "123456789".
  const std::string expected(
      "EMULSION\4\0\0\0\2\0\0\0\x55\0\0\0\0\0\0\0" "\x1A\x55\x38\x84"
      "learner\0\x09\0\0\0\0\0\0\0" "\xE1\x7A\x20\xA8"
      "123456789"
      "waiting\0\0\0\0\0\0\0\0\0" "\xE7\x0C\x45\xE9" "\xDC\x22\xF3\xE0\xDC\x0F\x19\x64",
      85);
  CHECK(small() == expected);
}

TEST_CASE("every single wrong bit of a checkpoint is found, and its place is named") {
  const std::string bytes = small();
  for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    std::string damaged = bytes;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << bit % 8));
    const std::size_t byte = bit / 8;
    INFO("bit " << bit << ": " << checkpoint_refusal(damaged));
    const std::string expected = byte < 8    ? "it starts with \""
                                 : byte < 12 ? "format version "
                                 : byte < 16 ? "head: checksum "
                                 : byte < 24 ? "it has 85 bytes, its head says "
                                 : byte < 28 ? "head: checksum "
                                 : byte < 57 ? "at byte 28: "
                                 : byte < 77 ? "at byte 57: "
                                             : "at byte 77: the whole: checksum ";
    CHECK_THAT(checkpoint_refusal(damaged), Catch::StartsWith(expected));
  }
}

TEST_CASE("every truncation of a checkpoint, and every byte more, is refused") {
  const std::string bytes = small();
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    INFO(size);
    CHECK_THAT(checkpoint_refusal(bytes.substr(0, size)), Catch::StartsWith("it has " + std::to_string(size) + " bytes"));
  }
  CHECK(checkpoint_refusal(bytes + "x") == "it has 86 bytes, its head says 85");
}

// A checkpoint of one section whose head is right for its size, whatever the section says.
std::string sealed(const std::string& section) {
  const std::string shape = encode_checkpoint(std::vector<CheckpointSection>{{"x", std::string_view(section).substr(20)}});
  return shape.substr(0, 28) + section + shape.substr(shape.size() - 8);
}

TEST_CASE("a section that lies about its size is refused before its bytes are looked at") {
  for (const std::string& size : {std::string("\x01\0\0\0\0\0\0\0", 8), std::string("\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF", 8), std::string("\xF0\xFF\xFF\xFF\xFF\xFF\xFF\xFF", 8)}) {
    const std::string bytes = sealed("learner" + std::string(1, 0) + size + "sum?");
    CHECK_THAT(checkpoint_refusal(bytes), Catch::StartsWith("at byte 28: section \"learner\": ") && Catch::EndsWith(" bytes, but only 0 are left"));
  }
}

TEST_CASE("a head that tells of more or fewer sections than there are is refused") {
  // Of the same size: two empty sections, and one that holds as much as the head of another.
  const std::string two = encode_checkpoint(std::vector<CheckpointSection>{{"x", ""}, {"y", ""}});
  const std::string one = encode_checkpoint(std::vector<CheckpointSection>{{"x", "twenty bytes of this"}});
  REQUIRE(one.size() == two.size());
  CHECK(checkpoint_refusal(two.substr(0, 28) + one.substr(28)) == "at byte 68: 0 bytes are left, the head of a section has 20");
  CHECK(checkpoint_refusal(one.substr(0, 28) + two.substr(28)) == "at byte 48: 20 bytes that belong to no section");
}

TEST_CASE("a name that is none is refused") {
  for (const std::string name : {std::string(8, 0), std::string("Learner\0", 8), std::string("lea\0ner\0", 8)})
    CHECK_THAT(checkpoint_refusal(sealed(name + std::string(8, 0) + "sum?")), Catch::StartsWith("at byte 28: \"") && Catch::EndsWith("\" is no name of a section"));
}

}  // namespace
}  // namespace emulsion::wire
