// What the reactor asks of the layer above it. Implemented by the server; its methods run on the
// reactor's thread. What on_request(), on_open(), on_message() and on_join_refused() throw is
// std::bad_alloc, which ends the connection; the others throw nothing.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "hub/batch.h"
#include "net/peer_info.h"
#include "protocol/deflate_offer.h"
#include "protocol/http_request.h"
#include "protocol/violation.h"
#include "wsd/connection.h"
#include "wsd/message.h"

namespace wsd::net {

class Connection;

// The answer to a request.
struct RequestResult {
  enum class Kind : std::uint8_t {
    kUpgrade,
    kRespond,
    kReadBody,  // nothing yet: on_request() comes again when the body has come
    kDefer,     // nothing yet: Connection::complete_request() will be called
  };
  Kind kind = Kind::kRespond;
  std::string bytes;        // the whole response
  bool keep_alive = false;  // kRespond: another request may follow
  bool rejected = false;    // kRespond: an opening handshake was refused
  CloseCause refusal = CloseCause::kHandshakeRejected;  // rejected: why
  int status = 0;                                       // for the log
  PeerInfo peer_info;                                   // kUpgrade
  std::uint16_t route = 0;  // kUpgrade: which handlers, for Connection::route()
  std::optional<protocol::DeflateParameters> deflate;  // kUpgrade: agreed on
  std::unique_ptr<ConnectionData> data;                // kUpgrade: the hook's
  hub::Encoding encoding = hub::kIdentity;             // kUpgrade, without `deflate`
  std::function<void()> opened;  // kUpgrade: called before on_open(); or empty
};

// One connection's end, for the log. Views are valid during the call.
struct EndRecord {
  ConnectionId id = 0;
  const PeerInfo* peer_info = nullptr;
  CloseInfo close;
  bool granted =
      false;  // its handshake was answered with kUpgrade, and `peer_info` are of that answer
  bool opened = false;  // it was a WebSocket connection
  int http_status = 0;  // of the last HTTP response; 0: none
  protocol::Violation violation = protocol::Violation::kNone;
  std::uint64_t duration_ms = 0;
  std::uint64_t bytes_in = 0;
  std::uint64_t bytes_out = 0;
  std::uint64_t messages_in = 0;
  std::uint64_t messages_out = 0;
  std::uint64_t messages_dropped = 0;
};

class Application {
 public:
  virtual RequestResult on_request(Connection& connection,
                                   const protocol::HttpRequest& request) = 0;
  virtual void on_open(Connection& connection) = 0;
  virtual void on_message(Connection& connection, const Message& message) = 0;
  virtual void on_join_refused(Connection& /*connection*/, std::string_view /*room*/,
                               JoinRefusal /*why*/) {}
  // Once for each connection that was opened.
  virtual void on_close(Connection& connection, const CloseInfo& info) = 0;
  // Once for each accepted connection, after on_close().
  virtual void on_end(const EndRecord& record) = 0;
  // Something an operator should know, at most a few times a second.
  virtual void on_warning(const char* event, const std::string& text) = 0;

 protected:
  ~Application() = default;
};

}  // namespace wsd::net
