// The limits on messages and bytes per second that a peer may send.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/tick.h"
#include "base/token_bucket.h"
#include "wsd/connection.h"

namespace wsd::net {

// Holds the token buckets of all connections of a reactor, by their slot in the shard's table. They
// are not in Connection, so that they cost nothing without a limit. Reactor thread only.
class ReceiveRates {
 public:
  // 0 is no limit.
  ReceiveRates(std::uint32_t messages_per_second, std::size_t bytes_per_second) noexcept
      : messages_(messages_per_second), bytes_(bytes_per_second) {}

  // Starts the buckets of a connection with one second's amount. Must be called before the other
  // functions for that id. If it throws std::bad_alloc, nothing has changed.
  void begin(ConnectionId id, Tick now);

  // Counts received data. Returns false if the connection exceeds its limit.
  [[nodiscard]] bool take_message(ConnectionId id, Tick now) noexcept;
  [[nodiscard]] bool take_bytes(ConnectionId id, std::size_t count, Tick now) noexcept;
  // Allows the amount of the time since the last call, because the connection was not read. The
  // data that its peer sent meanwhile arrives at once.
  void not_read_until(ConnectionId id, Tick now) noexcept;

 private:
  struct Entry {
    TokenBucket messages;
    TokenBucket bytes;
  };

  const std::uint64_t messages_;
  const std::uint64_t bytes_;
  std::vector<Entry> entries_;  // by slot
};

}  // namespace wsd::net
