#include "hub/hub.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "hub/fake_member.h"
#include "hub/sleeping_waker.h"

namespace wsd::hub {
namespace {

using Texts = std::vector<std::string>;

TEST(Hub, EveryRoomHasOneHomeAndHomesAreSpread) {
  ManualHub hub(3);
  std::array<int, 3> share{};
  for (int i = 0; i < 3000; ++i) {
    const std::uint32_t home = hub.hub().home_of("room " + std::to_string(i));
    ASSERT_LT(home, 3U);
    ASSERT_EQ(home, hub.hub().home_of("room " + std::to_string(i)));
    ++share[home];
  }
  for (const int each : share) EXPECT_GT(each, 700);
  EXPECT_EQ(ManualHub(1).hub().home_of("any"), 0U);
}

TEST(Hub, OutsidersReachMembersOfAnyShard) {
  ManualHub hub(2);
  FakeMember member;
  const ConnectionId id = hub.shard(1).add(member);
  const std::string room = hub.room_at(0);
  EXPECT_EQ(hub.hub().join(id, room), SendResult::kSent);
  hub.settle();
  EXPECT_TRUE(member.is_in(room));
  EXPECT_EQ(hub.hub().publish(room, frame_of("published")), SendResult::kSent);
  EXPECT_EQ(hub.hub().send(id, frame_of("sent")), SendResult::kSent);
  hub.settle();
  std::sort(member.received.begin(), member.received.end());
  EXPECT_EQ(member.received, (Texts{"published", "sent"}));
  EXPECT_EQ(hub.hub().leave(id, room), SendResult::kSent);
  hub.hub().close(id, static_cast<CloseCode>(4000), "bye");
  hub.settle();
  EXPECT_FALSE(member.is_in(room));
  EXPECT_EQ(member.closes, 1);
  EXPECT_EQ(member.close_cause, CloseCause::kApplicationClosed);
  EXPECT_EQ(static_cast<int>(member.close_code), 4000);
  EXPECT_EQ(member.close_reason, "bye");
  hub.shard(1).remove(member);
}

TEST(Hub, OutsidersAreRefusedAtTheBoundAndNothingIsQueued) {
  ManualHub hub(1, 3);
  FakeMember member;
  const ConnectionId id = hub.shard(0).add(member);
  hub.shard(0).join(member, "room");
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(hub.hub().publish("room", frame_of("x")), SendResult::kSent);
  }
  EXPECT_EQ(hub.hub().publish("room", frame_of("y")), SendResult::kCongested);
  EXPECT_EQ(hub.hub().send(id, frame_of("y")), SendResult::kCongested);
  hub.settle();
  EXPECT_EQ(member.received, (Texts{"x", "x", "x"}));
  EXPECT_EQ(hub.hub().send(id, frame_of("z")), SendResult::kSent);
  hub.settle();
  EXPECT_EQ(member.received.back(), "z");
  EXPECT_EQ(hub.shard(0).publish_gate().queued(), 0U);
  hub.shard(0).remove(member);
}

TEST(Hub, IdsOfNoShardAreNobody) {
  ManualHub hub(2);
  const ConnectionId nobody = std::uint64_t{1} << 32 | std::uint64_t{200} << 24;
  EXPECT_EQ(hub.hub().send(nobody, frame_of("x")), SendResult::kClosed);
  hub.hub().close(nobody, CloseCode::kNormalClosure, "");
  EXPECT_EQ(hub.hub().join(nobody, "room"), SendResult::kClosed);
  EXPECT_EQ(hub.hub().leave(nobody, "room"), SendResult::kClosed);
  EXPECT_TRUE(hub.shard(0).arm());
  EXPECT_TRUE(hub.shard(1).arm());
}

// Every interleaving of the steps of several shards

// The steps of one shard, in order, as its reactor takes them.
using Program = std::vector<std::function<void()>>;

// Calls `run` with each interleaving of programs with these lengths, as a list of program numbers.
void each_interleaving(std::vector<std::size_t> left, std::vector<std::size_t>& so_far,
                       const std::function<void(const std::vector<std::size_t>&)>& run) {
  bool done = true;
  for (std::size_t i = 0; i < left.size() && !::testing::Test::HasFatalFailure(); ++i) {
    if (left[i] == 0) continue;
    done = false;
    --left[i];
    so_far.push_back(i);
    each_interleaving(left, so_far, run);
    so_far.pop_back();
    ++left[i];
  }
  if (done) run(so_far);
}

// One run. A witness on the home shard is in the room from the start, and each shard has one
// member.
class Scene {
 public:
  Scene(std::uint32_t shards, std::uint32_t home)
      : hub_(shards), room_(hub_.room_at(home)), members_(shards) {
    hub_.shard(home).add(witness_);
    hub_.shard(home).join(witness_, room_);
    for (std::uint32_t i = 0; i < shards; ++i) hub_.shard(i).add(members_[i]);
    hub_.settle();
  }
  ~Scene() {
    hub_.shard(hub_.hub().home_of(room_)).remove(witness_);
    for (std::uint32_t i = 0; i < hub_.size(); ++i) hub_.shard(i).remove(members_[i]);
    hub_.settle();
    for (std::uint32_t i = 0; i < hub_.size(); ++i) {
      EXPECT_EQ(hub_.shard(i).home_count(), 0U);
      EXPECT_EQ(hub_.shard(i).room_count(), 0U);
      EXPECT_EQ(hub_.shard(i).publish_gate().queued(), 0U);
      EXPECT_EQ(hub_.shard(i).deliver_gate().queued(), 0U);
    }
  }

