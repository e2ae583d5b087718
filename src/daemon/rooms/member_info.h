// What a member of a room with presence tells about itself.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace wsd::daemon {

// The info of a joining client, or an error sentence for it.
struct MemberInfo {
  std::string info;
  std::string error;
};

// Returns the name of the authenticated user. If `user` is empty, returns `parameter` instead, the
// decoded value of the URL's parameter `info`, which nobody has checked. An error if it exceeds
// kMaxMemberInfoBytes or is not UTF-8.
[[nodiscard]] MemberInfo member_info_of(std::string_view user,
                                        std::optional<std::string> parameter);

}  // namespace wsd::daemon
