// How much each connection of a reactor may send a second.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/tick.h"
#include "base/token_bucket.h"
#include "wsd/connection.h"

namespace wsd::net {

// Reactor thread only. Lies beside the connections, by their place in the shard's table, so that it
// costs nothing where there is no limit.
class ReceiveRates {
 public:
  // 0: no limit.
  ReceiveRates(std::uint32_t messages_per_second, std::size_t bytes_per_second) noexcept
      : messages_(messages_per_second), bytes_(bytes_per_second) {}

  // A connection is open: it may send a second's worth at once. Where memory runs out
  // (std::bad_alloc) nothing has changed. Before the other calls for that id.
  void begin(ConnectionId id, Tick now);

  // False: it is over its limit, which is not taken back.
  [[nodiscard]] bool take_message(ConnectionId id, Tick now) noexcept;
  [[nodiscard]] bool take_bytes(ConnectionId id, std::size_t count, Tick now) noexcept;
  // It was not read since it was last asked for: what it has sent meanwhile comes at once.
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
