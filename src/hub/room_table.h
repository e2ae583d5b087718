// The rooms that the members of one shard have joined.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/name_hash.h"
#include "hub/member.h"
#include "hub/shrink_table.h"

namespace wsd::hub {

// One room, as the shard of its members sees it.
struct LocalRoom {
  std::string_view name;          // the key of the table
  std::vector<Member*> members;   // joined members, in an unspecified order
  std::uint32_t memberships = 0;  // joined members and pending joins
};

// Holds the members of each room. A room exists while it has a joined member or a pending join.
// Reactor thread only.
class RoomTable {
 public:
  RoomTable() = default;
  RoomTable(const RoomTable&) = delete;
  RoomTable& operator=(const RoomTable&) = delete;

  // Notes a pending join. Returns false and changes nothing if the member has joined or has a
  // pending join. Throws std::bad_alloc if memory runs out; then nothing has changed. No other call
  // needs memory.
  [[nodiscard]] bool begin_join(Member& member, std::string_view room, std::uint32_t token);
  // Completes a join after the home shard has answered. From now on the member gets deliveries.
  // Returns false if the member has left since, or has left and joined again with another token.
  bool complete_join(Member& member, std::string_view room, std::uint32_t token);
  // Returns whether the join with this token is still pending.
  [[nodiscard]] bool is_pending(Member& member, std::string_view room,
                                std::uint32_t token) noexcept;
  // Removes the member or its pending join. Returns false if there was neither.
  bool leave(Member& member, std::string_view room);
  // Returns whether the member has joined or has a pending join.
  [[nodiscard]] bool has(Member& member, std::string_view room) noexcept;
  // Returns nullptr if no member of this shard has joined or has a pending join.
  [[nodiscard]] LocalRoom* find(std::string_view room) noexcept;
  [[nodiscard]] std::size_t size() const noexcept { return rooms_.size(); }
  // Frees the space for more rooms than there are now.
  void shrink() noexcept { shrink_table(rooms_); }

 private:
  std::unordered_map<std::string, LocalRoom, NameHash, std::equal_to<>> rooms_;
};

}  // namespace wsd::hub
