// The protocol between a service manager and the daemon (sd_notify(3), sd_listen_fds(3)). It has a
// few datagrams and environment variables, so it needs no library.
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

// Environment variables by name, without those that are not set.
using Environment = std::map<std::string, std::string>;

// Returns the service manager's variables and removes them from the environment, because they are
// not for child processes. Call it while there is only one thread.
[[nodiscard]] Environment take_service_variables();

// The passed sockets, which already listen.
struct PassedSockets {
  struct Socket {
    int fd = -1;
    std::string name;  // its FileDescriptorName=, or "unknown"
  };
  std::vector<Socket> sockets;
  std::string error;  // a sentence; empty if there is no error
};

// Reads LISTEN_FDS and LISTEN_FDNAMES if LISTEN_PID is `self`. Returns no sockets if the variables
// are absent or for another process. Does not check the descriptors: Server::adopt() does.
[[nodiscard]] PassedSockets passed_sockets(const Environment& variables, pid_t self);

// Sends datagrams to the service manager. Any thread.
class Notifier {
 public:
  // `address` is the value of NOTIFY_SOCKET: a path or "@NAME". Sends nothing if it is empty.
  explicit Notifier(std::string_view address);
  Notifier(const Notifier&) = delete;
  Notifier& operator=(const Notifier&) = delete;
  ~Notifier();

  // Returns a sentence if the address cannot be used, else an empty string.
  [[nodiscard]] const std::string& error() const noexcept { return error_; }
  // Sends lines such as "READY=1", separated by newlines. Never blocks. Returns false if the
  // manager does not get them.
  bool tell(std::string_view lines) const noexcept;

 private:
  int fd_ = -1;
  std::string address_;  // the complete path of a sockaddr_un
  std::string error_;
};

// Returns "RELOADING=1" with the time. The next "READY=1" ends the reload (Type=notify-reload).
[[nodiscard]] std::string reloading_lines();
// Returns "STOPPING=1" with the status and the time that stopping may take.
[[nodiscard]] std::string stopping_lines(std::uint64_t at_most_ms, std::string_view status);

// Returns the interval of keep-alives for the manager: half of WATCHDOG_USEC, if WATCHDOG_PID is
// absent or `self`. Zero means none.
[[nodiscard]] std::chrono::microseconds watchdog_period(const Environment& variables, pid_t self);

// Sends a keep-alive every `period` if `alive()` returns true. Runs in its own thread, so it goes
// on while the daemon drains. Starts no thread if the period is zero.
class Watchdog {
 public:
  // `notifier` must outlive this object. `status` returns the text after "STATUS=".
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
