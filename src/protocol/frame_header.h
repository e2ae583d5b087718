// Decodes the frame header on the wire (RFC 6455 §5.2). frame_check.h checks it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bytes.h"
#include "protocol/mask.h"

namespace wsd::protocol {

enum class Opcode : std::uint8_t {
  kContinuation = 0x0,
  kText = 0x1,
  kBinary = 0x2,
  kClose = 0x8,
  kPing = 0x9,
  kPong = 0xA,
};

// Returns whether the top bit is set: control frames, assigned or reserved (§5.5).
[[nodiscard]] constexpr bool is_control(Opcode opcode) noexcept {
  return (static_cast<std::uint8_t>(opcode) & 0x8) != 0;
}

inline constexpr std::uint8_t kRsv1 = 0x4;  // in FrameHeader::rsv

inline constexpr std::size_t kMaxFrameHeaderBytes = 14;
inline constexpr std::size_t kMaxControlPayload = 125;

// The decoded header, valid or not.
struct FrameHeader {
  bool fin = false;
  std::uint8_t rsv = 0;                   // RSV1 is bit 2, RSV2 bit 1, RSV3 bit 0
  Opcode opcode = Opcode::kContinuation;  // any value 0..15
  bool masked = false;
  std::uint8_t length_code = 0;  // the 7-bit field; 126 and 127 announce a longer form
  std::uint8_t size = 0;         // bytes of this header on the wire
  std::uint64_t payload_length = 0;
  MaskingKey key = {};
};

// Returns the header size that the second byte announces.
[[nodiscard]] constexpr std::size_t frame_header_size(std::uint8_t second) noexcept {
  const std::size_t length_code = second & 0x7F;
  const std::size_t extended = length_code == 126 ? 2 : length_code == 127 ? 8 : 0;
  return 2 + extended + ((second & 0x80) != 0 ? 4 : 0);
}

// Decodes only the first two bytes. payload_length is then the 7-bit field.
[[nodiscard]] FrameHeader decode_frame_start(std::uint8_t first, std::uint8_t second) noexcept;

// Decodes a whole header. `bytes` must hold at least frame_header_size(bytes[1]).
[[nodiscard]] FrameHeader decode_frame_header(Bytes bytes) noexcept;

}  // namespace wsd::protocol
