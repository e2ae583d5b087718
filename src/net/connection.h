// One connection: its session, its output, its deadlines and its end.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/copy_short.h"
#include "base/shared_bytes.h"
#include "base/tick.h"
#include "hub/heartbeat.h"
#include "hub/member.h"
#include "net/application.h"
#include "net/application_timer.h"
#include "net/connection_extras.h"
#include "net/connection_settings.h"
#include "net/current_read.h"
#include "net/outbound.h"
#include "net/peer_info.h"
#include "net/poller.h"
#include "net/reactor_context.h"
#include "net/read_state.h"
#include "net/round_trip.h"
#include "protocol/frame_writer.h"
#include "protocol/session.h"
#include "wsd/close.h"
#include "wsd/connection.h"
#include "wsd/message.h"
#include "wsd/stats.h"

namespace wsd::net {

// Reactor thread only, except reading(). Any call may end any connection: the end is logical at
// once, so nothing is delivered from then on and nothing is sent but the Close frame. At the
// reactor's safe point finalize() leaves the rooms and calls the handlers, and the memory is freed.
class Connection final : public hub::Member {
 public:
  // Returns whether the read step of the connection with that application and id runs on this
  // thread. Then current_connection names it. Any thread.
  [[nodiscard]] static bool reading(const Application* application, ConnectionId id) noexcept {
    return current_connection.id == id && current_connection.application == application;
  }

  // Takes ownership of `fd`. `reactor` must outlive the connection.
  Connection(ReactorContext& reactor, int fd, PeerInfo peer_info);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection();

  // Records the client that the trusted proxy at the other end names. An empty `client` means that
  // the proxy names none, so that the peer itself is the client. Only before the connection is
  // open. Invalidates the views of peer_info().
  void set_client(std::string_view client);
  // Ends the connection before its peer has sent anything, because the peer is not a trusted proxy.
  void reject_untrusted_proxy() { on_violation(protocol::Violation::kProxyNotTrusted); }

  // Takes the client's role, and sends the request of the opening handshake. Only for a new
  // connection.
  void begin_client(Bytes request);

  // The steps of a turn.
  void on_readiness(const Readiness& readiness) {
    read_state_.on_event(readiness.readable(), readiness.ended());
    if (readiness.writable()) {
      out_.set_writable();
      if (!out_.idle()) mark_dirty();
    }
    if (readiness.ended() && has_extras_or_pause()) on_end_of_stream(readiness);
    if (read_state_.should_enqueue()) list_ready();
  }
  void read_step();
  void flush_step();
  void on_deadline(Tick now) override;
  // Leaves the rooms of a connection that is not open, and calls on_close() and on_end() once the
  // cause is final. Only at the safe point. Returns true if the connection may be freed.
  [[nodiscard]] bool finalize();

  // Returns whether a read step would do something.
  [[nodiscard]] bool wants_read() const noexcept { return read_state_.should_read(); }

  // hub::Member
  void deliver(const hub::Batch& batch) override;
  void deliver_without(const hub::Batch& batch, std::span<const hub::Exclusion> left_out) override;
  void replay(const hub::Batch& batch) override;
  void deliver(const SharedBytes& frame) override;
  void close(CloseCause cause, CloseCode code, std::string_view reason) override;
  [[nodiscard]] bool may_join() const noexcept override { return open(); }
  void join_refused(std::string_view room, JoinRefusal why) override;

  // For the application.
  SendResult send(MessageType type, Bytes payload);
  // send() for the connection that is in its read step. A small message takes the fast path if
  // nothing is queued before it.
  SendResult send_fast(MessageType type, Bytes payload) {
    return try_send_fast(type, payload) ? SendResult::kSent : send(type, payload);
  }
  // Removes the next message from the front of `input`. Returns false if the message cannot take
  // the fast path, or exceeds the client's rate. The connection must be open. Only for
  // Application::on_small_messages().
  [[nodiscard]] bool take_small(MutableBytes& input, protocol::SmallMessage& message) {
    if (!session_.next_small(input, message)) return false;
    if (reactor_.rates != nullptr && !within_message_rate()) return false;
    ++messages_in_;
    return true;
  }
  [[nodiscard]] bool open() const noexcept { return phase_ == Phase::kOpen; }
  [[nodiscard]] const PeerInfo& peer_info() const noexcept { return peer_info_; }
  [[nodiscard]] std::uint16_t route() const noexcept { return route_; }
  [[nodiscard]] std::size_t queued_bytes() const noexcept { return out_.queued_bytes(); }
  [[nodiscard]] RoundTrip round_trip() const noexcept { return round_trip_; }
  [[nodiscard]] ConnectionState state() const noexcept;
  [[nodiscard]] std::uint64_t age_ms() const noexcept;
  [[nodiscard]] ConnectionInfo info() const;
  void set_data(std::unique_ptr<ConnectionData> data);
  [[nodiscard]] ConnectionData* data() const noexcept {
    const ConnectionExtras* const extras = find_extras();
    return extras == nullptr ? data_.get() : extras->data.get();
  }
  // Returns whether tasks and handlers other than the close handler may run.
  [[nodiscard]] bool serves_application() const noexcept { return opened_ && !reported_; }

