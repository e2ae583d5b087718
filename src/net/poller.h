// epoll. The simulation replaces it at link time.
#pragma once

#include <sys/epoll.h>

#include <cstdint>
#include <span>

namespace wsd::net {

// One event of epoll, interpreted as latches to set. An error or a hang-up makes the descriptor
// readable and writable: the next call on the socket returns it.
struct Readiness {
  [[nodiscard]] std::uint64_t token() const noexcept { return event.data.u64; }
  // Returns the token as the address that it was made of.
  [[nodiscard]] void* pointer() const noexcept { return event.data.ptr; }
  // Data, EOF or an error can be read.
  [[nodiscard]] bool readable() const noexcept {
    return (event.events & (EPOLLIN | EPOLLRDHUP | EPOLLERR | EPOLLHUP)) != 0;
  }
  [[nodiscard]] bool writable() const noexcept {
    return (event.events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) != 0;
  }
  // The peer has ended its direction. Read until EOF, because no other edge will come.
  [[nodiscard]] bool ended() const noexcept {
    return (event.events & (EPOLLRDHUP | EPOLLERR | EPOLLHUP)) != 0;
  }
  // The connection was reset. EPOLLHUP alone does not say so: a peer's ordinary close sets it on a
  // Unix socket, and its last bytes can still be read.
  [[nodiscard]] bool broken() const noexcept { return (event.events & EPOLLERR) != 0; }

  epoll_event event;
};

// Owns one epoll instance. Only the owner's thread.
class Poller {
 public:
  static constexpr int kMaxEvents = 256;

  Poller() noexcept;
  Poller(const Poller&) = delete;
  Poller& operator=(const Poller&) = delete;
  ~Poller();

  // Returns false if the kernel has refused an instance.
  [[nodiscard]] bool valid() const noexcept { return fd_ >= 0; }

  // Registers a descriptor, edge-triggered for both directions. Returns false on ENOSPC and ENOMEM.
  [[nodiscard]] bool add(int fd, std::uint64_t token) noexcept;
  // Registers a listening socket that several pollers share. It is level-triggered, and an event
  // wakes one of them.
  [[nodiscard]] bool add_shared(int fd, std::uint64_t token) noexcept;
  // Unregisters a descriptor.
  void remove(int fd) noexcept;
  // Unregisters a descriptor and closes it. close(2) alone would leave it registered while any
  // other descriptor refers to the same socket (epoll(7)). A child process has such descriptors
  // from fork() to exec(), and wait() would then return a token whose object is freed.
  void close(int fd) noexcept;

  // Waits at most `timeout_ms` (-1: without a limit), and returns the events, stored in `ready`.
  // Returns no event on EINTR.
  [[nodiscard]] std::span<const Readiness> wait(int timeout_ms,
                                                std::span<Readiness, kMaxEvents> ready) noexcept;

 private:
  int fd_;
};

}  // namespace wsd::net
