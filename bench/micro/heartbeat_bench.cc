// Idle members, each pinged every 25 s and answering: the share of one core that wheel and
// heartbeat use. An iteration is one second of the members' time, in ticks of 10 ms; `core` is the
// share.
#include <benchmark/benchmark.h>

#include <memory>
#include <vector>

#include "hub/heartbeat.h"
#include "hub/timer_wheel.h"

namespace {

using namespace wsd::hub;
using wsd::Tick;
using wsd::ticks_for_ms;

constexpr HeartbeatTicks kSettings{
    .ping_interval = ticks_for_ms(25'000),
    .pong_timeout = ticks_for_ms(10'000),
    .read_timeout = 0,
};

struct Idle : Timer {
  explicit Idle(Tick now) : heartbeat(now) {}
  Heartbeat heartbeat;
  std::uint64_t id = 0;
  char rest[200] = {};  // of a connection
};

void heartbeat_idle(benchmark::State& state) {
  const auto count = static_cast<std::size_t>(state.range(0));
  TimerWheel wheel;
  std::vector<std::unique_ptr<Idle>> members;
  const auto early = [](const Idle& member) {
    return ping_jitter(member.id, kSettings.ping_interval);
  };
  const auto arm = [&](Idle& member) {
    wheel.arm(member, member.heartbeat.next_deadline(kSettings, early(member), wheel.now()));
  };
  for (std::size_t i = 0; i < count; ++i) {
    members.push_back(std::make_unique<Idle>(0));
    members.back()->id = i;
    arm(*members.back());
  }
  std::uint64_t pings = 0;
  const auto second = [&] {
    std::vector<Idle*> pinged;
    for (int tick = 0; tick < 100; ++tick) {
      wheel.advance(wheel.now() + 1);
      // The Pongs to the Pings of the previous tick.
      for (Idle* each : pinged) {
        if (each->heartbeat.received(wheel.now())) arm(*each);
      }
      pinged.clear();
      while (Timer* timer = wheel.pop_due()) {
        auto* const member = static_cast<Idle*>(timer);
        if (member->heartbeat.check(kSettings, early(*member), wheel.now()) ==
            Heartbeat::Verdict::kPing) {
          ++pings;
          pinged.push_back(member);
        }
        arm(*member);
      }
    }
    for (Idle* each : pinged) {
      if (each->heartbeat.received(wheel.now())) arm(*each);
    }
  };
  for (int i = 0; i < 50; ++i) second();  // until all members are spread over the interval
  pings = 0;
  for (auto _ : state) second();
  state.counters["core"] =
      benchmark::Counter(static_cast<double>(state.iterations()),
                         benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
  state.counters["pings_a_second"] =
      static_cast<double>(pings) / static_cast<double>(state.iterations());
  for (const auto& each : members) wheel.cancel(*each);
}
BENCHMARK(heartbeat_idle)->Arg(1'000'000)->Iterations(100)->Unit(benchmark::kMillisecond);

}  // namespace