  // For the application, too (connection_application.cc). See Connection in include/wsd.
  void pause_by_application() noexcept;
  void resume_by_application() noexcept;
  bool notify_drained(std::size_t mark);
  SendResult ping(Bytes payload);
  // Returns false if the connection is not open. The timer ends before the close handler is called.
  bool start_timer(std::shared_ptr<ApplicationTimer> timer, std::uint32_t delay_ms);
  // Frees the memory of the functions above if none of them is in use.
  void drop_unused_extras() noexcept;

  // Returns whether a handshake that RequestResult::Kind::kDefer has deferred waits for
  // complete_upgrade().
  [[nodiscard]] bool awaits_verdict() const noexcept;
  // Returns the request of that handshake.
  [[nodiscard]] const protocol::HttpRequest& pending_request() const noexcept {
    return session_.request();
  }
  // Completes the handshake. `result` is kUpgrade or kRespond. Requires awaits_verdict().
  void complete_upgrade(std::unique_ptr<RequestResult> result);

  // Fails the connection (RFC 6455 §7.1.7): sends a Close frame and then ends TCP without waiting
  // for the peer's Close. A connection that is not open yet ends without a Close.
  void fail(CloseCause cause, CloseCode code, std::string_view reason);
  // Ends TCP with a reset, now.
  void reset(CloseCause cause);
  // Sends the response to a request that RequestResult::Kind::kDefer has deferred. `result` is
  // kRespond. Does nothing if the request has been answered or the connection has ended.
  void complete_request(const RequestResult& result);
  // Answers 503 without reading the request, and ends the connection.
  void reject_overload();
  void reject_draining();
  // Stops reading until resume(), because the connection publishes more than a shard can handle.
  void pause();
  void resume();
  // Closes an open connection with 1001 at that tick. Before it is open it ends once no request is
  // left to answer, and no other one has come for a moment.
  void drain_at(Tick tick);
  // Ends the largest holders of unfinished input or of queued output, if the process has exceeded
  // its limit. Not in a read step, for input.
  static void relieve_input(ReactorContext& reactor);
  static void relieve_output(ReactorContext& reactor);
  // Resets the connection. Counts a forced close if the closing handshake was not complete.
  void force_close();
  // Returns whether make_way() may be called: the connection is not and was not a WebSocket, the
  // application does not work on a response to it, and it was not itself one too many.
  [[nodiscard]] bool replaceable() const noexcept {
    return phase_ != Phase::kClosed && !opened_ && cause_ != CloseCause::kOverload &&
           !read_state_.has(ReadState::kAwaitingResponse);
  }
  // Ends the connection at once, for a new one in its place.
  void make_way();

 private:
  [[nodiscard]] const ConnectionSettings& settings() const noexcept {
    return reactor_.settings.of_route(route_);
  }

  // The largest payload of the fast path: its header has two bytes (RFC 6455 §5.2).
  static constexpr std::size_t kMaxFastPayload = protocol::kMaxControlPayload;

  // The most pong timeouts that a peer gets in addition: see pong_excused().
  static constexpr std::uint8_t kMostPatience = 7;

  enum class Phase : std::uint8_t {
    kHttp,       // reading requests
    kOpen,       // messages both ways
    kClosing,    // a Close frame or a last response is being sent
    kLingering,  // our direction is shut down; input is discarded until EOF
    kClosed,
  };

  // Writes a small message into the cork. Returns false if the fast path is not possible, and the
  // caller must use send().
  [[nodiscard]] bool try_send_fast(MessageType type, Bytes payload) noexcept {
    constexpr std::size_t kHeaderBytes = 2;
    WSD_DCHECK(reactor_.reading == this);
    if (payload.size() > kMaxFastPayload) return false;
    const std::size_t total = kHeaderBytes + payload.size();
    if (!reactor_.cork.has_fast_room(total)) return false;
    std::uint8_t* const out = reactor_.cork.extend(total);
    ++messages_out_;
    protocol::write_small_frame_header(out, static_cast<protocol::Opcode>(type), payload.size());
    copy_short(out + kHeaderBytes, payload.data(), payload.size());
    return true;
  }

