#include "hub/publish_keys.h"

#include <gtest/gtest.h>

#include <string>

namespace wsd::hub {
namespace {

constexpr Tick kLife = ticks_for_ms(kPublishKeyMs);

PublishKey key_of(const std::string& text, std::uint64_t fingerprint = 1) {
  return {text, fingerprint, {}};
}

// Remembers a message with this key and position.
void add(PublishKeys& keys, const std::string& room, const std::string& key, std::uint64_t seq,
         Tick now) {
  keys.add(room, key_of(key));
  keys.place(room, key, {1, seq}, now);
}

TEST(PublishKeys, KeyIsOfItsRoom) {
  PublishKeys keys;
  add(keys, "ab", "c", 1, 0);
  add(keys, "a", "bc", 2, 0);
  ASSERT_NE(keys.find("ab", "c", 0), nullptr);
  EXPECT_EQ(keys.find("ab", "c", 0)->position, (Position{1, 1}));
  EXPECT_EQ(keys.find("a", "bc", 0)->position, (Position{1, 2}));
  EXPECT_EQ(keys.find("b", "c", 0), nullptr);
  EXPECT_EQ(keys.find("", "abc", 0), nullptr);
}

TEST(PublishKeys, KeyIsForgottenAfterFiveMinutes) {
  PublishKeys keys;
  add(keys, "a", "1", 1, 100);
  add(keys, "a", "2", 2, 101);
  EXPECT_NE(keys.find("a", "1", 100 + kLife - 1), nullptr);
  EXPECT_EQ(keys.find("a", "1", 100 + kLife), nullptr);
  EXPECT_NE(keys.find("a", "2", 100 + kLife), nullptr);
  EXPECT_EQ(keys.find("a", "2", 101 + kLife), nullptr);
  EXPECT_EQ(keys.size(), 0U);
}

TEST(PublishKeys, MessageWithoutAPosition_IsKept) {
  PublishKeys keys;
  keys.add("a", key_of("1", 9));
  const PublishKeys::Entry* const found = keys.find("a", "1", 10 * kLife);
  ASSERT_NE(found, nullptr);
  EXPECT_FALSE(found->placed);
  EXPECT_EQ(found->fingerprint, 9U);
  keys.place("a", "1", {3, 4}, 10 * kLife);
  EXPECT_TRUE(keys.find("a", "1", 10 * kLife)->placed);
}

TEST(PublishKeys, RefusedMessage_IsForgotten) {
  PublishKeys keys;
  keys.add("a", key_of("1"));
  keys.remove("a", "1");
  EXPECT_EQ(keys.find("a", "1", 0), nullptr);
}

TEST(PublishKeys, TooManyKeys_ForgetTheOldest) {
  PublishKeys keys;
  keys.add("a", key_of("under way"));
  for (std::size_t i = 1; i <= PublishKeys::kMostKeys; ++i) {
    add(keys, "a", std::to_string(i), i, 0);
  }
  EXPECT_EQ(keys.size(), PublishKeys::kMostKeys);
  EXPECT_EQ(keys.find("a", "1", 0), nullptr);
  EXPECT_NE(keys.find("a", "2", 0), nullptr);
  EXPECT_NE(keys.find("a", "under way", 0), nullptr);
}

TEST(PublishKeys, TooManyBytes_ForgetTheOldest) {
  PublishKeys keys;
  const std::string room(std::size_t{1} << 20, 'r');
  for (std::size_t i = 1; i <= 16; ++i) add(keys, room, std::to_string(i), i, 0);
  EXPECT_EQ(keys.size(), 15U);
  EXPECT_EQ(keys.find(room, "1", 0), nullptr);
  EXPECT_NE(keys.find(room, "16", 0), nullptr);
}

TEST(PublishKeys, Fingerprint_IsOfTypeAndPayload_AndEqualOnAllNodes) {
  const std::uint64_t text = fingerprint_of(MessageType::kText, "a");
  EXPECT_NE(text, fingerprint_of(MessageType::kBinary, "a"));
  EXPECT_NE(text, fingerprint_of(MessageType::kText, "b"));
  EXPECT_NE(text, fingerprint_of(MessageType::kText, ""));
  // The value is part of the format in Redis: nodes of two versions compare it.
  EXPECT_EQ(text, 4585380550275065686U);
}

}  // namespace
}  // namespace wsd::hub
