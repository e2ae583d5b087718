// The request header field Idempotency-Key (draft-ietf-httpapi-idempotency-key-header).
#pragma once

#include <wsd/http.h>

#include <string>
#include <string_view>

namespace wsd::daemon {

// The key of a request. `text` is empty if there is none. `error` is a sentence for the client.
struct IdempotencyKey {
  std::string text;
  std::string error;
};

// Accepts a quoted string, as the draft has it, and the same text without quotes. The key has 1 to
// 255 visible ASCII characters. In a quoted string, `"` and `\` need a `\` before them (RFC 9651
// §3.3.3).
[[nodiscard]] IdempotencyKey idempotency_key_of(const Request& request);
[[nodiscard]] IdempotencyKey parse_idempotency_key(std::string_view field);

}  // namespace wsd::daemon
