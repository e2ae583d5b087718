// Messages and the results of sending them.
#pragma once

#include <cstdint>
#include <string_view>

namespace wsd {

// The type of a message's payload (RFC 6455 §5.6).
enum class MessageType : std::uint8_t { kText = 1, kBinary = 2 };

// A received message. `payload` is a view into a buffer of the library. It is valid until the
// handler returns: copy the bytes to keep them. Text is valid UTF-8 (§8.1).
struct Message {
  MessageType type = MessageType::kText;
  std::string_view payload;
};

// The result of send() or publish().
enum class SendResult : std::uint8_t {
  kSent,       // accepted: written, queued, or passed to another reactor
  kDropped,    // the slow policy dropped this message
  kClosed,     // the connection is closing or has ended, or the server has not started
  kCongested,  // too much is pending, or out of memory: nothing was queued, try again later
  kTooBig,     // exceeds max_message_bytes: nothing was queued
};

}  // namespace wsd
