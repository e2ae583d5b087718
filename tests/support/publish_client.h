// Clients of rooms that know the positions of messages: publishers over HTTP, and members that
// speak ws+meta.nchan.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <string>

#include "support/raw_client.h"

namespace e2e {

inline const std::string kPlainText = "Content-Type: text/plain\r\n";

// A position of a room: EPOCH:SEQ.
struct Place {
  std::uint64_t epoch = 0;
  std::uint64_t seq = 0;
  [[nodiscard]] std::string text() const {
    return std::to_string(epoch) + ":" + std::to_string(seq);
  }
};

// Returns a POST request. `fields` are complete lines.
[[nodiscard]] std::string post(const std::string& target, const std::string& body,
                               const std::string& fields = kPlainText);
// Returns the number after `"name":` in a JSON response, or 0 if it is absent.
[[nodiscard]] std::uint64_t number_in(const std::string& json, const std::string& name);
// Sends the request and returns the response, or one with status 0.
HttpResponse answer(RawClient& client, const std::string& request);
// Publishes, and returns the position from the response. The test fails if the status is not 200.
Place published(RawClient& client, const std::string& target, const std::string& body,
                const std::string& fields = kPlainText);

// Opens a WebSocket on `target` with the subprotocol ws+meta.nchan.
[[nodiscard]] ::testing::AssertionResult opens_meta(RawClient& client, const std::string& target);

// A parsed message for a member that speaks ws+meta.nchan.
struct Meta {
  std::string id;
  std::string content_type;
  std::string payload;
};
inline constexpr const char* kGap = "application/vnd.wsd.gap";
inline constexpr const char* kPosition = "application/vnd.wsd.position";

// Reads the next message. If there is none, `id` tells why.
[[nodiscard]] Meta read_meta(RawClient& client);

}  // namespace e2e