  // Reading and flushing
  void take(MutableBytes input);
  void read();
  void pause_reading(ReadState::Reason reason);
  void resume_reading(ReadState::Reason reason);
  void note_unfinished(bool others);
  void on_nothing_received(IoStatus status);
  // Returns whether the connection must wait for the next turn, because this turn's share of
  // inflating is used up. So connections without compression wait for one share of work, however
  // many compressed messages there are (RFC 7692 §8).
  [[nodiscard]] bool has_to_wait() const noexcept {
    return reactor_.deflate_pool.inflating.turn_used_up() && session_.compression() != nullptr;
  }
  // Returns the same for the rest of this read step.
  [[nodiscard]] bool step_ended() const noexcept {
    return reactor_.deflate_pool.inflating.step_used_up() && session_.compression() != nullptr;
  }
  [[nodiscard]] Counter& state_counter() const noexcept;
  void mark_ready() {
    if (!read_state_.listed()) list_ready();
  }
  void list_ready() {
    read_state_.set_listed(true);
    WorkLists::list(reactor_.lists.ready, *this);
  }
  void mark_dirty();
  void mark_ended();

  // HTTP
  void on_request(const protocol::HttpRequest& request);
  void note_request_begun();
  // Returns whether the last request was answered and no other one has begun.
  [[nodiscard]] bool between_requests() const noexcept {
    return phase_ == Phase::kHttp && http_status_ != 0 && !session_.unfinished();
  }
  void read_body(bool expects_continue);
  void grant(RequestResult& result) noexcept;
  void open_granted(RequestResult& result);
  void defer_response();
  void defer_upgrade(std::shared_ptr<std::atomic<bool>> over);
  [[nodiscard]] std::unique_ptr<RequestResult> take_accepted_upgrade() noexcept;
  [[nodiscard]] bool take_kept();
  [[nodiscard]] bool take_pipelined();
  void respond(const RequestResult& result);
  void reject(protocol::Violation violation);
  void reject_unavailable(CloseCause cause, std::string_view why);
  void respond_and_close(int status, std::string_view response, CloseCause cause);

  // Client's role
  void on_response(const protocol::HttpResponse& response);
  Outbound::Status send_masked(protocol::Opcode opcode, Bytes payload,
                               const hub::SlowPolicyFor* rule);

  // Frames
  void take_events(MutableBytes input);
  void on_event(const protocol::Event& event);
  void on_message(protocol::Opcode opcode, Bytes payload);
  void on_ping(Bytes payload);
  void on_pong(Bytes payload);
  static constexpr std::uint32_t kSecondMask = 0x3FF;  // of control_second_
  [[nodiscard]] static std::uint32_t second_of(Tick now) noexcept {
    return now / ticks_for_ms(1000) & kSecondMask;
  }
  void allow_control_frames(Tick unread);
  [[nodiscard]] bool within_control_budget();
  [[nodiscard]] bool within_byte_rate(std::size_t bytes);
  [[nodiscard]] bool within_message_rate();
  void account_input();
  void release_input();
  void shed_input();
  void account_output();
  void shed_output();
  [[nodiscard]] SendContext context(const hub::SlowPolicyFor* rule = nullptr) const noexcept;
  template <class Send>
  [[nodiscard]] static Outbound::Status attempt(Send send);
  template <class Send>
  Outbound::Status sent(Send send);
  Outbound::Status after_send(Outbound::Status status);
  void deliver_bytes(Bytes frame, const hub::SlowPolicyFor* rule = nullptr);
  void enable_compression(const protocol::DeflateParameters& terms);
  [[nodiscard]] bool shares_frames() const noexcept;
  [[nodiscard]] bool shares_batches() const noexcept;
  Outbound::Status send_payload(protocol::Opcode opcode, Bytes payload,
                                const hub::SlowPolicyFor* rule = nullptr);

  // Closing
  void enter(Phase phase);
  void start_close(CloseCause cause, CloseCode code, std::string_view reason,
                   SendQueue::ClosePlace place);
  [[nodiscard]] bool end_is_certain() const noexcept;
  void record_cause(CloseCause cause);
  void on_close_frame(const protocol::Event& event);
  void on_violation(protocol::Violation violation);
  void on_eof();
  void on_gone();
  [[nodiscard]] CloseCause cause_of_peer_end(CloseCause how) const noexcept;
  void fail_out_of_memory();
  void close_after_flush(CloseCause cause);
  void try_shutdown();
  void notify_closed();

  // Timers
  [[nodiscard]] Tick request_timeout() const noexcept;
  [[nodiscard]] Tick due() const;
  [[nodiscard]] Tick next_sign_of_life() const;
  void arm();
  void note_received() {
    if (heartbeat_.received(reactor_.now)) arm();
  }
  void exclude_paused_time();
  void expire(Tick now);
  [[nodiscard]] bool write_in_time(Tick now);
  void end_lingering(Tick now);
  void check_open(Tick now);

