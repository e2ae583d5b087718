// The response of a minimal application: it accepts a valid opening handshake, and answers any
// other request with a page.
#pragma once

#include <string_view>

#include "net/application.h"
#include "net/connection.h"
#include "protocol/handshake.h"
#include "protocol/http_response.h"

namespace wsd::net {

[[nodiscard]] inline RequestResult page_or_upgrade(const Connection& connection,
                                                   const protocol::HttpRequest& request,
                                                   std::string_view user) {
  RequestResult result;
  const protocol::Handshake handshake = protocol::check_handshake(request);
  if (handshake.violation != protocol::Violation::kNone) {
    protocol::HttpResponseHead head;
    head.keep_alive = request.keep_alive;
    result.status = head.status;
    result.keep_alive = head.keep_alive;
    protocol::write_response(result.bytes, head, "page");
    return result;
  }
  result.kind = RequestResult::Kind::kUpgrade;
  result.status = 101;
  const PeerInfo& caller = connection.peer_info();
  result.peer_info = PeerInfo(caller.remote(), request.path, user, "", caller.via());
  protocol::write_switching_protocols(result.bytes, handshake.key, "", {});
  return result;
}

}  // namespace wsd::net
