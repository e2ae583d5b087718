#include "base/reference_count.h"

#include <gtest/gtest.h>

#include <array>
#include <thread>
#include <vector>

namespace wsd {
namespace {

TEST(ReferenceCount, StartsAtOne_LastDropReturnsTrue) {
  ReferenceCount count;
  EXPECT_TRUE(count.is_one());
  count.add();
  count.add();
  EXPECT_FALSE(count.is_one());
  EXPECT_FALSE(count.drop());
  EXPECT_FALSE(count.drop());
  EXPECT_TRUE(count.is_one());
  EXPECT_TRUE(count.drop());
}

// Every holder writes its own element, and the last one to drop reads them all. `make model`
// explores every interleaving of this; here the thread sanitizer checks it.
TEST(ReferenceCount, Stress_LastDropSeesTheWritesOfAll) {
  constexpr unsigned kHolders = 4;
  for (int round = 1; round <= 300; ++round) {
    ReferenceCount count;
    std::array<int, kHolders> done = {};
    std::array<int, kHolders> ended = {};  // by holder: the sum that it read
    for (unsigned i = 1; i < kHolders; ++i) count.add();
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < kHolders; ++i) {
      threads.emplace_back([&, i] {
        count.add();
        done[i] = round;
        static_cast<void>(count.drop());
        if (!count.drop()) return;
        for (const int each : done) ended[i] += each;
      });
    }
    for (std::thread& each : threads) each.join();
    int total = 0;
    for (const int each : ended) total += each;
    ASSERT_EQ(total, static_cast<int>(kHolders) * round);
  }
}

}  // namespace
}  // namespace wsd
