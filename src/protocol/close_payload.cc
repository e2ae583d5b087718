#include "protocol/close_payload.h"

#include "protocol/utf8.h"
#include "wsd/close.h"

namespace wsd::protocol {

ClosePayload read_close_payload(Bytes payload) noexcept {
  ClosePayload close;
  if (payload.empty()) return close;
  if (payload.size() == 1) {
    close.violation = Violation::kClosePayloadTooShort;  // §5.5.1: a body has a 2-byte code
    return close;
  }
  close.code = static_cast<std::uint16_t>(payload[0] << 8 | payload[1]);
  if (!is_sendable_close_code(close.code)) {
    close.violation = Violation::kBadCloseCode;  // §7.4.1, §7.4.2
    return close;
  }
  close.reason = as_text(payload.subspan(2));
  if (!is_utf8(payload.subspan(2)))
    close.violation = Violation::kCloseReasonNotUtf8;  // §5.5.1, §8.1
  return close;
}

}  // namespace wsd::protocol
