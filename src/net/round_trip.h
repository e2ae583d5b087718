// How long a Ping took to come back, without a note of when it was sent: a Pong brings its Ping's
// payload (RFC 6455 §5.5.3), and that says when.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>

#include "base/bytes.h"

namespace wsd::net {

// The payload of a Ping of ours: the time, under a key, since it is nobody's business how long this
// machine has been up.
class PingStamp {
 public:
  static constexpr std::size_t kBytes = 8;

  PingStamp(std::uint64_t now_ns, std::uint64_t key) noexcept
      : bytes_(std::bit_cast<std::array<std::uint8_t, kBytes>>(now_ns ^ key)) {}
  [[nodiscard]] Bytes bytes() const noexcept { return bytes_; }

  // How many nanoseconds before `now_ns` the Ping was sent that this Pong answers; std::nullopt
  // where it is not one of ours: no such payload, or a time that is to come or over an hour ago.
  [[nodiscard]] static std::optional<std::uint64_t> age_ns(Bytes pong, std::uint64_t now_ns,
                                                           std::uint64_t key) noexcept {
    constexpr std::uint64_t kHourNs = 3'600'000'000'000;
    std::uint64_t word = 0;
    if (pong.size() != kBytes) return std::nullopt;
    std::memcpy(&word, pong.data(), kBytes);
    const std::uint64_t sent_ns = word ^ key;
    if (sent_ns > now_ns || now_ns - sent_ns > kHourNs) return std::nullopt;
    return now_ns - sent_ns;
  }

 private:
  std::array<std::uint8_t, kBytes> bytes_;
};

// A round trip in one byte: five bits of exponent and three of fraction, as a small floating-point
// number of microseconds. It is at most 7 % off.
class RoundTrip {
 public:
  RoundTrip() = default;
  explicit RoundTrip(std::uint64_t us) noexcept {
    // Below 16 each number stands for itself; 0 is for none at all.
    us = std::clamp<std::uint64_t>(us, 1, kMost);
    if (us < 2 * kSteps) {
      code_ = static_cast<std::uint8_t>(us);
      return;
    }
    const auto shift = static_cast<unsigned>(std::bit_width(us)) - kFractionBits - 1;
    us += std::uint64_t{1} << (shift - 1);  // to the nearest; it may carry into the exponent
    const auto rounded = static_cast<unsigned>(std::bit_width(us)) - kFractionBits - 1;
    code_ = static_cast<std::uint8_t>((rounded + 1) * kSteps + (us >> rounded) % kSteps);
  }

  // 0: none is known.
  [[nodiscard]] std::uint64_t us() const noexcept {
    if (code_ < 2 * kSteps) return code_;
    return (kSteps + code_ % kSteps) << (code_ / kSteps - 1);
  }

 private:
  static constexpr unsigned kFractionBits = 3;
  static constexpr std::uint64_t kSteps = std::uint64_t{1} << kFractionBits;
  static constexpr std::uint64_t kMost = std::uint64_t{15} << 30;

  std::uint8_t code_ = 0;
};

}  // namespace wsd::net
