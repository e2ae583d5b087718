#include "protocol/message_assembler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "protocol/frame_support.h"

namespace wsd::protocol {
namespace {

constexpr MaskingKey kKey = {0x11, 0x22, 0x33, 0x44};

std::vector<std::uint8_t> masked(std::string_view payload, std::uint64_t offset) {
  std::vector<std::uint8_t> out;
  for (const char each : payload) {
    out.push_back(static_cast<std::uint8_t>(static_cast<std::uint8_t>(each) ^ kKey[offset++ % 4]));
  }
  return out;
}

// Appends one frame's payload in chunks of `chunk` bytes.
void append_frame(MessageAssembler& message, std::string_view payload, std::size_t chunk) {
  for (std::size_t at = 0; at < payload.size(); at += chunk) {
    std::vector<std::uint8_t> block = masked(payload.substr(at, chunk), at);
    ASSERT_TRUE(message.append(block, kKey, at, payload.size() - at));
  }
}

std::string pattern(std::size_t size) {
  std::string out(size, '\0');
  for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<char>(i * 7 + (i >> 9));
  return out;
}

TEST(MessageAssembler, StartsWithNothing) {
  MessageAssembler message;
  EXPECT_FALSE(message.active());
  EXPECT_EQ(message.size(), 0U);
  EXPECT_EQ(message.capacity(), 0U);
  EXPECT_TRUE(message.payload().empty());
}

TEST(MessageAssembler, Rfc6455_5_4_APayloadIsTheFramesInOrder) {
  for (const std::size_t chunk : {1U, 2U, 3U, 4U, 5U, 7U, 64U, 1000U}) {
    MessageAssembler message;
    message.begin(Opcode::kBinary);
    EXPECT_TRUE(message.active());
    EXPECT_EQ(message.opcode(), Opcode::kBinary);
    const std::string first = pattern(301);
    const std::string second = pattern(50);
    append_frame(message, first, chunk);
    append_frame(message, second, chunk);
    append_frame(message, "", chunk);
    EXPECT_EQ(as_text(message.payload()), first + second) << chunk;
    EXPECT_EQ(message.size(), 351U);
  }
}

TEST(MessageAssembler, ReceivingIntoTheBuffer_EqualsAppending) {
  const std::string payload = pattern(200'000);
  MessageAssembler message;
  message.begin(Opcode::kBinary);
  append_frame(message, payload.substr(0, 0), 1);
  std::uint64_t at = 0;
  for (std::size_t turn = 0; at < payload.size(); ++turn) {
    const std::uint64_t left = payload.size() - at;
    const MutableBytes room = message.room(left);
    ASSERT_FALSE(room.empty());
    ASSERT_LE(room.size(), left);
    const std::size_t count = std::min<std::size_t>(room.size(), 1 + turn * 997 % 5003);
    const std::vector<std::uint8_t> wire = masked(payload.substr(at, count), at);
    std::copy(wire.begin(), wire.end(), room.begin());
    message.commit(count, kKey, at);
    at += count;
  }
  EXPECT_TRUE(as_text(message.payload()) == payload);
  EXPECT_EQ(message.capacity(), payload.size());
}

TEST(MessageAssembler, Rfc6455_10_4_AnAnnouncedLengthTakesNoMemory) {
  constexpr std::uint64_t kHuge = std::uint64_t{1} << 50;
  MessageAssembler message;
  message.begin(Opcode::kBinary);
  std::vector<std::uint8_t> one = {0};
  ASSERT_TRUE(message.append(one, kKey, 0, kHuge));
  EXPECT_LE(message.capacity(), std::size_t{64} << 10);
  EXPECT_LE(message.room(kHuge).size(), std::size_t{64} << 10);

  MessageAssembler direct;
  direct.begin(Opcode::kBinary);
  EXPECT_LE(direct.room(kHuge).size(), std::size_t{64} << 10);
}

TEST(MessageAssembler, Capacity_IsProportionalToReceivedBytes) {
  MessageAssembler message;
  message.begin(Opcode::kBinary);
  const std::uint64_t announced = std::uint64_t{1} << 40;
  std::vector<std::uint8_t> chunk(10'000);
  for (std::uint64_t at = 0; at < 3'000'000; at += chunk.size()) {
    ASSERT_TRUE(message.append(chunk, kKey, at, announced - at));
    EXPECT_LE(message.capacity(), std::max<std::uint64_t>(64 << 10, 2 * message.size()));
  }
}

TEST(MessageAssembler, SmallFrameOfKnownSize_IsAllocatedExactly) {
  for (const std::size_t size : {1U, 100U, 65535U, 65536U}) {
    MessageAssembler message;
    message.begin(Opcode::kBinary);
    append_frame(message, pattern(size), 1000);
    EXPECT_EQ(message.capacity(), size);
  }
}

TEST(MessageAssembler, ManyTinyFragmentsAreCopiedALinearNumberOfTimes) {
  MessageAssembler message;
  message.begin(Opcode::kBinary);
  std::size_t moved = 0;
  std::size_t capacity = 0;
  for (std::size_t i = 0; i < 100'000; ++i) {
    std::vector<std::uint8_t> one = {static_cast<std::uint8_t>(i)};
    ASSERT_TRUE(message.append(one, MaskingKey{}, 0, 1));
    if (message.capacity() != capacity) moved += message.size();
    capacity = message.capacity();
  }
  EXPECT_LE(moved, 2 * message.size() + 1000);
  EXPECT_LE(capacity, 2 * message.size());
}

TEST(MessageAssembler, Rfc6455_8_1_TextIsCheckedAcrossChunksAndFragments) {
  const std::string text = "a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80";
  for (std::size_t size = 0; size <= text.size(); ++size) {
    const bool at_code_point = size == 0 || size == 1 || size == 3 || size == 6 || size == 10;
    for (const bool fragments : {false, true}) {
      MessageAssembler message;
      message.begin(Opcode::kText);
      if (fragments) {
        for (std::size_t i = 0; i < size; ++i) append_frame(message, text.substr(i, 1), 1);
      } else {
        append_frame(message, text.substr(0, size), 1);
      }
      EXPECT_TRUE(message.text_valid()) << size;
      EXPECT_EQ(message.text_complete(), at_code_point) << size;
    }
  }
}

TEST(MessageAssembler, Rfc6455_8_1_BadTextIsSeenAtTheByteThatProvesIt) {
  for (const BadText& bad : bad_texts()) {
    MessageAssembler message;
    message.begin(Opcode::kText);
    for (std::size_t i = 0; i < bad.bytes.size(); ++i) {
      append_frame(message, bad.bytes.substr(i, 1), 1);
      EXPECT_EQ(message.text_valid(), i < bad.bad_at) << ::testing::PrintToString(bad.bytes);
    }
    EXPECT_FALSE(message.text_complete());
    append_frame(message, "good", 4);
    EXPECT_FALSE(message.text_complete()) << "bad text does not become good";
  }
}

TEST(MessageAssembler, BinaryIsNeverCheckedAsText) {
  MessageAssembler message;
  message.begin(Opcode::kBinary);
  append_frame(message, "\xFF\xC2", 1);
  EXPECT_TRUE(message.text_valid());
  EXPECT_TRUE(message.text_complete());
}

TEST(MessageAssembler, Rfc6455_10_4_FragmentsAreCounted) {
  const MessageLimits limits{.max_fragments = 5, .max_empty_fragments = 2};
  MessageAssembler message;
  message.begin(Opcode::kBinary);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(message.count_fragment(false, limits), Violation::kNone);
  EXPECT_EQ(message.count_fragment(false, limits), Violation::kTooManyFragments);
  message.reset();
  message.begin(Opcode::kBinary);
  for (int i = 0; i < 2; ++i) EXPECT_EQ(message.count_fragment(true, limits), Violation::kNone);
  EXPECT_EQ(message.count_fragment(false, limits), Violation::kNone);
  EXPECT_EQ(message.count_fragment(true, limits), Violation::kTooManyFragments);
}

TEST(MessageAssembler, Reset_FreesMemoryAndForgetsTheText) {
  MessageAssembler message;
  message.begin(Opcode::kText);
  append_frame(message, "\xFF", 1);
  EXPECT_FALSE(message.text_valid());
  message.reset();
  EXPECT_FALSE(message.active());
  EXPECT_EQ(message.size(), 0U);
  EXPECT_EQ(message.capacity(), 0U);
  message.begin(Opcode::kText);
  append_frame(message, "good \xC3", 3);
  EXPECT_TRUE(message.text_valid());
  EXPECT_FALSE(message.text_complete());
  message.reset();
  message.begin(Opcode::kText);
  EXPECT_TRUE(message.text_complete());
}

}  // namespace
}  // namespace wsd::protocol
