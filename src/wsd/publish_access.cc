#include "publish_access.h"

#include "bearer.h"

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
    return {403, "Publishing is for clients on this machine, without a proxy or a browser.\n"};
  }
  if (authorization.empty()) return {401, "A token is needed: Authorization: Bearer TOKEN.\n"};
  if (brings_token(authorization, token_)) return {};
  return {403, "The token is not the one that may publish here.\n"};
}

AccessVerdict PublishAccess::judge(const Request& request) const {
  bool relayed = false;
  for (const std::string_view name : {"Forwarded", "X-Forwarded-For", "X-Real-IP", "Origin"}) {
    // Present is enough: a proxy may add its own below an empty one of the client's.
    relayed = relayed || !request.headers(name).empty();
  }
  return judge(request.header("Authorization"), request.remote(), relayed);
}

}  // namespace wsd::daemon
