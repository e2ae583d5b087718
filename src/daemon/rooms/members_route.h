// GET /rooms/ROOM/members: the number of members of a room and its latest position. The page
// requests it before it connects, and every few seconds after that. With the parameter `limit` or
// `after`: a page of the members of a room with presence.
#pragma once

#include <wsd/server.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "daemon/auth/authenticator.h"

namespace wsd::daemon {

// Adds the route. `authenticator` judges each request as it would judge a WebSocket handshake for
// the room, with 400, 401 or 403. A page needs this, because a browser does not report the reason
// of a failed handshake. `options` are the server's. Call it before server.start(). `authenticator`
// and `options` must outlive the server's threads.
void add_room_members(Server& server, const Authenticator& authenticator,
                      const ServerOptions& options);

// Returns the number of messages that the room keeps as history.
[[nodiscard]] std::uint32_t history_messages(const ServerOptions& options, std::string_view room);

// Returns whether the room has presence.
[[nodiscard]] bool has_presence(const ServerOptions& options, std::string_view room);

// Returns the percent-decoded room of "/rooms/ROOM/members".
[[nodiscard]] std::string room_of_members_path(std::string_view path);

// Returns the response body. `other_nodes`: the server shares its rooms with other nodes.
[[nodiscard]] std::string members_json(const RoomState& state, std::uint32_t history_messages,
                                       bool other_nodes);
// Returns the response body for a page of members. A page after which more follow names its last
// member as "next".
[[nodiscard]] std::string members_page_json(const RoomMembers& members, bool other_nodes);
// Returns the end of a JSON object about a room. With other nodes, it says whether all of them have
// told their members.
[[nodiscard]] std::string complete_json(const RoomState& state, bool other_nodes);

}  // namespace wsd::daemon
