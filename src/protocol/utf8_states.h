// An automaton for UTF-8, one byte at a time, from the table of RFC 3629 §4. feed() uses it at the
// edges of its input, and the tests compare every faster implementation with it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace wsd::protocol {

enum Utf8State : std::uint8_t {
  kUtf8Between = 0,  // between code points
  kUtf8One,          // one continuation byte to come, any of 80..BF
  kUtf8Two,
  kUtf8Three,
  kUtf8AfterE0,  // A0..BF, then one more: below would be overlong
  kUtf8AfterEd,  // 80..9F, then one more: above would be a surrogate
  kUtf8AfterF0,  // 90..BF, then two more: below would be overlong
  kUtf8AfterF4,  // 80..8F, then two more: above would be past U+10FFFF
  kUtf8Wrong,    // invalid; final
};
inline constexpr std::size_t kUtf8States = kUtf8Wrong + 1;

[[nodiscard]] constexpr Utf8State utf8_after_lead(unsigned byte) noexcept {
  if (byte <= 0x7F) return kUtf8Between;
  if (byte >= 0xC2 && byte <= 0xDF) return kUtf8One;
  if (byte == 0xE0) return kUtf8AfterE0;
  if (byte == 0xED) return kUtf8AfterEd;
  if (byte >= 0xE1 && byte <= 0xEF) return kUtf8Two;
  if (byte == 0xF0) return kUtf8AfterF0;
  if (byte >= 0xF1 && byte <= 0xF3) return kUtf8Three;
  if (byte == 0xF4) return kUtf8AfterF4;
  return kUtf8Wrong;  // no sequence begins with 80..C1 (C0 and C1 would be overlong) or F5..FF
}

[[nodiscard]] constexpr Utf8State utf8_next(std::uint8_t state, unsigned byte) noexcept {
  const auto within = [byte](unsigned low, unsigned high, Utf8State then) {
    return byte >= low && byte <= high ? then : kUtf8Wrong;
  };
  switch (state) {
    case kUtf8Between:
      return utf8_after_lead(byte);
    case kUtf8One:
      return within(0x80, 0xBF, kUtf8Between);
    case kUtf8Two:
      return within(0x80, 0xBF, kUtf8One);
    case kUtf8Three:
      return within(0x80, 0xBF, kUtf8Two);
    case kUtf8AfterE0:
      return within(0xA0, 0xBF, kUtf8One);
    case kUtf8AfterEd:
      return within(0x80, 0x9F, kUtf8One);
    case kUtf8AfterF0:
      return within(0x90, 0xBF, kUtf8Two);
    case kUtf8AfterF4:
      return within(0x80, 0x8F, kUtf8Two);
    default:
      return kUtf8Wrong;
  }
}

inline constexpr auto kUtf8Next = [] {
  std::array<std::array<std::uint8_t, 256>, kUtf8States> table = {};
  for (std::size_t state = 0; state < kUtf8States; ++state) {
    for (unsigned byte = 0; byte < 256; ++byte) {
      table[state][byte] = utf8_next(static_cast<std::uint8_t>(state), byte);
    }
  }
  return table;
}();

}  // namespace wsd::protocol
