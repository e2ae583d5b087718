#include "hub/heartbeat.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <random>

namespace wsd::hub {
namespace {

using Verdict = Heartbeat::Verdict;

constexpr HeartbeatTicks kAll{100, 50, 400};

TEST(Heartbeat, PingsAfterTheIntervalOfSilenceAndNotBefore) {
  Heartbeat heartbeat(1000);
  EXPECT_EQ(heartbeat.next_deadline(kAll, 0, 1000), 1100U);
  EXPECT_EQ(heartbeat.check(kAll, 0, 1099), Verdict::kAlive);
  EXPECT_EQ(heartbeat.check(kAll, 0, 1100), Verdict::kPing);
  EXPECT_EQ(heartbeat.check(kAll, 0, 1100), Verdict::kAlive);  // once
}

TEST(Heartbeat, AnyByteIsLife) {
  Heartbeat heartbeat(0);
  static_cast<void>(heartbeat.received(60));
  EXPECT_EQ(heartbeat.check(kAll, 0, 100), Verdict::kAlive);
  EXPECT_EQ(heartbeat.next_deadline(kAll, 0, 100), 160U);
  ASSERT_EQ(heartbeat.check(kAll, 0, 160), Verdict::kPing);
  static_cast<void>(heartbeat.received(161));  // not a Pong, just bytes
  EXPECT_EQ(heartbeat.check(kAll, 0, 210), Verdict::kAlive);
  EXPECT_EQ(heartbeat.next_deadline(kAll, 0, 210), 261U);
}

TEST(Heartbeat, PongBudgetCountsFromThePing) {
  Heartbeat heartbeat(0);
  ASSERT_EQ(heartbeat.check(kAll, 0, 120), Verdict::kPing);  // the timer came late
  EXPECT_EQ(heartbeat.next_deadline(kAll, 0, 120), 170U);
  EXPECT_EQ(heartbeat.check(kAll, 0, 169), Verdict::kAlive);
  EXPECT_EQ(heartbeat.check(kAll, 0, 170), Verdict::kPongTimeout);
}

TEST(Heartbeat, PongBudgetCountsOnlyWhileSilent) {
  Heartbeat heartbeat(0);
  ASSERT_EQ(heartbeat.check(kAll, 0, 100), Verdict::kPing);
  static_cast<void>(heartbeat.received(149));
  EXPECT_EQ(heartbeat.check(kAll, 0, 150), Verdict::kAlive);
  EXPECT_EQ(heartbeat.check(kAll, 0, 249), Verdict::kPing);
  EXPECT_EQ(heartbeat.check(kAll, 0, 299), Verdict::kPongTimeout);
}

TEST(Heartbeat, ReadTimeoutIsTheLongestSilenceWhateverElseIsSet) {
  const HeartbeatTicks no_pong{100, 0, 250};
  Heartbeat heartbeat(0);
  EXPECT_EQ(heartbeat.check(no_pong, 0, 100), Verdict::kPing);
  EXPECT_EQ(heartbeat.next_deadline(no_pong, 0, 100), 200U);
  EXPECT_EQ(heartbeat.check(no_pong, 0, 200),
            Verdict::kPing);  // keeps middleboxes awake, no timeout
  EXPECT_EQ(heartbeat.next_deadline(no_pong, 0, 200), 250U);
  EXPECT_EQ(heartbeat.check(no_pong, 0, 249), Verdict::kAlive);
  EXPECT_EQ(heartbeat.check(no_pong, 0, 250), Verdict::kReadTimeout);
}

TEST(Heartbeat, ReadTimeoutAloneSendsNoPings) {
  const HeartbeatTicks read_only{0, 50, 300};
  Heartbeat heartbeat(10);
  EXPECT_EQ(heartbeat.next_deadline(read_only, 0, 10), 310U);
  EXPECT_EQ(heartbeat.check(read_only, 0, 309), Verdict::kAlive);
  EXPECT_EQ(heartbeat.check(read_only, 0, 310), Verdict::kReadTimeout);
}

TEST(Heartbeat, AllOffIsSilentForEver) {
  const HeartbeatTicks off{};
  Heartbeat heartbeat(0);
  EXPECT_EQ(heartbeat.next_deadline(off, 0, 0), Heartbeat::kNoDeadline);
  EXPECT_EQ(heartbeat.check(off, 0, Tick{1} << 40), Verdict::kAlive);
}

TEST(Heartbeat, JitterComesOffTheIntervalAlone) {
  Heartbeat heartbeat(0);
  EXPECT_EQ(heartbeat.next_deadline(kAll, 12, 0), 88U);
  EXPECT_EQ(heartbeat.check(kAll, 12, 87), Verdict::kAlive);
  EXPECT_EQ(heartbeat.check(kAll, 12, 88), Verdict::kPing);
  EXPECT_EQ(heartbeat.next_deadline(kAll, 12, 88), 138U);  // the full pong timeout
  EXPECT_EQ(heartbeat.check(kAll, 12, 137), Verdict::kAlive);
  EXPECT_EQ(heartbeat.check(kAll, 12, 138), Verdict::kPongTimeout);
}

TEST(Heartbeat, JitterLiesWithinAnEighthAndIsSpread) {
  for (const Tick interval : {Tick{0}, Tick{1}, Tick{7}}) {
    EXPECT_EQ(ping_jitter(12345, interval), 0U);
  }
  for (const Tick interval : {Tick{8}, Tick{100}, Tick{2500}, Tick{100'000}}) {
    for (std::uint64_t id = 0; id < 1000; ++id) {
      ASSERT_LT(ping_jitter(id << 32 | id, interval), interval / 8);
    }
  }
  // Consecutive slots, as a shard assigns them: each eighth of the range must get its share.
  std::array<int, 8> share{};
  for (std::uint64_t slot = 0; slot < 8000; ++slot) {
    ++share[ping_jitter(std::uint64_t{1} << 32 | slot, 2500 * 8) * 8 / 2500];
  }
  for (const int each : share) {
    EXPECT_GT(each, 500);
    EXPECT_LT(each, 1500);
  }
}

// The lazy timer is armed for next_deadline(), and again only if it fires or received() returns
// true. It must find the same verdicts at the same ticks as a check at every tick.
TEST(Heartbeat, ALazyTimerMissesNothing) {
  std::mt19937 random(3);
  for (int round = 0; round < 1000; ++round) {
    const HeartbeatTicks settings{random() % 3 == 0 ? 0 : 1 + random() % 40, random() % 30,
                                  random() % 3 == 0 ? 0 : 1 + random() % 120};
    const Tick early = settings.ping_interval == 0 ? 0 : random() % settings.ping_interval / 8;
    Heartbeat eager(0);
    Heartbeat lazy(0);
    Tick armed = lazy.next_deadline(settings, early, 0);
    for (Tick now = 1; now < 400; ++now) {
      if (random() % 23 == 0) {
        static_cast<void>(eager.received(now));
        if (lazy.received(now)) armed = std::min(armed, lazy.next_deadline(settings, early, now));
      }
      const Verdict verdict = eager.check(settings, early, now);
      Verdict found = Verdict::kAlive;
      if (now >= armed) {
        found = lazy.check(settings, early, now);
        armed = lazy.next_deadline(settings, early, now);
      }
      ASSERT_EQ(found, verdict) << "round " << round << " tick " << now;
      if (verdict == Verdict::kPongTimeout || verdict == Verdict::kReadTimeout) break;
    }
  }
}

TEST(Heartbeat, OnlyTheFirstByteAfterAPingMayBringTheDeadlineForward) {
  Heartbeat heartbeat(0);
  EXPECT_FALSE(heartbeat.received(10));
  ASSERT_EQ(heartbeat.check(kAll, 0, 110), Verdict::kPing);
  EXPECT_TRUE(heartbeat.received(120));
  EXPECT_FALSE(heartbeat.received(121));
}

// The peer still owes a Pong, so no other Ping is sent meanwhile.
TEST(Heartbeat, ExcusedSilence_RestartsBothTimeouts) {
  constexpr HeartbeatTicks kSettings{100, 50, 150};
  Heartbeat heartbeat(0);
  ASSERT_EQ(heartbeat.check(kSettings, 0, 100), Verdict::kPing);
  heartbeat.excuse(150);
  EXPECT_EQ(heartbeat.next_deadline(kSettings, 0, 150), 200U);
  EXPECT_EQ(heartbeat.check(kSettings, 0, 199), Verdict::kAlive);
  EXPECT_EQ(heartbeat.check(kSettings, 0, 200), Verdict::kPongTimeout);
}

}  // namespace
}  // namespace wsd::hub
