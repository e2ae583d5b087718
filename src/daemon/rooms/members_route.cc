#include "daemon/rooms/members_route.h"

#include <wsd/room_pattern.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "daemon/rooms/members_query.h"
#include "daemon/text/json.h"
#include "daemon/text/room_name.h"
#include "daemon/text/strings.h"

namespace wsd::daemon {
namespace {

constexpr std::string_view kPattern = "/rooms/{room}/members";

// The response is outdated at once, and only its client may see it.
void keep_nowhere(Response& response) {
  response.headers.emplace_back("Cache-Control", "no-store");
}

Response refusal(Upgrade verdict) {
  Response response;
  response.status = verdict.status;
  response.body = line_of(verdict.body);
  response.headers = std::move(verdict.headers);
  keep_nowhere(response);
  return response;
}

std::optional<Response> judge(const Authenticator& authenticator, const Request& request) {
  Upgrade verdict = authenticator.authorize_room(request, room_of_members_path(request.path()));
  if (verdict.status == 101) return std::nullopt;
  return refusal(std::move(verdict));
}

// Returns the rule for the room, or an empty one.
const RoomRule& rule_of(const ServerOptions& options, std::string_view room) {
  static const RoomRule none;
  const auto rule =
      std::find_if(options.rooms.begin(), options.rooms.end(),
                   [&](const RoomRule& each) { return room_fits(each.pattern, room); });
  return rule == options.rooms.end() ? none : *rule;
}

void answer(const Responder& responder, Response response) {
  keep_nowhere(response);
  responder.respond(std::move(response));
}

void reject(const Responder& responder, int status, std::string_view text) {
  Response response{status, "text/plain; charset=utf-8", line_of(text), {}};
  if (status == 503) response.headers = {{"Retry-After", "1"}};
  answer(responder, std::move(response));
}

SendResult count(const Server& server, const ServerOptions& options, const std::string& room,
                 const Responder& responder) {
  return server.hub().query(
      room, [responder, history = history_messages(options, room),
             other_nodes = !options.engine.url.empty()](const RoomState& state) {
        answer(responder,
               {200, "application/json", members_json(state, history, other_nodes) + "\n", {}});
      });
}

SendResult list(const Server& server, const ServerOptions& options, const std::string& room,
                const MembersQuery& query, const Responder& responder) {
  return server.hub().members(
      room, query,
      [responder, other_nodes = !options.engine.url.empty()](const RoomMembers& members) {
        if (!members.presence) {
          reject(responder, 404,
                 "this room has no presence, so its members are not listed: start wsd with "
                 "presence=on in a --room-rule for it");
          return;
        }
        answer(responder,
               {200, "application/json", members_page_json(members, other_nodes) + "\n", {}});
      });
}

void tell(const Server& server, const ServerOptions& options, const Request& request,
          const Responder& responder) {
  const std::string room = room_of_members_path(request.path());
  const PageQuery query = page_of_query(request.query_param("limit"), request.query_param("after"));
  if (!query.error.empty()) {
    reject(responder, 400, query.error);
    return;
  }
  const SendResult result = query.page ? list(server, options, room, *query.page, responder)
                                       : count(server, options, room, responder);
  if (result != SendResult::kSent) {
    reject(responder, 503, "the server cannot answer now; try again");
  }
}

}  // namespace

void add_room_members(Server& server, const Authenticator& authenticator,
                      const ServerOptions& options) {
  server.http(
      "GET", kPattern,
      [&authenticator](const Request& request) { return judge(authenticator, request); },
      [&server, &options](const Request& request, const Responder& responder) {
        tell(server, options, request, responder);
      });
}

bool has_presence(const ServerOptions& options, std::string_view room) {
  return rule_of(options, room).presence.value_or(options.presence.enabled);
}

std::uint32_t history_messages(const ServerOptions& options, std::string_view room) {
  return rule_of(options, room).history_messages.value_or(options.history.messages);
}

std::string room_of_members_path(std::string_view path) {
  return room_of_path(path.substr(0, path.rfind('/')));
}

std::string members_json(const RoomState& state, std::uint32_t history_messages, bool other_nodes) {
  return "{\"members\":" + std::to_string(state.members) +
         ",\"epoch\":" + std::to_string(state.last.epoch) +
         ",\"seq\":" + std::to_string(state.last.seq) +
         ",\"history\":" + std::to_string(history_messages) + complete_json(state, other_nodes);
}

std::string members_page_json(const RoomMembers& members, bool other_nodes) {
  std::string json = "{\"list\":[";
  for (const RoomMember& each : members.members) {
    if (json.back() == '}') json += ',';
    json += R"({"id":)";
    append_json_string(json, each.id);
    json += R"(,"info":)";
    append_json_string(json, each.info);
    json += '}';
  }
  json += ']';
  if (members.more && !members.members.empty()) {
    json += R"(,"next":)";
    append_json_string(json, members.members.back().id);
  }
  RoomState state;
  state.complete = members.complete;
  return json + ",\"epoch\":" + std::to_string(members.last.epoch) +
         ",\"seq\":" + std::to_string(members.last.seq) + complete_json(state, other_nodes);
}

std::string complete_json(const RoomState& state, bool other_nodes) {
  if (!other_nodes) return "}";
  return state.complete ? ",\"complete\":true}" : ",\"complete\":false}";
}

}  // namespace wsd::daemon
