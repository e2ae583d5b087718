// The masking keys of a client's frames (RFC 6455 §5.3, §10.3).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "protocol/mask.h"

namespace wsd::protocol {

// Returns a fresh key for each frame. Every key comes from the system's entropy source, so that no
// peer can predict the next one from those that it has seen (§10.3). A system call fetches many
// keys at once. One per reactor, for its thread only.
class MaskingKeys {
 public:
  MaskingKeys() = default;
  MaskingKeys(const MaskingKeys&) = delete;
  MaskingKeys& operator=(const MaskingKeys&) = delete;

  [[nodiscard]] MaskingKey next() noexcept;

 private:
  static constexpr std::size_t kKeys = 64;  // as many as one system call fetches without EINTR

  std::array<MaskingKey, kKeys> keys_ = {};
  std::size_t used_ = kKeys;
};

}  // namespace wsd::protocol
