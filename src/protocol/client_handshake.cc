#include "protocol/client_handshake.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "base/assert.h"
#include "base/entropy.h"
#include "protocol/accept_key.h"
#include "protocol/deflate_response.h"
#include "protocol/syntax.h"

namespace wsd::protocol {
namespace {

constexpr std::string_view kAccept = "Sec-WebSocket-Accept";

bool fields_have_token(const HttpResponse& response, FieldName name,
                       std::string_view token) noexcept {
  return std::any_of(response.fields.begin(), response.fields.end(), [&](const HttpField& field) {
    return field.known == name && list_has_token(field.value, token);
  });
}

// RFC 6455 §4.1, response (2), (3): the value of Upgrade is "websocket" alone, because with a list
// (RFC 9110 §7.8) the server has switched to the first protocol in it. There is no Upgrade in
// HTTP/1.0.
Violation judge_upgrade(const HttpResponse& response) noexcept {
  const HttpField* const upgrade = response.find("Upgrade");
  const bool switched = response.minor_version >= 1 && upgrade != nullptr &&
                        response.count("Upgrade") == 1 &&
                        equals_ignore_case(upgrade->value, "websocket") &&
                        fields_have_token(response, FieldName::kConnection, "upgrade");
  return switched ? Violation::kNone : Violation::kNotSwitched;
}

// §4.1, response (4).
Violation judge_accept(const HttpResponse& response, std::string_view key) noexcept {
  const AcceptKey expected = accept_key(key);
  const HttpField* const accept = response.find(kAccept);
  const bool fits = accept != nullptr && response.count(kAccept) == 1 &&
                    accept->value == std::string_view(expected.data(), expected.size());
  return fits ? Violation::kNone : Violation::kBadAccept;
}

// §4.1, response (5); RFC 7692 §5.1: at most one answer to the offer.
Violation judge_extensions(const HttpResponse& response, const ClientOffer& offer,
                           ClientAgreement& agreement) {
  std::vector<ExtensionOffer> chosen;
  for (const HttpField& field : response.fields) {
    if (field.known != FieldName::kSecWebSocketExtensions) continue;
    if (!read_extensions(field.value, chosen)) return Violation::kBadExtensions;
  }
  if (chosen.empty()) return Violation::kNone;
  if (chosen.size() > 1 || !offer.deflate || chosen.front().name != "permessage-deflate") {
    return Violation::kExtensionNotOffered;
  }
  agreement.deflate = accept_deflate_response(chosen.front(), offer.context_takeover);
  return agreement.deflate ? Violation::kNone : Violation::kBadDeflateResponse;
}

// §4.1, response (6). §11.3.4: the field must not appear more than once in a response.
Violation judge_subprotocol(const HttpResponse& response, const ClientOffer& offer,
                            ClientAgreement& agreement) noexcept {
  constexpr std::string_view kName = "Sec-WebSocket-Protocol";
  const HttpField* const chosen = response.find(kName);
  if (chosen == nullptr) return Violation::kNone;
  const auto& offered = offer.subprotocols;
  if (response.count(kName) > 1 ||
      std::find(offered.begin(), offered.end(), chosen->value) == offered.end()) {
    return Violation::kSubprotocolNotOffered;
  }
  agreement.subprotocol = chosen->value;
  return Violation::kNone;
}

}  // namespace

std::string fresh_key() {
  std::array<std::uint8_t, kNonceBytes> nonce;
  wsd_random_bytes(nonce.data(), nonce.size());
  return make_key(nonce);
}

void write_client_request(std::string& out, std::string_view host, std::string_view target,
                          const ClientOffer& offer, std::string_view origin,
                          const HeaderList& extra) {
  WSD_ASSERT(is_valid_key(offer.key));
  out.append("GET ").append(target).append(" HTTP/1.1\r\nHost: ").append(host);
  out.append(
      "\r\nUpgrade: websocket\r\n"
      "Connection: Upgrade\r\n"
      "Sec-WebSocket-Version: 13\r\n"
      "Sec-WebSocket-Key: ");
  out.append(offer.key).append("\r\n");
  if (!origin.empty()) append_fields(out, {{"Origin", std::string(origin)}});
  for (std::size_t i = 0; i < offer.subprotocols.size(); ++i) {
    WSD_ASSERT(is_token(offer.subprotocols[i]));
    out.append(i == 0 ? "Sec-WebSocket-Protocol: " : ", ").append(offer.subprotocols[i]);
  }
  if (!offer.subprotocols.empty()) out.append("\r\n");
  if (offer.deflate) {
    out.append("Sec-WebSocket-Extensions: ").append(deflate_offer(offer.context_takeover));
    out.append("\r\n");
  }
  append_fields(out, extra);
  out.append("\r\n");
}

bool is_free_request_field(std::string_view name) noexcept {
  constexpr std::string_view kOwnPrefix = "sec-websocket-";
  if (equals_ignore_case(name.substr(0, kOwnPrefix.size()), kOwnPrefix)) return false;
  return field_name_of(name) == FieldName::kOther;
}

ClientAgreement check_response(const HttpResponse& response, const ClientOffer& offer) {
  ClientAgreement agreement;
  Violation& violation = agreement.violation;
  violation = judge_upgrade(response);
  if (violation == Violation::kNone) violation = judge_accept(response, offer.key);
  if (violation == Violation::kNone) violation = judge_extensions(response, offer, agreement);
  if (violation == Violation::kNone) violation = judge_subprotocol(response, offer, agreement);
  return agreement;
}

}  // namespace wsd::protocol
