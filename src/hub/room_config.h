// What is said of rooms by their names.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hub/room_history.h"
#include "wsd/options.h"

namespace wsd::hub {

struct RoomConfig {
  std::optional<SlowPolicy> slow_policy = {};  // without: the connection's
  HistoryLimits history = {};
};

struct RoomConfigRule {
  std::string pattern;  // room_fits()
  RoomConfig terms;
};

// Constant.
class RoomConfigTable {
 public:
  // The first of `rules` that fits a name says what holds there; `others` where none does.
  RoomConfigTable(std::vector<RoomConfigRule> rules, const RoomConfig& others)
      : rules_(std::move(rules)), others_(others) {}

  // As long as these rules live.
  [[nodiscard]] const RoomConfig& of(std::string_view room) const noexcept;

 private:
  std::vector<RoomConfigRule> rules_;
  RoomConfig others_;
};

}  // namespace wsd::hub
