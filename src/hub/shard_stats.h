// What a shard counts.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/counter.h"

namespace wsd::hub {

// Kept by the shard's thread, read by any.
struct ShardStats {
  Counter rooms;        // at home here
  Counter memberships;  // of members here, joins under way included
  Counter publishes;    // that came to a home here
  Counter deliveries;   // messages handed to members here
};

// When the oldest messages of the batches that a turn sent had got their places: to be set against
// the turn's end, which tells how long they took. Shard's thread only. It needs no memory: where a
// turn has batches of too many moments, the youngest count as older than they are.
class PlacedTimes {
 public:
  void add(std::uint64_t first_pending_ns) noexcept {
    if (used_ != 0) {
      Moment& last = moments_[used_ - 1];
      if (last.first_pending_ns == first_pending_ns || used_ == moments_.size()) {
        ++last.batches;
        if (first_pending_ns < last.first_pending_ns) last.first_pending_ns = first_pending_ns;
        return;
      }
    }
    moments_[used_++] = {first_pending_ns, 1};
  }

  // Calls `visit` with the nanoseconds that each batch took until `now_ns`, and how many took that;
  // nothing is left.
  template <class Visit>
  void take(std::uint64_t now_ns, Visit visit) {
    for (std::size_t i = 0; i < used_; ++i) {
      const std::uint64_t placed = moments_[i].first_pending_ns;
      visit(now_ns > placed ? now_ns - placed : 0, moments_[i].batches);
    }
    used_ = 0;
  }

 private:
  struct Moment {
    std::uint64_t first_pending_ns = 0;
    std::uint64_t batches = 0;
  };
  std::array<Moment, 16> moments_{};
  std::size_t used_ = 0;
};

}  // namespace wsd::hub
