// The members of one shard, and the ids by which other threads name them.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "wsd/connection.h"

namespace wsd::hub {

class Member;

// Returns the index of the shard to which a connection belongs for its whole life.
[[nodiscard]] std::uint32_t shard_of(ConnectionId id) noexcept;
// Returns the slot of a connection in its shard's table. It is less than the largest number of
// connections that the shard has had at once. After a connection ends, a later one gets its slot.
[[nodiscard]] std::uint32_t slot_of(ConnectionId id) noexcept;

// Gives each member an id and finds members by id. An id consists of the slot, the shard and a
// generation, which increases each time the slot is used again. A slot whose generation has reached
// the largest number is never used again. So each id is given out once, and a late message to a
// former member never finds its successor. Reactor thread only.
class MemberTable {
 public:
  // An id is generation << 32 | shard << 24 | slot.
  static constexpr std::uint32_t kLastGeneration = ~std::uint32_t{0};
  // The part of an id that names the slot.
  static constexpr std::uint32_t kSlotBits = 24;
  static constexpr std::uint32_t kSlotMask = (std::uint32_t{1} << kSlotBits) - 1;

  // `shard` is at most 255.
  explicit MemberTable(std::uint32_t shard) noexcept : shard_(shard) {}
  MemberTable(const MemberTable&) = delete;
  MemberTable& operator=(const MemberTable&) = delete;

  // Sets and returns the member's id, which is never 0. The caller must remove the member before
  // it destroys it. Throws std::bad_alloc if memory runs out; the table is then unchanged. A member
  // that takes over a free slot needs no memory.
  ConnectionId add(Member& member);
  // Frees the member's slot. The member must be in the table.
  void remove(const Member& member) noexcept;
  // Returns the member with this id, or nullptr if it was removed or the id was never given out.
  [[nodiscard]] Member* find(ConnectionId id) const noexcept;
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  // Frees the last slots, if most slots are free. If memory runs out, nothing changes.
  void shrink() noexcept;
  // Calls `visit` with each member, in an unspecified order. `visit` must not add or remove
  // members.
  template <class Visit>
  void for_each(Visit visit) const {
    for (const Slot& slot : slots_) {
      if (slot.taken()) visit(*slot.member());
    }
  }
  // Calls `visit` with the members of at most `slots` slots from `first` on, until it returns
  // false. Returns the next slot, or kNoMoreSlots after the last one. `visit` must not add or
  // remove members.
  static constexpr std::size_t kNoMoreSlots = ~std::size_t{0};
  template <class Visit>
  std::size_t visit(std::size_t first, std::size_t slots, Visit visit) const {
    for (; first < slots_.size() && slots != 0; --slots) {
      const Slot& slot = slots_[first++];
      if (slot.taken() && !visit(*slot.member())) break;
    }
    return first < slots_.size() ? first : kNoMoreSlots;
  }

 private:
  // The address of a member. In a free slot: the generation of its last member, and the next free
  // slot. Addresses are even, so the lowest bit tells the two apart.
  class Slot {
   public:
    explicit Slot(Member& member) noexcept : word_(std::bit_cast<std::uintptr_t>(&member)) {}

    [[nodiscard]] bool taken() const noexcept { return (word_ & 1) == 0; }
    [[nodiscard]] Member* member() const noexcept { return std::bit_cast<Member*>(word_); }
    [[nodiscard]] std::uint32_t generation() const noexcept {
      return static_cast<std::uint32_t>(word_ >> 32);
    }
    [[nodiscard]] std::uint32_t next_free() const noexcept {
      return static_cast<std::uint32_t>(word_) >> 1;
    }
    void free(std::uint32_t generation, std::uint32_t next_free) noexcept {
      word_ = std::uint64_t{generation} << 32 | next_free << 1 | 1;
    }

   private:
    std::uint64_t word_;
  };

  static constexpr std::uint32_t kNoSlot = kSlotMask + 1;

  const std::uint32_t shard_;
  std::vector<Slot> slots_;
  std::uint32_t first_free_ = kNoSlot;  // head of the list of free slots
  std::size_t size_ = 0;
  std::uint32_t last_generation_ = 0;  // the largest of any slot that shrink() has freed
};

}  // namespace wsd::hub
