// Reference-counted immutable bytes: one encoded frame, shared by every queue that contains it.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "base/bytes.h"
#include "base/reference_count.h"

namespace wsd {

// A reference to a counted block. Copying adds a reference. The thread that drops the last
// reference frees the bytes. The creator fills the block before it makes the first copy; after
// that, the block never changes.
class SharedBytes {
 public:
  SharedBytes() = default;
  // Returns a block of `size` bytes that are not initialized. Empty (see operator bool) if out of
  // memory.
  [[nodiscard]] static SharedBytes make(std::size_t size) noexcept;
  [[nodiscard]] static SharedBytes copy_of(Bytes bytes) noexcept;

  SharedBytes(const SharedBytes& other) noexcept : block_(other.block_) {
    if (block_ != nullptr) block_->references.add();
  }
  SharedBytes(SharedBytes&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
  SharedBytes& operator=(SharedBytes other) noexcept {
    std::swap(block_, other.block_);
    return *this;
  }
  ~SharedBytes() {
    if (block_ != nullptr) release(block_);
  }

  explicit operator bool() const noexcept { return block_ != nullptr; }
  [[nodiscard]] std::size_t size() const noexcept { return block_ == nullptr ? 0 : block_->size; }
  [[nodiscard]] Bytes bytes() const noexcept { return {data(), size()}; }
  // Returns the memory that the block takes, with its own fields and those of the allocator. 0 if
  // empty. Constant for the life of the block.
  [[nodiscard]] std::size_t memory_bytes() const noexcept;
  // Only for the creator, while this is the only reference.
  [[nodiscard]] MutableBytes mutable_bytes() noexcept;

  // Counts the queues that hold the block, so that the memory of a block in many queues counts
  // once. enter_queue() returns the bytes that the first queue must add to the memory of all
  // queues, and 0 for any further queue. leave_queue() returns the bytes that the last queue must
  // subtract. The caller keeps its reference meanwhile. Any thread.
  [[nodiscard]] std::size_t enter_queue() const noexcept;
  [[nodiscard]] std::size_t leave_queue() const noexcept;
  // Returns the memory of the block with its header, in bytes.
  [[nodiscard]] std::size_t memory() const noexcept;

 private:
  struct Block {
    explicit Block(std::size_t bytes) noexcept : size(bytes) {}
    ReferenceCount references;
    std::atomic<std::uint32_t> queues{0};  // in the padding before `size`
    const std::size_t size;
  };

  explicit SharedBytes(Block* block) noexcept : block_(block) {}
  [[nodiscard]] std::uint8_t* data() const noexcept {
    return block_ == nullptr ? nullptr : reinterpret_cast<std::uint8_t*>(block_ + 1);
  }
  static void release(Block* block) noexcept;

  Block* block_ = nullptr;
};

// Part of a shared block: one frame, or several adjacent ones.
struct Slice {
  SharedBytes block;
  std::size_t offset = 0;
  std::size_t size = 0;

  Slice() = default;
  explicit Slice(SharedBytes whole) noexcept : block(std::move(whole)), size(block.size()) {}
  Slice(SharedBytes of, std::size_t from, std::size_t count) noexcept
      : block(std::move(of)), offset(from), size(count) {}

  [[nodiscard]] Bytes bytes() const noexcept { return block.bytes().subspan(offset, size); }
};

}  // namespace wsd
