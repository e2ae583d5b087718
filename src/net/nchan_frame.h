// Messages of a room in the format of Nchan's subprotocol "ws+meta.nchan".
#pragma once

#include "base/shared_bytes.h"
#include "wsd/position.h"

namespace wsd::net {

// Returns a frame of the same type as `plain`. Its payload is "id: EPOCH:SEQ\n", an empty line and
// the payload of `plain`, which must not be compressed. Throws std::bad_alloc.
[[nodiscard]] SharedBytes nchan_frame(const SharedBytes& plain, const Position& position);

// Returns an empty text message at `position` with the content type kGapContentType. It tells the
// member that the messages between its last position and this one are lost. Throws std::bad_alloc.
[[nodiscard]] SharedBytes gap_frame(const Position& position);

// Returns an empty text message at `position` with the content type kPositionContentType. It tells
// the member from where it can resume. Throws std::bad_alloc.
[[nodiscard]] SharedBytes position_frame(const Position& position);

}  // namespace wsd::net
