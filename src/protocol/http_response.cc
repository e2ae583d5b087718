#include "protocol/http_response.h"

#include <algorithm>
#include <array>

namespace wsd::protocol {
namespace {

struct Reason {
  int status;
  std::string_view phrase;
};

// RFC 9110 §15; 428, 429, 431 and 511 are from RFC 6585. Sorted by status.
constexpr auto kReasons = std::to_array<Reason>({
    {100, "Continue"},
    {101, "Switching Protocols"},
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {203, "Non-Authoritative Information"},
    {204, "No Content"},
    {205, "Reset Content"},
    {206, "Partial Content"},
    {300, "Multiple Choices"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {305, "Use Proxy"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {402, "Payment Required"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {407, "Proxy Authentication Required"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {416, "Range Not Satisfiable"},
    {417, "Expectation Failed"},
    {421, "Misdirected Request"},
    {422, "Unprocessable Content"},
    {426, "Upgrade Required"},
    {428, "Precondition Required"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
    {511, "Network Authentication Required"},
});

void append_status_line(std::string& out, int status) {
  // RFC 9110 §2.5: a server responds with its own version, whatever the request's minor version is.
  out.append("HTTP/1.1 ").append(std::to_string(status)).append(" ");
  out.append(reason_phrase(status)).append("\r\n");
}

// RFC 9112 §6.3 (1): these responses end with the empty line.
bool is_bodiless(int status) noexcept {
  return (status >= 100 && status < 200) || status == 204 || status == 304;
}

void append_content_fields(std::string& out, std::string_view content_type, std::string_view body) {
  out.append("Content-Length: ").append(std::to_string(body.size())).append("\r\n");
  if (!body.empty() && !content_type.empty()) {
    out.append("Content-Type: ").append(content_type).append("\r\n");
  }
}

// RFC 9110 §6.6.1: a server with a clock MUST send it in 2xx, 3xx and 4xx.
void append_date(std::string& out, std::string_view date) {
  if (!date.empty()) out.append("Date: ").append(date).append("\r\n");
}

// RFC 9112 §9.6: a server that closes the connection says so. §9.3, §C.2.2: a client of HTTP/1.0
// needs the option keep-alive; clients of HTTP/1.1 need it for the Keep-Alive field, which belongs
// to this hop (RFC 9110 §7.6.1). Clients read the time from that field (RFC 2068 §19.7.1.1).
void append_persistence(std::string& out, const HttpResponseHead& head) {
  if (!head.keep_alive) {
    out.append("Connection: close\r\n");
  } else if (head.keep_alive_s != 0) {
    out.append("Connection: keep-alive\r\nKeep-Alive: timeout=");
    out.append(std::to_string(head.keep_alive_s)).append("\r\n");
  }
}

// RFC 6455 §4.4: name the supported version to the client.
bool names_version(Violation violation) noexcept {
  return violation == Violation::kUpgradeRequired || violation == Violation::kUnsupportedVersion ||
         violation == Violation::kDuplicateVersion;
}

}  // namespace

void write_response(std::string& out, const HttpResponseHead& head, std::string_view body,
                    const HeaderList& extra) {
  append_status_line(out, head.status);
  // RFC 9110 §8.6: no Content-Length in 1xx and 204; in 304 only that of the 200.
  if (!is_bodiless(head.status)) append_content_fields(out, head.content_type, body);
  append_persistence(out, head);
  append_date(out, head.date);
  append_fields(out, extra);
  out.append("\r\n");
  if (!is_bodiless(head.status) && !head.head_request) out.append(body);  // RFC 9110 §9.3.2
}

void write_violation(std::string& out, Violation violation, std::string_view allow,
                     bool head_request, std::string_view date) {
  const int status = http_status_of(violation);
  const std::string body = error_body(violation_text(violation));
  append_status_line(out, status);
  append_content_fields(out, HttpResponseHead{}.content_type, body);
  append_date(out, date);
  if (status == 426) {
    // RFC 9110 §15.5.22: MUST name the protocol; §7.8: and list it in Connection.
    out.append("Upgrade: websocket\r\nConnection: Upgrade, close\r\n");
  } else {
    out.append("Connection: close\r\n");
  }
  if (names_version(violation)) out.append("Sec-WebSocket-Version: 13\r\n");
  if (status == 405) out.append("Allow: ").append(allow).append("\r\n");  // RFC 9110 §15.5.6 MUST
  out.append("\r\n");
  if (!head_request) out.append(body);
}

std::string error_body(std::string_view text) {
  std::string body(text);
  if (!body.empty() && !body.ends_with('\n')) body += '\n';
  return body;
}

std::string_view reason_phrase(int status) noexcept {
  const auto* const row =
      std::lower_bound(kReasons.begin(), kReasons.end(), status,
                       [](const Reason& reason, int wanted) { return reason.status < wanted; });
  return row != kReasons.end() && row->status == status ? row->phrase : "Unknown";
}

}  // namespace wsd::protocol
