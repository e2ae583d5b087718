#include "daemon/rooms/member_info.h"

#include <wsd/check.h>
#include <wsd/presence.h>

#include <utility>

#include "daemon/text/room_name.h"

namespace wsd::daemon {

MemberInfo member_info_of(std::string_view user, std::optional<std::string> parameter) {
  // A user's name is like that of a room.
  static_assert(kRoomNameMax <= kMaxMemberInfoBytes);
  if (!user.empty()) return {std::string(user), {}};
  if (!parameter) return {};
  if (parameter->size() > kMaxMemberInfoBytes) {
    return {{},
            "the parameter info has " + std::to_string(parameter->size()) +
                " bytes, which exceeds the limit: send at most " +
                std::to_string(kMaxMemberInfoBytes)};
  }
  if (!is_utf8(*parameter)) {
    return {{}, "the parameter info is not valid UTF-8: send percent-encoded UTF-8"};
  }
  return {std::move(*parameter), {}};
}

}  // namespace wsd::daemon
