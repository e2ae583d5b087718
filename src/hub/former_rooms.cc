#include "hub/former_rooms.h"

#include "base/assert.h"
#include "base/name_hash.h"

namespace wsd::hub {

void FormerRooms::reserve() {
  if (slots_ == nullptr) slots_ = std::make_unique<Slot[]>(kSlots);
}

void FormerRooms::remember(std::string_view room, const Position& last) noexcept {
  WSD_ASSERT(slots_ != nullptr);
  const std::uint64_t hash = keyed_hash(room, process_hash_key());
  slots_[hash % kSlots] = {hash, last};
}

// Returns the slot that holds the room, or nullptr if there is none.
FormerRooms::Slot* FormerRooms::slot_of(std::string_view room) const noexcept {
  if (slots_ == nullptr) return nullptr;
  const std::uint64_t hash = keyed_hash(room, process_hash_key());
  Slot& slot = slots_[hash % kSlots];
  return slot.hash == hash && slot.last.epoch != 0 ? &slot : nullptr;
}

std::optional<Position> FormerRooms::find(std::string_view room) const noexcept {
  const Slot* const slot = slot_of(room);
  return slot == nullptr ? std::nullopt : std::optional<Position>(slot->last);
}

std::optional<Position> FormerRooms::take(std::string_view room) noexcept {
  Slot* const slot = slot_of(room);
  if (slot == nullptr) return std::nullopt;
  const Position last = slot->last;
  *slot = {};
  return last;
}

void FormerRooms::discard(std::string_view room) noexcept {
  if (Slot* const slot = slot_of(room)) ++slot->last.seq;
}

}  // namespace wsd::hub
