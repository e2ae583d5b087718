#include "wsd/room_pattern.h"

#include <cstddef>

namespace wsd {

bool room_fits(std::string_view pattern, std::string_view room) noexcept {
  std::size_t at = 0;    // in pattern
  std::size_t star = 0;  // after the last "*" seen in pattern; 0: none yet
  std::size_t from = 0;  // in room, where the match of that "*" currently ends
  for (std::size_t i = 0; i < room.size();) {
    if (at < pattern.size() && pattern[at] == '*') {
      star = ++at;
      from = i;
    } else if (at < pattern.size() && pattern[at] == room[i]) {
      ++at;
      ++i;
    } else if (star != 0) {
      // Let the last "*" match one more byte. Earlier ones need not grow.
      at = star;
      i = ++from;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', at) == std::string_view::npos;
}

}  // namespace wsd
