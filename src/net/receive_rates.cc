#include "net/receive_rates.h"

#include "hub/hub.h"

namespace wsd::net {

void ReceiveRates::begin(ConnectionId id, Tick now) {
  const std::uint32_t slot = hub::slot_of(id);
  if (slot >= entries_.size()) entries_.resize(std::size_t{slot} + 1);
  entries_[slot] = {TokenBucket(messages_, now), TokenBucket(bytes_, now)};
}

bool ReceiveRates::take_message(ConnectionId id, Tick now) noexcept {
  return messages_ == 0 || entries_[hub::slot_of(id)].messages.take(1, messages_, now);
}

bool ReceiveRates::take_bytes(ConnectionId id, std::size_t count, Tick now) noexcept {
  return bytes_ == 0 || entries_[hub::slot_of(id)].bytes.take(count, bytes_, now);
}

void ReceiveRates::not_read_until(ConnectionId id, Tick now) noexcept {
  Entry& entry = entries_[hub::slot_of(id)];
  if (messages_ != 0) entry.messages.credit(messages_, now);
  if (bytes_ != 0) entry.bytes.credit(bytes_, now);
}

}  // namespace wsd::net
