#include "hub/flow_gate.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "hub/mailbox.h"

namespace wsd::hub {
namespace {

TEST(FlowGate, EnterGoesOnUpToTheBoundAndIsAlwaysCounted) {
  FlowGate gate(10);
  EXPECT_EQ(gate.bound(), 10U);
  EXPECT_TRUE(gate.enter(4, 0));
  EXPECT_TRUE(gate.enter(6, 1));
  EXPECT_EQ(gate.queued(), 10U);
  EXPECT_FALSE(gate.enter(1, 2));
  EXPECT_FALSE(gate.enter(100, 63));
  EXPECT_EQ(gate.queued(), 111U);
  EXPECT_EQ(gate.leave(111), (std::uint64_t{1} << 2) | (std::uint64_t{1} << 63));
}

TEST(FlowGate, LeaveWakesAtHalfTheBoundAndOnce) {
  FlowGate gate(10);
  EXPECT_FALSE(gate.enter(12, 3));
  EXPECT_FALSE(gate.enter(1, 5));
  EXPECT_EQ(gate.leave(3), 0U);  // 10: the limit itself is not enough
  EXPECT_EQ(gate.leave(4), 0U);  // 6
  EXPECT_EQ(gate.leave(1), 0x28U);
  EXPECT_EQ(gate.leave(1), 0U);
  EXPECT_EQ(gate.leave(4), 0U);
  EXPECT_EQ(gate.queued(), 0U);
}

TEST(FlowGate, LeaveWithoutWaitersWakesNobody) {
  FlowGate gate(10);
  EXPECT_TRUE(gate.enter(3, 0));
  EXPECT_EQ(gate.leave(3), 0U);
}

TEST(FlowGate, BoundZeroWaitsForEmpty) {
  FlowGate gate(0);
  EXPECT_FALSE(gate.try_enter(1));
  EXPECT_FALSE(gate.enter(2, 0));
  EXPECT_EQ(gate.leave(1), 0U);
  EXPECT_EQ(gate.leave(1), 1U);
}

TEST(FlowGate, TryEnterRefusesAtTheBoundAndCountsNothing) {
  FlowGate gate(2);
  EXPECT_TRUE(gate.try_enter(1));
  EXPECT_TRUE(gate.try_enter(1));
  EXPECT_FALSE(gate.try_enter(1));
  EXPECT_EQ(gate.queued(), 2U);
  EXPECT_EQ(gate.leave(1), 0U);
  EXPECT_TRUE(gate.try_enter(50));  // starts below the limit
  EXPECT_FALSE(gate.try_enter(1));
  EXPECT_EQ(gate.queued(), 51U);
  EXPECT_EQ(gate.leave(51), 0U);
}

// An atomic that lets a test act as another thread between two steps of the code under test.
struct Interference {
  int countdown = -1;
  void (*act)() = nullptr;
  void step() {
    if (countdown >= 0 && countdown-- == 0) {
      act();
    }
  }
};
Interference& interference() {
  static Interference instance;
  return instance;
}

template <class T>
class SteppedAtomic {
 public:
  explicit SteppedAtomic(T value) : value_(value) {}
  T load(std::memory_order /*order*/) const {
    interference().step();
    return value_;
  }
  T fetch_add(T n, std::memory_order /*order*/) { return replace(value_ + n); }
  T fetch_sub(T n, std::memory_order /*order*/) { return replace(value_ - n); }
  T fetch_or(T n, std::memory_order /*order*/) { return replace(value_ | n); }
  T exchange(T n, std::memory_order /*order*/) { return replace(n, true); }
  bool compare_exchange_weak(T& expected, T desired, std::memory_order /*success*/,
                             std::memory_order /*failure*/) {
    interference().step();
    if (value_ != expected) {
      expected = value_;
      return false;
    }
    value_ = desired;
    return true;
  }

