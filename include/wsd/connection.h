// A handle on one WebSocket connection.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "wsd/close.h"
#include "wsd/message.h"
#include "wsd/position.h"

namespace wsd {

class ServerCore;

// Why a connection may not be in one more room.
enum class JoinRefusal : std::uint8_t {
  kConnectionLimit,  // it is in ClientLimits::max_rooms_per_connection already
  kServerLimit,      // the room would be a new one, and there are ClientLimits::max_rooms already
};

// Names a connection for the life of the server; never used twice. 0 is no connection.
using ConnectionId = std::uint64_t;

// Base of an application's own data on a connection; owned by the connection and destroyed on its
// reactor's thread after the close handler has returned.
class ConnectionData {
 public:
  ConnectionData() = default;
  ConnectionData(const ConnectionData&) = delete;
  ConnectionData& operator=(const ConnectionData&) = delete;
  virtual ~ConnectionData() = default;
};

// A small value, free to copy and to keep: it names the connection and never dangles. It must not
// be used after its Server is gone. Methods say from which thread they may be called; "reactor
// thread" means inside a handler of a connection on the same reactor, which a handler's own
// connection always is. On a connection that has ended every method is a no-op.
class Connection {
 public:
  // Names no connection.
  Connection() = default;
  // The library's.
  Connection(ServerCore* core, ConnectionId id) noexcept : core_(core), id_(id) {}

  // Any thread.
  [[nodiscard]] ConnectionId id() const noexcept { return id_; }

  // Sends one message as one frame. On the connection's own reactor the result says what became of
  // it; from another thread the message is handed to the reactor, in order with the others of this
  // thread, and kSent means handed over. Messages over max_message_bytes are refused (kTooBig).
  // Any thread.
  SendResult send(MessageType type, std::string_view payload) const;
  SendResult send(const Message& message) const { return send(message.type, message.payload); }
  SendResult send_text(std::string_view text) const { return send(MessageType::kText, text); }
  SendResult send_binary(std::string_view bytes) const { return send(MessageType::kBinary, bytes); }

  // Starts the close handshake (RFC 6455 §7.1.2): later sends are no-ops. `reason` is cut to 123
  // bytes at a code point boundary; a code that must not be sent becomes kNormalClosure. Any
  // thread.
  void close(CloseCode code = CloseCode::kNormalClosure, std::string_view reason = {}) const;

  // Joins a room. A member gets each message published after its join took its place in
  // the room's order, exactly once. Joining a room twice is joining it once. A join that is over a
  // limit is refused, and Handlers::join_refused is told of it. Any thread.
  void join(std::string_view room) const;
  // Likewise, and it first gets what it has missed: no message is lost between the two, and none
  // comes twice. Where `since` cannot be honoured it gets all that is kept; on a connection with
  // kNchanSubprotocol a notice of the gap comes before that. Any thread.
  void join(std::string_view room, const Since& since) const;
  // Leaves it, or does nothing where it is in no such room. Any thread.
  void leave(std::string_view room) const;

  // The room joined first of those it is in, or empty. Valid until the handler returns.
  // Reactor thread.
  [[nodiscard]] std::string_view room() const;
  // All rooms it has joined, joins under way included. Valid until the handler returns.
  // Reactor thread.
  [[nodiscard]] std::vector<std::string_view> rooms() const;

  // Facts of the opening handshake. Valid until the handler returns. Reactor thread.
  [[nodiscard]] std::string_view user() const;
  // Whose it is: see Request::remote().
  [[nodiscard]] std::string_view remote() const;
  [[nodiscard]] std::string_view path() const;
  [[nodiscard]] std::string_view subprotocol() const;

  // Bytes waiting in this connection's send queue. Reactor thread.
  [[nodiscard]] std::size_t queued_bytes() const;

  // The application's own data. Reactor thread.
  void set_data(std::unique_ptr<ConnectionData> data) const;
  // nullptr when none was set or it is not a T.
  template <class T>
  [[nodiscard]] T* data() const {
    return dynamic_cast<T*>(data_base());
  }

 private:
  [[nodiscard]] ConnectionData* data_base() const;

  ServerCore* core_ = nullptr;
  ConnectionId id_ = 0;
};

// How a connection ended, for the close handler.
struct CloseInfo {
  CloseCause cause = CloseCause::kEof;
  CloseCode sent = CloseCode::kNoStatus;  // kNoStatus: no Close frame of ours, or no code
  CloseCode received =
      CloseCode::kAbnormalClosure;  // kAbnormalClosure: the peer sent no Close frame
  std::string_view reason;          // the peer's, UTF-8; valid until the handler returns
  bool clean = false;               // both Close frames were exchanged (RFC 6455 §7.1.4)
};

}  // namespace wsd
