#include "hub/timer_wheel.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <random>
#include <vector>

namespace wsd::hub {
namespace {

// Seeded numbers. Both the type and the values have 32 bits.
class Random {
 public:
  explicit Random(std::uint32_t seed) : engine_(seed) {}
  std::uint32_t operator()() { return static_cast<std::uint32_t>(engine_()); }
  // Returns a number of at most `count` bits.
  Tick bits(unsigned count) {
    const Tick high = (*this)();
    return ((high << 32) | (*this)()) & ((Tick{1} << count) - 1);
  }

 private:
  std::mt19937 engine_;
};

std::vector<Tick> pop_deadlines(TimerWheel& wheel) {
  std::vector<Tick> deadlines;
  while (Timer* timer = wheel.pop_due()) {
    deadlines.push_back(timer->deadline());
  }
  return deadlines;
}

TEST(TimerWheel, TimerIsSmall) { EXPECT_LE(sizeof(Timer), 24U); }

TEST(TimerWheel, NewWheelIsEmptyAtItsTick) {
  TimerWheel wheel(77);
  EXPECT_EQ(wheel.now(), 77U);
  EXPECT_EQ(wheel.size(), 0U);
  EXPECT_FALSE(wheel.has_due());
  EXPECT_EQ(wheel.next_event(), TimerWheel::kNever);
  EXPECT_EQ(wheel.pop_due(), nullptr);
}

TEST(TimerWheel, FiresAtItsTickAndOnlyOnce) {
  TimerWheel wheel(10);
  Timer timer;
  EXPECT_FALSE(timer.armed());
  wheel.arm(timer, 15);
  EXPECT_TRUE(timer.armed());
  EXPECT_EQ(timer.deadline(), 15U);
  EXPECT_EQ(wheel.size(), 1U);
  wheel.advance(14);
  EXPECT_EQ(wheel.pop_due(), nullptr);
  wheel.advance(15);
  EXPECT_TRUE(wheel.has_due());
  EXPECT_EQ(wheel.pop_due(), &timer);
  EXPECT_FALSE(timer.armed());
  EXPECT_EQ(wheel.pop_due(), nullptr);
  EXPECT_EQ(wheel.size(), 0U);
}

TEST(TimerWheel, DeadlineAtOrBeforeNowFiresAtTheNextTick) {
  TimerWheel wheel(100);
  Timer past;
  Timer present;
  wheel.arm(past, 3);
  wheel.arm(present, 100);
  EXPECT_EQ(past.deadline(), 101U);
  EXPECT_EQ(present.deadline(), 101U);
  EXPECT_FALSE(wheel.has_due());
  wheel.advance(100);
  EXPECT_FALSE(wheel.has_due());
  wheel.advance(101);
  EXPECT_EQ(pop_deadlines(wheel), (std::vector<Tick>{101, 101}));
}

TEST(TimerWheel, ArmingAnArmedTimerMovesIt) {
  TimerWheel wheel;
  Timer timer;
  for (const Tick deadline : {5U, 5000000U, 70U, 4097U, 2U}) {
    wheel.arm(timer, deadline);
    EXPECT_EQ(timer.deadline(), deadline);
    EXPECT_EQ(wheel.size(), 1U);
    EXPECT_LE(wheel.next_event(), deadline);
  }
  wheel.advance(2);
  EXPECT_EQ(wheel.pop_due(), &timer);
  wheel.advance(6000000);
  EXPECT_EQ(wheel.pop_due(), nullptr);
}

TEST(TimerWheel, CancelDisarmsAndIsANoOpWhenNotArmed) {
  TimerWheel wheel;
  Timer timer;
  wheel.cancel(timer);
  EXPECT_EQ(wheel.size(), 0U);
  wheel.arm(timer, 900);
  wheel.cancel(timer);
  EXPECT_FALSE(timer.armed());
  EXPECT_EQ(wheel.size(), 0U);
  EXPECT_EQ(wheel.next_event(), TimerWheel::kNever);
  wheel.cancel(timer);
  wheel.advance(1000);
  EXPECT_EQ(wheel.pop_due(), nullptr);
}

TEST(TimerWheel, CancelOneOfManyInASlotLeavesTheOthers) {
  TimerWheel wheel;
  Timer a;
  Timer b;
  Timer c;
  for (Timer* timer : {&a, &b, &c}) {
    wheel.arm(*timer, 40);
  }
  wheel.cancel(b);
  wheel.cancel(a);
  EXPECT_EQ(wheel.next_event(), 40U);
  wheel.advance(40);
  EXPECT_EQ(wheel.pop_due(), &c);
  EXPECT_EQ(wheel.pop_due(), nullptr);
}

TEST(TimerWheel, OneHugeStepHandsOutInOrderOfDeadline) {
  TimerWheel wheel;
  std::vector<Tick> deadlines;
  for (Tick step = 1; step < TimerWheel::kFarthest; step = step * 3 + 1) {
    deadlines.push_back(step);
    deadlines.push_back(step + 1);
  }
  std::vector<Timer> timers(deadlines.size());
  std::vector<Tick> shuffled = deadlines;
  std::shuffle(shuffled.begin(), shuffled.end(), std::mt19937(1));
  for (std::size_t i = 0; i < timers.size(); ++i) {
    wheel.arm(timers[i], shuffled[i]);
  }
  std::sort(deadlines.begin(), deadlines.end());
  wheel.advance(TimerWheel::kFarthest);
  EXPECT_EQ(pop_deadlines(wheel), deadlines);
}

// Deadlines around each boundary of each level, with the hand before, on and after it.
TEST(TimerWheel, ExactAroundEveryLevelBorder) {
  for (unsigned level = 1; level <= 5; ++level) {
    const Tick border = Tick{1} << (6 * level);
    for (const Tick base : {Tick{0}, border - 1, border, border + 1, 2 * border - 1, 3 * border}) {
      for (Tick off = border - 2; off <= border + 2; ++off) {
        TimerWheel wheel(base);
        Timer timer;
        wheel.arm(timer, base + off);
        EXPECT_LE(wheel.next_event(), base + off);
        wheel.advance(base + off - 1);
        ASSERT_EQ(wheel.pop_due(), nullptr) << base << " + " << off;
        wheel.advance(base + off);
        ASSERT_EQ(wheel.pop_due(), &timer) << base << " + " << off;
      }
    }
  }
}

TEST(TimerWheel, DeadlineFartherOffThanTheWheelReachesFiresAtItsReach) {
  for (const Tick now : {Tick{0}, Tick{1} << 36, (Tick{1} << 50) + 12345}) {
    TimerWheel wheel(now);
    Timer timer;
    wheel.arm(timer, TimerWheel::kNever);
    EXPECT_EQ(timer.deadline(), now + TimerWheel::kFarthest);
    wheel.advance(timer.deadline() - 1);
    EXPECT_EQ(wheel.pop_due(), nullptr);
    wheel.advance(timer.deadline());
    EXPECT_EQ(wheel.pop_due(), &timer);
  }
}

TEST(TimerWheel, TimerArmedAgainBetweenPopsFiresAtTheNextAdvance) {
  TimerWheel wheel;
  Timer a;
  Timer b;
  wheel.arm(a, 5);
  wheel.arm(b, 6);
  wheel.advance(10);
  ASSERT_EQ(wheel.pop_due(), &a);
  wheel.arm(a, 5);
  EXPECT_EQ(a.deadline(), 11U);
  EXPECT_EQ(wheel.pop_due(), &b);
  EXPECT_EQ(wheel.pop_due(), nullptr);
  wheel.advance(11);
  EXPECT_EQ(wheel.pop_due(), &a);
}

TEST(TimerWheel, DueTimersCanBeCancelledAndReArmedBetweenPops) {
  TimerWheel wheel;
  std::vector<Timer> timers(4);
  for (Timer& timer : timers) {
    wheel.arm(timer, 7);
  }
  wheel.advance(8);
  Timer* first = wheel.pop_due();
  ASSERT_NE(first, nullptr);
  std::vector<Timer*> left;
  for (Timer& timer : timers) {
    if (&timer != first) {
      EXPECT_TRUE(timer.armed());
      left.push_back(&timer);
    }
  }
  wheel.cancel(*left[0]);
  wheel.arm(*left[1], 20);
  EXPECT_EQ(wheel.size(), 2U);
  EXPECT_EQ(wheel.pop_due(), left[2]);
  EXPECT_FALSE(wheel.has_due());
  wheel.advance(20);
  EXPECT_EQ(wheel.pop_due(), left[1]);
}

TEST(TimerWheel, TheTurnMayEndEarlyAndGoOnInTheNext) {
  TimerWheel wheel;
  std::vector<Timer> timers(6);
  for (std::size_t i = 0; i < timers.size(); ++i) {
    wheel.arm(timers[i], static_cast<Tick>(10 + i));
  }
  wheel.advance(12);
  EXPECT_EQ(wheel.pop_due(), &timers[0]);
  EXPECT_EQ(wheel.next_event(), 12U);  // at once
  wheel.advance(15);
  EXPECT_EQ(pop_deadlines(wheel), (std::vector<Tick>{11, 12, 13, 14, 15}));
}

TEST(TimerWheel, NextEventIsExactWithinTheNearestLevel) {
  TimerWheel wheel(1000);
  Timer near;
  Timer far;
  wheel.arm(far, 500000);
  EXPECT_LE(wheel.next_event(), 500000U);
  EXPECT_GT(wheel.next_event(), 1000U);
  wheel.arm(near, 1063);
  EXPECT_EQ(wheel.next_event(), 1063U);
  wheel.cancel(near);
  wheel.cancel(far);
}

// The work is bounded. A timer moves at most five times, however far away its deadline is, and
// next_event() returns only ticks with work.
TEST(TimerWheel, FollowingNextEventTakesFewSteps) {
  Random random(7);
  for (int round = 0; round < 2000; ++round) {
    const Tick start = random.bits(random() % 50);
    const Tick delta = std::max<Tick>(1, random.bits(random() % 37));
    TimerWheel wheel(start);
    Timer timer;
    wheel.arm(timer, start + delta);
    int steps = 0;
    while (!wheel.has_due()) {
      const Tick event = wheel.next_event();
      ASSERT_GT(event, wheel.now());
      wheel.advance(event);
      ++steps;
    }
    EXPECT_LE(steps, 6);
    EXPECT_EQ(wheel.now(), start + delta);
    EXPECT_EQ(wheel.pop_due(), &timer);
  }
}

#ifdef WSD_DEBUG
TEST(TimerWheelDeathTest, ArmedTimerMustNotDie) {
  TimerWheel wheel;
  EXPECT_DEATH(
      {
        Timer timer;
        wheel.arm(timer, 5);
      },
      "armed");
}
TEST(TimerWheelDeathTest, TimeNeverGoesBack) {
  TimerWheel wheel(10);
  EXPECT_DEATH(wheel.advance(9), "now");
  EXPECT_DEATH(wheel.advance(TimerWheel::kNever), "kNever");
}
#endif

// A slow model of the wheel, with a multimap.
class Oracle {
 public:
  explicit Oracle(Tick now) : now_(now) {}

