// The routes by which an operator finds and ends connections, and removes messages and rooms.
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "daemon/admin/action_query.h"
#include "daemon/admin/admin_json.h"
#include "daemon/admin/admin_server.h"
#include "daemon/text/json.h"
#include "daemon/text/strings.h"

namespace wsd::daemon {
namespace {

constexpr std::string_view kNoAnswer =
    "a thread of the server did not answer within one second: look at wsd_turn_duration_seconds, "
    "and repeat "
    "the request";

Response json(JsonObject& object) {
  return admin_response(200, "application/json; charset=utf-8", object.take() + "\n");
}

// The messages are in Redis, and each node has its own copies of them.
Response cannot_remove() {
  return admin_text(501,
                    "with --engine, messages cannot be removed from the history of a room: wait "
                    "until --history-age is over, or delete the key of the room in Redis");
}

// Returns a function that returns `response`.
std::function<Response()> ready(Response response) {
  return [response = std::move(response)] { return response; };
}

// Returns the connections that the filter selects, for the log.
std::string text_of(const ConnectionFilter& filter) {
  std::string text;
  if (filter.user) text += "user=" + quote(*filter.user) + " ";
  if (filter.room) text += "room=" + quote(*filter.room) + " ";
  return text;
}

}  // namespace

Response AdminServer::connection_page(const Request& request) const {
  const ActionQuery query = parse_action_query(request.query(), {"user", "room", "after", "limit"});
  if (!query.error.empty()) return admin_text(400, query.error);
  return page_response(watched_.find_connections(query.filter, query.after, query.limit));
}

std::function<Response()> AdminServer::close_connections(const Request& request) const {
  const ActionQuery query = parse_action_query(request.query(), {"user", "room", "code", "reason"});
  if (!query.error.empty()) return ready(admin_text(400, query.error));
  if (!query.filter.user && !query.filter.room) {
    return ready(admin_text(400,
                            "the query selects all connections: name user or room; to end all, "
                            "stop wsd with SIGTERM"));
  }
  if (query.filter.user && query.filter.user->empty() && !query.filter.room) {
    return ready(admin_text(400,
                            "user= selects all connections that have no user: name the user, or "
                            "name room too"));
  }
  return [this, query] {
    const CloseResult result = watched_.close_connections(query.filter, query.code, query.reason);
    watched_.log(LogLevel::kInfo, "closed_by_operator",
                 text_of(query.filter) + "connections=" + std::to_string(result.closed));
    return json(JsonObject().add("closed", result.closed).add_bool("complete", result.complete));
  };
}

Response AdminServer::remove_message(const Request& request) const {
  const std::string room(request.param("room"));
  const std::optional<Position> message = parse_position(request.param("id"));
  if (!message) {
    return admin_text(400, quote(request.param("id")) +
                               " is not a message: use EPOCH:SEQ, as the response to its POST or "
                               "its id in ws+meta.nchan has it");
  }
  if (watched_.stats().engine) return cannot_remove();
  const std::optional<std::uint64_t> removed = watched_.remove_message(room, *message);
  if (!removed) return admin_text(503, kNoAnswer);
  if (*removed == 0) {
    return admin_text(
        404, "the history of this room does not have the message " + position_text(*message));
  }
  watched_.log(LogLevel::kInfo, "removed_by_operator",
               "room=" + quote(room) + " message=" + position_text(*message));
  return json(JsonObject().add("removed", *removed));
}

Response AdminServer::clear_history(const Request& request) const {
  if (watched_.stats().engine) return cannot_remove();
  const std::string room(request.param("room"));
  const std::optional<std::uint64_t> removed = watched_.clear_history(room);
  if (!removed) return admin_text(503, kNoAnswer);
  watched_.log(LogLevel::kInfo, "removed_by_operator",
               "room=" + quote(room) + " messages=" + std::to_string(*removed));
  return json(JsonObject().add("removed", *removed));
}

std::function<Response()> AdminServer::close_room(const Request& request) const {
  const ActionQuery query = parse_action_query(request.query(), {"code", "reason"});
  if (!query.error.empty()) return ready(admin_text(400, query.error));
  return [this, query, room = std::string(request.param("room"))] {
    const RoomCloseResult result = watched_.close_room(room, query.code, query.reason);
    watched_.log(LogLevel::kInfo, "room_closed_by_operator",
                 "room=" + quote(room) + " connections=" + std::to_string(result.closed) +
                     " messages=" + std::to_string(result.removed));
    return json(JsonObject()
                    .add("closed", result.closed)
                    .add("removed", result.removed)
                    .add_bool("complete", result.complete));
  };
}

}  // namespace wsd::daemon
