#include "protocol/violation.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <map>
#include <set>
#include <string_view>

namespace wsd::protocol {
namespace {

struct Row {
  Violation violation;
  std::string_view name;
  int answer;
};

constexpr auto kRows = std::to_array<Row>({
#define WSD_TEST_ROW(name, answer, text) {Violation::name, #name, answer},
    WSD_VIOLATIONS(WSD_TEST_ROW)
#undef WSD_TEST_ROW
});

bool is_close(const Row& row) { return row.answer >= 1000; }
bool is_http(const Row& row) { return row.answer >= 400 && row.answer < 600; }

TEST(Violation, OnlyNone_HasNoResponse) {
  EXPECT_EQ(static_cast<int>(Violation::kNone), 0);
  for (const Row& row : kRows) {
    EXPECT_NE(is_close(row) || is_http(row), row.violation == Violation::kNone) << row.name;
    EXPECT_EQ(violation_text(row.violation).empty(), row.violation == Violation::kNone) << row.name;
  }
}

TEST(Violation, NamesAreTheEnumerators) {
  std::set<std::string_view> names;
  for (const Row& row : kRows) {
    EXPECT_EQ(violation_name(row.violation), row.name.substr(1));
    EXPECT_TRUE(names.insert(violation_name(row.violation)).second) << row.name;
  }
}

// The text goes into a Close frame as UTF-8 (§5.5.1) and unchanged into an HTTP body.
TEST(Violation, Rfc6455_5_5_TextsFitACloseFrameAndAreAscii) {
  for (const Row& row : kRows) {
    const std::string_view text = violation_text(row.violation);
    EXPECT_LE(text.size(), 123U) << row.name;
    for (const char each : text) EXPECT_TRUE(each >= ' ' && each <= '~') << row.name;
  }
}

TEST(Violation, Rfc6455_7_4_1_CloseCodes) {
  const std::map<std::string_view, CloseCause> causes = {
      {"BadStatusLine", CloseCause::kProtocolError},
      {"ResponseHeadTooLong", CloseCause::kProtocolError},
      {"NotSwitched", CloseCause::kProtocolError},
      {"BadAccept", CloseCause::kProtocolError},
      {"SubprotocolNotOffered", CloseCause::kProtocolError},
      {"ExtensionNotOffered", CloseCause::kProtocolError},
      {"BadDeflateResponse", CloseCause::kProtocolError},
      {"Masked", CloseCause::kProtocolError},
      {"ReservedBit", CloseCause::kProtocolError},
      {"ReservedOpcode", CloseCause::kProtocolError},
      {"NotMasked", CloseCause::kProtocolError},
      {"LengthNotMinimal", CloseCause::kProtocolError},
      {"LengthTopBit", CloseCause::kProtocolError},
      {"ControlFragmented", CloseCause::kProtocolError},
      {"ControlTooLong", CloseCause::kProtocolError},
      {"UnexpectedContinuation", CloseCause::kProtocolError},
      {"ExpectedContinuation", CloseCause::kProtocolError},
      {"ClosePayloadTooShort", CloseCause::kProtocolError},
      {"BadCloseCode", CloseCause::kProtocolError},
      {"CloseReasonNotUtf8", CloseCause::kInvalidPayload},
      {"TextNotUtf8", CloseCause::kInvalidPayload},
      {"BadCompression", CloseCause::kInvalidPayload},
      {"CompressionContext", CloseCause::kInvalidPayload},
      {"MessageTooBig", CloseCause::kMessageTooBig},
      {"TooManyFragments", CloseCause::kPolicyViolation},
      {"TooManyControlFrames", CloseCause::kPolicyViolation},
  };
  for (const Row& row : kRows) {
    if (!is_close(row)) continue;
    const auto expected = causes.find(violation_name(row.violation));
    ASSERT_NE(expected, causes.end()) << row.name;
    EXPECT_EQ(close_cause_of(row.violation), expected->second) << row.name;
    EXPECT_EQ(close_code_of(row.violation), close_code_for(expected->second)) << row.name;
  }
}

TEST(Violation, EveryCloseCodeMayBeSent) {
  for (const Row& row : kRows) {
    if (!is_close(row)) continue;
    EXPECT_TRUE(is_sendable_close_code(static_cast<std::uint16_t>(close_code_of(row.violation))));
  }
}

TEST(Violation, HandshakeViolationsAreRejections) {
  for (const Row& row : kRows) {
    if (!is_http(row)) continue;
    EXPECT_EQ(http_status_of(row.violation), row.answer) << row.name;
    const CloseCause cause = close_cause_of(row.violation);
    if (row.violation == Violation::kRequestTimeout) {
      EXPECT_EQ(cause, CloseCause::kHandshakeTimeout);
    } else if (row.violation == Violation::kBodyTimeout) {
      EXPECT_EQ(cause, CloseCause::kMessageTimeout);
    } else if (row.violation == Violation::kInputBudget) {
      EXPECT_EQ(cause, CloseCause::kInputBudget);
    } else if (is_of_proxy_header(row.violation)) {
      EXPECT_EQ(cause, CloseCause::kProxyHeader);
    } else {
      EXPECT_EQ(cause, CloseCause::kHandshakeRejected) << row.name;
    }
  }
}

TEST(ViolationDeathTest, ResponseOfTheWrongKind_Aborts) {
  EXPECT_DEATH(static_cast<void>(http_status_of(Violation::kNotMasked)), "assertion failed");
  EXPECT_DEATH(static_cast<void>(close_code_of(Violation::kBadKey)), "assertion failed");
  EXPECT_DEATH(static_cast<void>(close_code_of(Violation::kNone)), "assertion failed");
}

}  // namespace
}  // namespace wsd::protocol
