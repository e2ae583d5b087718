#include "admin.h"

#include <algorithm>
#include <utility>

#include "admin_answers.h"
#include "admin_token.h"
#include "metrics_text.h"

namespace wsd::daemon {
namespace {

ServerOptions options_of(const LogOptions& log) {
  ServerOptions options;
  options.reactors = 1;
  options.limits.max_connections = 64;
  options.listen_backlog = 64;
  options.deflate.mode = DeflateMode::kOff;
  options.log = log;
  // Every scrape is no news.
  options.log.level = std::max(log.level, LogLevel::kWarn);
  return options;
}

}  // namespace

Admin::Admin(const Server& watched, const LogOptions& log)
    : watched_(watched), server_(options_of(log)) {}

std::string Admin::start(const std::string& address, std::string token) {
  if (address.empty()) return {};
  token_ = std::move(token);
  add("/livez", &Admin::livez, false);
  add("/readyz", &Admin::readyz, false);
  add("/metrics", &Admin::metrics, true);
  add("/connections", &Admin::connections, true);
  add("/rooms", &Admin::rooms, true);
  std::string error = server_.listen(address);
  return error.empty() ? server_.start() : error;
}

void Admin::add(std::string_view path, Answer answer, bool guarded) {
  server_.http(path, [this, answer, guarded](const Request& request) {
    if (guarded && !token_.empty() && !brings_token(request.header("Authorization"), token_)) {
      Response refusal = admin_text(401,
                                    "the token of --admin-token-file is asked for: bring it "
                                    "as Authorization: Bearer TOKEN");
      refusal.headers.emplace_back("WWW-Authenticate", "Bearer");
      return refusal;
    }
    return (this->*answer)(request);
  });
}

Response Admin::livez(const Request& /*request*/) const { return admin_text(200, "alive"); }

Response Admin::readyz(const Request& /*request*/) const {
  if (!watched_.stats().draining) return admin_text(200, "ready");
  return admin_text(503, "not ready: the server is draining");
}

Response Admin::metrics(const Request& /*request*/) const {
  return admin_response(200, kMetricsContentType, metrics_text(watched_.stats()));
}

Response Admin::connections(const Request& request) const {
  const AdminQuery query = parse_admin_query(request.query(), true);
  if (!query.error.empty()) return admin_text(400, query.error);
  return connections_response(watched_.connections(query.connections));
}

Response Admin::rooms(const Request& request) const {
  const AdminQuery query = parse_admin_query(request.query(), false);
  if (!query.error.empty()) return admin_text(400, query.error);
  return rooms_response(watched_.rooms(query.connections.limit));
}

}  // namespace wsd::daemon
