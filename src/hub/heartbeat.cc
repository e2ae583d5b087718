#include "hub/heartbeat.h"

#include <algorithm>

namespace wsd::hub {

Tick Heartbeat::ping_due(const HeartbeatTicks& settings, Tick early, Tick now) const noexcept {
  // Without a pong timeout, the next Ping keeps middleboxes awake even if the last got no Pong.
  return (awaiting_ ? ping_sent_ : last_received_).near(now) + settings.ping_interval - early;
}

Heartbeat::Verdict Heartbeat::check(const HeartbeatTicks& settings, Tick early, Tick now) noexcept {
  if (settings.read_timeout != 0 && now >= last_received_.near(now) + settings.read_timeout) {
    return Verdict::kReadTimeout;
  }
  if (settings.ping_interval == 0) return Verdict::kAlive;
  if (awaiting_ && settings.pong_timeout != 0) {
    return now >= ping_sent_.near(now) + settings.pong_timeout ? Verdict::kPongTimeout
                                                               : Verdict::kAlive;
  }
  if (now < ping_due(settings, early, now)) return Verdict::kAlive;
  awaiting_ = true;
  ping_sent_ = now;
  return Verdict::kPing;
}

Tick Heartbeat::next_deadline(const HeartbeatTicks& settings, Tick early, Tick now) const noexcept {
  Tick deadline = kNoDeadline;
  if (settings.read_timeout != 0) deadline = last_received_.near(now) + settings.read_timeout;
  if (settings.ping_interval != 0) {
    const bool pong_due = awaiting_ && settings.pong_timeout != 0;
    deadline = std::min(deadline, pong_due ? ping_sent_.near(now) + settings.pong_timeout
                                           : ping_due(settings, early, now));
  }
  return deadline;
}

Tick ping_jitter(std::uint64_t connection, Tick interval) noexcept {
  const Tick range = interval / 8;
  if (range == 0) return 0;
  // Fibonacci hashing (Knuth, TAOCP 3, §6.4): consecutive ids get distant values.
  return static_cast<Tick>((connection * 0x9E3779B97F4A7C15) >> 40) % range;
}

}  // namespace wsd::hub
