#include "daemon/service/service.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "daemon/config/daemon_options.h"
#include "daemon/text/strings.h"

namespace wsd::daemon {
namespace {

std::string connections_text(std::size_t count) {
  return std::to_string(count) + (count == 1 ? " connection" : " connections");
}

bool names_systemd(const std::vector<std::string>& addresses) {
  return std::find(addresses.begin(), addresses.end(), kSystemdAddress) != addresses.end();
}

std::string notify_address(const Environment& variables) {
  const auto found = variables.find("NOTIFY_SOCKET");
  return found == variables.end() ? std::string() : found->second;
}

// Time after the drain itself, to end threads and write the log.
constexpr std::uint64_t kEndingMs = 5'000;

}  // namespace

Service::Service(Environment variables)
    : variables_(std::move(variables)),
      passed_(passed_sockets(variables_, ::getpid())),
      notifier_(notify_address(variables_)) {}

void Service::choose_listeners(Loaded& loaded) const {
  const bool passed = !passed_.sockets.empty() || !passed_.error.empty();
  if (passed && !loaded.listen_given) loaded.options.listen = {std::string(kSystemdAddress)};
}

std::vector<std::string> Service::warnings(const DaemonOptions& options) const {
  std::vector<std::string> found;
  if (!notifier_.error().empty()) found.push_back(notifier_.error());
  if (!passed_.sockets.empty() && !names_systemd(options.listen)) {
    found.push_back("systemd has passed sockets (" + std::to_string(passed_.sockets.size()) +
                    "), but wsd listens only on other addresses: add --listen systemd, or stop "
                    "wsd.socket");
  }
  return found;
}

std::string Service::listen(Server& server, std::string_view address) {
  if (address != kSystemdAddress) return server.listen(address);
  if (!passed_.error.empty()) return passed_.error;
  if (passed_.sockets.empty()) {
    return "cannot listen on 'systemd': systemd has passed no socket (start wsd through a socket "
           "unit such as wsd.socket, or give --listen an address)";
  }
  for (PassedSockets::Socket& socket : passed_.sockets) {
    if (socket.fd < 0) continue;
    if (const std::string error = server.adopt(socket.fd); !error.empty()) {
      return "the socket " + quote(socket.name) + " passed by systemd: " + error;
    }
    socket.fd = -1;
  }
  return {};
}

std::unique_ptr<Watchdog> Service::ready(Server& server) const {
  std::string addresses;
  for (const std::string& each : server.addresses()) addresses += ' ' + each;
  notifier_.tell("READY=1\nSTATUS=listening on" + addresses);
  const auto status = [this, &server] {
    return (stopping_.load(std::memory_order_relaxed) ? "draining: " : "serving: ") +
           connections_text(server.connection_count());
  };
  return std::make_unique<Watchdog>(
      notifier_, watchdog_period(variables_, ::getpid()),
      [&server] { return server.check_liveness(); }, status);
}

void Service::reloading() const { notifier_.tell(reloading_lines()); }

void Service::reloaded() const { notifier_.tell("READY=1"); }

void Service::stopping(const Server& server, std::uint64_t at_most_ms) {
  stopping_.store(true, std::memory_order_relaxed);
  notifier_.tell(stopping_lines(at_most_ms + kEndingMs,
                                "draining: " + connections_text(server.connection_count())));
}

DrainVerdict judge_drain(std::size_t cut) {
  if (cut == 0) return {};
  return {kExitCut, "drained, but " + connections_text(cut) +
                        " had to be force-closed: the closing handshake was not complete within "
                        "--close-timeout and --drain-timeout"};
}

}  // namespace wsd::daemon
