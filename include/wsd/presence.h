// Presence: the members of a room, and the messages that tell of joins and leaves.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "wsd/position.h"

namespace wsd {

// The largest size of a member's info, in bytes.
inline constexpr std::size_t kMaxMemberInfoBytes = 256;
// The most members on one page.
inline constexpr std::uint32_t kMaxMembersPage = 1'000;

// The two kinds of presence messages.
enum class PresenceKind : std::uint8_t { kJoined, kLeft };

// A join or leave, from which the text of its message is made. The views are valid during the call.
struct PresenceEvent {
  std::string_view room;
  PresenceKind kind = PresenceKind::kJoined;
  std::string_view member;  // see RoomMember::id
  std::string_view info;    // as the member has joined with it
};

// Returns the default text, a JSON object in one line with the members "type" ("joined" or "left"),
// "room", "member" and "info". If the room's name is not UTF-8, each of its bytes above 0x7E
// becomes the code point of that number. Throws std::bad_alloc. Any thread.
[[nodiscard]] std::string presence_text(const PresenceEvent& event);

// Presence for the rooms of a server. A room has presence if its RoomRule says so, or `enabled` if
// no rule does.
//
// In such a room, each join and each leave is a message of the room. It has a position, is part of
// the history, and reaches all members, for which it has a place among the other messages. The
// message of a join comes after the join, so the new member gets it too. The message of a leave
// comes after the leave, also if the connection has ended. It is published only if that of the join
// was, and after it. The message of a join is published after the call that joins: a message that
// the same handler publishes may come before it.
struct PresenceOptions {
  bool enabled = false;
  // Returns the text of a message. Empty: presence_text(). Nothing is published if it returns an
  // empty text, text that is not UTF-8 or exceeds max_message_bytes, or throws an exception. The
  // exception is logged. Without the message of its join, a member has no message of its leave. The
  // room's home reactor calls it, several reactors at the same time. It must not block, and must
  // not call the server.
  std::function<std::string(const PresenceEvent&)> text = {};
};

// A member of a room with presence.
struct RoomMember {
  // 32 lower-case hexadecimal digits: 16 for the server, which differ from those of other nodes and
  // of earlier runs, and 16 for the connection. See Connection::member_id().
  std::string id;
  std::string info;
};

// Selects a page of a room's members.
struct MembersQuery {
  std::uint32_t limit = 100;  // values outside 1 to kMaxMembersPage count as the nearest one
  std::string after;          // only ids that are greater in byte order; empty: from the first on
};

// A page of a room's members, in the order of their ids. A member that stays while all pages are
// read is on one of them exactly.
struct RoomMembers {
  bool presence = false;  // false: the room has no presence, and the rest is empty
  std::vector<RoomMember> members;
  bool more = false;  // others follow: ask again, after the last id
  // The page contains all joins and leaves up to this position, and maybe later ones. So apply the
  // messages after it: a join adds or replaces the member, and a leave removes it. With several
  // pages, apply the messages after the position of the first page.
  Position last;
  bool complete = true;  // false: another node did not answer, and its members are missing
};

}  // namespace wsd
