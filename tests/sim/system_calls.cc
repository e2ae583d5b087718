// The simulated system calls. The linker replaces NAME by __wrap_NAME (--wrap), so the server's
// source files are unchanged.
//
// Two functions of the server are replaced in the same way. The key of its hash tables must come
// from the seed. The place where a room orders its messages is observed.
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include <cerrno>
#include <cstdarg>
#include <cstring>
#include <ctime>
#include <string>
#include <vector>

#include "base/shared_bytes.h"
#include "hub/room_home.h"
#include "sim/delaying_log.h"
#include "sim/kernel.h"
#include "sim/room_log.h"

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

}  // namespace

extern "C" {

int __wrap_socket(int, int, int) { return Kernel::current().socket(); }

int __wrap_bind(int fd, const sockaddr* at, socklen_t) {
  sockaddr_in address{};
  std::memcpy(&address, at, sizeof(address));
  return Kernel::current().bind(fd, ntohs(address.sin_port));
}

int __wrap_listen(int fd, int) { return Kernel::current().listen(fd); }

int __wrap_getsockname(int fd, sockaddr* into, socklen_t* size) {
  put_address(into, size, Kernel::current().port_of(fd));
  return 0;
}

int __wrap_setsockopt(int fd, int level, int name, const void*, socklen_t) {
  if (level == SOL_SOCKET && name == SO_LINGER) Kernel::current().set_linger_reset(fd);
  return 0;
}

// What Listener::adopt() asks about a socket that another process has passed.
int __wrap_getsockopt(int fd, int level, int name, void* value, socklen_t* size) {
  if (level != SOL_SOCKET) wsd::sim::broken("getsockopt %d %d is not simulated", level, name);
  int answer = 0;
  if (name == SO_TYPE) answer = SOCK_STREAM;
  if (name == SO_DOMAIN) answer = AF_INET;
  if (name == SO_ACCEPTCONN) answer = Kernel::current().listens(fd) ? 1 : 0;
  std::memcpy(value, &answer, sizeof(answer));
  *size = sizeof(answer);
  return 0;
}

int __wrap_fstat(int, struct stat* status) {
  status->st_mode = S_IFSOCK;
  return 0;
}

int __wrap_fcntl(int fd, int command, ...) {
  return command == F_DUPFD_CLOEXEC ? Kernel::current().dup(fd) : 0;
}

int __wrap_accept4(int fd, sockaddr* into, socklen_t* size, int) {
  std::uint16_t port = 0;
  const int accepted = Kernel::current().accept(fd, port);
  if (accepted >= 0) put_address(into, size, port);
  return accepted;
}

ssize_t __wrap_wsd_recv(int fd, void* into, size_t count, int) {
  return Kernel::current().receive(fd, static_cast<char*>(into), count);
}

ssize_t __wrap_wsd_send(int fd, const void* from, size_t count, int) {
  return Kernel::current().send(fd, {static_cast<const char*>(from), count});
}

ssize_t __wrap_sendmsg(int fd, const msghdr* message, int) {
  std::string bytes;
  for (size_t i = 0; i < message->msg_iovlen; ++i) {
    bytes.append(static_cast<const char*>(message->msg_iov[i].iov_base),
                 message->msg_iov[i].iov_len);
  }
  return Kernel::current().send(fd, bytes);
}

int __wrap_shutdown(int fd, int) { return Kernel::current().shutdown_write(fd); }

int __wrap_ioctl(int fd, unsigned long request, ...) {
  if (request != SIOCOUTQ) wsd::sim::broken("ioctl %lu is not simulated", request);
  va_list arguments;
  va_start(arguments, request);
  *va_arg(arguments, int*) = Kernel::current().unacknowledged(fd);
  va_end(arguments);
  return 0;
}

int __wrap_close(int fd) { return Kernel::current().close(fd); }

int __wrap_eventfd(unsigned, int) { return Kernel::current().eventfd(); }

ssize_t __wrap_write(int fd, const void*, size_t) { return Kernel::current().signal(fd); }

int __wrap_epoll_create1(int) { return Kernel::current().epoll_create(); }

int __wrap_epoll_ctl(int epoll, int operation, int fd, epoll_event* event) {
  if (operation == EPOLL_CTL_DEL) return Kernel::current().epoll_remove(epoll, fd);
  return Kernel::current().epoll_add(epoll, fd, event->events, event->data.u64);
}

int __wrap_epoll_wait(int epoll, epoll_event* events, int most, int timeout) {
  std::vector<Kernel::Event> ready(static_cast<size_t>(most));
  const int count = Kernel::current().epoll_wait(epoll, ready.data(), most, timeout);
  for (int i = 0; i < count; ++i) {
    events[i].events = ready[static_cast<size_t>(i)].events;
    events[i].data.u64 = ready[static_cast<size_t>(i)].data;
  }
  return count;
}

int __wrap_clock_gettime(clockid_t, timespec* now) {
  const std::uint64_t ms = Kernel::current().now_ms();
  now->tv_sec = static_cast<time_t>(ms / 1000);
  now->tv_nsec = static_cast<long>(ms % 1000) * 1'000'000;
  return 0;
}

// The keys of the hash tables and of the Pings. Every call returns the same word, because the order
// of the calls depends on the seeds that ran before.
std::uint64_t __wrap_wsd_random_word() noexcept { return 0x0F0E0D0C0B0A0908; }

void __real_wsd_append_to_room(wsd::hub::RoomHome* home, wsd::SharedBytes* frame,
                               std::uint64_t cost, wsd::Tick now);
void __wrap_wsd_append_to_room(wsd::hub::RoomHome* home, wsd::SharedBytes* frame,
                               std::uint64_t cost, wsd::Tick now) {
  wsd::sim::RoomLog::current().append(home->name(), frame->bytes());
  if (auto* const log = wsd::sim::DelayingLog::current()) log->check_order(*home, *frame);
  __real_wsd_append_to_room(home, frame, cost, now);
}

}  // extern "C"
