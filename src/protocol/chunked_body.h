// Decodes a request body with the transfer coding "chunked" (RFC 9112 §7.1), strictly and
// resumably.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bytes.h"
#include "protocol/violation.h"

namespace wsd::protocol {

// RFC 9112 §7.1.1, §7.1.2: both are ignored, so their limits are not for the operator to set.
inline constexpr std::uint32_t kMaxChunkExtensionBytes = 16 << 10;
inline constexpr std::uint32_t kMaxTrailerBytes = 8 << 10;

struct ChunkedLimits {
  std::uint64_t max_body_bytes = 0;  // decoded
  // Of all chunk extensions of the body together.
  std::uint32_t max_extension_bytes = kMaxChunkExtensionBytes;
  // Of the trailer section, including its line ends.
  std::uint32_t max_trailer_bytes = kMaxTrailerBytes;
};

// Decodes one body from bytes that arrive in pieces of any size. It holds no bytes, and the result
// does not depend on the pieces.
//
// It is strict, because every byte that two readers understand differently makes request smuggling
// possible (RFC 9112 §11.2):
// - Each line ends in CRLF, without any bare CR or LF, also within an extension.
// - A chunk size has 1 to 16 hexadecimal digits, so it fits 64 bits, and no sign or prefix.
// - CRLF follows the data of each chunk at once.
// - Extensions and trailer fields must match their ABNF, and are ignored. No trailer field becomes
//   a header field (RFC 9110 §6.5.1). There is no obs-fold.
// - A chunk that exceeds the limit on the body fails at its size, before its data.
class ChunkedBody {
 public:
  enum class Status : std::uint8_t { kNeedMore, kData, kComplete, kFailed };

  // Removes bytes from the front of `input`. At kData, `data` is a view of at least one decoded
  // byte of `input`. At kNeedMore, `input` is empty. At kComplete, `input` begins after the body.
  // kComplete and kFailed stay. Pass the same limits in each call.
  [[nodiscard]] Status next(Bytes& input, Bytes& data, const ChunkedLimits& limits) noexcept;
  // Only after kFailed.
  [[nodiscard]] Violation violation() const noexcept { return violation_; }

 private:
  // In the order of the bytes. Those from kExtensionBlank to kQuotedEnd belong to an extension.
  enum class State : std::uint8_t {
    kSize,
    kExtensionBlank,  // before the ';'
    kExtensionStart,
    kExtensionName,
    kExtensionNameBlank,
    kExtensionValueStart,
    kExtensionToken,
    kQuoted,
    kQuotedPair,
    kQuotedEnd,
    kSizeEnd,
    kData,
    kDataEnd,
    kDataLineFeed,
    kTrailerStart,
    kTrailerName,
    kTrailerValue,
    kTrailerLineFeed,
    kBodyEnd,
    kComplete,
    kFailed,
  };

  // Each of these handles one byte, changes the state and returns the violation, if any.
  [[nodiscard]] Violation step(char c, const ChunkedLimits& limits) noexcept;
  [[nodiscard]] Violation step_size(char c, const ChunkedLimits& limits) noexcept;
  [[nodiscard]] Violation step_extension(char c, const ChunkedLimits& limits) noexcept;
  [[nodiscard]] Violation step_extension_value(char c) noexcept;
  [[nodiscard]] Violation step_line_end(char c) noexcept;
  [[nodiscard]] Violation step_trailer(char c, const ChunkedLimits& limits) noexcept;

  std::uint64_t decoded_ = 0;  // bytes of the body, including the rest of this chunk
  std::uint64_t chunk_ = 0;    // the size that is being read; then the bytes that are missing
  std::uint32_t extension_bytes_ = 0;
  std::uint32_t trailer_bytes_ = 0;
  State state_ = State::kSize;
  std::uint8_t digits_ = 0;
  Violation violation_ = Violation::kNone;
};

}  // namespace wsd::protocol
