// Compares host names: those of origins, and the Host field as a protection from DNS rebinding.
//
// DNS rebinding: an attacker's page makes its own host name resolve to the address of a server that
// only the browser can reach. The browser then takes the server for the page's own origin. Only the
// Host field (RFC 9110 §7.2) shows that the request was meant for another server.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace wsd::protocol {

// Returns whether `host`, the value of a Host field with or without a port, names the loopback
// interface: localhost or a name below it (RFC 6761 §6.3), 127.0.0.0/8 (RFC 1122 §3.2.1.3), or ::1
// (RFC 4291 §2.5.3).
[[nodiscard]] bool is_loopback_host(std::string_view host) noexcept;

// Returns whether `host`, as above, is a loopback host or matches an entry of `allowed`. An entry
// is a name or an address without a port, "*.example.com" for every host with one or more labels
// before ".example.com", or "*" for every host. Case does not matter (RFC 3986 §3.2.2).
[[nodiscard]] bool host_allowed(std::string_view host,
                                const std::vector<std::string>& allowed) noexcept;

// Returns a text that tells a client why its Host was rejected, and the operator the remedy: the
// names of the options for allowed hosts and for trusted proxies.
[[nodiscard]] std::string host_refusal(std::string_view host, std::string_view hosts_option,
                                       std::string_view proxies_option);

// Returns whether `text` may be an entry of an allow list, as host_allowed() describes it.
[[nodiscard]] bool is_host_pattern(std::string_view text) noexcept;

// Returns whether `host`, which has no port, equals `pattern`, or matches it if it begins with
// "*.". Case does not matter.
[[nodiscard]] bool host_matches(std::string_view host, std::string_view pattern) noexcept;

// Returns whether a host may stand in an allow list: it has no "*", except as "*." before a domain.
// An address has no subdomains.
[[nodiscard]] bool is_listable_host(std::string_view host) noexcept;

// Appends `text` in quotes for people to read. Bytes that are not printable ASCII become \xNN, and
// everything after 128 bytes is left out.
void append_quoted(std::string& out, std::string_view text);

}  // namespace wsd::protocol
