#include "base/shared_bytes.h"

#include <cstdlib>
#include <cstring>
#include <new>

#include "base/allocation.h"
#include "base/assert.h"
#include "base/block_cache.h"

namespace wsd {
namespace {

// The allocator adds this to a small block: its header, and the rounding to 16 bytes.
constexpr std::size_t kAllocatorBytes = 16;

}  // namespace

SharedBytes SharedBytes::make(std::size_t size) noexcept {
  const std::size_t all = sizeof(Block) + size;
  void* memory = BlockCache::acquire(all, all);
  if (memory == nullptr) memory = std::malloc(all);
  if (memory == nullptr) return {};
  return SharedBytes(new (memory) Block(size));
}

SharedBytes SharedBytes::copy_of(Bytes bytes) noexcept {
  SharedBytes copy = make(bytes.size());
  if (copy && !bytes.empty()) std::memcpy(copy.data(), bytes.data(), bytes.size());
  return copy;
}

// A large block may come from the cache, and then be larger than its bytes need. The memory of a
// small block follows from its size. The allocator could tell it too, but it sometimes adds a rest
// that is too small for a block of its own, and limits would then depend on chance.
std::size_t SharedBytes::memory_bytes() const noexcept {
  if (block_ == nullptr) return 0;
  const std::size_t all = sizeof(Block) + block_->size;
  return all < BlockCache::kLeastBytes ? allocation_bytes(all)
                                       : BlockCache::size_of(block_) + kAllocationHeader;
}

MutableBytes SharedBytes::mutable_bytes() noexcept {
  WSD_DCHECK(block_ == nullptr || block_->references.is_one());
  return {data(), size()};
}

std::size_t SharedBytes::enter_queue() const noexcept {
  if (block_ == nullptr) return 0;
  return block_->queues.fetch_add(1, std::memory_order_relaxed) == 0 ? memory() : 0;
}

// Acquire and release, so that no thread subtracts the block before another one has added it.
std::size_t SharedBytes::leave_queue() const noexcept {
  if (block_ == nullptr) return 0;
  return block_->queues.fetch_sub(1, std::memory_order_acq_rel) == 1 ? memory() : 0;
}

// A cached block may be larger than what it was made for.
std::size_t SharedBytes::memory() const noexcept {
  const std::size_t all = sizeof(Block) + size();
  return all < BlockCache::kLeastBytes ? all + kAllocatorBytes : BlockCache::size_of(block_);
}

void SharedBytes::release(Block* block) noexcept {
  if (block->references.drop()) {
    block->~Block();
    BlockCache::release(block);
  }
}

}  // namespace wsd
