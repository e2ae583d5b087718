// Compares the opening handshake with a slow reading of RFC 6455 §4.2.1, §9.1 and RFC 7692 §5,
// §7.1: the accepted requests, the parsed fields, and the content of the 101.
//
// Input: which of the four fields of a handshake are present, a method, a policy for origins and
// compression, then more field lines, each ending in LF.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/assert.h"
#include "base/bytes.h"
#include "fuzz_input.h"
#include "protocol/accept_key.h"
#include "protocol/deflate_offer.h"
#include "protocol/handshake.h"
#include "protocol/http_request.h"
#include "protocol/http_response.h"
#include "protocol/origin.h"
#include "slow_text.h"

namespace {

using namespace wsd;            // NOLINT: a program of its own
using namespace wsd::protocol;  // NOLINT
using fuzz::list_elements;
using fuzz::lower;
using fuzz::Strings;
using fuzz::token;
using fuzz::trimmed;

// Splits at each `separator` outside quotes.
Strings split(const std::string& text, char separator) {
  Strings parts(1);
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"') quoted = !quoted;
    if (quoted && text[i] == '\\' && i + 1 < text.size()) parts.back() += text[i++];
    if (!quoted && text[i] == separator) {
      parts.emplace_back();
    } else {
      parts.back() += text[i];
    }
  }
  return parts;
}

// Returns the values of all fields of that name.
Strings values_of(const HttpRequest& request, const std::string& name) {
  Strings values;
  for (const HttpField& field : *request.fields) {
    if (lower(std::string(field.name)) == name) values.emplace_back(field.value);
  }
  return values;
}

// Returns the nonempty list elements of all those fields.
Strings elements_of(const HttpRequest& request, const std::string& name) {
  Strings elements;
  for (const std::string& value : values_of(request, name)) {
    for (const std::string& element : list_elements(value)) {
      if (!element.empty()) elements.push_back(element);
    }
  }
  return elements;
}

bool has_element(const HttpRequest& request, const std::string& name, const std::string& wanted) {
  const Strings elements = elements_of(request, name);
  return std::any_of(elements.begin(), elements.end(),
                     [&](const std::string& each) { return lower(each) == wanted; });
}

// RFC 4648 §4 of 16 bytes. The unused bits may have any value.
bool key_of_16_bytes(const std::string& text) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  if (text.size() != 24 || text.substr(22) != "==") return false;
  return text.substr(0, 22).find_first_not_of(kDigits) == std::string::npos;
}

struct Offer {
  std::string name;
  std::vector<std::pair<std::string, std::optional<std::string>>> parameters;
};

// Parses the value after '=': a token, or a quoted token with escapes. Returns nothing otherwise.
std::optional<std::string> parameter_value(const std::string& text) {
  if (token(text)) return text;
  if (text.size() < 2 || text.front() != '"' || text.back() != '"') return std::nullopt;
  std::string plain;
  for (std::size_t i = 1; i + 1 < text.size(); ++i) {
    if (text[i] == '\\' && ++i + 1 == text.size()) return std::nullopt;
    plain += text[i];
  }
  // An unescaped quote ends the string, and a token contains no quote.
  if (!token(plain)) return std::nullopt;
  return plain;
}

// RFC 6455 §9.1. Returns nothing if any line breaks the ABNF.
std::optional<std::vector<Offer>> offers_of(const HttpRequest& request) {
  std::vector<Offer> offers;
  for (const std::string& value : values_of(request, "sec-websocket-extensions")) {
    for (const std::string& element : split(value, ',')) {
      if (trimmed(element).empty()) continue;
      const Strings parts = split(element, ';');
      Offer offer{.name = trimmed(parts.front()), .parameters = {}};
      if (!token(offer.name)) return std::nullopt;
      for (std::size_t i = 1; i < parts.size(); ++i) {
        const std::size_t equals = parts[i].find('=');
        const std::string name = trimmed(parts[i].substr(0, equals));
        if (!token(name)) return std::nullopt;
        std::optional<std::string> said;
        if (equals != std::string::npos) {
          said = parameter_value(trimmed(parts[i].substr(equals + 1)));
          if (!said) return std::nullopt;
        }
        offer.parameters.emplace_back(name, said);
      }
      offers.push_back(std::move(offer));
    }
  }
  return offers;
}

