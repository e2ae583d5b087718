// The cost of mail at a flow gate. One number limits both messages and bytes.
#pragma once

#include <algorithm>
#include <cstdint>

namespace wsd::hub {

// The limits of a gate, as the largest sum of costs. A cost is in bytes. Mail costs the bytes that
// it holds, and each of its messages costs at least the same share of the limit. So the sum exceeds
// the limit when one of both limits is exceeded: `max_messages` or `max_bytes`.
//
// A gate thus needs only one counter, on which the argument in flow_gate.h depends.
class MailCost {
 public:
  // Both limits are at least 1.
  MailCost(std::uint32_t max_messages, std::uint64_t max_bytes) noexcept
      : least_(max_bytes / max_messages), limit_(least_ * max_messages) {
    // Shares are whole bytes. Small ones are rounded up instead, or much of the limit would be
    // lost. They hardly matter, because mail without a message is larger than most of them.
    constexpr std::uint64_t kSmallShare = 1024;
    if (least_ >= kSmallShare) return;
    least_ = (max_bytes + max_messages - 1) / max_messages;
    limit_ = max_bytes;
  }

  // Returns the limit of the gate, which is at most `max_bytes`.
  [[nodiscard]] std::uint64_t limit() const noexcept { return limit_; }
  // Returns the cost of mail with that many messages that holds `bytes`. It is never 0 if there is
  // a message.
  [[nodiscard]] std::uint64_t of(std::uint64_t messages, std::uint64_t bytes) const noexcept {
    return std::max(messages * least_, bytes);
  }

 private:
  std::uint64_t least_;  // of one message
  std::uint64_t limit_;
};

}  // namespace wsd::hub
