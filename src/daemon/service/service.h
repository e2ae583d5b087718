// The daemon as a service: what it tells the service manager, and the sockets it is passed.
#pragma once

#include <wsd/server.h>

#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/config/load_config.h"
#include "daemon/service/systemd.h"

namespace wsd::daemon {

// Without a service manager everything but listen() does nothing.
class Service {
 public:
  // `variables`: see take_service_variables().
  explicit Service(Environment variables);

  // Where nothing names an address and sockets were passed, they are what is listened on.
  void choose_listeners(Loaded& loaded) const;
  // Things an operator should know before anything is served, as sentences.
  [[nodiscard]] std::vector<std::string> warnings(const DaemonOptions& options) const;
  // Server::listen(), or for "systemd" all sockets that were passed, once.
  [[nodiscard]] std::string listen(Server& server, std::string_view address);

  // The server listens. What is returned asks it for the manager's watchdog; both outlive it.
  [[nodiscard]] std::unique_ptr<Watchdog> ready(Server& server) const;
  void reloading() const;
  void reloaded() const;
  // The drain begins, and lasts at most so long.
  void stopping(const Server& server, std::uint64_t at_most_ms);

 private:
  Environment variables_;
  PassedSockets passed_;
  Notifier notifier_;
  std::atomic<bool> stopping_{false};  // relaxed: which words the watchdog's status has
};

// What a drain that is over comes to: the sentence for an operator, empty where all went in order,
// and the exit status.
struct DrainVerdict {
  int exit_code = kExitClean;
  std::string sentence;
};
[[nodiscard]] DrainVerdict judge_drain(std::size_t cut);

}  // namespace wsd::daemon
