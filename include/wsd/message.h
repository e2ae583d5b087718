// Messages and what became of them.
#pragma once

#include <cstdint>
#include <string_view>

namespace wsd {

// What kind of payload a message carries (RFC 6455 §5.6).
enum class MessageType : std::uint8_t { kText = 1, kBinary = 2 };

// A received message. `payload` is a view into the reactor's or the message's buffer and is valid
// until the handler returns; copy it to keep it. Text has been checked to be UTF-8 (§8.1).
struct Message {
  MessageType type = MessageType::kText;
  std::string_view payload;
};

// What became of a message given to send() or publish().
enum class SendResult : std::uint8_t {
  kSent,       // accepted: written, queued, or handed to the owning reactor
  kDropped,    // the slow-consumer policy dropped this message
  kClosed,     // the connection is closing or gone: no-op
  kCongested,  // a mailbox is at its bound: nothing was queued, try again later
  kTooBig,     // larger than max_message_bytes: nothing was queued
};

}  // namespace wsd
