// The system calls on sockets, one function each. The simulation replaces them at link time.
//
// Descriptors are plain ints that the caller owns. These functions retry on EINTR.
#pragma once

#include <sys/socket.h>
#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/bytes.h"
#include "net/address.h"
#include "net/system_calls.h"

namespace wsd::net {

enum class IoStatus : std::uint8_t {
  kOk,         // `bytes` were transferred
  kAgain,      // not ready: wait for readiness
  kEof,        // the peer has ended its direction
  kGone,       // the connection is dead: ECONNRESET, EPIPE, ETIMEDOUT and the like
  kNoBuffers,  // the kernel is out of memory: try again later, because no readiness will come
};

// MSG_NOSIGNAL: a broken connection returns an error and does not raise SIGPIPE.
inline constexpr int kSendFlags = MSG_NOSIGNAL;

struct IoResult {
  IoStatus status = IoStatus::kOk;
  std::size_t bytes = 0;
};

// Finish a receive or a send that did not transfer a byte.
[[nodiscard]] IoResult receive_again(ssize_t count, int fd, MutableBytes into) noexcept;
[[nodiscard]] IoResult send_again(int fd, Bytes bytes) noexcept;

[[nodiscard]] inline IoResult receive(int fd, MutableBytes into) noexcept {
  const ssize_t count = wsd_recv(fd, into.data(), into.size(), 0);
  if (count > 0) return {IoStatus::kOk, static_cast<std::size_t>(count)};
  return receive_again(count, fd, into);
}
[[nodiscard]] inline IoResult send_bytes(int fd, Bytes bytes) noexcept {
  const ssize_t count = wsd_send(fd, bytes.data(), bytes.size(), kSendFlags);
  if (count >= 0) return {IoStatus::kOk, static_cast<std::size_t>(count)};
  return send_again(fd, bytes);
}
[[nodiscard]] IoResult send_pieces(int fd, std::span<iovec> pieces) noexcept;

enum class AcceptStatus : std::uint8_t {
  kOk,
  kAgain,  // no connection is waiting
  kNext,   // that connection is gone or was rejected: try the next (accept(2), "Error handling")
  kNoResources,  // descriptors or memory ran out: pause
  kBroken,       // the listening socket is unusable
};

struct AcceptResult {
  AcceptStatus status = AcceptStatus::kOk;
  int fd = -1;
  PeerAddress peer;
};

// Accepts one connection, which is nonblocking and close-on-exec.
[[nodiscard]] AcceptResult accept_connection(int listener) noexcept;

// Returns how many sent bytes the peer has not acknowledged, or 0 if the kernel does not tell.
//
// TCP: also counts the FIN after shutdown_write(). Unix sockets: the memory of the sent bytes that
// the peer has not read. That is more than the bytes themselves, but it is 0 if and only if the
// peer has read everything.
[[nodiscard]] std::size_t unacknowledged_bytes(int fd) noexcept;

void shutdown_write(int fd) noexcept;
// Makes close_socket() send RST and discard the output that is queued in the kernel.
void reset_on_close(int fd) noexcept;
void close_socket(int fd) noexcept;

// Returns an eventfd for waking a poller, or -1 on failure.
[[nodiscard]] int make_wake_fd() noexcept;
// Each call causes one edge in an edge-triggered poller. The poller never reads the count. Any
// thread.
void signal_wake_fd(int fd) noexcept;

}  // namespace wsd::net
