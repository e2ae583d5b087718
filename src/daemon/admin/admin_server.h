// The admin listener: a server of its own beside the one it tells of, so that neither waits for the
// other. A page of figures costs the main one nothing; a list of connections asks its reactors.
#pragma once

#include <wsd/server.h>

#include <cstdint>
#include <string>
#include <vector>

#include "daemon/config/admin_options.h"

namespace wsd::daemon {

class AdminServer {
 public:
  // `watched` outlives this. `log` is where troubles go.
  AdminServer(const Server& watched, const LogOptions& log);
  AdminServer(const AdminServer&) = delete;
  AdminServer& operator=(const AdminServer&) = delete;

  // Answers from here on. `token`: what callers must bring, but for /livez and /readyz; empty:
  // nothing. Returns an empty string, or a sentence. Does nothing where there is no address.
  [[nodiscard]] std::string start(const std::string& address, std::string token);
  // The bound addresses.
  [[nodiscard]] std::vector<std::string> addresses() const { return server_.addresses(); }
  // Ends at once. Until then it goes on answering, however far the watched server has drained.
  void stop() { server_.stop(); }

 private:
  // Under which names it lets itself be asked.
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
