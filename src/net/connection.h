// One connection: a session, its sending side, its deadlines and its end.
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

// Reactor thread only. Closing is logical at once: from then on nothing is delivered and nothing
// sent but the Close frame. Rooms are left, handlers told and memory freed at the reactor's safe
// point (finalize()), so that any call may end any connection.
class Connection final : public hub::Member {
 public:
  // The connection of that id of that application while its read step runs on this thread. nullptr
  // for any other. Any thread.
  [[nodiscard]] static Connection* reading(const Application* application,
                                           ConnectionId id) noexcept {
    const bool asked = current_connection.id == id && current_connection.application == application;
    return asked ? current_connection.connection : nullptr;
  }

  // Takes `fd` over. `reactor` outlives the connection.
  Connection(ReactorContext& reactor, int fd, PeerInfo peer_info);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection();

  // Before it is open: whom the proxy at the other end names as its client. Empty: nobody, so that
  // the peer itself counts. Views of peer_info() are dead.
  void set_client(std::string_view client);
  // Ends it before it has said anything: its peer may not speak for others.
  void reject_untrusted_proxy() { on_violation(protocol::Violation::kProxyNotTrusted); }

  // The turn's steps.
  void on_readiness(const Readiness& readiness) {
    read_state_.on_event(readiness.readable(), readiness.ended());
    if (readiness.writable()) {
      out_.set_writable();
      if (!out_.idle()) mark_dirty();
    }
    if (read_state_.should_enqueue()) list_ready();
  }
  void read_step();
  void flush_step();
  void on_deadline(Tick now) override;
  // At the safe point. True: the connection is over and may be freed.
  [[nodiscard]] bool finalize();

  // Whether a read step would do something.
  [[nodiscard]] bool wants_read() const noexcept { return read_state_.should_read(); }

  // hub::Member
  void deliver(const hub::Batch& batch) override;
  void replay(const hub::Batch& batch) override;
  void deliver(const SharedBytes& frame) override;
  void close(CloseCause cause, CloseCode code, std::string_view reason) override;
  void join_refused(std::string_view room, JoinRefusal why) override;

  // The application's.
  SendResult send(MessageType type, Bytes payload);
  // send() for who is answered in its own read step: a short way for small messages where nothing
  // is in the way.
  SendResult send_fast(MessageType type, Bytes payload) {
    return try_send_fast(type, payload) ? SendResult::kSent : send(type, payload);
  }
  [[nodiscard]] bool open() const noexcept { return phase_ == Phase::kOpen; }
  [[nodiscard]] const PeerInfo& peer_info() const noexcept { return peer_info_; }
  [[nodiscard]] std::uint16_t route() const noexcept { return route_; }
  [[nodiscard]] std::size_t queued_bytes() const noexcept { return out_.queued_bytes(); }
  [[nodiscard]] RoundTrip round_trip() const noexcept { return round_trip_; }
  // connection_info.cc
  [[nodiscard]] ConnectionState state() const noexcept;
  [[nodiscard]] std::uint64_t age_ms() const noexcept;
  [[nodiscard]] ConnectionInfo info() const;
  void set_data(std::unique_ptr<ConnectionData> data) { data_ = std::move(data); }
  [[nodiscard]] ConnectionData* data() const noexcept { return data_.get(); }

  // Fails the connection (RFC 6455 §7.1.7): Close frame, then TCP's end without waiting for the
  // peer's. A connection that is not open yet just ends.
  void fail(CloseCause cause, CloseCode code, std::string_view reason);
  // Ends TCP with a reset, now.
  void reset(CloseCause cause);
  // Answers the request that RequestResult::Kind::kDefer has put off (kRespond); no-op when that
  // has been done, or has come to another end.
  void complete_request(const RequestResult& result);
  // Answers 503 to whatever it was going to ask.
  void reject_overload();
  void reject_draining();
  // What it publishes is more than a shard can take: not read until resume().
  void pause();
  void resume();
  // Ends it with 1001 at that tick, or sooner where nothing is lost by it.
  void drain_at(Tick tick);
  // Ends it now, for the server's sake, and counts it where its closing handshake is not complete.
  void force_close();

 private:
  // Plain bytes that a turn makes of compressed ones before it sees to everyone else: about what a
  // millisecond is for.
  static constexpr std::size_t kInflateShare = std::size_t{1} << 20;
  // The largest payload that goes the cork's short way: its header has two bytes (RFC 6455 §5.2).
  static constexpr std::size_t kMaxFastPayload = protocol::kMaxControlPayload;

  enum class Phase : std::uint8_t {
    kHttp,       // reading requests
    kOpen,       // messages both ways
    kClosing,    // a Close frame or a last response is on its way
    kLingering,  // our direction is shut down; input is thrown away until EOF
    kClosed,
  };

  // Into the cork. False: nothing was done, and send() is to see to it.
  [[nodiscard]] bool try_send_fast(MessageType type, Bytes payload) noexcept {
    constexpr std::size_t kHeaderBytes = 2;
    WSD_DCHECK(reactor_.reading == this);
    if (payload.size() > kMaxFastPayload) return false;
    std::uint8_t* const out = reactor_.cork.extend_fast(kHeaderBytes + payload.size());
    if (out == nullptr) return false;
    ++messages_out_;
    protocol::write_small_frame_header(out, static_cast<protocol::Opcode>(type), payload.size());
    copy_short(out + kHeaderBytes, payload.data(), payload.size());
    return true;
  }

