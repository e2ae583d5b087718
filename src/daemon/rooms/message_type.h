// The type of the message that a published body becomes.
#pragma once

#include <wsd/message.h>

#include <optional>
#include <string_view>

namespace wsd::daemon {

// Returns the type by the Content-Type field (RFC 9110 §8.3), "" if there is none, and the body:
// - For text/*, application/json and types that end in +json: kText. Returns std::nullopt if the
//   body is not UTF-8, because a text message must be (RFC 6455 §5.6).
// - For binary types: kBinary, also if the body happens to be UTF-8. These are image/*, audio/*,
//   video/* and font/* unless they end in +xml, and application/octet-stream and the other types
//   that the source lists.
// - For all other types, and without one: kText if the body is UTF-8, otherwise kBinary. A form,
//   the type that `curl -d` sends, is one of them.
[[nodiscard]] std::optional<MessageType> message_type_of(std::string_view content_type,
                                                         std::string_view body);

}  // namespace wsd::daemon