// Checks in the order that check_handshake() promises.
Violation judge_slowly(const HttpRequest& request) {
  static const Strings kMethods = {"GET",     "HEAD",    "POST",  "PUT",  "DELETE",
                                   "CONNECT", "OPTIONS", "TRACE", "PATCH"};
  const std::string method(request.method);
  if (std::find(kMethods.begin(), kMethods.end(), method) == kMethods.end()) {
    return Violation::kUnknownMethod;
  }
  if (method != "GET") return Violation::kMethodNotAllowed;
  if (request.minor_version == 0) return Violation::kHandshakeNeedsHttp11;
  if (!values_of(request, "transfer-encoding").empty()) return Violation::kBodyNotAllowed;
  for (const std::string& length : elements_of(request, "content-length")) {
    if (length.find_first_not_of('0') != std::string::npos) return Violation::kBodyNotAllowed;
  }
  if (!has_element(request, "upgrade", "websocket")) return Violation::kUpgradeRequired;
  if (!has_element(request, "connection", "upgrade")) return Violation::kUpgradeRequired;
  const Strings versions = values_of(request, "sec-websocket-version");
  if (versions.size() > 1) return Violation::kDuplicateVersion;
  if (versions.empty() || versions[0] != "13") return Violation::kUnsupportedVersion;
  const Strings keys = values_of(request, "sec-websocket-key");
  if (keys.size() > 1) return Violation::kDuplicateKey;
  if (keys.empty() || keys[0].empty()) return Violation::kMissingKey;
  if (!key_of_16_bytes(keys[0])) return Violation::kBadKey;
  if (values_of(request, "origin").size() > 1) return Violation::kDuplicateOrigin;
  Strings protocols = elements_of(request, "sec-websocket-protocol");
  if (!std::all_of(protocols.begin(), protocols.end(), token)) return Violation::kBadSubprotocol;
  std::sort(protocols.begin(), protocols.end());
  if (std::adjacent_find(protocols.begin(), protocols.end()) != protocols.end()) {
    return Violation::kBadSubprotocol;
  }
  return offers_of(request) ? Violation::kNone : Violation::kBadExtensions;
}

// RFC 7692 §7.1: the parameters of the first acceptable offer.
struct SlowTerms {
  bool server_alone = false;  // no context takeover
  bool client_alone = false;
  int server_bits = 15;
  int client_bits = 15;
};

std::optional<SlowTerms> terms_of(const Offer& offer, const DeflatePolicy& policy) {
  if (offer.name != "permessage-deflate") return std::nullopt;
  std::map<std::string, std::optional<std::string>> said;
  for (const auto& [name, value] : offer.parameters) {
    if (!said.emplace(name, value).second) return std::nullopt;
  }
  SlowTerms terms{.server_alone = !policy.server_context_takeover,
                  .client_alone = !policy.client_context_takeover};
  for (const auto& [name, value] : said) {
    const bool server = name.starts_with("server_");
    if (name == "server_no_context_takeover" || name == "client_no_context_takeover") {
      if (value) return std::nullopt;
      (server ? terms.server_alone : terms.client_alone) = true;
    } else if (name == "server_max_window_bits" || name == "client_max_window_bits") {
      static const Strings kBits = {"8", "9", "10", "11", "12", "13", "14", "15"};
      if (!value && !server) continue;
      const auto at = value ? std::find(kBits.begin(), kBits.end(), *value) : kBits.end();
      if (at == kBits.end()) return std::nullopt;
      const int bits = 8 + static_cast<int>(at - kBits.begin());
      if (bits == 8 && server) return std::nullopt;
      if (server) terms.server_bits = bits;
      if (!server && bits != 8) terms.client_bits = bits;
    } else {
      return std::nullopt;
    }
  }
  return terms;
}

