#include "sim/plan.h"

#include <array>
#include <span>

#include "base/assert.h"

namespace wsd::sim {
namespace {

template <class T, std::size_t N>
T pick(Random& random, const std::array<T, N>& values) {
  return random.one_of(std::span<const T>(values));
}

Tick ticks_between(Random& random, std::uint64_t least_ms, std::uint64_t most_ms) {
  return ticks_for_ms(random.between(least_ms, most_ms));
}

void draw_settings(Random& random, net::ReactorSettings& settings) {
  using Sizes = std::array<std::size_t, 4>;
  settings.session.message.max_message_bytes = pick(random, Sizes{600, 3'000, 40'000, 200'000});
  settings.session.message.max_fragments = 64;
  settings.session.message.max_empty_fragments = 8;
  settings.read_buffer_size = pick(random, Sizes{64, 512, 4'096, 65'536});
  settings.send_queue.bytes = pick(random, Sizes{1'024, 4'096, 32'768, 1'048'576});
  settings.send_queue.frames = pick(random, std::array<std::uint32_t, 3>{4, 64, 16'384});
  settings.send_queue.policy =
      pick(random, std::array<SlowPolicy, 4>{SlowPolicy::kDisconnect, SlowPolicy::kDisconnect,
                                             SlowPolicy::kDropNewest, SlowPolicy::kDropOldest});
  settings.handshake_timeout = ticks_between(random, 500, 3'000);
  settings.message_timeout = ticks_between(random, 500, 5'000);
  settings.write_timeout = ticks_between(random, 500, 4'000);
  settings.close_timeout = ticks_between(random, 200, 2'000);
  if (random.chance(75)) {
    settings.heartbeat.ping_interval = ticks_between(random, 500, 3'000);
    settings.heartbeat.pong_timeout = random.chance(85) ? ticks_between(random, 200, 2'000) : 0;
    if (random.chance(40)) {
      settings.heartbeat.read_timeout = settings.heartbeat.ping_interval +
                                        settings.heartbeat.pong_timeout +
                                        ticks_between(random, 100, 2'000);
    }
  }
  settings.max_input_bytes = random.chance(85) ? std::size_t{1} << 30 : std::size_t{60'000};
  settings.max_control_frames_per_second = random.chance(70) ? 0 : 50;
  settings.drain_window = ticks_between(random, 0, 500);
  settings.drain_timeout = ticks_between(random, 1'000, 5'000);
  settings.keep_alive_timeout = settings.handshake_timeout;
  settings.drain_delay = settings.drain_timeout % 3 == 0 ? settings.drain_window : 0;
}

void draw_faults(Random& random, Faults& faults) {
  const auto some = [&random](unsigned most) {
    return random.chance(50) ? 0U : static_cast<unsigned>(random.between(1, most));
  };
  faults.interrupted = some(20);
  faults.short_send = some(60);
  faults.accept_error = some(10);
  faults.spurious_wake = some(20);
  faults.register_failure = random.chance(15) ? 10 : 0;
  faults.partial_harvest = some(50);
}

}  // namespace

Plan::Plan(std::uint64_t seed, Random& random) {
  reactors = static_cast<std::uint32_t>(random.between(1, 3));
  max_pending_publishes = pick(random, std::array<std::uint32_t, 4>{2, 5, 30, 65'536});
  peers = static_cast<std::uint32_t>(random.between(1, 10));
  rooms = static_cast<std::uint32_t>(random.between(1, 3));
  steps = static_cast<std::uint32_t>(random.between(50, 700));
  draw_settings(random, settings);
  if (random.chance(70)) draw_faults(random, faults);
  if (random.chance(10)) {
    settings.max_connections = static_cast<std::uint32_t>(random.between(1, peers));
  }
  commands = random.chance(35);
  outside = random.chance(30);
  time_jumps = random.chance(20);
  outages = random.chance(30);
  history = random.chance(40);
  latest = random.chance(25);
  wait_out = random.chance(60);
  ending = pick(random, std::array<Ending, 4>{Ending::kPeersClose, Ending::kPeersClose,
                                              Ending::kDrain, Ending::kStop});
  rogues = pick(random, std::array<std::uint32_t, 4>{0, 20, 50, 90});
  slow = pick(random, std::array<std::uint32_t, 3>{0, 30, 80});
  small_buffers = random.chance(50);
  run = static_cast<std::uint32_t>(random.between(1, 20));
  arrive = static_cast<std::uint32_t>(random.between(1, 20));
  read = static_cast<std::uint32_t>(random.between(1, 20));
  act = static_cast<std::uint32_t>(random.between(1, 20));
  time = time_jumps ? static_cast<std::uint32_t>(random.between(1, 3)) : 0;
  // Not drawn at random, so that they do not change the other decisions of the seed.
  max_pending_bytes =
      std::array<std::uint64_t, 3>{std::uint64_t{64} << 20, 2'000, 20'000}[seed / 8 % 3];
  proxied = seed % 8 == 0;
  forks = seed % 4 == 1;
  defers = seed % 7 < 3;
  engine = history && seed / 4 % 2 == 0;
  engine_fails = std::array<std::uint32_t, 3>{0, 5, 40}[seed % 3];
  shared = seed % 5 < 2;
  windows = seed % 7 < 3;
  excepts = seed % 11 < 4;
  presence = seed % 13 < 5;
  settings.session.proxy_header = proxied;
  constexpr std::array<std::size_t, 4> kOutput = {15'000, 40'000, 100'000, 300'000};
  if (seed % 3 == 2) settings.max_output_bytes = kOutput[seed / 3 % kOutput.size()];
  if (proxied) WSD_ASSERT(settings.trusted_proxies.add("127.0.0.0/8").empty());
}

std::uint64_t Plan::patience_ms() const noexcept {
  constexpr Tick kLinger = ticks_for_ms(1'000);
  constexpr Tick kSlack = 10;
  const hub::HeartbeatTicks& heartbeat = settings.heartbeat;
  // A peer that reads gets more time for its Pong. A close timeout begins again after progress, and
  // applies once before and once after our FIN.
  constexpr Tick kPongTimeouts = 8;
  constexpr Tick kCloseTimeouts = 4;
  return (settings.handshake_timeout + settings.message_timeout + settings.write_timeout +
          heartbeat.ping_interval + kPongTimeouts * heartbeat.pong_timeout +
          kCloseTimeouts * settings.close_timeout + 2 * kLinger + kSlack) *
         kTickMs;
}

}  // namespace wsd::sim
