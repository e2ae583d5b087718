// UTF-8 validation (RFC 3629), incremental and fail-fast (RFC 6455 §8.1).
#pragma once

#include <bit>
#include <cstdint>

#include "base/bytes.h"
#include "protocol/mask.h"

namespace wsd::protocol {

// Checks a text that arrives in pieces of any size. It fails at the first byte that no valid text
// can have there. For overlong forms, surrogates and code points above U+10FFFF, that is the second
// byte.
class Utf8Validator {
 public:
  // Returns false if the text so far cannot become valid. Stays false until reset().
  [[nodiscard]] bool feed(Bytes bytes) noexcept;
  // Unmasks `bytes` in place and checks them in the same pass; see apply_mask(). If it returns
  // false, some of them may still be masked, because an invalid text is not used.
  //
  // Inline for short texts, as apply_mask() is.
  [[nodiscard]] bool feed_masked(MutableBytes bytes, MaskingKey key,
                                 std::uint64_t offset) noexcept {
    if (state_ != 0 || bytes.size() > mask_detail::kMostShort) {
      return feed_masked_long(bytes, key, offset);
    }
    const std::uint32_t word = mask_detail::advance(std::bit_cast<std::uint32_t>(key), offset);
    return mask_detail::apply_short(bytes.data(), bytes.size(), word) == 0 || feed(bytes);
  }
  // Returns whether the text may end here: it is valid so far, and no sequence is open.
  [[nodiscard]] bool complete() const noexcept { return state_ == 0; }
  void reset() noexcept { state_ = 0; }

 private:
  [[nodiscard]] bool feed_masked_long(MutableBytes bytes, MaskingKey key,
                                      std::uint64_t offset) noexcept;

  std::uint8_t state_ = 0;  // 0 means between code points; utf8_states.h has the others
};

// Checks a whole text.
[[nodiscard]] bool is_utf8(Bytes bytes) noexcept;

}  // namespace wsd::protocol
