// The routes of the daemon under /rooms/.
#pragma once

#include <wsd/server.h>

#include <string>
#include <string_view>

#include "daemon/auth/authenticator.h"
#include "daemon/auth/publish_access.h"

namespace wsd::daemon {

// Adds the routes on /rooms/ROOM: WebSocket for clients that `authenticator` allows, and, if
// access.open(), POST to publish and GET for the room's state. Call it before server.start(). All
// three arguments must outlive the server's threads.
void add_room_routes(Server& server, const Authenticator& authenticator,
                     const PublishAccess& access);

// Returns the response of POST to a publish with this receipt: 200, or 503 for kRefusedPosition.
[[nodiscard]] Response published_response(const Position& position);
// Returns the response body of GET. The numbers are exact in JSON.
[[nodiscard]] std::string room_json(std::string_view room, const RoomState& state);

}  // namespace wsd::daemon