  std::function<void()> join(std::uint32_t i) {
    return [this, i] { hub_.shard(i).join(members_[i], room_); };
  }
  std::function<void()> leave(std::uint32_t i) {
    return [this, i] {
      hub_.shard(i).leave(members_[i], room_);
      ASSERT_TRUE(members_[i].memberships().empty());
    };
  }
  std::function<void()> publish(std::uint32_t i, const char* text) {
    return [this, i, text] { static_cast<void>(hub_.shard(i).publish(room_, frame_of(text))); };
  }
  std::function<void()> drain(std::uint32_t i) {
    return [this, i] { hub_.shard(i).drain(); };
  }
  std::function<void()> fan_out(std::uint32_t i) {
    return [this, i] { hub_.shard(i).fan_out(); };
  }

  void settle() { hub_.settle(); }
  [[nodiscard]] const Texts& order() const { return witness_.received; }
  [[nodiscard]] const Texts& received(std::uint32_t i) const { return members_[i].received; }
  [[nodiscard]] bool has(std::uint32_t i, const std::string& text) const {
    const Texts& all = members_[i].received;
    return std::find(all.begin(), all.end(), text) != all.end();
  }

 private:
  ManualHub hub_;
  std::string room_;
  FakeMember witness_;
  std::deque<FakeMember> members_;
};

// Runs the programs that `write` returns in every interleaving, each in a new scene, and then calls
// `judge`.
void explore(std::uint32_t shards, std::uint32_t home,
             const std::function<std::vector<Program>(Scene&)>& write,
             const std::function<void(Scene&)>& judge) {
  std::vector<std::size_t> lengths;
  {
    Scene scene(shards, home);
    for (const Program& each : write(scene)) lengths.push_back(each.size());
  }
  std::vector<std::size_t> so_far;
  each_interleaving(lengths, so_far, [&](const std::vector<std::size_t>& order) {
    Scene scene(shards, home);
    const std::vector<Program> programs = write(scene);
    std::vector<std::size_t> at(programs.size());
    for (const std::size_t which : order) programs[which][at[which]++]();
    scene.settle();
    ASSERT_NO_FATAL_FAILURE(judge(scene)) << ::testing::PrintToString(order);
  });
}

bool is_suffix(const Texts& part, const Texts& whole) {
  return part.size() <= whole.size() && std::equal(part.rbegin(), part.rend(), whole.rbegin());
}

bool is_stretch(const Texts& part, const Texts& whole) {
  return std::search(whole.begin(), whole.end(), part.begin(), part.end()) != whole.end() ||
         part.empty();
}

TEST(HubOrders, AJoinRacingWithPublishersOfTwoShardsHasOnePlace) {
  explore(
      2, 0,
      [](Scene& s) {
        return std::vector<Program>{{s.publish(0, "a1"), s.fan_out(0), s.drain(0),
                                     s.publish(0, "a2"), s.fan_out(0), s.drain(0), s.fan_out(0)},
                                    {s.publish(1, "b1"), s.join(1), s.publish(1, "b2"), s.drain(1),
                                     s.fan_out(1), s.drain(1)}};
      },
      [](Scene& s) {
        ASSERT_EQ(s.order().size(), 4U);
        ASSERT_TRUE(is_suffix(s.received(1), s.order()));
        // Mail from one shard stays in order: b1 is ordered before the join, b2 after it.
        ASSERT_TRUE(s.has(1, "b2"));
        ASSERT_FALSE(s.has(1, "b1"));
      });
}

TEST(HubOrders, ThreeShardsSeeOneOrder) {
  explore(
      3, 2,
      [](Scene& s) {
        return std::vector<Program>{{s.join(0), s.publish(0, "a1"), s.publish(0, "a2"), s.drain(0)},
                                    {s.publish(1, "b1"), s.join(1), s.publish(1, "b2"), s.drain(1)},
                                    {s.drain(2), s.fan_out(2), s.drain(2), s.fan_out(2)}};
      },
      [](Scene& s) {
        ASSERT_EQ(s.order().size(), 4U);
        for (std::uint32_t i = 0; i < 2; ++i) ASSERT_TRUE(is_suffix(s.received(i), s.order()));
        ASSERT_TRUE(s.has(0, "a1") && s.has(0, "a2"));
        ASSERT_TRUE(s.has(1, "b2"));
        ASSERT_FALSE(s.has(1, "b1"));
        const auto place = [&](const char* text) {
          return std::find(s.order().begin(), s.order().end(), text);
        };
        ASSERT_LT(place("a1"), place("a2"));
        ASSERT_LT(place("b1"), place("b2"));
      });
}

TEST(HubOrders, LeavingWhileTheJoinIsPendingEndsBeforeTheNextPublish) {
  explore(
      2, 0,
      [](Scene& s) {
        return std::vector<Program>{
            {s.publish(0, "a1"), s.fan_out(0), s.drain(0), s.publish(0, "a2"), s.fan_out(0),
             s.drain(0), s.publish(0, "a3"), s.fan_out(0)},
            {s.join(1), s.drain(1), s.leave(1), s.publish(1, "b1"), s.drain(1)}};
      },
      [](Scene& s) {
        ASSERT_EQ(s.order().size(), 4U);
        const auto end = std::find(s.order().begin(), s.order().end(), "b1");
        ASSERT_TRUE(is_stretch(s.received(1), Texts(s.order().begin(), end)));
      });
}

TEST(HubOrders, JoiningAgainIsAnotherStay) {
  explore(
      2, 0,
      [](Scene& s) {
        return std::vector<Program>{{s.drain(0), s.publish(0, "a1"), s.fan_out(0), s.drain(0),
                                     s.publish(0, "a2"), s.fan_out(0)},
                                    {s.join(1), s.drain(1), s.leave(1), s.publish(1, "gap"),
                                     s.join(1), s.publish(1, "last"), s.drain(1)}};
      },
      [](Scene& s) {
        ASSERT_EQ(s.order().size(), 4U);
        const Texts& all = s.received(1);
        // The first stay ends before "gap", and the second one begins after it.
        const auto gap = std::find(s.order().begin(), s.order().end(), "gap");
        const auto second = std::find_if(all.begin(), all.end(), [&](const std::string& text) {
          return std::find(s.order().begin(), gap, text) == gap;
        });
        ASSERT_TRUE(is_stretch(Texts(all.begin(), second), Texts(s.order().begin(), gap)));
        ASSERT_TRUE(is_suffix(Texts(second, all.end()), Texts(gap + 1, s.order().end())));
        ASSERT_EQ(std::count(all.begin(), all.end(), "last"), 1);
        for (const std::string& text : s.order()) {
          ASSERT_LE(std::count(all.begin(), all.end(), text), 1) << text;
        }
      });
}

// Random schedules, with limits so small that every gate closes often

// Drives shards as reactors do. Paused publishers publish nothing, and a shard that sleeps does
// nothing until it is woken.
class Weather {
 public:
  static constexpr int kRooms = 4;
  static constexpr std::uint32_t kMembers = 3;  // on each shard

