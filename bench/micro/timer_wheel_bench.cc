// The cost of a timer, with 10^3 to 10^6 others armed. A tick is 10 ms, so a ping interval of 25 s
// is 2500 ticks.
#include <benchmark/benchmark.h>

#include <memory>
#include <random>

#include "hub/timer_wheel.h"

namespace {

using namespace wsd::hub;

constexpr Tick kPing = 2500;

// A shard with that many connections, each with a ping timer somewhere within the interval.
class Shardful {
 public:
  explicit Shardful(std::size_t count)
      : count_(count), timers_(std::make_unique<Timer[]>(count)), random_(1) {
    for (std::size_t i = 0; i < count; ++i) {
      wheel_.arm(timers_[i], 1 + random_() % kPing);
    }
  }
  ~Shardful() {
    for (std::size_t i = 0; i < count_; ++i) {
      wheel_.cancel(timers_[i]);
    }
  }
  Shardful(const Shardful&) = delete;
  Shardful& operator=(const Shardful&) = delete;

  TimerWheel& wheel() { return wheel_; }
  Timer& any() { return timers_[random_() % count_]; }

 private:
  TimerWheel wheel_;
  std::size_t count_;
  std::unique_ptr<Timer[]> timers_;
  std::minstd_rand random_;
};

void wheel_arm_cancel(benchmark::State& state) {
  Shardful shard(static_cast<std::size_t>(state.range(0)));
  Timer timer;
  Tick ahead = 1;
  for (auto _ : state) {
    shard.wheel().arm(timer, ahead);
    shard.wheel().cancel(timer);
    ahead = ahead * 5 % 6007;
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(wheel_arm_cancel)->RangeMultiplier(10)->Range(1000, 1000000);

// Rearms a random timer. With many timers, the cost is the cache misses on it and on its neighbors.
void wheel_rearm_any(benchmark::State& state) {
  Shardful shard(static_cast<std::size_t>(state.range(0)));
  Tick ahead = 1;
  for (auto _ : state) {
    shard.wheel().arm(shard.any(), ahead);
    ahead = ahead * 5 % 6007;
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(wheel_rearm_any)->RangeMultiplier(10)->Range(1000, 1000000);

// Heartbeats: tick by tick, each timer that fires is armed again for one interval later. An item is
// a fired timer, including its share of cascades and of empty ticks.
void wheel_heartbeat(benchmark::State& state) {
  Shardful shard(static_cast<std::size_t>(state.range(0)));
  TimerWheel& wheel = shard.wheel();
  std::int64_t fired = 0;
  for (auto _ : state) {
    wheel.advance(wheel.now() + 1);
    while (Timer* timer = wheel.pop_due()) {
      wheel.arm(*timer, wheel.now() + kPing);
      ++fired;
    }
  }
  state.SetItemsProcessed(fired);
  state.counters["per_timer"] = benchmark::Counter(
      static_cast<double>(fired), benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}
BENCHMARK(wheel_heartbeat)->RangeMultiplier(10)->Range(1000, 1000000);

void wheel_next_event(benchmark::State& state) {
  Shardful shard(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) {
    benchmark::DoNotOptimize(shard.wheel().next_event());
    benchmark::ClobberMemory();
  }
}
BENCHMARK(wheel_next_event)->Arg(1000000);

void wheel_advance_nothing_due(benchmark::State& state) {
  TimerWheel wheel;
  Timer timer;
  for (auto _ : state) {
    if (!timer.armed()) {
      wheel.arm(timer, wheel.now() + 1000000000);
    }
    wheel.advance(wheel.now() + 1);
    benchmark::DoNotOptimize(wheel.pop_due());
  }
  wheel.cancel(timer);
}
BENCHMARK(wheel_advance_nothing_due);

}  // namespace
