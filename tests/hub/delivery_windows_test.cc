#include "hub/delivery_windows.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"

namespace wsd::hub {
namespace {

constexpr std::uint64_t kMs = 1'000'000;

RoomConfig with_window(std::uint64_t window_ns) { return {{}, {}, window_ns}; }

struct Rig {
  // Rooms whose names begin with "slow-" have a window of 50 ms, "now-" none, and all others 5 ms.
  RoomConfigTable configs{{{"slow-*", with_window(50 * kMs)}, {"now-*", with_window(0)}},
                          with_window(5 * kMs)};
  DeliveryWindows windows{configs};
  RoomQueue due;
  std::vector<std::unique_ptr<RoomHome>> rooms;
  std::vector<std::string> names;

  // Returns a room with a pending message of `bytes` since `now_ns`.
  RoomHome& room(const char* name, std::uint64_t now_ns, std::size_t bytes = 1) {
    rooms.push_back(std::make_unique<RoomHome>(name, 1, configs.of(name)));
    RoomHome& made = *rooms.back();
    made.first_pending_ns = now_ns;
    made.append(SharedBytes::make(bytes), 0);
    return made;
  }
  RoomHome& waiting(const char* name, std::uint64_t now_ns) {
    RoomHome& made = room(name, now_ns);
    windows.add(made);
    return made;
  }
  std::string ended(std::uint64_t now_ns) {
    windows.take_ended(now_ns, due);
    std::string all;
    while (!due.empty()) all += std::string(due.pop().name()) + " ";
    return all;
  }
};

TEST(DeliveryWindows, NoWindow_NotInUse) {
  const RoomConfigTable configs({{"a", {}}}, {});
  const DeliveryWindows windows(configs);
  EXPECT_FALSE(windows.in_use());
  EXPECT_EQ(windows.longest_ns(), 0U);
  EXPECT_EQ(windows.next_end_ns(), DeliveryWindows::kNever);
}

TEST(DeliveryWindows, RoomWithoutWindow_IsNeverHeldBack) {
  Rig rig;
  EXPECT_TRUE(rig.windows.in_use());
  EXPECT_EQ(rig.windows.longest_ns(), 50 * kMs);
  EXPECT_FALSE(rig.windows.holds_back(rig.room("now-1", 0), 0));
}

TEST(DeliveryWindows, RoomIsHeldBackUntilItsWindowEnds) {
  Rig rig;
  RoomHome& room = rig.room("a", kMs);
  EXPECT_TRUE(rig.windows.holds_back(room, kMs));
  EXPECT_TRUE(rig.windows.holds_back(room, 6 * kMs - 1));
  EXPECT_FALSE(rig.windows.holds_back(room, 6 * kMs));
}

TEST(DeliveryWindows, RoomWithoutPendingMessage_IsNotHeldBack) {
  Rig rig;
  RoomHome& room = rig.room("a", kMs);
  static_cast<void>(room.take_pending());
  EXPECT_FALSE(rig.windows.holds_back(room, kMs));
}

TEST(DeliveryWindows, ManyBytesOrMessages_EndTheWindow) {
  Rig rig;
  EXPECT_TRUE(rig.windows.holds_back(rig.room("a", 0, DeliveryWindows::kMostBytes - 1), 0));
  EXPECT_FALSE(rig.windows.holds_back(rig.room("b", 0, DeliveryWindows::kMostBytes), 0));
  RoomHome& room = rig.room("c", 0);
  while (room.pending_count() < DeliveryWindows::kMostMessages - 1) {
    room.append(SharedBytes::make(1), 0);
  }
  EXPECT_TRUE(rig.windows.holds_back(room, 0));
  room.append(SharedBytes::make(1), 0);
  EXPECT_FALSE(rig.windows.holds_back(room, 0));
}

TEST(DeliveryWindows, RoomsEndInTheOrderOfTheirWindows) {
  Rig rig;
  rig.waiting("slow-1", 0);
  rig.waiting("a", kMs);
  rig.waiting("b", 2 * kMs);
  EXPECT_EQ(rig.windows.next_end_ns(), 6 * kMs);
  EXPECT_EQ(rig.ended(6 * kMs - 1), "");
  EXPECT_EQ(rig.ended(6 * kMs), "a ");
  EXPECT_EQ(rig.windows.next_end_ns(), 7 * kMs);
  EXPECT_EQ(rig.ended(49 * kMs), "b ");
  EXPECT_EQ(rig.windows.next_end_ns(), 50 * kMs);
  EXPECT_EQ(rig.ended(50 * kMs), "slow-1 ");
  EXPECT_EQ(rig.windows.next_end_ns(), DeliveryWindows::kNever);
}

TEST(DeliveryWindows, RoomThatIsAddedLate_EndsInItsPlace) {
  Rig rig;
  rig.waiting("a", kMs);
  rig.waiting("c", 3 * kMs);
  rig.waiting("b", 2 * kMs);
  rig.waiting("first", 0);
  EXPECT_EQ(rig.windows.next_end_ns(), 5 * kMs);
  EXPECT_EQ(rig.ended(7 * kMs), "first a b ");
  EXPECT_EQ(rig.ended(8 * kMs), "c ");
}

TEST(DeliveryWindows, RoomThatWasRemoved_DoesNotEnd) {
  for (int removed = 0; removed < 3; ++removed) {
    Rig rig;
    for (const char* name : {"a", "b", "c"}) rig.waiting(name, 0);
    RoomHome& room = *rig.rooms[static_cast<std::size_t>(removed)];
    rig.windows.remove(room);
    EXPECT_FALSE(room.queued || room.in_window);
    std::string rest = "a b c ";
    EXPECT_EQ(rig.ended(5 * kMs), rest.erase(static_cast<std::size_t>(2 * removed), 2));
  }
}

TEST(DeliveryWindows, Close_EndsAllWindowsForGood) {
  Rig rig;
  rig.waiting("slow-1", 0);
  rig.waiting("a", 0);
  rig.windows.close(rig.due);
  EXPECT_EQ(rig.ended(0), "slow-1 a ");
  EXPECT_FALSE(rig.windows.holds_back(rig.room("b", 0), 0));
}

}  // namespace
}  // namespace wsd::hub
