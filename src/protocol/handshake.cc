#include "protocol/handshake.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>

#include "base/assert.h"
#include "protocol/accept_key.h"
#include "protocol/syntax.h"

namespace wsd::protocol {
namespace {

constexpr std::string_view kVersion = "13";  // RFC 6455 §4.2.1 (6)

// RFC 9110 §5.3: lines with the same name form one list.
bool fields_have_token(const HttpRequest& request, FieldName name,
                       std::string_view token) noexcept {
  if (request.count(name) == 1) return list_has_token(request.find(name)->value, token);
  return std::any_of(request.fields->begin(), request.fields->end(), [&](const HttpField& field) {
    return field.known == name && list_has_token(field.value, token);
  });
}

Violation judge_request(const HttpRequest& request) noexcept {
  // RFC 6455 §4.2.1 (1): a GET of HTTP/1.1 or higher; RFC 9110 §9.1 separates 501 from 405.
  if (!is_known_method(request.method)) return Violation::kUnknownMethod;
  if (request.method != "GET") return Violation::kMethodNotAllowed;
  // RFC 9110 §7.8: Upgrade MUST be ignored in HTTP/1.0.
  if (request.minor_version < 1) return Violation::kHandshakeNeedsHttp11;
  // RFC 9110 §7.8 would require reading the body before the protocol changes. No client sends a
  // body, and bytes that are either body or frames would make request smuggling possible.
  if (request.content_length > 0 || request.chunked) return Violation::kBodyNotAllowed;
  return Violation::kNone;
}

// RFC 6455 §4.2.1 (3), (4); RFC 9110 §15.5.22 for the status.
Violation judge_upgrade(const HttpRequest& request) noexcept {
  const bool asked =
      offers_websocket(request) && fields_have_token(request, FieldName::kConnection, "upgrade");
  return asked ? Violation::kNone : Violation::kUpgradeRequired;
}

// RFC 6455 §4.2.1 (6), §4.4.
Violation judge_version(const HttpRequest& request) noexcept {
  constexpr FieldName kName = FieldName::kSecWebSocketVersion;
  if (request.count(kName) > 1) return Violation::kDuplicateVersion;  // §11.3.5
  const HttpField* version = request.find(kName);
  if (version == nullptr || version->value != kVersion) return Violation::kUnsupportedVersion;
  return Violation::kNone;
}

// RFC 6455 §4.2.1 (5).
Violation judge_key(const HttpRequest& request, Handshake& handshake) noexcept {
  constexpr FieldName kName = FieldName::kSecWebSocketKey;
  if (request.count(kName) > 1) return Violation::kDuplicateKey;  // §11.3.1
  const HttpField* key = request.find(kName);
  if (key == nullptr || key->value.empty()) return Violation::kMissingKey;
  if (!is_valid_key(key->value)) return Violation::kBadKey;
  handshake.key = key->value;
  return Violation::kNone;
}

// RFC 6455 §4.2.1 (7).
Violation judge_origin(const HttpRequest& request, Handshake& handshake) noexcept {
  constexpr FieldName kName = FieldName::kOrigin;
  if (request.count(kName) > 1) return Violation::kDuplicateOrigin;  // RFC 6454 §7.3
  const HttpField* origin = request.find(kName);
  if (origin == nullptr) return Violation::kNone;
  handshake.has_origin = true;
  handshake.origin = origin->value;
  return Violation::kNone;
}

bool has_duplicates(std::vector<std::string_view> names) {
  if (names.size() < 2) return false;
  // Sorted, because a head can contain thousands of names, too many to compare every pair.
  std::sort(names.begin(), names.end());
  return std::adjacent_find(names.begin(), names.end()) != names.end();
}

// RFC 6455 §4.2.1 (8), §4.3: 1#token over any number of lines (§11.3.4). A field without any
// element breaks this ABNF, but clients send one if their list of offers is empty, and it offers
// nothing.
Violation judge_subprotocols(const HttpRequest& request, Handshake& handshake) {
  if (request.count(FieldName::kSecWebSocketProtocol) == 0) return Violation::kNone;
  for (const HttpField& field : *request.fields) {
    if (field.known != FieldName::kSecWebSocketProtocol) continue;
    ListCursor list(field.value);
    for (std::string_view element; list.next(element);) {
      if (element.empty()) continue;  // RFC 9110 §5.6.1.2
      if (!is_token(element)) return Violation::kBadSubprotocol;
      handshake.subprotocols.push_back(element);
    }
  }
  // RFC 6455 §4.1 (10): all strings MUST be unique.
  if (has_duplicates(handshake.subprotocols)) return Violation::kBadSubprotocol;
  return Violation::kNone;
}

// RFC 6455 §4.2.1 (9), §9.1: a value that does not match the ABNF MUST fail the handshake. Only a
// list without any element is accepted, as in judge_subprotocols().
Violation judge_extensions(const HttpRequest& request, Handshake& handshake) {
  if (request.count(FieldName::kSecWebSocketExtensions) == 0) return Violation::kNone;
  for (const HttpField& field : *request.fields) {
    if (field.known != FieldName::kSecWebSocketExtensions) continue;
    if (!read_extensions(field.value, handshake.extensions)) return Violation::kBadExtensions;
  }
  return Violation::kNone;
}

Violation judge(const HttpRequest& request, Handshake& handshake) {
  Violation violation = judge_request(request);
  if (violation == Violation::kNone) violation = judge_upgrade(request);
  if (violation == Violation::kNone) violation = judge_version(request);
  if (violation == Violation::kNone) violation = judge_key(request, handshake);
  if (violation == Violation::kNone) violation = judge_origin(request, handshake);
  if (violation == Violation::kNone) violation = judge_subprotocols(request, handshake);
  if (violation == Violation::kNone) violation = judge_extensions(request, handshake);
  return violation;
}

}  // namespace

Handshake check_handshake(const HttpRequest& request) {
  Handshake handshake;
  handshake.violation = judge(request, handshake);
  return handshake;
}

std::string_view choose_subprotocol(const std::vector<std::string>& supported,
                                    const Handshake& handshake) noexcept {
  const auto& offered = handshake.subprotocols;
  for (const std::string& name : supported) {
    if (std::find(offered.begin(), offered.end(), name) != offered.end()) return name;
  }
  return {};
}

void write_switching_protocols(std::string& out, std::string_view key, std::string_view subprotocol,
                               const HeaderList& extra, std::string_view extensions) {
  const AcceptKey accept = accept_key(key);
  constexpr std::size_t kRoom =
      256;  // without extra fields, one allocation is nearly always enough
  out.reserve(out.size() + kRoom + subprotocol.size() + extensions.size());
  // RFC 6455 §4.2.2 (5). RFC 9110 §8.6, RFC 9112 §6.1: no Content-Length and no Transfer-Encoding
  // in a 1xx.
  constexpr std::string_view kBegin =
      "HTTP/1.1 101 Switching Protocols\r\n"
      "Upgrade: websocket\r\n"
      "Connection: Upgrade\r\n"
      "Sec-WebSocket-Accept: ";
  constexpr std::string_view kLineEnd = "\r\n";
  std::array<char, kBegin.size() + kAcceptKeyBytes + kLineEnd.size()> always;
  std::memcpy(always.data(), kBegin.data(), kBegin.size());
  std::memcpy(always.data() + kBegin.size(), accept.data(), accept.size());
  std::memcpy(always.data() + kBegin.size() + kAcceptKeyBytes, kLineEnd.data(), kLineEnd.size());
  out.append(always.data(), always.size());
  if (!subprotocol.empty()) {
    WSD_ASSERT(is_token(subprotocol));
    out.append("Sec-WebSocket-Protocol: ").append(subprotocol).append("\r\n");
  }
  if (!extensions.empty()) {
    out.append("Sec-WebSocket-Extensions: ").append(extensions).append("\r\n");
  }
  append_fields(out, extra);
  out.append("\r\n");
}

void append_fields(std::string& out, const HeaderList& fields) {
  for (const auto& [name, value] : fields) {
    WSD_ASSERT(is_valid_header(name, value));
    out.append(name).append(": ").append(value).append("\r\n");
  }
}

bool is_valid_header(std::string_view name, std::string_view value) noexcept {
  return is_token(name) && std::none_of(value.begin(), value.end(), is_control_byte);
}

bool offers_websocket(const HttpRequest& request) noexcept {
  return fields_have_token(request, FieldName::kUpgrade, "websocket");
}

bool list_has_token(std::string_view list, std::string_view token) noexcept {
  if (equals_ignore_case(list, token)) return true;  // as nearly every client writes it
  ListCursor cursor(list);
  for (std::string_view element; cursor.next(element);) {
    if (!element.empty() && equals_ignore_case(element, token)) return true;
  }
  return false;
}

}  // namespace wsd::protocol
