// Lets a thread of the history log sleep until another thread wakes it.
#pragma once

#include <array>

#include "net/poller.h"

namespace wsd::server {

class LogWake {
 public:
  LogWake() noexcept;
  LogWake(const LogWake&) = delete;
  LogWake& operator=(const LogWake&) = delete;
  ~LogWake();

  // Returns false if the kernel has refused a descriptor. No other function may be called then.
  [[nodiscard]] bool valid() const noexcept { return registered_; }

  // Any thread. The current or the next wait() returns at once.
  void wake() noexcept;
  // The sleeping thread only. Waits at most `timeout_ms`; -1: without a limit.
  void wait(int timeout_ms) noexcept;

 private:
  net::Poller poller_;
  int fd_;
  bool registered_;
  std::array<net::Readiness, net::Poller::kMaxEvents> ready_{};
};

}  // namespace wsd::server
