// A handle to one WebSocket connection.
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

// Why a join was refused.
enum class JoinRefusal : std::uint8_t {
  kConnectionLimit,  // the connection is in ClientLimits::max_rooms_per_connection rooms already
  kServerLimit,      // the room would be new, and ClientLimits::max_rooms rooms exist already
  kEngine,           // the engine says that the room can never be opened (EngineOptions)
};

// Identifies a connection while the server lives. An id is never given out twice: it consists of a
// slot and of a 32-bit number that counts the connections of that slot, and a slot whose number is
// exhausted is not used again. 0 is not a connection.
using ConnectionId = std::uint64_t;

// Base class for the application's own data on a connection. The connection owns the data and
// destroys it on its reactor's thread, after the close handler has returned.
class ConnectionData {
 public:
  ConnectionData() = default;
  ConnectionData(const ConnectionData&) = delete;
  ConnectionData& operator=(const ConnectionData&) = delete;
  virtual ~ConnectionData() = default;
};

// A small value that identifies a connection. It may be copied and kept, and never dangles, but
// must not be used after its Server is destroyed. Each method states the threads that may call it.
// "Reactor thread" means: inside a handler of a connection on the same reactor. A handler's own
// connection is always on the same reactor. After the connection has ended, every method has no
// effect.
//
// Exceptions: send(), close(), join(), leave() and rooms() may throw std::bad_alloc if out of
// memory, and have then done nothing. A handler may let that exception pass, which ends its
// connection with 1011. The other methods throw nothing.
class Connection {
 public:
  // Identifies no connection.
  Connection() = default;
  // For the library only.
  Connection(ServerCore* core, ConnectionId id) noexcept : core_(core), id_(id) {}

  // Returns the connection's id, or 0. Any thread.
  [[nodiscard]] ConnectionId id() const noexcept { return id_; }

  // Sends one message as one frame. On the connection's own reactor, the result is final. On
  // another thread, kSent means that the message was passed to that reactor. Messages of one thread
  // keep their order. Returns kTooBig if the payload exceeds max_message_bytes. Any thread.
  SendResult send(MessageType type, std::string_view payload) const;
  SendResult send(const Message& message) const { return send(message.type, message.payload); }
  SendResult send_text(std::string_view text) const { return send(MessageType::kText, text); }
  SendResult send_binary(std::string_view bytes) const { return send(MessageType::kBinary, bytes); }

  // Starts the closing handshake (RFC 6455 §7.1.2). Later sends have no effect. Messages that were
  // accepted before are sent before the Close frame, as long as the peer reads. `reason` is
  // shortened to at most 123 bytes at a code point boundary. A code that must not be sent is
  // replaced by kNormalClosure. Never refused: on another thread than the connection's own, one
  // close waits for each connection, and later ones have no effect. Any thread.
  void close(CloseCode code = CloseCode::kNormalClosure, std::string_view reason = {}) const;

  // Joins a room. The member gets each message that follows its join in the room's order exactly
  // once. Joining a room again has no effect, and so has joining while the connection closes. A
  // join that exceeds a limit is refused, and Handlers::join_refused is called. Returns
  // - kSent if the join takes effect or is on its way;
  // - kCongested if too many joins and leaves wait for the connection's reactor: nothing was
  //   queued, retry later. Never returned on a reactor thread, where the reactor pauses the
  //   connection that causes the join instead;
  // - kClosed if the connection has ended, as far as this thread knows, or the server has not
  //   started.
  // Throws std::bad_alloc if out of memory. Any thread.
  SendResult join(std::string_view room) const;
  // Joins a room and first sends the messages that `since` asks for. Live messages follow, without
  // gaps or duplicates. If the history no longer reaches back to `since`, the member gets all
  // stored messages. On a connection with kNchanSubprotocol, a notice of the gap precedes them, and
  // a join that replays nothing begins with a notice of the position. The results are those of
  // join(room). Any thread.
  SendResult join(std::string_view room, const Since& since) const;
  // Leaves the room. The member still gets the messages that precede its leave in the room's order,
  // for example one that the same handler has published before. Does nothing if the connection is
  // not a member. The results are those of join(room). Any thread.
  SendResult leave(std::string_view room) const;

  // Returns the room that the connection joined first of those that it is still in, or an empty
  // view. The view is valid until the handler returns, also if the connection leaves the room.
  // Reactor thread.
  [[nodiscard]] std::string_view room() const;
  // Returns all rooms that the connection has joined, including joins in progress. The views are
  // valid until the handler returns, also if a connection leaves such a room. Reactor thread.
  [[nodiscard]] std::vector<std::string_view> rooms() const;

  // Properties of the opening handshake. The views are valid until the handler returns. Reactor
  // thread.
  [[nodiscard]] std::string_view user() const;
  // The client's address, as Request::remote() gives it.
  [[nodiscard]] std::string_view remote() const;
  [[nodiscard]] std::string_view path() const;
  [[nodiscard]] std::string_view subprotocol() const;

  // Returns the number of bytes waiting in this connection's send queue. Reactor thread.
  [[nodiscard]] std::size_t queued_bytes() const;

  // Stores the application's own data and destroys the data stored before. Reactor thread.
  void set_data(std::unique_ptr<ConnectionData> data) const;
  // Returns the stored data, or nullptr if there is none or it is not a T. Reactor thread.
  template <class T>
  [[nodiscard]] T* data() const {
    return dynamic_cast<T*>(data_base());
  }

 private:
  [[nodiscard]] ConnectionData* data_base() const;

  ServerCore* core_ = nullptr;
  ConnectionId id_ = 0;
};

// Tells the close handler how a connection ended.
struct CloseInfo {
  CloseCause cause = CloseCause::kEof;
  CloseCode sent = CloseCode::kNoStatus;  // kNoStatus: we sent no Close frame, or no code
  CloseCode received =
      CloseCode::kAbnormalClosure;  // kAbnormalClosure: the peer sent no Close frame
  std::string_view reason;          // the peer's reason, UTF-8; valid until the handler returns
  // Both sides sent a Close frame (RFC 6455 §7.1.4), and the server did not give up before the peer
  // had acknowledged everything.
  bool clean = false;
};

}  // namespace wsd
