// The daemon as a service: reports to the service manager, and the sockets that it passes.
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

// Without a service manager, all functions except listen() do nothing.
class Service {
 public:
  // `variables` come from take_service_variables().
  explicit Service(Environment variables);

  // Listens on the passed sockets if there are any and no source sets --listen.
  void choose_listeners(Loaded& loaded) const;
  // Returns warnings for the operator as sentences, before anything is served.
  [[nodiscard]] std::vector<std::string> warnings(const DaemonOptions& options) const;
  // Calls Server::listen(). For "systemd" it adopts all passed sockets instead, once. Returns an
  // empty string, or an error sentence.
  [[nodiscard]] std::string listen(Server& server, std::string_view address);

  // Reports that the server listens. Returns the watchdog, which this object and `server` must
  // outlive.
  [[nodiscard]] std::unique_ptr<Watchdog> ready(Server& server) const;
  void reloading() const;
  void reloaded() const;
  // Reports that the drain begins and lasts at most `at_most_ms`.
  void stopping(const Server& server, std::uint64_t at_most_ms);

 private:
  Environment variables_;
  PassedSockets passed_;
  Notifier notifier_;
  std::atomic<bool> stopping_{false};  // relaxed: selects only the words of the watchdog's status
};

// The result of a drain: the exit status, and a sentence for the operator unless all connections
// closed in order.
struct DrainVerdict {
  int exit_code = kExitClean;
  std::string sentence;
};
[[nodiscard]] DrainVerdict judge_drain(std::size_t cut);

}  // namespace wsd::daemon
