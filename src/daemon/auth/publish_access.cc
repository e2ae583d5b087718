#include "daemon/auth/publish_access.h"

#include "daemon/auth/bearer.h"

namespace wsd::daemon {
namespace {

bool is_local(std::string_view remote) {
  return remote == "unix" || remote.starts_with("127.") || remote.starts_with("[::1]:") ||
         remote.starts_with("[::ffff:127.");
}

}  // namespace

AccessVerdict PublishAccess::judge(std::string_view authorization, std::string_view remote,
                                   bool relayed) const {
  if (mode_ == PublishMode::kLoopback && is_local(remote) && !relayed) return {};
  if (token_.empty()) {
    return {403, "publishing is allowed only from this machine, without a proxy or a browser"};
  }
  if (authorization.empty()) return {401, "a token is required: send Authorization: Bearer TOKEN"};
  if (brings_token(authorization, token_)) return {};
  return {403, "this token does not allow publishing"};
}

AccessVerdict PublishAccess::judge(const Request& request) const {
  bool relayed = false;
  // RFC 9110 §7.6.3: a gateway must send Via; many send only fields of their own.
  for (const std::string_view name :
       {"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP", "Via",
        "Origin", "Sec-Fetch-Site"}) {
    // An empty field counts too: the client may send one, and a proxy add its own after it.
    relayed = relayed || !request.headers(name).empty();
  }
  return judge(request.header("Authorization"), request.remote(), relayed);
}

}  // namespace wsd::daemon
