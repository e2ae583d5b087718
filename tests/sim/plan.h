// What a seed decides before a run begins: the server's settings and how unkind the world is.
#pragma once

#include <cstdint>

#include "net/reactor_context.h"
#include "sim/kernel.h"
#include "sim/random.h"

namespace wsd::sim {

struct Plan {
  Plan(std::uint64_t seed, Random& random);

  std::uint32_t reactors = 1;
  std::uint32_t max_pending_publishes = 65'536;
  std::uint32_t peers = 4;
  std::uint32_t rooms = 1;
  std::uint32_t steps = 200;  // of the unkind part of the run
  net::ReactorSettings settings;
  Faults faults;
  bool commands = false;    // peers leave, join, kick, send directly
  bool history = false;     // rooms keep all, and who joins one for the first time wants all of it
  bool latest = false;      // of a room's messages a slow member gets the newest alone
  bool outside = false;     // threads that are no reactor publish, send and close
  bool time_jumps = false;  // time passes though work is waiting: deadlines may hit anyone
  bool proxied = false;     // all peers come through a proxy that says whose each connection is
  bool outages = false;     // descriptors or memory run out for a while
  bool wait_out = false;    // before the end, time passes until every broken peer must be gone
  enum class Ending : std::uint8_t { kPeersClose, kDrain, kStop } ending = Ending::kPeersClose;
  std::uint32_t rogues = 0;  // percent of peers that misbehave
  std::uint32_t slow = 0;    // percent of peers that read little at a time
  bool small_buffers = false;
  // Weights of the kinds of step.
  std::uint32_t run = 1, arrive = 1, read = 1, act = 1, time = 0;

  [[nodiscard]] bool drops() const noexcept {
    return settings.send_queue.policy != SlowPolicy::kDisconnect;
  }
  [[nodiscard]] bool drops_of_rooms() const noexcept { return latest || drops(); }
  // In which a peer that is not there, or does not read, or does not finish is given up.
  [[nodiscard]] std::uint64_t patience_ms() const noexcept;
  [[nodiscard]] bool gives_up_the_silent() const noexcept {
    return settings.heartbeat.ping_interval != 0 && settings.heartbeat.pong_timeout != 0;
  }
};

}  // namespace wsd::sim
