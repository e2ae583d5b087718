// The page of a room's members that a client requests in its URL.
#pragma once

#include <wsd/presence.h>

#include <optional>
#include <string>

namespace wsd::daemon {

// The parsed request for a page, or an error sentence for the client. Without both, the client has
// requested the number of members.
struct PageQuery {
  std::optional<MembersQuery> page;
  std::string error;
};

// Parses the decoded values of the URL's parameters `limit` and `after`. Each is std::nullopt if
// the URL does not have it.
[[nodiscard]] PageQuery page_of_query(const std::optional<std::string>& limit,
                                      const std::optional<std::string>& after);

}  // namespace wsd::daemon
