// Decides when free memory returns to the system.
//
// Memory that the server frees stays with the process: the allocator keeps free blocks that lie
// between used ones, and tables and pools keep their capacity. To return it takes time (20 to 80 ms
// for 128 MiB of blocks of 1 KiB or more, up to a second for 128 MiB of blocks of 100 bytes), and a
// thread that allocates meanwhile waits. So the server does it after the work, not during the work.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "base/tick.h"

namespace wsd::net {

// Decides when a reactor frees what it keeps for reuse. The reactor reports its load about once per
// second. Time is an argument. Reactor thread only.
class ReleaseSchedule {
 public:
  static constexpr Tick kLookTicks = ticks_for_ms(1000);

  // A second with less work than kQuiet is quiet, and one with less than kLight is light. Work is
  // bytes received and sent, and kConnectionBytes for each connection that has ended.
  static constexpr std::uint64_t kQuiet = std::uint64_t{64} << 10;
  static constexpr std::uint64_t kLight = std::uint64_t{1} << 20;
  static constexpr int kSeconds = 2;  // this many quiet or light seconds must come first
  // The bytes moved or freed since the last release for which another one is worthwhile.
  static constexpr std::uint64_t kWorth = std::uint64_t{1} << 20;
  // The same for a reactor that is only light: bytes freed, and the time since the last release.
  static constexpr std::uint64_t kWorthInLight = std::uint64_t{16} << 20;
  static constexpr Tick kTicksInLight = ticks_for_ms(60'000);
  // An estimate of the bytes that the end of a connection frees.
  static constexpr std::uint64_t kConnectionBytes = std::uint64_t{16} << 10;

  struct Load {
    std::uint64_t traffic = 0;  // bytes received and sent since the start
    std::uint64_t ended = 0;    // connections that have ended since the start
    std::size_t held = 0;       // bytes in histories and send queues
  };

  // Returns the tick from which on a turn must call look().
  [[nodiscard]] Tick look_at() const noexcept { return look_at_; }
  // Returns whether nothing can become due without another turn, so that a reactor need not wake up
  // for look_at().
  [[nodiscard]] bool settled() const noexcept { return settled_; }
  // Judges the time since the last look. Returns true if the reactor must release memory now.
  [[nodiscard]] bool look(Tick now, const Load& load) noexcept;
  // Returns whether the last look found more work than light work.
  [[nodiscard]] bool busy() const noexcept { return light_seconds_ == 0; }
  // Orders another look, because something is left to do.
  void look_again() noexcept { settled_ = false; }

 private:
  Tick look_at_ = 0;
  bool settled_ = true;
  Tick released_at_ = 0;
  Load last_;
  std::uint64_t moved_ = 0;  // traffic since the last release
  std::uint64_t freed_ = 0;  // bytes freed since the last release
  int quiet_seconds_ = 0;
  int light_seconds_ = 0;
};

// Decides which reactor returns the free memory of the process, so that one does it for all that
// have released memory. Any thread. Times are milliseconds of one clock.
class TrimGate {
 public:
  static constexpr std::uint64_t kIntervalMs = 5'000;  // between two trims
  static constexpr std::uint64_t kBusyMs = 2'000;      // after the last report of a busy reactor

  enum class Answer : std::uint8_t {
    kNow,    // the caller must trim now
    kLater,  // ask again
    kDone,   // another reactor has trimmed since
  };

  // Notes that a reactor is busy, so that a pause would delay its clients.
  void note_busy(std::uint64_t now_ms) noexcept {
    busy_ms_.store(now_ms, std::memory_order_relaxed);
  }
  // `freed_ms`: when the caller had released its memory.
  [[nodiscard]] Answer ask(std::uint64_t freed_ms, std::uint64_t now_ms) noexcept;

 private:
  std::atomic<std::uint64_t> trimmed_ms_{0};
  std::atomic<std::uint64_t> busy_ms_{0};
};

}  // namespace wsd::net
