#include "engine/room_key.h"

#include <gtest/gtest.h>

#include <string>

namespace wsd::engine {
namespace {

TEST(RoomKey, Room_IsTheHashTag) {
  EXPECT_EQ(room_key("wsd1:", "chat"), "wsd1:{chat}");
  EXPECT_EQ(room_key("", "a b/c\xC3\xA4"), "{a b/c\xC3\xA4}");
}

TEST(RoomKey, BracesAndPercent_AreEncoded) {
  EXPECT_EQ(room_key("wsd1:", "a{b}%c"), "wsd1:{a%7Bb%7D%25c}");
  EXPECT_EQ(room_key("wsd1:", "%7B"), "wsd1:{%257B}");
}

TEST(RoomKey, RoomOfKey_ReturnsTheRoom) {
  std::string every;
  for (int byte = 0; byte < 256; ++byte) every += static_cast<char>(byte);
  for (const std::string& room : {std::string("chat"), std::string("a{b}%c"), std::string("%7B"),
                                  std::string("}{"), std::string("%"), every}) {
    EXPECT_EQ(room_of_key("wsd1:", room_key("wsd1:", room)), room) << room;
  }
}

TEST(RoomKey, OtherKeys_HaveNoRoom) {
  for (const std::string_view key :
       {"", "wsd1:", "wsd1:{", "wsd1:}", "wsd1:chat", "wsd2:{chat}", "wsd1:{chat}x", "wsd1:{a{b}",
        "wsd1:{a}b}", "wsd1:{a%}", "wsd1:{a%7}", "wsd1:{a%7b}", "wsd1:{a%41}", "wsd1:{a{7B}",
        "wsd1:{a}7D}", "xwsd1:{chat}"}) {
    EXPECT_EQ(room_of_key("wsd1:", key), std::nullopt) << key;
  }
}

// From the specification of Redis Cluster, and from CLUSTER KEYSLOT of Redis 7.0.15.
TEST(RoomKey, SlotOfKey_IsTheSlotOfRedis) {
  EXPECT_EQ(slot_of_key("123456789"), 0x31C3U);  // below 16384, so the CRC itself
  EXPECT_EQ(slot_of_key(""), 0U);
  EXPECT_EQ(slot_of_key("foo"), 12'182U);
  EXPECT_EQ(slot_of_key("bar"), 5'061U);
  EXPECT_EQ(slot_of_key("somekey"), 11'058U);
  EXPECT_EQ(slot_of_key("wsd1:{chat}"), slot_of_key("chat"));
  EXPECT_EQ(slot_of_key("{user1000}.following"), slot_of_key("user1000"));
  EXPECT_EQ(slot_of_key("foo{{bar}}zap"), slot_of_key("{bar"));
  EXPECT_EQ(slot_of_key("foo{bar}{zap}"), slot_of_key("bar"));
  EXPECT_EQ(slot_of_key("\xFF\x80"), 4'727U);
  // An empty hash tag does not count.
  EXPECT_EQ(slot_of_key("foo{}{bar}"), 8'363U);
  EXPECT_EQ(slot_of_key("a}b{c"), 13'587U);
}

}  // namespace
}  // namespace wsd::engine
