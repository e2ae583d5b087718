#include "server/http_routes.h"

#include <algorithm>
#include <utility>

#include "protocol/http_request.h"

namespace wsd::server {
namespace {

// Returns the methods as a list without repetitions, with HEAD if there is GET, and with OPTIONS.
std::string list_of(std::vector<std::string_view> names) {
  std::string list;
  std::vector<std::string_view> known;
  const auto add = [&](std::string_view name) {
    if (std::find(known.begin(), known.end(), name) != known.end()) return;
    known.push_back(name);
    list.append(list.empty() ? "" : ", ").append(name);
  };
  names.emplace_back("OPTIONS");
  for (const std::string_view name : names) {
    add(name);
    if (name == "GET") add("HEAD");
  }
  return list;
}

}  // namespace

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
  routes_[*route].methods.push_back({std::string(method), std::move(served)});
  return {};
}

std::string HttpRoutes::allow(std::size_t route) const {
  std::vector<std::string_view> names;
  for (const Method& each : routes_[route].methods) names.push_back(each.name);
  return list_of(std::move(names));
}

std::string HttpRoutes::allow_anywhere() const {
  std::vector<std::string_view> names = {"GET"};  // a WebSocket route accepts only GET
  for (const Route& route : routes_) {
    for (const Method& each : route.methods) names.push_back(each.name);
  }
  return list_of(std::move(names));
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
