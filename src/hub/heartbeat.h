// Decides when to ping a silent peer, and when to close its connection.
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

// Tracks whether one peer is alive. Any received byte shows that it is. The pong timeout runs only
// while the peer is silent after a Ping. A received byte stores five bytes and does not touch the
// timer. If the timer fires for an outdated deadline, the caller arms it again. Only the first byte
// after a Ping may make the next deadline earlier.
class Heartbeat {
 public:
  enum class Verdict : std::uint8_t { kAlive, kPing, kPongTimeout, kReadTimeout };

  explicit Heartbeat(Tick now) noexcept : last_received_(now) {}

  // Notes that bytes were received. Returns true if a Ping was outstanding. Then next_deadline()
  // may be earlier than before.
  bool received(Tick now) noexcept {
    last_received_ = now;
    return std::exchange(awaiting_, false);
  }

  // The peer's silence has an excuse: the wait for the next byte begins again, and so does the wait
  // for the Pong.
  void excuse(Tick now) noexcept { last_received_ = ping_sent_ = now; }

  // Returns the action that is due at `now`. On kPing the caller must send a Ping; it is already
  // noted as sent. `early` ticks are subtracted from the ping interval. This jitter spreads the
  // Pings of connections that started together.
  [[nodiscard]] Verdict check(const HeartbeatTicks& settings, Tick early, Tick now) noexcept;

  // Returns the next tick at which check() may return another verdict than kAlive.
  [[nodiscard]] Tick next_deadline(const HeartbeatTicks& settings, Tick early,
                                   Tick now) const noexcept;
  static constexpr Tick kNoDeadline = ~Tick{0};

 private:
  [[nodiscard]] Tick ping_due(const HeartbeatTicks& settings, Tick early, Tick now) const noexcept;

  ShortTick last_received_;
  ShortTick ping_sent_;
  bool awaiting_ = false;  // a Ping was sent, and no byte has come since
};

// Returns the ticks to subtract from `interval` for this connection, spread evenly over an eighth
// of the interval.
[[nodiscard]] Tick ping_jitter(std::uint64_t connection, Tick interval) noexcept;

}  // namespace wsd::hub
