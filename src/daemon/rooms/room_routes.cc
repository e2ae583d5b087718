#include "daemon/rooms/room_routes.h"

#include <wsd/check.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "daemon/rooms/history_query.h"
#include "daemon/text/room_name.h"
#include "daemon/text/strings.h"

namespace wsd::daemon {
namespace {

Response json(std::string body) {
  return Response{200, "application/json", std::move(body) + "\n", {}};
}

Response refusal(int status, std::string_view text) {
  Response response{status, "text/plain; charset=utf-8", line_of(text), {}};
  if (status == 401) response.headers = {{"WWW-Authenticate", "Bearer"}};  // RFC 9110 §15.5.2
  if (status == 503) response.headers = {{"Retry-After", "1"}};
  return response;
}

// Runs before the body is read, so that a rejected request costs no memory for its body.
std::optional<Response> judge(const Request& request, const PublishAccess& access) {
  const AccessVerdict verdict = access.judge(request);
  if (verdict.status != 200) return refusal(verdict.status, verdict.text);
  return std::nullopt;
}

void publish(const Server& server, const Request& request, const Responder& responder) {
  const std::string room = room_of_path(request.path());
  if (const std::string error = room_name_error(room); !error.empty()) {
    responder.respond(refusal(400, error));
    return;
  }
  const MessageType type = message_type_of(request.header("Content-Type"));
  if (type == MessageType::kText && !is_utf8(request.body())) {
    responder.respond(
        refusal(400,
                "the body is not valid UTF-8, which a text message must be: send Content-Type: "
                "application/octet-stream for a binary message"));
    return;
  }
  const SendResult result = server.hub().publish(
      room, type, request.body(),
      [responder](const Position& position) { responder.respond(json(published_json(position))); });
  if (result != SendResult::kSent) {
    responder.respond(refusal(503, "the server cannot accept the message now; try again"));
  }
}

void tell(const Server& server, const Request& request, const Responder& responder) {
  const std::string room = room_of_path(request.path());
  if (const std::string error = room_name_error(room); !error.empty()) {
    responder.respond(refusal(400, error));
    return;
  }
  server.hub().query(room, [responder, room](const RoomState& state) {
    responder.respond(json(room_json(room, state)));
  });
}

// The query is parsed only after the authenticator has allowed the request.
Upgrade authorize(const Authenticator& authenticator, const Request& request) {
  Upgrade verdict = authenticator.authorize_room(request, room_of_path(request.path()));
  if (verdict.status != 101) return verdict;
  const SinceQuery since = since_of_query(request.query());
  if (!since.error.empty()) return Upgrade::reject(400, since.error);
  // Overrides the authenticator's choice, which is only a courtesy to the client.
  const auto& offered = request.subprotocols();
  if (std::find(offered.begin(), offered.end(), kNchanSubprotocol) != offered.end()) {
    verdict.subprotocol = kNchanSubprotocol;
  }
  if (since.since.kind == Since::Kind::kNow) {
    verdict.opened = [](Connection& member) { member.join(room_of_path(member.path())); };
  } else {
    verdict.opened = [from = since.since](Connection& member) {
      member.join(room_of_path(member.path()), from);
    };
  }
  return verdict;
}

Handlers room_handlers(const Server& server, const Authenticator& authenticator) {
  Handlers room;
  room.upgrade = [&authenticator](const Request& request) {
    return authorize(authenticator, request);
  };
  room.message = [&server](Connection& from, const Message& message) {
    server.hub().publish(from.room(), message);
  };
  if (authenticator.guarded()) {
    room.open = [&authenticator](const Connection& member) { authenticator.opened(member); };
    room.message = [publish = room.message](Connection& from, const Message& message) {
      if (from.data<ReadOnlyMember>() == nullptr) {
        publish(from, message);
      } else {
        from.close(CloseCode::kPolicyViolation, "this user may not write to this room");
      }
    };
  }
  return room;
}

}  // namespace

void add_room_routes(Server& server, const Authenticator& authenticator,
                     const PublishAccess& access) {
  constexpr std::string_view kPattern = "/rooms/{room}";
  server.route(kPattern, room_handlers(server, authenticator));
  if (!access.open()) return;
  const auto judged = [&access](const Request& request) { return judge(request, access); };
  server.http("POST", kPattern, judged, [&server](const Request& request, const Responder& later) {
    publish(server, request, later);
  });
  server.http("GET", kPattern, judged, [&server](const Request& request, const Responder& later) {
    tell(server, request, later);
  });
}

std::string published_json(const Position& position) {
  return "{\"epoch\":" + std::to_string(position.epoch) +
         ",\"seq\":" + std::to_string(position.seq) + "}";
}

std::string room_json(std::string_view room, const RoomState& state) {
  std::string name;
  for (const char c : room) {  // a room's name has no control bytes
    if (c == '"' || c == '\\') name += '\\';
    name += c;
  }
  return "{\"room\":\"" + name + "\",\"members\":" + std::to_string(state.members) +
         ",\"epoch\":" + std::to_string(state.last.epoch) +
         ",\"seq\":" + std::to_string(state.last.seq) + "}";
}

MessageType message_type_of(std::string_view content_type) {
  std::string type(trimmed(content_type.substr(0, content_type.find(';'))));
  std::transform(type.begin(), type.end(), type.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  const bool text = type.starts_with("text/") || type == "application/json";
  return text ? MessageType::kText : MessageType::kBinary;
}

}  // namespace wsd::daemon
