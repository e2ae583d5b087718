// The handlers of plain HTTP requests, by path and method.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/router.h"
#include "wsd/server.h"

namespace wsd::server {

// Constant while the server runs. Any thread may then call the const functions.
class HttpRoutes {
 public:
  // One of the two handlers, and optionally a guard that runs before it.
  struct Served {
    HttpHandler handler;
    DeferredHandler deferred;
    HttpGuard guard = {};
  };

  // Adds a handler and returns an empty string, or returns an error clause: `served` has no
  // handler; `method` is unknown, or is HEAD, which GET includes; Router::add() does not accept
  // `pattern`; or the pattern already has that method.
  [[nodiscard]] std::string add(std::string_view method, std::string_view pattern, Served served);
  [[nodiscard]] std::optional<RouteMatch> match(std::string_view path) const {
    return router_.match(path);
  }
  // Returns the handler of a matched route, or nullptr if it has none for that method. HEAD has the
  // handler of GET (RFC 9110 §9.3.2).
  [[nodiscard]] const Served* find(std::size_t route, std::string_view method) const noexcept;
  // Returns the value of the Allow field of a matched route (RFC 9110 §10.2.1). It contains
  // OPTIONS, which the server answers itself if the route has no handler for it.
  [[nodiscard]] std::string allow(std::size_t route) const;
  // Returns the methods of all routes and OPTIONS, for a request about the whole server.
  [[nodiscard]] std::string allow_anywhere() const;

 private:
  struct Method {
    std::string name;
    Served served;
  };
  struct Route {
    std::vector<Method> methods;
  };

  Router router_;
  std::vector<Route> routes_;
};

}  // namespace wsd::server
