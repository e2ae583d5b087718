#include "net/connection.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "net/socket.h"

namespace wsd::net {

constinit thread_local CurrentConnection current_connection;

Connection::Connection(ReactorContext& reactor, int fd, PeerInfo peer_info)
    : reactor_(reactor),
      peer_info_(std::move(peer_info)),
      session_(reactor.settings.session),
      accepted_(reactor.now),
      out_(fd),
      heartbeat_(reactor.now),
      phase_since_(reactor.now) {
  const std::size_t members = reactor_.shard.member_count() + 1;
  reactor_.lists.make_room(members);
  reactor_.input.make_room(members);
  reactor_.output.make_room(members);
  reactor_.shard.add(*this);
  reactor_.counters.connections.fetch_add(1, std::memory_order_relaxed);
  reactor_.stats.accepted.add(1);
  state_counter().add(1);
  allow_control_frames(0);
  arm();
}

Connection::~Connection() {
  WSD_DCHECK(!holds_input_);  // finalize() has released it
  out_.abandon(reactor_.cork, opened_);
  account_output();
  reactor_.shard.remove(*this);
  if (read_state_.listed()) WorkLists::remove(reactor_.lists.ready, this);
  if (listed_dirty_) WorkLists::remove(reactor_.lists.dirty, this);
  if (listed_ended_) WorkLists::remove(reactor_.lists.ended, this);
  if (read_state_.has(ReadState::kPublishBlocked)) WorkLists::remove(reactor_.lists.paused, this);
  if (const protocol::Compression* const compression = session_.compression()) {
    reactor_.counters.context_bytes.fetch_sub(protocol::context_bytes(compression->terms()),
                                              std::memory_order_relaxed);
  }
  reactor_.poller.close(out_.fd());
  data_.reset();
  state_counter().subtract(1);
  // Last, with release: a thread that sees the lower count also sees everything that the
  // destructor has done.
  reactor_.counters.connections.fetch_sub(1, std::memory_order_release);
}

// Lists

void Connection::mark_dirty() {
  if (listed_dirty_) return;
  listed_dirty_ = true;
  WorkLists::list(reactor_.lists.dirty, *this);
}

void Connection::mark_ended() {
  if (listed_ended_) return;
  listed_ended_ = true;
  WorkLists::list(reactor_.lists.ended, *this);
}

// State

ConnectionState Connection::state() const noexcept {
  if (phase_ == Phase::kHttp) return ConnectionState::kHandshaking;
  return phase_ == Phase::kOpen ? ConnectionState::kOpen : ConnectionState::kClosing;
}

std::uint64_t Connection::age_ms() const noexcept { return accepted_.age(reactor_.now) * kTickMs; }

Counter& Connection::state_counter() const noexcept {
  return reactor_.stats.connections[static_cast<std::size_t>(state())];
}

ConnectionInfo Connection::info() const {
  ConnectionInfo info;
  info.id = id();
  info.state = state();
  info.remote = peer_info_.remote();
  info.via = peer_info_.via();
  info.path = peer_info_.path();
  info.user = peer_info_.user();
  info.subprotocol = peer_info_.subprotocol();
  info.age_ms = age_ms();
  info.round_trip_us = round_trip_.us();
  info.queued_bytes = out_.queued_bytes();
  info.rooms = memberships().size();
  info.messages_in = messages_in_;
  info.messages_out = messages_out_;
  info.messages_dropped = out_.dropped();
  info.bytes_in = bytes_in_;
  info.bytes_out = out_.bytes_sent();
  return info;
}

// The steps of a turn

// Reads small messages on the fast path, and everything from the first other frame on by the
// general path. A handler that ends the session meanwhile also ends the phase.
[[gnu::always_inline]] inline void Connection::take(MutableBytes input) {
  if (phase_ == Phase::kOpen && session_.at_rest() && reactor_.fast_path) {
    input = reactor_.application.on_small_messages(*this, input);
  }
  if (!input.empty() || !session_.at_rest()) take_events(input);
}

// Inlined together with take(), because most messages are small. Saving the registers of three
// functions would be a tenth of the cost of a small message.
[[gnu::always_inline]] inline void Connection::read() {
  if (!session_.at_rest() && !take_kept()) return;
  std::size_t budget = reactor_.read_share;
  do {
    const MutableBytes direct = session_.at_rest() ? MutableBytes() : session_.direct_buffer();
    const MutableBytes room = direct.empty() ? reactor_.read_span() : direct;
    const MutableBytes into = room.first(std::min(room.size(), budget));
    const IoResult result = receive(out_.fd(), into);
    if (result.status != IoStatus::kOk) {
      on_nothing_received(result.status);
      return;
    }
    bytes_in_ += result.bytes;
    reactor_.tally.bytes_in += result.bytes;
    note_received();
    if (reactor_.rates != nullptr && !within_byte_rate(result.bytes)) return;
    budget -= result.bytes;
    if (result.bytes < into.size()) read_state_.short_read();
    if (direct.empty()) {
      take(into.first(result.bytes));
    } else {
      session_.received_directly(result.bytes);
      take_events({});
    }
  } while (budget != 0 && wants_read() && !step_ended());
}

// Takes the input that the session has kept before it reads more. Returns false if the connection
// must not be read now.
bool Connection::take_kept() {
  if (phase_ == Phase::kHttp) return take_pipelined();
  if (session_.compression() == nullptr) return true;
  reactor_.deflate_pool.begin_inflating();
  if (!session_.inflating()) return true;
  take_events({});
  if (session_.inflating()) return false;
  exclude_paused_time();
  return wants_read();
}

void Connection::read_step() {
  read_state_.set_listed(false);
  retry_read_ = false;
  if (!wants_read()) return;
  if (has_to_wait()) {
    reactor_.lists.read_first_in_next_turn();
    mark_ready();
    return;
  }
  const std::uint64_t messages_before = messages_in_;
  const std::uint64_t sent_before = messages_out_;
  bool closed = false;
  {
    CurrentRead current(reactor_, {&reactor_.application, id(), this}, out_);
    if (phase_ == Phase::kOpen && session_.at_rest() && out_.idle() && reactor_.fast_path) {
      current.enable_fast_path();
    }
    try {
      read();
    } catch (const std::bad_alloc&) {
      fail_out_of_memory();
    }
    reactor_.tally.messages_in += messages_in_ - messages_before;
    reactor_.tally.messages_sent += messages_out_ - sent_before;
    if (phase_ != Phase::kClosed && !out_.uncork_whole(reactor_.cork)) {
      sent([&] { return out_.uncork(context()); });
    }
    closed = phase_ == Phase::kClosed;
    if (closed) reactor_.cork.clear();
  }
  if (closed) return;
  if (shut_when_flushed_) try_shutdown();
  if (!session_.at_rest() || unfinished_ || holds_input_) {
    note_unfinished(messages_in_ != messages_before);
    account_input();
    // The rest of the input is in the session, so no readiness will come for it.
    if (session_.inflating()) read_state_.on_event(true, false);
  }
  if (retry_read_) {
    arm();
  } else if (wants_read()) {
    mark_ready();
  }
}

// Records when the incomplete message began. `others`: complete messages have come in this read
// step, so that the incomplete one is new.
void Connection::note_unfinished(bool others) {
  if (phase_ == Phase::kHttp) {
    note_request_begun();
    return;
  }
  const bool unfinished = phase_ == Phase::kOpen && session_.unfinished();
  if (unfinished && (!unfinished_ || others)) {
    pending_since_ = reactor_.now;
    unfinished_ = true;
    arm();
  }
  unfinished_ = unfinished;
}

void Connection::on_nothing_received(IoStatus status) {
  if (status == IoStatus::kEof) {
    on_eof();
  } else if (status == IoStatus::kGone) {
    on_gone();
  } else {
    retry_read_ = status == IoStatus::kNoBuffers;
    if (!retry_read_) read_state_.on_drained();
  }
}

void Connection::flush_step() {
  listed_dirty_ = false;
  if (phase_ == Phase::kClosed) return;
  const Outbound::Status status = attempt([&] { return out_.flush(context()); });
  account_output();
  if (status == Outbound::Status::kGone || status == Outbound::Status::kNoMemory) {
    after_send(status);
    return;
  }
  if (read_state_.has(ReadState::kPaused) && out_.low(settings().send_queue)) {
    resume_reading(ReadState::kPaused);
  }
  try_shutdown();
  if (!out_.idle()) arm();
  if (has_extras_) tell_drained();
}

void Connection::pause() {
  if (read_state_.has(ReadState::kPublishBlocked)) return;
  pause_reading(ReadState::kPublishBlocked);
  WorkLists::list(reactor_.lists.paused, *this);
}

void Connection::resume() { resume_reading(ReadState::kPublishBlocked); }

void Connection::pause_reading(ReadState::Reason reason) {
  if (!read_state_.paused()) pending_since_ = reactor_.now;
  read_state_.set(reason);
}

// The data that the peer has sent meanwhile is not its rate of this moment, so limits per second
// allow for the time without reading.
void Connection::resume_reading(ReadState::Reason reason) {
  read_state_.clear(reason);
  if (read_state_.paused()) return;
  const Tick since = pending_since_.near(reactor_.now);
  exclude_paused_time();
  if (reactor_.rates != nullptr && phase_ == Phase::kOpen) {
    reactor_.rates->not_read(id(), since, reactor_.now);
  }
  allow_control_frames(reactor_.now - since);
  if (unfinished_) arm();  // no deadline of the message ran meanwhile
  if (wants_read()) mark_ready();
}

}  // namespace wsd::net
