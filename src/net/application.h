// The interface that the server implements for its reactors.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "hub/batch.h"
#include "net/peer_info.h"
#include "protocol/deflate_offer.h"
#include "protocol/http_request.h"
#include "protocol/http_response_reader.h"
#include "protocol/violation.h"
#include "wsd/connection.h"
#include "wsd/message.h"

namespace wsd::net {

class Connection;

// The result of a request.
struct RequestResult {
  enum class Kind : std::uint8_t {
    kUpgrade,
    kRespond,
    kReadBody,  // no response yet: on_request() is called again when the body is complete
    kDefer,     // no response yet: Connection::complete_request() or complete_upgrade() follows
  };
  Kind kind = Kind::kRespond;
  std::string bytes;        // the whole response
  bool keep_alive = false;  // kRespond: another request may follow
  bool rejected = false;    // kRespond: an opening handshake was rejected
  CloseCause refusal = CloseCause::kHandshakeRejected;  // the cause, if `rejected`
  int status = 0;                                       // for the log
  PeerInfo peer_info;                                   // kUpgrade
  std::uint16_t route = 0;  // kUpgrade: the route, for Connection::route()
  std::optional<protocol::DeflateParameters> deflate;  // kUpgrade: the agreed parameters
  std::unique_ptr<ConnectionData> data;                // kUpgrade: from the upgrade hook
  hub::Encoding encoding = hub::kIdentity;             // kUpgrade, without `deflate`
  std::function<void()> opened;  // kUpgrade: called before on_open() if not empty
  // kDefer of a handshake: set to true when a verdict has no effect any more. Null: not a
  // handshake.
  std::shared_ptr<std::atomic<bool>> verdict_over;
};

// The result of a server's response, in the client's role.
struct ResponseResult {
  bool accepted = false;
  // Not accepted: the rule that the response breaks. kNone: the server rejects the handshake.
  protocol::Violation violation = protocol::Violation::kNone;
  PeerInfo peer_info;                                  // accepted
  std::optional<protocol::DeflateParameters> deflate;  // accepted: see accept_deflate_response()
};

// The end of a connection, for the log. Views are valid during the call.
struct EndRecord {
  ConnectionId id = 0;
  const PeerInfo* peer_info = nullptr;
  CloseInfo close;
  // The handshake was answered with kUpgrade, and `peer_info` comes from that result.
  bool granted = false;
  bool opened = false;  // it was a WebSocket connection
  int http_status = 0;  // of the last HTTP response; 0: none
  protocol::Violation violation = protocol::Violation::kNone;
  std::uint64_t duration_ms = 0;
  std::uint64_t bytes_in = 0;
  std::uint64_t bytes_out = 0;
  // Bytes that were to be sent, but that the peer had not acknowledged when TCP was reset. 0 if it
  // was not reset.
  std::uint64_t bytes_undelivered = 0;
  std::uint64_t messages_in = 0;
  std::uint64_t messages_out = 0;
  std::uint64_t messages_dropped = 0;
};

// Methods run on a reactor's thread. on_request(), on_response(), on_open(), on_message(),
// on_small_messages(), on_join_refused(), on_drained() and on_pong() may throw std::bad_alloc,
// which ends the connection. The others must not throw.
class Application {
 public:
  virtual RequestResult on_request(Connection& connection,
                                   const protocol::HttpRequest& request) = 0;
  // The response to the handshake of a connection in the client's role.
  virtual ResponseResult on_response(Connection& /*connection*/,
                                     const protocol::HttpResponse& /*response*/) {
    return {};
  }
  virtual void on_open(Connection& connection) = 0;
  virtual void on_message(Connection& connection, const Message& message) = 0;
  // Takes messages from the front of `input` with Connection::take_small(), until it returns false
  // or the connection is no longer open. Handles each of them as on_message() does, which it calls
  // by default. Returns the rest of the input. One call for all messages of a receive saves a sixth
  // of the instructions of each.
  virtual MutableBytes on_small_messages(Connection& connection, MutableBytes input);
  virtual void on_join_refused(Connection& /*connection*/, std::string_view /*room*/,
                               JoinRefusal /*why*/) {}
  // Connection::notify_drained() was called, and the queue has drained to its mark.
  virtual void on_drained(Connection& /*connection*/) {}
  // Called for each Pong that does not answer the heartbeat.
  virtual void on_pong(Connection& /*connection*/, std::string_view /*payload*/) {}
  // Called once for each connection that was opened.
  virtual void on_close(Connection& connection, const CloseInfo& info) = 0;
  // Called once for each accepted connection, after on_close().
  virtual void on_end(const EndRecord& record) = 0;
  // Reports an event for the operator, at most a few times per second.
  virtual void on_warning(const char* event, const std::string& text) = 0;

 protected:
  ~Application() = default;
};

}  // namespace wsd::net
