// The routes of the daemon under /rooms/.
#pragma once

#include <wsd/server.h>

#include <string>
#include <string_view>

#include "daemon/auth/authenticator.h"
#include "daemon/auth/publish_access.h"

namespace wsd::daemon {

// Adds the routes on /rooms/ROOM: WebSocket for clients that `authenticator` allows, and, if
// access.open(), POST to publish and GET for the room's state. `options` are the server's. Call it
// before server.start(). All arguments must outlive the server's threads.
void add_room_routes(Server& server, const Authenticator& authenticator,
                     const PublishAccess& access, const ServerOptions& options);

// Returns the response of POST to a publish with this receipt: 200, 422 for kKeyUsedPosition, 503
// for kRefusedPosition, or 504 for kUnknownPosition.
[[nodiscard]] Response published_response(const Position& position);
// Returns the response body of GET. The numbers are exact in JSON. `other_nodes`: the server shares
// its rooms with other nodes, so the response says whether the count is complete.
[[nodiscard]] std::string room_json(std::string_view room, const RoomState& state,
                                    bool other_nodes);

}  // namespace wsd::daemon
