// What most tests want to see of a connection, as assertions that say what came instead.
#pragma once

#include <gtest/gtest.h>

#include <string_view>
#include <vector>

#include "support/raw_client.h"

namespace e2e {

using ::testing::AssertionResult;

// The next response is a correct 101 to kSampleKey (RFC 6455 §4.2.2), without Content-Length or
// Transfer-Encoding (RFC 9110 §8.6), and without an extension.
[[nodiscard]] AssertionResult is_upgraded(RawClient& client);
// Sends a correct opening handshake for `target` and expects is_upgraded().
[[nodiscard]] AssertionResult opens(RawClient& client, std::string_view target = "/echo");

// The next frame is a whole one, as a server must send it: unmasked, no RSV, with this content.
[[nodiscard]] AssertionResult receives(RawClient& client, int opcode, std::string_view payload);
[[nodiscard]] AssertionResult receives_text(RawClient& client, std::string_view payload);
// A text message sent comes back.
[[nodiscard]] AssertionResult echoes(RawClient& client, std::string_view payload = "still here");

// The next frame is a Close with this code, and, without an answer of ours, FIN: what a server does
// that fails a connection (RFC 6455 §7.1.7) or has answered our Close.
[[nodiscard]] AssertionResult is_ended_with(RawClient& client, unsigned code);
// The same with any frames before the Close.
[[nodiscard]] AssertionResult is_ended_at_last_with(RawClient& client, unsigned code);
// The next frame is a Close with this code; ours is sent, and the server ends TCP first (§7.1.1).
[[nodiscard]] AssertionResult is_closed_with(RawClient& client, unsigned code);
// Sends Close 1000, expects it back and FIN.
[[nodiscard]] AssertionResult closes_normally(RawClient& client);

// The next response has one of these statuses and "Connection: close", and the stream ends in FIN
// with nothing after it.
[[nodiscard]] AssertionResult is_refused(RawClient& client, const std::vector<int>& statuses,
                                         HttpResponse* response = nullptr,
                                         bool head_request = false);

}  // namespace e2e
