#include "net/receive_rates.h"

#include <algorithm>
#include <utility>

#include "hub/hub.h"

namespace wsd::net {

void ReceiveRates::begin(ConnectionId id, const ReceiveLimits& limits, Tick now) {
  const std::uint32_t slot = hub::slot_of(id);
  if (slot >= entries_.size()) entries_.resize(std::size_t{slot} + 1);
  entries_[slot] = {TokenBucket(limits.messages_per_second, now),
                    TokenBucket(limits.bytes_per_second, now), limits,
                    static_cast<std::uint32_t>(suspensions_.total())};
}

bool ReceiveRates::take_message(ConnectionId id, Tick now) noexcept {
  const std::uint64_t limit = entries_[hub::slot_of(id)].limits.messages_per_second;
  return limit == 0 || current(id, now).messages.take(1, limit, now);
}

bool ReceiveRates::take_bytes(ConnectionId id, std::size_t count, Tick now) noexcept {
  const std::uint64_t limit = entries_[hub::slot_of(id)].limits.bytes_per_second;
  return limit == 0 || current(id, now).bytes.take(count, limit, now);
}

void ReceiveRates::not_read(ConnectionId id, Tick since, Tick now) noexcept {
  Entry& entry = entries_[hub::slot_of(id)];
  // Before `since` the connection was read, so that time counts as usual.
  credit(entry, 0, since);
  entry.messages.skip_to(now);
  entry.bytes.skip_to(now);
  credit(entry, now - since + take_suspended(entry), now);
}

void ReceiveRates::credit(Entry& entry, Tick ticks, Tick now) const noexcept {
  entry.messages.credit(ticks, entry.limits.messages_per_second, now);
  entry.bytes.credit(ticks, entry.limits.bytes_per_second, now);
}

// Returns the buckets, with credit for a suspension since the last call. A suspension whose data
// was read long ago gives none.
ReceiveRates::Entry& ReceiveRates::current(ConnectionId id, Tick now) noexcept {
  Entry& entry = entries_[hub::slot_of(id)];
  if (entry.suspended != static_cast<std::uint32_t>(suspensions_.total())) {
    credit(entry, std::min(take_suspended(entry), suspensions_.recent(now)), now);
  }
  return entry;
}

// Returns the ticks of suspensions that the buckets have no credit for, and counts them as
// credited.
Tick ReceiveRates::take_suspended(Entry& entry) const noexcept {
  const auto total = static_cast<std::uint32_t>(suspensions_.total());
  return static_cast<std::uint32_t>(total - std::exchange(entry.suspended, total));
}

}  // namespace wsd::net
