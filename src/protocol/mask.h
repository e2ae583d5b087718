// Masking (RFC 6455 §5.3).
#pragma once

#include <array>
#include <cstdint>

#include "base/bytes.h"

namespace wsd::protocol {

using MaskingKey = std::array<std::uint8_t, 4>;

// XORs each byte with the key's octet at (offset + i) mod 4, in place: masks and unmasks alike.
// `offset` is how many bytes of the payload came before these.
void apply_mask(MutableBytes bytes, MaskingKey key, std::uint64_t offset = 0) noexcept;

}  // namespace wsd::protocol
