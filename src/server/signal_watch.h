// SIGTERM and SIGINT for Server::run_until_signal().
#pragma once

#include <array>
#include <atomic>
#include <csignal>
#include <cstddef>

namespace wsd::server {

// Handles SIGTERM and SIGINT from its construction to its destruction, except for one that the
// process ignores. The handler works on whichever thread the kernel chooses, so the threads of the
// application may block the signals or not. The first signal ends wait(). A second one ends the
// process as if it had no handler. At most one object exists at a time.
//
// A child that fork() has made and that has not called exec() has the handler too. There, the first
// signal already ends the process.
class SignalWatch {
 public:
  // Throws std::logic_error if another object exists, and std::system_error if there is no
  // descriptor.
  SignalWatch();
  SignalWatch(const SignalWatch&) = delete;
  SignalWatch& operator=(const SignalWatch&) = delete;
  // Restores the handlers that the process had before.
  ~SignalWatch();

  // Waits for a signal or for cancel(). Returns true if a signal has come. One thread.
  [[nodiscard]] bool wait() const noexcept;
  // Ends wait(). Any thread.
  void cancel() noexcept;

 private:
  static constexpr std::array<int, 2> kSignals = {SIGTERM, SIGINT};

  std::array<struct sigaction, kSignals.size()> before_{};
  std::atomic<bool> cancelled_{false};
  std::size_t changed_ = 0;  // bit i: kSignals[i] has our handler
};

}  // namespace wsd::server
