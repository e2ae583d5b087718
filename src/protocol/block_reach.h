// Limits the output of a call of zlib, so that distances beyond the window are found.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "base/bytes.h"

namespace wsd::protocol {

// Tells how much output zlib may make in one call.
//
// zlib lets a distance reach beyond the window, into the output of the same call. Outputs of an
// eighth of the window limit such a distance to an eighth more than the window. Such short calls
// cost several times the work of long ones, so a call is long if its block cannot hold such a
// distance: it is a stored block, or has no code for one.
class BlockReach {
 public:
  explicit BlockReach(std::uint8_t window_bits) noexcept : window_bits_(window_bits) {}

  // Returns the most output of the next call, which gets `input`.
  [[nodiscard]] std::size_t output_step(Bytes input) noexcept {
    if (window_bits_ == kWidest) return kMost;  // larger distances do not exist (RFC 1951 §3.2.5)
    if (between_blocks_) reaches_far_ = next_reaches_far(input);
    if (!reaches_far_) return kMost;
    // A distance cannot reach beyond the window before the output has the window's size.
    const std::size_t window = std::size_t{1} << window_bits_;
    return std::max(window - std::min(made_, window), window / 8);
  }

  // Call this after each call of zlib. `unused_bits` are the highest bits of the last byte of
  // `taken`, or of an earlier call's if it is empty, that zlib has not used yet.
  void advance(Bytes taken, std::size_t made, bool between_blocks, unsigned unused_bits) noexcept {
    if (!taken.empty()) last_ = taken.back();
    made_ += made;
    between_blocks_ = between_blocks;
    unused_bits_ = unused_bits;
  }
  // Call this after a final block, whose last byte has no bits of the next block.
  void begin_stream() noexcept {
    between_blocks_ = true;
    unused_bits_ = 0;
  }
  // Call this when the window has become empty.
  void forget() noexcept { *this = BlockReach(window_bits_); }

 private:
  static constexpr std::uint8_t kWidest = 15;
  static constexpr std::size_t kMost = std::size_t{16} << 10;

  // Reads the first bits of the next block (RFC 1951 §3.2.3, §3.2.7): one that marks the final
  // block, two for the type, five for the number of literal codes, five for the number of distance
  // codes less one. Returns true if the input has too few of them.
  [[nodiscard]] bool next_reaches_far(Bytes input) const noexcept {
    constexpr unsigned kStored = 0;
    constexpr unsigned kDynamic = 2;
    constexpr unsigned kTypeEnd = 3;
    constexpr unsigned kDistanceCodesEnd = 13;
    if (unused_bits_ >= 8) return true;
    unsigned bits = unsigned{last_} >> (8 - unused_bits_);
    unsigned count = unused_bits_;
    for (const std::uint8_t byte : input.first(std::min<std::size_t>(input.size(), 2))) {
      bits |= unsigned{byte} << count;
      count += 8;
    }
    const unsigned type = bits >> 1 & 3;
    if (count >= kTypeEnd && type == kStored) return false;
    if (count < kDistanceCodesEnd || type != kDynamic) return true;
    // The first 2 * n codes are for distances up to 2^n (RFC 1951 §3.2.5).
    const unsigned distance_codes = (bits >> 8 & 31) + 1;
    return distance_codes > 2U * window_bits_;
  }

  std::uint8_t window_bits_;
  std::uint8_t last_ = 0;  // the last byte that zlib has taken
  bool between_blocks_ = true;
  bool reaches_far_ = true;  // the current block may hold a distance beyond the window
  unsigned unused_bits_ = 0;
  std::size_t made_ = 0;  // bytes since the window was empty
};

}  // namespace wsd::protocol