  void arm(std::size_t id, Tick deadline) {
    cancel(id);
    deadline = std::clamp(deadline, now_ + 1, now_ + TimerWheel::kFarthest);
    where_[id] = timers_.emplace(deadline, id);
  }
  void cancel(std::size_t id) {
    if (const auto found = where_.find(id); found != where_.end()) {
      timers_.erase(found->second);
      where_.erase(found);
    }
  }
  void advance(Tick now) { now_ = now; }
  [[nodiscard]] bool has_due() const { return !timers_.empty() && timers_.begin()->first <= now_; }
  [[nodiscard]] Tick earliest() const {
    return timers_.empty() ? TimerWheel::kNever : timers_.begin()->first;
  }
  [[nodiscard]] bool armed(std::size_t id) const { return where_.count(id) != 0; }
  [[nodiscard]] Tick deadline(std::size_t id) const { return where_.at(id)->first; }
  [[nodiscard]] std::size_t size() const { return timers_.size(); }
  [[nodiscard]] Tick now() const { return now_; }

 private:
  Tick now_;
  std::multimap<Tick, std::size_t> timers_;
  std::map<std::size_t, std::multimap<Tick, std::size_t>::iterator> where_;
};

// Runs the wheel and the model side by side, with seeded operations.
class Script {
 public:
  Script(std::uint32_t seed, Tick start, std::size_t timers, unsigned magnitude)
      : random_(seed),
        magnitude_(magnitude),
        timers_(timers),
        wheel_(std::make_unique<TimerWheel>(start)),
        oracle_(start) {}

