// Measures the round trip of a Ping without storing when it was sent: the Pong carries the payload
// of its Ping (RFC 6455 §5.5.3), which holds that time.
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

// Returns the key of the Pings of this process. It has no other use, because each Ping shows its
// bits to a peer that can guess the time. The first call draws it from the system's entropy source.
// Any thread.
[[nodiscard]] std::uint64_t process_ping_key() noexcept;

// The payload of our Pings: the time, hidden with a key, so that peers do not learn the uptime of
// the machine.
class PingStamp {
 public:
  static constexpr std::size_t kBytes = 8;

  PingStamp(std::uint64_t now_ns, std::uint64_t key) noexcept
      : bytes_(std::bit_cast<std::array<std::uint8_t, kBytes>>(now_ns ^ key)) {}
  [[nodiscard]] Bytes bytes() const noexcept { return bytes_; }

  // Returns the nanoseconds between the Ping of this Pong and `now_ns`. Returns std::nullopt if the
  // payload has another size, or if its time is in the future or more than an hour ago.
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

// A round trip in one byte: a floating-point number of microseconds with five bits of exponent and
// three of fraction. The error is at most 7 %.
class RoundTrip {
 public:
  RoundTrip() = default;
  explicit RoundTrip(std::uint64_t us) noexcept {
    // Values below 16 are stored as they are. 0 means that no round trip is known.
    us = std::clamp<std::uint64_t>(us, 1, kMost);
    if (us < 2 * kSteps) {
      code_ = static_cast<std::uint8_t>(us);
      return;
    }
    const auto shift = static_cast<unsigned>(std::bit_width(us)) - kFractionBits - 1;
    us += std::uint64_t{1} << (shift - 1);  // rounds to the nearest; may carry into the exponent
    if (us < 2 * kSteps) __builtin_unreachable();  // the sum does not overflow: us <= kMost
    const auto rounded = static_cast<unsigned>(std::bit_width(us)) - kFractionBits - 1;
    code_ = static_cast<std::uint8_t>((rounded + 1) * kSteps + (us >> rounded) % kSteps);
  }

  // Returns 0 if no round trip is known.
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