  // connection_deflate.cc
  void enable_compression(const protocol::DeflateParameters& terms);
  [[nodiscard]] bool own_compressor() const noexcept;
  // Whether it may ask for inflating when this turn's share of that is spent. It is read in the
  // next turn, so that connections without compression wait for one costly message at the most,
  // however many there are (RFC 7692 §8).
  [[nodiscard]] bool has_to_wait() const noexcept {
    return reactor_.deflate_pool.inflated_in_turn >= kInflateShare &&
           session_.compression() != nullptr;
  }
  Outbound::Status send_payload(protocol::Opcode opcode, Bytes payload,
                                const hub::SlowPolicyFor* rule = nullptr);

  // connection_input.cc
  void take(MutableBytes input);
  void take_events(MutableBytes input);
  void on_event(const protocol::Event& event);
  void on_request(const protocol::HttpRequest& request);
  void read_body(bool expects_continue);
  void defer_response();
  void respond(const RequestResult& result);
  [[nodiscard]] bool take_pipelined();
  void on_message(protocol::Opcode opcode, Bytes payload);
  void deliver_to_application(protocol::Opcode opcode, Bytes payload) {
    ++messages_in_;
    reactor_.application.on_message(*this, {static_cast<MessageType>(opcode), as_text(payload)});
  }
  void on_ping(Bytes payload);
  void on_pong(Bytes payload);
  void on_close_frame(const protocol::Event& event);
  void on_violation(protocol::Violation violation);
  void on_eof();
  [[nodiscard]] bool within_control_budget();
  [[nodiscard]] bool within_byte_rate(std::size_t bytes);
  [[nodiscard]] bool within_message_rate();
  void account_input();
  void release_input();

  // connection.cc
  [[nodiscard]] SendContext context(const hub::SlowPolicyFor* rule = nullptr) const noexcept;
  template <class Send>
  [[nodiscard]] static Outbound::Status attempt(Send send);
  template <class Send>
  Outbound::Status sent(Send send);
  Outbound::Status after_send(Outbound::Status status);
  void note_unfinished(bool others);
  void read();
  void on_nothing_received(IoStatus status);
  void fail_out_of_memory();
  void deliver_bytes(Bytes frame, const hub::SlowPolicyFor* rule = nullptr);
  void reject(protocol::Violation violation);
  void reject_unavailable(CloseCause cause, std::string_view why);
  void respond_and_close(int status, std::string_view response, CloseCause cause);
  void close_after_flush(CloseCause cause);
  void try_shutdown();
  void enter(Phase phase);
  [[nodiscard]] Counter& state_counter() const noexcept;
  void record_cause(CloseCause cause);
  void mark_ready() {
    if (!read_state_.listed()) list_ready();
  }
  void list_ready() {
    read_state_.set_listed(true);
    WorkLists::list(reactor_.lists.ready, *this);
  }
  void mark_dirty();
  void mark_ended();
  void notify_closed();

  // connection_deadlines.cc
  [[nodiscard]] Tick request_timeout() const noexcept;
  [[nodiscard]] Tick due() const;
  void arm();
  void note_received() {
    if (heartbeat_.received(reactor_.now)) arm();
  }
  void exclude_paused_time();
  void expire(Tick now);
  void check_open(Tick now);

  // In this order it takes 184 bytes: small ones fill what others leave at their ends.
  Phase phase_ = Phase::kHttp;
  CloseCause cause_ = CloseCause::kEof;
  protocol::Violation violation_ = protocol::Violation::kNone;
  bool listed_dirty_ : 1 = false;
  bool listed_ended_ : 1 = false;
  bool granted_ : 1 = false;  // the application has answered 101
  bool opened_ : 1 = false;
  bool ended_ : 1 = false;  // the cause is final: report at the safe point
  bool reported_ : 1 = false;
  bool shut_when_flushed_ : 1 = false;
  bool retry_leave_ : 1 = false;  // memory is lacking to tell the homes of its rooms
  bool eof_ : 1 = false;
  bool retry_read_ : 1 = false;      // the kernel was short of memory: no readiness will come
  bool unfinished_ : 1 = false;      // message_since_ counts
  bool draining_ : 1 = false;        // open: phase_since_ is when to close
  bool pinged_ : 1 = false;          // a Ping is out whose Pong has not come
  std::uint16_t code_received_ = 0;  // 0: no Close frame of the peer's, or one without a code
  ReactorContext& reactor_;
  PeerInfo peer_info_;
  std::unique_ptr<ConnectionData> data_;
  [[no_unique_address]] protocol::Session session_;
  ReadState read_state_;
  std::uint16_t route_ = 0;
  std::uint32_t control_frames_ : 20 = 0;
  std::uint32_t control_second_ : 12 = 0;  // in which they are counted: its low bits
  [[no_unique_address]] Outbound out_;
  std::uint16_t http_status_ = 0;
  std::uint32_t held_input_kib_ = 0;  // what is counted in ProcessCounters
  [[no_unique_address]] hub::Heartbeat heartbeat_;
  RoundTrip round_trip_;
  std::uint16_t code_sent_ = 0;  // 0: no Close frame of ours, or one without a code
  ShortTick accepted_;
  ShortTick phase_since_;
  ShortTick message_since_;
  std::uint64_t bytes_in_ = 0;
  std::uint64_t messages_in_ = 0;
  std::uint64_t messages_out_ = 0;
};

static_assert(sizeof(Connection) <= 184, "an idle connection costs little more than this");

// Where memory runs out the stream may be torn.
template <class Send>
Outbound::Status Connection::attempt(Send send) {
  try {
    return send();
  } catch (const std::bad_alloc&) {
    return Outbound::Status::kNoMemory;
  }
}

// Sends something, and judges what became of it.
template <class Send>
Outbound::Status Connection::sent(Send send) {
  return after_send(attempt(send));
}

}  // namespace wsd::net
