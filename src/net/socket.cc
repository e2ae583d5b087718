#include "net/socket.h"

#include <linux/sockios.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

namespace wsd::net {
namespace {

IoStatus status_of(int error) noexcept {
  switch (error) {
    case EAGAIN:
#if EWOULDBLOCK != EAGAIN
    case EWOULDBLOCK:
#endif
      return IoStatus::kAgain;
    case ENOBUFS:
    case ENOMEM:
      return IoStatus::kNoBuffers;
    default:
      return IoStatus::kGone;
  }
}

}  // namespace

IoResult receive_again(ssize_t count, int fd, MutableBytes into) noexcept {
  for (;;) {
    if (count > 0) return {IoStatus::kOk, static_cast<std::size_t>(count)};
    if (count == 0) return {IoStatus::kEof, 0};
    if (errno != EINTR) return {status_of(errno), 0};
    count = wsd_recv(fd, into.data(), into.size(), 0);
  }
}

IoResult send_again(int fd, Bytes bytes) noexcept {
  while (errno == EINTR) {
    const ssize_t count = wsd_send(fd, bytes.data(), bytes.size(), kSendFlags);
    if (count >= 0) return {IoStatus::kOk, static_cast<std::size_t>(count)};
  }
  return {status_of(errno), 0};
}

IoResult send_pieces(int fd, std::span<iovec> pieces) noexcept {
  msghdr message{};
  message.msg_iov = pieces.data();
  message.msg_iovlen = pieces.size();
  for (;;) {
    const ssize_t count = ::sendmsg(fd, &message, kSendFlags);
    if (count >= 0) return {IoStatus::kOk, static_cast<std::size_t>(count)};
    if (errno != EINTR) return {status_of(errno), 0};
  }
}

AcceptResult accept_connection(int listener) noexcept {
  AcceptResult result;
  for (;;) {
    socklen_t size = sizeof(result.peer.storage);
    result.fd = ::accept4(listener, reinterpret_cast<sockaddr*>(&result.peer.storage), &size,
                          SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (result.fd >= 0) {
      result.status = AcceptStatus::kOk;
      return result;
    }
    switch (errno) {
      case EINTR:
        continue;
      case EAGAIN:
        result.status = AcceptStatus::kAgain;
        return result;
      case EMFILE:
      case ENFILE:
      case ENOBUFS:
      case ENOMEM:
        result.status = AcceptStatus::kNoResources;
        return result;
      case EBADF:
      case EINVAL:
      case ENOTSOCK:
        result.status = AcceptStatus::kBroken;
        return result;
      default:
        // Network errors that are pending on the new socket, and rejections by a packet filter.
        result.status = AcceptStatus::kNext;
        return result;
    }
  }
}

std::size_t unacknowledged_bytes(int fd) noexcept {
  int bytes = 0;  // tcp(7), unix(7): an int
  if (::ioctl(fd, SIOCOUTQ, &bytes) != 0 || bytes < 0) return 0;
  return static_cast<std::size_t>(bytes);
}

void shutdown_write(int fd) noexcept { static_cast<void>(::shutdown(fd, SHUT_WR)); }

void reset_on_close(int fd) noexcept {
  const linger now{1, 0};
  static_cast<void>(::setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now)));
}

// On Linux, close(2) releases the descriptor even if it returns an error, including EINTR.
void close_socket(int fd) noexcept { static_cast<void>(::close(fd)); }

int make_wake_fd() noexcept { return ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC); }

void signal_wake_fd(int fd) noexcept {
  const std::uint64_t one = 1;
  while (::write(fd, &one, sizeof(one)) < 0) {
    if (errno == EINTR) continue;
    // The count is full. Reading it makes room for the write that causes the edge.
    std::uint64_t count = 0;
    if (errno != EAGAIN || (::read(fd, &count, sizeof(count)) < 0 && errno != EINTR)) return;
  }
}

}  // namespace wsd::net
