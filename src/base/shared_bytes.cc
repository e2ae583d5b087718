#include "base/shared_bytes.h"

#include <cstdlib>
#include <cstring>
#include <new>

#include "base/assert.h"

namespace wsd {

SharedBytes SharedBytes::make(std::size_t size) noexcept {
  void* memory = std::malloc(sizeof(Block) + size);
  if (memory == nullptr) return {};
  return SharedBytes(new (memory) Block{{1}, size});
}

SharedBytes SharedBytes::copy_of(Bytes bytes) noexcept {
  SharedBytes copy = make(bytes.size());
  if (copy && !bytes.empty()) std::memcpy(copy.data(), bytes.data(), bytes.size());
  return copy;
}

MutableBytes SharedBytes::mutable_bytes() noexcept {
  WSD_DCHECK(block_ == nullptr || block_->references.load(std::memory_order_relaxed) == 1);
  return {data(), size()};
}

void SharedBytes::release(Block* block) noexcept {
  // Release: what this thread read happens before the block goes. Acquire: the thread that frees it
  // sees that every other one has finished.
  if (block->references.fetch_sub(1, std::memory_order_acq_rel) == 1) {
    block->~Block();
    std::free(block);
  }
}

}  // namespace wsd
