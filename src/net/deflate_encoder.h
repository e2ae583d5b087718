// Compresses what a room's members share: the hub's encodings are window sizes.
#pragma once

#include <cstddef>

#include "base/shared_bytes.h"
#include "hub/batch.h"
#include "protocol/deflate.h"

namespace wsd::net {

// Encoding v, 9 to 15, is permessage-deflate without context takeover and server_max_window_bits=v:
// all members on these terms can be sent the same bytes. Reactor thread only.
class DeflateEncoder {
 public:
  // `pool` outlives this.
  DeflateEncoder(protocol::DeflatePool& pool, std::size_t threshold) noexcept
      : pool_(pool), threshold_(threshold) {}

  // The frame itself where compressing it does not pay.
  [[nodiscard]] SharedBytes encode(const SharedBytes& plain, hub::Encoding encoding);

 private:
  protocol::DeflatePool& pool_;
  std::size_t threshold_;
};

}  // namespace wsd::net
