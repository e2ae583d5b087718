// Lists connections and rooms of a running server, and closes a connection by its id. Each reactor
// answers on its own thread, for its own connections and rooms.
#pragma once

#include <cstdint>
#include <string_view>

#include "hub/hub.h"
#include "wsd/stats.h"

namespace wsd::server {

// Any thread but a reactor's of this hub, which would wait for itself. That holds for all three
// functions. A listing has at most kMaxListingRows rows: each reactor visits each of its
// connections or rooms once and keeps the first ones.
[[nodiscard]] Listing<ConnectionInfo> ask_connections(const hub::Hub& hub,
                                                      const ConnectionQuery& query);
[[nodiscard]] Listing<RoomInfo> ask_rooms(const hub::Hub& hub, std::uint32_t limit);
// Closes the connection. Returns whether it was open.
[[nodiscard]] bool ask_close(const hub::Hub& hub, ConnectionId id, CloseCode code,
                             std::string_view reason);

}  // namespace wsd::server
