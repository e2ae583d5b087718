// GET /rooms/ROOM/members: how many are in a room, and where its stream of messages is. It is what
// the page asks before it connects and every few seconds after that.
#pragma once

#include <wsd/server.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "daemon/auth/authenticator.h"

namespace wsd::daemon {

// Answers whom `authenticator` would let into the room, as it would a WebSocket: 400, 401 and 403
// are its verdicts, which a page learns in no other way, since a browser does not tell why a
// handshake has failed. `options` are the server's. Before server.start(); `authenticator` and
// `options` outlive the server's threads.
void add_room_members(Server& server, const Authenticator& authenticator,
                      const ServerOptions& options);

// How many messages of itself that room keeps.
[[nodiscard]] std::uint32_t history_messages(const ServerOptions& options, std::string_view room);

// The room in "/rooms/ROOM/members", percent-decoded; empty where an escape is broken.
[[nodiscard]] std::string room_of_members_path(std::string_view path);

[[nodiscard]] std::string members_json(const RoomState& state, std::uint32_t history_messages);

}  // namespace wsd::daemon
