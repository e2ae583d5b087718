// A hash of a sequence of words, to distinguish states.
#pragma once

#include <cstdint>

namespace wsd::model {

// The finalizer of MurmurHash3 (A. Appleby) over the sum of both.
[[nodiscard]] constexpr std::uint64_t mix(std::uint64_t hash, std::uint64_t word) noexcept {
  hash = (hash ^ word) + 0x9E3779B97F4A7C15U;
  hash = (hash ^ hash >> 33) * 0xFF51AFD7ED558CCDU;
  hash = (hash ^ hash >> 33) * 0xC4CEB9FE1A85EC53U;
  return hash ^ hash >> 33;
}

}  // namespace wsd::model
