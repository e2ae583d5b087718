// The admin listener. It is a second server, so neither server waits for the other. /metrics costs
// the watched server nothing; a list of connections asks its reactors.
#pragma once

#include <wsd/server.h>

#include <cstdint>
#include <string>
#include <vector>

#include "daemon/config/admin_options.h"

namespace wsd::daemon {

class AdminServer {
 public:
  // `watched` must outlive this object. Warnings and errors go to `log`. Beyond `max_connections`,
  // a new connection replaces the oldest one, so that idle clients keep no probe out.
  AdminServer(const Server& watched, const LogOptions& log, std::uint32_t max_connections);
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

  [[nodiscard]] Response livez(const Request& request) const;
  [[nodiscard]] Response readyz(const Request& request) const;
  [[nodiscard]] Response metrics(const Request& request) const;
  [[nodiscard]] Response connections(const Request& request) const;
  [[nodiscard]] Response close_connection(const Request& request) const;
  [[nodiscard]] Response rooms(const Request& request) const;

  const Server& watched_;
  std::string token_;
  Hosts hosts_ = Hosts::kLocal;
  Server server_;
};

}  // namespace wsd::daemon
