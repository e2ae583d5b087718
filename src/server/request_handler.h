// Responds to HTTP requests: routing, the opening handshake and plain HTTP.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/application.h"
#include "net/connection.h"
#include "protocol/deflate_offer.h"
#include "protocol/handshake.h"
#include "protocol/http_request.h"
#include "server/address_limits.h"
#include "server/http_response.h"
#include "server/http_routes.h"
#include "server/log_rate_limit.h"
#include "server/router.h"
#include "wsd/server.h"

namespace wsd {
class ServerCore;
}

namespace wsd::server {

// Owns the routes with their handlers, the limits per client address and the log limits for
// rejected origins, hosts and subprotocols. The ServerCore that it refers to owns it. After
// start(), any reactor thread may call it. If memory runs out, functions that are not noexcept
// throw std::bad_alloc.
//
// `remote` is the client's address: the socket's peer, or the address that a trusted proxy reports.
class RequestHandler {
 public:
  explicit RequestHandler(ServerCore& core);
  RequestHandler(const RequestHandler&) = delete;
  RequestHandler& operator=(const RequestHandler&) = delete;

  // Adds a WebSocket route, or an HTTP route. Throws std::invalid_argument if Router::add() or
  // HttpRoutes::add() does not accept it. Before start().
  void route(std::string_view pattern, Handlers handlers, RouteOptions options);
  void http(std::string_view method, std::string_view pattern, HttpRoutes::Served served);

  // Returns the options of the WebSocket routes, by their number.
  [[nodiscard]] const std::vector<RouteOptions>& route_options() const noexcept {
    return route_options_;
  }
  // Returns an error of a route's options as a sentence, or an empty string.
  [[nodiscard]] std::string check_routes() const;

  // Learns the bound addresses, as Listener::name() returns them. Before the reactors start.
  void set_addresses(const std::vector<std::string>& addresses);

  // Returns the handlers of the WebSocket route that RequestResult::route and Connection::route()
  // name by its number.
  [[nodiscard]] const Handlers& handlers(std::size_t route) const noexcept {
    return handlers_[route];
  }

  // Answers a request whose head is complete, or asks for its body (kReadBody).
  [[nodiscard]] net::RequestResult on_head(net::Connection& connection,
                                           const protocol::HttpRequest& request);
  // Answers a request whose body is complete, after on_head() has asked for it.
  [[nodiscard]] net::RequestResult on_body(net::Connection& connection,
                                           const protocol::HttpRequest& request);

  // Answers the handshake for which the connection awaits a verdict, after on_head() has deferred
  // it.
  [[nodiscard]] net::RequestResult on_verdict(net::Connection& connection, Upgrade verdict);

  // Builds the deferred response to a request, which may already be freed. Any thread.
  [[nodiscard]] net::RequestResult response_for(const RequestTraits& request, Response response);

  // Subtracts a connection of `client` from its address limit, after its handshake was accepted and
  // the connection has ended.
  void release_address(const net::PeerInfo& client) noexcept;

 private:
  void resolve_client_address(net::Connection& connection,
                              const protocol::HttpRequest& request) const;

  // Answers an OPTIONS request for which the application has no handler, or returns std::nullopt
  // for any other request.
  [[nodiscard]] std::optional<net::RequestResult> answer_options(
      const protocol::HttpRequest& request);
  [[nodiscard]] net::RequestResult answer_head(net::Connection& connection,
                                               const protocol::HttpRequest& request);
  // Returns whether the request names a host that this server must not serve.
  [[nodiscard]] bool is_misdirected(const net::PeerInfo& client,
                                    const protocol::HttpRequest& request) const;
  [[nodiscard]] bool was_forwarded(const protocol::HttpRequest& request) const;
  [[nodiscard]] net::RequestResult reject_host(const protocol::HttpRequest& request,
                                               std::string_view remote);
  // Adds the fields for pages of other origins to the response, if it is complete.
  void add_cross_origin(const protocol::HttpRequest& request, net::RequestResult& result) const;

