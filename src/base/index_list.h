// A doubly linked list whose elements are in one block of memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "base/assert.h"

namespace wsd {

// Inserts and erases anywhere in constant time. An element keeps its index until it is erased. The
// memory of erased elements is used again, and freed with the list. T must have a default value
// that owns nothing, and its move must not throw. One thread at a time.
template <class T>
class IndexList {
 public:
  using Index = std::uint32_t;
  static constexpr Index kNone = ~Index{0};

  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  // Returns the size of the block in bytes.
  [[nodiscard]] std::size_t memory() const noexcept { return nodes_.capacity() * sizeof(Node); }

  // Return kNone if there is no such element.
  [[nodiscard]] Index first() const noexcept { return first_; }
  [[nodiscard]] Index last() const noexcept { return last_; }
  [[nodiscard]] Index next(Index index) const noexcept { return nodes_[index].next; }

  // The reference is valid until the next insert().
  [[nodiscard]] T& operator[](Index index) noexcept { return nodes_[index].value; }
  [[nodiscard]] const T& operator[](Index index) const noexcept { return nodes_[index].value; }

  // Inserts `value` before the element `next`, or at the end for kNone. Returns its index. If it
  // throws std::bad_alloc, nothing has changed.
  Index insert(Index next, T value) {
    const Index index = free_ == kNone ? grow() : std::exchange(free_, nodes_[free_].next);
    const Index before = next == kNone ? last_ : nodes_[next].previous;
    nodes_[index] = {std::move(value), before, next};
    link_of(before) = index;
    (next == kNone ? last_ : nodes_[next].previous) = index;
    ++size_;
    return index;
  }
  void erase(Index index) noexcept {
    Node& node = nodes_[index];
    WSD_DCHECK(size_ != 0);
    link_of(node.previous) = node.next;
    (node.next == kNone ? last_ : nodes_[node.next].previous) = node.previous;
    node.value = T();
    node.next = std::exchange(free_, index);
    --size_;
  }

 private:
  struct Node {
    T value;
    Index previous = kNone;
    Index next = kNone;  // of an erased element: the next erased one
  };

  Index grow() {
    nodes_.emplace_back();
    return static_cast<Index>(nodes_.size() - 1);
  }
  // Returns the link that follows `previous`.
  [[nodiscard]] Index& link_of(Index previous) noexcept {
    return previous == kNone ? first_ : nodes_[previous].next;
  }

  std::vector<Node> nodes_;
  Index first_ = kNone;
  Index last_ = kNone;
  Index free_ = kNone;  // the erased elements
  std::size_t size_ = 0;
};

}  // namespace wsd
