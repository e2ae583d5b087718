#include "net/accept_balance.h"

#include "base/assert.h"
#include "net/intake.h"

namespace wsd::net {

void AcceptBalance::open(std::uint32_t reactor, Intake& intake) noexcept {
  WSD_ASSERT(reactor < kMostReactors);
  Seat& seat = seats_[reactor];
  seat.intake = &intake;
  seat.on_the_way.store(0, std::memory_order_relaxed);
  if (count_ <= reactor) count_ = reactor + 1;
}

void AcceptBalance::close(std::uint32_t reactor) noexcept {
  seats_[reactor].on_the_way.fetch_or(kClosed, std::memory_order_relaxed);
}

std::uint32_t AcceptBalance::choose(std::uint32_t self) noexcept {
  if (count_ < 2) return self;
  // Connections that end at once leave all loads equal. Taking turns is even for them too.
  const std::uint32_t first = next_.fetch_add(1, std::memory_order_relaxed);
  for (;;) {
    std::uint32_t best = self;
    std::uint64_t least = ~std::uint64_t{0};
    for (std::uint32_t i = 0; i < count_; ++i) {
      const std::uint32_t reactor = (first + i) % count_;
      if (reactor != self && !has_room(reactor)) continue;
      const std::uint64_t here = load(reactor);
      if (here >= least) continue;
      least = here;
      best = reactor;
    }
    // Another thread may have taken the last room. Each failure closes or fills one more reactor.
    if (best == self || send(best)) return best;
  }
}

void AcceptBalance::arrived(std::uint32_t reactor) noexcept {
  seats_[reactor].on_the_way.fetch_sub(1, std::memory_order_relaxed);
}

bool AcceptBalance::expects(std::uint32_t reactor) const noexcept {
  return (seats_[reactor].on_the_way.load(std::memory_order_relaxed) & ~kClosed) != 0;
}

std::uint64_t AcceptBalance::load(std::uint32_t reactor) const noexcept {
  const Seat& seat = seats_[reactor];
  const std::uint32_t word = seat.on_the_way.load(std::memory_order_relaxed);
  return seat.intake->connections() + (word & ~kClosed);
}

bool AcceptBalance::has_room(std::uint32_t reactor) const noexcept {
  return seats_[reactor].on_the_way.load(std::memory_order_relaxed) < most_on_the_way_;
}

bool AcceptBalance::send(std::uint32_t reactor) noexcept {
  std::atomic<std::uint32_t>& word = seats_[reactor].on_the_way;
  std::uint32_t now = word.load(std::memory_order_relaxed);
  while (now < most_on_the_way_) {
    if (word.compare_exchange_weak(now, now + 1, std::memory_order_relaxed)) return true;
  }
  return false;
}

}  // namespace wsd::net
