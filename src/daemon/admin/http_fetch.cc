#include "daemon/admin/http_fetch.h"

#include <netdb.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <memory>
#include <string_view>
#include <system_error>

namespace wsd::daemon {
namespace {

constexpr std::size_t kMostBytes = std::size_t{8} << 20;

class Socket {
 public:
  Socket(int family, std::uint32_t timeout_ms)
      : fd_(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const timeval limit{timeout_ms / 1000, static_cast<suseconds_t>(timeout_ms % 1000) * 1000};
    for (const int option : {SO_RCVTIMEO, SO_SNDTIMEO}) {
      static_cast<void>(::setsockopt(fd_, SOL_SOCKET, option, &limit, sizeof(limit)));
    }
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  ~Socket() {
    if (fd_ >= 0) ::close(fd_);
  }

  [[nodiscard]] bool connect(const sockaddr* address, socklen_t size) const {
    return fd_ >= 0 && ::connect(fd_, address, size) == 0;
  }
  [[nodiscard]] bool send(std::string_view bytes) const {
    while (!bytes.empty()) {
      const ssize_t count = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (count < 0 && errno != EINTR) return false;
      if (count > 0) bytes.remove_prefix(static_cast<std::size_t>(count));
    }
    return true;
  }
  // Reads to the end of the stream. Returns false if it breaks off or exceeds the limit.
  [[nodiscard]] bool receive(std::string& all) const {
    std::array<char, 16'384> buffer{};
    while (all.size() < kMostBytes) {
      const ssize_t count = ::recv(fd_, buffer.data(), buffer.size(), 0);
      if (count == 0) return true;
      if (count < 0 && errno != EINTR) return false;
      if (count > 0) all.append(buffer.data(), static_cast<std::size_t>(count));
    }
    errno = EMSGSIZE;
    return false;
  }

 private:
  int fd_;
};

// Sends the request on a connected socket and reads the whole response.
Fetched exchange(const Socket& socket, const std::string& address, const std::string& target,
                 const std::string& token) {
  const auto failed = [&](const std::string& why) {
    return Fetched{
        0, {}, "the admin listener at " + address + " did not answer " + target + ": " + why};
  };
  std::string request = "GET " + target + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n";
  if (!token.empty()) request += "Authorization: Bearer " + token + "\r\n";
  std::string answer;
  if (!socket.send(request + "\r\n") || !socket.receive(answer)) {
    return failed(std::system_category().message(errno));
  }
  constexpr std::string_view kVersion = "HTTP/1.1 ";
  const std::size_t head = answer.find("\r\n\r\n");
  Fetched fetched;
  if (head == std::string::npos || !answer.starts_with(kVersion))
    return failed("the response is not HTTP");
  const char* const status = answer.data() + kVersion.size();
  std::from_chars(status, answer.data() + head, fetched.status);
  fetched.body = answer.substr(head + 4);
  return fetched;
}

}  // namespace

Fetched http_fetch(const std::string& address, const std::string& target, const std::string& token,
                   std::uint32_t timeout_ms) {
  const auto unreachable = [&](const std::string& why) {
    return Fetched{0,
                   {},
                   "cannot connect to an admin listener at " + address + ": " + why +
                       "; start wsd with --admin, or name its address"};
  };
  constexpr std::string_view kUnix = "unix:";
  if (address.starts_with(kUnix)) {
    sockaddr_un to{};
    to.sun_family = AF_UNIX;
    address.copy(to.sun_path, sizeof(to.sun_path) - 1, kUnix.size());
    const Socket socket(AF_UNIX, timeout_ms);
    if (!socket.connect(reinterpret_cast<const sockaddr*>(&to), sizeof(to))) {
      return unreachable(std::system_category().message(errno));
    }
    return exchange(socket, address, target, token);
  }
  const std::size_t colon = address.rfind(':');
  std::string host = address.substr(0, colon);
  if (host.starts_with('[')) host = host.substr(1, host.size() - 2);
  if (host.empty()) host = "localhost";
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int code = ::getaddrinfo(host.c_str(), address.substr(colon + 1).c_str(), &hints, &found);
  if (code != 0) return unreachable(::gai_strerror(code));
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owned(found, &::freeaddrinfo);
  for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
    const Socket socket(each->ai_family, timeout_ms);
    if (socket.connect(each->ai_addr, each->ai_addrlen)) {
      return exchange(socket, address, target, token);
    }
  }
  return unreachable(std::system_category().message(errno));
}

}  // namespace wsd::daemon
