// The admin listener. It is a second server, so neither server waits for the other. /metrics costs
// the watched server nothing; a list of connections asks its reactors.
#pragma once

#include <wsd/server.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/admin/action_worker.h"
#include "daemon/config/admin_options.h"

namespace wsd::daemon {

class AdminServer {
 public:
  // `watched` must outlive this object. Warnings and errors go to `log`. Beyond `max_connections`,
  // a new connection replaces the oldest one, so that idle clients keep no probe out.
  // `engine_timeout_ms` is as in not_ready_reason().
  AdminServer(const Server& watched, const LogOptions& log, std::uint32_t max_connections,
              std::uint32_t engine_timeout_ms);
  AdminServer(const AdminServer&) = delete;
  AdminServer& operator=(const AdminServer&) = delete;

  // Listens. Requests other than /livez and /readyz must carry `token`, unless it is empty. Does
  // nothing if `address` is empty. Returns an empty string, or an error sentence.
  [[nodiscard]] std::string listen(const std::string& address, std::string token);
  // Starts to respond, if listen() was called with an address. Returns an empty string, or an error
  // sentence.
  [[nodiscard]] std::string start();
  // Returns the bound addresses.
  [[nodiscard]] std::vector<std::string> addresses() const { return server_.addresses(); }
  // Ends at once. Until then it responds, even after the watched server has drained.
  void stop() { server_.stop(); }

 private:
  // The Host values that a request may have.
  enum class Hosts : std::uint8_t { kAny, kLocal };
  using Answer = Response (AdminServer::*)(const Request&) const;
  void add(std::string_view method, std::string_view path, Answer answer, bool guarded);
  // An action reads the request at once. The returned function does the work, on the worker's
  // thread.
  using Action = std::function<Response()> (AdminServer::*)(const Request&) const;
  void add_action(std::string_view method, std::string_view path, Action action);
  // Returns the response to a request that may not be answered.
  [[nodiscard]] std::optional<Response> refusal(const Request& request) const;

  [[nodiscard]] Response livez(const Request& request) const;
  [[nodiscard]] Response readyz(const Request& request) const;
  [[nodiscard]] Response metrics(const Request& request) const;
  [[nodiscard]] Response connections(const Request& request) const;
  [[nodiscard]] Response close_connection(const Request& request) const;
  [[nodiscard]] Response rooms(const Request& request) const;
  // In admin_actions.cc.
  [[nodiscard]] Response connection_page(const Request& request) const;
  [[nodiscard]] Response remove_message(const Request& request) const;
  [[nodiscard]] Response clear_history(const Request& request) const;
  [[nodiscard]] std::function<Response()> close_connections(const Request& request) const;
  [[nodiscard]] std::function<Response()> close_room(const Request& request) const;

  const Server& watched_;
  const std::uint32_t engine_timeout_ms_;
  std::string token_;
  Hosts hosts_ = Hosts::kLocal;
  Server server_;
  ActionWorker worker_;  // after server_, to which its responses go
};

}  // namespace wsd::daemon
