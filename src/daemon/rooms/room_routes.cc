#include "daemon/rooms/room_routes.h"

#include <wsd/check.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "daemon/rooms/history_query.h"
#include "daemon/rooms/idempotency_key.h"
#include "daemon/rooms/member_info.h"
#include "daemon/rooms/members_route.h"
#include "daemon/rooms/message_type.h"
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

// Returns whether the body has a content coding, so that it is not the message itself (RFC 9110
// §8.4). "identity" is none (§12.5.3).
bool has_content_coding(const Request& request) {
  for (const std::string_view field : request.headers("Content-Encoding")) {
    for (const std::string_view element : split(field, ',')) {
      const std::string coding = lower_case(trimmed(element));
      if (!coding.empty() && coding != "identity") return true;
    }
  }
  return false;
}

std::optional<Response> judge_publish(const Request& request, const PublishAccess& access) {
  if (auto response = judge(request, access)) return response;
  if (!has_content_coding(request)) return std::nullopt;
  Response response = refusal(
      415, "the body has a Content-Encoding, which is not supported: send it without compression");
  response.headers = {{"Accept-Encoding", "identity"}};  // RFC 9110 §12.5.3, §15.5.16
  return response;
}

void publish(const Server& server, const Request& request, const Responder& responder) {
  const std::string room = room_of_path(request.path());
  if (const std::string error = room_name_error(room); !error.empty()) {
    responder.respond(refusal(400, error));
    return;
  }
  const auto type = message_type_of(request.header("Content-Type"), request.body());
  if (!type) {
    responder.respond(
        refusal(400,
                "the body is not valid UTF-8, which a text message must be: send Content-Type: "
                "application/octet-stream for a binary message"));
    return;
  }
  const IdempotencyKey key = idempotency_key_of(request);
  if (!key.error.empty()) {
    responder.respond(refusal(400, key.error));
    return;
  }
  auto receipt = [responder](const Position& position) {
    responder.respond(published_response(position));
  };
  const SendResult result =
      key.text.empty()
          ? server.hub().publish(room, *type, request.body(), std::move(receipt))
          : server.hub().publish_once(room, *type, request.body(), key.text, std::move(receipt));
  if (result != SendResult::kSent) {
    responder.respond(refusal(503, "the server cannot accept the message now; try again"));
  }
}

void tell(const Server& server, const ServerOptions& options, const Request& request,
          const Responder& responder) {
  const std::string room = room_of_path(request.path());
  if (const std::string error = room_name_error(room); !error.empty()) {
    responder.respond(refusal(400, error));
    return;
  }
  const bool other_nodes = !options.engine.url.empty();
  server.hub().query(room, [responder, room, other_nodes](const RoomState& state) {
    responder.respond(json(room_json(room, state, other_nodes)));
  });
}

// The query is parsed only after the authenticator has allowed the request.
Upgrade authorize(const Authenticator& authenticator, const ServerOptions& options,
                  const Request& request) {
  const std::string room = room_of_path(request.path());
  Upgrade verdict = authenticator.authorize_room(request, room);
  if (verdict.status != 101) return verdict;
  SinceQuery since = since_of_query(request.query());
  if (!since.error.empty()) return Upgrade::reject(400, since.error);
  MemberInfo info;
  if (has_presence(options, room)) {
    info = member_info_of(verdict.user, request.query_param("info"));
    if (!info.error.empty()) return Upgrade::reject(400, info.error);
  }
  // Overrides the authenticator's choice, which is only a courtesy to the client.
  const auto& offered = request.subprotocols();
  if (std::find(offered.begin(), offered.end(), kNchanSubprotocol) != offered.end()) {
    verdict.subprotocol = kNchanSubprotocol;
  }
  if (!info.info.empty()) {
    verdict.opened = [from = since.since, about = std::move(info.info)](Connection& member) {
      member.join(room_of_path(member.path()), from, about);
    };
  } else if (since.since.kind == Since::Kind::kNow) {
    verdict.opened = [](Connection& member) { member.join(room_of_path(member.path())); };
  } else {
    verdict.opened = [from = since.since](Connection& member) {
      member.join(room_of_path(member.path()), from);
    };
  }
  return verdict;
}

Handlers room_handlers(const Server& server, const Authenticator& authenticator,
                       const ServerOptions& options) {
  Handlers room;
  room.upgrade = [&authenticator, &options](const Request& request) {
    return authorize(authenticator, options, request);
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
                     const PublishAccess& access, const ServerOptions& options) {
  constexpr std::string_view kPattern = "/rooms/{room}";
  server.route(kPattern, room_handlers(server, authenticator, options));
  if (!access.open()) return;
  const auto judged = [&access](const Request& request) { return judge(request, access); };
  const auto judged_publish = [&access](const Request& request) {
    return judge_publish(request, access);
  };
  server.http("POST", kPattern, judged_publish,
              [&server](const Request& request, const Responder& later) {
                publish(server, request, later);
              });
  server.http("GET", kPattern, judged,
              [&server, &options](const Request& request, const Responder& later) {
                tell(server, options, request, later);
              });
}

Response published_response(const Position& position) {
  if (position == kRefusedPosition) {
    return refusal(
        503,
        "the history log or the engine cannot keep the message, so it was not published; "
        "try again");
  }
  if (position == kKeyUsedPosition) {
    return refusal(422,
                   "another message of this room had this Idempotency-Key within the last five "
                   "minutes: send a new message with a new key");
  }
  // No Retry-After: the message may have been published, so another attempt may publish it twice.
  if (position == kUnknownPosition) {
    Response response = json("{\"placed\":\"unknown\"}");
    response.status = 504;
    return response;
  }
  return json("{\"epoch\":" + std::to_string(position.epoch) +
              ",\"seq\":" + std::to_string(position.seq) + "}");
}

std::string room_json(std::string_view room, const RoomState& state, bool other_nodes) {
  std::string name;
  for (const char c : room) {  // a room's name has no control bytes
    if (c == '"' || c == '\\') name += '\\';
    name += c;
  }
  return "{\"room\":\"" + name + "\",\"members\":" + std::to_string(state.members) +
         ",\"epoch\":" + std::to_string(state.last.epoch) +
         ",\"seq\":" + std::to_string(state.last.seq) + complete_json(state, other_nodes);
}

}  // namespace wsd::daemon
