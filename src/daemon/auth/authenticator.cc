#include "daemon/auth/authenticator.h"

#include <utility>

#include "daemon/text/room_name.h"

namespace wsd::daemon {
namespace {

// RFC 6750 §3, RFC 9110 §15.5.2: a 401 response MUST name the scheme to use.
Upgrade ask_for_token(std::string body) {
  Upgrade verdict = Upgrade::reject(401, std::move(body));
  verdict.headers.emplace_back("WWW-Authenticate", "Bearer");
  return verdict;
}

}  // namespace

AuthFile Authenticator::load() {
  AuthFile file = load_auth_file(options_.file);
  if (file.error.empty()) static_cast<void>(replace(file.users));
  return file;
}

Authenticator::Identity Authenticator::identify(const Request& request) const {
  Identity identity;
  const PresentedToken presented = presented_token(request, options_.cookie);
  if (presented.ambiguous) {
    identity.verdict = Upgrade::reject(400, "more than one Authorization field: send one");
    return identity;
  }
  if (presented.place == PresentedToken::Place::kNone) {
    identity.verdict = ask_for_token("a token is required");
    return identity;
  }
  Grant& grant = identity.grant;
  grant.users = admissions_.users();
  if (grant.users) grant.user = grant.users->find(presented.token);
  if (grant.user == nullptr) {
    identity.verdict = ask_for_token("the token is not valid");
    return identity;
  }
  identity.verdict = Upgrade::accept(grant.user->name);
  if (presented.place == PresentedToken::Place::kSubprotocol) {
    identity.verdict.subprotocol = kBearerSubprotocol;
  }
  return identity;
}

Upgrade Authenticator::authorize(const Request& request) const {
  if (!guarded()) return Upgrade::accept();
  Identity identity = identify(request);
  if (identity.grant.user != nullptr && options_.revoke_on_reload) {
    identity.verdict.data = std::make_unique<Admission>(admissions_, std::move(identity.grant));
  }
  return std::move(identity.verdict);
}

Upgrade Authenticator::authorize_room(const Request& request, std::string_view room) const {
  Identity identity;
  if (guarded()) {
    identity = this->identify(request);
    if (identity.grant.user == nullptr) return std::move(identity.verdict);
  }
  if (const std::string error = room_name_error(room); !error.empty()) {
    return Upgrade::reject(400, error);
  }
  if (!guarded()) return Upgrade::accept();
  Grant& grant = identity.grant;
  if (!grant.user->may_read(room)) {
    return Upgrade::reject(403, "this user may not read this room");
  }
  grant.room = room;
  grant.write = grant.user->may_write(room);
  if (!grant.write) {
    if (!options_.revoke_on_reload) grant = {};
    identity.verdict.data = std::make_unique<ReadOnlyMember>(admissions_, std::move(grant));
  } else if (options_.revoke_on_reload) {
    identity.verdict.data = std::make_unique<Admission>(admissions_, std::move(grant));
  }
  return std::move(identity.verdict);
}

void Authenticator::opened(const Connection& connection) const {
  if (!options_.revoke_on_reload) return;
  Admission* const admission = connection.data<Admission>();
  if (admission == nullptr) return;
  const std::string_view reason = admissions_.opened(*admission, connection);
  if (!reason.empty()) connection.close(CloseCode::kPolicyViolation, reason);
}

}  // namespace wsd::daemon
