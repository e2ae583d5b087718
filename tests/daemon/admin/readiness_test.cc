#include "daemon/admin/readiness.h"

#include <gtest/gtest.h>

namespace wsd::daemon {
namespace {

HistoryLogFigures failed_log(std::uint64_t since_ms) {
  HistoryLogFigures log;
  log.enabled = true;
  log.failed = true;
  log.failed_since_ms = since_ms;
  log.error = "cannot write 00000001.log: No space left on device";
  return log;
}

TEST(Readiness, WorkingServer_IsReady) {
  EXPECT_EQ(not_ready_reason(false, {}, 5'000), "");
  HistoryLogFigures resumed = failed_log(1'000);
  resumed.failed = false;
  EXPECT_EQ(not_ready_reason(false, resumed, 5'000), "") << "the error of an earlier failure stays";
}

TEST(Readiness, FailedLog_NamesTheTimeAndTheReason) {
  EXPECT_EQ(not_ready_reason(false, failed_log(1'000), 13'999),
            "history log failed for 12 s: cannot write 00000001.log: No space left on device");
}

TEST(Readiness, ClockSetBack_CountsFromZero) {
  EXPECT_EQ(not_ready_reason(false, failed_log(60'000), 5'000).find("history log failed for 0 s: "),
            0U);
}

TEST(Readiness, DrainingServer_IsNotReadyInAnyCase) {
  EXPECT_EQ(not_ready_reason(true, {}, 0), "the server is draining");
  EXPECT_EQ(not_ready_reason(true, failed_log(1), 5), "the server is draining");
}

}  // namespace
}  // namespace wsd::daemon