  Weather(std::uint32_t shards, std::uint32_t bound, unsigned seed)
      : random_(seed), hub_(shards, bound), states_(shards) {
    for (int room = 0; room < kRooms; ++room) {
      rooms_.push_back(hub_.room_at(static_cast<std::uint32_t>(room) % shards, room));
    }
    // One member of each shard stays in all rooms, so it sees the complete order of each room.
    for (std::uint32_t i = 0; i < shards; ++i) {
      for (FakeMember& each : states_[i].members) hub_.shard(i).add(each);
      for (const std::string& room : rooms_) hub_.shard(i).join(states_[i].members[0], room);
    }
    hub_.settle();
  }

  void step() {
    const auto i = static_cast<std::uint32_t>(random_() % hub_.size());
    State& state = states_[i];
    const std::string& room = rooms_[random_() % rooms_.size()];
    FakeMember& guest = state.members[1 + random_() % (kMembers - 1)];
    switch (random_() % 10) {
      case 0:
        hub_.shard(i).join(guest, room);
        break;
      case 1:
        hub_.shard(i).leave(guest, room);
        break;
      case 2:
      case 3:
        turn(i);
        break;
      case 4:
        if (hub_.hub().publish(room, frame_of(text_of(room, hub_.size()))) == SendResult::kSent) {
          note(room);
        }
        break;
      default:
        if (state.held) break;
        state.held =
            hub_.shard(i).publish(room, frame_of(text_of(room, i))) == PublishOutcome::kCongested;
        note(room);
        state.asleep = false;
        break;
    }
  }

