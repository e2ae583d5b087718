#include "hub/former_rooms.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>

namespace wsd::hub {
namespace {

TEST(FormerRooms, WithoutATable_KnowsNothing) {
  FormerRooms former;
  EXPECT_EQ(former.find("a"), std::nullopt);
  EXPECT_EQ(former.take("a"), std::nullopt);
  former.discard("a");
}

TEST(FormerRooms, TakesEachPositionOnce) {
  FormerRooms former;
  former.reserve();
  former.remember("a", {7, 3});
  former.reserve();
  EXPECT_EQ(former.find("b"), std::nullopt);
  EXPECT_EQ(former.find("a"), (Position{7, 3}));
  EXPECT_EQ(former.take("a"), (Position{7, 3}));
  EXPECT_EQ(former.take("a"), std::nullopt) << "two rooms must not share an epoch";
  former.remember("a", {7, 0});
  EXPECT_EQ(former.take("a"), (Position{7, 0}));
}

TEST(FormerRooms, DiscardedMessage_UsesUpAPosition) {
  FormerRooms former;
  former.reserve();
  former.remember("a", {7, 3});
  former.discard("a");
  former.discard("b");
  EXPECT_EQ(former.take("a"), (Position{7, 4}));
}

// The table may forget a room, but must never return the position of another one.
TEST(FormerRooms, MoreRoomsThanSlots_ForgetsAndNeverConfuses) {
  FormerRooms former;
  former.reserve();
  constexpr std::uint64_t kRooms = 4 * FormerRooms::kSlots;
  for (std::uint64_t i = 1; i <= kRooms; ++i) former.remember(std::to_string(i), {i, i});
  std::size_t known = 0;
  for (std::uint64_t i = 1; i <= kRooms; ++i) {
    const std::optional<Position> last = former.find(std::to_string(i));
    if (!last) continue;
    ++known;
    EXPECT_EQ(*last, (Position{i, i}));
  }
  EXPECT_LE(known, FormerRooms::kSlots);
  EXPECT_GT(known, FormerRooms::kSlots / 2);
}

}  // namespace
}  // namespace wsd::hub
