// What the server's pollers watch, and the edges that a lie about readiness owes them.
//
// A socket is registered edge-triggered. Where a call is made to say "not ready", or to move less
// than it could, the kernel has an edge less to announce than the server now waits for: it is owed,
// and the next wait pays it with what the socket is ready for.
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
  void owe(int fd) noexcept;
  // Whether a wait on `epoll` would return at once.
  [[nodiscard]] bool ready(int epoll) const noexcept;
  // The real wait, without waiting, and what is owed.
  [[nodiscard]] int collect(int epoll, std::span<epoll_event> events) noexcept;
  // The listening sockets of `epoll`, at most `into.size()`; returns how many there are.
  [[nodiscard]] std::size_t listeners(int epoll, std::span<int> into) const noexcept;

 private:
  struct Entry {
    int epoll = -1;
    bool owed = false;
    epoll_event event = {};
  };
  [[nodiscard]] Entry& at(int fd) noexcept { return entries_[static_cast<std::size_t>(fd)]; }

  std::array<Entry, Calls::kMaxFds> entries_;
  int end_ = 0;  // no descriptor at or above it is watched
};

[[nodiscard]] EdgeTracker& watch() noexcept;

}  // namespace wsd::faults
