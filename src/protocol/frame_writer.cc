#include "protocol/frame_writer.h"

#include <algorithm>
#include <cstring>

#include "base/assert.h"

namespace wsd::protocol {
namespace {

constexpr std::uint8_t kFin = 0x80;
constexpr std::uint8_t kMask = 0x80;
constexpr std::uint8_t kCompressed = kRsv1 << 4;
constexpr std::size_t kMaxCloseReason = kMaxControlPayload - 2;

// Returns at most `limit` bytes of `text`, without splitting a code point. Continuation bytes are
// 10xxxxxx (RFC 3629 §3).
std::string_view cut_utf8(std::string_view text, std::size_t limit) noexcept {
  if (text.size() <= limit) return text;
  while (limit > 0 && (static_cast<std::uint8_t>(text[limit]) & 0xC0) == 0x80) --limit;
  return text.substr(0, limit);
}

}  // namespace

std::size_t write_frame_header(std::uint8_t* out, Opcode opcode, std::uint64_t payload_length,
                               bool compressed) noexcept {
  out[0] = static_cast<std::uint8_t>(kFin | (compressed ? kCompressed : 0) |
                                     static_cast<std::uint8_t>(opcode));
  if (payload_length <= 125) {
    out[1] = static_cast<std::uint8_t>(payload_length);
    return 2;
  }
  const bool wide = payload_length > 0xFFFF;
  out[1] = wide ? 127 : 126;
  const std::size_t extended = wide ? 8 : 2;
  for (std::size_t i = 0; i < extended; ++i) {
    out[2 + i] = static_cast<std::uint8_t>(payload_length >> (8 * (extended - 1 - i)));
  }
  return 2 + extended;
}

SharedBytes make_frame(Opcode opcode, Bytes payload, bool compressed) noexcept {
  const std::size_t header = server_header_size(payload.size());
  SharedBytes frame = SharedBytes::make(header + payload.size());
  if (!frame) return frame;
  std::uint8_t* out = frame.mutable_bytes().data();
  write_frame_header(out, opcode, payload.size(), compressed);
  if (!payload.empty()) std::memcpy(out + header, payload.data(), payload.size());
  return frame;
}

void write_masked_frame(std::uint8_t* out, Opcode opcode, Bytes payload, MaskingKey key,
                        bool compressed) noexcept {
  std::size_t header = write_frame_header(out, opcode, payload.size(), compressed);
  out[1] |= kMask;
  header = static_cast<std::size_t>(std::copy(key.begin(), key.end(), out + header) - out);
  if (payload.empty()) return;
  std::memcpy(out + header, payload.data(), payload.size());
  apply_mask(MutableBytes(out + header, payload.size()), key);
}

SharedBytes make_masked_frame(Opcode opcode, Bytes payload, MaskingKey key,
                              bool compressed) noexcept {
  SharedBytes frame = SharedBytes::make(masked_header_size(payload.size()) + payload.size());
  if (frame) {
    write_masked_frame(frame.mutable_bytes().data(), opcode, payload, key, compressed);
  }
  return frame;
}

FrameContent frame_content(Bytes frame) noexcept {
  const FrameHeader header = decode_frame_header(frame);
  return {header.opcode, frame.subspan(header.size)};
}

ControlFrame make_control_frame(Opcode opcode, Bytes payload) noexcept {
  WSD_ASSERT(payload.size() <= kMaxControlPayload);
  ControlFrame frame;
  const std::size_t header = write_frame_header(frame.storage.data(), opcode, payload.size());
  std::copy(payload.begin(), payload.end(),
            frame.storage.begin() + static_cast<std::ptrdiff_t>(header));
  frame.size = static_cast<std::uint8_t>(header + payload.size());
  return frame;
}

ControlFrame masked_control_frame(const ControlFrame& frame, MaskingKey key) noexcept {
  const FrameContent content = frame_content(frame.bytes());
  ControlFrame masked;
  write_masked_frame(masked.storage.data(), content.opcode, content.payload, key);
  masked.size = static_cast<std::uint8_t>(frame.size + key.size());
  return masked;
}

ControlFrame make_close_frame(std::uint16_t code, std::string_view reason) noexcept {
  if (code == 0) return make_control_frame(Opcode::kClose, {});
  reason = cut_utf8(reason, kMaxCloseReason);
  std::array<std::uint8_t, kMaxControlPayload> body;
  body[0] = static_cast<std::uint8_t>(code >> 8);
  body[1] = static_cast<std::uint8_t>(code);
  std::copy(reason.begin(), reason.end(), body.begin() + 2);
  return make_control_frame(Opcode::kClose, Bytes(body.data(), 2 + reason.size()));
}

}  // namespace wsd::protocol
