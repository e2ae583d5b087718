// Reads request heads slowly by RFC 9112 and RFC 3986, with the whole head available. It is as
// strict as the header of RequestParser promises, and serves as the reference for the real parser.
#pragma once

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/http_request.h"
#include "slow_text.h"

namespace wsd::fuzz {

struct SlowHead {
  std::size_t size = 0;
  std::string method;
  std::string target;
  int minor_version = 0;
  std::vector<std::pair<std::string, std::string>> fields;

  [[nodiscard]] Strings values(const std::string& name) const {
    Strings found;
    for (const auto& [each, value] : fields) {
      if (lower(each) == name) found.push_back(value);
    }
    return found;
  }
};

inline bool all_of_these(const std::string& text, std::string_view bytes) {
  return text.find_first_not_of(bytes) == std::string::npos;
}

inline constexpr std::string_view kDigits = "0123456789";
inline constexpr std::string_view kHexDigits = "0123456789abcdefABCDEF";
inline constexpr std::string_view kUnreservedOrSubDelim =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~!$&'()*+,;=";

// Percent-decodes (RFC 3986 §2.1). Returns nothing if a triplet encodes NUL, or if another byte is
// not one of `bytes`, which has '%' if a '%' may stand outside a triplet.
inline std::optional<std::string> decoded(const std::string& text, std::string_view bytes) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::string digits = text.substr(i + 1, 2);
    if (text[i] == '%' && digits.size() == 2 && all_of_these(digits, kHexDigits)) {
      plain += static_cast<char>(std::stoi(digits, nullptr, 16));
      if (plain.back() == '\0') return std::nullopt;
      i += 2;
    } else if (bytes.find(text[i]) != std::string_view::npos) {
      plain += text[i];
    } else {
      return std::nullopt;
    }
  }
  return plain;
}

// RFC 3986 §3.2.2, §3.2.3: without userinfo, with a host, and without a comma in a name.
inline bool is_authority(const std::string& text) {
  std::size_t end = text.find(':');
  if (text.starts_with('[')) {
    end = text.find(']');
    if (end == std::string::npos) return false;
    std::array<std::uint8_t, 16> address;
    const std::string inner = text.substr(1, end - 1);
    // inet_pton() stops at the first NUL.
    if (inner.find('\0') != std::string::npos) return false;
    if (::inet_pton(AF_INET6, inner.c_str(), address.data()) != 1) return false;
    ++end;
  } else {
    const std::string name = text.substr(0, end);
    if (name.empty() || name.find(',') != std::string::npos) return false;
    if (!decoded(name, kUnreservedOrSubDelim)) return false;
  }
  if (end >= text.size()) return true;
  const std::string port = text.substr(end + 1);
  if (text[end] != ':' || port.size() > 5 || !all_of_these(port, kDigits)) return false;
  return port.empty() || std::stoi(port) <= 65535;
}

// RFC 9112 §3.2.1, §3.2.2, without forms that another server may read as another path.
inline bool is_target(std::string target) {
  if (!target.starts_with('/')) {
    const std::size_t scheme_end = target.find("://");
    if (scheme_end == std::string::npos) return false;
    const std::string scheme = lower(target.substr(0, scheme_end));
    if (scheme != "http" && scheme != "https" && scheme != "ws" && scheme != "wss") return false;
    target.erase(0, scheme_end + 3);
    const std::size_t end = std::min(target.find_first_of("/?"), target.size());
    if (!is_authority(target.substr(0, end))) return false;
    target.erase(0, end);
  }
  const std::size_t question = std::min(target.find('?'), target.size());
  for (const char c : target.substr(question)) {
    if (c <= ' ' || c > '~' || std::string_view("\"#<>").find(c) != std::string_view::npos) {
      return false;
    }
  }
  // The last eight are those that clients send unencoded although RFC 3986 §3.3 does not have them.
  const std::string path_bytes = std::string(kUnreservedOrSubDelim) + ":@/" + "[]{}|^`%";
  const auto path = decoded(target.substr(0, question), path_bytes);
  if (!path) return false;
  std::string framed = *path + '/';
  std::replace(framed.begin(), framed.end(), '\\', '/');
  return framed.find("/./") == std::string::npos && framed.find("/../") == std::string::npos;
}

