// The address and the protection of the admin listener.
#pragma once

#include <string>
#include <string_view>

namespace wsd::daemon {

struct AdminOptions {
  std::string address;     // as in --listen; empty: no admin listener
  std::string token_file;  // file with the required token; empty: no token is required
};

// Returns whether only this machine can reach `address`, which check_listen_address() accepts: a
// Unix socket, a loopback address (RFC 1122 §3.2.1.3, RFC 4291 §2.5.3), or "localhost".
[[nodiscard]] bool is_local_address(std::string_view address);

// Returns a sentence with the reason and the remedy if `options` are unsafe, else an empty string.
[[nodiscard]] std::string admin_options_error(const AdminOptions& options);

}  // namespace wsd::daemon
