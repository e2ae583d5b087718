#include "daemon/config/address_syntax.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <algorithm>
#include <cstddef>

#include "daemon/text/strings.h"
#include "daemon/text/units.h"

namespace wsd::daemon {
namespace {

constexpr std::string_view kUnixPrefix = "unix:";
constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
constexpr std::string_view kDigits = "0123456789";
constexpr std::string_view kTokenMarks = "!#$%&'*+-.^_`|~";
constexpr std::size_t kUnixPathMax = sizeof(sockaddr_un::sun_path) - 1;  // it ends with a NUL
constexpr std::uint64_t kPortMax = 65'535;

bool is_one_of(char c, std::string_view set) { return set.find(c) != std::string_view::npos; }

bool has_space_or_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte <= 0x20 || byte == 0x7f;
  });
}

bool is_ipv6(std::string_view text) {
  in6_addr address{};
  return inet_pton(AF_INET6, std::string(text).c_str(), &address) == 1;
}

std::string unix_path_error(std::string_view text, std::string_view path) {
  if (path.empty()) return quote(text) + " has no path; write one, as in unix:/run/wsd.sock";
  if (path.size() > kUnixPathMax) {
    return quote(text) + " has a path of " + std::to_string(path.size()) +
           " bytes; use a shorter one, the limit is " + std::to_string(kUnixPathMax);
  }
  return {};
}

// `host` as between "://" or the start and ":port"; empty is for the caller to judge.
std::string host_error(std::string_view text, std::string_view host) {
  if (host.starts_with('[')) {
    if (!host.ends_with(']') || !is_ipv6(host.substr(1, host.size() - 2))) {
      return quote(text) +
             " has no valid IPv6 address between its brackets; write one, as in [::1]:9001";
    }
    return {};
  }
  const bool clean = std::all_of(host.begin(), host.end(), [](char c) {
    return is_one_of(c, kLetters) || is_one_of(c, kDigits) || is_one_of(c, "-._");
  });
  if (clean) return {};
  return quote(text) + " has a host that is neither a name nor an address" +
         (is_one_of(':', host) ? "; write an IPv6 address in brackets, as in [::1]:9001"
                               : "; write one, such as localhost or 127.0.0.1");
}

std::string port_error(std::string_view text, std::string_view port) {
  if (parse_count(port, kPortMax).ok()) return {};
  return quote(text) + " has no valid port after its last colon; write a number from 0 to 65535";
}

}  // namespace

std::string listen_address_error(std::string_view text) {
  if (text == kSystemdAddress) return {};
  if (has_space_or_control(text))
    return quote(text) + " contains a space or a control byte; remove it";
  if (text.starts_with(kUnixPrefix)) {
    return unix_path_error(text, text.substr(kUnixPrefix.size()));
  }
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || text.ends_with(']')) {
    return quote(text) + " has no port; write HOST:PORT, [V6]:PORT, :PORT or unix:PATH";
  }
  std::string host(text.substr(0, colon));
  // A link-local address is bound in a zone (RFC 4007 §11): [fe80::1%eth0].
  const std::size_t zone = host.find('%');
  if (host.starts_with('[') && host.ends_with(']') && zone < host.size() - 2) {
    host.erase(zone, host.size() - 1 - zone);
  }
  if (std::string error = host_error(text, host); !error.empty()) return error;
  return port_error(text, text.substr(colon + 1));
}

std::string origin_error(std::string_view text) {
  if (text == "*") return {};
  const std::size_t mark = text.find("://");
  const bool has_scheme =
      mark != std::string_view::npos && mark > 0 && is_one_of(text.front(), kLetters) &&
      std::all_of(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(mark), [](char c) {
        return is_one_of(c, kLetters) || is_one_of(c, kDigits) || is_one_of(c, "+-.");
      });
  if (!has_scheme) {
    return quote(text) +
           " is not an origin; write SCHEME://HOST[:PORT], such as "
           "https://app.example.com, or * for all origins";
  }
  const std::string_view authority = text.substr(mark + 3);
  if (authority.find_first_of("?#@") != std::string_view::npos) {
    return quote(text) +
           " has more parts than an origin may have; keep only the scheme, the host and the port";
  }
  if (is_one_of('/', authority)) {
    return quote(text) + " has a path, which an origin must not have; write " +
           quote(text.substr(0, mark + 3 + authority.find('/')));
  }
  const std::size_t colon = authority.rfind(':');
  const bool has_port = colon != std::string_view::npos && !authority.ends_with(']');
  std::string_view host = has_port ? authority.substr(0, colon) : authority;
  if (host.empty()) return quote(text) + " has no host; write one, as in https://app.example.com";
  if (has_port && is_one_of('*', authority.substr(colon))) {
    return quote(text) + " has a wildcard as its port; list each origin with its port";
  }
  const bool subdomains = host.starts_with("*.");
  if (subdomains) host.remove_prefix(2);
  if (is_one_of('*', host)) {
    return quote(text) +
           " has a wildcard in a place where none is allowed; write https://*.example.com for all "
           "subdomains of example.com, or * alone for all origins";
  }
  const std::string_view label = host.substr(host.rfind('.') + 1);
  const bool number = label.find_first_not_of(kDigits) == std::string_view::npos;
  if (subdomains && (host.starts_with('.') || host.starts_with('[') || number)) {
    return quote(text) +
           " has no domain after its wildcard; write one, as in https://*.example.com";
  }
  if (std::string error = host_error(text, host); !error.empty()) return error;
  return has_port ? port_error(text, authority.substr(colon + 1)) : std::string{};
}

std::string subprotocol_error(std::string_view text) {
  const bool token = !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return is_one_of(c, kLetters) || is_one_of(c, kDigits) || is_one_of(c, kTokenMarks);
  });
  if (token) return {};
  return quote(text) + " is not a subprotocol; write a name of letters, digits and " +
         std::string(kTokenMarks);
}

}  // namespace wsd::daemon
