#include "net/deflate_encoder.h"

#include "protocol/frame_writer.h"

namespace wsd::net {

SharedBytes DeflateEncoder::encode(const SharedBytes& plain, hub::Encoding encoding) {
  const protocol::FrameContent content = protocol::frame_content(plain.bytes());
  if (content.payload.size() < threshold_) return plain;
  if (!pool_.take_deflating(content.payload.size())) return {};
  protocol::Deflater& deflater = pool_.deflater(encoding);
  const bool done = deflater.message(content.payload, pool_.deflated);
  deflater.forget();
  if (!done || pool_.deflated.size() >= content.payload.size()) return plain;
  SharedBytes frame = protocol::make_frame(content.opcode, pool_.deflated.bytes(), true);
  return frame ? frame : plain;
}

}  // namespace wsd::net