  ~Script() {
    for (Timer& timer : timers_) {
      wheel_->cancel(timer);
    }
  }
  Script(const Script&) = delete;
  Script& operator=(const Script&) = delete;

  void run(int operations) {
    for (int i = 0; i < operations && !testing::Test::HasFatalFailure(); ++i) {
      const unsigned choice = random_() % 100;
      if (choice < 70) {
        change_one();
      } else {
        advance(choice);
      }
      compare();
    }
  }

 private:
  // The number of bits is uniform, so that small and huge values are equally likely.
  Tick some_delta() { return random_.bits(1 + random_() % magnitude_); }

  void change_one() {
    const std::size_t id = random_() % timers_.size();
    if (random_() % 4 == 0) {
      wheel_->cancel(timers_[id]);
      oracle_.cancel(id);
      return;
    }
    const Tick delta = some_delta();
    Tick deadline = oracle_.now() + delta;
    if (random_() % 16 == 0) {
      deadline = oracle_.now() - std::min(oracle_.now(), delta);
    }
    wheel_->arm(timers_[id], deadline);
    oracle_.arm(id, deadline);
  }

  void advance(unsigned choice) {
    Tick step = choice < 85 ? 1 : some_delta();
    if (choice >= 97 && oracle_.size() != 0 && !oracle_.has_due()) {
      step = oracle_.earliest() - oracle_.now();  // exactly to the earliest deadline
    }
    wheel_->advance(oracle_.now() + step);
    oracle_.advance(oracle_.now() + step);
    Tick last = 0;
    while (oracle_.has_due()) {
      if (random_() % 64 == 0) {
        return;  // the turn ends early
      }
      ASSERT_TRUE(wheel_->has_due());
      Timer* timer = wheel_->pop_due();
      ASSERT_NE(timer, nullptr);
      const auto id = static_cast<std::size_t>(timer - timers_.data());
      ASSERT_TRUE(oracle_.armed(id));
      ASSERT_EQ(timer->deadline(), oracle_.deadline(id));
      ASSERT_EQ(timer->deadline(), oracle_.earliest());
      ASSERT_GE(timer->deadline(), last);
      last = timer->deadline();
      oracle_.cancel(id);
      if (random_() % 2 == 0) {
        change_one();
      }
    }
    ASSERT_EQ(wheel_->pop_due(), nullptr);
  }

