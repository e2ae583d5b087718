// The limits on messages and bytes per second that a peer may send.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/tick.h"
#include "base/token_bucket.h"
#include "net/suspensions.h"
#include "wsd/connection.h"

namespace wsd::net {

// The limits of one connection. 0 is no limit.
struct ReceiveLimits {
  std::uint32_t messages_per_second = 0;
  std::size_t bytes_per_second = 0;

  [[nodiscard]] bool any() const noexcept {
    return messages_per_second != 0 || bytes_per_second != 0;
  }
};

// Holds the token buckets of all connections of a reactor, by their slot in the shard's table. They
// are not in Connection, so that they cost nothing without a limit. Reactor thread only.
//
// Data that a peer sends while the connection is not read, or while the process is suspended,
// arrives at once afterwards. Its buckets get the tokens of that time, at most those of
// TokenBucket::kMostCredit.
class ReceiveRates {
 public:
  // `suspensions` must outlive the object.
  explicit ReceiveRates(const Suspensions& suspensions) noexcept : suspensions_(suspensions) {}

  // Starts the buckets of a connection with one second's amount. Must be called before the other
  // functions for that id. If it throws std::bad_alloc, nothing has changed.
  void begin(ConnectionId id, const ReceiveLimits& limits, Tick now);

  // Counts received data. Returns false if the connection exceeds its limit.
  [[nodiscard]] bool take_message(ConnectionId id, Tick now) noexcept;
  [[nodiscard]] bool take_bytes(ConnectionId id, std::size_t count, Tick now) noexcept;
  // Allows the amount of the time from `since` to `now`, in which the connection was not read.
  // `since` must not be before the last data was counted.
  void not_read(ConnectionId id, Tick since, Tick now) noexcept;

 private:
  struct Entry {
    TokenBucket messages;
    TokenBucket bytes;
    ReceiveLimits limits;
    std::uint32_t suspended = 0;  // the low bits of suspensions_.total(), as far as credited
  };

  void credit(Entry& entry, Tick ticks, Tick now) const noexcept;
  [[nodiscard]] Entry& current(ConnectionId id, Tick now) noexcept;
  [[nodiscard]] Tick take_suspended(Entry& entry) const noexcept;

  const Suspensions& suspensions_;
  std::vector<Entry> entries_;  // by slot
};

}  // namespace wsd::net
