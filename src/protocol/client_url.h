// The URLs that a client connects to (RFC 6455 §3).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace wsd::protocol {

// The parts of a URL. Exactly one of `host` and `socket` is not empty.
struct ClientUrl {
  std::string host;  // a name or an address, without brackets
  std::uint16_t port = 80;
  std::string socket;     // the path of a Unix socket
  std::string authority;  // for the Host field (RFC 9110 §7.2)
  std::string target;     // the request target, with the query; begins with '/'

  // Returns the target without its query.
  [[nodiscard]] std::string_view path() const noexcept {
    return std::string_view(target).substr(0, target.find('?'));
  }
};

// Parses ws://HOST[:PORT][/PATH][?QUERY], and ws+unix:/SOCKET[:/PATH][?QUERY], in which "ws+" may
// be missing. Returns an empty string and fills `url`, or returns a sentence that names the text
// and the rule. A sentence has at most the part of the text before its query, which may hold a
// token.
[[nodiscard]] std::string parse_client_url(std::string_view text, ClientUrl& url);

}  // namespace wsd::protocol
