#include "base/entropy.h"

#include <sys/random.h>

#include <cerrno>
#include <random>

#include "base/assert.h"

namespace wsd {

extern "C" std::uint64_t wsd_random_word() noexcept {
  std::random_device entropy;
  return std::uint64_t{entropy()} << 32 | entropy();
}

extern "C" void wsd_random_bytes(void* into, std::size_t size) noexcept {
  auto* at = static_cast<std::uint8_t*>(into);
  while (size != 0) {
    const ssize_t count = ::getrandom(at, size, 0);
    if (count < 0) {
      WSD_ASSERT(errno == EINTR);  // getrandom(2): no other error is possible for these arguments
      continue;
    }
    at += count;
    size -= static_cast<std::size_t>(count);
  }
}

}  // namespace wsd
