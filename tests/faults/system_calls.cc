// The functions to which the linker's --wrap redirects the server's system calls.
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>

#include "faults/calls.h"
#include "faults/edge_tracker.h"
#include "faults/reactor_scheduler.h"

using wsd::faults::Call;
using wsd::faults::calls;
using wsd::faults::Fault;
using wsd::faults::ReactorScheduler;
using wsd::faults::Serving;
using wsd::faults::watch;

namespace {

// Counts the call. Returns the planned error, or 0 if the call must succeed.
int planned_error(Call call, int fd = -1) { return Serving::here() ? calls().next(call, fd) : 0; }

int failed(int error) {
  errno = error;
  return -1;
}

// After a false EAGAIN or a short count, the server waits for an edge that the kernel will not
// report.
void request_edge_after(int fd, int error) {
  if (error == EAGAIN || error == Fault::kShort) watch().request_edge(fd);
}

int peer_key(const sockaddr* address) {
  if (address->sa_family != AF_INET) return calls().next_unix_key();
  return ntohs(reinterpret_cast<const sockaddr_in*>(address)->sin_port);
}

}  // namespace

extern "C" {

ssize_t __real_wsd_recv(int fd, void* data, std::size_t size, int flags);
ssize_t __wrap_wsd_recv(int fd, void* data, std::size_t size, int flags) {
  const int error = planned_error(Call::kRecv, fd);
  request_edge_after(fd, error);
  if (error > 0) return failed(error);
  if (error == Fault::kShort) size = std::min<std::size_t>(size, 1);
  return __real_wsd_recv(fd, data, size, flags);
}

ssize_t __real_wsd_send(int fd, const void* data, std::size_t size, int flags);
ssize_t __wrap_wsd_send(int fd, const void* data, std::size_t size, int flags) {
  const int error = planned_error(Call::kSend, fd);
  if (error > 0) {
    request_edge_after(fd, error);
    return failed(error);
  }
  if (error == Fault::kShort) size = std::min<std::size_t>(size, 1);
  return __real_wsd_send(fd, data, size, flags);
}

ssize_t __real_sendmsg(int fd, const msghdr* message, int flags);
ssize_t __wrap_sendmsg(int fd, const msghdr* message, int flags) {
  const int error = planned_error(Call::kSendmsg, fd);
  if (error > 0) {
    request_edge_after(fd, error);
    return failed(error);
  }
  if (error != Fault::kShort || message->msg_iov->iov_len == 0) {
    return __real_sendmsg(fd, message, flags);
  }
  return __real_wsd_send(fd, message->msg_iov->iov_base, 1, flags);
}

int __real_accept4(int fd, sockaddr* address, socklen_t* size, int flags);
int __wrap_accept4(int fd, sockaddr* address, socklen_t* size, int flags) {
  const int error = planned_error(Call::kAccept);
  request_edge_after(fd, error);
  if (error > 0) return failed(error);
  const int accepted = __real_accept4(fd, address, size, flags);
  if (accepted >= 0 && Serving::here()) calls().accepted(accepted, peer_key(address));
  return accepted;
}

int __wrap_epoll_wait(int epoll, epoll_event* events, int max, int timeout) {
  return ReactorScheduler::wait(epoll, {events, static_cast<std::size_t>(max)}, timeout);
}

int __real_epoll_ctl(int epoll, int operation, int fd, epoll_event* event);
int __wrap_epoll_ctl(int epoll, int operation, int fd, epoll_event* event) {
  if (operation == EPOLL_CTL_ADD) {
    const int error = planned_error(Call::kEpollCtl, fd);
    if (error > 0) return failed(error);
  }
  const int result = __real_epoll_ctl(epoll, operation, fd, event);
  if (result == 0 && operation == EPOLL_CTL_ADD) watch().add(epoll, fd, *event);
  if (result == 0 && operation == EPOLL_CTL_DEL) watch().remove(fd);
  return result;
}

int __real_epoll_create1(int flags);
int __wrap_epoll_create1(int flags) {
  const int error = planned_error(Call::kEpollCreate);
  return error > 0 ? failed(error) : __real_epoll_create1(flags);
}

int __real_eventfd(unsigned initial, int flags);
int __wrap_eventfd(unsigned initial, int flags) {
  const int error = planned_error(Call::kEventfd);
  return error > 0 ? failed(error) : __real_eventfd(initial, flags);
}

ssize_t __real_write(int fd, const void* data, std::size_t size);
ssize_t __wrap_write(int fd, const void* data, std::size_t size) {
  const int error = planned_error(Call::kWrite);
  if (error == EAGAIN) {
    // EAGAIN from an eventfd means that its counter is full.
    const std::uint64_t full = ~std::uint64_t{0} - 1;
    static_cast<void>(__real_write(fd, &full, sizeof(full)));
  }
  return error > 0 ? failed(error) : __real_write(fd, data, size);
}

int __real_shutdown(int fd, int how);
int __wrap_shutdown(int fd, int how) {
  const int error = planned_error(Call::kShutdown, fd);
  return error > 0 ? failed(error) : __real_shutdown(fd, how);
}

int __real_setsockopt(int fd, int level, int name, const void* value, socklen_t size);
int __wrap_setsockopt(int fd, int level, int name, const void* value, socklen_t size) {
  const int error = planned_error(Call::kSetsockopt, fd);
  return error > 0 ? failed(error) : __real_setsockopt(fd, level, name, value, size);
}

// On Linux, close(2) has closed the descriptor even if it returns an error.
int __real_close(int fd);
int __wrap_close(int fd) {
  const int error = planned_error(Call::kClose, fd);
  if (Serving::here()) {
    watch().remove(fd);
    calls().closed(fd);
  }
  const int result = __real_close(fd);
  return error > 0 ? failed(error) : result;
}

int __real_socket(int family, int type, int protocol);
int __wrap_socket(int family, int type, int protocol) {
  const int error = planned_error(Call::kSocket);
  return error > 0 ? failed(error) : __real_socket(family, type, protocol);
}

int __real_bind(int fd, const sockaddr* address, socklen_t size);
int __wrap_bind(int fd, const sockaddr* address, socklen_t size) {
  const int error = planned_error(Call::kBind);
  return error > 0 ? failed(error) : __real_bind(fd, address, size);
}

int __real_listen(int fd, int backlog);
int __wrap_listen(int fd, int backlog) {
  const int error = planned_error(Call::kListen);
  return error > 0 ? failed(error) : __real_listen(fd, backlog);
}
}
