#include "hub/member.h"

#include <algorithm>

namespace wsd::hub {

std::size_t Memberships::size() const noexcept {
  if (empty()) return 0;
  return 1 + (more_ == nullptr ? 0 : more_->size());
}

const Membership& Memberships::at(std::size_t position) const noexcept {
  return position == 0 ? first_ : (*more_)[position - 1];
}

Membership* Memberships::find(const LocalRoom* room) noexcept {
  if (first_.room == room) return &first_;
  if (more_ == nullptr) return nullptr;
  const auto found = std::find_if(more_->begin(), more_->end(),
                                  [&](const Membership& each) { return each.room == room; });
  return found == more_->end() ? nullptr : &*found;
}

void Memberships::add(const Membership& membership) {
  if (empty()) {
    first_ = membership;
    return;
  }
  if (more_ == nullptr) {
    more_ = std::make_unique<std::vector<Membership>>(1, membership);
  } else {
    more_->push_back(membership);
  }
}

void Memberships::remove(const LocalRoom* room) noexcept {
  if (first_.room == room) {
    first_ = {};
    if (more_ == nullptr) return;
    first_ = more_->front();
    more_->erase(more_->begin());
  } else if (more_ != nullptr) {
    std::erase_if(*more_, [&](const Membership& each) { return each.room == room; });
  }
  if (more_ != nullptr && more_->empty()) more_.reset();
}

}  // namespace wsd::hub
