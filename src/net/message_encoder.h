// The encodings that a room's members may want: what the hub's encodings mean.
#pragma once

#include <cstddef>

#include "base/shared_bytes.h"
#include "hub/batch.h"
#include "net/deflate_encoder.h"
#include "net/nchan_frame.h"

namespace wsd::net {

// Messages behind their place; see nchan_frame(). Others are those of DeflateEncoder.
inline constexpr hub::Encoding kNchanEncoding = 1;

// Reactor thread only.
class MessageEncoder final : public hub::Encoder {
 public:
  // `pool` outlives this.
  MessageEncoder(protocol::DeflatePool& pool, std::size_t threshold) noexcept
      : deflate_(pool, threshold) {}

  [[nodiscard]] SharedBytes encode(const SharedBytes& plain, hub::Encoding encoding,
                                   const Position& position) override {
    return encoding == kNchanEncoding ? nchan_frame(plain, position)
                                      : deflate_.encode(plain, encoding);
  }
  [[nodiscard]] SharedBytes gap_notice(hub::Encoding encoding, const Position& position) override {
    return encoding == kNchanEncoding ? gap_frame(position) : SharedBytes();
  }

 private:
  DeflateEncoder deflate_;
};

}  // namespace wsd::net
