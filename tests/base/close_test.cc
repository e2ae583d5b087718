#include "wsd/close.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <set>
#include <string>
#include <string_view>

#include "wsd/version.h"

namespace wsd {
namespace {

struct Range {
  unsigned first;
  unsigned last;
};
// RFC 6455 §7.4 and the IANA registry: the codes that an endpoint may send. RFC 6455 §7.4.2 defines
// the last range.
constexpr Range kSendable[] = {{1000, 1003}, {1007, 1014}, {3000, 4999}};

TEST(Close, Rfc6455_7_4_EveryCode) {
  for (unsigned code = 0; code < 65536; ++code) {
    bool sendable = false;
    for (const Range& range : kSendable) {
      sendable = sendable || (code >= range.first && code <= range.last);
    }
    ASSERT_EQ(is_sendable_close_code(static_cast<std::uint16_t>(code)), sendable) << code;
  }
}

TEST(Close, Rfc6455_7_4_1_ReservedCodesAreNeverSent) {
  for (const std::uint16_t code : {std::uint16_t{1004}, std::uint16_t{1005}, std::uint16_t{1006},
                                   std::uint16_t{1015}, std::uint16_t{0}}) {
    EXPECT_FALSE(is_sendable_close_code(code)) << code;
  }
}

TEST(Close, CauseNamesAreLabels) {
  std::set<std::string_view> names;
  for (int i = 0; i < kCloseCauseCount; ++i) {
    const std::string_view name = close_cause_name(static_cast<CloseCause>(i));
    EXPECT_FALSE(name.empty()) << i;
    EXPECT_EQ(name.find_first_not_of("abcdefghijklmnopqrstuvwxyz_"), std::string_view::npos);
    EXPECT_TRUE(names.insert(name).second) << name;
  }
}

// Other programs read logs and metrics. A row out of order would silently rename a cause.
TEST(Close, CausesKeepTheirNamesAndCodes) {
  struct Row {
    CloseCause cause;
    std::string_view name;
    int code;  // 0: no Close frame is sent
  };
  constexpr Row kRows[] = {
      {CloseCause::kPeerClosed, "peer_closed", 1000},
      {CloseCause::kApplicationClosed, "application_closed", 1000},
      {CloseCause::kProtocolError, "protocol_error", 1002},
      {CloseCause::kInvalidPayload, "invalid_payload", 1007},
      {CloseCause::kMessageTooBig, "message_too_big", 1009},
      {CloseCause::kPolicyViolation, "policy_violation", 1008},
      {CloseCause::kHandlerError, "handler_error", 1011},
      {CloseCause::kPongTimeout, "pong_timeout", 1011},
      {CloseCause::kReadTimeout, "read_timeout", 1008},
      {CloseCause::kMessageTimeout, "message_timeout", 1008},
      {CloseCause::kWriteTimeout, "write_timeout", 1008},
      {CloseCause::kSlowConsumer, "slow_consumer", 1008},
      {CloseCause::kInputBudget, "input_budget", 1013},
      {CloseCause::kOutputBudget, "output_budget", 0},
      {CloseCause::kRateLimit, "rate_limit", 1008},
      {CloseCause::kRoomLimit, "room_limit", 1008},
      {CloseCause::kPublishRefused, "publish_refused", 1013},
      {CloseCause::kAddressLimit, "address_limit", 0},
      {CloseCause::kCloseTimeout, "close_timeout", 0},
      {CloseCause::kHandshakeRejected, "handshake_rejected", 0},
      {CloseCause::kHandshakeTimeout, "handshake_timeout", 0},
      {CloseCause::kHttpDone, "http_done", 0},
      {CloseCause::kDrain, "drain", 1001},
      {CloseCause::kReset, "reset", 0},
      {CloseCause::kEof, "eof", 0},
      {CloseCause::kServerStopped, "server_stopped", 0},
      {CloseCause::kOverload, "overload", 0},
      {CloseCause::kResourceFailure, "resource_failure", 1011},
      {CloseCause::kProbe, "probe", 0},
      {CloseCause::kProxyHeader, "proxy_header", 0},
  };
  static_assert(std::size(kRows) == kCloseCauseCount);
  for (const Row& row : kRows) {
    EXPECT_EQ(close_cause_name(row.cause), row.name);
    const auto code = static_cast<std::uint16_t>(close_code_for(row.cause));
    EXPECT_EQ(code, row.code == 0 ? 1005 : row.code) << row.name;
    EXPECT_EQ(is_sendable_close_code(code), row.code != 0) << row.name;
  }
}

TEST(Version, TheTextIsTheNumbers) {
  EXPECT_EQ(version(), std::to_string(kVersionMajor) + "." + std::to_string(kVersionMinor) + "." +
                           std::to_string(kVersionPatch));
}

}  // namespace
}  // namespace wsd
