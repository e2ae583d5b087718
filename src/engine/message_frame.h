// One message as it goes through the hub, which is a finished WebSocket frame from server to client
// (RFC 6455 §5.2), and as a batch text has it, which is its payload and its type.
#pragma once

#include "base/shared_bytes.h"
#include "engine/batch_text.h"

namespace wsd::engine {

// Returns the message of a frame. The frame must be a whole text or binary message that is neither
// masked nor compressed. The payload is a view into the frame.
[[nodiscard]] BatchMessage message_of_frame(const SharedBytes& frame) noexcept;
// Returns the frame of a message. Throws std::bad_alloc if memory runs out.
[[nodiscard]] SharedBytes frame_of_message(const BatchMessage& message);

}  // namespace wsd::engine
