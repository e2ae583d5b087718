#include "hub/member.h"

#include <algorithm>

namespace wsd::hub {

Memberships::~Memberships() { delete list(); }

Memberships::List* Memberships::list() const noexcept {
  return only_.index == kListed ? reinterpret_cast<List*>(only_.room) : nullptr;
}

std::size_t Memberships::size() const noexcept {
  if (empty()) return 0;
  const List* const all = list();
  return all == nullptr ? 1 : all->size();
}

const Membership& Memberships::at(std::size_t position) const noexcept {
  const List* const all = list();
  return all == nullptr ? only_ : (*all)[position];
}

Membership* Memberships::find(const LocalRoom* room) noexcept {
  List* const all = list();
  if (all == nullptr) return only_.room == room && !empty() ? &only_ : nullptr;
  const auto found = std::find_if(all->begin(), all->end(),
                                  [&](const Membership& each) { return each.room == room; });
  return found == all->end() ? nullptr : &*found;
}

void Memberships::add(const Membership& membership) {
  if (empty()) {
    only_ = membership;
  } else if (List* const all = list()) {
    all->push_back(membership);
  } else {
    auto both = std::make_unique<List>(List{only_, membership});
    only_.room = reinterpret_cast<LocalRoom*>(both.release());
    only_.index = kListed;
  }
}

void Memberships::remove(const LocalRoom* room) noexcept {
  List* const all = list();
  if (all == nullptr) {
    if (only_.room == room) only_ = {};
    return;
  }
  std::erase_if(*all, [&](const Membership& each) { return each.room == room; });
  if (all->size() != 1) return;
  const std::unique_ptr<List> last(all);
  only_ = last->front();
}

}  // namespace wsd::hub
