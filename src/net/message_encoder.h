// The encodings in which members get the messages of a room.
#pragma once

#include <cstddef>

#include "base/shared_bytes.h"
#include "hub/batch.h"
#include "net/deflate_encoder.h"
#include "net/nchan_frame.h"

namespace wsd::net {

// Each message is preceded by its position; see nchan_frame(). All other encodings are those of
// DeflateEncoder.
inline constexpr hub::Encoding kNchanEncoding = 1;

// Implements the encodings of the hub. Reactor thread only.
class MessageEncoder final : public hub::Encoder {
 public:
  // `pool` must outlive the encoder.
  MessageEncoder(protocol::DeflatePool& pool, std::size_t threshold) noexcept
      : deflate_(pool, threshold) {}

  [[nodiscard]] SharedBytes encode(const SharedBytes& plain, hub::Encoding encoding,
                                   const Position& position) override {
    return encoding == kNchanEncoding ? nchan_frame(plain, position)
                                      : deflate_.encode(plain, encoding);
  }
  // A message that was compressed for a window is valid for every larger window.
  [[nodiscard]] bool serves(hub::Encoding stored, hub::Encoding wanted) const noexcept override {
    return stored == wanted ||
           (stored >= kLeastDeflateEncoding && stored < wanted && wanted <= kMostDeflateEncoding);
  }
  // A compressed message is much work, and one with its position is only a copy.
  [[nodiscard]] bool replaces(hub::Encoding made, hub::Encoding stored) const noexcept override {
    return made != kNchanEncoding || stored < kLeastDeflateEncoding;
  }
  [[nodiscard]] SharedBytes gap_notice(hub::Encoding encoding, const Position& position) override {
    return encoding == kNchanEncoding ? gap_frame(position) : SharedBytes();
  }
  [[nodiscard]] SharedBytes position_notice(hub::Encoding encoding,
                                            const Position& position) override {
    return encoding == kNchanEncoding ? position_frame(position) : SharedBytes();
  }

 private:
  DeflateEncoder deflate_;
};

}  // namespace wsd::net
