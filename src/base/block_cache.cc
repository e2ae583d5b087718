#include "base/block_cache.h"

#include <malloc.h>

#include <cstdlib>
#include <utility>

#include "base/sanitizers.h"

namespace wsd {
namespace {

thread_local BlockCache* current = nullptr;

// A larger block would waste memory on its user.
constexpr std::size_t kMostRatio = 4;

}  // namespace

BlockCache::Scope::Scope(BlockCache& blocks) noexcept : before_(std::exchange(current, &blocks)) {}

BlockCache::Scope::~Scope() { current = before_; }

void* BlockCache::acquire(std::size_t least, std::size_t wanted) noexcept {
  if (current == nullptr || least < kLeastBytes) return nullptr;
  return current->find(least, wanted);
}

void BlockCache::release(void* block) noexcept {
  if (current == nullptr || !current->keep(block)) std::free(block);
}

std::size_t BlockCache::size_of(void* block) noexcept { return ::malloc_usable_size(block); }

void* BlockCache::find(std::size_t least, std::size_t wanted) noexcept {
  Entry* best = nullptr;
  // The blocks that were released last come first, because a processor's cache may have them still.
  for (std::size_t i = count_; i-- > 0;) {
    Entry& each = entries_[i];
    if (each.size < least || each.size / kMostRatio > wanted) continue;
    // Choose the smallest block of at least `wanted` bytes. If there is none, choose the largest.
    const bool enough = each.size >= wanted;
    if (best == nullptr ||
        (best->size >= wanted ? enough && each.size < best->size : each.size > best->size)) {
      best = &each;
    }
  }
  if (best == nullptr) return nullptr;
  void* const block = best->block;
  unpoison(block, best->size);
  bytes_ -= best->size;
  used_ = true;
  *best = entries_[--count_];
  return block;
}

bool BlockCache::keep(void* block) noexcept {
  if (block == nullptr) return false;
  const std::size_t size = size_of(block);
  if (size < kLeastBytes || count_ == kMostBlocks || size > kMostBytes - bytes_) return false;
  poison(block, size);
  entries_[count_++] = {block, size};
  bytes_ += size;
  used_ = true;
  return true;
}

void BlockCache::clear() noexcept {
  if (empty()) return;
  for (; count_ != 0; --count_) {
    const Entry& last = entries_[count_ - 1];
    unpoison(last.block, last.size);
    std::free(last.block);
  }
  bytes_ = 0;
}

}  // namespace wsd
