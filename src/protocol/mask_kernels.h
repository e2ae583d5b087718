// The kernels of apply_mask(), for tests and benchmarks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace wsd::protocol {

struct MaskKernel {
  std::string_view name;
  // `word` is the key's octets in memory order, starting with that of data[0]. Any size, any
  // alignment. Returns whether all results are ASCII.
  bool (*apply)(std::uint8_t* data, std::size_t size, std::uint32_t word) noexcept;
  bool supported;  // by this CPU
};

// Returns all kernels, best first.
[[nodiscard]] std::span<const MaskKernel> mask_kernels() noexcept;

}  // namespace wsd::protocol
