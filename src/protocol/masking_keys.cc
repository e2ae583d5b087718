#include "protocol/masking_keys.h"

#include <utility>

#include "base/entropy.h"

namespace wsd::protocol {

// A used key is erased, because it would unmask bytes that a client has sent.
MaskingKey MaskingKeys::next() noexcept {
  if (used_ == kKeys) {
    wsd_random_bytes(keys_.data(), sizeof(keys_));
    used_ = 0;
  }
  return std::exchange(keys_[used_++], MaskingKey{});
}

}  // namespace wsd::protocol
