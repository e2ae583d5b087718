// Large blocks of memory, kept for a moment when they are given back. An allocator asks the kernel
// for each of them and gives it back at once, and fresh pages cost more than what is done with
// them.
#pragma once

#include <array>
#include <cstddef>
#include <utility>

namespace wsd {

// Blocks come from malloc and are such as free() takes: who has one need not know this.
class BlockCache {
 public:
  static constexpr std::size_t kLeastBytes = std::size_t{64} << 10;  // smaller ones are malloc's
  static constexpr std::size_t kMostBytes = std::size_t{16} << 20;   // kept at one time, in all
  static constexpr std::size_t kMostBlocks = 64;                     // likewise

  BlockCache() = default;
  BlockCache(const BlockCache&) = delete;
  BlockCache& operator=(const BlockCache&) = delete;
  ~BlockCache() { clear(); }

  [[nodiscard]] bool empty() const noexcept { return count_ == 0; }
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }
  // Gives all of them back, through the allocator to the kernel.
  void clear() noexcept;
  // Whether one was taken or given since the last call.
  [[nodiscard]] bool take_used() noexcept { return std::exchange(used_, false); }

  // While one lives, release() and acquire() on this thread use `blocks`; without, nothing is kept.
  class Scope {
   public:
    explicit Scope(BlockCache& blocks) noexcept;
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;
    ~Scope();

   private:
    BlockCache* before_;
  };

  // A kept block of at least `least` bytes, best of about `wanted`; nullptr when there is none.
  // Nothing is allocated: `wanted` may be what a peer has only announced.
  [[nodiscard]] static void* acquire(std::size_t least, std::size_t wanted) noexcept;
  // For free(). nullptr is allowed.
  static void release(void* block) noexcept;
  // What `block` has room for.
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
