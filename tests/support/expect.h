// Assertions about a connection that most tests need. A failure shows the bytes that came instead.
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

// The next frame is whole, as a server must send it: unmasked, without RSV, with this content.
[[nodiscard]] AssertionResult receives(RawClient& client, int opcode, std::string_view payload);
[[nodiscard]] AssertionResult receives_text(RawClient& client, std::string_view payload);
// A text message that is sent comes back.
[[nodiscard]] AssertionResult echoes(RawClient& client, std::string_view payload = "still here");

// The next frame is a Close with this code, followed by FIN without an answer from the client. A
// server sends this if it fails a connection (RFC 6455 §7.1.7) or has answered the client's Close.
[[nodiscard]] AssertionResult is_ended_with(RawClient& client, unsigned code);
// Like is_ended_with(), but other frames may come before the Close.
[[nodiscard]] AssertionResult is_ended_at_last_with(RawClient& client, unsigned code);
// The next frame is a Close with this code. The client answers it, and the server ends TCP first
// (§7.1.1).
[[nodiscard]] AssertionResult is_closed_with(RawClient& client, unsigned code);
// Sends Close 1000 and expects it back, followed by FIN.
[[nodiscard]] AssertionResult closes_normally(RawClient& client);

// The next response has one of these statuses and "Connection: close". The stream then ends in FIN
// with nothing after the response.
[[nodiscard]] AssertionResult is_refused(RawClient& client, const std::vector<int>& statuses,
                                         HttpResponse* response = nullptr,
                                         bool head_request = false);

}  // namespace e2e