  // Plain HTTP
  [[nodiscard]] net::RequestResult on_preflight(const protocol::HttpRequest& request,
                                                std::string_view remote, std::size_t route);
  // Builds the response that a handler has returned, and logs its errors.
  [[nodiscard]] net::RequestResult checked_response(const RequestTraits& request,
                                                    Response response);
  [[nodiscard]] net::RequestResult on_http_head(ConnectionId id,
                                                const protocol::HttpRequest& request,
                                                std::string_view remote, const RouteMatch& match);
  // Returns the response by which the route's guard or the rate of rejections ends the request, or
  // std::nullopt to let it proceed.
  [[nodiscard]] std::optional<net::RequestResult> check_guard(const HttpRoutes::Served& served,
                                                              const protocol::HttpRequest& request,
                                                              std::string_view remote,
                                                              const RouteMatch& match);
  // Returns the seconds for which the connection is kept after a response to such a request, or 0
  // if the response is its last.
  [[nodiscard]] std::uint32_t keep_alive_s(const RequestTraits& request) const noexcept;
  [[nodiscard]] protocol::Violation check_body(const protocol::HttpRequest& request) const noexcept;
  [[nodiscard]] net::RequestResult call_handler(ConnectionId id, const HttpRoutes::Served& served,
                                                const protocol::HttpRequest& request,
                                                std::string_view remote, const RouteMatch& match);

  // The opening handshake. `client` is the peer info of the connection that sent the request.
  [[nodiscard]] net::RequestResult on_handshake(ConnectionId id,
                                                const protocol::HttpRequest& request,
                                                const net::PeerInfo& client,
                                                const RouteMatch& match);
  [[nodiscard]] std::optional<net::RequestResult> check_handshake_rate(
      const protocol::HttpRequest& request, std::string_view remote);
  [[nodiscard]] net::RequestResult reject_origin(const protocol::HttpRequest& request,
                                                 std::string_view remote, std::string_view origin);
  // Logs that the server speaks none of the subprotocols that the client offered.
  void log_unmatched_subprotocols(const protocol::HttpRequest& request, std::string_view remote,
                                  std::size_t offered, const std::vector<std::string>& supported);
  [[nodiscard]] const std::vector<std::string>& subprotocols_of(std::size_t route) const noexcept;
  [[nodiscard]] Upgrade call_upgrade_hook(const std::function<Upgrade(const Request&)>& hook,
                                          const Request& request);
  [[nodiscard]] Upgrade run_upgrade_hook(const Handlers& handlers,
                                         const protocol::HttpRequest& request,
                                         std::string_view remote, const RouteMatch& match,
                                         const protocol::Handshake& handshake);
  // Returns the verdict, or a rejection with 500 if the application must not give it.
  [[nodiscard]] Upgrade checked_verdict(Upgrade verdict, const protocol::Handshake& handshake);
  [[nodiscard]] net::RequestResult defer_handshake(ConnectionId id, const Handlers& handlers,
                                                   const Request& request);
  [[nodiscard]] net::RequestResult answer_handshake(
      ConnectionId id, const protocol::HttpRequest& request, const net::PeerInfo& client,
      const RouteMatch& match, const protocol::Handshake& handshake, Upgrade verdict);
  [[nodiscard]] net::RequestResult finish_handshake(const protocol::HttpRequest& request,
                                                    const net::PeerInfo& client,
                                                    const RouteMatch& match,
                                                    const protocol::Handshake& handshake,
                                                    const Upgrade& verdict);
  [[nodiscard]] std::optional<protocol::DeflateAgreement> negotiate(
      const protocol::HttpRequest& request, const protocol::Handshake& handshake,
      const RouteOptions& route) const;

  ServerCore& core_;
  Router routes_;
  std::vector<Handlers> handlers_;           // by the number of their route
  std::vector<RouteOptions> route_options_;  // by the number of their route
  HttpRoutes http_routes_;
  std::unique_ptr<AddressLimits> addresses_;  // null if no limit per address is set
  bool guards_loopback_ = false;              // only loopback hosts are served; constant
  LogRateLimit origin_log_limit_;
  LogRateLimit host_log_limit_;
  LogRateLimit subprotocol_log_limit_;
};

}  // namespace wsd::server
