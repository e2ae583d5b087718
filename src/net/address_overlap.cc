#include "net/address_overlap.h"

#include <netinet/in.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "net/address.h"

namespace wsd::net {
namespace {

const sockaddr* as_address(const sockaddr_storage& storage) {
  return reinterpret_cast<const sockaddr*>(&storage);
}
const sockaddr_in& as_v4(const sockaddr* at) { return *reinterpret_cast<const sockaddr_in*>(at); }
const sockaddr_in6& as_v6(const sockaddr* at) { return *reinterpret_cast<const sockaddr_in6*>(at); }

in_port_t port_of(const sockaddr* at) {
  if (at->sa_family == AF_INET) return as_v4(at).sin_port;
  return at->sa_family == AF_INET6 ? as_v6(at).sin6_port : in_port_t{0};
}

bool is_unspecified(const sockaddr* at) {
  if (at->sa_family == AF_INET) return as_v4(at).sin_addr.s_addr == htonl(INADDR_ANY);
  return IN6_IS_ADDR_UNSPECIFIED(&as_v6(at).sin6_addr);
}

// `v4` and `v6` have different families.
bool overlap_across(const sockaddr* v4, const sockaddr* v6, bool v6_only) {
  if (v6_only) return false;
  const in6_addr& address = as_v6(v6).sin6_addr;
  if (IN6_IS_ADDR_UNSPECIFIED(&address)) return true;
  if (!IN6_IS_ADDR_V4MAPPED(&address)) return false;
  constexpr std::size_t kMappedAt = 12;
  return is_unspecified(v4) ||
         std::memcmp(&address.s6_addr[kMappedAt], &as_v4(v4).sin_addr, sizeof(in_addr)) == 0;
}

bool same_file(const sockaddr* a, const sockaddr* b) {
  struct stat first {};
  struct stat second {};
  return ::lstat(reinterpret_cast<const sockaddr_un*>(a)->sun_path, &first) == 0 &&
         ::lstat(reinterpret_cast<const sockaddr_un*>(b)->sun_path, &second) == 0 &&
         first.st_dev == second.st_dev && first.st_ino == second.st_ino;
}

int option(int fd, int level, int name) {
  int value = 0;
  socklen_t size = sizeof(value);
  return ::getsockopt(fd, level, name, &value, &size) == 0 ? value : 0;
}

bool overlaps_socket(const sockaddr* at, int fd) {
  if (option(fd, SOL_SOCKET, SO_ACCEPTCONN) == 0) return false;
  sockaddr_storage storage{};
  socklen_t size = sizeof(storage);
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &size) != 0) return false;
  const sockaddr* const bound = as_address(storage);
  if (at->sa_family == AF_UNIX) return bound->sa_family == AF_UNIX && same_file(at, bound);
  const bool v6_only = bound->sa_family == AF_INET6 && option(fd, IPPROTO_IPV6, IPV6_V6ONLY) != 0;
  return overlap(at, false, bound, v6_only);
}

}  // namespace

bool overlap(const sockaddr* a, bool a_v6_only, const sockaddr* b, bool b_v6_only) {
  if (port_of(a) == 0 || port_of(a) != port_of(b)) return false;
  if (a->sa_family != b->sa_family) {
    return a->sa_family == AF_INET ? overlap_across(a, b, b_v6_only)
                                   : overlap_across(b, a, a_v6_only);
  }
  if (is_unspecified(a) || is_unspecified(b)) return true;
  if (a->sa_family == AF_INET) return as_v4(a).sin_addr.s_addr == as_v4(b).sin_addr.s_addr;
  return IN6_ARE_ADDR_EQUAL(&as_v6(a).sin6_addr, &as_v6(b).sin6_addr);
}

std::string bound_name(int fd) {
  PeerAddress bound;
  socklen_t size = sizeof(bound.storage);
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&bound.storage), &size);
  if (bound.storage.ss_family != AF_UNIX) return format_peer(bound);
  const auto& at = reinterpret_cast<const sockaddr_un&>(bound.storage);
  std::string path(at.sun_path, size - offsetof(sockaddr_un, sun_path));
  if (path.starts_with('\0')) {
    path.front() = '@';  // abstract (unix(7)): all bytes belong to the name
  } else {
    path.erase(std::min(path.find('\0'), path.size()));
  }
  return "unix:" + path;
}

std::vector<std::string> own_overlaps(const sockaddr* at) {
  std::vector<std::string> names;
  std::error_code error;
  std::filesystem::directory_iterator entries("/proc/self/fd", error);
  for (const std::filesystem::directory_iterator end; !error && entries != end;
       entries.increment(error)) {
    const std::string number = entries->path().filename().string();
    int fd = -1;
    std::from_chars(number.data(), number.data() + number.size(), fd);
    if (fd < 0 || !overlaps_socket(at, fd)) continue;
    std::string name = bound_name(fd);
    if (std::find(names.begin(), names.end(), name) == names.end())
      names.push_back(std::move(name));
  }
  return names;
}

std::string in_use_reason(const sockaddr* at) {
  const std::vector<std::string> own = own_overlaps(at);
  if (own.empty()) return "another process listens there (stop it, or choose another address)";
  std::string names;
  for (const std::string& each : own) {
    if (!names.empty()) names += " and ";
    names += "'" + each + "'";
  }
  std::string reason = "this process itself listens on " + names + ", which overlaps";
  reason += " (remove one of these addresses, or change a port";
  if (at->sa_family != AF_UNIX) reason += "; [::] includes every IPv4 address";
  return reason + ")";
}

}  // namespace wsd::net