 private:
  // The caller computes `desired` before step(). This is exact only if step() does not change this
  // word. The tests below interfere only with enter(), and its own additions come first.
  T replace(T desired, bool absolute = false) {
    const T seen = value_;
    interference().step();
    const T before = value_;
    value_ = absolute ? desired : static_cast<T>(desired + (before - seen));
    return before;
  }
  T value_;
};

// The whole queue leaves at each point inside enter(). The producer must either continue or be
// woken. It adds no item, because a later leave() of its own item would wake it in any case.
TEST(FlowGate, LeaveAtEveryPointInsideEnterForgetsNobody) {
  static BasicFlowGate<SteppedAtomic>* gate;
  static std::uint64_t woken;
  for (int point = 0; point < 3; ++point) {
    auto owned = std::make_unique<BasicFlowGate<SteppedAtomic>>(4U);
    gate = owned.get();
    woken = 0;
    ASSERT_TRUE(gate->enter(4, 1));
    ASSERT_FALSE(gate->enter(1, 2));
    interference().act = [] { woken |= gate->leave(5); };
    interference().countdown = point;
    const bool go_on = gate->enter(0, 0);
    ASSERT_EQ(interference().countdown, -1);
    EXPECT_TRUE(go_on || (woken & 1) != 0) << "at point " << point;
    EXPECT_NE(woken & 4, 0U) << "at point " << point;
  }
}

struct Node {
  Node* next = nullptr;
};

// A shard that must wait. It sleeps until it is woken.
class Sleeper {
 public:
  void wake() {
    const std::lock_guard lock(mutex_);
    woken_ = true;
    condition_.notify_one();
  }
  // Returns false after one minute without a wake-up.
  [[nodiscard]] bool sleep() {
    std::unique_lock lock(mutex_);
    const bool woken =
        condition_.wait_for(lock, std::chrono::minutes(1), [this] { return woken_; });
    woken_ = false;
    return woken;
  }

 private:
  std::mutex mutex_;
  std::condition_variable condition_;
  bool woken_ = false;
};

TEST(FlowGate, StressNoWaiterIsForgottenAndTheQueueStaysBounded) {
  constexpr unsigned kProducers = 4;
  constexpr unsigned kEach = 50000;
  constexpr std::uint32_t kBound = 8;
  FlowGate gate(kBound);
  Mailbox<Node> mailbox;
  std::array<Sleeper, kProducers> sleepers;
  std::vector<std::vector<Node>> nodes(kProducers, std::vector<Node>(kEach));
  std::vector<Node> strangers(kEach);
  std::array<bool, kProducers> forgotten = {};
  std::uint32_t admitted = 0;
  std::atomic<unsigned> done = 0;

  std::vector<std::thread> threads;
  for (unsigned p = 0; p < kProducers; ++p) {
    threads.emplace_back([&, p] {
      for (Node& node : nodes[p]) {
        const bool go_on = gate.enter(1, p);
        static_cast<void>(mailbox.push(&node));
        if (!go_on && !sleepers[p].sleep()) {
          forgotten[p] = true;
          break;
        }
      }
      done.fetch_add(1, std::memory_order_release);
    });
  }
  threads.emplace_back([&] {
    for (Node& node : strangers) {
      if (gate.try_enter(1)) {
        ++admitted;
        static_cast<void>(mailbox.push(&node));
      }
    }
    done.fetch_add(1, std::memory_order_release);
  });

  std::uint64_t most = 0;
  std::uint64_t taken = 0;
  while (done.load(std::memory_order_acquire) != kProducers + 1 || gate.queued() != 0) {
    most = std::max(most, gate.queued());
    std::uint32_t n = 0;
    for (Node* list = mailbox.take(); list != nullptr; list = list->next) {
      ++n;
    }
    if (n == 0) {
      std::this_thread::yield();
      continue;
    }
    taken += n;
    const std::uint64_t wake = gate.leave(n);
    for (unsigned p = 0; p < kProducers; ++p) {
      if (((wake >> p) & 1) != 0) {
        sleepers[p].wake();
      }
    }
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(forgotten, (std::array<bool, kProducers>{}));
  EXPECT_EQ(taken, std::uint64_t{kProducers} * kEach + admitted);
  EXPECT_EQ(gate.queued(), 0U);
  // Beyond the limit, each producer adds one item and sleeps. An earlier wake-up and one in transit
  // may each let it add one more.
  EXPECT_LE(most, kBound + 3 * kProducers);
}

}  // namespace
}  // namespace wsd::hub
