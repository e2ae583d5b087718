// The decisions of a seed before a run begins: the server's settings, and how often the machine
// fails.
#pragma once

#include <cstdint>

#include "net/reactor_settings.h"
#include "sim/kernel.h"
#include "sim/random.h"

namespace wsd::sim {

struct Plan {
  Plan(std::uint64_t seed, Random& random);

  std::uint32_t reactors = 1;
  std::uint32_t max_pending_publishes = 65'536;
  std::uint64_t max_pending_bytes = std::uint64_t{64} << 20;
  std::uint32_t peers = 4;
  std::uint32_t rooms = 1;
  std::uint32_t steps = 200;  // of the part of the run in which the machine fails
  net::ReactorSettings settings;
  Faults faults;
  bool commands = false;  // peers leave, join, kick, send directly
  // rooms keep everything, and a peer that joins a room for the first time requests all of it
  bool history = false;
  bool engine = false;  // an engine must keep each message of a room before it takes effect
  std::uint32_t engine_fails = 0;  // percent of its answers with which it begins or ceases to fail
  // rooms have different delivery windows: none, less than a tick, and some ticks
  bool windows = false;
  bool presence = false;    // joins and leaves are messages of their rooms
  bool excepts = false;     // peers publish messages that they do not want back
  bool latest = false;      // a slow member gets only the newest message of a room
  bool outside = false;     // threads that are not reactors publish, send and close
  bool time_jumps = false;  // time passes while work is pending: any deadline may fire
  bool proxied = false;     // all peers use a proxy that reports the client of each connection
  bool outages = false;     // descriptors or memory run out for a while
  bool shared = false;      // all reactors accept from one socket, which another process has passed
  // the application decides opening handshakes later, and pauses connections for a while
  bool defers = false;
  bool forks = false;  // a child process holds the server's descriptors for a while
  // before the end, time passes until every broken peer must have been disconnected
  bool wait_out = false;
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
  // The time within which the server gives up a peer that is absent, does not read or does not
  // finish.
  [[nodiscard]] std::uint64_t patience_ms() const noexcept;
  [[nodiscard]] bool gives_up_the_silent() const noexcept {
    return settings.heartbeat.ping_interval != 0 && settings.heartbeat.pong_timeout != 0;
  }
};

}  // namespace wsd::sim
