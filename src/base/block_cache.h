// A short-lived cache of large memory blocks. Without it, the allocator would map and unmap each
// block, and faulting in fresh pages costs more than the work done in them.
#pragma once

#include <array>
#include <cstddef>
#include <utility>

namespace wsd {

// Owns the blocks that it caches. Blocks come from malloc() and may be passed to free(), also by
// code that does not know this class. One thread at a time.
class BlockCache {
 public:
  static constexpr std::size_t kLeastBytes = std::size_t{64} << 10;  // of one block
  static constexpr std::size_t kMostBytes = std::size_t{16} << 20;   // of all cached blocks
  static constexpr std::size_t kMostBlocks = 64;                     // cached at the same time

  BlockCache() = default;
  BlockCache(const BlockCache&) = delete;
  BlockCache& operator=(const BlockCache&) = delete;
  ~BlockCache() { clear(); }

  [[nodiscard]] bool empty() const noexcept { return count_ == 0; }
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }
  // Frees all blocks.
  void clear() noexcept;
  // Returns whether a block was acquired or released since the last call.
  [[nodiscard]] bool take_used() noexcept { return std::exchange(used_, false); }

  // While a Scope lives, acquire() and release() on its thread use `blocks`. Without a Scope,
  // nothing is cached.
  class Scope {
   public:
    explicit Scope(BlockCache& blocks) noexcept;
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;
    ~Scope();

   private:
    BlockCache* before_;
  };

  // Returns a cached block of at least `least` bytes, preferably of about `wanted` bytes, or
  // nullptr if there is none. Never allocates, because `wanted` may be a size that a peer has only
  // announced.
  [[nodiscard]] static void* acquire(std::size_t least, std::size_t wanted) noexcept;
  // Caches or frees `block`, which may be nullptr.
  static void release(void* block) noexcept;
  // Returns the usable size of `block` in bytes.
  [[nodiscard]] static std::size_t size_of(void* block) noexcept;

 private:
  struct Entry {
    void* block = nullptr;
    std::size_t size = 0;
  };
  [[nodiscard]] void* find(std::size_t least, std::size_t wanted) noexcept;
  [[nodiscard]] bool keep(void* block) noexcept;

  std::array<Entry, kMostBlocks> entries_;
  std::size_t count_ = 0;
  std::size_t bytes_ = 0;
  bool used_ = false;
};

}  // namespace wsd
