// Plain HTTP: which handler serves a path by a method.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/router.h"
#include "wsd/server.h"

namespace wsd::server {

// Constant while the server runs; then any thread may look.
class HttpRoutes {
 public:
  // One of the two handlers, behind `judge` where there is one.
  struct Served {
    HttpHandler handler;
    DeferredHandler deferred;
    HttpGuard guard = {};
  };

  // False when `method` is no known one, or HEAD, which comes with GET; when `pattern` is none (see
  // Router::add); or when the two are there already.
  [[nodiscard]] bool add(std::string_view method, std::string_view pattern, Served served);
  [[nodiscard]] std::optional<RouteMatch> match(std::string_view path) const {
    return router_.match(path);
  }
  // What serves a matched route; HEAD is served by GET's (RFC 9110 §9.3.2). nullptr when it has
  // none for that method.
  [[nodiscard]] const Served* find(std::size_t route, std::string_view method) const noexcept;
  // The value of its Allow field (RFC 9110 §10.2.1).
  [[nodiscard]] const std::string& allow(std::size_t route) const noexcept {
    return routes_[route].allow;
  }

 private:
  struct Method {
    std::string name;
    Served served;
  };
  struct Route {
    std::vector<Method> methods;
    std::string allow;
  };

  Router router_;
  std::vector<Route> routes_;
};

}  // namespace wsd::server
