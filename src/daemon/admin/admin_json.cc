#include "daemon/admin/admin_json.h"

#include <array>
#include <limits>

#include "daemon/text/json.h"
#include "daemon/text/strings.h"
#include "daemon/text/units.h"

namespace wsd::daemon {
namespace {

constexpr std::string_view kJson = "application/json; charset=utf-8";
constexpr std::array<std::string_view, 3> kStates = {"handshaking", "open", "closing"};

// Writes the id as a string, because it has 64 bits and a JSON number is exact only up to 53 bits
// (RFC 8259 §6).
std::string json_of(const ConnectionInfo& info) {
  JsonObject object;
  object.add("id", std::string_view(std::to_string(info.id)))
      .add("state", kStates[static_cast<std::size_t>(info.state)])
      .add("remote", info.remote)
      .add("via", info.via)
      .add("path", info.path)
      .add("user", info.user)
      .add("subprotocol", info.subprotocol)
      .add("age_ms", info.age_ms);
  if (info.round_trip_us == 0) {
    object.add_raw("rtt_us", "null");
  } else {
    object.add("rtt_us", info.round_trip_us);
  }
  object.add("queued_bytes", info.queued_bytes)
      .add("rooms", info.rooms)
      .add("messages_in", info.messages_in)
      .add("messages_out", info.messages_out)
      .add("messages_dropped", info.messages_dropped)
      .add("bytes_in", info.bytes_in)
      .add("bytes_out", info.bytes_out);
  return object.take();
}

std::string json_of(const RoomInfo& info) {
  return JsonObject().add("name", info.name).add("members", info.members).take();
}

template <class Row>
std::string array_of(const std::vector<Row>& list) {
  std::string rows = "[";
  for (const Row& row : list) {
    if (rows.size() > 1) rows += "\n,";
    rows += json_of(row);
  }
  return rows += ']';
}

template <class Row>
Response document(std::string_view name, const Listing<Row>& listing) {
  JsonObject object;
  object.add("total", listing.total)
      .add_bool("complete", listing.complete)
      .add_raw(name, array_of(listing.rows));
  return admin_response(200, kJson, object.take() + "\n");
}

}  // namespace

Response admin_response(int status, std::string_view content_type, std::string body) {
  Response response;
  response.status = status;
  response.content_type = content_type;
  response.body = std::move(body);
  response.headers = {{"Cache-Control", "no-store"}, {"X-Content-Type-Options", "nosniff"}};
  return response;
}

Response admin_text(int status, std::string_view sentence) {
  return admin_response(status, "text/plain; charset=utf-8", line_of(sentence));
}

Response connections_response(const Listing<ConnectionInfo>& listing) {
  return document("connections", listing);
}

// The cursor is a string, because a JSON number is exact only up to 53 bits (RFC 8259 §6).
Response page_response(const ConnectionPage& page) {
  JsonObject object;
  object.add_bool("complete", page.complete);
  if (page.next == 0 && page.complete) {
    object.add_raw("next", "null");
  } else {
    object.add("next", std::string_view(std::to_string(page.next)));
  }
  object.add_raw("connections", array_of(page.rows));
  return admin_response(200, kJson, object.take() + "\n");
}

Response rooms_response(const Listing<RoomInfo>& listing) { return document("rooms", listing); }

AdminQuery parse_admin_query(std::string_view query, bool sortable) {
  AdminQuery parsed;
  if (query.empty()) return parsed;
  bool has_sort = false;
  bool has_limit = false;
  for (const std::string_view pair : split(query, '&')) {
    const std::string_view name = pair.substr(0, pair.find('='));
    const std::string_view value = pair.substr(std::min(name.size() + 1, pair.size()));
    if (name == "sort" && sortable && !has_sort) {
      has_sort = true;
      if (value == "queue") {
        parsed.connections.order = ConnectionOrder::kQueue;
      } else if (value == "rtt") {
        parsed.connections.order = ConnectionOrder::kRoundTrip;
      } else if (value == "age") {
        parsed.connections.order = ConnectionOrder::kAge;
      } else {
        parsed.error = "sort=" + quote(value) + " is not an order: use queue, rtt or age";
      }
    } else if (name == "limit" && !has_limit) {
      has_limit = true;
      const auto limit = parse_count(value, kMaxListingRows);
      if (!limit.ok()) {
        parsed.error = "limit=" + quote(value) + " is not a limit: use a whole number, at most " +
                       std::to_string(kMaxListingRows);
      }
      parsed.connections.limit = static_cast<std::uint32_t>(limit.value);
    } else {
      parsed.error = sortable
                         ? "the query may contain only sort and limit, or user, room, after and "
                           "limit, each once"
                         : "the query may contain only limit, once";
    }
    if (!parsed.error.empty()) return parsed;
  }
  return parsed;
}

std::optional<ConnectionId> parse_connection_id(std::string_view text) {
  const auto id = parse_count(text, std::numeric_limits<ConnectionId>::max());
  if (!id.ok() || id.value == 0) return std::nullopt;
  return id.value;
}

}  // namespace wsd::daemon
