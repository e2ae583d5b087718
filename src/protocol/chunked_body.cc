#include "protocol/chunked_body.h"

#include <algorithm>

#include "protocol/syntax.h"

namespace wsd::protocol {
namespace {

constexpr std::uint8_t kMaxDigits = 16;  // of a size of 64 bits

// RFC 9110 §5.6.4: qdtext, and the byte after a backslash, without its own exceptions.
bool is_quotable(char c) noexcept { return c == '\t' || !is_control_byte(c); }

}  // namespace

ChunkedBody::Status ChunkedBody::next(Bytes& input, Bytes& data,
                                      const ChunkedLimits& limits) noexcept {
  while (state_ != State::kComplete && state_ != State::kFailed) {
    if (input.empty()) return Status::kNeedMore;
    if (state_ == State::kData) {
      data = input.first(static_cast<std::size_t>(std::min<std::uint64_t>(chunk_, input.size())));
      input = input.subspan(data.size());
      chunk_ -= data.size();
      if (chunk_ == 0) state_ = State::kDataEnd;
      return Status::kData;
    }
    violation_ = step(static_cast<char>(input.front()), limits);
    input = input.subspan(1);
    if (violation_ != Violation::kNone) state_ = State::kFailed;
  }
  return state_ == State::kComplete ? Status::kComplete : Status::kFailed;
}

Violation ChunkedBody::step(char c, const ChunkedLimits& limits) noexcept {
  if (state_ == State::kSize) return step_size(c, limits);
  if (state_ <= State::kQuotedEnd) return step_extension(c, limits);
  if (state_ <= State::kDataLineFeed) return step_line_end(c);
  return step_trailer(c, limits);
}

// RFC 9112 §7.1: chunk-size = 1*HEXDIG, then extensions or CRLF.
Violation ChunkedBody::step_size(char c, const ChunkedLimits& limits) noexcept {
  if (is_hex_digit(c)) {
    if (digits_ == kMaxDigits) return Violation::kBadChunk;
    ++digits_;
    chunk_ = chunk_ << 4 | static_cast<std::uint64_t>(hex_value(c));
    return Violation::kNone;
  }
  if (c == '\n') return Violation::kBareLineFeed;
  if (digits_ == 0) return Violation::kBadChunk;
  if (chunk_ > limits.max_body_bytes - decoded_) return Violation::kBodyTooLarge;
  if (c == '\r') {
    state_ = State::kSizeEnd;
    return Violation::kNone;
  }
  if (!is_blank(c) && c != ';') return Violation::kBadChunk;
  state_ = State::kExtensionBlank;
  return step_extension(c, limits);
}

// RFC 9112 §7.1.1: *( BWS ";" BWS token [ BWS "=" BWS ( token / quoted-string ) ] ).
Violation ChunkedBody::step_extension(char c, const ChunkedLimits& limits) noexcept {
  if (c == '\n') return Violation::kBareLineFeed;
  if (c != '\r' && ++extension_bytes_ > limits.max_extension_bytes) {
    return Violation::kChunkExtensionsTooLong;
  }
  if (state_ >= State::kExtensionValueStart) return step_extension_value(c);
  const bool in_name = state_ == State::kExtensionName;
  const bool after_name = in_name || state_ == State::kExtensionNameBlank;
  if (state_ == State::kExtensionStart || in_name) {
    if (is_tchar(c)) {
      state_ = State::kExtensionName;
      return Violation::kNone;
    }
  }
  if (is_blank(c)) {
    if (in_name) state_ = State::kExtensionNameBlank;
    return Violation::kNone;
  }
  if (c == ';' && (after_name || state_ == State::kExtensionBlank)) {
    state_ = State::kExtensionStart;
  } else if (c == '=' && after_name) {
    state_ = State::kExtensionValueStart;
  } else if (c == '\r' && in_name) {
    state_ = State::kSizeEnd;
  } else {
    return Violation::kBadChunk;
  }
  return Violation::kNone;
}

Violation ChunkedBody::step_extension_value(char c) noexcept {
  switch (state_) {
    case State::kQuotedPair:
      state_ = State::kQuoted;
      return is_quotable(c) ? Violation::kNone : Violation::kBadChunk;
    case State::kQuoted:
      if (c == '"') {
        state_ = State::kQuotedEnd;
      } else if (c == '\\') {
        state_ = State::kQuotedPair;
      }
      return is_quotable(c) ? Violation::kNone : Violation::kBadChunk;
    case State::kExtensionValueStart:
      if (is_blank(c)) return Violation::kNone;
      if (c == '"') {
        state_ = State::kQuoted;
        return Violation::kNone;
      }
      if (!is_tchar(c)) return Violation::kBadChunk;
      state_ = State::kExtensionToken;
      return Violation::kNone;
    default:  // kExtensionToken, kQuotedEnd
      break;
  }
  if (state_ == State::kExtensionToken && is_tchar(c)) return Violation::kNone;
  if (c == '\r') {
    state_ = State::kSizeEnd;
  } else if (c == ';') {
    state_ = State::kExtensionStart;
  } else if (is_blank(c)) {
    state_ = State::kExtensionBlank;
  } else {
    return Violation::kBadChunk;
  }
  return Violation::kNone;
}

// The end of a line with a size, and of a chunk's data.
Violation ChunkedBody::step_line_end(char c) noexcept {
  if (state_ == State::kDataEnd) {
    if (c == '\n') return Violation::kBareLineFeed;
    if (c != '\r') return Violation::kBadChunk;
    state_ = State::kDataLineFeed;
    return Violation::kNone;
  }
  if (c != '\n') return Violation::kBareCarriageReturn;
  if (state_ == State::kDataLineFeed) {
    digits_ = 0;
    state_ = State::kSize;
  } else if (chunk_ == 0) {
    state_ = State::kTrailerStart;  // RFC 9112 §7.1: last-chunk
  } else {
    decoded_ += chunk_;
    state_ = State::kData;
  }
  return Violation::kNone;
}

// RFC 9112 §7.1.2: *( field-line CRLF ), then an empty line.
Violation ChunkedBody::step_trailer(char c, const ChunkedLimits& limits) noexcept {
  if (++trailer_bytes_ > limits.max_trailer_bytes) return Violation::kTrailerTooLong;
  switch (state_) {
    case State::kBodyEnd:
    case State::kTrailerLineFeed:
      if (c != '\n') return Violation::kBareCarriageReturn;
      state_ = state_ == State::kBodyEnd ? State::kComplete : State::kTrailerStart;
      return Violation::kNone;
    case State::kTrailerValue:
      if (c == '\r') {
        state_ = State::kTrailerLineFeed;
        return Violation::kNone;
      }
      if (c == '\n') return Violation::kBareLineFeed;
      return is_quotable(c) ? Violation::kNone : Violation::kBadFieldValue;
    default:  // kTrailerStart, kTrailerName
      break;
  }
  if (c == '\n') return Violation::kBareLineFeed;
  if (state_ == State::kTrailerStart) {
    if (c == '\r') {
      state_ = State::kBodyEnd;
      return Violation::kNone;
    }
    if (is_blank(c)) return Violation::kLeadingWhitespace;  // RFC 9112 §5.2: obs-fold
    state_ = State::kTrailerName;
    return is_tchar(c) ? Violation::kNone : Violation::kBadFieldName;
  }
  if (c == ':') {
    state_ = State::kTrailerValue;
    return Violation::kNone;
  }
  return is_tchar(c) ? Violation::kNone : Violation::kBadFieldName;
}

}  // namespace wsd::protocol