  void compare() {
    ASSERT_EQ(wheel_->now(), oracle_.now());
    ASSERT_EQ(wheel_->size(), oracle_.size());
    ASSERT_EQ(wheel_->has_due(), oracle_.has_due());
    ASSERT_LE(wheel_->next_event(), std::max(oracle_.earliest(), oracle_.now()));
    if (oracle_.size() == 0) {
      ASSERT_EQ(wheel_->next_event(), TimerWheel::kNever);
    } else if (!oracle_.has_due()) {
      ASSERT_GT(wheel_->next_event(), wheel_->now());
    }
    const std::size_t id = random_() % timers_.size();
    ASSERT_EQ(timers_[id].armed(), oracle_.armed(id));
    if (oracle_.armed(id)) {
      ASSERT_EQ(timers_[id].deadline(), oracle_.deadline(id));
    }
  }

  Random random_;
  unsigned magnitude_;
  std::vector<Timer> timers_;
  std::unique_ptr<TimerWheel> wheel_;
  Oracle oracle_;
};

TEST(TimerWheel, RandomScriptsAgreeWithAMultimap) {
  for (std::uint32_t seed = 0; seed < 34; ++seed) {
    SCOPED_TRACE(seed);
    const unsigned magnitude = 4 + seed;  // the longest delta, in bits
    Script(seed, Tick{seed} * seed * 12345678901, 1 + seed * seed, magnitude).run(15000);
    if (HasFatalFailure()) {
      return;
    }
  }
}

// If the wheel advances tick by tick, each timer fires exactly at its deadline.
TEST(TimerWheel, TickByTickEachFiresExactlyAtItsDeadline) {
  Random random(42);
  TimerWheel wheel(4096 - 100);
  std::vector<Timer> timers(500);
  std::size_t fired = 0;
  for (Timer& timer : timers) {
    wheel.arm(timer, wheel.now() + 1 + random() % 9000);
  }
  for (Tick now = wheel.now() + 1; now < 40000; ++now) {
    wheel.advance(now);
    while (Timer* timer = wheel.pop_due()) {
      ASSERT_EQ(timer->deadline(), now);
      ++fired;
      if (now < 25000) {
        wheel.arm(*timer, now + (random() % 9000));
      }
    }
  }
  EXPECT_EQ(wheel.size(), 0U);
  EXPECT_GT(fired, 2000U);
}

}  // namespace
}  // namespace wsd::hub
