// Random words from the system.
#pragma once

#include <cstdint>

namespace wsd {

// Returns 64 random bits from the system's entropy. Any thread. It has a C name and a file of its
// own, so that the simulation can replace it by the linker's --wrap.
extern "C" std::uint64_t wsd_random_word() noexcept;

}  // namespace wsd
