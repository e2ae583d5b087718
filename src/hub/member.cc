#include "hub/member.h"

#include <algorithm>
#include <utility>

namespace wsd::hub {

Memberships::~Memberships() { delete lists(); }

Memberships::Lists* Memberships::lists() const noexcept {
  return only_.index == kListed ? reinterpret_cast<Lists*>(only_.room) : nullptr;
}

std::size_t Memberships::size() const noexcept {
  if (only_.room == nullptr) return 0;
  const Lists* const all = lists();
  return all == nullptr ? 1 : all->current.size();
}

const Membership& Memberships::at(std::size_t position) const noexcept {
  const Lists* const all = lists();
  return all == nullptr ? only_ : all->current[position];
}

Membership* Memberships::find(const LocalRoom* room) noexcept {
  Lists* const all = lists();
  if (all == nullptr) return only_.room == room && room != nullptr ? &only_ : nullptr;
  const auto found = std::find_if(all->current.begin(), all->current.end(),
                                  [&](const Membership& each) { return each.room == room; });
  return found == all->current.end() ? nullptr : &*found;
}

Membership* Memberships::find_joined(const LocalRoom* room) noexcept {
  Membership* const current = find(room);
  if (current != nullptr && current->index != Membership::kPending) return current;
  Lists* const all = lists();
  if (all == nullptr) return nullptr;
  for (std::size_t i = all->first_leaving; i < all->leaving.size(); ++i) {
    Membership& each = all->leaving[i];
    if (each.room == room && each.index != Membership::kPending) return &each;
  }
  return nullptr;
}

Membership* Memberships::find_token(std::uint32_t token) noexcept {
  Lists* const all = lists();
  if (all == nullptr) return only_.room != nullptr && only_.token == token ? &only_ : nullptr;
  for (std::size_t i = all->first_leaving; i < all->leaving.size(); ++i) {
    if (all->leaving[i].token == token) return &all->leaving[i];
  }
  const auto found = std::find_if(all->current.begin(), all->current.end(),
                                  [&](const Membership& each) { return each.token == token; });
  return found == all->current.end() ? nullptr : &*found;
}

void Memberships::add(const Membership& membership) {
  if (Lists* const all = lists()) {
    all->current.push_back(membership);
  } else if (only_.room == nullptr) {
    only_ = membership;
  } else {
    auto both = std::make_unique<Lists>();
    both->current = {only_, membership};
    only_.room = reinterpret_cast<LocalRoom*>(both.release());
    only_.index = kListed;
  }
}

void Memberships::remove(const LocalRoom* room) noexcept {
  Lists* const all = lists();
  if (all == nullptr) {
    if (only_.room == room) only_ = {};
    return;
  }
  std::erase_if(all->current, [&](const Membership& each) { return each.room == room; });
  shrink();
}

void Memberships::begin_leave(const LocalRoom* room) {
  if (Lists* const all = lists()) {
    all->leaving.push_back(*find(room));
    std::erase_if(all->current, [&](const Membership& each) { return each.room == room; });
    return;
  }
  auto one = std::make_unique<Lists>();
  one->leaving.push_back(only_);
  only_.room = reinterpret_cast<LocalRoom*>(one.release());
  only_.index = kListed;
}

bool Memberships::is_leaving() const noexcept {
  const Lists* const all = lists();
  return all != nullptr && all->first_leaving != all->leaving.size();
}

Membership Memberships::end_leave(std::uint32_t token) noexcept {
  Lists* const all = lists();
  if (all == nullptr) return {};
  for (std::size_t i = all->first_leaving; i < all->leaving.size(); ++i) {
    if (all->leaving[i].token == token) return take_leaving(*all, i);
  }
  return {};
}

Membership Memberships::end_any_leave() noexcept {
  Lists* const all = lists();
  return take_leaving(*all, all->first_leaving);
}

Membership Memberships::take_leaving(Lists& lists, std::size_t at) noexcept {
  const auto first = lists.leaving.begin() + static_cast<std::ptrdiff_t>(lists.first_leaving);
  const auto found = lists.leaving.begin() + static_cast<std::ptrdiff_t>(at);
  const Membership taken = *found;
  std::move_backward(first, found, found + 1);
  ++lists.first_leaving;
  if (lists.first_leaving * 2 > lists.leaving.size()) {
    lists.leaving.erase(lists.leaving.begin(), first + 1);
    lists.first_leaving = 0;
  }
  shrink();
  return taken;
}

// Frees the lists if at most one membership is left, which goes inline.
void Memberships::shrink() noexcept {
  Lists* const all = lists();
  if (all->current.size() > 1 || all->first_leaving != all->leaving.size()) return;
  const std::unique_ptr<Lists> last(all);
  only_ = last->current.empty() ? Membership() : last->current.front();
}

}  // namespace wsd::hub
