// The shape of addresses, origins and subprotocols, judged before anything is bound, so that
// --check-config finds what would fail at start.
#pragma once

#include <string>
#include <string_view>

namespace wsd::daemon {

// Each returns an empty string when `text` is well formed, else a clause that says what is wrong
// and how to mend it. None accepts whitespace, so any accepted text can stand in a configuration
// file.

// The sockets that a service manager passes, as an address to listen on.
inline constexpr std::string_view kSystemdAddress = "systemd";

// "HOST:PORT", "[V6]:PORT", ":PORT", "unix:PATH" or "systemd".
[[nodiscard]] std::string listen_address_error(std::string_view text);
// "*" or scheme "://" host [":" port] (RFC 6454 §6.2).
[[nodiscard]] std::string origin_error(std::string_view text);
// A token (RFC 6455 §4.1 item 10, RFC 9110 §5.6.2).
[[nodiscard]] std::string subprotocol_error(std::string_view text);

}  // namespace wsd::daemon
