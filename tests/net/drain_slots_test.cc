#include "net/drain_slots.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <vector>

namespace wsd::net {
namespace {

constexpr Tick kSecond = ticks_for_ms(1000);

// Returns the number of Closes in each interval of `stretch` ticks, over all reactors. The last bin
// counts the Closes after the window.
std::vector<std::size_t> histogram(Tick window, const std::vector<std::size_t>& reactors,
                                   Tick stretch) {
  const DrainPlan plan{window, static_cast<std::uint32_t>(reactors.size())};
  std::vector<std::size_t> bins((window + stretch - 1) / stretch + 1);
  for (std::uint32_t r = 0; r < reactors.size(); ++r) {
    for (std::size_t i = 0; i < reactors[r]; ++i) {
      const Tick slot = drain_slot(plan, r, i, reactors[r]);
      ++bins[std::min<std::size_t>(slot / stretch, bins.size() - 1)];
    }
  }
  return bins;
}

TEST(DrainSlots, TenThousandOverTenSecondsAreAThousandInEach) {
  for (const std::vector<std::size_t>& reactors :
       {std::vector<std::size_t>{10'000}, {5'000, 5'000}, {1, 9'999}, {7'000, 0, 2'000, 1'000}}) {
    const auto bins = histogram(drain_window(10 * kSecond, 10'000), reactors, kSecond);
    ASSERT_EQ(bins.size(), 11U);
    EXPECT_EQ(bins.back(), 0U);
    for (std::size_t second = 0; second < 10; ++second) {
      EXPECT_NEAR(static_cast<double>(bins[second]), 1000.0, 4.0) << second;
    }
  }
}

TEST(DrainSlots, AreAsEvenInEachTick) {
  const auto bins = histogram(10 * kSecond, {5'000, 5'000}, 1);
  EXPECT_EQ(std::accumulate(bins.begin(), bins.end(), std::size_t{0}), 10'000U);
  EXPECT_LE(*std::max_element(bins.begin(), bins.end()), 11U);
}

// Sixty-four reactors with one connection each do not all close at the same moment.
TEST(DrainSlots, ReactorsTakeTurns) {
  const auto bins = histogram(640, std::vector<std::size_t>(64, 1), 10);
  EXPECT_EQ(*std::max_element(bins.begin(), bins.end()), 1U);
}

TEST(DrainSlots, AFewConnectionsAreQuickAndManyTakeTheWindow) {
  EXPECT_EQ(drain_window(10 * kSecond, 0), 0U);
  EXPECT_EQ(drain_window(10 * kSecond, 100), ticks_for_ms(100));
  EXPECT_EQ(drain_window(10 * kSecond, 10'000), 10 * kSecond);
  EXPECT_EQ(drain_window(10 * kSecond, 1'000'000), 10 * kSecond);
  EXPECT_EQ(drain_window(0, 1'000'000), 0U);
}

TEST(DrainSlots, NobodyTakesNoTime) {
  EXPECT_EQ(drain_slot({100, 2}, 1, 0, 0), 0U);
  EXPECT_EQ(drain_slot({0, 2}, 1, 5, 10), 0U);
}

}  // namespace
}  // namespace wsd::net
