// The first few of many, without sorting the many.
#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

namespace wsd::server {

// The first `limit` of what is offered, in a heap of no more than these. `a < b`: a comes first.
template <class Entry>
class TopK {
 public:
  explicit TopK(std::size_t limit) : limit_(limit) {}

  // Where memory runs out: std::bad_alloc.
  void offer(const Entry& entry) {
    if (entries_.size() < limit_) {
      entries_.push_back(entry);
      std::push_heap(entries_.begin(), entries_.end());
    } else if (limit_ != 0 && entry < entries_.front()) {  // where the last of them is
      std::pop_heap(entries_.begin(), entries_.end());
      entries_.back() = entry;
      std::push_heap(entries_.begin(), entries_.end());
    }
  }
  // In order; nothing is left.
  [[nodiscard]] std::vector<Entry> take() {
    std::sort_heap(entries_.begin(), entries_.end());
    return std::exchange(entries_, {});
  }

 private:
  std::size_t limit_;
  std::vector<Entry> entries_;
};

}  // namespace wsd::server
