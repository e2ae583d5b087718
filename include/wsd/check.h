// Checks of texts that operators and clients write, for applications with settings or an HTTP
// interface of their own.
//
// Each check_ function returns an empty string if the text is valid. Otherwise it returns a clause
// that names the value, the broken rule and the remedy. The value is quoted, escaped to printable
// ASCII and cut after 80 bytes, so the clause can go to a terminal. No check accepts spaces or
// control bytes. A function that returns a text may throw std::bad_alloc.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace wsd {

// Checks an address for Server::listen(): HOST:PORT, [V6]:PORT, :PORT or unix:PATH. An IPv6 address
// may have a zone (RFC 4007 §11). Resolves no name and opens no socket. Any thread.
[[nodiscard]] std::string check_listen_address(std::string_view text);

// Checks an entry of UpgradeOptions::allowed_origins: "*", "null", "file://", or
// SCHEME://HOST[:PORT] (RFC 6454 §6.2), in which HOST may be "*." before a domain. Any thread.
[[nodiscard]] std::string check_origin(std::string_view text);

// Checks an entry of HttpOptions::allowed_hosts. Any thread.
[[nodiscard]] std::string check_host(std::string_view text);

// Checks an entry of ProxyOptions::trusted: a network, an address, or "unix". Any thread.
[[nodiscard]] std::string check_network(std::string_view text);

// Checks an entry of UpgradeOptions::subprotocols, which must be a token (RFC 6455 §4.1 item 10,
// RFC 9110 §5.6.2). Any thread.
[[nodiscard]] std::string check_subprotocol(std::string_view text);

// Names an option, as ServerOptions::option_name does.
using OptionName = std::function<std::string(std::string_view field)>;

// Checks EngineOptions::url. Connects to nothing. A text with a password is not quoted.
// `option_name` names the other options of the engine. Any thread.
[[nodiscard]] std::string check_engine_url(std::string_view text,
                                           const OptionName& option_name = {});

// Checks EngineOptions::prefix: at most 64 bytes without {, }, %, spaces and control bytes. Any
// thread.
[[nodiscard]] std::string check_engine_prefix(std::string_view text);

// Checks a pattern for Server::route() and Server::http(): a path (RFC 3986 §3.3) in which "{name}"
// may stand for a whole segment, and "{name...}" for the last ones. A pattern that no request can
// match is an error. Does not know which patterns were added before. Any thread.
[[nodiscard]] std::string check_route_pattern(std::string_view pattern);

// Decodes every percent-encoded byte of `text` (RFC 3986 §2.1) and leaves all other bytes as they
// are, "+" too. Returns std::nullopt if two hexadecimal digits do not follow a "%". Any thread.
[[nodiscard]] std::optional<std::string> percent_decode(std::string_view text);

// Decodes a segment of a path as Request::param() does: like percent_decode(), but a "%" that two
// hexadecimal digits do not follow stays as it is, because browsers send such a "%" for itself
// (WHATWG URL §1.3). Any thread.
[[nodiscard]] std::string decode_segment(std::string_view segment);

// Returns whether `host`, the value of Request::host(), is a loopback host: localhost, *.localhost,
// 127.0.0.0/8 or [::1], with or without a port. In an attack by DNS rebinding it is the attacker's
// host name instead. Any thread.
[[nodiscard]] bool is_loopback_host(std::string_view host) noexcept;

// Returns whether `text` is well-formed UTF-8 (RFC 3629 §4). Any thread.
[[nodiscard]] bool is_utf8(std::string_view text) noexcept;

}  // namespace wsd
