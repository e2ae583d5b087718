#include "server/request_handler.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "base/assert.h"
#include "net/clock.h"
#include "net/message_encoder.h"
#include "net/reactor.h"
#include "protocol/deflate.h"
#include "protocol/forwarded.h"
#include "protocol/host.h"
#include "protocol/http_date.h"
#include "protocol/http_response.h"
#include "protocol/origin.h"
#include "server/cross_origin.h"
#include "server/deferred_exchange.h"
#include "server/reactor_settings.h"
#include "server/request_view.h"
#include "server/server_core.h"

namespace wsd::server {
namespace {

constexpr std::string_view kWebSocketMethods = "GET, OPTIONS";

bool is_head(const protocol::HttpRequest& request) { return request.method == "HEAD"; }

// RFC 9110 §9.3.1, §9.3.2: a body has no meaning in a GET or a HEAD.
bool takes_body(const protocol::HttpRequest& request) {
  return request.method != "GET" && !is_head(request);
}

Headers retry_after(std::uint64_t wait_ms) {
  return {{"Retry-After", std::to_string((wait_ms + 999) / 1000)}};
}

protocol::HttpDate date_now() { return protocol::HttpDate(net::wall_clock_ms() / 1000); }

net::RequestResult reject(const protocol::HttpRequest& request, protocol::Violation violation,
                          std::string_view allow) {
  const protocol::HttpDate date = date_now();
  net::RequestResult result;
  result.rejected = true;
  result.status = protocol::http_status_of(violation);
  protocol::write_violation(result.bytes, violation, allow, is_head(request), date.text());
  return result;
}

net::RequestResult reject(const protocol::HttpRequest& request, int status, std::string_view body,
                          const protocol::HeaderList& extra = {}) {
  net::RequestResult result =
      write_response(RequestTraits(request), status, protocol::error_body(body), 0,
                     protocol::HttpResponseHead{}.content_type, extra);
  result.rejected = true;
  return result;
}

net::RequestResult reject_address(const protocol::HttpRequest& request, std::string_view body,
                                  const protocol::HeaderList& extra = {}) {
  net::RequestResult result = reject(request, 429, body, extra);
  result.refusal = CloseCause::kAddressLimit;
  return result;
}

net::RequestResult without_response(net::RequestResult::Kind kind) {
  net::RequestResult result;
  result.kind = kind;
  return result;
}

// Returns whether the client's program is one of those that get no compression.
bool is_excluded(const protocol::HttpRequest& request, const std::vector<std::string>& programs) {
  if (programs.empty()) return false;
  const protocol::HttpField* const agent = request.find("User-Agent");
  return agent != nullptr &&
         std::any_of(programs.begin(), programs.end(), [&](const std::string& each) {
           return agent->value.find(each) != std::string_view::npos;
         });
}

// Returns the response of a server that drains.
Response going_away() {
  Response response;
  response.status = 503;
  response.body = "the server is shutting down, try again\n";
  response.headers = {{"Retry-After", "1"}};
  return response;
}

net::RequestResult not_found(const protocol::HttpRequest& request, std::uint32_t keep_alive_s) {
  if (protocol::offers_websocket(request)) {
    return reject(request, protocol::Violation::kNotFound, kWebSocketMethods);
  }
  return write_response(
      RequestTraits(request), 404,
      protocol::error_body(protocol::violation_text(protocol::Violation::kNotFound)), keep_alive_s,
      protocol::HttpResponseHead{}.content_type, {});
}

// Returns the ticks before now in which the reactor did not run.
Tick suspended() noexcept {
  const net::Reactor* const reactor = net::Reactor::current();
  return reactor == nullptr ? 0 : reactor->recently_suspended();
}

}  // namespace

RequestHandler::RequestHandler(ServerCore& core)
    : core_(core), addresses_(address_limits_of(core.options().rates)) {}

void RequestHandler::route(std::string_view pattern, Handlers handlers, RouteOptions options) {
  if (handlers.upgrade && handlers.deferred_upgrade) {
    throw std::invalid_argument("cannot add the route " + std::string(pattern) +
                                ": set upgrade or deferred_upgrade, not both");
  }
  if (const std::string error = routes_.add(pattern); !error.empty()) {
    throw std::invalid_argument("cannot add a route: " + error);
  }
  handlers_.push_back(std::move(handlers));
  route_options_.push_back(std::move(options));
}

std::string RequestHandler::check_routes() const {
  for (std::size_t i = 0; i < route_options_.size(); ++i) {
    const std::string error = check_route_options(route_options_[i], core_.options());
    if (!error.empty()) return "in the options of the route " + routes_.pattern(i) + ", " + error;
  }
  return {};
}

void RequestHandler::http(std::string_view method, std::string_view pattern,
                          HttpRoutes::Served served) {
  if (const std::string error = http_routes_.add(method, pattern, std::move(served));
      !error.empty()) {
    throw std::invalid_argument("cannot add an HTTP route: " + error);
  }
}

// A server with one address that other machines reach does not rely on loopback.
void RequestHandler::set_addresses(const std::vector<std::string>& addresses) {
  guards_loopback_ = core_.options().http.guard_loopback &&
                     std::all_of(addresses.begin(), addresses.end(), [](std::string_view address) {
                       return address.starts_with("unix:") || protocol::is_loopback_host(address);
                     });
}

net::RequestResult RequestHandler::on_head(net::Connection& connection,
                                           const protocol::HttpRequest& request) {
  resolve_client_address(connection, request);
  net::RequestResult result = answer_head(connection, request);
  add_cross_origin(request, result);
  return result;
}

void RequestHandler::add_cross_origin(const protocol::HttpRequest& request,
                                      net::RequestResult& result) const {
  if (result.kind == net::RequestResult::Kind::kRespond) {
    insert_lines(result.bytes, cross_origin_lines(core_.options(), request));
  }
}

net::RequestResult RequestHandler::answer_head(net::Connection& connection,
                                               const protocol::HttpRequest& request) {
  if (is_misdirected(connection.peer_info(), request)) {
    return reject_host(request, connection.peer_info().remote());
  }
  if (!protocol::is_known_method(request.method)) {
    return reject(request, protocol::Violation::kUnknownMethod, kWebSocketMethods);
  }
  if (auto response = answer_options(request)) return std::move(*response);
  const net::PeerInfo& client = connection.peer_info();
  const auto web_socket = routes_.match(request.path);
  // RFC 9110 §7.8: an Upgrade may be ignored, and one to another protocol such as h2c is. Only a
  // GET can open a WebSocket.
  const bool may_upgrade = request.method == "GET" && request.minor_version != 0;
  if (!web_socket || !may_upgrade || !protocol::offers_websocket(request)) {
    if (const auto http = http_routes_.match(request.path)) {
      return on_http_head(connection.id(), request, client.remote(), *http);
    }
  }
  if (web_socket) return on_handshake(connection.id(), request, client, *web_socket);
  return not_found(request, keep_alive_s(RequestTraits(request)));
}

// RFC 9110 §9.3.7. HAProxy's "option httpchk" sends OPTIONS / by default, so this is also a health
// check: like /healthz of the daemon, it fails from the begin of a drain.
std::optional<net::RequestResult> RequestHandler::answer_options(
    const protocol::HttpRequest& request) {
  if (request.method != "OPTIONS") return std::nullopt;
  std::string allow;
  if (request.path == "*") {
    allow = http_routes_.allow_anywhere();
  } else if (const auto http = http_routes_.match(request.path)) {
    if (http_routes_.find(http->route, "OPTIONS") != nullptr) return std::nullopt;
    if (is_preflight(core_.options(), request)) return std::nullopt;
    allow = http_routes_.allow(http->route);
  } else if (routes_.match(request.path)) {
    allow = kWebSocketMethods;
  } else {
    return std::nullopt;
  }
  const RequestTraits traits(request);
  if (core_.draining()) return checked_response(traits, going_away());
  Response response;
  response.headers = {{"Allow", std::move(allow)}};
  return checked_response(traits, std::move(response));
}

net::RequestResult RequestHandler::on_body(net::Connection& connection,
                                           const protocol::HttpRequest& request) {
  // on_head() found both, and routes do not change.
  const auto match = http_routes_.match(request.path);
  WSD_ASSERT(match.has_value());
  const HttpRoutes::Served* const served = http_routes_.find(match->route, request.method);
  WSD_ASSERT(served != nullptr);
  net::RequestResult result =
      call_handler(connection.id(), *served, request, connection.peer_info().remote(), *match);
  add_cross_origin(request, result);
  return result;
}

// Returns whether the request, which comes from a trusted proxy, has what such a proxy adds.
bool RequestHandler::was_forwarded(const protocol::HttpRequest& request) const {
  const bool forwarded = core_.options().proxy.field == ForwardedField::kForwarded;
  return core_.settings().session.proxy_header ||
         request.find(forwarded ? "Forwarded" : "X-Forwarded-For") != nullptr;
}

bool RequestHandler::is_misdirected(const net::PeerInfo& client,
                                    const protocol::HttpRequest& request) const {
  const std::vector<std::string>& allowed = core_.options().http.allowed_hosts;
  if (request.host.empty()) return false;  // HTTP/1.0; a browser always sends it
  if (allowed.empty() && !guards_loopback_) return false;
  if (protocol::host_allowed(request.host, allowed)) return false;
  if (allowed.empty()) {
    const std::string_view peer = client.via().empty() ? client.remote() : client.via();
    if (peer == "unix") return false;
    // A browser on the proxy's machine has the proxy's address, too. It sends no such field.
    if (core_.settings().trusted_proxies.trusts_peer(peer) && was_forwarded(request)) return false;
    // A page cannot choose its Origin, so this is not the attacker's page.
    const protocol::HttpField* const origin = request.find(protocol::FieldName::kOrigin);
    if (origin != nullptr && request.count(protocol::FieldName::kOrigin) == 1 &&
        protocol::origin_listed(origin->value, core_.options().upgrade.allowed_origins)) {
      return false;
    }
  }
  return true;
}

net::RequestResult RequestHandler::reject_host(const protocol::HttpRequest& request,
                                               std::string_view remote) {
  LogWriter& log = core_.log_writer();
  std::uint64_t suppressed = 0;
  if (log.wants(LogLevel::kInfo) && host_log_limit_.take(net::monotonic_ms(), suppressed)) {
    LogLine line = log.line(LogLevel::kInfo, "host_refused");
    line.add("remote", remote).add("host", request.host);
    if (suppressed != 0) line.add("suppressed", suppressed);
    log.write(line);
  }
  constexpr int kMisdirectedRequest = 421;  // RFC 9110 §15.5.20
  return reject(request, kMisdirectedRequest, host_refusal(core_.options(), request.host));
}

// Runs for each request, because a proxy may send requests of several clients through one
// connection.
void RequestHandler::resolve_client_address(net::Connection& connection,
                                            const protocol::HttpRequest& request) const {
  const protocol::TrustedProxies& trusted = core_.settings().trusted_proxies;
  if (trusted.empty() || core_.settings().session.proxy_header) return;
  const net::PeerInfo& known = connection.peer_info();
  const std::string_view peer = known.via().empty() ? known.remote() : known.via();
  if (!trusted.trusts_peer(peer)) return;
  const auto client =
      protocol::forwarded_client(*request.fields, core_.options().proxy.field, trusted);
  connection.set_client(client ? client->text() : std::string());
}

net::RequestResult RequestHandler::on_http_head(ConnectionId id,
                                                const protocol::HttpRequest& request,
                                                std::string_view remote, const RouteMatch& match) {
  const HttpRoutes::Served* const served = http_routes_.find(match.route, request.method);
  if (served == nullptr) {
    if (is_preflight(core_.options(), request)) return on_preflight(request, remote, match.route);
    return reject(request, protocol::Violation::kMethodNotAllowed, http_routes_.allow(match.route));
  }
  if (served->guard) {
    if (auto response = check_guard(*served, request, remote, match)) return std::move(*response);
  }
  if (takes_body(request) && request.body_due()) {
    const protocol::Violation violation = check_body(request);
    if (violation != protocol::Violation::kNone) return reject(request, violation, {});
    return without_response(net::RequestResult::Kind::kReadBody);
  }
  return call_handler(id, *served, request, remote, match);
}

net::RequestResult RequestHandler::on_preflight(const protocol::HttpRequest& request,
                                                std::string_view remote, std::size_t route) {
  const ServerOptions& options = core_.options();
  const std::string_view origin = request.find(protocol::FieldName::kOrigin)->value;
  if (!protocol::origin_allowed(origin, request.host, options.upgrade.allowed_origins)) {
    return reject_origin(request, remote, origin);
  }
  const RequestTraits traits(request);
  constexpr int kNoContent = 204;
  return write_response(traits, kNoContent, {}, keep_alive_s(traits), {},
                        preflight_fields(options.http, request, http_routes_.allow(route)));
}

std::optional<net::RequestResult> RequestHandler::check_guard(const HttpRoutes::Served& served,
                                                              const protocol::HttpRequest& request,
                                                              std::string_view remote,
                                                              const RouteMatch& match) {
  const Tick now = net::tick_of(net::monotonic_ms());
  if (addresses_) {
    // Limits token guessing here as in on_handshake().
    if (const std::uint64_t wait_ms = addresses_->may_try(remote, now, suspended()); wait_ms != 0) {
      return reject_address(request,
                            "too many rejected requests from this address, try again later",
                            retry_after(wait_ms));
    }
  }
  const std::vector<std::string_view> no_subprotocols;
  std::optional<Response> refusal;
  try {
    refusal = served.guard(RequestView(request, remote, match.params, no_subprotocols));
  } catch (...) {
    core_.log_handler_exception("http");
    refusal = internal_error();
  }
  if (!refusal) return std::nullopt;
  if (addresses_ && (refusal->status == 401 || refusal->status == 403)) {
    addresses_->refused(remote, now);
  }
  return checked_response(RequestTraits(request), std::move(*refusal));
}

// Returns the rule by which a request's body must not be read (RFC 9112 §6), or kNone.
protocol::Violation RequestHandler::check_body(
    const protocol::HttpRequest& request) const noexcept {
  // The length of a chunked body is checked as it arrives.
  if (request.content_length > core_.options().limits.max_message_bytes) {
    return protocol::Violation::kBodyTooLarge;
  }
  return protocol::Violation::kNone;
}

net::RequestResult RequestHandler::call_handler(ConnectionId id, const HttpRoutes::Served& served,
                                                const protocol::HttpRequest& request,
                                                std::string_view remote, const RouteMatch& match) {
  RequestTraits traits(request);
  const std::vector<std::string_view> no_subprotocols;
  const RequestView view(request, remote, match.params, no_subprotocols);
  Response response;
  try {
    if (served.deferred) {
      traits.cross_origin = cross_origin_lines(core_.options(), request);
      served.deferred(view, Responder(std::make_shared<DeferredExchange>(core_, id, traits)));
      return without_response(net::RequestResult::Kind::kDefer);
    }
    response = served.handler(view);
  } catch (...) {
    core_.log_handler_exception("http");
    // The destructor of the last copy of the Responder sends a deferred response.
    if (served.deferred) return without_response(net::RequestResult::Kind::kDefer);
    response = internal_error();
  }
  return checked_response(traits, std::move(response));
}

net::RequestResult RequestHandler::response_for(const RequestTraits& request, Response response) {
  net::RequestResult result = checked_response(request, std::move(response));
  insert_lines(result.bytes, request.cross_origin);
  return result;
}

net::RequestResult RequestHandler::checked_response(const RequestTraits& request,
                                                    Response response) {
  ResponseError error;
  net::RequestResult result =
      build_response(request, std::move(response), keep_alive_s(request), error);
  if (error.of_status) {
    core_.log(LogLevel::kError, "bad_response_status", error.text);
  } else if (!error.text.empty()) {
    core_.log(LogLevel::kError, "bad_response_header", error.text);
  }
  return result;
}

std::uint32_t RequestHandler::keep_alive_s(const RequestTraits& request) const noexcept {
  if (!request.keep_alive || core_.ends_after_response()) return 0;
  return core_.options().http.keep_alive_timeout_ms / 1000;
}

void RequestHandler::release_address(const net::PeerInfo& client) noexcept {
  if (addresses_) addresses_->leave(client.remote());
}

net::RequestResult RequestHandler::on_handshake(ConnectionId id,
                                                const protocol::HttpRequest& request,
                                                const net::PeerInfo& client,
                                                const RouteMatch& match) {
  const std::string_view remote = client.remote();
  // Before all other checks, so that the rate also limits token guessing.
  if (addresses_) {
    if (auto response = check_handshake_rate(request, remote)) return std::move(*response);
  }
  const protocol::Handshake handshake = protocol::check_handshake(request);
  if (handshake.violation != protocol::Violation::kNone) {
    return reject(request, handshake.violation, kWebSocketMethods);
  }
  if (handshake.has_origin && !protocol::origin_allowed(handshake.origin, request.host,
                                                        core_.options().upgrade.allowed_origins)) {
    return reject_origin(request, remote, handshake.origin);
  }
  if (core_.rejects_handshakes()) {
    return reject(request, 503, "the server is shutting down, try again", {{"Retry-After", "1"}});
  }
  const Handlers& handlers = handlers_[match.route];
  if (handlers.deferred_upgrade) {
    return defer_handshake(id, handlers,
                           RequestView(request, remote, match.params, handshake.subprotocols));
  }
  return answer_handshake(id, request, client, match, handshake,
                          run_upgrade_hook(handlers, request, remote, match, handshake));
}

net::RequestResult RequestHandler::answer_handshake(
    ConnectionId id, const protocol::HttpRequest& request, const net::PeerInfo& client,
    const RouteMatch& match, const protocol::Handshake& handshake, Upgrade verdict) {
  net::RequestResult result = finish_handshake(request, client, match, handshake, verdict);
  result.data = std::move(verdict.data);
  if (result.kind == net::RequestResult::Kind::kUpgrade && verdict.opened) {
    result.opened = [&core = core_, id, opened = std::move(verdict.opened)] {
      core.run_opened(id, opened);
    };
  }
  // Last, because release_address() runs only for a connection whose handshake was accepted.
  if (result.kind == net::RequestResult::Kind::kUpgrade && addresses_ &&
      !addresses_->enter(client.remote())) {
    return reject_address(request, "too many connections from this address");
  }
  return result;
}

std::optional<net::RequestResult> RequestHandler::check_handshake_rate(
    const protocol::HttpRequest& request, std::string_view remote) {
  const std::uint64_t wait_ms =
      addresses_->handshake(remote, net::tick_of(net::monotonic_ms()), suspended());
  if (wait_ms == 0) return std::nullopt;
  return reject_address(request, "too many handshakes from this address, try again later",
                        retry_after(wait_ms));
}

net::RequestResult RequestHandler::reject_origin(const protocol::HttpRequest& request,
                                                 std::string_view remote, std::string_view origin) {
  const std::vector<std::string>& allowed = core_.options().upgrade.allowed_origins;
  LogWriter& log = core_.log_writer();
  // Rate-limited, because many browsers may repeat the request of one page.
  std::uint64_t suppressed = 0;
  if (log.wants(LogLevel::kInfo) && origin_log_limit_.take(net::monotonic_ms(), suppressed)) {
    LogLine line = log.line(LogLevel::kInfo, "origin_refused");
    line.add("remote", remote).add("origin", origin).add("host", request.host);
    line.add("allowed", protocol::origin_rules(allowed));
    if (suppressed != 0) line.add("suppressed", suppressed);
    log.write(line);
  }
  return reject(request, http_status_of(protocol::Violation::kOriginNotAllowed),
                protocol::origin_refusal(origin, request.host, allowed));
}

// A browser fails such a connection right after the handshake (WHATWG WebSockets, section 2.1), and
// its page learns no reason. Does not log the offers, because a page may send its token as one of
// them.
void RequestHandler::log_unmatched_subprotocols(const protocol::HttpRequest& request,
                                                std::string_view remote, std::size_t offered,
                                                const std::vector<std::string>& supported) {
  LogWriter& log = core_.log_writer();
  std::uint64_t suppressed = 0;
  if (!log.wants(LogLevel::kInfo) ||
      !subprotocol_log_limit_.take(net::monotonic_ms(), suppressed)) {
    return;
  }
  std::string names;
  for (const std::string& name : supported) names.append(names.empty() ? "" : ", ").append(name);
  LogLine line = log.line(LogLevel::kInfo, "subprotocol_unmatched");
  line.add("remote", remote).add("path", request.path);
  line.add("offered", std::uint64_t{offered}).add("supported", names);
  if (suppressed != 0) line.add("suppressed", suppressed);
  log.write(line);
}

Upgrade RequestHandler::call_upgrade_hook(const std::function<Upgrade(const Request&)>& hook,
                                          const Request& request) {
  try {
    return hook(request);
  } catch (...) {
    core_.log_handler_exception("upgrade");
    return Upgrade::reject(500, "internal error");
  }
}

const std::vector<std::string>& RequestHandler::subprotocols_of(std::size_t route) const noexcept {
  const auto& own = route_options_[route].subprotocols;
  return own ? *own : core_.options().upgrade.subprotocols;
}

Upgrade RequestHandler::run_upgrade_hook(const Handlers& handlers,
                                         const protocol::HttpRequest& request,
                                         std::string_view remote, const RouteMatch& match,
                                         const protocol::Handshake& handshake) {
  if (!handlers.upgrade) return Upgrade::accept();
  return checked_verdict(
      call_upgrade_hook(handlers.upgrade,
                        RequestView(request, remote, match.params, handshake.subprotocols)),
      handshake);
}

Upgrade RequestHandler::checked_verdict(Upgrade verdict, const protocol::Handshake& handshake) {
  if (verdict.status != 101 && (verdict.status < 400 || verdict.status > 599)) {
    core_.log(LogLevel::kError, "bad_upgrade_verdict",
              "the upgrade handler returned status " + std::to_string(verdict.status) +
                  ": return 101, or 400 to 599");
    return Upgrade::reject(500, "internal error");
  }
  if (const std::string error = headers_error(verdict.headers); !error.empty()) {
    core_.log(LogLevel::kError, "bad_response_header", error);
    return Upgrade::reject(500, "internal error");
  }
  const auto& offered = handshake.subprotocols;
  if (verdict.status == 101 && !verdict.subprotocol.empty() &&
      std::find(offered.begin(), offered.end(), verdict.subprotocol) == offered.end()) {
    // RFC 6455 §4.1: a client fails a connection whose subprotocol it did not offer.
    core_.log(LogLevel::kError, "bad_upgrade_verdict",
              "the upgrade handler chose the subprotocol " + verdict.subprotocol +
                  ", which the client did not offer: choose one of Request::subprotocols()");
    return Upgrade::reject(500, "internal error");
  }
  return verdict;
}

net::RequestResult RequestHandler::finish_handshake(const protocol::HttpRequest& request,
                                                    const net::PeerInfo& client,
                                                    const RouteMatch& match,
                                                    const protocol::Handshake& handshake,
                                                    const Upgrade& verdict) {
  if (verdict.status != 101) return reject(request, verdict.status, verdict.body, verdict.headers);
  std::string_view subprotocol = verdict.subprotocol;
  if (subprotocol.empty()) {
    subprotocol = protocol::choose_subprotocol(subprotocols_of(match.route), handshake);
  }
  if (subprotocol.empty() && !handshake.subprotocols.empty()) {
    log_unmatched_subprotocols(request, client.remote(), handshake.subprotocols.size(),
                               subprotocols_of(match.route));
  }
  net::RequestResult result;
  result.kind = net::RequestResult::Kind::kUpgrade;
  result.status = 101;
  result.route = static_cast<std::uint16_t>(match.route);
  result.peer_info =
      net::PeerInfo(client.remote(), request.path, verdict.user, subprotocol, client.via());
  std::optional<protocol::DeflateAgreement> agreement;
  if (subprotocol == kNchanSubprotocol) {
    result.encoding = net::kNchanEncoding;
  } else {
    agreement = negotiate(request, handshake, route_options_[match.route]);
  }
  if (agreement) result.deflate = agreement->terms;
  protocol::write_switching_protocols(result.bytes, handshake.key, subprotocol, verdict.headers,
                                      agreement ? agreement->response : std::string_view());
  return result;
}

std::optional<protocol::DeflateAgreement> RequestHandler::negotiate(
    const protocol::HttpRequest& request, const protocol::Handshake& handshake,
    const RouteOptions& route) const {
  const DeflateOptions& options = core_.options().deflate;
  const DeflateMode mode = route.deflate.value_or(options.mode);
  if (mode == DeflateMode::kOff || !protocol::have_deflate()) return std::nullopt;
  if (is_excluded(request, options.excluded_user_agents)) return std::nullopt;
  protocol::DeflatePolicy policy;
  if (mode == DeflateMode::kContextTakeover) {
    constexpr std::uint8_t kWidest = 15;
    const std::size_t most = protocol::inflater_bytes(kWidest) + protocol::deflater_bytes(kWidest);
    const std::size_t held = core_.counts().context_bytes.load(std::memory_order_relaxed);
    policy.client_context_takeover =
        most <= options.max_context_bytes && held <= options.max_context_bytes - most;
    // Later messages refer to earlier ones, so a queued message must not be dropped.
    policy.server_context_takeover =
        policy.client_context_takeover &&
        !drops_queued(core_.options(),
                      route.slow_policy.value_or(core_.options().limits.slow_policy));
  }
  return protocol::negotiate_deflate(handshake.extensions, policy);
}

}  // namespace wsd::server
