// The word that the server gets for a random one.
#pragma once

#include <cstdint>

namespace wsd::sim {

inline constexpr std::uint64_t kUsualWord = 0x0F0E0D0C0B0A0908;

[[nodiscard]] inline std::uint64_t& random_word() noexcept {
  static std::uint64_t word = kUsualWord;
  return word;
}

}  // namespace wsd::sim
