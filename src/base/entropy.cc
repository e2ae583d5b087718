#include "base/entropy.h"

#include <random>

namespace wsd {

extern "C" std::uint64_t wsd_random_word() noexcept {
  std::random_device entropy;
  return std::uint64_t{entropy()} << 32 | entropy();
}

}  // namespace wsd
