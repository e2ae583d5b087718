// The counters of one shard.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/counter.h"

namespace wsd::hub {

// The shard's thread writes these counters, and any thread may read them.
struct ShardStats {
  Counter rooms;        // rooms whose home is here
  Counter memberships;  // joined rooms of members here, including pending joins
  Counter publishes;    // messages for rooms whose home is here, also discarded ones
  Counter deliveries;   // messages delivered or replayed to members here
  Counter refused;      // messages that the engine could not keep, and that reached nobody
};

// Collects, for each batch of a turn, the time at which its oldest message got its position. The
// end of the turn minus that time is the latency. Needs no memory: if the batches of a turn have
// more distinct times than fit, the youngest count as older than they are. Shard's thread only.
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

  // Calls `visit` with each latency until `now_ns`, in nanoseconds, and the number of batches that
  // have it. Afterwards the collection is empty.
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
