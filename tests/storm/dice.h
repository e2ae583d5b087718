// Random decisions of one thread or one connection.
#pragma once

#include <cstdint>

namespace wsd::storm {

// SplitMix64: eight bytes of state, so that each connection can have its own.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) noexcept : state_(seed) {}

  std::uint64_t next() noexcept {
    std::uint64_t z = state_ += 0x9E3779B97F4A7C15U;
    z = (z ^ z >> 30U) * 0xBF58476D1CE4E5B9U;
    z = (z ^ z >> 27U) * 0x94D049BB133111EBU;
    return z ^ z >> 31U;
  }
  // Returns a number from 0 to `limit` - 1. `limit` must not be 0.
  std::uint64_t below(std::uint64_t limit) noexcept { return next() % limit; }
  bool chance(unsigned percent) noexcept { return below(100) < percent; }

 private:
  std::uint64_t state_;
};

}  // namespace wsd::storm
