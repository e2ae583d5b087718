// CRC-32C (Castagnoli), the checksum of RFC 3720 §12.1.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/bytes.h"

namespace wsd {

// Returns the CRC-32C of the bytes that gave `crc`, followed by `bytes`. 0 is the CRC of no bytes,
// so a checksum may be computed in parts. Any thread.
[[nodiscard]] std::uint32_t crc32c(Bytes bytes, std::uint32_t crc = 0) noexcept;

struct Crc32cKernel {
  std::string_view name;
  // As crc32c(). Any size, any alignment.
  std::uint32_t (*update)(std::uint32_t crc, const std::uint8_t* data, std::size_t size) noexcept;
  bool supported;  // by this CPU
};

// Returns all kernels, best first. For tests and benchmarks.
[[nodiscard]] std::span<const Crc32cKernel> crc32c_kernels() noexcept;

}  // namespace wsd
