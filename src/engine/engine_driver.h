// An engine, as the reactor that runs it sees it.
#pragma once

#include <cstdint>

namespace wsd::engine {

// The network calls WireOwner's methods between begin_turn() and the end of the turn. Reactor
// thread only.
class EngineDriver {
 public:
  static constexpr std::uint64_t kNever = ~std::uint64_t{0};

  virtual ~EngineDriver() = default;
  // The time of the turn: milliseconds of the monotonic clock without suspensions, and of the real
  // time since 1970.
  virtual void begin_turn(std::uint64_t now_ms, std::uint64_t unix_ms) noexcept = 0;
  // When on_time() is due. kNever: not at all.
  [[nodiscard]] virtual std::uint64_t deadline() const noexcept = 0;
  virtual void on_time() = 0;
  // The reactor ends: nothing is sent any more.
  virtual void stop() noexcept = 0;
};

}  // namespace wsd::engine
