#include "daemon/config/admin_options.h"

#include <arpa/inet.h>
#include <netinet/in.h>

namespace wsd::daemon {

bool is_local_address(std::string_view address) {
  if (address.starts_with("unix:")) return true;
  std::string host(address.substr(0, address.rfind(':')));
  if (host == "localhost") return true;
  if (host.starts_with('[') && host.ends_with(']')) {
    in6_addr v6{};
    host = host.substr(1, host.size() - 2);
    return inet_pton(AF_INET6, host.c_str(), &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
  }
  in_addr v4{};
  constexpr unsigned kLoopbackNet = 127;
  return inet_pton(AF_INET, host.c_str(), &v4) == 1 && ntohl(v4.s_addr) >> 24 == kLoopbackNet;
}

std::string admin_options_error(const AdminOptions& options) {
  const bool served = !options.address.empty();
  if (!served || !options.token_file.empty() || is_local_address(options.address)) return {};
  return "--admin " + options.address +
         " can be reached from other machines and requires no token, so anyone could list and "
         "close "
         "connections: set --admin-token-file, or use an address on 127.0.0.1 or a Unix socket";
}

}  // namespace wsd::daemon