void check_deflate(const std::vector<Offer>& offers, const Handshake& handshake,
                   const DeflatePolicy& policy, std::string& extensions) {
  std::optional<SlowTerms> expected;
  const Offer* taken = nullptr;
  for (const Offer& offer : offers) {
    expected = terms_of(offer, policy);
    if (!expected) continue;
    taken = &offer;
    break;
  }
  const auto agreement = negotiate_deflate(handshake.extensions, policy);
  WSD_ASSERT(agreement.has_value() == expected.has_value());
  if (!expected) return;
  WSD_ASSERT(agreement->terms.server_no_context_takeover == expected->server_alone);
  WSD_ASSERT(agreement->terms.client_no_context_takeover == expected->client_alone);
  WSD_ASSERT(agreement->terms.server_max_window_bits == expected->server_bits);
  WSD_ASSERT(agreement->terms.client_max_window_bits == expected->client_bits);
  // RFC 7692 §7.1: a client derives the same parameters from the response.
  extensions = agreement->response;
  std::map<std::string, std::string> said;
  const Strings parts = split(extensions, ';');
  WSD_ASSERT(parts[0] == "permessage-deflate");
  for (std::size_t i = 1; i < parts.size(); ++i) {
    const std::size_t equals = parts[i].find('=');
    const std::string value = equals == std::string::npos ? "" : parts[i].substr(equals + 1);
    WSD_ASSERT(said.emplace(trimmed(parts[i].substr(0, equals)), value).second);
  }
  WSD_ASSERT(said.contains("server_no_context_takeover") == expected->server_alone);
  WSD_ASSERT(said.contains("client_no_context_takeover") == expected->client_alone);
  const auto bits = [&said](const char* name) {
    return said.contains(name) ? std::stoi(said[name]) : 15;
  };
  WSD_ASSERT(bits("server_max_window_bits") == expected->server_bits);
  WSD_ASSERT(bits("client_max_window_bits") == expected->client_bits);
  // §7.1.2.2: the client must have offered this parameter.
  const bool offered =
      std::any_of(taken->parameters.begin(), taken->parameters.end(),
                  [](const auto& each) { return each.first == "client_max_window_bits"; });
  WSD_ASSERT(offered || !said.contains("client_max_window_bits"));
}

// Parses a response head: a status line, then fields of a token and a value without control bytes.
std::map<std::string, std::string> read_head(const std::string& response, int status) {
  const std::size_t end = response.find("\r\n\r\n");
  WSD_ASSERT(end != std::string::npos);
  std::map<std::string, std::string> fields;
  std::string rest = response.substr(0, end + 2);
  WSD_ASSERT(rest.starts_with("HTTP/1.1 " + std::to_string(status) + ' '));
  rest.erase(0, rest.find("\r\n") + 2);
  while (!rest.empty()) {
    const std::string line = rest.substr(0, rest.find("\r\n"));
    rest.erase(0, line.size() + 2);
    const std::size_t colon = line.find(": ");
    WSD_ASSERT(colon != std::string::npos && token(line.substr(0, colon)));
    WSD_ASSERT(std::none_of(line.begin(), line.end(), [](char c) { return c < 0x20; }));
    WSD_ASSERT(fields.emplace(lower(line.substr(0, colon)), line.substr(colon + 2)).second);
  }
  fields["body"] = response.substr(end + 4);
  return fields;
}

void check_refusal(Violation violation) {
  std::string out;
  write_violation(out, violation);
  auto fields = read_head(out, http_status_of(violation));
  WSD_ASSERT(fields["content-length"] == std::to_string(fields["body"].size()));
  WSD_ASSERT(lower(fields["connection"]).find("close") != std::string::npos);
  WSD_ASSERT(http_status_of(violation) != 405 || fields["allow"] == "GET");
  WSD_ASSERT(http_status_of(violation) != 426 || fields["upgrade"] == "websocket");
  WSD_ASSERT(http_status_of(violation) != 426 || fields["sec-websocket-version"] == "13");
}

