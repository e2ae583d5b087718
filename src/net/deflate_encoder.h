// Compression of the messages of rooms, once for many members.
#pragma once

#include <cstddef>

#include "base/shared_bytes.h"
#include "hub/batch.h"
#include "protocol/deflate.h"

namespace wsd::net {

inline constexpr hub::Encoding kLeastDeflateEncoding = 9;
inline constexpr hub::Encoding kMostDeflateEncoding = 15;

// Encodings 9 to 15 are permessage-deflate without context takeover, with that number as
// server_max_window_bits. All members with the same parameters get the same bytes. Reactor thread
// only.
class DeflateEncoder {
 public:
  // `pool` must outlive the encoder.
  DeflateEncoder(protocol::DeflatePool& pool, std::size_t threshold) noexcept
      : pool_(pool), threshold_(threshold) {}

  // Returns the compressed frame, or `plain` itself if compression would not make it smaller.
  // Returns an empty frame if the turn's share of compressing is used up.
  [[nodiscard]] SharedBytes encode(const SharedBytes& plain, hub::Encoding encoding);

 private:
  protocol::DeflatePool& pool_;
  std::size_t threshold_;
};

}  // namespace wsd::net
