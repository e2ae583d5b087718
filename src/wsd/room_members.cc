#include "room_members.h"

#include <utility>

#include "room_path.h"

namespace wsd::daemon {
namespace {

constexpr std::string_view kPattern = "/rooms/{room}/members";

// Of no use a moment later, and for the asker alone.
void keep_nowhere(Response& response) {
  response.headers.emplace_back("Cache-Control", "no-store");
}

Response refusal(Upgrade verdict) {
  Response response;
  response.status = verdict.status;
  response.body = std::move(verdict.body);
  response.headers = std::move(verdict.headers);
  keep_nowhere(response);
  return response;
}

void tell(const Server& server, const Gate& gate, std::uint32_t history_messages,
          const Request& request, const Responder& responder) {
  const std::string room = room_of_members_path(request.path());
  Upgrade verdict = gate.admit_to_room(request, room);
  if (verdict.status != 101) {
    responder.respond(refusal(std::move(verdict)));
    return;
  }
  server.hub().ask(room, [responder, history_messages](const RoomState& state) {
    Response response{200, "application/json", members_json(state, history_messages) + "\n", {}};
    keep_nowhere(response);
    responder.respond(std::move(response));
  });
}

}  // namespace

void add_room_members(Server& server, const Gate& gate, std::uint32_t history_messages) {
  server.http("GET", kPattern,
              [&, history_messages](const Request& request, const Responder& responder) {
                tell(server, gate, history_messages, request, responder);
              });
}

std::string room_of_members_path(std::string_view path) {
  return room_of_path(path.substr(0, path.rfind('/')));
}

std::string members_json(const RoomState& state, std::uint32_t history_messages) {
  return "{\"members\":" + std::to_string(state.members) +
         ",\"epoch\":" + std::to_string(state.last.epoch) +
         ",\"seq\":" + std::to_string(state.last.seq) +
         ",\"history\":" + std::to_string(history_messages) + "}";
}

}  // namespace wsd::daemon
