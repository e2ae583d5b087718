// The rooms that the members of one shard have joined.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/name_hash.h"
#include "hub/member.h"

namespace wsd::hub {

// One room, as the shard of its members sees it.
struct LocalRoom {
  std::string_view name;          // the key of the table
  std::vector<Member*> members;   // joined members, in an unspecified order
  std::uint32_t memberships = 0;  // joined members, pending joins, and members that are leaving
};

// Holds the members of each room. A room exists while it has a membership. Reactor thread only.
class RoomTable {
 public:
  RoomTable() = default;
  RoomTable(const RoomTable&) = delete;
  RoomTable& operator=(const RoomTable&) = delete;

  // Notes a pending join. Returns false and changes nothing if the member has joined or has a
  // pending join. Throws std::bad_alloc if memory runs out; then nothing has changed. Only
  // begin_leave() needs memory too.
  [[nodiscard]] bool begin_join(Member& member, std::string_view room, std::uint32_t token);
  // Completes a join after the home shard has answered. From now on the member gets deliveries,
  // also if it is leaving. Returns false if the member has forgotten the join.
  bool complete_join(Member& member, std::uint32_t token);
  // Returns whether the join with this token is still pending, and the member is not leaving.
  [[nodiscard]] bool is_pending(Member& member, std::string_view room,
                                std::uint32_t token) noexcept;
  // The member leaves the room, and gets deliveries until end_leave(). Returns the token of its
  // join. The member must have joined or have a pending join. Throws std::bad_alloc if memory runs
  // out; then nothing has changed.
  std::uint32_t begin_leave(Member& member, std::string_view room);
  // Ends the leave of the join with this token. Does nothing if the member has forgotten it.
  void end_leave(Member& member, std::uint32_t token) noexcept;
  // Removes the member or its pending join at once. Returns false if there was neither.
  bool leave(Member& member, std::string_view room) noexcept;
  // Removes the member from all rooms that it is leaving, at once.
  void forget_leaves(Member& member) noexcept;
  // Returns whether the member has joined or has a pending join, and is not leaving.
  [[nodiscard]] bool has(Member& member, std::string_view room) noexcept;
  // Returns nullptr if no member of this shard has joined or has a pending join.
  [[nodiscard]] LocalRoom* find(std::string_view room) noexcept;
  [[nodiscard]] std::size_t size() const noexcept { return rooms_.size(); }
  // Frees the space for many more rooms than there are now.
  void shrink() noexcept;
  // Frees the rooms that no longer exist. Until this call their names stay valid, because a handler
  // may still use a view of the name of a room that it, or another handler, has left.
  void free_names() noexcept {
    if (!former_.empty()) former_.clear();
  }

 private:
  using Rooms = std::unordered_map<std::string, LocalRoom, NameHash, std::equal_to<>>;

  void remove(Member& member, const Membership& membership) noexcept;

  Rooms rooms_;
  std::vector<Rooms::node_type> former_;  // has capacity for all rooms
};

}  // namespace wsd::hub
