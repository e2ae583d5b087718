#include "server/log_wake.h"

#include "net/socket.h"

namespace wsd::server {

// The descriptor is registered edge-triggered, so each wake() is an event, and nothing reads it.
LogWake::LogWake() noexcept
    : fd_(net::make_wake_fd()), registered_(poller_.valid() && fd_ >= 0 && poller_.add(fd_, 0)) {
  // Registering reports the descriptor as writable once.
  if (registered_) wait(0);
}

LogWake::~LogWake() {
  if (fd_ >= 0) poller_.close(fd_);
}

void LogWake::wake() noexcept { net::signal_wake_fd(fd_); }

void LogWake::wait(int timeout_ms) noexcept { static_cast<void>(poller_.wait(timeout_ms, ready_)); }

}  // namespace wsd::server
