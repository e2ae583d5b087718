// Numbers in little-endian order, as the history log has them on disk.
#pragma once

#include <bit>
#include <concepts>
#include <cstdint>
#include <cstring>

namespace wsd {

// Returns the number whose first byte is at `from`. Any alignment.
template <std::unsigned_integral T>
[[nodiscard]] inline T load_little_endian(const std::uint8_t* from) noexcept {
  T value = 0;
  if constexpr (std::endian::native == std::endian::little) {
    std::memcpy(&value, from, sizeof value);
  } else {
    for (std::size_t i = sizeof value; i-- > 0;) value = static_cast<T>(value << 8 | from[i]);
  }
  return value;
}

// Writes the sizeof(T) bytes of the number to `to`. Any alignment.
template <std::unsigned_integral T>
inline void store_little_endian(std::uint8_t* to, T value) noexcept {
  if constexpr (std::endian::native == std::endian::little) {
    std::memcpy(to, &value, sizeof value);
  } else {
    for (std::size_t i = 0; i < sizeof value; ++i) {
      to[i] = static_cast<std::uint8_t>(value >> (8 * i));
    }
  }
}

}  // namespace wsd
