// UTF-8 validation (RFC 3629), incremental and fail-fast (RFC 6455 §8.1).
#pragma once

#include <bit>
#include <cstdint>

#include "base/bytes.h"
#include "protocol/mask.h"

namespace wsd::protocol {

// Checks a text that arrives in any cut. Rejects at the first byte that cannot continue any valid
// text: overlong forms, surrogates and code points above U+10FFFF are seen at the second byte.
class Utf8Validator {
 public:
  // False when the text so far cannot become valid; stays false until reset().
  [[nodiscard]] bool feed(Bytes bytes) noexcept;
  // Unmasks `bytes` in place and checks them in the same sweep; see apply_mask(). When it returns
  // false, some of them may still be masked: nobody reads a text that is wrong.
  //
  // Inline for short texts, as apply_mask() is.
  [[nodiscard]] bool feed_masked(MutableBytes bytes, MaskingKey key,
                                 std::uint64_t offset) noexcept {
    if (state_ != 0 || bytes.size() > mask_detail::kMostShort) {
      return feed_masked_long(bytes, key, offset);
    }
    const std::uint32_t word = mask_detail::advance(std::bit_cast<std::uint32_t>(key), offset);
    return mask_detail::apply_short(bytes.data(), bytes.size(), word) || feed(bytes);
  }
  // Whether the text may end here: no sequence is open and nothing was wrong.
  [[nodiscard]] bool complete() const noexcept { return state_ == 0; }
  void reset() noexcept { state_ = 0; }

 private:
  [[nodiscard]] bool feed_masked_long(MutableBytes bytes, MaskingKey key,
                                      std::uint64_t offset) noexcept;

  std::uint8_t state_ = 0;  // 0 is "between code points"; the rest is in utf8_states.h
};

// A whole text at once.
[[nodiscard]] bool is_utf8(Bytes bytes) noexcept;

}  // namespace wsd::protocol
