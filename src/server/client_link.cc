#include "server/client_link.h"

#include <algorithm>
#include <utility>

#include "base/in_quotes.h"
#include "net/address.h"
#include "net/engine_port.h"
#include "protocol/deflate.h"
#include "protocol/http_response.h"
#include "server/client_links.h"

namespace wsd::server {
namespace {

std::string check_headers(const ConnectOptions& options) {
  for (const auto& [name, value] : options.headers) {
    if (!protocol::is_valid_header(name, value)) {
      return "ConnectOptions::headers has " + in_quotes(name) +
             ", whose name is not a token or whose value has a control byte: write text without "
             "line ends";
    }
    if (!protocol::is_free_request_field(name)) {
      return "ConnectOptions::headers has " + in_quotes(name) +
             ", which the handshake sets itself: leave it out";
    }
  }
  if (!protocol::is_valid_header("Origin", options.origin)) {
    return "ConnectOptions::origin has a control byte: write scheme://host or scheme://host:port";
  }
  return {};
}

std::string check_subprotocols(const std::vector<std::string>& names) {
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (!protocol::is_token(names[i])) {
      return "ConnectOptions::subprotocols has " + in_quotes(names[i]) +
             ", which is not a token (RFC 9110, section 5.6.2): write letters, digits, - and .";
    }
    const auto end = names.begin() + static_cast<std::ptrdiff_t>(i);
    if (std::find(names.begin(), end, names[i]) != end) {
      return "ConnectOptions::subprotocols has " + in_quotes(names[i]) +
             " twice: write each once (RFC 6455, section 4.1)";
    }
  }
  return {};
}

// Returns why a response is not a 101.
std::string rejection_of(const protocol::HttpResponse& response) {
  constexpr int kFirstRedirect = 300;
  constexpr int kFirstError = 400;
  std::string text = "the server answered " + std::to_string(response.status) + " " +
                     std::string(protocol::reason_phrase(response.status)) + ", not 101";
  const protocol::HttpField* const location = response.find("Location");
  if (response.status < kFirstRedirect || response.status >= kFirstError || location == nullptr) {
    return text;
  }
  return text + ", and redirects are not followed: connect to " + in_quotes(location->value) +
         " if you trust it";
}

ConnectCause connect_cause_of(const net::EndRecord& record) noexcept {
  if (record.violation != protocol::Violation::kNone) return ConnectCause::kBadResponse;
  switch (record.close.cause) {
    case CloseCause::kHandshakeRejected:
      return ConnectCause::kRejected;
    case CloseCause::kDrain:
    case CloseCause::kServerStopped:
      return ConnectCause::kStopped;
    case CloseCause::kResourceFailure:
    case CloseCause::kInputBudget:
    case CloseCause::kOutputBudget:
      return ConnectCause::kNoResources;
    default:
      return ConnectCause::kDisconnected;
  }
}

std::string_view text_of(ConnectCause cause) noexcept {
  switch (cause) {
    case ConnectCause::kStopped:
      return "the client has stopped";
    case ConnectCause::kNoResources:
      return "out of memory or of descriptors";
    default:
      return "the server ended the connection before its response was complete";
  }
}

}  // namespace

std::string check_connect(std::string_view url, ConnectOptions& options,
                          const DeflateOptions& deflate, ConnectRequest& request) {
  if (std::string error = protocol::parse_client_url(url, request.url); !error.empty()) {
    return error;
  }
  if (std::string error = check_headers(options); !error.empty()) return error;
  if (std::string error = check_subprotocols(options.subprotocols); !error.empty()) return error;
  if (options.connect_timeout_ms == 0 || options.handshake_timeout_ms == 0) {
    return "ConnectOptions::connect_timeout_ms and handshake_timeout_ms must be more than 0";
  }
  request.name = url.substr(0, url.find('?'));
  request.options = std::move(options);
  request.offer.subprotocols = request.options.subprotocols;
  request.offer.deflate =
      request.options.deflate && deflate.mode != DeflateMode::kOff && protocol::have_deflate();
  request.offer.context_takeover = deflate.mode == DeflateMode::kContextTakeover;
  return {};
}

