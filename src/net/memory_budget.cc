#include "net/memory_budget.h"

#include <bit>
#include <limits>

#include "base/assert.h"

namespace wsd::net {

BudgetShare::BudgetShare(MemoryBudget& budget, std::uint32_t reactor, std::size_t limit) noexcept
    : budget_(budget),
      reactor_(reactor),
      limit_(limit != 0 ? limit : std::numeric_limits<std::size_t>::max()) {
  heads_.fill(kNone);
}

// Four classes for each power of two. 0 is the class of no bytes.
std::uint8_t BudgetShare::class_of(std::size_t bytes) noexcept {
  if (bytes == 0) return 0;
  const auto width = static_cast<std::size_t>(std::bit_width(bytes));
  const std::size_t quarter = width < 3 ? 0 : bytes >> (width - 3) & 3U;
  return static_cast<std::uint8_t>(4 * (width - 1) + quarter + (width == 1 ? 1 : 0));
}

void BudgetShare::set(std::uint32_t slot, Connection& holder, std::size_t bytes) noexcept {
  if (slot >= entries_.size()) {
    if (bytes == 0) return;
    WSD_DCHECK(slot < entries_.capacity());
    entries_.resize(std::size_t{slot} + 1);
  }
  Entry& entry = entries_[slot];
  const std::uint8_t before = class_of(entry.bytes);
  const std::uint8_t after = class_of(bytes);
  entry.bytes = bytes;
  entry.holder = &holder;
  if (before == after) return;
  if (before != 0) unlink(slot, before);
  if (after != 0) link(slot, after);
  update_largest();
}

void BudgetShare::unlink(std::uint32_t slot, std::uint8_t size_class) noexcept {
  const Entry& entry = entries_[slot];
  if (entry.next == slot) {
    heads_[size_class] = kNone;
    used_[size_class / 64] &= ~(std::uint64_t{1} << size_class % 64);
    return;
  }
  entries_[entry.previous].next = entry.next;
  entries_[entry.next].previous = entry.previous;
  if (heads_[size_class] == slot) heads_[size_class] = entry.next;
}

void BudgetShare::link(std::uint32_t slot, std::uint8_t size_class) noexcept {
  Entry& entry = entries_[slot];
  std::uint32_t& head = heads_[size_class];
  if (head == kNone) {
    head = entry.previous = entry.next = slot;
    used_[size_class / 64] |= std::uint64_t{1} << size_class % 64;
    return;
  }
  entry.next = head;
  entry.previous = entries_[head].previous;
  entries_[entry.previous].next = slot;
  entries_[head].previous = slot;
}

void BudgetShare::update_largest() noexcept {
  std::uint8_t largest = 0;
  for (std::size_t i = used_.size(); i-- > 0 && largest == 0;) {
    if (used_[i] == 0) continue;
    largest =
        static_cast<std::uint8_t>(64 * i + static_cast<unsigned>(std::bit_width(used_[i])) - 1);
  }
  if (largest == largest_) return;
  largest_ = largest;
  budget_.largest_[reactor_].store(largest, std::memory_order_relaxed);
}

void BudgetShare::publish() noexcept {
  if (counted_ == published_) return;
  budget_.bytes_.fetch_add(counted_ - published_, std::memory_order_relaxed);
  published_ = counted_;
}

std::optional<std::uint32_t> BudgetShare::rival_of(std::uint8_t own) const noexcept {
  std::optional<std::uint32_t> rival;
  for (std::uint32_t i = 0; i < budget_.largest_.size(); ++i) {
    const std::uint8_t each = budget_.largest_[i].load(std::memory_order_relaxed);
    if (i == reactor_ || each <= own) continue;
    own = each;
    rival = i;
  }
  return rival;
}

BudgetShare::Remedy BudgetShare::remedy() noexcept {
  const std::size_t total = this->total();
  if (total <= limit_) return {};
  const bool may_wait = total - limit_ <= limit_ / kSlack;
  if (waiting_ && may_wait) return {};
  const auto rival = rival_of(largest_);
  if (largest_ != 0 && !(rival && may_wait)) return {entries_[heads_[largest_]].holder};
  publish();  // the rival must see the excess
  waiting_ = true;
  settled_ = false;
  if (!rival) return {};
  // Acquire and release: the rival sees the published bytes.
  const std::uint64_t bit = std::uint64_t{1} << *rival;
  const bool asked = (budget_.asked_.fetch_or(bit, std::memory_order_acq_rel) & bit) != 0;
  return asked ? Remedy{} : Remedy{nullptr, rival};
}

bool BudgetShare::take_asked() noexcept {
  const std::uint64_t bit = std::uint64_t{1} << reactor_;
  if ((budget_.asked_.load(std::memory_order_relaxed) & bit) == 0) return false;
  budget_.asked_.fetch_and(~bit, std::memory_order_acq_rel);
  return true;
}

}  // namespace wsd::net
