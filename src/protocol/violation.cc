#include "protocol/violation.h"

#include <array>
#include <cstddef>

#include "base/assert.h"

namespace wsd::protocol {
namespace {

struct Row {
  std::string_view name;
  std::uint16_t answer;
  std::string_view text;
};

constexpr std::size_t kMaxCloseReasonBytes = 123;  // RFC 6455 §5.5: 125 less the code
constexpr std::uint16_t kFirstCloseCode = 1000;

constexpr auto kRows = std::to_array<Row>({
#define WSD_VIOLATION_ROW(name, answer, text) {#name, answer, text},
    WSD_VIOLATIONS(WSD_VIOLATION_ROW)
#undef WSD_VIOLATION_ROW
});

constexpr bool texts_fit_a_close_frame() {
  for (const Row& row : kRows) {
    if (row.text.size() > kMaxCloseReasonBytes) return false;
  }
  return true;
}
static_assert(texts_fit_a_close_frame());

const Row& row_of(Violation violation) noexcept {
  return kRows[static_cast<std::size_t>(violation)];
}

}  // namespace

std::string_view violation_name(Violation violation) noexcept {
  return row_of(violation).name.substr(1);
}

std::string_view violation_text(Violation violation) noexcept { return row_of(violation).text; }

int http_status_of(Violation violation) noexcept {
  const std::uint16_t answer = row_of(violation).answer;
  WSD_ASSERT(answer >= 400 && answer < 600);
  return answer;
}

CloseCode close_code_of(Violation violation) noexcept {
  const std::uint16_t answer = row_of(violation).answer;
  WSD_ASSERT(answer >= kFirstCloseCode);
  return static_cast<CloseCode>(answer);
}

bool is_of_proxy_header(Violation violation) noexcept {
  return violation == Violation::kNoProxyHeader || violation == Violation::kBadProxyHeader ||
         violation == Violation::kProxyNotTrusted;
}

CloseCause close_cause_of(Violation violation) noexcept {
  if (violation == Violation::kInputBudget) return CloseCause::kInputBudget;
  if (violation == Violation::kBodyTimeout) return CloseCause::kMessageTimeout;
  if (is_of_proxy_header(violation)) return CloseCause::kProxyHeader;
  switch (row_of(violation).answer) {
    case 1002:
      return CloseCause::kProtocolError;
    case 1007:
      return CloseCause::kInvalidPayload;
    case 1008:
      return CloseCause::kPolicyViolation;
    case 1009:
      return CloseCause::kMessageTooBig;
    case 408:
      return CloseCause::kHandshakeTimeout;
    default:
      return CloseCause::kHandshakeRejected;
  }
}

}  // namespace wsd::protocol
