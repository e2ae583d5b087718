// Selects the first few of many entries without sorting all of them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

namespace wsd::server {

// Keeps the first `limit` of the offered entries in a heap of that size. If a < b, a comes first.
template <class Entry>
class TopK {
 public:
  explicit TopK(std::size_t limit) : limit_(limit) {}

  // Throws std::bad_alloc if memory runs out.
  void offer(const Entry& entry) {
    if (entries_.size() < limit_) {
      entries_.push_back(entry);
      std::push_heap(entries_.begin(), entries_.end());
    } else if (limit_ != 0 && entry < entries_.front()) {  // the front is the last one
      std::pop_heap(entries_.begin(), entries_.end());
      entries_.back() = entry;
      std::push_heap(entries_.begin(), entries_.end());
    }
  }
  // Returns the entries in order and removes them.
  [[nodiscard]] std::vector<Entry> take() {
    std::sort_heap(entries_.begin(), entries_.end());
    return std::exchange(entries_, {});
  }

 private:
  std::size_t limit_;
  std::vector<Entry> entries_;
};

}  // namespace wsd::server
