// A handle to one WebSocket connection.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "wsd/close.h"
#include "wsd/message.h"
#include "wsd/position.h"
#include "wsd/timer.h"

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
// Exceptions: send(), close(), join(), leave(), rooms(), post(), notify_drained() and the functions
// that start a timer may throw std::bad_alloc if out of memory, and have then done nothing. A
// handler may let that exception pass, which ends its connection with 1011. The other methods throw
// nothing.
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
  // - kClosed if the connection has ended, as far as this thread knows, or the server does not run.
  // Throws std::bad_alloc if out of memory. Any thread.
  SendResult join(std::string_view room) const;
  // Joins a room and first sends the messages that `since` asks for. Live messages follow, without
  // gaps or duplicates. If the history no longer reaches back to `since`, the member gets all
  // stored messages. On a connection with kNchanSubprotocol, a notice of the gap precedes them, and
  // a join that replays nothing begins with a notice of the position. The results are those of
  // join(room). Any thread.
  SendResult join(std::string_view room, const Since& since) const;
  // Does the same with a short info about the member, for a room with presence (PresenceOptions).
  // Other rooms ignore it, and so does a join of a member. Returns kTooBig, and has done nothing,
  // if `info` exceeds kMaxMemberInfoBytes or is not UTF-8. The other results are those of
  // join(room). Any thread.
  SendResult join(std::string_view room, const Since& since, std::string_view info) const;
  // Returns the id by which the presence messages of rooms name this connection (RoomMember::id),
  // or an empty text if it identifies no connection. Throws std::bad_alloc if out of memory. Any
  // thread.
  [[nodiscard]] std::string member_id() const;
  // Leaves the room. The member still gets the messages that precede its leave in the room's order,
  // for example one that the same handler has published before. Does nothing if the connection is
  // not a member. The results are those of join(room). Any thread.
  SendResult leave(std::string_view room) const;

  // Runs `task` on the connection's reactor, in a later turn, if the connection is still open or
  // closing then. A task never runs after the close handler, and never at the same time as a
  // handler of the connection. It runs after the messages that this thread has sent to the
  // connection before; a join or leave may still wait. A task that does not run is destroyed. An
  // exception ends the connection with 1011. Returns
  // - kSent if the task is on its way;
  // - kCongested if too many messages and tasks wait for the connection's reactor (see
  //   LimitOptions::max_pending_publishes): nothing was queued, retry later. Also on a reactor
  //   thread;
  // - kClosed if the server has not started, or if the connection has ended, as far as this thread
  //   knows.
  // Throws std::invalid_argument if `task` is empty. Any thread.
  SendResult post(std::function<void(Connection&)> task) const;

  // Calls `handler` once, after `delay_ms` milliseconds; see Timer for the resolution. The timer
  // ends with the connection: it never fires once the close handler was called. An exception of the
  // handler ends the connection with 1011. Returns a timer that is not active if the connection is
  // not open. Throws std::invalid_argument if `handler` is empty. Reactor thread.
  [[nodiscard]] Timer start_timer(std::uint32_t delay_ms,
                                  std::function<void(Connection&)> handler) const;
  // Does the same, but calls `handler` every `interval_ms` milliseconds, at least 10. Deadlines
  // that a busy reactor has missed are skipped. Reactor thread.
  [[nodiscard]] Timer start_repeating_timer(std::uint32_t interval_ms,
                                            std::function<void(Connection&)> handler) const;

  // Stops reading from the connection until resume(). TCP then tells the peer to stop sending.
  // Messages that the server has read before are still delivered: at most
  // UpgradeOptions::read_buffer_size bytes of them. While it is paused, the peer's Pings are not
  // answered, and a Close from the peer or the end of its stream is not noticed. A reset is, if it
  // comes during the pause. The
  // deadlines that depend on the peer's input are suspended: no heartbeat, read timeout or message
  // timeout ends the connection, and round_trip_us() is not updated. Output goes on, and
  // write_timeout_ms applies to it. So an application should not keep a connection paused without
  // end: start a timer that resumes or closes it. Closing the connection ends the pause. Does
  // nothing if the connection is not open. Reactor thread.
  void pause() const noexcept;
  // Ends pause(). Does nothing if the connection is not paused. Reactor thread.
  void resume() const noexcept;

  // Calls Handlers::drained once, in this turn or a later one, as soon as at most `mark` bytes wait
  // in the connection's send queue. Replaces the mark of an earlier call that has not been
  // answered. With it, an application sends much data in bounded memory: it sends while
  // queued_bytes() is below a mark, and goes on when the queue has drained. Returns false, and does
  // nothing, if the connection is not open or its route has no Handlers::drained. Reactor thread.
  bool notify_drained(std::size_t mark) const;

  // Sends a Ping (RFC 6455 §5.5.2) with this payload, besides those of the heartbeat. The peer's
  // Pong is reported to Handlers::pong. The Ping overtakes messages that wait in the send queue.
  // Returns kTooBig if the payload exceeds 125 bytes, kDropped if the send queue is more than half
  // full, and kClosed if the connection is not open. Reactor thread.
  SendResult ping(std::string_view payload = {}) const;
  // Returns the round trip of the heartbeat's last Ping in microseconds, with an error of at most
  // 7 %, or 0 if none is known. It includes the time that the peer took to answer. Reactor thread.
  [[nodiscard]] std::uint64_t round_trip_us() const noexcept;

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
  friend class Hub;  // compares the server of a connection with its own
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
