// Random words from the operating system.
#pragma once

#include <cstdint>

namespace wsd {

// Returns 64 random bits from the system's entropy source. Any thread. The function has a C name
// and its own file, so that the simulation can replace it with the linker's --wrap.
extern "C" std::uint64_t wsd_random_word() noexcept;

}  // namespace wsd
