#include "net/round_trip.h"

#include "base/entropy.h"

namespace wsd::net {

std::uint64_t process_ping_key() noexcept {
  static const std::uint64_t key = wsd_random_word();
  return key;
}

}  // namespace wsd::net
