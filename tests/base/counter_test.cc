#include "base/counter.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace wsd {
namespace {

TEST(Counter, AddsSubtractsAndIsSet) {
  Counter counter;
  EXPECT_EQ(counter.value(), 0U);
  counter.add(5);
  counter.subtract(2);
  EXPECT_EQ(counter.value(), 3U);
  counter.set(7);
  EXPECT_EQ(counter.value(), 7U);
}

TEST(Counter, OtherThread_SeesMonotonicValues) {
  Counter counter;
  constexpr std::uint64_t kEnd = 100'000;
  std::thread writer([&] {
    for (std::uint64_t i = 0; i < kEnd; ++i) counter.add(1);
  });
  for (std::uint64_t last = 0; last != kEnd;) {
    const std::uint64_t now = counter.value();
    ASSERT_GE(now, last);
    last = now;
  }
  writer.join();
}

}  // namespace
}  // namespace wsd
