#include "server/end_fields.h"

#include "protocol/violation.h"

namespace wsd::server {

void add_end_fields(LogLine& line, const net::EndRecord& record) {
  line.add("id", record.id).add("remote", record.peer_info->remote());
  if (!record.peer_info->via().empty()) line.add("via", record.peer_info->via());
  if (record.opened)
    line.add("path", record.peer_info->path()).add("user", record.peer_info->user());
  line.add("cause", close_cause_name(record.close.cause));
  if (record.violation != protocol::Violation::kNone) {
    line.add("violation", protocol::violation_name(record.violation));
  }
  if (record.opened) {
    line.add("code_sent", static_cast<std::uint16_t>(record.close.sent))
        .add("code_received", static_cast<std::uint16_t>(record.close.received));
  } else {
    line.add("status", static_cast<std::uint32_t>(record.http_status));
  }
  line.add("duration_ms", record.duration_ms)
      .add("bytes_in", record.bytes_in)
      .add("bytes_out", record.bytes_out);
  if (record.bytes_undelivered != 0) line.add("bytes_undelivered", record.bytes_undelivered);
  if (record.opened) {
    line.add("messages_in", record.messages_in)
        .add("messages_out", record.messages_out)
        .add("messages_dropped", record.messages_dropped);
    if (!record.close.reason.empty()) line.add("reason", record.close.reason);
  }
}

}  // namespace wsd::server
