#include "server/log_rate_limit.h"

#include <gtest/gtest.h>

namespace wsd::server {
namespace {

TEST(LogRateLimit, SaysSoManyASecondAndHowManyItHasNotSaid) {
  LogRateLimit gate;
  std::uint64_t suppressed = 99;
  for (std::uint32_t i = 0; i < LogRateLimit::kMostPerSecond; ++i) {
    EXPECT_TRUE(gate.take(5'999, suppressed));
    EXPECT_EQ(suppressed, 0U);
  }
  for (int i = 0; i < 7; ++i) EXPECT_FALSE(gate.take(5'999, suppressed));
  EXPECT_TRUE(gate.take(6'000, suppressed));
  EXPECT_EQ(suppressed, 7U);
  EXPECT_TRUE(gate.take(6'000, suppressed));
  EXPECT_EQ(suppressed, 0U);
}

TEST(RefusalLogLimits, NoCauseHidesAnother) {
  RefusalLogLimits news;
  std::uint64_t suppressed = 0;
  for (std::uint32_t i = 0; i < RefusalLogLimits::kMostRefusals; ++i) {
    EXPECT_TRUE(news.of(CloseCause::kHandshakeRejected).take(1'000, suppressed));
  }
  EXPECT_FALSE(news.of(CloseCause::kHandshakeRejected).take(1'999, suppressed));
  EXPECT_TRUE(news.of(CloseCause::kProxyHeader).take(1'999, suppressed));
  EXPECT_TRUE(news.of(CloseCause::kHandshakeRejected).take(2'000, suppressed));
  EXPECT_EQ(suppressed, 1U);
}

}  // namespace
}  // namespace wsd::server