void check_acceptance(const HttpRequest& request, const Handshake& handshake, unsigned options) {
  const Strings protocols = elements_of(request, "sec-websocket-protocol");
  WSD_ASSERT(std::equal(protocols.begin(), protocols.end(), handshake.subprotocols.begin(),
                        handshake.subprotocols.end()));
  const auto offers = offers_of(request);
  WSD_ASSERT(offers->size() == handshake.extensions.size());
  for (std::size_t i = 0; i < offers->size(); ++i) {
    const ExtensionOffer& read = handshake.extensions[i];
    WSD_ASSERT(read.name == (*offers)[i].name);
    WSD_ASSERT(read.parameters.size() == (*offers)[i].parameters.size());
    for (std::size_t j = 0; j < read.parameters.size(); ++j) {
      const auto& [name, value] = (*offers)[i].parameters[j];
      WSD_ASSERT(read.parameters[j].name == name);
      WSD_ASSERT(read.parameters[j].has_value == value.has_value());
      WSD_ASSERT(read.parameters[j].value == value.value_or(""));
    }
  }
  const Strings supported = {"chat.v2", "chat"};
  std::string chosen;
  for (const std::string& each : supported) {
    const bool offered = std::find(protocols.begin(), protocols.end(), each) != protocols.end();
    if (chosen.empty() && offered) chosen = each;
  }
  WSD_ASSERT(choose_subprotocol(supported, handshake) == chosen);

  std::string extensions;
  check_deflate(*offers, handshake,
                {.server_context_takeover = (options & 1) != 0,
                 .client_context_takeover = (options & 2) != 0},
                extensions);
  std::string out;
  write_switching_protocols(out, handshake.key, chosen, {}, extensions);
  auto fields = read_head(out, 101);
  WSD_ASSERT(fields["upgrade"] == "websocket" && fields["connection"] == "Upgrade");
  WSD_ASSERT(fields["sec-websocket-accept"].size() == kAcceptKeyBytes && fields["body"].empty());
  WSD_ASSERT(fields["sec-websocket-protocol"] == chosen);
  WSD_ASSERT(fields["sec-websocket-extensions"] == extensions);
  WSD_ASSERT(!fields.contains("content-length") && !fields.contains("transfer-encoding"));
}

// RFC 6454 §5, for a Host of "h.example" and an allow list with one entry.
void check_origin(const Handshake& handshake, std::string_view host) {
  if (!handshake.has_origin || host != "h.example") return;
  const std::string origin(handshake.origin);
  static const Strings kSame = {"http://h.example", "http://h.example:80", "https://h.example",
                                "https://h.example:443"};
  static const Strings kListed = {"https://a.example", "https://a.example:443"};
  const std::size_t host_at = origin.find("://");
  const std::string folded = host_at == std::string::npos
                                 ? origin
                                 : origin.substr(0, host_at) + lower(origin.substr(host_at));
  const auto in = [&folded](const Strings& list) {
    return std::find(list.begin(), list.end(), folded) != list.end();
  };
  const bool same = in(kSame);
  WSD_ASSERT(origin_allowed(origin, host, {}) == same);
  WSD_ASSERT(origin_allowed(origin, host, {"https://a.example"}) == (same || in(kListed)));
  WSD_ASSERT(origin_allowed(origin, host, {"null", "file://"}) ==
             (same || origin == "null" || origin == "file://"));
  WSD_ASSERT(origin_allowed(origin, host, {"*"}));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::FuzzInput input(data, size);
  const unsigned given = input.byte();
  const unsigned method = input.byte();
  const unsigned options = input.byte();
  static const Strings kStarts = {"GET / HTTP/1.1", "POST / HTTP/1.1", "GET / HTTP/1.0",
                                  "FROB / HTTP/1.1"};
  std::string head = kStarts[method < 240 ? 0 : method % kStarts.size()] + "\r\n";
  if ((given & 1) == 0) head += "Host: h.example\r\n";
  if ((given & 2) == 0) head += "Upgrade: websocket\r\n";
  if ((given & 4) == 0) head += "Connection: Upgrade\r\n";
  if ((given & 8) == 0) head += "Sec-WebSocket-Version: 13\r\n";
  if ((given & 16) == 0) head += "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
  std::string_view lines = as_text(input.rest());
  while (!lines.empty()) {
    const std::string_view line = lines.substr(0, lines.find('\n'));
    lines.remove_prefix(std::min(lines.size(), line.size() + 1));
    if (!line.empty()) head.append(line).append("\r\n");
  }
  head += "\r\n";
  RequestParser parser(HeadLimits{});
  if (parser.parse(as_bytes(head)) != RequestParser::Status::kComplete) return 0;

  const HttpRequest& request = parser.request();
  const Handshake handshake = check_handshake(request);
  WSD_ASSERT(handshake.violation == judge_slowly(request));
  if (handshake.violation != Violation::kNone) {
    check_refusal(handshake.violation);
    return 0;
  }
  check_acceptance(request, handshake, options);
  check_origin(handshake, request.host);
  return 0;
}
