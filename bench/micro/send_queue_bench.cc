// The slow policies of a full send queue. The cost of one message must not depend on what is
// queued: the replay in front of the oldest message, or the messages of other rooms.
#include <benchmark/benchmark.h>

#include <string>

#include "base/shared_bytes.h"
#include "net/send_queue.h"

namespace {

using namespace wsd;
using namespace wsd::net;

Slice frame() { return Slice(SharedBytes::copy_of(as_bytes(std::string(100, 'x')))); }

void drop_oldest_behind_a_replay(benchmark::State& state) {
  const SendQueueLimits limits{std::size_t{1} << 20, 64, SlowPolicy::kDropOldest};
  SendQueue queue(0);
  for (std::int64_t i = 0; i < state.range(0); ++i) queue.push_replay(frame());
  const Slice message = frame();
  for (auto _ : state) benchmark::DoNotOptimize(queue.push(message, limits));
}
BENCHMARK(drop_oldest_behind_a_replay)->Arg(0)->Arg(1'000)->Arg(16'000);

void latest_of_many_rooms(benchmark::State& state) {
  const SendQueueLimits limits{std::size_t{16} << 20, 16'384, SlowPolicy::kDisconnect};
  const auto rooms = static_cast<std::uint64_t>(state.range(0));
  SendQueue queue(0);
  const Slice message = frame();
  std::uint64_t room = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(
        queue.push(message, limits, 0, {SlowPolicy::kLatestOnly, room++ % rooms}));
  }
}
BENCHMARK(latest_of_many_rooms)->Arg(1)->Arg(100)->Arg(10'000);

}  // namespace
