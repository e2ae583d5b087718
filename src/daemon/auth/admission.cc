#include "daemon/auth/admission.h"

#include <utility>

namespace wsd::daemon {
namespace {

constexpr std::string_view kTokenRevoked = "the token was revoked";
constexpr std::string_view kRightRevoked = "the rights of this user have changed";

// Returns the reason why `next`, the user that now has the token, does not confirm the grant, or an
// empty text. nullptr: no user has the token.
std::string_view objection(const Grant& grant, const User* next) {
  if (next == nullptr) return kTokenRevoked;
  if (*next == *grant.user) return {};
  if (next->name != grant.user->name) return kRightRevoked;
  if (grant.room.empty()) return {};
  if (!next->may_read(grant.room)) return kRightRevoked;
  return grant.write && !next->may_write(grant.room) ? kRightRevoked : std::string_view();
}

}  // namespace

Admission::Admission(Admissions& admissions, Grant grant)
    : admissions_(admissions), grant_(std::move(grant)) {}

Admission::~Admission() { admissions_.remove(*this); }

std::shared_ptr<const UserTable> Admissions::users() const {
  const std::lock_guard lock(mutex_);
  return users_;
}

std::vector<Revocation> Admissions::replace(std::shared_ptr<const UserTable> next) {
  std::vector<Revocation> revoked;
  std::shared_ptr<const UserTable> previous;  // freed after the mutex is unlocked
  const std::lock_guard lock(mutex_);
  // The grants in the list are of the table in force.
  std::vector<const User*> successors;
  if (users_ != nullptr) successors = users_->successors(*next);
  revoked.reserve(count_);
  for (Admission* each = first_; each != nullptr;) {
    Admission& admission = *std::exchange(each, each->after_);
    Grant& grant = admission.grant_;
    const User* const user = successors[users_->position(*grant.user)];
    if (const std::string_view reason = objection(grant, user); !reason.empty()) {
      revoked.push_back({admission.connection_, reason});
      unlink(admission);
    }
    grant.users = next;
    grant.user = user;
  }
  previous = std::exchange(users_, std::move(next));
  return revoked;
}

std::string_view Admissions::opened(Admission& admission, const Connection& connection) {
  const std::lock_guard lock(mutex_);
  Grant& grant = admission.grant_;
  if (grant.users != users_) {
    const User* const user = grant.users->successors(*users_)[grant.users->position(*grant.user)];
    if (const std::string_view reason = objection(grant, user); !reason.empty()) return reason;
    grant.users = users_;
    grant.user = user;
  }
  admission.connection_ = connection;
  admission.after_ = first_;
  if (first_ != nullptr) first_->before_ = &admission;
  first_ = &admission;
  ++count_;
  return {};
}

void Admissions::remove(Admission& admission) noexcept {
  const std::lock_guard lock(mutex_);
  if (admission.connection_.id() != 0) unlink(admission);
}

void Admissions::unlink(Admission& admission) noexcept {
  if (admission.before_ != nullptr) admission.before_->after_ = admission.after_;
  if (admission.after_ != nullptr) admission.after_->before_ = admission.before_;
  if (first_ == &admission) first_ = admission.after_;
  admission.before_ = nullptr;
  admission.after_ = nullptr;
  admission.connection_ = Connection();
  --count_;
}

}  // namespace wsd::daemon
