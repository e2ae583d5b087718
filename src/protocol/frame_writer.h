// Frames that the server sends (RFC 6455 §5.2): never masked (§5.1), never fragmented.
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

// Bytes that a server's frame header takes for that payload.
[[nodiscard]] constexpr std::size_t server_header_size(std::uint64_t payload_length) noexcept {
  return payload_length <= 125 ? 2 : payload_length <= 0xFFFF ? 4 : 10;
}

// Writes the header of a whole, final frame to `out` (room for kMaxServerHeaderBytes) and returns
// its size. `compressed` sets RSV1 (RFC 7692 §6).
std::size_t write_frame_header(std::uint8_t* out, Opcode opcode, std::uint64_t payload_length,
                               bool compressed = false) noexcept;
// The same for a payload of at most 125 bytes that is not compressed: two bytes.
inline void write_small_frame_header(std::uint8_t* out, Opcode opcode,
                                     std::size_t payload_length) noexcept {
  constexpr unsigned kFinal = 0x80;
  out[0] = static_cast<std::uint8_t>(kFinal | static_cast<unsigned>(opcode));
  out[1] = static_cast<std::uint8_t>(payload_length);
}

// A whole frame, encoded once for all who get it. Empty when memory has run out.
[[nodiscard]] SharedBytes make_frame(Opcode opcode, Bytes payload,
                                     bool compressed = false) noexcept;

// What a frame made by make_frame() carries.
struct FrameContent {
  Opcode opcode = Opcode::kContinuation;
  Bytes payload;
};
[[nodiscard]] FrameContent frame_content(Bytes frame) noexcept;

// A control frame as a value: small enough never to need memory of its own.
struct ControlFrame {
  std::uint8_t size = 0;
  std::array<std::uint8_t, 2 + kMaxControlPayload> storage = {};

  [[nodiscard]] Bytes bytes() const noexcept { return {storage.data(), size}; }
};

// `payload` is at most kMaxControlPayload bytes.
[[nodiscard]] ControlFrame make_control_frame(Opcode opcode, Bytes payload) noexcept;

// A Close frame (§5.5.1). `code` 0 makes an empty body; `reason` is cut to 123 bytes at a code
// point boundary.
[[nodiscard]] ControlFrame make_close_frame(std::uint16_t code, std::string_view reason) noexcept;

}  // namespace wsd::protocol
