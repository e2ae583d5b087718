// Shards in their own threads while members come and go, for the thread sanitizer.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "hub/fake_member.h"
#include "hub/sleeping_waker.h"

namespace wsd::hub {
namespace {

using Texts = std::vector<std::string>;

// Each shard has one resident, one guest and several visitors. The resident is in all rooms from
// start to end. Threads outside the hub make the guest join and leave. A visitor joins one room,
// stays for a few rounds and leaves.
class BusyHub {
 public:
  static constexpr std::uint32_t kShards = 4;
  static constexpr std::uint32_t kOutsiders = 2;
  static constexpr std::size_t kRooms = 5;
  static constexpr int kRounds = 400;  // per shard and outside thread, with one message each
  static constexpr std::size_t kStay = 3;
  static constexpr std::uint32_t kBound = 8;

  BusyHub()
      : hub_({&wakers_[0], &wakers_[1], &wakers_[2], &wakers_[3]}, Shard::Options{kBound, 1}) {}

  void run() {
    std::vector<std::thread> threads;
    for (std::uint32_t i = 0; i < kShards; ++i) threads.emplace_back([this, i] { run_shard(i); });
    for (std::uint32_t i = 0; i < kOutsiders; ++i) {
      threads.emplace_back([this, i] { run_outsider(i); });
    }
    for (std::thread& each : threads) each.join();
    settle();
  }

  [[nodiscard]] Shard& shard(std::uint32_t i) { return hub_.shard(i); }
  // Returns the messages that a member has received from a room.
  [[nodiscard]] static Texts of_room(const FakeMember& member, std::size_t room) {
    Texts texts;
    for (const std::string& text : member.received) {
      if (text.starts_with(room_name(room) + "/")) texts.push_back(text);
    }
    return texts;
  }
  [[nodiscard]] const FakeMember& resident(std::uint32_t i) const { return parts_[i].resident; }
  [[nodiscard]] const FakeMember& guest(std::uint32_t i) const { return parts_[i].guest; }
  [[nodiscard]] const auto& visitors(std::uint32_t i) const { return parts_[i].gone; }

 private:
  using Visitors = std::deque<std::unique_ptr<FakeMember>>;
  // Belongs to the thread of a shard.
  struct Part {
    FakeMember resident;
    FakeMember guest;
    Visitors here;
    Visitors gone;
  };

  // In each round, every publisher sends one message to a room, and every outside thread also sends
  // one message to the member.
  static constexpr std::size_t kExpected = (kShards + 2 * kOutsiders) * std::size_t{kRounds};

