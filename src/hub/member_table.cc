#include "hub/member_table.h"

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
  std::uint32_t generation = 1;
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

Member* MemberTable::find(ConnectionId id) const noexcept {
  const std::uint32_t slot = slot_of(id);
  if (slot >= slots_.size() || !slots_[slot].taken()) return nullptr;
  Member* const member = slots_[slot].member();
  return member->id() == id ? member : nullptr;
}

}  // namespace wsd::hub