  // Publishing has ended. Each shard runs until it may sleep, and then only if it is woken.
  void calm_down() {
    for (State& state : states_) state.asleep = false;
    for (bool moved = true; moved;) {
      moved = false;
      for (std::uint32_t i = 0; i < hub_.size(); ++i) {
        State& state = states_[i];
        if (state.asleep && hub_.waker(i).wakes == state.wakes_seen) continue;
        moved = true;
        turn(i);
        state.wakes_seen = hub_.waker(i).wakes;
        state.asleep = !hub_.shard(i).has_pending() && hub_.shard(i).arm();
      }
    }
  }

  void judge() {
    std::map<std::string, Texts> orders;
    for (std::uint32_t i = 0; i < hub_.size(); ++i) {
      EXPECT_FALSE(states_[i].held) << "shard " << i;
      EXPECT_FALSE(hub_.shard(i).has_pending());
      EXPECT_EQ(hub_.shard(i).publish_gate().queued(), 0U);
      EXPECT_EQ(hub_.shard(i).deliver_gate().queued(), 0U);
      for (const auto& [room, texts] : by_room(states_[i].members[0].received)) {
        ASSERT_EQ(orders.try_emplace(room, texts).first->second, texts) << "one order for all";
      }
    }
    for (const auto& [room, count] : published_) {
      ASSERT_EQ(orders[room].size(), count) << "no message lost or duplicated";
      expect_publishers_in_order(orders[room]);
    }
    for (State& state : states_) {
      for (std::uint32_t m = 1; m < kMembers; ++m) {
        for (const auto& [room, texts] : by_room(state.members[m].received)) {
          expect_in_order(texts, orders[room]);
        }
      }
    }
  }

