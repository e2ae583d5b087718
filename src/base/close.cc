#include "wsd/close.h"

#include <array>
#include <cstddef>

#include "wsd/version.h"

namespace wsd {
namespace {

struct Row {
  std::string_view name;
  CloseCode code;
};

// In the order of CloseCause.
constexpr std::array<Row, kCloseCauseCount> kRows = {{
    {"peer_closed", CloseCode::kNormalClosure},
    {"application_closed", CloseCode::kNormalClosure},
    {"protocol_error", CloseCode::kProtocolError},
    {"invalid_payload", CloseCode::kInvalidPayload},
    {"message_too_big", CloseCode::kMessageTooBig},
    {"policy_violation", CloseCode::kPolicyViolation},
    {"handler_error", CloseCode::kInternalError},
    {"pong_timeout", CloseCode::kInternalError},
    {"read_timeout", CloseCode::kPolicyViolation},
    {"message_timeout", CloseCode::kPolicyViolation},
    {"write_timeout", CloseCode::kPolicyViolation},
    {"slow_consumer", CloseCode::kPolicyViolation},
    {"input_budget", CloseCode::kTryAgainLater},
    {"output_budget", CloseCode::kNoStatus},
    {"rate_limit", CloseCode::kPolicyViolation},
    {"room_limit", CloseCode::kPolicyViolation},
    {"publish_refused", CloseCode::kTryAgainLater},
    {"address_limit", CloseCode::kNoStatus},
    {"close_timeout", CloseCode::kNoStatus},
    {"handshake_rejected", CloseCode::kNoStatus},
    {"handshake_timeout", CloseCode::kNoStatus},
    {"http_done", CloseCode::kNoStatus},
    {"drain", CloseCode::kGoingAway},
    {"reset", CloseCode::kNoStatus},
    {"eof", CloseCode::kNoStatus},
    {"server_stopped", CloseCode::kNoStatus},
    {"overload", CloseCode::kNoStatus},
    {"resource_failure", CloseCode::kInternalError},
    {"probe", CloseCode::kNoStatus},
    {"proxy_header", CloseCode::kNoStatus},
}};

}  // namespace

std::string_view close_cause_name(CloseCause cause) noexcept {
  return kRows[static_cast<std::size_t>(cause)].name;
}

CloseCode close_code_for(CloseCause cause) noexcept {
  return kRows[static_cast<std::size_t>(cause)].code;
}

bool is_sendable_close_code(std::uint16_t code) noexcept {
  // §7.4.1: 1004 is reserved, and 1005, 1006 and 1015 are never sent. The registry assigns 1012 to
  // 1014. §7.4.2: 1016 to 2999 are not assigned yet; 3000 to 4999 are for libraries and
  // applications.
  if (code >= 3000) return code <= 4999;
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014);
}

std::string_view version() noexcept {
  static_assert(kVersionMajor == 0 && kVersionMinor == 1 && kVersionPatch == 0);
  return "0.1.0";
}

}  // namespace wsd
