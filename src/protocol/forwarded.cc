#include "protocol/forwarded.h"

#include <algorithm>
#include <string>

#include "protocol/syntax.h"

namespace wsd::protocol {
namespace {

bool same_word(std::string_view a, std::string_view b) noexcept {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return to_lower(x) == to_lower(y); });
}

// Returns the end of the quoted string that begins at `at` (RFC 9110 §5.6.4), or npos.
std::size_t end_of_quoted(std::string_view text, std::size_t at) noexcept {
  for (++at; at < text.size(); ++at) {
    if (text[at] == '\\') {
      ++at;
    } else if (text[at] == '"') {
      return at + 1;
    }
  }
  return std::string_view::npos;
}

// Removes the last element from `rest`, which becomes empty after the only element. Returns
// std::nullopt if a quoted string does not end. Commas in quoted strings do not separate elements,
// and only a scan from the left can recognize them.
std::optional<std::string_view> take_last(std::optional<std::string_view>& rest,
                                          bool quoting) noexcept {
  const std::string_view list = *rest;
  std::size_t comma = std::string_view::npos;
  for (std::size_t at = 0; at < list.size();) {
    if (quoting && list[at] == '"') {
      at = end_of_quoted(list, at);
      if (at == std::string_view::npos) return std::nullopt;
      continue;
    }
    if (list[at] == ',') comma = at;
    ++at;
  }
  if (comma == std::string_view::npos) {
    rest.reset();
    return trim_blanks(list);
  }
  rest = list.substr(0, comma);
  return trim_blanks(list.substr(comma + 1));
}

// RFC 7239 §6: "192.0.2.1", "[2001:db8::1]", either with a port, which may be obfuscated.
std::optional<IpEndpoint> read_node(std::string_view node) {
  const std::size_t mark = node.find(":_");
  if (mark != std::string_view::npos) {
    const std::string_view obfuscated = node.substr(mark + 2);
    const bool sound =
        !obfuscated.empty() && std::all_of(obfuscated.begin(), obfuscated.end(), [](char c) {
          return is_alpha(c) || is_digit(c) || c == '.' || c == '_' || c == '-';
        });
    if (!sound) return std::nullopt;
    node = node.substr(0, mark);
  }
  return IpEndpoint::parse(node);
}

// Removes a token or quoted string from the start of `text`. Returns std::nullopt if there is
// neither.
std::optional<std::string> take_value(std::string_view& text) {
  std::string value;
  if (text.starts_with('"')) {
    const std::size_t end = end_of_quoted(text, 0);
    if (end == std::string_view::npos) return std::nullopt;
    for (std::size_t at = 1; at + 1 < end; ++at) {
      if (text[at] == '\\') ++at;
      value += text[at];
    }
    text.remove_prefix(end);
    return value;
  }
  while (!text.empty() && is_tchar(text.front())) {
    value += text.front();
    text.remove_prefix(1);
  }
  if (value.empty()) return std::nullopt;
  return value;
}

// RFC 7239 §4: forwarded-pair *( ";" forwarded-pair ). One of them must be "for".
std::optional<IpEndpoint> read_forwarded(std::string_view element) {
  std::optional<std::string> node;
  for (;;) {
    const std::size_t equals = element.find('=');
    if (equals == std::string_view::npos) return std::nullopt;
    const std::string_view name = element.substr(0, equals);
    if (name.empty() || !std::all_of(name.begin(), name.end(), is_tchar)) return std::nullopt;
    element.remove_prefix(equals + 1);
    auto value = take_value(element);
    if (!value) return std::nullopt;
    if (same_word(name, "for")) {
      if (node) return std::nullopt;  // §4: each parameter at most once
      node = std::move(value);
    }
    element = trim_blanks(element);
    if (element.empty()) break;
    if (element.front() != ';') return std::nullopt;
    element = trim_blanks(element.substr(1));
  }
  return node ? read_node(*node) : std::nullopt;
}

}  // namespace

std::optional<IpEndpoint> read_hop(std::string_view element, ForwardedField field) {
  if (field == ForwardedField::kForwarded) return read_forwarded(element);
  if (const auto endpoint = IpEndpoint::parse(element)) return endpoint;
  // Most proxies write an IPv6 address here without brackets.
  if (const auto address = IpAddress::parse(element)) return IpEndpoint{*address, std::nullopt};
  return std::nullopt;
}

std::optional<IpEndpoint> forwarded_client(const std::vector<HttpField>& fields,
                                           ForwardedField field, const TrustedProxies& trusted) {
  const bool forwarded = field == ForwardedField::kForwarded;
  const std::string_view name = forwarded ? "Forwarded" : "X-Forwarded-For";
  std::optional<IpEndpoint> client;
  std::size_t hops = 0;
  for (auto line = fields.rbegin(); line != fields.rend(); ++line) {
    if (!same_word(line->name, name)) continue;
    for (std::optional<std::string_view> rest = line->value; rest;) {
      const auto element = take_last(rest, forwarded);
      const auto hop = element ? read_hop(*element, field) : std::nullopt;
      if (!hop || ++hops > kMostHops) return client;
      client = hop;
      if (!trusted.trusts(hop->address)) return client;
    }
  }
  return client;
}

}  // namespace wsd::protocol
