#include "net/memory_budget.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <random>
#include <vector>

#include "net/connection.h"
#include "net/reactor_rig.h"

namespace wsd::net {
namespace {

constexpr std::size_t kLimit = 1'000'000;

// The budget never looks into a connection, so an address stands for it.
Connection& holder_of(std::uint32_t slot) {
  return *reinterpret_cast<Connection*>(std::uintptr_t{0x1000} + slot * std::size_t{0x100});
}

// A reactor whose connections share no memory.
class Holders {
 public:
  explicit Holders(MemoryBudget& budget, std::uint32_t reactor = 0, std::size_t limit = kLimit)
      : share_(budget, reactor, limit) {
    share_.make_room(kSlots);
  }
  void set(std::uint32_t slot, std::size_t bytes) {
    share_.count(share_.counted() + bytes - share_.bytes_of(slot));
    share_.set(slot, holder_of(slot), bytes);
  }
  // Ends the holders that the budget names, and returns the slots in that order.
  std::vector<std::uint32_t> relieve(std::vector<std::uint32_t>* woken = nullptr) {
    std::vector<std::uint32_t> ended;
    for (;;) {
      const BudgetShare::Remedy remedy = share_.remedy();
      if (remedy.reactor && woken != nullptr) woken->push_back(*remedy.reactor);
      if (remedy.holder == nullptr) return ended;
      for (std::uint32_t slot = 0; slot < kSlots; ++slot) {
        if (remedy.holder != &holder_of(slot)) continue;
        ended.push_back(slot);
        set(slot, 0);
      }
    }
  }
  BudgetShare* operator->() { return &share_; }

  static constexpr std::uint32_t kSlots = 64;