// Body framing and expectations (RFC 9112 §6, RFC 9110 §8.6, §10.1.1).
inline bool has_fair_fields(const SlowHead& head) {
  const Strings hosts = head.values("host");
  if (hosts.size() > 1 || (hosts.empty() && head.minor_version > 0)) return false;
  if (!hosts.empty() && !is_authority(hosts[0])) return false;
  const Strings codings = head.values("transfer-encoding");
  const Strings lengths = head.values("content-length");
  if (!codings.empty()) {
    if (codings.size() > 1 || !lengths.empty() || head.minor_version == 0) return false;
    if (lower(codings[0]) != "chunked") return false;
  }
  std::optional<std::string> length;
  for (const std::string& line : lengths) {
    for (std::string element : list_elements(line)) {
      if (element.empty() || !all_of_these(element, kDigits)) return false;
      element.erase(0, std::min(element.find_first_not_of('0'), element.size() - 1));
      if (element.size() > 20 || (element.size() == 20 && element > "18446744073709551615")) {
        return false;
      }
      if (length && *length != element) return false;
      length = element;
    }
  }
  for (const std::string& line : head.values("expect")) {
    for (const std::string& element : list_elements(line)) {
      if (head.minor_version > 0 && !element.empty() && lower(element) != "100-continue") {
        return false;
      }
    }
  }
  return true;
}

// Returns nothing if `text` does not begin with a complete head that must be accepted.
inline std::optional<SlowHead> read_slowly(std::string_view text,
                                           const protocol::HeadLimits& limits) {
  std::size_t begin = 0;
  while (begin < 8 && text.substr(begin).starts_with("\r\n")) begin += 2;
  if (text.substr(begin).starts_with("\r\n")) return std::nullopt;
  const std::size_t end = text.find("\r\n\r\n", begin);
  if (end == std::string_view::npos || end + 4 > limits.max_head_bytes) return std::nullopt;
  SlowHead head{.size = end + 4, .method = {}, .target = {}, .fields = {}};
  std::string rest(text.substr(begin, end + 2 - begin));
  const auto line = [&rest] {
    const std::string first = rest.substr(0, rest.find("\r\n"));
    rest.erase(0, first.size() + 2);
    return first;
  };
  const std::string start = line();
  const std::size_t one = start.find(' ');
  const std::size_t two = start.rfind(' ');
  if (one == two || start.size() > limits.max_request_line_bytes) return std::nullopt;
  head.method = start.substr(0, one);
  head.target = start.substr(one + 1, two - one - 1);
  const std::string version = start.substr(two + 1);
  const bool of_server = head.method == "OPTIONS" && head.target == "*";  // RFC 9112 §3.2.4
  if (!token(head.method) || head.method.size() > 64 || !(of_server || is_target(head.target)))
    return std::nullopt;
  if (version.size() != 8 || !version.starts_with("HTTP/1.")) return std::nullopt;
  if (!all_of_these(version.substr(7), kDigits)) return std::nullopt;
  head.minor_version = version[7] - '0';
  while (!rest.empty()) {
    const std::string field = line();
    const std::size_t colon = field.find(':');
    if (field.size() > limits.max_field_bytes || colon == std::string::npos) return std::nullopt;
    if (head.fields.size() == limits.max_fields || !token(field.substr(0, colon))) {
      return std::nullopt;
    }
    for (const char c : field.substr(colon)) {
      const auto byte = static_cast<std::uint8_t>(c);
      if ((byte < ' ' && byte != '\t') || byte == 0x7F) return std::nullopt;
    }
    head.fields.emplace_back(field.substr(0, colon), trimmed(field.substr(colon + 1)));
  }
  if (!has_fair_fields(head)) return std::nullopt;
  return head;
}

}  // namespace wsd::fuzz
