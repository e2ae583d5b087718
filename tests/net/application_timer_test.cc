#include "net/application_timer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "net/reactor_rig.h"

namespace wsd::net {
namespace {

// A wheel whose time the test sets, and the timers of one owner on it.
class Clock {
 public:
  explicit Clock(Tick now = 1'000) : wheel(now) {}

  std::shared_ptr<ApplicationTimer> start(std::uint32_t delay_ms, Tick interval,
                                          std::function<void()> handler) {
    auto timer = std::make_shared<ApplicationTimer>(std::move(handler), wheel, interval);
    timers.add(timer, timer_deadline(wheel.now(), delay_ms));
    return timer;
  }
  void advance(Tick now) {
    wheel.advance(now);
    while (hub::Timer* const due = wheel.pop_due()) {
      static_cast<hub::Scheduled*>(due)->on_deadline(now);
    }
  }

  hub::TimerWheel wheel;
  ApplicationTimers timers;
};

TEST(ApplicationTimer, FiresOnce_NotBeforeItsDelay) {
  for (const std::uint32_t delay_ms : {0U, 1U, 10U, 11U, 995U, 60'000U}) {
    Clock clock;
    int fired = 0;
    const auto timer = clock.start(delay_ms, 0, [&] { ++fired; });
    // The timer may be started at the end of a tick, so one tick more must pass.
    const Tick due = 1'000 + (delay_ms + 9) / 10 + 1;
    clock.advance(due - 1);
    EXPECT_EQ(fired, 0) << delay_ms;
    EXPECT_TRUE(timer->active());
    clock.advance(due);
    EXPECT_EQ(fired, 1) << delay_ms;
    EXPECT_FALSE(timer->active());
    EXPECT_TRUE(clock.timers.empty());
    clock.advance(due + 1'000);
    EXPECT_EQ(fired, 1);
  }
}

TEST(ApplicationTimer, Repeats_WithoutDrift) {
  Clock clock;
  std::vector<Tick> at;
  const auto timer = clock.start(50, 5, [&] { at.push_back(clock.wheel.now()); });
  for (Tick now = 1'001; now <= 1'022; ++now) clock.advance(now);
  EXPECT_EQ(at, (std::vector<Tick>{1'006, 1'011, 1'016, 1'021}));
  EXPECT_TRUE(timer->active());
}

TEST(ApplicationTimer, SkipsMissedDeadlines) {
  Clock clock;
  int fired = 0;
  const auto timer = clock.start(50, 5, [&] { ++fired; });
  clock.advance(1'100);
  EXPECT_EQ(fired, 1);
  clock.advance(1'101);
  EXPECT_EQ(fired, 2) << "the deadline that was due then";
  clock.advance(1'105);
  EXPECT_EQ(fired, 2);
  clock.advance(1'106);
  EXPECT_EQ(fired, 3);
}

TEST(ApplicationTimer, CancelledElsewhere_DoesNotFire) {
  Clock clock;
  int fired = 0;
  const auto freed = std::make_shared<int>(0);
  const auto timer = clock.start(10, 1, [&, freed] { ++fired; });
  timer->cancel();  // no reactor runs on this thread
  EXPECT_FALSE(timer->active());
  EXPECT_EQ(freed.use_count(), 2);
  clock.advance(1'010);
  EXPECT_EQ(fired, 0);
  EXPECT_EQ(freed.use_count(), 1);
  EXPECT_TRUE(clock.timers.empty());
}

TEST(ApplicationTimer, CancelledBeforeItIsAdded_IsNotArmed) {
  Clock clock;
  auto timer = std::make_shared<ApplicationTimer>([] {}, clock.wheel, 0);
  timer->cancel();
  clock.timers.add(timer, 1'001);
  EXPECT_EQ(clock.wheel.size(), 0U);
}

TEST(ApplicationTimers, ClearEndsAllAlsoFromAHandler) {
  Clock clock;
  int fired = 0;
  const auto freed = std::make_shared<int>(0);
  const auto own = clock.start(10, 1, [&, freed] {
    ++fired;
    clock.timers.clear();
    EXPECT_EQ(freed.use_count(), 2) << "the handler that runs is not freed";
  });
  for (int i = 0; i < 5; ++i) static_cast<void>(clock.start(20, 0, [&, freed] { ++fired; }));
  clock.advance(1'002);
  EXPECT_EQ(fired, 1);
  EXPECT_EQ(freed.use_count(), 1);
  EXPECT_FALSE(own->active());
  clock.advance(2'000);
  EXPECT_EQ(fired, 1);
  EXPECT_EQ(clock.wheel.size(), 0U);
}

TEST(ApplicationTimers, RemoveKeepsTheOthers) {
  Clock clock;
  std::vector<int> fired;
  for (int i = 0; i < 4; ++i) {
    static_cast<void>(clock.start(i == 0 ? 10U : 10U * (4U - static_cast<unsigned>(i)), 0,
                                  [&, i] { fired.push_back(i); }));
  }
  for (Tick now = 1'001; now <= 1'010; ++now) clock.advance(now);
  std::sort(fired.begin(), fired.end());
  EXPECT_EQ(fired, (std::vector<int>{0, 1, 2, 3}));
  EXPECT_TRUE(clock.timers.empty());
}

TEST(ApplicationTimers, AHandlerMayStartAnother) {
  Clock clock;
  int fired = 0;
  static_cast<void>(
      clock.start(10, 0, [&] { static_cast<void>(clock.start(10, 0, [&] { ++fired; })); }));
  clock.advance(1'002);
  EXPECT_EQ(fired, 0);
  clock.advance(1'004);
  EXPECT_EQ(fired, 1);
}

// A connection pays for timers only while it has some.
TEST(ApplicationTimers, OfAConnection_AreFreedWithTheLastOne) {
  ReactorRig rig;
  static_cast<void>(rig.open());
  ASSERT_TRUE(rig.until([&] { return !rig.app.opened.empty(); }));
  Connection& connection = *rig.reactor().find(rig.app.opened.front());
  struct Own final : ConnectionData {};
  auto data = std::make_unique<Own>();
  const ConnectionData* const own = data.get();
  connection.set_data(std::move(data));
  int fired = 0;
  ASSERT_TRUE(connection.start_timer(std::make_shared<ApplicationTimer>(
                                         [&] {
                                           ++fired;
                                           connection.drop_unused_extras();
                                           EXPECT_EQ(connection.data(), own);
                                         },
                                         rig.shard().wheel(), 0),
                                     10));
  EXPECT_EQ(connection.data(), own);
  EXPECT_TRUE(rig.until([&] { return fired == 1; }));
  EXPECT_EQ(connection.data(), own);
}

}  // namespace
}  // namespace wsd::net
