// One connection of a client, from connect() until its last handler has run.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/tick.h"
#include "engine/wire.h"
#include "hub/member.h"
#include "net/application.h"
#include "net/engine_wire.h"
#include "net/reactor.h"
#include "protocol/client_handshake.h"
#include "protocol/client_url.h"
#include "wsd/client.h"

namespace wsd::server {

class ClientLinks;

// A call of Client::connect(), checked.
struct ConnectRequest {
  protocol::ClientUrl url;
  std::string name;  // the URL for errors, without its query, which may hold a token
  ConnectOptions options;
  protocol::ClientOffer offer;  // without a key
  Handlers handlers;
  ConnectHandler failed;
};

// Fills `request` from the arguments of Client::connect(), and moves from them. Returns an empty
// string, or a sentence that names the wrong value.
[[nodiscard]] std::string check_connect(std::string_view url, ConnectOptions& options,
                                        const DeflateOptions& deflate, ConnectRequest& request);

// Dials, and checks the response. Reactor thread only. The links of a reactor own it and destroy it
// in these calls.
class ClientLink final : public engine::WireOwner, public hub::Scheduled {
 public:
  ClientLink(ClientLinks& links, ConnectRequest request) noexcept
      : links_(links), request_(std::move(request)) {}
  ClientLink(const ClientLink&) = delete;
  ClientLink& operator=(const ClientLink&) = delete;
  ~ClientLink();

  // Begins to connect, and arms the connect timeout. If it throws std::bad_alloc, nothing has
  // changed.
  void dial();
  [[nodiscard]] const Handlers& handlers() const noexcept { return request_.handlers; }
  [[nodiscard]] const ConnectHandler& failed() const noexcept { return request_.failed; }
  // Its connection has got the response.
  [[nodiscard]] net::ResponseResult on_response(const net::Connection& connection,
                                                const protocol::HttpResponse& response);
  // Its connection is open.
  void on_open() noexcept;
  // Returns the error of a connection that has ended before it was open.
  [[nodiscard]] ConnectError error_of(const net::EndRecord& record) const;
  // Returns the error for that cause.
  [[nodiscard]] ConnectError error(ConnectCause cause, std::string_view why) const noexcept;

  // engine::WireOwner
  void connected() override;
  void received(std::string_view /*bytes*/) override {}
  void ended(std::string_view why) override;
  // hub::Scheduled
  void on_deadline(Tick now) override;

  // The place in the list of links that dial, for ClientLinks.
  std::size_t place = 0;

 private:
  void arm(std::uint32_t timeout_ms) noexcept;

  ClientLinks& links_;
  ConnectRequest request_;
  std::unique_ptr<net::EngineWire> wire_;  // null once it is connected
  net::Connection* connection_ = nullptr;  // during the handshake
  bool timed_out_ = false;
  std::string rejection_;  // why the server's answer is not a 101
};

}  // namespace wsd::server
