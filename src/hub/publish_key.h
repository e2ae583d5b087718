// The key of a publish that its client may repeat.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "wsd/message.h"
#include "wsd/position.h"

namespace wsd::hub {

// The server remembers a key for this time after its message has got a position.
inline constexpr std::uint64_t kPublishKeyMs = 300'000;
// The longest key, in bytes.
inline constexpr std::size_t kMostKeyBytes = 255;

struct PublishKey {
  std::string text;               // 1 to kMostKeyBytes bytes
  std::uint64_t fingerprint = 0;  // of the message; see fingerprint_of()
  // For the shard: the receipt's position, if the message is not published because of its key.
  Position answer;
};

// Returns a hash of a message, by which all nodes tell a repeated message from another one with the
// same key. Its hash key is fixed, because all nodes must agree. So a client can construct two
// messages with the same fingerprint, but gains nothing: the second of its own messages is then
// answered as the first, instead of with an error. Two messages that a client has not constructed
// have the same fingerprint with a probability of 2^-64.
[[nodiscard]] std::uint64_t fingerprint_of(MessageType type, std::string_view payload) noexcept;

}  // namespace wsd::hub
