// epoll; replaced at link time by the simulation.
#pragma once

#include <sys/epoll.h>

#include <cstdint>
#include <span>

namespace wsd::net {

// What epoll says of a descriptor, read as latches to be set. An error or a hang-up is learned by
// reading, and wakes a writer too.
struct Readiness {
  [[nodiscard]] std::uint64_t token() const noexcept { return event.data.u64; }
  // Data, EOF or an error waits to be read.
  [[nodiscard]] bool readable() const noexcept {
    return (event.events & (EPOLLIN | EPOLLRDHUP | EPOLLERR | EPOLLHUP)) != 0;
  }
  [[nodiscard]] bool writable() const noexcept {
    return (event.events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) != 0;
  }
  // The peer has ended its direction: read on to EOF, no other edge comes.
  [[nodiscard]] bool ended() const noexcept {
    return (event.events & (EPOLLRDHUP | EPOLLERR | EPOLLHUP)) != 0;
  }

  epoll_event event;
};

// One epoll instance. Owner thread only.
class Poller {
 public:
  static constexpr int kMaxEvents = 256;

  Poller() noexcept;
  Poller(const Poller&) = delete;
  Poller& operator=(const Poller&) = delete;
  ~Poller();

  // False when the kernel refused an instance.
  [[nodiscard]] bool valid() const noexcept { return fd_ >= 0; }

  // Registers once, edge-triggered for both directions; closing the descriptor unregisters it.
  // False on ENOSPC, ENOMEM.
  [[nodiscard]] bool add(int fd, std::uint64_t token) noexcept;
  // For a listener that several pollers share: level-triggered, one of them is woken.
  [[nodiscard]] bool add_shared(int fd, std::uint64_t token) noexcept;
  // Needed only for descriptors that live on in other pollers.
  void remove(int fd) noexcept;

  // Waits at most `timeout_ms` (-1: for ever) and returns what became ready, in `ready`.
  // EINTR returns nothing.
  [[nodiscard]] std::span<const Readiness> wait(int timeout_ms,
                                                std::span<Readiness, kMaxEvents> ready) noexcept;

 private:
  int fd_;
};

}  // namespace wsd::net
