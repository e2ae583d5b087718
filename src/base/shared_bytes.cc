#include "base/shared_bytes.h"

#include <cstdlib>
#include <cstring>
#include <new>

#include "base/assert.h"
#include "base/block_cache.h"

namespace wsd {

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

MutableBytes SharedBytes::mutable_bytes() noexcept {
  WSD_DCHECK(block_ == nullptr || block_->references.is_one());
  return {data(), size()};
}

void SharedBytes::release(Block* block) noexcept {
  if (block->references.drop()) {
    block->~Block();
    BlockCache::release(block);
  }
}

}  // namespace wsd
