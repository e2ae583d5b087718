// When a silent peer is pinged, and when it is given up.
#pragma once

#include <cstdint>
#include <utility>

#include "base/tick.h"

namespace wsd::hub {

// In ticks; 0 turns a setting off.
struct HeartbeatTicks {
  Tick ping_interval = 0;
  Tick pong_timeout = 0;
  Tick read_timeout = 0;
};

// One connection's liveness. Any received byte is life; a pong budget counts only while the peer is
// silent after a Ping. A received byte stores five bytes and touches no timer: the timer that was
// armed for an older deadline finds that out when it fires, and is armed again. Only the first byte
// after a Ping may bring the next deadline forward.
class Heartbeat {
 public:
  enum class Verdict : std::uint8_t { kAlive, kPing, kPongTimeout, kReadTimeout };

  explicit Heartbeat(Tick now) noexcept : last_received_(now) {}

  // True: a Ping was out, and next_deadline() may be earlier than it was.
  bool received(Tick now) noexcept {
    last_received_ = now;
    return std::exchange(awaiting_, false);
  }

  // What is due at `now`. kPing: the caller sends a Ping, which is noted as sent. `early` ticks are
  // taken off the ping interval: jitter, so that connections that came together part again.
  [[nodiscard]] Verdict check(const HeartbeatTicks& settings, Tick early, Tick now) noexcept;

  // The next tick at which check() may say something other than kAlive.
  [[nodiscard]] Tick next_deadline(const HeartbeatTicks& settings, Tick early,
                                   Tick now) const noexcept;
  static constexpr Tick kNoDeadline = ~Tick{0};

 private:
  [[nodiscard]] Tick ping_due(const HeartbeatTicks& settings, Tick early, Tick now) const noexcept;

  ShortTick last_received_;
  ShortTick ping_sent_;
  bool awaiting_ = false;  // a Ping is out and nothing has been received since
};

// Ticks to take off `interval` for this connection: spread evenly over an eighth of it.
[[nodiscard]] Tick ping_jitter(std::uint64_t connection, Tick interval) noexcept;

}  // namespace wsd::hub