 private:
  BudgetShare share_;
};

using Slots = std::vector<std::uint32_t>;

TEST(MemoryBudget, WithinTheLimit_NothingEnds) {
  MemoryBudget budget;
  Holders holders(budget);
  holders.set(0, kLimit - 1);
  holders.set(1, 1);
  EXPECT_FALSE(holders->exceeded());
  EXPECT_EQ(holders.relieve(), Slots());
}

TEST(MemoryBudget, LargestHolders_EndFirst) {
  MemoryBudget budget;
  Holders holders(budget);
  holders.set(3, 400'000);
  holders.set(4, 300'000);
  holders.set(5, 10);
  holders.set(6, 500'000);
  holders.set(7, 900'000);
  holders.set(9, 20);  // the newcomer
  EXPECT_EQ(holders.relieve(), (Slots{7, 6}));
  EXPECT_EQ(holders->counted(), 700'030U);
}

TEST(MemoryBudget, AmongEqualHolders_TheOneThatGrewLeastRecentlyEndsFirst) {
  MemoryBudget budget;
  Holders holders(budget);
  for (std::uint32_t slot = 0; slot < 5; ++slot) holders.set(slot, 200'000);
  holders.set(1, 100'000);
  holders.set(1, 200'001);
  EXPECT_EQ(holders.relieve(), (Slots{0}));
}

TEST(MemoryBudget, NoLimit_EndsNothing) {
  MemoryBudget budget;
  Holders holders(budget, 0, 0);
  holders.set(0, ~std::size_t{0} / 4);
  EXPECT_EQ(holders.relieve(), Slots());
}

TEST(MemoryBudget, SharedMemory_IsCounted) {
  MemoryBudget budget;
  Holders holders(budget);
  for (std::uint32_t slot = 0; slot < 5; ++slot) holders->set(slot, holder_of(slot), 900'000);
  holders->count(900'000);
  EXPECT_FALSE(holders->exceeded());
}

// A block that one reactor's queue has added is subtracted by another reactor, which publishes
// first.
TEST(MemoryBudget, FreedOnAnotherReactor_NeverLooksLikeTooMuch) {
  MemoryBudget budget;
  Holders here(budget, 0);
  Holders there(budget, 1);
  here->count(500);
  there->count(std::size_t{0} - 500);
  there->end_turn();
  EXPECT_EQ(budget.bytes(), 0U);
  EXPECT_FALSE(there->exceeded());
  EXPECT_FALSE(here->exceeded());
  here->end_turn();
  EXPECT_EQ(budget.bytes(), 0U);
}

TEST(MemoryBudget, Changes_ArePublishedByTheGrainAndInEachTurn) {
  MemoryBudget budget;
  Holders holders(budget);
  holders->count(BudgetShare::kGrain);
  EXPECT_EQ(budget.bytes(), 0U);
  holders->count(BudgetShare::kGrain + 1);
  EXPECT_EQ(budget.bytes(), BudgetShare::kGrain + 1);
  holders->count(2);
  EXPECT_EQ(budget.bytes(), BudgetShare::kGrain + 1);
  holders->end_turn();
  EXPECT_EQ(budget.bytes(), 2U);
}

// Several reactors

TEST(MemoryBudget, LargestOnAnotherReactor_IsAskedForOnceAndEndsThere) {
  MemoryBudget budget;
  Holders here(budget, 0);
  Holders there(budget, 1);
  there.set(0, 900'000);
  there->end_turn();
  here.set(0, 50'000);
  here.set(1, 51'000);
  Slots woken;
  EXPECT_EQ(here.relieve(&woken), Slots());
  EXPECT_EQ(here.relieve(&woken), Slots());
  here->end_turn();
  EXPECT_EQ(here.relieve(&woken), Slots());
  EXPECT_EQ(woken, Slots{1}) << "once, until it has reacted";
  EXPECT_FALSE(here->take_asked());
  EXPECT_TRUE(there->take_asked());
  EXPECT_FALSE(there->take_asked());
  EXPECT_EQ(there.relieve(&woken), Slots{0});
  EXPECT_FALSE(here->exceeded()) << budget.bytes();
}

// The limit must hold, even if the other reactor does not run.
TEST(MemoryBudget, BeyondTheSlack_AReactorEndsItsOwnLargest) {
  MemoryBudget budget;
  Holders here(budget, 0);
  Holders there(budget, 1);
  there.set(0, 900'000);
  there->end_turn();
  here.set(0, 110'000);
  here.set(1, 115'000);
  EXPECT_EQ(here.relieve(), Slots());
  here.set(2, 1);
  EXPECT_EQ(here.relieve(), Slots{1});
}

TEST(MemoryBudget, AskedInVain_TheRequestGoesOn) {
  MemoryBudget budget;
  Holders here(budget, 0);
  Holders there(budget, 1);
  there.set(0, 600'000);
  there->end_turn();
  here.set(0, 500'000);
  Slots woken;
  EXPECT_EQ(here.relieve(&woken), Slots());
  there.set(0, 510'000);  // less than it was, but still too much
  EXPECT_TRUE(there->take_asked());
  here.set(0, 590'000);
  EXPECT_EQ(there.relieve(&woken), Slots());
  EXPECT_EQ(woken, (Slots{1, 0}));
  EXPECT_TRUE(here->take_asked());
  here->end_turn();
  EXPECT_EQ(here.relieve(), Slots{0});
}

// No holder ends while another one holds more than 5/4 of its bytes, except beyond the slack. The
// total stays within the limit and its slack.
TEST(MemoryBudget, RandomHolders_EndByTheirSize) {
  for (unsigned seed = 0; seed < 200; ++seed) {
    std::mt19937 random(seed);
    MemoryBudget budget;
    std::vector<std::unique_ptr<Holders>> reactors;
    for (std::uint32_t i = 0; i < 3; ++i) reactors.push_back(std::make_unique<Holders>(budget, i));
    const auto total = [&] {
      std::size_t sum = 0;
      for (const auto& each : reactors) sum += (*each)->counted();
      return sum;
    };
    for (int step = 0; step < 500; ++step) {
      Holders& holders = *reactors[random() % 3];
      if (random() % 3 != 0) {
        holders.set(random() % Holders::kSlots, random() % (1U << random() % 18));
      } else {
        holders->end_turn();
        static_cast<void>(holders->take_asked());
      }
      for (;;) {
        const std::size_t before = total();
        const BudgetShare::Remedy remedy = holders->remedy();
        if (remedy.holder == nullptr) break;
        std::size_t largest = 0;
        std::size_t ended = 0;
        std::uint32_t ended_slot = 0;
        for (std::uint32_t slot = 0; slot < Holders::kSlots; ++slot) {
          for (const auto& each : reactors) largest = std::max(largest, (*each)->bytes_of(slot));
          if (remedy.holder == &holder_of(slot)) {
            ended = holders->bytes_of(slot);
            ended_slot = slot;
          }
        }
        if (before <= kLimit + kLimit / BudgetShare::kSlack) {
          ASSERT_GE(ended * 5 / 4 + 1, largest) << seed;
        }
        ASSERT_GT(before + 2 * BudgetShare::kGrain, kLimit);
        holders.set(ended_slot, 0);
      }
      ASSERT_LE(total(), kLimit + kLimit / BudgetShare::kSlack + 3 * BudgetShare::kGrain) << seed;
    }
    for (const auto& each : reactors) {
      for (std::uint32_t slot = 0; slot < Holders::kSlots; ++slot) each->set(slot, 0);
      (*each)->end_turn();
    }
    ASSERT_EQ(budget.bytes(), 0U);
  }
}

// On connections

using test::Peer;

SharedBytes frame_of_size(std::size_t size) {
  return protocol::make_frame(protocol::Opcode::kText, as_bytes(std::string(size, 'x')));
}

// Connections whose peers do not read. The kernel takes little, so that nearly all output is
// queued.
class DeafPeers {
 public:
  explicit DeafPeers(std::size_t limit, std::uint32_t reactors = 1)
      : rig_(settings_of(limit), reactors, 65'536, {4096, std::size_t{16} << 10, 0}) {}

  // Returns the id of a new connection.
  ConnectionId open() {
    Peer& peer = rig_.open(4096);
    rig_.set_deaf(peer, true);
    peers_.push_back(&peer);
    return rig_.app.opened.back();
  }
  void send(ConnectionId id, std::size_t size) {
    ASSERT_EQ(rig_.hub().send(id, frame_of_size(size)), SendResult::kSent);
    const std::size_t wanted = queued(id) + size / 2;
    ASSERT_TRUE(rig_.until([&] { return queued(id) >= wanted || !rig_.app.ends.empty(); }));
  }
  std::size_t queued(ConnectionId id) {
    const Connection* const connection = rig_.reactor(hub::shard_of(id)).find(id);
    return connection == nullptr ? 0 : connection->queued_bytes();
  }
  ReactorRig* operator->() { return &rig_; }
  void close_all() {
    for (Peer* const each : peers_) each->close();
    EXPECT_TRUE(rig_.until([&] { return rig_.counts.connections.load() == 0; }));
    rig_.turn();
    EXPECT_EQ(rig_.counts.output.bytes(), 0U);
  }

 private:
  static ReactorSettings settings_of(std::size_t limit) {
    ReactorSettings settings = calm_settings();
    settings.session.message.max_message_bytes = std::size_t{16} << 20;
    settings.send_queue.bytes = std::size_t{64} << 20;
    settings.max_output_bytes = limit;
    return settings;
  }

  ReactorRig rig_;
  std::vector<Peer*> peers_;
};

TEST(MemoryBudget, LargestSendQueue_EndsFirst) {
  for (const std::uint32_t reactors : {1U, 2U}) {
    DeafPeers peers(8'000'000, reactors);
    const ConnectionId small = peers.open();
    const ConnectionId largest = peers.open();
    const ConnectionId other = peers.open();
    const ConnectionId newcomer = peers.open();
    peers.send(small, 500'000);
    peers.send(largest, 5'000'000);
    peers.send(other, 2'000'000);
    EXPECT_TRUE(peers->app.ends.empty());
    EXPECT_GT(peers->counts.output.bytes(), 7'000'000U);
    peers.send(newcomer, 1'000'000);
    const EndNote end = peers->end();
    EXPECT_EQ(end.record.id, largest);
    EXPECT_EQ(end.record.close.cause, CloseCause::kOutputBudget);
    for (const ConnectionId each : {small, other, newcomer}) EXPECT_GT(peers.queued(each), 0U);
    EXPECT_LT(peers->counts.output.bytes(), 4'000'000U) << "freed at once";
    peers.close_all();
  }
}

// A queue frees a large message only when all of it was sent.
TEST(MemoryBudget, QueueCountsAllMemoryThatItHolds) {
  DeafPeers peers(100'000'000);
  const ConnectionId id = peers.open();
  peers.send(id, 3'000'000);
  EXPECT_GE(peers->counts.output.bytes(), 3'000'000U);
  EXPECT_LE(peers->counts.output.bytes(), 3'000'000U * 11 / 10);
  // Small frames cost more than their bytes.
  const std::size_t before = peers->counts.output.bytes();
  for (int i = 0; i < 1000; ++i) {
    ASSERT_EQ(peers->hub().send(id, frame_of_size(1)), SendResult::kSent);
  }
  ASSERT_TRUE(peers->until([&] { return peers->counts.output.bytes() > before + 50'000; }));
  peers.close_all();
}

TEST(MemoryBudget, MessageThatSeveralQueuesShare_CountsOnce) {
  DeafPeers peers(100'000'000, 2);
  peers->app.open = [&](Connection& connection) {
    peers->shard(hub::shard_of(connection.id())).join(connection, "room");
  };
  std::vector<ConnectionId> members;
  for (int i = 0; i < 8; ++i) members.push_back(peers.open());
  const auto all_queued = [&](std::size_t bytes) {
    return std::all_of(members.begin(), members.end(),
                       [&](ConnectionId id) { return peers.queued(id) > bytes; });
  };
  ASSERT_EQ(peers->hub().publish("room", frame_of_size(2'000'000)), SendResult::kSent);
  ASSERT_TRUE(peers->until([&] { return all_queued(1'000'000); }));
  EXPECT_GE(peers->counts.output.bytes(), 2'000'000U);
  EXPECT_LE(peers->counts.output.bytes(), 2'200'000U);
  peers.close_all();
}

// A queue that has been sent is no longer the largest.
TEST(MemoryBudget, QueueThatHasDrained_DoesNotEnd) {
  DeafPeers peers(8'000'000);
  Peer& reader = peers->open();
  const ConnectionId drained = peers->app.opened.back();
  ASSERT_EQ(peers->hub().send(drained, frame_of_size(5'000'000)), SendResult::kSent);
  EXPECT_EQ(peers->frame(reader).payload.size(), 5'000'000U);
  const ConnectionId second = peers.open();
  const ConnectionId third = peers.open();
  peers.send(second, 4'000'000);
  peers.send(third, 6'000'000);
  EXPECT_EQ(peers->end().record.id, third);
  EXPECT_GT(peers.queued(second), 0U);
  reader.close();
  peers.close_all();
}

}  // namespace
}  // namespace wsd::net
