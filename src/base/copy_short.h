// Copies a few bytes without a function call.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace wsd {

namespace copy_detail {

// Copies sizeof(Word) to 2 * sizeof(Word) bytes as two words, one from each end. Both are read
// before the first is written.
template <class Word>
inline void both_ends(std::uint8_t* to, const std::uint8_t* from, std::size_t size) noexcept {
  Word head;
  Word tail;
  std::memcpy(&head, from, sizeof head);
  std::memcpy(&tail, from + size - sizeof tail, sizeof tail);
  std::memcpy(to, &head, sizeof head);
  std::memcpy(to + size - sizeof tail, &tail, sizeof tail);
}

typedef std::uint64_t Chunk __attribute__((vector_size(16)));

}  // namespace copy_detail

// Does the same as memcpy(), but faster for at most 32 bytes. Most messages have about twenty
// bytes, for which the call would cost more than the copy. `from` may be null if `size` is 0.
inline void copy_short(std::uint8_t* to, const std::uint8_t* from, std::size_t size) noexcept {
  if (size >= sizeof(copy_detail::Chunk)) {
    if (size <= 2 * sizeof(copy_detail::Chunk)) {
      copy_detail::both_ends<copy_detail::Chunk>(to, from, size);
    } else {
      std::memcpy(to, from, size);
    }
  } else if (size >= sizeof(std::uint64_t)) {
    copy_detail::both_ends<std::uint64_t>(to, from, size);
  } else if (size >= sizeof(std::uint32_t)) {
    copy_detail::both_ends<std::uint32_t>(to, from, size);
  } else {
    for (std::size_t i = 0; i < size; ++i) to[i] = from[i];
  }
}

}  // namespace wsd
