// The simulated system calls. The linker replaces NAME by __wrap_NAME (--wrap), so the server's
// source files are unchanged.
//
// The random words of the server, such as the keys of its hash tables, are replaced in the same
// way.
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdarg>
#include <cstring>
#include <ctime>
#include <string>
#include <vector>

#include "sim/allocation_faults.h"
#include "sim/kernel.h"
#include "sim/random_words.h"

using wsd::sim::AllocationFaults;
using wsd::sim::Kernel;

namespace {

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

void put_address(sockaddr* into, socklen_t* size, std::uint16_t port) {
  const sockaddr_in address = loopback(port);
  std::memcpy(into, &address, sizeof(address));
  *size = sizeof(address);
}

std::string text_of(const sockaddr* at, socklen_t size) {
  if (at->sa_family == AF_UNIX) {
    sockaddr_un address{};
    std::memcpy(&address, at, std::min<std::size_t>(size, sizeof(address)));
    return "unix:" + std::string(address.sun_path);
  }
  if (at->sa_family != AF_INET) wsd::sim::broken("connect to family %d", at->sa_family);
  sockaddr_in address{};
  std::memcpy(&address, at, sizeof(address));
  std::array<char, INET_ADDRSTRLEN> host{};
  ::inet_ntop(AF_INET, &address.sin_addr, host.data(), host.size());
  return std::string(host.data()) + ":" + std::to_string(ntohs(address.sin_port));
}

// The kernel of the run, during one call. Its own memory never runs out.
class KernelCall {
 public:
  Kernel* operator->() const noexcept { return &Kernel::current(); }

 private:
  AllocationFaults::Off off_;
};

}  // namespace

extern "C" {

int __wrap_socket(int, int, int) { return KernelCall()->socket(); }

int __wrap_bind(int fd, const sockaddr* at, socklen_t) {
  sockaddr_in address{};
  std::memcpy(&address, at, sizeof(address));
  return KernelCall()->bind(fd, ntohs(address.sin_port));
}

int __wrap_listen(int fd, int) { return KernelCall()->listen(fd); }

int __wrap_getsockname(int fd, sockaddr* into, socklen_t* size) {
  put_address(into, size, KernelCall()->port_of(fd));
  return 0;
}

int __wrap_setsockopt(int fd, int level, int name, const void*, socklen_t) {
  if (level == SOL_SOCKET && name == SO_LINGER) KernelCall()->set_linger_reset(fd);
  return 0;
}

// What Listener::adopt() asks about a socket that another process has passed, and SO_ERROR.
int __wrap_getsockopt(int fd, int level, int name, void* value, socklen_t* size) {
  if (level != SOL_SOCKET) wsd::sim::broken("getsockopt %d %d is not simulated", level, name);
  int answer = 0;
  if (name == SO_ERROR) answer = KernelCall()->take_error(fd);
  if (name == SO_TYPE) answer = SOCK_STREAM;
  if (name == SO_DOMAIN) answer = AF_INET;
  if (name == SO_ACCEPTCONN) answer = KernelCall()->listens(fd) ? 1 : 0;
  std::memcpy(value, &answer, sizeof(answer));
  *size = sizeof(answer);
  return 0;
}

int __wrap_fstat(int, struct stat* status) {
  status->st_mode = S_IFSOCK;
  return 0;
}

int __wrap_fcntl(int fd, int command, ...) {
  return command == F_DUPFD_CLOEXEC ? KernelCall()->dup(fd) : 0;
}

int __wrap_connect(int fd, const sockaddr* to, socklen_t size) {
  const AllocationFaults::Off off;
  return Kernel::current().connect_to(fd, text_of(to, size));
}

int __wrap_accept4(int fd, sockaddr* into, socklen_t* size, int) {
  std::uint16_t port = 0;
  const int accepted = KernelCall()->accept(fd, port);
  if (accepted >= 0) put_address(into, size, port);
  return accepted;
}

ssize_t __wrap_wsd_recv(int fd, void* into, size_t count, int) {
  return KernelCall()->receive(fd, static_cast<char*>(into), count);
}

ssize_t __wrap_wsd_send(int fd, const void* from, size_t count, int) {
  return KernelCall()->send(fd, {static_cast<const char*>(from), count});
}

ssize_t __wrap_sendmsg(int fd, const msghdr* message, int) {
  const AllocationFaults::Off off;
  std::string bytes;
  for (size_t i = 0; i < message->msg_iovlen; ++i) {
    bytes.append(static_cast<const char*>(message->msg_iov[i].iov_base),
                 message->msg_iov[i].iov_len);
  }
  return KernelCall()->send(fd, bytes);
}

int __wrap_shutdown(int fd, int) { return KernelCall()->shutdown_write(fd); }

int __wrap_ioctl(int fd, unsigned long request, ...) {
  if (request != SIOCOUTQ) wsd::sim::broken("ioctl %lu is not simulated", request);
  va_list arguments;
  va_start(arguments, request);
  *va_arg(arguments, int*) = KernelCall()->unacknowledged(fd);
  va_end(arguments);
  return 0;
}

int __wrap_close(int fd) { return KernelCall()->close(fd); }

int __wrap_eventfd(unsigned, int) { return KernelCall()->eventfd(); }

ssize_t __wrap_write(int fd, const void*, size_t) { return KernelCall()->signal(fd); }

int __wrap_epoll_create1(int) { return KernelCall()->epoll_create(); }

int __wrap_epoll_ctl(int epoll, int operation, int fd, epoll_event* event) {
  if (operation == EPOLL_CTL_DEL) return KernelCall()->epoll_remove(epoll, fd);
  return KernelCall()->epoll_add(epoll, fd, event->events, event->data.u64);
}

int __wrap_epoll_wait(int epoll, epoll_event* events, int most, int timeout) {
  const AllocationFaults::Off off;
  std::vector<Kernel::Event> ready(static_cast<size_t>(most));
  const int count = KernelCall()->epoll_wait(epoll, ready.data(), most, timeout);
  for (int i = 0; i < count; ++i) {
    events[i].events = ready[static_cast<size_t>(i)].events;
    events[i].data.u64 = ready[static_cast<size_t>(i)].data;
  }
  return count;
}

int __wrap_clock_gettime(clockid_t, timespec* now) {
  const std::uint64_t ms = KernelCall()->now_ms();
  now->tv_sec = static_cast<time_t>(ms / 1000);
  now->tv_nsec = static_cast<long>(ms % 1000) * 1'000'000;
  return 0;
}

// Every call of a run returns the same word until the run sets another one, because the order of
// the calls depends on the seeds that ran before: the hash key of the process is drawn once.
std::uint64_t __wrap_wsd_random_word() noexcept { return wsd::sim::random_word(); }
void __wrap_wsd_random_bytes(void* into, std::size_t size) noexcept {
  auto* const bytes = static_cast<std::uint8_t*>(into);
  for (std::size_t i = 0; i < size; ++i) {
    bytes[i] = static_cast<std::uint8_t>(wsd::sim::random_word() >> i % 8 * 8);
  }
}

}  // extern "C"
