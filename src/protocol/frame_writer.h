// Writes frames (RFC 6455 §5.2), never fragmented. Those of a server are not masked, and those of a
// client are (§5.1).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "base/shared_bytes.h"
#include "protocol/frame_header.h"

namespace wsd::protocol {

inline constexpr std::size_t kMaxServerHeaderBytes = 10;

// Returns the size of a server's frame header for that payload size.
[[nodiscard]] constexpr std::size_t server_header_size(std::uint64_t payload_length) noexcept {
  return payload_length <= 125 ? 2 : payload_length <= 0xFFFF ? 4 : 10;
}

// Writes the header of a whole, final frame to `out`, which must have space for
// kMaxServerHeaderBytes. Returns the size of the header. `compressed` sets RSV1 (RFC 7692 §6).
std::size_t write_frame_header(std::uint8_t* out, Opcode opcode, std::uint64_t payload_length,
                               bool compressed = false) noexcept;
// The same for an uncompressed payload of at most 125 bytes. The header has two bytes.
inline void write_small_frame_header(std::uint8_t* out, Opcode opcode,
                                     std::size_t payload_length) noexcept {
  constexpr unsigned kFinal = 0x80;
  out[0] = static_cast<std::uint8_t>(kFinal | static_cast<unsigned>(opcode));
  out[1] = static_cast<std::uint8_t>(payload_length);
}

// Returns a whole frame, encoded once for all recipients. Empty if out of memory.
[[nodiscard]] SharedBytes make_frame(Opcode opcode, Bytes payload,
                                     bool compressed = false) noexcept;

// Returns the content of a frame made by make_frame().
struct FrameContent {
  Opcode opcode = Opcode::kContinuation;
  Bytes payload;
};
[[nodiscard]] FrameContent frame_content(Bytes frame) noexcept;

// Returns the size of a client's frame header for that payload size.
[[nodiscard]] constexpr std::size_t masked_header_size(std::uint64_t payload_length) noexcept {
  return server_header_size(payload_length) + sizeof(MaskingKey);
}

// Writes a whole, final frame of a client to `out`, which must have space for its header and its
// payload. Masks the copy of the payload with `key`.
void write_masked_frame(std::uint8_t* out, Opcode opcode, Bytes payload, MaskingKey key,
                        bool compressed = false) noexcept;
// Returns the same frame in a block of its own. Empty if out of memory.
[[nodiscard]] SharedBytes make_masked_frame(Opcode opcode, Bytes payload, MaskingKey key,
                                            bool compressed = false) noexcept;

// A control frame as a value. It is small enough to need no allocation.
struct ControlFrame {
  std::uint8_t size = 0;
  std::array<std::uint8_t, 2 + sizeof(MaskingKey) + kMaxControlPayload> storage = {};

  [[nodiscard]] Bytes bytes() const noexcept { return {storage.data(), size}; }
};

// `payload` must have at most kMaxControlPayload bytes.
[[nodiscard]] ControlFrame make_control_frame(Opcode opcode, Bytes payload) noexcept;

// The same frame, masked.
[[nodiscard]] ControlFrame masked_control_frame(const ControlFrame& frame, MaskingKey key) noexcept;

// A Close frame (§5.5.1). `code` 0 makes an empty payload. `reason` is shortened to at most 123
// bytes at a code point boundary.
[[nodiscard]] ControlFrame make_close_frame(std::uint16_t code, std::string_view reason) noexcept;

}  // namespace wsd::protocol
