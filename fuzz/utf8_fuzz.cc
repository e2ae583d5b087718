// Compares the UTF-8 validator and each of its kernels with the automaton of RFC 3629 §4, byte by
// byte. The result for the whole text must be equal. Split input must fail at the same byte.
//
// Input: one octet that seeds the splits, then the text.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/assert.h"
#include "base/bytes.h"
#include "protocol/utf8.h"
#include "protocol/utf8_kernels.h"
#include "protocol/utf8_states.h"

namespace {

using namespace wsd;            // NOLINT: a program of its own
using namespace wsd::protocol;  // NOLINT

struct Expected {
  std::size_t first_wrong;  // the text's size if there is none
  bool valid;
};

Expected by_bytes(Bytes text) {
  std::uint8_t state = kUtf8Between;
  for (std::size_t i = 0; i < text.size(); ++i) {
    state = utf8_next(state, text[i]);
    if (state == kUtf8Wrong) return {i, false};
  }
  return {text.size(), state == kUtf8Between};
}

// Pieces of 0 to 255 bytes, or (every other text) of 0 to 7.
class Cuts {
 public:
  explicit Cuts(std::uint8_t seed) : state_(seed * 2654435761U + 1), small_(seed % 2 == 1) {}
  std::size_t next(std::size_t left) {
    state_ = state_ * 1664525U + 1013904223U;
    return std::min<std::size_t>(small_ ? state_ >> 29 : state_ >> 24, left);
  }

 private:
  std::uint32_t state_;
  bool small_;
};

// Calls `feed` with the validator, the place and the size of each piece.
template <class Feed>
void check_in_cuts(const Expected& expected, std::size_t size, Cuts cuts, Feed feed) {
  Utf8Validator validator;
  for (std::size_t at = 0; at < size;) {
    const std::size_t piece = cuts.next(size - at);
    const bool good = feed(validator, at, piece);
    at += piece;
    WSD_ASSERT(good == (expected.first_wrong >= at));
    if (!good) {
      WSD_ASSERT(!validator.complete());
      return;
    }
  }
  WSD_ASSERT(validator.complete() == expected.valid);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const std::uint8_t seed = data[0];
  // Copied to a separate block, so that the sanitizer detects a read outside it.
  const std::vector<std::uint8_t> text(data + 1, data + size);
  const Expected expected = by_bytes(text);

  WSD_ASSERT(is_utf8(text) == expected.valid);
  for (const Utf8Kernel& kernel : utf8_kernels()) {
    WSD_ASSERT(!kernel.supported || kernel.valid(text.data(), text.size()) == expected.valid);
  }
  Utf8Validator whole;
  WSD_ASSERT(whole.feed(text) == (expected.first_wrong == text.size()));
  WSD_ASSERT(whole.complete() == expected.valid);

  check_in_cuts(expected, text.size(), Cuts(seed),
                [&](Utf8Validator& validator, std::size_t at, std::size_t piece) {
                  return validator.feed(Bytes(text).subspan(at, piece));
                });

  const MaskingKey key = {seed, 0x80, 0x5A, 0xFF};
  std::vector<std::uint8_t> masked = text;
  apply_mask(masked, key);
  check_in_cuts(
      expected, text.size(), Cuts(seed),
      [&](Utf8Validator& validator, std::size_t at, std::size_t piece) {
        const bool good = validator.feed_masked(MutableBytes(masked).subspan(at, piece), key, at);
        WSD_ASSERT(!good ||
                   std::equal(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at + piece),
                              masked.begin()));
        return good;
      });
  return 0;
}
