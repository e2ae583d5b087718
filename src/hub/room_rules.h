// What is said of rooms by their names.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hub/room_history.h"
#include "wsd/options.h"

namespace wsd::hub {

struct RoomTerms {
  std::optional<SlowPolicy> slow_policy = {};  // without: the connection's
  HistoryLimits history = {};
};

struct NamedTerms {
  std::string pattern;  // room_fits()
  RoomTerms terms;
};

// Constant.
class RoomRules {
 public:
  // The first of `rules` that fits a name says what holds there; `others` where none does.
  RoomRules(std::vector<NamedTerms> rules, const RoomTerms& others)
      : rules_(std::move(rules)), others_(others) {}

  // As long as these rules live.
  [[nodiscard]] const RoomTerms& of(std::string_view room) const noexcept;

 private:
  std::vector<NamedTerms> rules_;
  RoomTerms others_;
};

}  // namespace wsd::hub
