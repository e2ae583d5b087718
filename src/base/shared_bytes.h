// Counted immutable bytes: one encoded frame, shared by every queue it waits in.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "base/bytes.h"
#include "base/reference_count.h"

namespace wsd {

// A reference to a counted block. Copying counts; the bytes go with the last reference, on whatever
// thread drops it. Filled by its maker before the first copy is made, never written afterwards.
class SharedBytes {
 public:
  SharedBytes() = default;
  // A block of `size` bytes, not yet written; empty (see operator bool) when memory has run out.
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
  // For the maker, while this is the only reference.
  [[nodiscard]] MutableBytes mutable_bytes() noexcept;

 private:
  struct Block {
    explicit Block(std::size_t bytes) noexcept : size(bytes) {}
    ReferenceCount references;
    const std::size_t size;
  };

  explicit SharedBytes(Block* block) noexcept : block_(block) {}
  [[nodiscard]] std::uint8_t* data() const noexcept {
    return block_ == nullptr ? nullptr : reinterpret_cast<std::uint8_t*>(block_ + 1);
  }
  static void release(Block* block) noexcept;

  Block* block_ = nullptr;
};

// A stretch of a shared block: one frame, or several that lie side by side.
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
