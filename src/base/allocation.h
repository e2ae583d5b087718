// The memory that the allocator takes for blocks, and keeps after them.
#pragma once

#include <algorithm>
#include <cstddef>

namespace wsd {

// The size field that the allocator keeps before each block.
inline constexpr std::size_t kAllocationHeader = sizeof(std::size_t);

// Returns the memory that malloc(size) takes, by the rule of glibc: a header, in units of 16 bytes,
// and at least 32 bytes. Blocks that glibc maps need up to a page more, which is less than 2 % of
// them.
[[nodiscard]] constexpr std::size_t allocation_bytes(std::size_t size) noexcept {
  constexpr std::size_t kUnit = 2 * sizeof(std::size_t);
  return std::max((size + kAllocationHeader + kUnit - 1) / kUnit * kUnit, 2 * kUnit);
}

// Returns free memory of the allocator to the system. It may take as long as net/memory_release.h
// says. Any thread.
void trim_allocator() noexcept;

}  // namespace wsd
