#include "daemon/auth/gate.h"

#include <utility>

#include "daemon/text/room_path.h"

namespace wsd::daemon {
namespace {

// RFC 6750 §3, RFC 9110 §15.5.2: a 401 MUST say what would do.
Upgrade ask_for_token(std::string body) {
  Upgrade verdict = Upgrade::reject(401, std::move(body));
  verdict.headers.emplace_back("WWW-Authenticate", "Bearer");
  return verdict;
}

}  // namespace

AuthFile Gate::load() {
  AuthFile file = load_auth_file(options_.file);
  if (file.error.empty()) {
    const std::lock_guard lock(mutex_);
    users_ = file.users;
  }
  return file;
}

std::shared_ptr<const UserTable> Gate::users() const {
  const std::lock_guard lock(mutex_);
  return users_;
}

Gate::Visitor Gate::visitor(const Request& request) const {
  Visitor visitor;
  const PresentedToken presented = presented_token(request, options_.cookie);
  if (presented.ambiguous) {
    visitor.verdict = Upgrade::reject(400, "more than one Authorization field: send one");
    return visitor;
  }
  if (presented.place == PresentedToken::Place::kNone) {
    visitor.verdict = ask_for_token("a token is required");
    return visitor;
  }
  visitor.users = users();
  if (visitor.users) visitor.user = visitor.users->find(presented.token);
  if (visitor.user == nullptr) {
    visitor.verdict = ask_for_token("the token is not valid");
    return visitor;
  }
  visitor.verdict = Upgrade::accept(visitor.user->name);
  if (presented.place == PresentedToken::Place::kSubprotocol) {
    visitor.verdict.subprotocol = kBearerSubprotocol;
  }
  return visitor;
}

Upgrade Gate::admit(const Request& request) const {
  return guarded() ? visitor(request).verdict : Upgrade::accept();
}

Upgrade Gate::admit_to_room(const Request& request, std::string_view room) const {
  Visitor visitor;
  if (guarded()) {
    visitor = this->visitor(request);
    if (visitor.user == nullptr) return std::move(visitor.verdict);
  }
  if (const std::string error = room_name_error(room); !error.empty()) {
    return Upgrade::reject(400, error);
  }
  if (!guarded()) return Upgrade::accept();
  if (!visitor.user->may_read(room)) {
    return Upgrade::reject(403, "this user may not read this room");
  }
  if (!visitor.user->may_write(room)) visitor.verdict.data = std::make_unique<ReadOnlyMember>();
  return std::move(visitor.verdict);
}

}  // namespace wsd::daemon
