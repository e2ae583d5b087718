// Messages of a room behind their place, as Nchan's subprotocol "ws+meta.nchan" has them.
#pragma once

#include "base/shared_bytes.h"
#include "wsd/position.h"

namespace wsd::net {

// The frame of the same type whose payload is "id: EPOCH:SEQ\n", an empty line and what `plain`, a
// frame that is not compressed, carries. Throws std::bad_alloc.
[[nodiscard]] SharedBytes nchan_frame(const SharedBytes& plain, const Position& position);

// An empty text message at `position` with the content type kGapContentType: what was published
// between what the member knows and this place is lost. Throws std::bad_alloc.
[[nodiscard]] SharedBytes gap_frame(const Position& position);

}  // namespace wsd::net
