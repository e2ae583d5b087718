#include "daemon/rooms/members_route.h"

#include <wsd/room_pattern.h>

#include <algorithm>
#include <optional>
#include <utility>

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

void tell(const Server& server, const ServerOptions& options, const Request& request,
          const Responder& responder) {
  const std::string room = room_of_members_path(request.path());
  server.hub().query(room, [responder, history = history_messages(options, room),
                            other_nodes = !options.engine.url.empty()](const RoomState& state) {
    Response response{
        200, "application/json", members_json(state, history, other_nodes) + "\n", {}};
    keep_nowhere(response);
    responder.respond(std::move(response));
  });
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

std::uint32_t history_messages(const ServerOptions& options, std::string_view room) {
  const auto rule =
      std::find_if(options.rooms.begin(), options.rooms.end(),
                   [&](const RoomRule& each) { return room_fits(each.pattern, room); });
  if (rule == options.rooms.end()) return options.history.messages;
  return rule->history_messages.value_or(options.history.messages);
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

std::string complete_json(const RoomState& state, bool other_nodes) {
  if (!other_nodes) return "}";
  return state.complete ? ",\"complete\":true}" : ",\"complete\":false}";
}

}  // namespace wsd::daemon
