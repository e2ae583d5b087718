// Where the daemon can be looked into, and by whom.
#pragma once

#include <string>
#include <string_view>

namespace wsd::daemon {

struct AdminOptions {
  std::string address;     // as in --listen; empty: nowhere
  std::string token_file;  // holds what callers must bring; empty: nothing is asked of them
};

// Whether only this machine can reach `address`, of the form that listen_address_error() accepts: a
// Unix socket, a loopback address (RFC 1122 §3.2.1.3, RFC 4291 §2.5.3), or "localhost".
[[nodiscard]] bool is_local_address(std::string_view address);

// Whether a Host field names this machine as only this machine can: such an address or "localhost",
// with a port or without. A page of another site whose name was made to lead here (DNS rebinding)
// brings that name.
[[nodiscard]] bool is_local_host(std::string_view host);

// A sentence that says why `options` must not be served, and how to mend that; or empty.
[[nodiscard]] std::string admin_options_error(const AdminOptions& options);

}  // namespace wsd::daemon