  void everyone_leaves() {
    for (std::uint32_t i = 0; i < hub_.size(); ++i) {
      for (FakeMember& each : states_[i].members) hub_.shard(i).remove(each);
    }
    calm_down();
    for (std::uint32_t i = 0; i < hub_.size(); ++i) {
      EXPECT_EQ(hub_.shard(i).member_count(), 0U);
      EXPECT_EQ(hub_.shard(i).home_count(), 0U);
      EXPECT_EQ(hub_.shard(i).room_count(), 0U);
    }
  }

 private:
  struct State {
    std::array<FakeMember, kMembers> members;
    bool held = false;
    bool asleep = false;
    int wakes_seen = 0;
  };

  void turn(std::uint32_t i) {
    hub_.shard(i).drain();
    if (hub_.shard(i).take_resumed()) states_[i].held = false;
    hub_.shard(i).fan_out();
  }

  // "room/publisher/number"
  [[nodiscard]] std::string text_of(const std::string& room, std::uint32_t publisher) {
    return room + "/" + std::to_string(publisher) + "/" + std::to_string(10'000'000 + ++number_);
  }
  void note(const std::string& room) { ++published_[room]; }

  [[nodiscard]] static std::map<std::string, Texts> by_room(const Texts& all) {
    std::map<std::string, Texts> rooms;
    for (const std::string& text : all) rooms[text.substr(0, text.find('/'))].push_back(text);
    return rooms;
  }
  static void expect_in_order(const Texts& some, const Texts& order) {
    auto at = order.begin();
    for (const std::string& text : some) {
      at = std::find(at, order.end(), text);
      ASSERT_NE(at, order.end()) << text;
      ++at;
    }
  }
  // Message numbers increase over the whole run, so those of each publisher increase in every room.
  static void expect_publishers_in_order(const Texts& order) {
    std::map<std::string, std::string> last;
    for (const std::string& text : order) {
      const std::size_t slash = text.rfind('/');
      std::string& before = last[text.substr(0, slash)];
      ASSERT_LT(before, text.substr(slash));
      before = text.substr(slash);
    }
  }

  std::mt19937 random_;
  ManualHub hub_;
  std::vector<std::string> rooms_;
  std::deque<State> states_;
  std::map<std::string, std::size_t> published_;
  int number_ = 0;
};

TEST(HubRandom, NothingIsLostDoubledOrStuckUnderSmallBounds) {
  for (unsigned seed = 1; seed <= 120; ++seed) {
    const std::uint32_t shards = 1 + seed % 3;
    const std::uint32_t bound = 2 + seed % 7;
    SCOPED_TRACE(seed);
    Weather weather(shards, bound, seed);
    for (int burst = 0; burst < 3; ++burst) {
      for (int step = 0; step < 300; ++step) weather.step();
      weather.calm_down();
      ASSERT_NO_FATAL_FAILURE(weather.judge());
    }
    weather.everyone_leaves();
  }
}

// Real threads

// Three shards in three threads. Each shard is the home of one room and has a member in every room.
// A thread outside the hub publishes too.
class ThreadedHub {
 public:
  static constexpr std::uint32_t kShards = 3;
  static constexpr int kMessages = 3000;  // from each publisher
  static constexpr std::size_t kTotal = std::size_t{kShards + 1} * kMessages;

  ThreadedHub() : hub_({&wakers_[0], &wakers_[1], &wakers_[2]}, Shard::Options{8, 1}) {
    for (std::uint32_t home = 0; home < kShards; ++home) {
      for (int i = 0; rooms_.size() == home; ++i) {
        const std::string name = "room " + std::to_string(i);
        if (hub_.home_of(name) == home) rooms_.push_back(name);
      }
    }
  }

  void run() {
    std::vector<std::thread> threads;
    for (std::uint32_t i = 0; i < kShards; ++i) threads.emplace_back([this, i] { run_shard(i); });
    threads.emplace_back([this] { run_outsider(); });
    for (std::thread& each : threads) each.join();
  }

