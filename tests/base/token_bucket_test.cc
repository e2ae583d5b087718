#include "base/token_bucket.h"

#include <gtest/gtest.h>

#include <cstdint>

namespace wsd {
namespace {

constexpr Tick kSecond = ticks_for_ms(1000);

int taken(TokenBucket& bucket, std::uint64_t rate, Tick now) {
  int count = 0;
  while (bucket.take(1, rate, now)) ++count;
  return count;
}

TEST(TokenBucket, BurstOfOneSecondsTokens_IsAllowed) {
  TokenBucket bucket(7, 1000);
  EXPECT_EQ(taken(bucket, 7, 1000), 7);
  EXPECT_EQ(taken(bucket, 7, 1000), 0);
}

TEST(TokenBucket, TokensUnusedForOneSecond_AreLost) {
  TokenBucket bucket(7, 0);
  EXPECT_EQ(taken(bucket, 7, 100 * kSecond), 7);
}

// At any rate, including rates at which a tick is worth a fraction of a token.
TEST(TokenBucket, OverALongTimeTheRateIsExact) {
  for (const std::uint64_t rate : {1U, 3U, 99U, 100U, 101U, 1'000U, 12'345U}) {
    TokenBucket bucket(rate, 0);
    std::uint64_t sum = 0;
    for (Tick now = 0; now <= 10 * kSecond; ++now) {
      while (bucket.take(1, rate, now)) ++sum;
    }
    EXPECT_EQ(sum, 11 * rate) << rate;
  }
}

TEST(TokenBucket, TakesAllOrNothing) {
  TokenBucket bucket(10, 0);
  EXPECT_FALSE(bucket.take(11, 10, 0));
  EXPECT_TRUE(bucket.take(10, 10, 0));
  EXPECT_FALSE(bucket.take(1, 10, 0));
  EXPECT_TRUE(bucket.take(0, 10, 0));
}

TEST(TokenBucket, HugeFiguresDoNotWrapAround) {
  constexpr std::uint64_t kRate = TokenBucket::kMostPerSecond;
  TokenBucket bucket(kRate, 0);
  EXPECT_FALSE(bucket.take(~std::uint64_t{0}, kRate, 0));
  EXPECT_FALSE(bucket.take(kRate + 1, kRate, ~Tick{0} / 2));
  bucket.credit(~Tick{0}, kRate, ~Tick{0} - 1);
  bucket.credit(~Tick{0}, kRate, ~Tick{0} - 1);
  EXPECT_TRUE(bucket.take(kRate, kRate, ~Tick{0}));
  EXPECT_FALSE(bucket.take(~std::uint64_t{0} / 100 + 2, kRate, ~Tick{0}));
}

TEST(TokenBucket, Credit_MayExceedOneSecondsTokens) {
  TokenBucket bucket(10, 0);
  EXPECT_EQ(taken(bucket, 10, 0), 10);
  bucket.credit(5 * kSecond, 10, 0);
  EXPECT_TRUE(bucket.take(20, 10, kSecond / 2));
  EXPECT_EQ(taken(bucket, 10, kSecond), 30) << "fifty, of which twenty are gone";
  EXPECT_EQ(taken(bucket, 10, 2 * kSecond), 10);
}

TEST(TokenBucket, CreditUnusedForOneSecond_IsLost) {
  TokenBucket bucket(10, 0);
  bucket.credit(5 * kSecond, 10, 0);
  EXPECT_EQ(taken(bucket, 10, kSecond), 10);
}

TEST(TokenBucket, Credit_IsLimited) {
  constexpr int kMost = 10 + 10 * static_cast<int>(TokenBucket::kMostCredit / kSecond);
  TokenBucket once(10, 0);
  once.credit(1000 * kSecond, 10, 0);
  EXPECT_EQ(taken(once, 10, 0), kMost);
  TokenBucket often(10, 0);
  for (int i = 0; i < 10; ++i) often.credit(50 * kSecond, 10, 0);
  EXPECT_EQ(taken(often, 10, 0), kMost);
}

TEST(TokenBucket, SkippedTime_AddsNoTokens) {
  TokenBucket bucket(10, 0);
  EXPECT_EQ(taken(bucket, 10, 0), 10);
  bucket.skip_to(5 * kSecond);
  EXPECT_EQ(taken(bucket, 10, 5 * kSecond), 0);
  EXPECT_EQ(taken(bucket, 10, 5 * kSecond + kSecond / 2), 5);
}

TEST(TokenBucket, TicksUntilOne_ReportsTheWait) {
  TokenBucket bucket(2, 0);
  EXPECT_EQ(bucket.ticks_until_one(2, 0), 0U);
  EXPECT_EQ(taken(bucket, 2, 0), 2);
  EXPECT_EQ(bucket.ticks_until_one(2, 0), kSecond / 2);
  EXPECT_EQ(bucket.ticks_until_one(2, kSecond / 2 - 1), 1U);
  EXPECT_FALSE(bucket.take(1, 2, kSecond / 2 - 1));
  EXPECT_EQ(bucket.ticks_until_one(2, kSecond / 2), 0U);
  EXPECT_TRUE(bucket.take(1, 2, kSecond / 2));
}

}  // namespace
}  // namespace wsd
