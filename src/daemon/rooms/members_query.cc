#include "daemon/rooms/members_query.h"

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

#include "daemon/text/strings.h"
#include "daemon/text/units.h"

namespace wsd::daemon {
namespace {

bool is_member_id(std::string_view text) {
  constexpr std::size_t kDigits = 32;  // RoomMember::id
  return text.size() == kDigits &&
         text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

}  // namespace

PageQuery page_of_query(const std::optional<std::string>& limit,
                        const std::optional<std::string>& after) {
  if (!limit && !after) return {};
  MembersQuery query;
  if (limit) {
    const auto count = parse_count(*limit, kMaxMembersPage);
    if (!count.ok() || count.value == 0) {
      return {{},
              "limit=" + quote(*limit) +
                  " is not a number of members: use a whole number from 1 to " +
                  std::to_string(kMaxMembersPage)};
    }
    query.limit = static_cast<std::uint32_t>(count.value);
  }
  if (after) {
    if (!is_member_id(*after)) {
      return {{},
              "after=" + quote(*after) +
                  " is not the id of a member: use \"next\" of the page before this one"};
    }
    query.after = *after;
  }
  return {std::move(query), {}};
}

}  // namespace wsd::daemon
