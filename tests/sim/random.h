// The only source of randomness in a simulated run.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace wsd::sim {

// SplitMix64: G. L. Steele, D. Lea, C. H. Flood, "Fast splittable pseudorandom number generators"
// (OOPSLA 2014). It produces the same numbers on every machine, unlike the standard library's
// distributions.
class Random {
 public:
  explicit Random(std::uint64_t seed) noexcept : state_(seed) {}

  std::uint64_t next() noexcept {
    std::uint64_t z = state_ += 0x9E3779B97F4A7C15;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    return z ^ (z >> 31);
  }
  // Returns 0 to bound - 1. The bound must be at least 1 and far below 2^64.
  std::uint64_t below(std::uint64_t bound) noexcept { return next() % bound; }
  std::uint64_t between(std::uint64_t least, std::uint64_t most) noexcept {
    return least + below(most - least + 1);
  }
  // Returns true with a probability of `percent` in 100.
  bool chance(unsigned percent) noexcept { return below(100) < percent; }
  template <class T>
  const T& one_of(std::span<const T> values) noexcept {
    return values[static_cast<std::size_t>(below(values.size()))];
  }

 private:
  std::uint64_t state_;
};

}  // namespace wsd::sim
