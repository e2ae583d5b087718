// The kernels of Utf8Validator, each of which checks a whole text. For utf8.cc, tests and
// benchmarks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace wsd::protocol {

struct Utf8Kernel {
  std::string_view name;
  // Returns whether the bytes are whole, valid UTF-8. Any size, any alignment.
  bool (*valid)(const std::uint8_t* data, std::size_t size) noexcept;
  bool supported;  // by this CPU
};

// Returns all kernels, best first.
[[nodiscard]] std::span<const Utf8Kernel> utf8_kernels() noexcept;

}  // namespace wsd::protocol
