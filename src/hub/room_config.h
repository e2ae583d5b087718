// The configuration of rooms, by their names.
#pragma once

#include <cstdint>
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
  // How long the first pending message waits for others. 0: until the end of its turn.
  std::uint64_t window_ns = 0;
  bool presence = false;  // see hub/presence.h
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
  // Calls `visit` with each configuration.
  template <class Visit>
  void for_each(Visit visit) const {
    for (const RoomConfigRule& each : rules_) visit(each.terms);
    visit(others_);
  }

 private:
  std::vector<RoomConfigRule> rules_;
  RoomConfig others_;
};

}  // namespace wsd::hub
