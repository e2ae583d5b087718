// Proxies in front, and what is believed of what they say.
#include <array>
#include <string>
#include <string_view>

#include "daemon/config/flag_groups.h"

namespace wsd::daemon {
namespace {

constexpr std::array<Choice<ForwardedField>, 2> kForwardedFields = {{
    {"x-forwarded-for", ForwardedField::kXForwardedFor},
    {"forwarded", ForwardedField::kForwarded},
}};

constexpr std::array<Choice<bool>, 2> kSwitch = {{{"off", false}, {"on", true}}};

// What a network looks like from afar; the server judges it.
std::string network_error(std::string_view value) {
  constexpr std::string_view kOfNetworks = "0123456789abcdefABCDEF.:/unix";
  if (!value.empty() && value.find_first_not_of(kOfNetworks) == std::string_view::npos) return {};
  return quote(value) +
         " is not a network: write 10.0.0.0/8, 2001:db8::/32, an address, or unix for peers of "
         "Unix "
         "sockets";
}

}  // namespace

Table proxy_flags() {
  return {
      list(
          "CIDR",
          {"trusted-proxy",
           "trust the client address that these proxies report: a network, an address, or unix for "
           "peers of Unix sockets"},
          &network_error, [](Options & o) -> auto& { return o.server.proxy.trusted; }),
      choice(
          "FIELD",
          {"forwarded-field",
           "header field that those proxies set: x-forwarded-for or forwarded (RFC 7239)"},
          kForwardedFields, [](Options & o) -> auto& { return o.server.proxy.field; }),
      choice(
          "MODE",
          {"proxy-protocol",
           "on requires a PROXY protocol header (version 1 or 2) from a trusted proxy on every "
           "connection and ignores --forwarded-field"},
          kSwitch, [](Options & o) -> auto& { return o.server.proxy.proxy_protocol; }),
  };
}

}  // namespace wsd::daemon
