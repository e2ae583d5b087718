#include "server/http_routes.h"

#include <utility>

#include "protocol/http_request.h"

namespace wsd::server {

bool HttpRoutes::add(std::string_view method, std::string_view pattern, Served served) {
  if (!protocol::is_known_method(method) || method == "HEAD") return false;
  std::optional<std::size_t> route = router_.find(pattern);
  if (!route) {
    if (!router_.add(pattern)) return false;
    route = routes_.size();
    routes_.emplace_back();
  }
  if (find(*route, method) != nullptr) return false;
  Route& known = routes_[*route];
  known.methods.push_back({std::string(method), std::move(served)});
  known.allow.append(known.allow.empty() ? "" : ", ").append(method);
  if (method == "GET") known.allow.append(", HEAD");
  return true;
}

const HttpRoutes::Served* HttpRoutes::find(std::size_t route,
                                           std::string_view method) const noexcept {
  if (method == "HEAD") method = "GET";
  for (const Method& each : routes_[route].methods) {
    if (each.name == method) return &each.served;
  }
  return nullptr;
}

}  // namespace wsd::server
