// Durations, counted in buckets whose limits double.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "base/counter.h"
#include "wsd/stats.h"

namespace wsd {

// Counts durations in the buckets of DurationHistogram. Bucket i holds those of at most 2^i
// microseconds that exceed the limit of the bucket before. The last bucket holds all longer ones.
// One thread records; any thread may read.
class Histogram {
 public:
  // Counts `times` durations of `ns` nanoseconds each.
  void record(std::uint64_t ns, std::uint64_t times = 1) noexcept {
    buckets_[bucket_of(ns)].add(times);
    sum_ns_.add(ns * times);
  }

  // Adds the durations recorded so far to `total`.
  void add_to(DurationHistogram& total) const noexcept {
    for (std::size_t i = 0; i < buckets_.size(); ++i) total.counts[i] += buckets_[i].value();
    total.sum_ns += sum_ns_.value();
  }

  [[nodiscard]] static constexpr std::size_t bucket_of(std::uint64_t ns) noexcept {
    // A duration equal to a limit belongs to the bucket with that limit.
    const std::uint64_t us = (std::max<std::uint64_t>(ns, 1) - 1) / 1000;
    return std::min(static_cast<std::size_t>(std::bit_width(us)), DurationHistogram::kBuckets - 1);
  }

 private:
  std::array<Counter, DurationHistogram::kBuckets> buckets_;
  Counter sum_ns_;
};

}  // namespace wsd
