#include "net/nchan_frame.h"

#include <cstring>
#include <new>
#include <string>
#include <string_view>

#include "protocol/frame_writer.h"
#include "wsd/http.h"

namespace wsd::net {
namespace {

SharedBytes frame_of(protocol::Opcode opcode, std::string_view meta, Bytes payload) {
  const std::size_t size = meta.size() + payload.size();
  SharedBytes frame = SharedBytes::make(protocol::server_header_size(size) + size);
  if (!frame) throw std::bad_alloc();
  std::uint8_t* out = frame.mutable_bytes().data();
  out += protocol::write_frame_header(out, opcode, size);
  std::memcpy(out, meta.data(), meta.size());
  if (!payload.empty()) std::memcpy(out + meta.size(), payload.data(), payload.size());
  return frame;
}

SharedBytes notice(const Position& position, std::string_view content_type) {
  std::string meta = "id: " + position_text(position) + "\ncontent-type: ";
  meta.append(content_type).append("\n\n");
  return frame_of(protocol::Opcode::kText, meta, {});
}

}  // namespace

SharedBytes nchan_frame(const SharedBytes& plain, const Position& position) {
  const protocol::FrameContent content = protocol::frame_content(plain.bytes());
  return frame_of(content.opcode, "id: " + position_text(position) + "\n\n", content.payload);
}

SharedBytes gap_frame(const Position& position) { return notice(position, kGapContentType); }

SharedBytes position_frame(const Position& position) {
  return notice(position, kPositionContentType);
}

}  // namespace wsd::net
