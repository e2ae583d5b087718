// The members that one shard has in each room.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/name_hash.h"
#include "hub/member.h"

namespace wsd::hub {

struct LocalRoom {
  std::string_view name;          // the table's key
  std::vector<Member*> members;   // who gets deliveries, in no promised order
  std::uint32_t memberships = 0;  // members and joins under way
};

// Reactor thread only. A room lives here while anyone is in it or on the way in.
class RoomTable {
 public:
  RoomTable() = default;
  RoomTable(const RoomTable&) = delete;
  RoomTable& operator=(const RoomTable&) = delete;

  // Notes that `member` is joining. False, and nothing noted, when it is in or joining already;
  // nothing noted either where memory runs out (std::bad_alloc), of which the other calls need
  // none.
  [[nodiscard]] bool begin_join(Member& member, std::string_view room, std::uint32_t token);
  // The home has answered: from now on the member gets deliveries. False when it has left since, or
  // left and joined again under another token.
  bool complete_join(Member& member, std::string_view room, std::uint32_t token);
  // Whether that join is under way still.
  [[nodiscard]] bool is_pending(Member& member, std::string_view room,
                                std::uint32_t token) noexcept;
  // False when it was not in the room, nor joining.
  bool leave(Member& member, std::string_view room);
  // Whether it is in the room, or joining.
  [[nodiscard]] bool has(Member& member, std::string_view room) noexcept;
  // nullptr when no one of this shard is in or joining.
  [[nodiscard]] LocalRoom* find(std::string_view room) noexcept;
  [[nodiscard]] std::size_t size() const noexcept { return rooms_.size(); }

 private:
  std::unordered_map<std::string, LocalRoom, NameHash, std::equal_to<>> rooms_;
};

}  // namespace wsd::hub
