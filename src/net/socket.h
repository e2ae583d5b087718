// The system calls on sockets, one function each; replaced at link time by the simulation.
//
// Descriptors are plain ints owned by the caller. EINTR is retried here and never seen above.
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
  kOk,         // `bytes` were moved
  kAgain,      // not ready: wait for readiness
  kEof,        // the peer has ended its direction
  kGone,       // the connection is dead: ECONNRESET, EPIPE, ETIMEDOUT and the like
  kNoBuffers,  // the kernel is short of memory: try again later, no readiness will come
};

// Without SIGPIPE.
inline constexpr int kSendFlags = MSG_NOSIGNAL;

struct IoResult {
  IoStatus status = IoStatus::kOk;
  std::size_t bytes = 0;
};

// What is done where a call did not move a byte.
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
  kAgain,        // nobody waits
  kNext,         // that one is gone or was refused: try the next (accept(2), "Error handling")
  kNoResources,  // descriptors or memory ran out: pause
  kBroken,       // the listener is no use any more
};

struct AcceptResult {
  AcceptStatus status = AcceptStatus::kOk;
  int fd = -1;
  PeerAddress peer;
};

// Accepts one connection, nonblocking and close-on-exec.
[[nodiscard]] AcceptResult accept_connection(int listener) noexcept;

void shutdown_write(int fd) noexcept;
// Makes close_socket() send RST and throw away what is queued in the kernel.
void reset_on_close(int fd) noexcept;
void close_socket(int fd) noexcept;

// An eventfd for waking a poller; -1 on failure.
[[nodiscard]] int make_wake_fd() noexcept;
// Each call is one edge for an edge-triggered poller; the count is never read. Any thread.
void signal_wake_fd(int fd) noexcept;

}  // namespace wsd::net
