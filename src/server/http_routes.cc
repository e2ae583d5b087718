#include "server/http_routes.h"

#include <utility>

#include "protocol/http_request.h"

namespace wsd::server {

std::string HttpRoutes::add(std::string_view method, std::string_view pattern, Served served) {
  if (!protocol::is_known_method(method)) {
    return "the method is unknown; write one of RFC 9110 §9.3 or PATCH in capitals, such as GET";
  }
  if (method == "HEAD") return "the handler of GET serves HEAD too; add only the handler of GET";
  if (!served.handler && !served.deferred) return "the handler is empty; pass a function";
  std::optional<std::size_t> route = router_.find(pattern);
  if (!route) {
    if (std::string error = router_.add(pattern); !error.empty()) return error;
    route = routes_.size();
    routes_.emplace_back();
  }
  if (find(*route, method) != nullptr) {
    return std::string(method) + " \"" + std::string(pattern) +
           "\" was added before; add each method of a pattern once";
  }
  Route& known = routes_[*route];
  known.methods.push_back({std::string(method), std::move(served)});
  known.allow.append(known.allow.empty() ? "" : ", ").append(method);
  if (method == "GET") known.allow.append(", HEAD");
  return {};
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
