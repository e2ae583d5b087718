#include "base/histogram.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>

namespace wsd {
namespace {

using Shape = DurationHistogram;

TEST(Histogram, UpperBound_BelongsToItsBucket) {
  EXPECT_EQ(Histogram::bucket_of(0), 0U);
  EXPECT_EQ(Histogram::bucket_of(1), 0U);
  for (std::size_t i = 0; i + 1 < Shape::kBuckets; ++i) {
    EXPECT_EQ(Histogram::bucket_of(Shape::bound_ns(i)), i);
    EXPECT_EQ(Histogram::bucket_of(Shape::bound_ns(i) + 1), i + 1);
  }
  EXPECT_EQ(Histogram::bucket_of(std::numeric_limits<std::uint64_t>::max()), Shape::kBuckets - 1);
}

TEST(Histogram, BoundsDoubleFromAMicrosecond) {
  EXPECT_EQ(Shape::bound_ns(0), 1'000U);
  EXPECT_EQ(Shape::bound_ns(1), 2'000U);
  EXPECT_EQ(Shape::bound_ns(Shape::kBuckets - 2), 8'388'608'000U);
}

TEST(Histogram, AddTo_SumsSeveralHistograms) {
  Histogram first;
  Histogram second;
  first.record(1'500);
  first.record(900, 3);
  second.record(1'600);
  second.record(60'000'000'000);
  Shape total;
  first.add_to(total);
  second.add_to(total);
  EXPECT_EQ(total.counts[0], 3U);
  EXPECT_EQ(total.counts[1], 2U);
  EXPECT_EQ(total.counts.back(), 1U);
  EXPECT_EQ(total.count(), 6U);
  EXPECT_EQ(total.sum_ns, 1'500U + 3 * 900 + 1'600 + 60'000'000'000);
}

}  // namespace
}  // namespace wsd
