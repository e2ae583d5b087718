// What a service manager and the daemon tell each other (sd_notify(3), sd_listen_fds(3)): a few
// datagrams and variables of the environment, so no library is needed.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace wsd::daemon {

// Variables by name; those that are not set are not there.
using Environment = std::map<std::string, std::string>;

// The service manager's variables, of which the process keeps none: what it starts is not what the
// manager speaks to. Call it while there is one thread.
[[nodiscard]] Environment take_service_variables();

// Sockets that were passed, which listen already.
struct PassedSockets {
  struct Socket {
    int fd = -1;
    std::string name;  // of its FileDescriptorName=, or "unknown"
  };
  std::vector<Socket> sockets;
  std::string error;  // a sentence; empty when there is none
};

// LISTEN_FDS and LISTEN_FDNAMES, if LISTEN_PID is `self`; none if the variables are for another
// process or not there. What the descriptors are is judged by who adopts them.
[[nodiscard]] PassedSockets passed_sockets(const Environment& variables, pid_t self);

// The way to the service manager. Any thread.
class Notifier {
 public:
  // `address`: the value of NOTIFY_SOCKET, a path or "@NAME"; empty: nobody is told anything.
  explicit Notifier(std::string_view address);
  Notifier(const Notifier&) = delete;
  Notifier& operator=(const Notifier&) = delete;
  ~Notifier();

  // A sentence where there is an address that cannot be used; else empty.
  [[nodiscard]] const std::string& error() const noexcept { return error_; }
  // Lines such as "READY=1", with line ends between them. Never waits: false when nobody is told.
  bool tell(std::string_view lines) const noexcept;

 private:
  int fd_ = -1;
  std::string address_;  // a sockaddr_un's path, whole
  std::string error_;
};

// "RELOADING=1" and the moment, which ends with the next "READY=1" (Type=notify-reload).
[[nodiscard]] std::string reloading_lines();
// "STOPPING=1", and that it may take so long.
[[nodiscard]] std::string stopping_lines(std::uint64_t at_most_ms, std::string_view status);

// How often the manager wants a sign of life: half of WATCHDOG_USEC, if WATCHDOG_PID is absent or
// `self`. Zero: never.
[[nodiscard]] std::chrono::microseconds watchdog_period(const Environment& variables, pid_t self);

// Gives a sign of life every `period`, if `alive()` says so. A thread of its own, which sleeps in
// between, so it goes on while the daemon drains. With a period of zero there is none.
class Watchdog {
 public:
  // `notifier` outlives it; `status` is a line for the manager's display, after "STATUS=".
  Watchdog(const Notifier& notifier, std::chrono::microseconds period, std::function<bool()> alive,
           std::function<std::string()> status);
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;
  ~Watchdog();

 private:
  void run(std::chrono::microseconds period);
  void give_sign() const noexcept;

  const Notifier& notifier_;
  std::function<bool()> alive_;
  std::function<std::string()> status_;
  std::mutex mutex_;
  std::condition_variable ended_;
  bool end_ = false;
  std::thread thread_;
};

}  // namespace wsd::daemon
