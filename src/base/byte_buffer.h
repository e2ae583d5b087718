// A byte buffer that grows without clearing its memory first.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <utility>

#include "base/bytes.h"

namespace wsd {

class ByteBuffer {
 public:
  ByteBuffer() = default;
  ByteBuffer(const ByteBuffer&) = delete;
  ByteBuffer& operator=(const ByteBuffer&) = delete;
  ~ByteBuffer() { std::free(data_); }

  // Reserves memory for at least `capacity` bytes and keeps those up to size(). Returns false if
  // out of memory; the buffer is then unchanged.
  [[nodiscard]] bool reserve(std::size_t capacity) noexcept {
    if (capacity <= capacity_) return true;
    void* const moved = std::realloc(data_, capacity);
    if (moved == nullptr) return false;
    data_ = static_cast<std::uint8_t*>(moved);
    capacity_ = capacity;
    return true;
  }
  // Returns the unused memory after size(). After writing to it, call grow() with the number of
  // bytes written.
  [[nodiscard]] MutableBytes room() noexcept { return {data_ + size_, capacity_ - size_}; }
  void grow(std::size_t count) noexcept { size_ += count; }
  void cut(std::size_t size) noexcept { size_ = size; }
  void clear() noexcept { size_ = 0; }
  // Frees the memory.
  void reset() noexcept {
    std::free(data_);
    data_ = nullptr;
    size_ = capacity_ = 0;
  }

  void swap(ByteBuffer& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(capacity_, other.capacity_);
  }

  [[nodiscard]] MutableBytes bytes() noexcept { return {data_, size_}; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }

 private:
  std::uint8_t* data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace wsd
