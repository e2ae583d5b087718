// State that only some connections need. It lies apart, so that the others do not pay for it.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <optional>
#include <utility>

#include "net/application.h"
#include "net/application_timer.h"
#include "wsd/connection.h"

namespace wsd::net {

// A handshake whose verdict is pending, or was given in this turn.
class PendingUpgrade {
 public:
  // `over` is set to true when a verdict has no effect any more.
  explicit PendingUpgrade(std::shared_ptr<std::atomic<bool>> over) noexcept
      : over_(std::move(over)) {}
  PendingUpgrade(const PendingUpgrade&) = delete;
  PendingUpgrade& operator=(const PendingUpgrade&) = delete;
  ~PendingUpgrade() { over_->store(true, std::memory_order_relaxed); }

  // The handshake that was accepted, for the read step. Null while the verdict is pending.
  std::unique_ptr<RequestResult> accepted;

 private:
  std::shared_ptr<std::atomic<bool>> over_;
};

// Stands in for the application's data of a connection, and owns it. Exists while one of the other
// members is in use. Reactor thread only.
struct ConnectionExtras final : ConnectionData {
  [[nodiscard]] bool unused() const noexcept {
    return timers.empty() && !drain_mark && upgrade == nullptr;
  }

  std::unique_ptr<ConnectionData> data;
  // After `data`, so that no handler of a timer outlives what it may refer to.
  ApplicationTimers timers;
  std::optional<std::size_t> drain_mark;    // of Connection::notify_drained()
  std::unique_ptr<PendingUpgrade> upgrade;  // null: no verdict is pending
};

}  // namespace wsd::net