  // The application's requests (connection_application.cc)
  [[nodiscard]] ConnectionExtras* find_extras() const noexcept {
    return has_extras_ ? static_cast<ConnectionExtras*>(data_.get()) : nullptr;
  }
  [[nodiscard]] ConnectionExtras& extras();
  void end_extras() noexcept;
  [[nodiscard]] bool has_extras_or_pause() const noexcept {
    return has_extras_ || read_state_.has(ReadState::kPausedByApplication);
  }
  void on_end_of_stream(const Readiness& readiness);
  void tell_drained();

  // Progress of the peer
  void send_ping();
  [[nodiscard]] bool pong_excused();
  [[nodiscard]] bool receives(Tick timeout);
  [[nodiscard]] bool still_takes(Tick now);

  // The codes of the Close frames. 0: there was no such frame, or it had no code.
  struct CloseCodes {
    std::uint16_t sent;
    std::uint16_t received;
  };

  // In this order the object takes 184 bytes: small members fill the padding of larger ones.
  Phase phase_ = Phase::kHttp;
  CloseCause cause_ : 5 = CloseCause::kEof;
  std::uint8_t patience_ : 3 = 0;  // how often the pong timeout may begin again: pong_excused()
  protocol::Violation violation_ : 7 = protocol::Violation::kNone;
  bool has_extras_ : 1 = false;  // `data_` is a ConnectionExtras
  // The control frames that the peer has sent in control_second_. See allow_control_frames().
  std::uint32_t control_frames_ : 22 = 0;
  std::uint32_t control_second_ : 10 = 0;  // the low bits of a second
  ReactorContext& reactor_;
  PeerInfo peer_info_;
  std::unique_ptr<ConnectionData> data_;  // the application's, or what stands in for it
  [[no_unique_address]] protocol::Session session_;
  ReadState read_state_;
  bool listed_dirty_ : 1 = false;
  bool listed_ended_ : 1 = false;
  bool granted_ : 1 = false;  // the application has accepted the handshake
  bool opened_ : 1 = false;
  bool ended_ : 1 = false;  // the cause is final: notify_closed() is due at the safe point
  bool reported_ : 1 = false;
  bool shut_when_flushed_ : 1 = false;
  bool retry_leave_ : 1 = false;  // out of memory when leaving the rooms
  bool eof_ : 1 = false;
  bool retry_read_ : 1 = false;  // the kernel was out of memory: no readiness will come
  // Open: a message is incomplete since pending_since_. HTTP: a request is, and its timeout runs.
  bool unfinished_ : 1 = false;
  bool draining_ : 1 = false;     // open: close at phase_since_; HTTP: end when idle
  bool pinged_ : 1 = false;       // a Ping is out and its Pong has not come
  bool holds_input_ : 1 = false;  // it has a part of the input budget
  bool failed_ : 1 = false;       // the Close may have overtaken messages
  bool given_up_ : 1 = false;     // the server ends TCP before the peer has everything
  ShortTick accepted_;
  [[no_unique_address]] Outbound out_;
  std::uint16_t route_ = kNoRoute;
  // Low bits of positions in the stream: see Outbound::acknowledged().
  std::uint32_t acknowledged_ = 0;  // at the last look; closed: the bytes that were discarded
  // NOLINTBEGIN(readability-identifier-naming): the members of an anonymous union are private, too
  union {
    std::uint32_t ping_position_ = 0;  // open: of the last Ping
    CloseCodes close_codes_;           // from then on
  };
  // NOLINTEND(readability-identifier-naming)
  [[no_unique_address]] hub::Heartbeat heartbeat_;
  RoundTrip round_trip_;
  std::uint16_t http_status_ = 0;
  ShortTick phase_since_;
  // Open: since when a message is incomplete, or while reading is paused, since when it is.
  // Closing: since when the peer has made no progress.
  ShortTick pending_since_;
  std::uint64_t bytes_in_ = 0;
  std::uint64_t messages_in_ = 0;
  std::uint64_t messages_out_ = 0;
};

static_assert(kCloseCauseCount <= 32);  // cause_ has five bits
static_assert(sizeof(Connection) <= 184, "an idle connection costs little more than this");

// Calls send(). If memory runs out, the stream may be corrupt, so the status is kNoMemory.
template <class Send>
Outbound::Status Connection::attempt(Send send) {
  try {
    return send();
  } catch (const std::bad_alloc&) {
    return Outbound::Status::kNoMemory;
  }
}

// Calls send() and acts on its status, which may end the connection.
template <class Send>
Outbound::Status Connection::sent(Send send) {
  return after_send(attempt(send));
}

}  // namespace wsd::net
