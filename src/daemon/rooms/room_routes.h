// What the daemon serves under /rooms/.
#pragma once

#include <wsd/server.h>

#include <string>
#include <string_view>

#include "daemon/auth/authenticator.h"
#include "daemon/auth/publish_access.h"

namespace wsd::daemon {

// WebSocket on /rooms/ROOM for whom `authenticator` lets in; and, where `access` opens it, POST,
// which publishes, and GET, which tells how the room is. Before server.start(); all three outlive
// the server's threads.
void add_room_routes(Server& server, const Authenticator& authenticator,
                     const PublishAccess& access);

// The answers to POST and to GET. Numbers are exact in JSON.
[[nodiscard]] std::string published_json(const Position& position);
[[nodiscard]] std::string room_json(std::string_view room, const RoomState& state);

// Text for what says it is text or JSON (RFC 9110 §8.3), binary for all else.
[[nodiscard]] MessageType message_type_of(std::string_view content_type);

}  // namespace wsd::daemon
