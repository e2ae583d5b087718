// What a request is answered: routing, the opening handshake, plain HTTP.
#include <algorithm>
#include <utility>

#include "net/clock.h"
#include "net/message_encoder.h"
#include "protocol/deflate.h"
#include "protocol/forwarded.h"
#include "protocol/http_date.h"
#include "protocol/http_response.h"
#include "protocol/origin.h"
#include "server/deferred_exchange.h"
#include "server/http_response.h"
#include "server/request_view.h"
#include "server/server_core.h"
#include "server/settings.h"

namespace wsd {
namespace {

constexpr std::string_view kWebSocketMethods = "GET";

bool is_head(const protocol::HttpRequest& request) { return request.method == "HEAD"; }

// RFC 9110 §9.3.1, §9.3.2: a body has no meaning in a GET or a HEAD.
bool takes_body(const protocol::HttpRequest& request) {
  return request.method != "GET" && !is_head(request);
}

// Not that of a second call, when the body has come.
bool is_at_head(const protocol::HttpRequest& request) {
  return request.body_due() || request.body.empty();
}

Headers retry_after(std::uint64_t wait_ms) {
  return {{"Retry-After", std::to_string((wait_ms + 999) / 1000)}};
}

protocol::HttpDate date_now() { return protocol::HttpDate(net::wall_clock_ms() / 1000); }

net::RequestResult refuse(const protocol::HttpRequest& request, protocol::Violation violation,
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
      server::write_response(server::RequestTraits(request), status, protocol::error_body(body),
                             false, protocol::HttpResponseHead{}.content_type, extra);
  result.rejected = true;
  return result;
}

std::string bad_header_text(const std::string& name) {
  return "the application's header field " + name +
         " has an invalid name or value, so the client got 500: correct it";
}

bool asks_upgrade(const protocol::HttpRequest& request) {
  return request.find("Upgrade") != nullptr;
}

}  // namespace

// Each request anew: a proxy may send those of several clients through one connection.
void ServerCore::resolve_client_address(net::Connection& connection,
                                        const protocol::HttpRequest& request) const {
  const net::PeerInfo& known = connection.peer_info();
  const std::string_view peer = known.via().empty() ? known.remote() : known.via();
  if (!settings_.trusted_proxies.trusts_peer(peer)) return;
  const auto client =
      protocol::forwarded_client(*request.fields, options_.proxy.field, settings_.trusted_proxies);
  connection.set_client(client ? client->text() : std::string());
}

net::RequestResult ServerCore::on_request(net::Connection& connection,
                                          const protocol::HttpRequest& request) {
  if (!settings_.trusted_proxies.empty() && !settings_.session.proxy_header) {
    resolve_client_address(connection, request);
  }
  if (!protocol::is_known_method(request.method)) {
    return refuse(request, protocol::Violation::kUnknownMethod, kWebSocketMethods);
  }
  const net::PeerInfo& caller = connection.peer_info();
  const auto web_socket = routes_.match(request.path);
  const auto http = http_routes_.match(request.path);
  // RFC 9110 §7.8: an Upgrade may be ignored; only a GET can open a WebSocket.
  if (http && (!web_socket || !asks_upgrade(request) || request.method != "GET")) {
    return answer_http(connection.id(), request, caller.remote(), *http);
  }
  if (web_socket) return answer_handshake(connection.id(), request, caller, *web_socket);
  const server::RequestTraits traits(request);
  net::RequestResult result = server::write_response(
      traits, 404, protocol::error_body(protocol::violation_text(protocol::Violation::kNotFound)),
      traits.keep_alive, protocol::HttpResponseHead{}.content_type, {});
  if (asks_upgrade(request)) {
    result = refuse(request, protocol::Violation::kNotFound, kWebSocketMethods);
  }
  return result;
}

// What speaks against reading the body of a request (RFC 9112 §6).
protocol::Violation ServerCore::judge_body(const protocol::HttpRequest& request) const noexcept {
  if (request.chunked) return protocol::Violation::kCodingNotRead;
  if (request.content_length > options_.limits.max_message_bytes) {
    return protocol::Violation::kBodyTooLarge;
  }
  return protocol::Violation::kNone;
}

std::optional<net::RequestResult> ServerCore::judge_head(const server::HttpRoutes::Served& served,
                                                         const protocol::HttpRequest& request,
                                                         std::string_view remote,
                                                         const server::RouteMatch& match) {
  const Tick now = net::tick_of(net::monotonic_ms());
  if (addresses_) {
    // Who guesses at tokens is slowed down here as at a handshake.
    if (const std::uint64_t wait_ms = addresses_->may_try(remote, now); wait_ms != 0) {
      net::RequestResult result =
          reject(request, 429, "too many rejected requests from this address, try again later",
                 retry_after(wait_ms));
      result.refusal = CloseCause::kAddressLimit;
      return result;
    }
  }
  const std::vector<std::string_view> no_subprotocols;
  std::optional<Response> refusal;
  try {
    refusal = served.judge(server::RequestView(request, remote, match.params, no_subprotocols));
  } catch (...) {
    log_handler_exception("http");
    refusal = server::internal_error();
  }
  if (!refusal) return std::nullopt;
  if (addresses_ && (refusal->status == 401 || refusal->status == 403)) {
    addresses_->refused(remote, now);
  }
  return response_for(server::RequestTraits(request), std::move(*refusal));
}

net::RequestResult ServerCore::answer_http(ConnectionId id, const protocol::HttpRequest& request,
                                           std::string_view remote,
                                           const server::RouteMatch& match) {
  const server::HttpRoutes::Served* const served = http_routes_.find(match.route, request.method);
  if (served == nullptr) {
    return refuse(request, protocol::Violation::kMethodNotAllowed, http_routes_.allow(match.route));
  }
  if (served->judge && is_at_head(request)) {
    if (auto refusal = judge_head(*served, request, remote, match)) return std::move(*refusal);
  }
  if (takes_body(request) && request.body_due()) {
    const protocol::Violation violation = judge_body(request);
    if (violation != protocol::Violation::kNone) return refuse(request, violation, {});
    net::RequestResult result;
    result.kind = net::RequestResult::Kind::kReadBody;
    return result;
  }
  const server::RequestTraits traits(request);
  const std::vector<std::string_view> no_subprotocols;
  const server::RequestView view(request, remote, match.params, no_subprotocols);
  Response response;
  try {
    if (served->deferred) {
      served->deferred(view,
                       Responder(std::make_shared<server::DeferredExchange>(*this, id, traits)));
      net::RequestResult result;
      result.kind = net::RequestResult::Kind::kDefer;
      return result;
    }
    response = served->handler(view);
  } catch (...) {
    log_handler_exception("http");
    // What was deferred is answered when the last copy of its responder goes.
    if (served->deferred) {
      net::RequestResult result;
      result.kind = net::RequestResult::Kind::kDefer;
      return result;
    }
    response = server::internal_error();
  }
  return response_for(traits, std::move(response));
}

net::RequestResult ServerCore::response_for(const server::RequestTraits& request,
                                            Response response) {
  std::string bad_field;
  net::RequestResult result = server::build_response(
      request, std::move(response), draining_.load(std::memory_order_relaxed), bad_field);
  if (!bad_field.empty()) log(LogLevel::kError, "bad_response_header", bad_header_text(bad_field));
  return result;
}

net::RequestResult ServerCore::refuse_origin(const protocol::HttpRequest& request,
                                             std::string_view remote, std::string_view origin) {
  const std::vector<std::string>& allowed = options_.upgrade.allowed_origins;
  // A page that asks again and again, in many browsers, is one piece of news a moment.
  std::uint64_t suppressed = 0;
  if (log_.wants(LogLevel::kInfo) && origin_log_limit_.take(net::monotonic_ms(), suppressed)) {
    LogLine line = log_.line(LogLevel::kInfo, "origin_refused");
    line.add("remote", remote).add("origin", origin).add("host", request.host);
    line.add("allowed", protocol::origin_rules(allowed));
    if (suppressed != 0) line.add("suppressed", suppressed);
    log_.write(line);
  }
  return reject(request, http_status_of(protocol::Violation::kOriginNotAllowed),
                protocol::origin_refusal(origin, request.host, allowed));
}

std::optional<net::RequestResult> ServerCore::over_handshake_rate(
    const protocol::HttpRequest& request, std::string_view remote) {
  const std::uint64_t wait_ms = addresses_->handshake(remote, net::tick_of(net::monotonic_ms()));
  if (wait_ms == 0) return std::nullopt;
  net::RequestResult result = reject(
      request, 429, "too many handshakes from this address, try again later", retry_after(wait_ms));
  result.refusal = CloseCause::kAddressLimit;
  return result;
}

net::RequestResult ServerCore::answer_handshake(ConnectionId id,
                                                const protocol::HttpRequest& request,
                                                const net::PeerInfo& caller,
                                                const server::RouteMatch& match) {
  const std::string_view remote = caller.remote();
  // Before anything is looked at: who guesses at tokens is slowed down by it too.
  if (addresses_) {
    if (auto answer = over_handshake_rate(request, remote)) return std::move(*answer);
  }
  const protocol::Handshake handshake = protocol::check_handshake(request);
  if (handshake.violation != protocol::Violation::kNone) {
    return refuse(request, handshake.violation, kWebSocketMethods);
  }
  if (handshake.has_origin &&
      !protocol::origin_allowed(handshake.origin, request.host, options_.upgrade.allowed_origins)) {
    return refuse_origin(request, remote, handshake.origin);
  }
  if (draining_.load(std::memory_order_relaxed)) {
    return reject(request, 503, "the server is shutting down, try again", {{"Retry-After", "1"}});
  }
  Upgrade verdict = run_upgrade_hook(handlers_[match.route], request, remote, match, handshake);
  net::RequestResult result = finish_handshake(request, caller, match, handshake, verdict);
  result.data = std::move(verdict.data);
  if (result.kind == net::RequestResult::Kind::kUpgrade && verdict.opened) {
    result.opened = [this, id, opened = std::move(verdict.opened)] { run_opened(id, opened); };
  }
  // Last, since what is counted here is given back at the end of a connection that was granted its
  // handshake, and there alone.
  if (result.kind == net::RequestResult::Kind::kUpgrade && addresses_ &&
      !addresses_->enter(remote)) {
    result = reject(request, 429, "too many connections from this address");
    result.refusal = CloseCause::kAddressLimit;
  }
  return result;
}

Upgrade ServerCore::run_upgrade_hook(const Handlers& handlers, const protocol::HttpRequest& request,
                                     std::string_view remote, const server::RouteMatch& match,
                                     const protocol::Handshake& handshake) {
  if (!handlers.upgrade) return Upgrade::accept();
  const server::RequestView view(request, remote, match.params, handshake.subprotocols);
  Upgrade verdict;
  try {
    verdict = handlers.upgrade(view);
  } catch (...) {
    log_handler_exception("upgrade");
    return Upgrade::reject(500, "internal error");
  }
  if (verdict.status != 101 && (verdict.status < 400 || verdict.status > 599)) {
    log(LogLevel::kError, "bad_upgrade_verdict",
        "the upgrade handler returned status " + std::to_string(verdict.status) +
            ": return 101, or 400 to 599");
    return Upgrade::reject(500, "internal error");
  }
  if (const std::string* name = server::bad_header(verdict.headers)) {
    log(LogLevel::kError, "bad_response_header", bad_header_text(*name));
    return Upgrade::reject(500, "internal error");
  }
  const auto& offered = handshake.subprotocols;
  if (verdict.status == 101 && !verdict.subprotocol.empty() &&
      std::find(offered.begin(), offered.end(), verdict.subprotocol) == offered.end()) {
    // RFC 6455 §4.1: a client fails a connection whose subprotocol it did not offer.
    log(LogLevel::kError, "bad_upgrade_verdict",
        "the upgrade handler chose the subprotocol " + verdict.subprotocol +
            ", which the client did not offer: choose one of Request::subprotocols()");
    return Upgrade::reject(500, "internal error");
  }
  return verdict;
}

net::RequestResult ServerCore::finish_handshake(const protocol::HttpRequest& request,
                                                const net::PeerInfo& caller,
                                                const server::RouteMatch& match,
                                                const protocol::Handshake& handshake,
                                                const Upgrade& verdict) {
  if (verdict.status != 101) return reject(request, verdict.status, verdict.body, verdict.headers);
  std::string_view subprotocol = verdict.subprotocol;
  if (subprotocol.empty()) {
    subprotocol = protocol::choose_subprotocol(options_.upgrade.subprotocols, handshake);
  }
  net::RequestResult result;
  result.kind = net::RequestResult::Kind::kUpgrade;
  result.status = 101;
  result.route = static_cast<std::uint16_t>(match.route);
  result.peer_info =
      net::PeerInfo(caller.remote(), request.path, verdict.user, subprotocol, caller.via());
  std::optional<protocol::DeflateAgreement> agreement;
  if (subprotocol == kNchanSubprotocol) {
    result.encoding = net::kNchanEncoding;
  } else {
    agreement = negotiate(handshake);
  }
  if (agreement) result.deflate = agreement->terms;
  protocol::write_switching_protocols(result.bytes, handshake.key, subprotocol, verdict.headers,
                                      agreement ? agreement->response : std::string_view());
  return result;
}

std::optional<protocol::DeflateAgreement> ServerCore::negotiate(
    const protocol::Handshake& handshake) const {
  const DeflateOptions& options = options_.deflate;
  if (options.mode == DeflateMode::kOff || !protocol::have_deflate()) return std::nullopt;
  protocol::DeflatePolicy policy;
  if (options.mode == DeflateMode::kContextTakeover) {
    constexpr std::uint8_t kWidest = 15;
    const std::size_t most = protocol::inflater_bytes(kWidest) + protocol::deflater_bytes(kWidest);
    const std::size_t held = counts_.context_bytes.load(std::memory_order_relaxed);
    policy.client_context_takeover =
        most <= options.max_context_bytes && held <= options.max_context_bytes - most;
    // A queued message that is dropped takes with it what later ones refer to.
    policy.server_context_takeover =
        policy.client_context_takeover && !server::drops_queued(options_);
  }
  return protocol::negotiate_deflate(handshake.extensions, policy);
}

}  // namespace wsd
