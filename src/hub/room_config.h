// The configuration of rooms, by their names.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hub/room_history.h"
#include "wsd/options.h"

namespace wsd::hub {

struct RoomConfig {
  std::optional<SlowPolicy> slow_policy = {};  // without a value: the policy of the connection
  HistoryLimits history = {};
};

struct RoomConfigRule {
  std::string pattern;  // see room_fits()
  RoomConfig terms;
};

// Finds the configuration of a room by its name. Constant, so any thread may use it.
class RoomConfigTable {
 public:
  // The first rule that matches a name applies. If no rule matches, `others` applies.
  RoomConfigTable(std::vector<RoomConfigRule> rules, const RoomConfig& others)
      : rules_(std::move(rules)), others_(others) {}

  // Returns the configuration of the room. The reference is valid as long as this table.
  [[nodiscard]] const RoomConfig& of(std::string_view room) const noexcept;

 private:
  std::vector<RoomConfigRule> rules_;
  RoomConfig others_;
};

}  // namespace wsd::hub
