// Random words and bytes from the operating system.
#pragma once

#include <cstddef>
#include <cstdint>

namespace wsd {

// Returns 64 random bits from the system's entropy source. Any thread. The function has a C name
// and its own file, so that the simulation can replace it with the linker's --wrap.
extern "C" std::uint64_t wsd_random_word() noexcept;
// Fills `size` bytes from the same source, in one system call for at most 256 bytes. Any thread.
extern "C" void wsd_random_bytes(void* into, std::size_t size) noexcept;

}  // namespace wsd
