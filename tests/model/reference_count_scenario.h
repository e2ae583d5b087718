// Threads with a reference each read shared data, copy the reference and drop it. The last drop
// frees the data.
//
//   maker ──┬─ gives ─► holder: read, [add], drop ──┐
//           ├─ gives ─► holder: read, [add], drop ──┼─► count 0: free
//           └─────────► maker:  read, [add], drop ──┘
#pragma once

#include <array>

#include "model/checked.h"

namespace wsd::model {

struct ReferenceCountSettings {
  unsigned holders = 3;
  unsigned spurious = 0;
  bool copies = false;  // each holder makes a second reference and drops both
};

template <template <template <class> class> class Count>
class ReferenceCountScenario final : public Scenario {
 public:
  explicit ReferenceCountScenario(const ReferenceCountSettings& settings) : settings_(settings) {}

  [[nodiscard]] unsigned threads() const override { return settings_.holders; }
  void body(unsigned thread) override {
    // The first thread is the maker. The count starts with its reference, and it gives the others
    // theirs.
    if (thread == 0) {
      for (unsigned i = 1; i < settings_.holders; ++i) {
        count_.add();
        given_[i].fetch_add(1, std::memory_order_release);
      }
    } else {
      static_cast<void>(given_[thread].await(std::memory_order_acquire));
    }
    reads_[thread] = 1;
    if (settings_.copies) {
      count_.add();
      drop();
      reads_[thread] = 2;
    }
    drop();
  }
  void end() override { Explorer::current().check(freed_ == 1, "not freed, or not once"); }

 private:
  void drop() {
    if (!count_.drop()) return;
    freed_ = freed_ + 1;
    // Freeing comes after every access of every holder.
    for (Plain<unsigned>& each : reads_) each = 0;
  }

  const ReferenceCountSettings settings_;
  Count<CheckedAtomic> count_;
  std::array<CheckedAtomic<unsigned>, kMaxThreads> given_{{0, 0, 0, 0}};
  std::array<Plain<unsigned>, kMaxThreads> reads_;  // the accesses of each holder to the block
  Ghost<unsigned> freed_;
};

}  // namespace wsd::model
