#include "protocol/close_payload.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "protocol/frame_support.h"

namespace wsd::protocol {
namespace {

// The IANA registry, from RFC 6455 §7.4.1 and §11.7, code by code.
bool may_be_received(unsigned code) {
  switch (code) {
    case 1000:
    case 1001:
    case 1002:
    case 1003:
    case 1007:
    case 1008:
    case 1009:
    case 1010:
    case 1011:
    case 1012:
    case 1013:
    case 1014:
      return true;
    default:
      return code / 1000 == 3 || code / 1000 == 4;  // RFC 6455 §7.4.2
  }
}

ClosePayload read(const std::string& body) { return read_close_payload(as_bytes(body)); }

TEST(ClosePayload, Rfc6455_5_5_1_AnEmptyBodyHasNoCode) {
  const ClosePayload close = read_close_payload({});
  EXPECT_EQ(close.violation, Violation::kNone);
  EXPECT_EQ(close.code, 0);
  EXPECT_EQ(close.reason, "");
}

TEST(ClosePayload, Rfc6455_5_5_1_OneByteIsNoCode) {
  for (unsigned byte = 0; byte < 256; ++byte) {
    EXPECT_EQ(read(std::string(1, static_cast<char>(byte))).violation,
              Violation::kClosePayloadTooShort);
  }
}

TEST(ClosePayload, Rfc6455_7_4_EveryCode) {
  for (unsigned code = 0; code < 65536; ++code) {
    for (const std::string_view reason : {"", "so long"}) {
      const std::string body = close_body(code, reason);
      const ClosePayload close = read(body);
      if (!may_be_received(code)) {
        ASSERT_EQ(close.violation, Violation::kBadCloseCode) << code;
        continue;
      }
      ASSERT_EQ(close.violation, Violation::kNone) << code;
      ASSERT_EQ(close.code, code);
      ASSERT_EQ(close.reason, reason) << code;
    }
  }
}

TEST(ClosePayload, Rfc6455_7_4_ABadCodeIsSaidBeforeABadReason) {
  EXPECT_EQ(read(close_body(1005, "\xFF")).violation, Violation::kBadCloseCode);
}

TEST(ClosePayload, Rfc6455_5_5_1_TheReasonIsUtf8) {
  for (const BadText& bad : bad_texts()) {
    EXPECT_EQ(read(close_body(1000, bad.bytes)).violation, Violation::kCloseReasonNotUtf8)
        << ::testing::PrintToString(bad.bytes);
    EXPECT_EQ(read(close_body(1000, "fine " + bad.bytes)).violation,
              Violation::kCloseReasonNotUtf8);
  }
}

TEST(ClosePayload, Rfc6455_5_5_1_EveryCutOfAReason) {
  const std::string reason = "a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80";
  for (std::size_t size = 0; size <= reason.size(); ++size) {
    const bool at_code_point = size == 0 || size == 1 || size == 3 || size == 6 || size == 10;
    EXPECT_EQ(read(close_body(4000, reason.substr(0, size))).violation,
              at_code_point ? Violation::kNone : Violation::kCloseReasonNotUtf8)
        << size;
  }
}

TEST(ClosePayload, TheReasonIsAViewIntoTheBody) {
  const std::string body = close_body(1001, std::string(123, 'r'));
  const ClosePayload close = read(body);
  EXPECT_EQ(close.reason.size(), 123U);
  EXPECT_EQ(close.reason.data(), body.data() + 2);
}

}  // namespace
}  // namespace wsd::protocol
