#include "net/listener.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>

#include "net/address_overlap.h"

namespace wsd::net {
namespace {

struct AddrinfoFree {
  void operator()(addrinfo* list) const noexcept { ::freeaddrinfo(list); }
};

void set_option(int fd, int level, int name, int value) {
  static_cast<void>(::setsockopt(fd, level, name, &value, sizeof(value)));
}

int open_socket(int family) {
  return ::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

// Accepted connections inherit the options of their listening socket (tcp(7), socket(7)). This
// saves system calls per connection.
void set_inherited_options(int fd, int family, const ListenOptions& options) {
  if (options.send_buffer != 0) {
    set_option(fd, SOL_SOCKET, SO_SNDBUF, static_cast<int>(options.send_buffer));
  }
  if (family == AF_UNIX) return;
  set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  if (options.notsent_lowat != 0) {
    set_option(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, static_cast<int>(options.notsent_lowat));
  }
}

std::string cannot_listen(const std::string& what) { return "cannot listen on '" + what + "': "; }

std::string failure(const std::string& what, int error) {
  std::string text = cannot_listen(what) + std::strerror(error);
  if (error == EACCES)
    text += " (a port below 1024 needs CAP_NET_BIND_SERVICE: choose another port)";
  if (error == EADDRNOTAVAIL)
    text += " (this machine does not have that address: choose one that it has)";
  return text;
}

int option(int fd, int name) {
  int value = -1;
  socklen_t size = sizeof(value);
  static_cast<void>(::getsockopt(fd, SOL_SOCKET, name, &value, &size));
  return value;
}

// Returns the reason why `fd` cannot be a listening socket, or an empty string.
std::string adoption_error(int fd) {
  const std::string which = "cannot listen on descriptor " + std::to_string(fd) + ": ";
  struct stat status {};
  if (::fstat(fd, &status) != 0) return which + "it is not open";
  if (!S_ISSOCK(status.st_mode)) return which + "it is not a socket";
  if (option(fd, SO_TYPE) != SOCK_STREAM) {
    return which +
           "it is not a stream socket (in a systemd unit: ListenStream=, not ListenDatagram=)";
  }
  const int family = option(fd, SO_DOMAIN);
  if (family != AF_INET && family != AF_INET6 && family != AF_UNIX) {
    return which + "it is not an IPv4, IPv6 or Unix socket";
  }
  if (option(fd, SO_ACCEPTCONN) != 1) {
    return which +
           "it does not listen (in a systemd unit: Accept=no, which passes the listening socket)";
  }
  return {};
}

std::string describe(const ListenAddress& address) {
  const bool v6 = address.host.find(':') != std::string::npos;
  return (v6 ? "[" + address.host + "]" : address.host) + ":" + std::to_string(address.port);
}

}  // namespace

Listener::Listener(Listener&& other) noexcept { *this = std::move(other); }

Listener& Listener::operator=(Listener&& other) noexcept {
  std::swap(fds_, other.fds_);
  std::swap(name_, other.name_);
  std::swap(file_, other.file_);
  std::swap(sharing_, other.sharing_);
  return *this;
}

Listener::~Listener() { close(); }

std::string Listener::open(const ListenAddress& address, std::uint32_t pollers,
                           const ListenOptions& options) {
  std::string error = address.unix_socket ? open_unix(address, pollers, options)
                                          : open_tcp(address, pollers, options);
  if (!error.empty()) close();
  return error;
}

std::string Listener::open_tcp(const ListenAddress& address, std::uint32_t pollers,
                               const ListenOptions& options) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  addrinfo* found = nullptr;
  const int resolved = ::getaddrinfo(address.host.empty() ? nullptr : address.host.c_str(),
                                     std::to_string(address.port).c_str(), &hints, &found);
  if (resolved != 0) {
    return cannot_listen(describe(address)) + ::gai_strerror(resolved);
  }
  const std::unique_ptr<addrinfo, AddrinfoFree> list(found);
  sockaddr_storage at{};
  std::memcpy(&at, found->ai_addr, found->ai_addrlen);
  fds_.reserve(pollers);
  for (std::uint32_t i = 0; i < pollers; ++i) {
    const int fd = open_socket(found->ai_family);
    if (fd < 0) return failure(describe(address), errno);
    fds_.push_back(fd);
    set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    // The first socket binds without SO_REUSEPORT, so that a second server on the same port fails
    // instead of sharing the connections. It gets the option after bind(), before it listens.
    if (i > 0) set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
    // Explicit, so that [::] includes IPv4 whatever net.ipv6.bindv6only says.
    if (found->ai_family == AF_INET6) set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
    set_inherited_options(fd, found->ai_family, options);
    const auto* const bound = reinterpret_cast<const sockaddr*>(&at);
    if (::bind(fd, bound, found->ai_addrlen) != 0) {
      const int error = errno;
      if (error != EADDRINUSE) return failure(describe(address), error);
      return cannot_listen(describe(address)) + in_use_reason(bound);
    }
    if (i > 0) continue;
    if (pollers > 1) set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
    socklen_t size = sizeof(at);
    ::getsockname(fd, reinterpret_cast<sockaddr*>(&at), &size);  // bind() has replaced port 0
    name_ = bound_name(fd);
  }
  for (const int fd : fds_) {
    if (::listen(fd, options.backlog) != 0) return failure(name_, errno);
  }
  return {};
}

std::string Listener::open_unix(const ListenAddress& address, std::uint32_t pollers,
                                const ListenOptions& options) {
  fds_.reserve(pollers);
  const int fd = open_socket(AF_UNIX);
  if (fd < 0) return failure("unix:" + address.path, errno);
  fds_.push_back(fd);
  name_ = "unix:" + address.path;
  sharing_ = Sharing::kShared;
  set_inherited_options(fd, AF_UNIX, options);
  const std::string error =
      file_.bind_and_listen(fd, address.path, options.backlog, options.socket_file);
  return error.empty() ? share(pollers) : cannot_listen(name_) + error;
}

// Duplicates the first descriptor for every other poller.
std::string Listener::share(std::uint32_t pollers) {
  while (fds_.size() < pollers) {
    const int fd = ::fcntl(fds_.front(), F_DUPFD_CLOEXEC, 0);
    if (fd < 0) return failure(name_, errno);
    fds_.push_back(fd);
  }
  return {};
}

std::string Listener::adopt(int fd, std::uint32_t pollers, const ListenOptions& options) {
  if (std::string error = adoption_error(fd); !error.empty()) return error;
  fds_.reserve(pollers);
  sharing_ = Sharing::kAdopted;
  name_ = bound_name(fd);
  // Nonblocking: a poller that loses the race for a connection must not block.
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags < 0 || ::fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0 ||
      ::fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) {
    return failure(name_, errno);
  }
  set_inherited_options(fd, option(fd, SO_DOMAIN), options);
  fds_.push_back(fd);
  std::string error = share(pollers);
  if (error.empty()) return {};
  fds_.front() = -1;
  close();
  return error;
}

void Listener::close() noexcept {
  for (const int fd : fds_) {
    if (fd >= 0) ::close(fd);
  }
  fds_.clear();
  file_.remove();
}

}  // namespace wsd::net
