#include "net/memory_release.h"

#include <gtest/gtest.h>

namespace wsd::net {
namespace {

using Answer = TrimGate::Answer;

constexpr Tick kSecond = ReleaseSchedule::kLookTicks;
constexpr std::uint64_t kMuch = ReleaseSchedule::kWorth;

// Reports one second of work after the other.
class Clockwork {
 public:
  // Returns whether memory must be released after a second with that work.
  bool second(std::uint64_t traffic, std::uint64_t ended = 0, std::size_t held = 0) {
    now += kSecond;
    load.traffic += traffic;
    load.ended += ended;
    load.held = held;
    return schedule.look(now, load);
  }

  ReleaseSchedule schedule;
  ReleaseSchedule::Load load;
  Tick now = 100'000;
};

TEST(ReleaseSchedule, Looks_AreASecondApart) {
  ReleaseSchedule schedule;
  EXPECT_FALSE(schedule.look(50, {}));
  EXPECT_EQ(schedule.look_at(), 50 + kSecond);
}

TEST(ReleaseSchedule, LittleWork_ReleasesNothingAndNeedsNoFurtherLook) {
  Clockwork clock;
  EXPECT_FALSE(clock.second(1000, 1));
  EXPECT_TRUE(clock.schedule.settled());
}

TEST(ReleaseSchedule, QuietSecondsAfterTraffic_ReleaseOnce) {
  Clockwork clock;
  EXPECT_FALSE(clock.second(kMuch));
  EXPECT_FALSE(clock.schedule.settled()) << "an idle reactor must look";
  EXPECT_FALSE(clock.second(0));
  EXPECT_FALSE(clock.schedule.settled());
  EXPECT_TRUE(clock.second(0));
  EXPECT_TRUE(clock.schedule.settled()) << "an idle reactor sleeps";
  for (int i = 0; i < 10; ++i) EXPECT_FALSE(clock.second(0));
}

TEST(ReleaseSchedule, EndedConnections_AreWork) {
  Clockwork clock;
  EXPECT_FALSE(clock.second(0, kMuch / ReleaseSchedule::kConnectionBytes));
  EXPECT_FALSE(clock.second(0));
  EXPECT_TRUE(clock.second(0));
}

TEST(ReleaseSchedule, FreedHistoryAndQueues_AreWork) {
  Clockwork clock;
  EXPECT_FALSE(clock.second(0, 0, kMuch)) << "held, not freed";
  for (int i = 0; i < 5; ++i) EXPECT_FALSE(clock.second(0, 0, kMuch));
  EXPECT_TRUE(clock.second(0, 0, 0)) << "nobody is disturbed";
}

TEST(ReleaseSchedule, SteadyTraffic_IsNotDisturbed) {
  Clockwork clock;
  for (int i = 0; i < 300; ++i) EXPECT_FALSE(clock.second(ReleaseSchedule::kQuiet)) << i;
  for (int i = 0; i < 300; ++i) EXPECT_FALSE(clock.second(ReleaseSchedule::kLight, 1000)) << i;
}

TEST(ReleaseSchedule, LightTrafficAfterManyConnections_ReleasesOncePerMinute) {
  Clockwork clock;
  const std::uint64_t many = ReleaseSchedule::kWorthInLight / ReleaseSchedule::kConnectionBytes;
  int releases = 0;
  for (int i = 0; i < 120; ++i) {
    // Every ten seconds, many connections end.
    if (clock.second(ReleaseSchedule::kQuiet, i % 10 == 0 ? many : 0)) ++releases;
  }
  EXPECT_EQ(releases, 2);
}

TEST(ReleaseSchedule, LookAgain_WakesTheReactorOnceMore) {
  Clockwork clock;
  EXPECT_FALSE(clock.second(0));
  clock.schedule.look_again();
  EXPECT_FALSE(clock.schedule.settled());
  EXPECT_FALSE(clock.second(0));
  EXPECT_TRUE(clock.schedule.settled());
}

TEST(ReleaseSchedule, Busy_IsMoreThanLightWork) {
  Clockwork clock;
  static_cast<void>(clock.second(ReleaseSchedule::kLight));
  EXPECT_TRUE(clock.schedule.busy());
  static_cast<void>(clock.second(ReleaseSchedule::kLight - 1));
  EXPECT_FALSE(clock.schedule.busy());
}

TEST(TrimGate, FirstCallerTrims) {
  TrimGate gate;
  EXPECT_EQ(gate.ask(10'000, 10'000), Answer::kNow);
}

TEST(TrimGate, OneTrimServesAllThatHadReleasedBefore) {
  TrimGate gate;
  EXPECT_EQ(gate.ask(10'000, 10'500), Answer::kNow);
  EXPECT_EQ(gate.ask(10'200, 10'600), Answer::kDone);
  EXPECT_EQ(gate.ask(10'500, 10'600), Answer::kLater) << "it may have released too late";
  EXPECT_EQ(gate.ask(10'500, 10'500 + TrimGate::kIntervalMs), Answer::kNow);
}

TEST(TrimGate, BusyReactor_PostponesTheTrim) {
  TrimGate gate;
  gate.note_busy(10'000);
  EXPECT_EQ(gate.ask(9'000, 10'000 + TrimGate::kBusyMs - 1), Answer::kLater);
  gate.note_busy(12'000);
  EXPECT_EQ(gate.ask(9'000, 12'000 + TrimGate::kBusyMs - 1), Answer::kLater);
  EXPECT_EQ(gate.ask(9'000, 12'000 + TrimGate::kBusyMs), Answer::kNow);
}

}  // namespace
}  // namespace wsd::net
