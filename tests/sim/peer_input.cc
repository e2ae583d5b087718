// The bytes that a peer receives, and whether they are allowed.
#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "sim/peer.h"

namespace wsd::sim {

bool Peer::can_arrive() const noexcept { return link_ != nullptr && Kernel::has_arrivals(*link_); }

void Peer::arrive() {
  static constexpr std::array<std::size_t, 5> kCuts = {1, 3, 100, 2'000, 1'000'000};
  kernel_.arrive(*link_, random_.between(1, random_.one_of(std::span<const std::size_t>(kCuts))));
}

bool Peer::can_read() const noexcept {
  return has_to_read() &&
         (behavior_ != PeerBehavior::kTrickles || kernel_.now_ms() >= next_read_ms_);
}

std::uint64_t Peer::next_read_ms(std::uint64_t otherwise) const noexcept {
  return behavior_ == PeerBehavior::kTrickles && has_to_read() ? next_read_ms_ : otherwise;
}

bool Peer::has_to_read() const noexcept {
  if (link_ == nullptr || ended_ || !reading_) return false;
  return !link_->outgoing.empty() || link_->server_reset || Kernel::peer_sees_end(*link_);
}

void Peer::read() {
  if (link_->server_reset) {
    trace_.note("%8lu  peer %d sees a reset", kernel_.now_ms(), link_->number);
    saw_reset_ = true;
    ended_ = true;
    kernel_.peer_close(*link_);
    return;
  }
  std::size_t most = random_.between(1, 20'000);
  if (behavior_ == PeerBehavior::kSlow) most = random_.between(1, 60);
  if (behavior_ == PeerBehavior::kTrickles) {
    most = random_.between(500, 5'000);
    next_read_ms_ = kernel_.now_ms() + random_.between(20, 100);
  }
  input_ += kernel_.peer_read(*link_, most);
  take_input();
  if (!ended_ && Kernel::peer_sees_end(*link_)) see_end();
}

void Peer::see_end() {
  trace_.note("%8lu  peer %d sees the end", kernel_.now_ms(), link_->number);
  if (!input_.empty() || (upgraded_ && session_ != nullptr && session_->unfinished())) {
    complain("the stream ends in the middle of a frame or response");
  }
  if (upgraded_ && !close_received_ && !silent_) complain("TCP ends without a Close frame");
  ended_ = true;
  Kernel::peer_takes_end(*link_);
  kernel_.peer_close(*link_);
}

void Peer::take_input() {
  while (!input_.empty()) {
    if (!upgraded_) {
      if (!take_response()) return;
      continue;
    }
    if (session_ != nullptr) {
      for (const test::WireFrame& frame : session_->read(std::exchange(input_, {}))) {
        if (frame.opcode < 0) complain("was sent a server frame that is " + frame.payload);
        on_frame(frame);
      }
      return;
    }
    const auto frame = test::take_frame(input_);
    if (!frame) return;
    if (frame->opcode < 0) complain("was sent an invalid server frame");
    on_frame(*frame);
  }
}

bool Peer::take_response() {
  const std::size_t end = input_.find("\r\n\r\n");
  if (end == std::string::npos) return false;
  const std::string head = input_.substr(0, end + 4);
  if (head.starts_with("HTTP/1.1 101 ")) {
    if (role_ == Role::kPage) complain("was upgraded");
    input_.erase(0, head.size());
    if (session_ != nullptr) check_response(head);
    upgraded_ = true;
    return true;
  }
  const std::size_t field = head.find("Content-Length: ");
  if (field == std::string::npos) complain("got a response without a length");
  const std::size_t length = std::stoul(head.substr(field + 16));
  if (input_.size() < head.size() + length) return false;
  input_.erase(0, head.size() + length);
  if (head.starts_with("HTTP/1.1 200 ")) {
    if (pages_due_ == 0) complain("got a page it did not ask for");
    --pages_due_;
  } else {
    trace_.note("%8lu  peer %d is refused: %.12s", kernel_.now_ms(), link_->number, head.c_str());
    if (session_ != nullptr && !refused_) check_response(head);
    refused_ = true;
  }
  return true;
}

void Peer::check_response(const std::string& head) {
  const std::string error = session_->read_response(head);
  if (!error.empty()) complain(error);
}

void Peer::on_frame(const test::WireFrame& frame) {
  if (close_received_) complain("was sent a frame after Close");
  switch (frame.opcode) {
    case test::kText:
      on_data(frame.payload);
      break;
    case test::kPing:
      if (!silent_ && !close_sent_) {
        send(session_ != nullptr ? session_->pong(frame.payload)
                                 : test::client_frame(test::kPong, frame.payload));
      }
      break;
    case test::kPong:
      on_pong(frame.payload);
      break;
    case test::kClose:
      on_close(frame.payload);
      break;
    default:
      complain("was sent a frame of a type it never asked for");
  }
}

void Peer::on_pong(const std::string& payload) {
  // A Pong may also answer the Pings before its own (RFC 6455 §5.5.3).
  const auto found = std::find(pings_.begin(), pings_.end(), payload);
  if (found == pings_.end()) {
    trace_.note("          Pong: %s, expected from %s", payload.c_str(),
                pings_.empty() ? "-" : pings_.front().c_str());
    complain("got a Pong that answers no Ping of its own");
  }
  pings_.erase(pings_.begin(), found + 1);
}

void Peer::on_close(const std::string& payload) {
  close_received_ = true;
  close_code_ = payload.size() < 2 ? 1005
                                   : static_cast<unsigned char>(payload[0]) << 8 |
                                         static_cast<unsigned char>(payload[1]);
  trace_.note("%8lu  peer %d is sent Close %d", kernel_.now_ms(), link_->number, close_code_);
  // The close codes of an application, of a drain, and of the peer itself.
  const bool orderly = close_code_ == 1000 || close_code_ == 1001 || close_code_ == 4'001;
  if (orderly && honest() && !plan_.drops() && !echoes_.empty()) {
    complain("a Close frame came before what was sent before it");
  }
  if (!close_sent_ && !silent_) {
    close_sent_ = true;
    send(session_ != nullptr && close_code_ != 1005
             ? session_->close(static_cast<unsigned>(close_code_), {})
             : test::client_frame(test::kClose, payload.substr(0, 2)));
  }
}

void Peer::on_data(std::string_view payload) {
  ++data_received_;
  const std::optional<Stamp> stamp = read_stamp(payload);
  if (!stamp) complain("was sent a message that no peer sent");
  switch (stamp->kind) {
    case Stamp::Kind::kEcho:
      on_echo(payload);
      break;
    case Stamp::Kind::kPublish:
      on_room_message(*stamp);
      break;
    case Stamp::Kind::kDirect: {
      ++direct_received_;
      std::uint32_t& last = direct_last_[stamp->from];
      if (stamp->number <= last) complain("got direct messages twice or out of order");
      last = stamp->number;
      break;
    }
    default:
      complain("was sent a command");
  }
}

void Peer::on_echo(std::string_view payload) {
  const auto found = std::find(echoes_.begin(), echoes_.end(), payload);
  if (found == echoes_.end()) complain("got an echo that is not its own, or out of order");
  const auto gap = static_cast<std::uint64_t>(found - echoes_.begin());
  if (gap != 0 && !plan_.drops()) complain("misses an echo");
  skipped_ += gap;
  echoes_.erase(echoes_.begin(), found + 1);
}

void Peer::on_room_message(const Stamp& stamp) {
  const std::optional<std::size_t> place = RoomLog::current().place(stamp);
  if (!place) complain("got a message that its room has not placed");
  View& view = views_[stamp.room];
  if (*place < view.next) complain("got a room's message twice or out of order");
  const auto missing = [&](std::size_t from) {
    return RoomLog::current().count_for(link_->number, stamp.room, from, *place);
  };
  if (std::exchange(view.all, false) && missing(0) != 0 && !plan_.drops_of_rooms()) {
    complain("does not begin with the first");
  }
  // A replay also has the messages that the peer does not want back.
  if (!plan_.history && stamp.from == link_->number && stamp.to == Stamp::kNotBack) {
    complain("got a message that it does not want back");
  }
  if (missing(view.next) != 0 || view.next == 0) {
    const bool begins = !view.floors.empty() && view.floors.front().place <= *place;
    if (begins) {
      view.floors.pop_front();
    } else {
      if (!plan_.drops_of_rooms()) {
        complain("misses a message of its room, or has one from before its join");
      }
      skipped_ += missing(view.next);
    }
  }
  view.next = *place + 1;
  if (stamp.from != link_->number) return;
  view.own = stamp.number;
  // The joins before this message have taken effect.
  while (!view.floors.empty() && view.floors.front().after < stamp.number) view.floors.pop_front();
  if (!plan_.history && view.foreign.contains(stamp.number)) {
    complain("got its own message although it was no member");
  }
}

}  // namespace wsd::sim
