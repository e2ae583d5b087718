#include "protocol/message_assembler.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "base/assert.h"
#include "base/block_cache.h"

namespace wsd::protocol {
namespace {

// The size of the first allocation for a message that ends beyond it.
constexpr std::size_t kFirstCapacity = std::size_t{64} << 10;

}  // namespace

void MessageAssembler::begin(Opcode opcode, bool compressed) noexcept {
  WSD_DCHECK(!active_);
  compressed_ = compressed;
  active_ = true;
  opcode_ = opcode;
}

Violation MessageAssembler::count_fragment(bool empty, const MessageLimits& limits) noexcept {
  if (++fragments_ > limits.max_fragments) return Violation::kTooManyFragments;
  if (empty && ++empty_fragments_ > limits.max_empty_fragments) return Violation::kTooManyFragments;
  return Violation::kNone;
}

bool MessageAssembler::reserve(std::uint64_t more, std::uint64_t expected) noexcept {
  const std::uint64_t needed = size_ + more;
  if (needed <= capacity_) return true;
  // Doubling keeps the total copying linear. The announced length limits it, so that the last step
  // is exact.
  const std::uint64_t whole = size_ + expected;
  const std::uint64_t grown = std::max<std::uint64_t>(kFirstCapacity, std::uint64_t{capacity_} * 2);
  const std::uint64_t target = std::max(needed, std::min(whole, grown));
  // A cached block may have space for the whole announced length, because it needs no new memory.
  if (void* const kept = BlockCache::acquire(target, whole)) {
    if (size_ != 0) std::memcpy(kept, data_, size_);
    BlockCache::release(data_);
    data_ = static_cast<std::uint8_t*>(kept);
    capacity_ = BlockCache::size_of(kept);
    return true;
  }
  void* moved = std::realloc(data_, target);
  if (moved == nullptr) return false;
  data_ = static_cast<std::uint8_t*>(moved);
  capacity_ = target;
  return true;
}

bool MessageAssembler::append(MutableBytes masked, MaskingKey key, std::uint64_t offset,
                              std::uint64_t expected) noexcept {
  if (masked.empty()) return true;
  // The message may have further fragments, so capacity doubles even if this frame needs less.
  if (!reserve(masked.size(), std::max<std::uint64_t>(expected, capacity_))) return false;
  std::memcpy(data_ + size_, masked.data(), masked.size());
  commit(masked.size(), key, offset);
  return true;
}

MutableBytes MessageAssembler::room(std::uint64_t expected) noexcept {
  // A receive into a small space costs as much as one into a large space.
  const std::uint64_t worthwhile = std::min<std::uint64_t>(expected, kFirstCapacity / 4);
  if (capacity_ - size_ < worthwhile && !reserve(worthwhile, expected)) return {};
  return {data_ + size_,
          static_cast<std::size_t>(std::min<std::uint64_t>(capacity_ - size_, expected))};
}

void MessageAssembler::commit(std::size_t received, MaskingKey key, std::uint64_t offset) noexcept {
  const MutableBytes added(data_ + size_, received);
  size_ += received;
  if (opcode_ == Opcode::kText && !compressed_) {
    text_valid_ = text_valid_ && utf8_.feed_masked(added, key, offset);
  } else {
    apply_mask(added, key, offset);
  }
}

void MessageAssembler::reset() noexcept {
  BlockCache::release(data_);
  data_ = nullptr;
  size_ = capacity_ = 0;
  fragments_ = empty_fragments_ = 0;
  utf8_.reset();
  active_ = false;
  text_valid_ = true;
}

}  // namespace wsd::protocol
