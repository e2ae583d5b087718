#include "hub/member_table.h"

#include <algorithm>
#include <cstddef>
#include <new>
#include <utility>

#include "base/assert.h"
#include "hub/member.h"

namespace wsd::hub {

// Generations start at 1, so no id is 0.

std::uint32_t slot_of(ConnectionId id) noexcept {
  return static_cast<std::uint32_t>(id) & MemberTable::kSlotMask;
}

std::uint32_t shard_of(ConnectionId id) noexcept {
  return (static_cast<std::uint32_t>(id) >> MemberTable::kSlotBits) & 0xFF;
}

ConnectionId MemberTable::add(Member& member) {
  std::uint32_t slot = first_free_;
  std::uint32_t generation = last_generation_ + 1;
  if (slot == kNoSlot) {
    slot = static_cast<std::uint32_t>(slots_.size());
    WSD_ASSERT(slot <= kSlotMask);
    slots_.emplace_back(member);
  } else {
    generation = slots_[slot].generation() + 1;
    first_free_ = slots_[slot].next_free();
    slots_[slot] = Slot(member);
  }
  member.set_id(std::uint64_t{generation} << 32 | std::uint64_t{shard_} << kSlotBits | slot);
  ++size_;
  return member.id();
}

void MemberTable::remove(const Member& member) noexcept {
  const ConnectionId id = member.id();
  const std::uint32_t slot = slot_of(id);
  WSD_ASSERT(slots_[slot].taken() && slots_[slot].member() == &member);
  --size_;
  const auto generation = static_cast<std::uint32_t>(id >> 32);
  if (generation == kLastGeneration) {
    slots_[slot].free(generation,
                      kNoSlot);  // on no list, because the next id would be a former one
    return;
  }
  slots_[slot].free(generation, std::exchange(first_free_, slot));
}

void MemberTable::shrink() noexcept {
  constexpr std::size_t kLeast = 256;
  constexpr std::size_t kRatio = 4;
  std::size_t end = slots_.size();
  while (end != 0 && !slots_[end - 1].taken()) --end;
  if (slots_.capacity() < kLeast || slots_.capacity() / kRatio < end) return;
  try {
    std::vector<Slot> kept(slots_.begin(), slots_.begin() + static_cast<std::ptrdiff_t>(end));
    for (std::size_t i = end; i < slots_.size(); ++i) {
      last_generation_ = std::max(last_generation_, slots_[i].generation());
    }
    slots_.swap(kept);
  } catch (const std::bad_alloc&) {
    return;
  }
  first_free_ = kNoSlot;
  for (std::size_t i = end; i-- != 0;) {
    if (slots_[i].taken()) continue;
    const auto slot = static_cast<std::uint32_t>(i);
    slots_[i].free(slots_[i].generation(), std::exchange(first_free_, slot));
  }
}

Member* MemberTable::find(ConnectionId id) const noexcept {
  const std::uint32_t slot = slot_of(id);
  if (slot >= slots_.size() || !slots_[slot].taken()) return nullptr;
  Member* const member = slots_[slot].member();
  return member->id() == id ? member : nullptr;
}

}  // namespace wsd::hub
