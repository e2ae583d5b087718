// The settings of the daemon as values. The flag table defines how an operator writes them.
#pragma once

#include <wsd/options.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/config/admin_options.h"

namespace wsd::daemon {

// Stands in `listen` for all sockets passed by systemd.
inline constexpr std::string_view kSystemdAddress = "systemd";

// Authentication of clients.
struct AuthOptions {
  std::string file;  // its format is in auth_file.h; empty: all clients are allowed
  std::string cookie = "wsd_token";
  bool revoke_on_reload = false;  // a reload ends connections whose token or right is gone
};

// The clients that may publish to rooms over HTTP.
enum class PublishMode : std::uint8_t { kOff, kLoopback, kToken };

// All settings of the daemon. A default-constructed value holds the defaults.
struct DaemonOptions {
  std::vector<std::string> listen = {"127.0.0.1:9001"};  // addresses, or kSystemdAddress
  ServerOptions server;
  AuthOptions auth = {};
  AdminOptions admin = {};
  PublishMode publish = PublishMode::kOff;
  std::string publish_token_file;    // empty: no token allows publishing
  std::string engine_password_file;  // empty: the engine needs no password
};

}  // namespace wsd::daemon
