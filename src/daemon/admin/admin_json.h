// The responses of the admin listener, built from the server's statistics and listings.
#pragma once

#include <wsd/http.h>
#include <wsd/stats.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace wsd::daemon {

// Returns a response that caches must not store and browsers must not take for another type.
[[nodiscard]] Response admin_response(int status, std::string_view content_type, std::string body);
// Returns a response with `sentence` as text/plain.
[[nodiscard]] Response admin_text(int status, std::string_view sentence);

[[nodiscard]] Response connections_response(const Listing<ConnectionInfo>& listing);
[[nodiscard]] Response page_response(const ConnectionPage& page);
[[nodiscard]] Response rooms_response(const Listing<RoomInfo>& listing);

// A parsed query: "sort=queue|rtt|age" and "limit=N", each at most once.
struct AdminQuery {
  ConnectionQuery connections;  // its limit also applies to rooms
  std::string error;            // a sentence; empty when there is none
};
// Parses the text after "?". Accepts "sort" only if `sortable`.
[[nodiscard]] AdminQuery parse_admin_query(std::string_view query, bool sortable);

// Returns std::nullopt if `text` is not the id of a connection.
[[nodiscard]] std::optional<ConnectionId> parse_connection_id(std::string_view text);

}  // namespace wsd::daemon
