// Checks a decoded frame header (RFC 6455 §5.1, §5.2, §5.4, §5.5, §10.4). Pure functions.
#pragma once

#include <cstdint>

#include "protocol/frame_header.h"
#include "protocol/violation.h"

namespace wsd::protocol {

// Checks the first two bytes. `in_message` means that a fragmented message is open. `compression`
// means that permessage-deflate is agreed on, so RSV1 may mark the first frame of a message
// (RFC 7692 §6). `masked`: the frame comes from a client, and not from a server (§5.1).
[[nodiscard]] Violation check_frame_start(const FrameHeader& header, bool in_message,
                                          bool compression = false, bool masked = true) noexcept;

// Checks the complete length, after check_frame_start() has passed. `message_bytes` is the size of
// the open message before this frame.
[[nodiscard]] Violation check_frame_length(const FrameHeader& header, std::uint64_t message_bytes,
                                           std::uint64_t max_message_bytes) noexcept;

}  // namespace wsd::protocol
