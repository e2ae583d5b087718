#include "wsd/room_pattern.h"

#include <cstddef>

namespace wsd {

bool room_fits(std::string_view pattern, std::string_view room) noexcept {
  std::size_t at = 0;    // in pattern
  std::size_t star = 0;  // behind the last "*" of it; 0: none yet
  std::size_t from = 0;  // where that "*" ends in room, for now
  for (std::size_t i = 0; i < room.size();) {
    if (at < pattern.size() && pattern[at] == '*') {
      star = ++at;
      from = i;
    } else if (at < pattern.size() && pattern[at] == room[i]) {
      ++at;
      ++i;
    } else if (star != 0) {
      // The last "*" takes one more; an earlier one need not.
      at = star;
      i = ++from;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', at) == std::string_view::npos;
}

}  // namespace wsd
