// Producers enter the gate and push items. They wait if the gate is full. The owner takes the
// items, leaves the gate and wakes the producers.
//
//   feeder    enter ─► push ─► wait if full ◄─── wake ───┐
//                        │                                │
//                        ├─► gate, mailbox ─► owner: take, leave
//                        │
//   stranger  try_enter ─┘
#pragma once

#include <array>
#include <cstdint>

#include "model/checked.h"

namespace wsd::model {

constexpr unsigned kMaxFeeders = 3;

struct FlowGateSettings {
  std::uint32_t bound = 1;
  unsigned feeders = 2;     // reactors: they enter
  unsigned enters = 2;      // of each
  bool first_asks = false;  // the first one enters 0 items, which only asks whether it may continue
  unsigned strangers = 0;   // other threads: each tries to enter once
  std::uint32_t items = 1;  // items for each enter
  unsigned spurious = 1;
};

template <template <template <class> class> class Gate>
class FlowGateScenario final : public Scenario {
 public:
  explicit FlowGateScenario(const FlowGateSettings& settings)
      : settings_(settings), gate_(settings.bound) {}

  // Feeders come first, then strangers, then the owner.
  [[nodiscard]] unsigned threads() const override {
    return settings_.feeders + settings_.strangers + 1;
  }
  void body(unsigned thread) override {
    if (thread < settings_.feeders) {
      feed(thread);
    } else if (thread < settings_.feeders + settings_.strangers) {
      try_to_feed();
    } else {
      own();
    }
  }
  void end() override {
    Explorer::current().check(gate_.queued() == 0, "the count does not return to zero");
  }

 private:
  void feed(unsigned feeder) {
    Explorer& explorer = Explorer::current();
    const std::uint32_t items = settings_.first_asks && feeder == 0 ? 0 : settings_.items;
    for (unsigned i = 0; i < settings_.enters; ++i) {
      inside_ = inside_ + items;
      const bool go_on = gate_.enter(items, feeder);
      explorer.at(4 * i + (go_on ? 1 : 2));
      if (items != 0) pushed_.fetch_add(items, std::memory_order_release);
      explorer.at(4 * i + (go_on ? 3 : 4));
      if (!go_on) wakes_[feeder].sleep();
      explorer.at(4 * i + 3);
    }
    leave_the_stage();
  }

  void try_to_feed() {
    Explorer& explorer = Explorer::current();
    const bool entered = gate_.try_enter(settings_.items);
    explorer.at(entered ? 1 : 2);
    if (entered) {
      inside_ = inside_ + settings_.items;
      // The gate always admits reactors, but not other threads.
      explorer.check(settings_.feeders != 0 || inside_ < settings_.bound + settings_.items,
                     "more than the bound and one batch");
      pushed_.fetch_add(settings_.items, std::memory_order_release);
      explorer.at(3);
    }
    leave_the_stage();
  }

  // Reports the end to the owner, so that it knows when no more items come.
  void leave_the_stage() { pushed_.fetch_add(kGone, std::memory_order_release); }

  void own() {
    Explorer& explorer = Explorer::current();
    std::uint64_t there = settings_.feeders + settings_.strangers;
    while (there != 0) {
      const std::uint64_t found = pushed_.await(std::memory_order_acquire);
      there -= found / kGone;
      const auto taken = static_cast<std::uint32_t>(found % kGone);
      explorer.at(there << 8 | taken);
      if (taken == 0) continue;
      inside_ = inside_ - taken;
      const std::uint64_t waiters = gate_.leave(taken);
      explorer.at(there << 8 | waiters << 16);
      for (unsigned feeder = 0; feeder < settings_.feeders; ++feeder) {
        if ((waiters >> feeder & 1) != 0) wakes_[feeder].wake();
      }
      explorer.check(waiters >> settings_.feeders == 0, "an unknown waiter is to be woken");
      explorer.at(there << 8);
    }
  }

  static constexpr std::uint64_t kGone = 1000;

  const FlowGateSettings settings_;
  Gate<CheckedAtomic> gate_;
  CheckedAtomic<std::uint64_t> pushed_{0, true};  // represents the mailbox
  std::array<WakeCounter, kMaxFeeders> wakes_;
  Ghost<std::uint32_t> inside_;
};

}  // namespace wsd::model
