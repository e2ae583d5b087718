#include "daemon/admin/admin_server.h"

#include <wsd/check.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "daemon/admin/action_query.h"
#include "daemon/admin/admin_json.h"
#include "daemon/admin/prometheus.h"
#include "daemon/admin/readiness.h"
#include "daemon/auth/bearer.h"

namespace wsd::daemon {
namespace {

ServerOptions options_of(const LogOptions& log, std::uint32_t max_connections) {
  ServerOptions options;
  options.reactors = 1;
  options.limits.max_connections = max_connections;
  options.limits.replace_oldest = true;
  options.limits.max_message_bytes = 4096;  // no request has a use for a body
  options.listen_backlog = 64;
  options.deflate.mode = DeflateMode::kOff;
  options.log = log;
  // A log entry for every scrape would be noise.
  options.log.level = std::max(log.level, LogLevel::kWarn);
  return options;
}

}  // namespace

AdminServer::AdminServer(const Server& watched, const LogOptions& log,
                         std::uint32_t max_connections, std::uint32_t engine_timeout_ms)
    : watched_(watched),
      engine_timeout_ms_(engine_timeout_ms),
      server_(options_of(log, max_connections)) {}

std::string AdminServer::listen(const std::string& address, std::string token) {
  if (address.empty()) return {};
  token_ = std::move(token);
  hosts_ = !token_.empty() || address.starts_with("unix:") ? Hosts::kAny : Hosts::kLocal;
  add("GET", "/livez", &AdminServer::livez, false);
  add("GET", "/readyz", &AdminServer::readyz, false);
  add("GET", "/metrics", &AdminServer::metrics, true);
  add("GET", "/connections", &AdminServer::connections, true);
  add("DELETE", "/connections/{id}", &AdminServer::close_connection, true);
  add("GET", "/rooms", &AdminServer::rooms, true);
  add_action("DELETE", "/connections", &AdminServer::close_connections);
  add_action("DELETE", "/rooms/{room}", &AdminServer::close_room);
  add("DELETE", "/rooms/{room}/messages", &AdminServer::clear_history, true);
  add("DELETE", "/rooms/{room}/messages/{id}", &AdminServer::remove_message, true);
  return server_.listen(address);
}

std::string AdminServer::start() {
  return server_.addresses().empty() ? std::string() : server_.start();
}

void AdminServer::add(std::string_view method, std::string_view path, Answer answer, bool guarded) {
  HttpGuard guard;
  if (guarded) guard = [this](const Request& request) { return refusal(request); };
  server_.http(method, path, std::move(guard),
               [this, answer](const Request& request, const Responder& responder) {
                 responder.respond((this->*answer)(request));
               });
}

void AdminServer::add_action(std::string_view method, std::string_view path, Action action) {
  server_.http(
      method, path, [this](const Request& request) { return refusal(request); },
      [this, action](const Request& request, const Responder& responder) {
        worker_.run([responder, work = (this->*action)(request)] { responder.respond(work()); });
      });
}

std::optional<Response> AdminServer::refusal(const Request& request) const {
  if (hosts_ == Hosts::kLocal && !is_loopback_host(request.host())) {
    return admin_text(421,
                      "without a token, the admin listener accepts only requests whose Host is "
                      "localhost or a loopback address, to stop DNS rebinding");
  }
  if (!token_.empty() && !brings_token(request.header("Authorization"), token_)) {
    Response refused = admin_text(401,
                                  "the token of --admin-token-file is required: send "
                                  "Authorization: Bearer TOKEN");
    refused.headers.emplace_back("WWW-Authenticate", "Bearer");
    return refused;
  }
  return std::nullopt;
}

Response AdminServer::livez(const Request& /*request*/) const { return admin_text(200, "alive"); }

Response AdminServer::readyz(const Request& /*request*/) const {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const std::string reason =
      not_ready_reason(watched_.stats(),
                       static_cast<std::uint64_t>(
                           std::chrono::duration_cast<std::chrono::milliseconds>(now).count()),
                       engine_timeout_ms_);
  return reason.empty() ? admin_text(200, "ready") : admin_text(503, "not ready: " + reason);
}

Response AdminServer::metrics(const Request& /*request*/) const {
  return admin_response(200, kMetricsContentType, metrics_text(watched_.stats()));
}

Response AdminServer::connections(const Request& request) const {
  if (asks_for_page(request.query())) return connection_page(request);
  const AdminQuery query = parse_admin_query(request.query(), true);
  if (!query.error.empty()) return admin_text(400, query.error);
  return connections_response(watched_.connections(query.connections));
}

Response AdminServer::close_connection(const Request& request) const {
  const auto id = parse_connection_id(request.param("id"));
  const ActionQuery query = parse_action_query(request.query(), {"code", "reason"});
  if (!query.error.empty()) return admin_text(400, query.error);
  if (!id || !watched_.close_connection(*id, query.code, query.reason)) {
    return admin_text(404, "no open connection has this id");
  }
  watched_.log(LogLevel::kInfo, "closed_by_operator", std::to_string(*id));
  return admin_text(200, "closing");
}

Response AdminServer::rooms(const Request& request) const {
  const AdminQuery query = parse_admin_query(request.query(), false);
  if (!query.error.empty()) return admin_text(400, query.error);
  return rooms_response(watched_.rooms(query.connections.limit));
}

}  // namespace wsd::daemon
