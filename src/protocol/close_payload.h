// The body of a received Close frame (RFC 6455 §5.5.1, §7.4).
#pragma once

#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "protocol/violation.h"

namespace wsd::protocol {

struct ClosePayload {
  Violation violation = Violation::kNone;
  std::uint16_t code = 0;   // 0: the payload was empty
  std::string_view reason;  // a view into the payload
};

[[nodiscard]] ClosePayload read_close_payload(Bytes payload) noexcept;

}  // namespace wsd::protocol
