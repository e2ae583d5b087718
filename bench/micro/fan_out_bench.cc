// One message to a room of fake members on one shard: the cost of the hub itself for each member.
#include <benchmark/benchmark.h>

#include <memory>
#include <string>
#include <vector>

#include "hub/hub.h"
#include "hub/member.h"
#include "hub/shard.h"

namespace {

using namespace wsd;
using namespace wsd::hub;

class NoWaker final : public Waker {
 public:
  void wake() noexcept override {}
};

// As large as a connection, so that two members are as many cache lines apart.
class Fake final : public Member {
 public:
  void deliver(const Batch& batch) override { bytes += batch.bytes(); }
  void deliver(const SharedBytes& frame) override { bytes += frame.size(); }
  void close(CloseCause, CloseCode, std::string_view) override {}
  void on_deadline(Tick) override {}
  std::uint64_t bytes = 0;

 private:
  [[maybe_unused]] char rest_[224] = {};
};

void fan_out(benchmark::State& state) {
  const auto count = static_cast<std::size_t>(state.range(0));
  NoWaker waker;
  std::vector<Waker*> wakers{&waker};
  Hub hub(wakers, Shard::Options{});
  Shard& shard = hub.shard(0);
  std::vector<std::unique_ptr<Fake>> members;
  for (std::size_t i = 0; i < count; ++i) {
    members.push_back(std::make_unique<Fake>());
    shard.add(*members.back());
    shard.join(*members.back(), "room");
  }
  while (!shard.arm() || shard.has_pending()) {
    shard.drain();
    shard.fan_out();
  }
  const std::string payload(102, 'x');
  const SharedBytes frame = SharedBytes::copy_of(as_bytes(payload));
  for (auto _ : state) {
    static_cast<void>(shard.publish("room", frame));
    shard.fan_out();
  }
  for (const auto& each : members) {
    if (each->bytes != payload.size() * static_cast<std::uint64_t>(state.iterations())) {
      state.SkipWithError("a member missed a message");
      break;
    }
  }
  const auto deliveries = static_cast<double>(count) * static_cast<double>(state.iterations());
  state.SetItemsProcessed(static_cast<std::int64_t>(deliveries));
  state.counters["per_member"] =
      benchmark::Counter(deliveries, benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
  for (const auto& each : members) shard.remove(*each);
}
BENCHMARK(fan_out)->RangeMultiplier(10)->Range(1000, 1000000)->UseRealTime();

}  // namespace
