// Tracks the descriptors that the server's pollers watch, and supplies edges that injected faults
// suppress.
//
// Sockets are registered edge-triggered. After a false EAGAIN or an artificially short transfer,
// the server waits for an edge that the kernel will not report. request_edge() records this, and
// the next wait reports the current readiness of the socket.
#pragma once

#include <sys/epoll.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "faults/calls.h"

namespace wsd::faults {

class EdgeTracker {
 public:
  void reset() noexcept { *this = EdgeTracker(); }
  void add(int epoll, int fd, const epoll_event& event) noexcept;
  void remove(int fd) noexcept { at(fd) = {}; }
  void request_edge(int fd) noexcept;
  // Returns whether a wait on `epoll` would return at once.
  [[nodiscard]] bool ready(int epoll) const noexcept;
  // Collects the kernel's events without waiting, and adds the requested edges.
  [[nodiscard]] int collect(int epoll, std::span<epoll_event> events) noexcept;
  // Copies the listening sockets of `epoll` to `into`, at most `into.size()`. Returns their number.
  [[nodiscard]] std::size_t listeners(int epoll, std::span<int> into) const noexcept;

 private:
  struct Entry {
    int epoll = -1;
    bool edge_requested = false;
    epoll_event event = {};
  };
  [[nodiscard]] Entry& at(int fd) noexcept { return entries_[static_cast<std::size_t>(fd)]; }

  std::array<Entry, Calls::kMaxFds> entries_;
  int end_ = 0;  // all watched descriptors are below it
};

[[nodiscard]] EdgeTracker& watch() noexcept;

}  // namespace wsd::faults
