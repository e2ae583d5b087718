// Judges a decoded frame header (RFC 6455 §5.1, §5.2, §5.4, §5.5, §10.4). Pure functions.
#pragma once

#include <cstdint>

#include "protocol/frame_header.h"
#include "protocol/violation.h"

namespace wsd::protocol {

// What the first two bytes prove. `in_message`: a fragmented message is open. `compression`:
// permessage-deflate is agreed on, so that RSV1 may mark a message's first frame (RFC 7692 §6).
[[nodiscard]] Violation check_frame_start(const FrameHeader& header, bool in_message,
                                          bool compression = false) noexcept;

// What the length proves once it is complete; check_frame_start() has passed. `message_bytes`:
// bytes of the open message before this frame.
[[nodiscard]] Violation check_frame_length(const FrameHeader& header, std::uint64_t message_bytes,
                                           std::uint64_t max_message_bytes) noexcept;

}  // namespace wsd::protocol
