#include "protocol/frame_check.h"

namespace wsd::protocol {
namespace {

bool is_assigned(Opcode opcode) noexcept {
  const auto value = static_cast<std::uint8_t>(opcode);
  return value <= 0x2 || (value >= 0x8 && value <= 0xA);
}

}  // namespace

Violation check_frame_start(const FrameHeader& header, bool in_message, bool compression,
                            bool masked) noexcept {
  // RFC 7692 §6: RSV1 has no meaning on control frames and on continuations.
  const bool starts_message = header.opcode == Opcode::kText || header.opcode == Opcode::kBinary;
  const std::uint8_t meaningful = compression && starts_message ? kRsv1 : 0;
  if ((header.rsv & ~meaningful) != 0) return Violation::kReservedBit;  // §5.2
  if (!is_assigned(header.opcode)) return Violation::kReservedOpcode;   // §5.2
  if (header.masked != masked) {                                        // §5.1
    return masked ? Violation::kNotMasked : Violation::kMasked;
  }
  if (is_control(header.opcode)) {
    if (!header.fin) return Violation::kControlFragmented;                           // §5.4, §5.5
    if (header.length_code > kMaxControlPayload) return Violation::kControlTooLong;  // §5.5
    return Violation::kNone;
  }
  const bool continuation = header.opcode == Opcode::kContinuation;
  if (continuation && !in_message) return Violation::kUnexpectedContinuation;  // §5.4
  if (!continuation && in_message) return Violation::kExpectedContinuation;    // §5.4
  return Violation::kNone;
}

Violation check_frame_length(const FrameHeader& header, std::uint64_t message_bytes,
                             std::uint64_t max_message_bytes) noexcept {
  const std::uint64_t length = header.payload_length;
  if (length >> 63 != 0) return Violation::kLengthTopBit;  // §5.2
  // §5.2: the minimal number of bytes MUST be used to encode the length.
  if (header.length_code == 126 && length < 126) return Violation::kLengthNotMinimal;
  if (header.length_code == 127 && length <= 0xFFFF) return Violation::kLengthNotMinimal;
  if (is_control(header.opcode)) return Violation::kNone;
  // §10.4: reject at the header that exceeds the limit, before any of its payload.
  if (length > max_message_bytes || message_bytes > max_message_bytes - length) {
    return Violation::kMessageTooBig;
  }
  return Violation::kNone;
}

}  // namespace wsd::protocol