  [[nodiscard]] const Texts& received(std::uint32_t i) const { return members_[i].received; }
  [[nodiscard]] const std::string& room(std::uint32_t i) const { return rooms_[i]; }

 private:
  [[nodiscard]] bool all_joined(std::uint32_t i) {
    return std::all_of(rooms_.begin(), rooms_.end(),
                       [&](const std::string& room) { return members_[i].is_in(room); });
  }
  [[nodiscard]] std::string text(std::uint32_t publisher, int number) const {
    return rooms_[static_cast<std::size_t>(number) % kShards] + "/" + std::to_string(publisher) +
           "/" + std::to_string(100'000 + number);
  }

  void run_shard(std::uint32_t i) {
    Shard& shard = hub_.shard(i);
    FakeMember& member = members_[i];
    shard.add(member);
    for (const std::string& room : rooms_) shard.join(member, room);
    bool joined = false;
    bool held = false;
    bool done = false;
    int number = 0;
    while (finished_.load(std::memory_order_acquire) != kShards) {
      const std::uint32_t wakes = wakers_[i].count();
      shard.drain();
      if (shard.take_resumed()) held = false;
      if (!joined && all_joined(i)) {
        joined = true;
        tell_all(joined_);
      }
      const bool may_publish = joined_.load(std::memory_order_acquire) == kShards;
      for (int burst = 0; may_publish && !held && burst < 20 && number < kMessages; ++burst) {
        const std::string& room = rooms_[static_cast<std::size_t>(number) % kShards];
        held = shard.publish(room, frame_of(text(i, number))) == PublishOutcome::kCongested;
        ++number;
      }
      shard.fan_out();
      if (!done && member.received.size() == kTotal) {
        done = true;
        tell_all(finished_);
      }
      const bool more = may_publish && !held && number < kMessages;
      if (!more && !shard.has_pending() && shard.arm()) wakers_[i].sleep_unless_woken_since(wakes);
    }
    shard.remove(member);
  }

  void run_outsider() {
    while (joined_.load(std::memory_order_acquire) != kShards) std::this_thread::yield();
    for (int number = 0; number < kMessages; ++number) {
      const std::string& room = rooms_[static_cast<std::size_t>(number) % kShards];
      while (hub_.publish(room, frame_of(text(kShards, number))) == SendResult::kCongested) {
        std::this_thread::yield();
      }
    }
  }

  // The count is not mail, so shards that sleep need a wake-up.
  void tell_all(std::atomic<std::uint32_t>& count) {
    count.fetch_add(1, std::memory_order_acq_rel);
    for (SleepingWaker& each : wakers_) each.wake();
  }

  std::array<SleepingWaker, kShards> wakers_;
  Hub hub_;
  std::vector<std::string> rooms_;
  std::array<FakeMember, kShards> members_;
  std::atomic<std::uint32_t> joined_{0};
  std::atomic<std::uint32_t> finished_{0};
};

TEST(HubThreads, MembersOfAllShardsSeeOneOrderAndNothingIsLost) {
  ThreadedHub hub;
  hub.run();
  for (std::uint32_t room = 0; room < ThreadedHub::kShards; ++room) {
    const std::string prefix = hub.room(room) + "/";
    std::array<Texts, ThreadedHub::kShards> seen;
    for (std::uint32_t i = 0; i < ThreadedHub::kShards; ++i) {
      for (const std::string& text : hub.received(i)) {
        if (text.starts_with(prefix)) seen[i].push_back(text);
      }
      EXPECT_EQ(seen[i], seen[0]);
    }
    std::map<std::string, std::string> last;
    for (const std::string& text : seen[0]) {
      const std::size_t slash = text.rfind('/');
      std::string& before = last[text.substr(0, slash)];
      ASSERT_LT(before, text.substr(slash));
      before = text.substr(slash);
    }
    EXPECT_EQ(last.size(), ThreadedHub::kShards + 1);
  }
}

}  // namespace
}  // namespace wsd::hub
