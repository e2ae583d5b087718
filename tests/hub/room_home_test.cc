#include "hub/room_home.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/bytes.h"

namespace wsd::hub {
namespace {

const RoomConfig kTerms;

SharedBytes frame_of_text(std::string_view text) { return SharedBytes::copy_of(as_bytes(text)); }

TEST(RoomHome, KnowsWhichShardsHaveMembers) {
  RoomHome home("r", 9, kTerms);
  EXPECT_EQ(home.name(), "r");
  EXPECT_FALSE(home.has_members());
  home.add(2);
  home.add(0);
  home.add(2);
  ASSERT_EQ(home.shards().size(), 2U);
  EXPECT_EQ(home.shards()[0].shard, 2U);
  EXPECT_EQ(home.shards()[0].members, 2U);
  EXPECT_EQ(home.shards()[1].members, 1U);
  home.remove(2);
  home.remove(0);
  ASSERT_EQ(home.shards().size(), 1U);
  EXPECT_EQ(home.shards()[0].shard, 2U);
  home.remove(2);
  EXPECT_FALSE(home.has_members());
}

TEST(RoomHome, GivesPlacesInOrderWithinItsEpoch) {
  RoomHome home("r", 9, kTerms);
  EXPECT_EQ(home.last().epoch, 9U);
  EXPECT_EQ(home.last().seq, 0U);
  for (std::uint64_t i = 1; i <= 3; ++i) {
    const Position place = home.append(frame_of_text("m"), false);
    EXPECT_EQ(place.epoch, 9U);
    EXPECT_EQ(place.seq, i);
  }
  static_cast<void>(home.take_pending());
  EXPECT_EQ(home.append(frame_of_text("m"), false).seq, 4U);
  EXPECT_EQ(home.last().seq, 4U);
}

TEST(RoomHome, ReturnsPendingFramesOnce) {
  RoomHome home("r", 1, kTerms);
  EXPECT_FALSE(home.has_pending());
  home.append(frame_of_text("a"), true);
  home.append(frame_of_text("b"), false);
  home.append(frame_of_text("c"), true);
  EXPECT_TRUE(home.has_pending());
  EXPECT_EQ(home.take_cost(), 2U);
  EXPECT_EQ(home.take_cost(), 0U);
  const std::vector<SharedBytes> frames = home.take_pending();
  ASSERT_EQ(frames.size(), 3U);
  EXPECT_EQ(as_text(frames[0].bytes()), "a");
  EXPECT_EQ(as_text(frames[2].bytes()), "c");
  EXPECT_FALSE(home.has_pending());
  EXPECT_TRUE(home.take_pending().empty());
}

TEST(RoomHome, KnowsWhichVariantsItsMembersWant) {
  const auto encodings = [](const RoomHome& home) {
    return std::vector<Encoding>(home.encodings().begin(), home.encodings().end());
  };
  RoomHome home("r", 1, kTerms);
  home.add(0, 15);
  home.add(1, 9);
  home.add(2, 15);
  home.add(0);
  EXPECT_EQ(encodings(home), (std::vector<Encoding>{15, 9}));
  home.remove(0, 15);
  EXPECT_EQ(encodings(home), (std::vector<Encoding>{15, 9})) << "another member wants it";
  home.remove(2, 15);
  EXPECT_EQ(encodings(home), (std::vector<Encoding>{9}));
  home.remove(1, 9);
  EXPECT_TRUE(encodings(home).empty());
  EXPECT_TRUE(home.has_members());
}

TEST(RoomHome, PutBackFrames_ArePendingAgain) {
  RoomHome home("r", 1, kTerms);
  home.append(frame_of_text("a"), true);
  home.append(frame_of_text("b"), true);
  home.put_back(home.take_pending());
  EXPECT_TRUE(home.has_pending());
  home.append(frame_of_text("c"), false);
  const std::vector<SharedBytes> frames = home.take_pending();
  ASSERT_EQ(frames.size(), 3U);
  EXPECT_EQ(as_text(frames[0].bytes()), "a");
  EXPECT_EQ(as_text(frames[2].bytes()), "c");
  EXPECT_EQ(home.take_cost(), 2U);
}

}  // namespace
}  // namespace wsd::hub
