// Compares the timer wheel with a multimap.
//
// Input: eight octets for the initial time, then a program of instructions of three octets: the
// operation (its low two bits) with the timer, then the distance as a mantissa and a shift.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <map>

#include "base/assert.h"
#include "hub/timer_wheel.h"

namespace {

using namespace wsd::hub;  // NOLINT: a program of its own

constexpr std::size_t kTimers = 64;

class Machine {
 public:
  explicit Machine(Tick start) : wheel_(start), now_(start) {}
  ~Machine() {
    for (Timer& timer : timers_) wheel_.cancel(timer);
  }
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;

  void execute(std::uint8_t operation, std::uint8_t mantissa, std::uint8_t shift) {
    const std::size_t id = operation >> 2;
    const Tick distance = Tick{mantissa} << (shift % 38);
    switch (operation & 3) {
      case 0:
        arm(id, now_ + distance);
        break;
      case 1:
        cancel(id);
        break;
      case 2:
        now_ += distance;
        wheel_.advance(now_);
        pop_all(id, distance);
        break;
      default:
        // Advances to the earliest deadline, or one tick before it.
        if (!expected_.empty() && expected_.begin()->first > now_) {
          now_ = expected_.begin()->first - (mantissa & 1);
          wheel_.advance(now_);
          WSD_ASSERT(wheel_.has_due() == ((mantissa & 1) == 0));
          pop_all(id, shift);
        }
    }
    check();
  }

 private:
  using Expected = std::multimap<Tick, std::size_t>;

  Expected::iterator find(std::size_t id) {
    return std::find_if(expected_.begin(), expected_.end(),
                        [id](const auto& entry) { return entry.second == id; });
  }
  void forget(std::size_t id) {
    const auto found = find(id);
    if (found != expected_.end()) expected_.erase(found);
  }
  void arm(std::size_t id, Tick deadline) {
    wheel_.arm(timers_[id], deadline);
    forget(id);
    expected_.emplace(std::clamp(deadline, now_ + 1, now_ + TimerWheel::kFarthest), id);
  }
  void cancel(std::size_t id) {
    wheel_.cancel(timers_[id]);
    forget(id);
  }
  // Between the pops, arms or cancels the timer `other`, as an owner may.
  void pop_all(std::size_t other, Tick distance) {
    while (Timer* timer = wheel_.pop_due()) {
      const auto id = static_cast<std::size_t>(timer - timers_.data());
      WSD_ASSERT(!expected_.empty() && expected_.begin()->first <= now_);
      WSD_ASSERT(timer->deadline() == expected_.begin()->first);
      WSD_ASSERT(!timer->armed());
      WSD_ASSERT(find(id) != expected_.end() && find(id)->first == timer->deadline());
      forget(id);
      if (distance % 3 == 0) arm(other, now_ + distance / 2);
      if (distance % 3 == 1) cancel(other);
      other = (other + 1) % kTimers;
    }
    WSD_ASSERT(expected_.empty() || expected_.begin()->first > now_);
  }
  void check() {
    WSD_ASSERT(wheel_.now() == now_);
    WSD_ASSERT(wheel_.size() == expected_.size());
    WSD_ASSERT(!wheel_.has_due());
    if (expected_.empty()) {
      WSD_ASSERT(wheel_.next_event() == TimerWheel::kNever);
    } else {
      WSD_ASSERT(wheel_.next_event() > now_);
      WSD_ASSERT(wheel_.next_event() <= expected_.begin()->first);
    }
    for (std::size_t id = 0; id < kTimers; ++id) {
      WSD_ASSERT(timers_[id].armed() == (find(id) != expected_.end()));
    }
  }

  TimerWheel wheel_;
  Tick now_;
  std::array<Timer, kTimers> timers_;
  Expected expected_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Tick start = 0;
  if (size < sizeof start) return 0;
  std::memcpy(&start, data, sizeof start);
  // A thousand instructions of at most 2^45 ticks each stay below the maximum time.
  Machine machine(start >> 2);
  const std::size_t end = std::min<std::size_t>(size, sizeof start + std::size_t{3} * 1000);
  for (std::size_t at = sizeof start; at + 3 <= end; at += 3) {
    machine.execute(data[at], data[at + 1], data[at + 2]);
  }
  return 0;
}