  [[nodiscard]] static std::string room_name(std::size_t room) {
    return "room " + std::to_string(room % kRooms);
  }
  [[nodiscard]] static SharedBytes message(std::size_t room, std::uint32_t publisher, int number) {
    return frame_of(room_name(room) + "/" + std::to_string(publisher) + "/" +
                    std::to_string(100'000 + number));
  }

  void run_shard(std::uint32_t i) {
    Shard& shard = hub_.shard(i);
    Part& part = parts_[i];
    shard.add(part.resident);
    shard.add(part.guest);
    for (std::size_t room = 0; room < kRooms; ++room) shard.join(part.resident, room_name(room));
    bool joined = false;
    bool held = false;
    bool done = false;
    int round = 0;
    while (finished_.load(std::memory_order_acquire) != kShards) {
      const std::uint32_t wakes = wakers_[i].count();
      shard.drain();
      if (shard.take_resumed()) held = false;
      if (!joined && in_all_rooms(part.resident)) {
        joined = true;
        tell_all(joined_);
      }
      const bool begun = joined_.load(std::memory_order_acquire) == kShards;
      if (begun && !held && round < kRounds) held = !go_round(i, round++);
      shard.fan_out();
      if (!done && part.resident.received.size() == kExpected) {
        done = true;
        tell_all(finished_);
      }
      const bool more = begun && !held && round < kRounds;
      if (!more && !shard.has_pending() && shard.arm()) wakers_[i].sleep_unless_woken_since(wakes);
    }
    while (!part.here.empty()) see_off(i);
    shard.remove(part.guest);
    shard.remove(part.resident);
  }

  // Adds a visitor, removes the oldest one, and publishes a message. Returns false if the gate
  // stops the publisher.
  [[nodiscard]] bool go_round(std::uint32_t i, int round) {
    Shard& shard = hub_.shard(i);
    Part& part = parts_[i];
    const std::size_t room = static_cast<std::size_t>(round) + i;
    part.here.push_back(std::make_unique<FakeMember>());
    shard.add(*part.here.back());
    shard.join(*part.here.back(), room_name(room));
    if (part.here.size() > kStay) see_off(i);
    return shard.publish(room_name(room + 1), message(room + 1, i, round)) ==
           PublishOutcome::kAccepted;
  }

  void see_off(std::uint32_t i) {
    Part& part = parts_[i];
    hub_.shard(i).remove(*part.here.front());
    part.gone.push_back(std::move(part.here.front()));
    part.here.pop_front();
  }

  void run_outsider(std::uint32_t outsider) {
    while (joined_.load(std::memory_order_acquire) != kShards) std::this_thread::yield();
    for (int round = 0; round < kRounds; ++round) {
      const std::size_t room = static_cast<std::size_t>(round) + outsider;
      until_sent(
          [&] { return hub_.publish(room_name(room), message(room, kShards + outsider, round)); });
      for (std::uint32_t i = 0; i < kShards; ++i) {
        until_sent([&] { return hub_.send(parts_[i].resident.id(), frame_of("for you alone")); });
        if (round % 2 == 0) {
          until_sent([&] { return hub_.join(parts_[i].guest.id(), room_name(room)); });
        } else {
          until_sent([&] { return hub_.leave(parts_[i].guest.id(), room_name(room - 1)); });
        }
      }
    }
  }

  template <class Send>
  static void until_sent(const Send& send) {
    while (send() == SendResult::kCongested) std::this_thread::yield();
  }

  [[nodiscard]] static bool in_all_rooms(FakeMember& member) {
    for (std::size_t room = 0; room < kRooms; ++room) {
      if (!member.is_in(room_name(room))) return false;
    }
    return true;
  }

  // The count is not mail, so shards that sleep need a wake-up.
  void tell_all(std::atomic<std::uint32_t>& count) {
    count.fetch_add(1, std::memory_order_acq_rel);
    for (SleepingWaker& each : wakers_) each.wake();
  }

  // Handles the mail that the threads have left, in this thread.
  void settle() {
    for (bool idle = false; !idle;) {
      for (std::uint32_t i = 0; i < kShards; ++i) {
        shard(i).drain();
        shard(i).fan_out();
        static_cast<void>(shard(i).take_resumed());
      }
      idle = true;
      for (std::uint32_t i = 0; i < kShards; ++i) {
        idle = idle && shard(i).arm() && !shard(i).has_pending();
      }
    }
  }

  std::array<SleepingWaker, kShards> wakers_;
  Hub hub_;
  std::array<Part, kShards> parts_;
  std::atomic<std::uint32_t> joined_{0};
  std::atomic<std::uint32_t> finished_{0};
};

TEST(HubStress, MembersComeAndGoAndEachRoomKeepsOneOrder) {
  BusyHub hub;
  hub.run();
  for (std::size_t room = 0; room < BusyHub::kRooms; ++room) {
    const Texts all = BusyHub::of_room(hub.resident(0), room);
    std::map<std::string, std::size_t> place;
    for (const std::string& text : all) place.emplace(text, place.size());
    EXPECT_EQ(place.size(), all.size()) << "a message came twice";
    const auto places = [&](const FakeMember& member) {
      std::vector<std::size_t> found;
      for (const std::string& text : BusyHub::of_room(member, room))
        found.push_back(place.at(text));
      return found;
    };
    for (std::uint32_t i = 0; i < BusyHub::kShards; ++i) {
      EXPECT_EQ(BusyHub::of_room(hub.resident(i), room), all);
      const std::vector<std::size_t> of_guest = places(hub.guest(i));
      EXPECT_TRUE(std::is_sorted(of_guest.begin(), of_guest.end(), std::less_equal<>()));
      EXPECT_EQ(hub.visitors(i).size(), std::size_t{BusyHub::kRounds});
      for (const auto& visitor : hub.visitors(i)) {
        // The visitor missed no message between its first and its last.
        const std::vector<std::size_t> of_visitor = places(*visitor);
        for (std::size_t k = 1; k < of_visitor.size(); ++k) {
          ASSERT_EQ(of_visitor[k], of_visitor[k - 1] + 1);
        }
      }
    }
  }
}

TEST(HubStress, CountsReturnToZero) {
  BusyHub hub;
  hub.run();
  for (std::uint32_t i = 0; i < BusyHub::kShards; ++i) {
    EXPECT_EQ(hub.shard(i).member_count(), 0U);
    EXPECT_EQ(hub.shard(i).room_count(), 0U);
    EXPECT_EQ(hub.shard(i).home_count(), 0U);
    EXPECT_EQ(hub.shard(i).publish_gate().queued(), 0U);
    EXPECT_EQ(hub.shard(i).deliver_gate().queued(), 0U);
  }
}

}  // namespace
}  // namespace wsd::hub
