// Flags for reverse proxies.
#include <wsd/check.h>

#include <array>

#include "daemon/config/flag_groups.h"

namespace wsd::daemon {
namespace {

constexpr std::array<Choice<ForwardedField>, 2> kForwardedFields = {{
    {"x-forwarded-for", ForwardedField::kXForwardedFor},
    {"forwarded", ForwardedField::kForwarded},
}};

constexpr std::array<Choice<bool>, 2> kSwitch = {{{"off", false}, {"on", true}}};

}  // namespace

Table proxy_flags() {
  return {
      list(
          "CIDR",
          {"trusted-proxy",
           "trust the client address that these proxies report: a network, an address, or unix for "
           "peers of Unix sockets"},
          &check_network, [](Options & o) -> auto& { return o.server.proxy.trusted; }),
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
