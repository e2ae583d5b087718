// What the admin listener answers: documents made of what the server tells.
#pragma once

#include <wsd/http.h>
#include <wsd/stats.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace wsd::daemon {

// Not to be kept by caches, nor taken for anything but what it says it is.
[[nodiscard]] Response admin_response(int status, std::string_view content_type, std::string body);
// A sentence as text/plain.
[[nodiscard]] Response admin_text(int status, std::string_view sentence);

[[nodiscard]] Response connections_response(const Listing<ConnectionInfo>& listing);
[[nodiscard]] Response rooms_response(const Listing<RoomInfo>& listing);

// What stands behind '?': "sort=queue|rtt|age" and "limit=N", each at most once.
struct AdminQuery {
  ConnectionQuery connections;  // its limit is that of rooms too
  std::string error;            // a sentence; empty when there is none
};
// `sortable`: "sort" may be there.
[[nodiscard]] AdminQuery parse_admin_query(std::string_view query, bool sortable);

// std::nullopt when it is no number of a connection.
[[nodiscard]] std::optional<ConnectionId> parse_connection_id(std::string_view text);

}  // namespace wsd::daemon
