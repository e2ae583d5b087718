#include "daemon/admin/readiness.h"

#include <gtest/gtest.h>

namespace wsd::daemon {
namespace {

constexpr std::uint32_t kTimeoutMs = 5'000;

std::string reason(const ServerStats& stats, std::uint64_t now_ms = 5'000) {
  return not_ready_reason(stats, now_ms, kTimeoutMs);
}

ServerStats failed_log(std::uint64_t since_ms) {
  ServerStats stats;
  HistoryLogFigures& log = stats.history_log;
  log.enabled = true;
  log.failed = true;
  log.failed_since_ms = since_ms;
  log.error = "cannot write 00000001.log: No space left on device";
  return stats;
}

ServerStats with_engine(bool up, bool ever_up, std::uint64_t unready_ms) {
  ServerStats stats;
  EngineFigures& engine = stats.engine.emplace();
  engine.up = up;
  engine.unready_ms = unready_ms;
  engine.ever_up = ever_up;
  return stats;
}

TEST(Readiness, WorkingServer_IsReady) {
  EXPECT_EQ(reason({}), "");
  ServerStats resumed = failed_log(1'000);
  resumed.history_log.failed = false;
  EXPECT_EQ(reason(resumed), "") << "the error of an earlier failure stays";
  EXPECT_EQ(reason(with_engine(true, true, 0)), "");
}

TEST(Readiness, FailedLog_NamesTheTimeAndTheReason) {
  EXPECT_EQ(reason(failed_log(1'000), 13'999),
            "history log failed for 12 s: cannot write 00000001.log: No space left on device");
}

TEST(Readiness, ClockSetBack_CountsFromZero) {
  EXPECT_EQ(reason(failed_log(60'000)).find("history log failed for 0 s: "), 0U);
}

TEST(Readiness, DrainingServer_IsNotReadyInAnyCase) {
  ServerStats stats;
  stats.draining = true;
  EXPECT_EQ(reason(stats), "the server is draining");
  stats = failed_log(1);
  stats.draining = true;
  EXPECT_EQ(reason(stats), "the server is draining");
}

TEST(Readiness, EngineThatWasNeverUp_IsDownAtOnce) {
  EXPECT_EQ(reason(with_engine(false, false, 1)), "engine down 0 s");
}

TEST(Readiness, LostEngine_CountsAfterItsTimeout) {
  EXPECT_EQ(reason(with_engine(false, true, 4'999)), "");
  EXPECT_EQ(reason(with_engine(false, true, 12'345)), "engine down 12 s");
  EXPECT_EQ(reason(with_engine(true, true, 12'345)), "engine catching up");
}

}  // namespace
}  // namespace wsd::daemon
