// Questions to the reactors, asked from outside: each answers on its own thread, of what is its
// own.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string_view>

#include "hub/hub.h"
#include "wsd/stats.h"

namespace wsd::server {

// How long the asking thread waits: far longer than any turn should last. A reactor that is stuck,
// or has ended, is left out.
inline constexpr std::uint32_t kAnswerMs = 1'000;

// All three: any thread but a reactor's of this hub, which would wait for itself. A reactor looks
// at each of its members or rooms once and keeps the first of them, as many as are asked for.
[[nodiscard]] Listing<ConnectionInfo> ask_connections(const hub::Hub& hub,
                                                      const ConnectionQuery& query);
[[nodiscard]] Listing<RoomInfo> ask_rooms(const hub::Hub& hub, std::uint32_t limit);
// Closes it, and says whether it was open.
[[nodiscard]] bool ask_close(const hub::Hub& hub, ConnectionId id, CloseCode code,
                             std::string_view reason);

}  // namespace wsd::server
