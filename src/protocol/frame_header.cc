#include "protocol/frame_header.h"

#include <algorithm>

#include "base/assert.h"

namespace wsd::protocol {

FrameHeader decode_frame_start(std::uint8_t first, std::uint8_t second) noexcept {
  FrameHeader header;
  header.fin = (first & 0x80) != 0;
  header.rsv = (first >> 4) & 0x7;
  header.opcode = static_cast<Opcode>(first & 0xF);
  header.masked = (second & 0x80) != 0;
  header.length_code = second & 0x7F;
  header.size = static_cast<std::uint8_t>(frame_header_size(second));
  header.payload_length = header.length_code;
  return header;
}

FrameHeader decode_frame_header(Bytes bytes) noexcept {
  WSD_DCHECK(bytes.size() >= 2 && bytes.size() >= frame_header_size(bytes[1]));
  FrameHeader header = decode_frame_start(bytes[0], bytes[1]);
  std::size_t position = 2;
  const std::size_t extended = header.length_code == 126 ? 2 : header.length_code == 127 ? 8 : 0;
  if (extended != 0) {
    header.payload_length = 0;
    for (std::size_t i = 0; i < extended; ++i) {
      header.payload_length = header.payload_length << 8 | bytes[position++];  // network byte order
    }
  }
  if (header.masked)
    std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(position), 4, header.key.begin());
  return header;
}

}  // namespace wsd::protocol
