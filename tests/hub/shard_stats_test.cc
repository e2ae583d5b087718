#include "hub/shard_stats.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "hub/fake_member.h"

namespace wsd::hub {
namespace {

using Taken = std::vector<std::pair<std::uint64_t, std::uint64_t>>;

Taken take(PlacedTimes& times, std::uint64_t now_ns) {
  Taken taken;
  times.take(now_ns,
             [&](std::uint64_t ns, std::uint64_t batches) { taken.emplace_back(ns, batches); });
  return taken;
}

TEST(PlacedTimes, TellsHowLongEachTook) {
  PlacedTimes times;
  EXPECT_EQ(take(times, 100), Taken{});
  times.add(70);
  times.add(70);
  times.add(90);
  EXPECT_EQ(take(times, 100), (Taken{{30, 2}, {10, 1}}));
  EXPECT_EQ(take(times, 200), Taken{}) << "empty afterwards";
}

TEST(PlacedTimes, NothingTakesLessThanNoTime) {
  PlacedTimes times;
  times.add(101);
  EXPECT_EQ(take(times, 100), (Taken{{0, 1}}));
}

TEST(PlacedTimes, TooManyTimes_CountTheYoungestAsOlder) {
  PlacedTimes times;
  for (std::uint64_t i = 0; i < 40; ++i) times.add(1000 + i);
  std::uint64_t batches = 0;
  std::uint64_t least = ~std::uint64_t{0};
  for (const auto& [ns, count] : take(times, 2000)) {
    batches += count;
    least = std::min(least, ns);
  }
  EXPECT_EQ(batches, 40U);
  EXPECT_GE(least, 2000 - 1015U);
}

TEST(ShardStats, CountsRoomsMembersPublishesAndDeliveries) {
  ManualHub hub(2);
  const std::string here = hub.room_at(0);
  const std::string there = hub.room_at(1);
  FakeMember a;
  FakeMember b;
  hub.shard(0).add(a);
  hub.shard(0).add(b);
  for (const std::string& room : {here, there}) hub.shard(0).join(a, room);
  hub.shard(0).join(b, here);
  hub.shard(0).join(b, here);
  hub.settle();
  EXPECT_EQ(hub.shard(0).stats().rooms.value(), 1U);
  EXPECT_EQ(hub.shard(1).stats().rooms.value(), 1U);
  EXPECT_EQ(hub.shard(0).stats().memberships.value(), 3U) << "a second join does not count";
  EXPECT_EQ(hub.shard(1).stats().memberships.value(), 0U);

  for (int i = 0; i < 3; ++i) static_cast<void>(hub.shard(0).publish(here, frame_of("m")));
  static_cast<void>(hub.shard(0).publish(there, frame_of("m")));
  static_cast<void>(hub.shard(0).publish(hub.room_at(0, 7), frame_of("to nobody")));
  hub.settle();
  EXPECT_EQ(hub.shard(0).stats().publishes.value(), 4U);
  EXPECT_EQ(hub.shard(1).stats().publishes.value(), 1U);
  EXPECT_EQ(hub.shard(0).stats().deliveries.value(), a.received.size() + b.received.size());
  EXPECT_EQ(hub.shard(0).stats().deliveries.value(), 7U);
  EXPECT_EQ(hub.shard(1).stats().deliveries.value(), 0U);

  hub.shard(0).leave(b, here);
  hub.shard(0).remove(b);
  hub.shard(0).remove(a);
  hub.settle();
  for (std::uint32_t i = 0; i < 2; ++i) {
    EXPECT_EQ(hub.shard(i).stats().rooms.value(), 0U);
    EXPECT_EQ(hub.shard(i).stats().memberships.value(), 0U);
  }
}

TEST(ShardStats, ADelayBeginsWhereTheOldestMessageGotItsPlace) {
  ManualHub hub(2);
  const std::string room = hub.room_at(0);
  FakeMember near;
  FakeMember far;
  hub.shard(0).add(near);
  hub.shard(1).add(far);
  hub.shard(0).join(near, room);
  hub.shard(1).join(far, room);
  hub.settle();
  hub.shard(0).begin_turn(0, 100);
  static_cast<void>(hub.shard(0).publish(room, frame_of("oldest")));
  hub.shard(0).begin_turn(0, 150);
  static_cast<void>(hub.shard(0).publish(room, frame_of("youngest")));
  hub.shard(1).begin_turn(0, 400);
  hub.settle();
  EXPECT_EQ(near.batches, 1);
  EXPECT_EQ(take(hub.shard(0).placed_times(), 500), (Taken{{400, 1}}));
  EXPECT_EQ(take(hub.shard(1).placed_times(), 600), (Taken{{500, 1}}));
  hub.shard(0).remove(near);
  hub.shard(1).remove(far);
  hub.settle();
}

}  // namespace
}  // namespace wsd::hub
