// The connections of one shard that another thread has asked to close.
#pragma once

#include <mutex>
#include <unordered_set>

#include "wsd/connection.h"

namespace wsd::hub {

// Bounds the CloseMail that waits for a shard: one for each connection. A close must not be lost,
// so no gate may refuse it. But a second close of the same connection has no effect. Any thread.
class CloseRequests {
 public:
  // Returns whether the caller must post the mail. Returns false if mail for this connection waits.
  // Throws std::bad_alloc if memory runs out; then nothing has changed.
  [[nodiscard]] bool add(ConnectionId member) {
    const std::lock_guard lock(mutex_);
    return waiting_.insert(member).second;
  }
  // The shard handles the mail now.
  void remove(ConnectionId member) noexcept {
    const std::lock_guard lock(mutex_);
    waiting_.erase(member);
  }

 private:
  std::mutex mutex_;
  std::unordered_set<ConnectionId> waiting_;
};

}  // namespace wsd::hub