ClientLink::~ClientLink() { links_.reactor().shard().wheel().cancel(*this); }

void ClientLink::arm(std::uint32_t timeout_ms) noexcept {
  net::Reactor& reactor = links_.reactor();
  reactor.shard().wheel().arm(*this, reactor.now() + std::max<Tick>(ticks_for_ms(timeout_ms), 1));
}

void ClientLink::dial() {
  const protocol::ClientUrl& url = request_.url;
  wire_ = links_.reactor().engine_port().dial({url.host, url.port, url.socket}, *this);
  arm(request_.options.connect_timeout_ms);
}

void ClientLink::connected() {
  net::PeerAddress server;
  server.storage = wire_->address().storage;
  std::string request;
  request_.offer.key = protocol::fresh_key();
  request_.offer.context_takeover = request_.offer.context_takeover && links_.may_keep_contexts();
  protocol::write_client_request(request, request_.url.authority, request_.url.target,
                                 request_.offer, request_.options.origin, request_.options.headers);
  arm(request_.options.handshake_timeout_ms);
  const int fd = wire_->release();
  try {
    connection_ = &links_.connect(*this, fd, server, as_bytes(request));
  } catch (const std::bad_alloc&) {
    net::close_socket(fd);
    links_.fail(*this, error(ConnectCause::kNoResources, "out of memory"));
    return;
  }
  wire_.reset();
}

void ClientLink::ended(std::string_view why) {
  const auto& lookup = wire_->lookup();
  const bool no_address = lookup != nullptr && lookup->done() && lookup->addresses().empty();
  const ConnectError why_not =
      error(no_address ? ConnectCause::kLookup : ConnectCause::kUnreachable, why);
  links_.fail(*this, why_not);
}

void ClientLink::on_deadline(Tick /*now*/) {
  if (connection_ != nullptr) {
    // From the response on, the connection has its own deadlines.
    if (connection_->state() != ConnectionState::kHandshaking) return;
    timed_out_ = true;
    connection_->reset(CloseCause::kHandshakeTimeout);
    return;
  }
  ConnectError why = error(ConnectCause::kTimeout, "no connection within ");
  try {
    why.text += std::to_string(request_.options.connect_timeout_ms) + "ms";
  } catch (const std::bad_alloc&) {  // the cause tells enough
  }
  links_.fail(*this, why);
}

net::ResponseResult ClientLink::on_response(const net::Connection& connection,
                                            const protocol::HttpResponse& response) {
  constexpr int kSwitchingProtocols = 101;
  net::ResponseResult result;
  if (response.status != kSwitchingProtocols) {
    rejection_ = rejection_of(response);
    return result;
  }
  const protocol::ClientAgreement agreement = protocol::check_response(response, request_.offer);
  result.violation = agreement.violation;
  if (agreement.violation != protocol::Violation::kNone) return result;
  result.accepted = true;
  result.peer_info = net::PeerInfo(connection.peer_info().remote(), request_.url.path(), {},
                                   agreement.subprotocol);
  result.deflate = agreement.deflate;
  return result;
}

void ClientLink::on_open() noexcept {
  connection_ = nullptr;
  links_.reactor().shard().wheel().cancel(*this);
}

ConnectError ClientLink::error(ConnectCause cause, std::string_view why) const noexcept {
  ConnectError result{cause, 0, {}};
  try {
    result.text = "cannot connect to " + request_.name + ": " + std::string(why);
  } catch (const std::bad_alloc&) {  // the cause tells enough
  }
  return result;
}

ConnectError ClientLink::error_of(const net::EndRecord& record) const {
  if (timed_out_) {
    return error(
        ConnectCause::kTimeout,
        "no response within " + std::to_string(request_.options.handshake_timeout_ms) + "ms");
  }
  const ConnectCause cause = connect_cause_of(record);
  std::string_view why = text_of(cause);
  if (cause == ConnectCause::kRejected) why = rejection_;
  if (cause == ConnectCause::kBadResponse) why = protocol::violation_text(record.violation);
  ConnectError result = error(cause, why);
  result.http_status = record.http_status;
  return result;
}

}  // namespace wsd::server
