#include "sim/peer.h"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

namespace wsd::sim {
namespace {

// Ways to break the rules between messages, and the close code for it (RFC 6455 §7.4.1).
struct Offence {
  const char* what;
  std::string bytes;
  int code;
};

std::string bare(std::initializer_list<int> bytes) {
  std::string text;
  for (const int each : bytes) text += static_cast<char>(each);
  return text;
}

std::vector<Offence> offences(std::size_t max_message) {
  std::string too_big = bare({0x82, 0xFF});
  for (int shift = 56; shift >= 0; shift -= 8) {
    too_big += static_cast<char>((std::uint64_t{70'000} + max_message) >> shift);
  }
  return {
      {"not masked", bare({0x81, 0x01, 'x'}), 1002},
      {"reserved bit", bare({0xA1, 0x80, 0, 0, 0, 0}), 1002},
      {"reserved opcode", bare({0x83, 0x80, 0, 0, 0, 0}), 1002},
      {"control in pieces", bare({0x09, 0x80, 0, 0, 0, 0}), 1002},
      {"control too long", bare({0x89, 0xFE, 0, 126}), 1002},
      {"length not minimal", bare({0x82, 0xFE, 0, 5, 0, 0, 0, 0}), 1002},
      {"continuation of nothing", bare({0x80, 0x80, 0, 0, 0, 0}), 1002},
      {"not UTF-8", test::client_frame(test::kText, "ok \xC0\x80"), 1007},
      {"not UTF-8 yet", test::client_frame(test::kText, "ok \xED\xA0", false), 1007},
      {"too big", too_big + std::string(4, 'k'), 1009},
      {"close of one byte", test::client_frame(test::kClose, "x"), 1002},
      {"close code 1005", test::client_frame(test::kClose, test::close_payload(1005)), 1002},
      {"HTTP", "GET / HTTP/1.1\r\n\r\n", 1002},
  };
}

}  // namespace

const char* name_of(Manner manner) noexcept {
  static constexpr std::array kNames = {"honest",     "slow",          "stalls",      "vanishes",
                                        "resets",     "leaves",        "half-closes", "violates",
                                        "drips head", "drips message", "floods"};
  return kNames[static_cast<std::size_t>(manner)];
}

Peer::Peer(Kernel& kernel, Random& random, Trace& trace, const Plan& plan, int number, Role role,
           Manner manner, char room)
    : kernel_(kernel),
      random_(random),
      trace_(trace),
      plan_(plan),
      number_(number),
      role_(role),
      manner_(manner),
      room_(room),
      actions_(static_cast<std::uint32_t>(random.between(1, 30))),
      misbehave_after_(static_cast<std::uint32_t>(random.below(actions_ + 1))),
      eager_(random.chance(25)),
      closes_early_(random.chance(30)) {}

void Peer::complain(const char* what) const {
  broken("peer %d (%s, %s): %s", link_ == nullptr ? number_ : link_->number,
         role_ == Role::kEcho   ? "echo"
         : role_ == Role::kRoom ? "room"
                                : "page",
         name_of(manner_), what);
}

// What it sends

bool Peer::can_act() const noexcept {
  if (ended_ || silent_ || close_sent_) return false;
  if (link_ == nullptr) return true;
  if (refused_) return false;
  if (!upgraded_ && !eager_ && role_ != Role::kPage) return false;
  if (role_ == Role::kPage && pages_due_ != 0) return false;
  return actions_ != 0 || fragmented_ || closes_early_;
}

void Peer::act(std::uint16_t port) {
  if (link_ == nullptr) {
    open_connection(port);
    return;
  }
  // Inside a message the same bytes may be another offence, or none.
  const bool can_misbehave = manner_ != Manner::kViolates || !fragmented_;
  if (!honest() && !rogue_ && actions_ <= misbehave_after_ && can_misbehave) {
    misbehave();
    return;
  }
  if (actions_ == 0 && !fragmented_) {
    closes_early_ = false;
    close_politely();
    return;
  }
  send_something();
}

void Peer::open_connection(std::uint16_t port) {
  const std::size_t buffer = plan_.small_buffers ? random_.between(100, 5'000) : 200'000;
  link_ = &kernel_.connect(port, buffer);
  trace_.note("%8lu  connect %d: %s to room %c", kernel_.now_ms(), link_->number, name_of(manner_),
              role_ == Role::kRoom ? room_ : '-');
  if (manner_ == Manner::kDripsHead) {
    rogue_ = true;
    silent_ = true;
    dripping_ = test::upgrade_request("/echo").substr(0, 40);
    next_drip_ms_ = kernel_.now_ms();
    return;
  }
  if (role_ == Role::kPage) return;
  send(test::upgrade_request(role_ == Role::kEcho ? "/echo" : "/rooms/" + std::string(1, room_)));
}

void Peer::send(std::string_view bytes) { kernel_.peer_send(*link_, bytes); }

void Peer::send_something() {
  if (role_ == Role::kPage) {
    --actions_;
    ++pages_due_;
    send("GET /page HTTP/1.1\r\nHost: h\r\n\r\n");
    return;
  }
  if (actions_ != 0) --actions_;
  if (random_.chance(15)) {
    send_ping();
  } else if (fragmented_) {
    send_fragment();
  } else if (role_ == Role::kRoom && plan_.commands && upgraded_ && random_.chance(15)) {
    send_command();
  } else {
    send_message();
  }
}

std::size_t Peer::draw_size() {
  const std::size_t most = plan_.settings.session.message.max_message_bytes;
  static constexpr std::array<std::size_t, 6> kSizes = {0, 40, 200, 1'000, 20'000, 70'000};
  const std::size_t limit = std::min(most, random_.one_of(std::span<const std::size_t>(kSizes)));
  return random_.between(0, limit);
}

Stamp Peer::next_stamp(Stamp::Kind kind) {
  Stamp stamp;
  stamp.kind = kind;
  stamp.room = room_;
  stamp.from = link_->number;
  stamp.number = ++numbers_;
  return stamp;
}

void Peer::send_message() {
  const Stamp stamp = next_stamp(role_ == Role::kEcho ? Stamp::Kind::kEcho : Stamp::Kind::kPublish);
  const std::string text = stamped(stamp, draw_size());
  unhandled_.push_back(text);
  ++messages_sent_;
  if (random_.chance(75)) {
    send(test::client_frame(test::kText, text));
    return;
  }
  fragments_left_ = text;
  fragmented_ = first_fragment_ = true;
  send_fragment();
}

void Peer::send_fragment() {
  constexpr std::uint64_t kPieces = 4;
  const std::size_t left = fragments_left_.size();
  const std::size_t size = random_.chance(60) ? left : random_.between(1, 1 + left / kPieces);
  const bool last = size >= left;
  send(
      test::client_frame(first_fragment_ ? test::kText : 0, fragments_left_.substr(0, size), last));
  fragments_left_.erase(0, size);
  first_fragment_ = false;
  fragmented_ = !last;
}

void Peer::send_command() {
  static constexpr std::array kKinds = {
      Stamp::Kind::kLeave,  Stamp::Kind::kJoin,   Stamp::Kind::kJoin, Stamp::Kind::kDirect,
      Stamp::Kind::kDirect, Stamp::Kind::kDirect, Stamp::Kind::kKick, Stamp::Kind::kAbort};
  Stamp stamp = next_stamp(random_.one_of(std::span<const Stamp::Kind>(kKinds)));
  if (stamp.kind == Stamp::Kind::kKick && random_.chance(70)) stamp.kind = Stamp::Kind::kDirect;
  if (stamp.kind == Stamp::Kind::kAbort && random_.chance(80)) stamp.kind = Stamp::Kind::kJoin;
  if (stamp.kind == Stamp::Kind::kJoin && random_.chance(50)) {
    stamp.room = static_cast<char>('a' + random_.below(plan_.rooms));
  }
  stamp.to = static_cast<int>(random_.below(plan_.peers));
  aborts_ = aborts_ || stamp.kind == Stamp::Kind::kAbort;
  const std::string text = stamped(stamp, 0);
  unhandled_.push_back(text);
  ++messages_sent_;
  send(test::client_frame(test::kText, text));
}

void Peer::send_ping() {
  pings_.push_back("ping " + std::to_string(++numbers_));
  send(test::client_frame(test::kPing, pings_.back()));
}

void Peer::close_politely() {
  if (ended_ || silent_ || close_sent_ || link_ == nullptr || refused_) return;
  if (role_ == Role::kPage || !(upgraded_ || eager_)) {
    if (upgraded_ || role_ == Role::kPage) end_own_side();
    return;
  }
  close_sent_ = true;
  send(test::client_frame(test::kClose, test::close_payload(1000, "bye")));
}

void Peer::end_own_side() {
  silent_ = true;
  kernel_.peer_shutdown(*link_);
}

void Peer::misbehave() {
  rogue_ = true;
  misbehave_after_ = 0;
  trace_.note("%8lu  peer %d %s", kernel_.now_ms(), link_->number, name_of(manner_));
  switch (manner_) {
    case Manner::kStalls:
      reading_ = false;
      break;
    case Manner::kVanishes:
      reading_ = false;
      silent_ = true;
      break;
    case Manner::kResets:
      kernel_.peer_reset(*link_);
      ended_ = true;
      break;
    case Manner::kLeaves:
      kernel_.peer_close(*link_);
      ended_ = true;
      break;
    case Manner::kHalfCloses:
      end_own_side();
      break;
    case Manner::kViolates:
      violate();
      break;
    case Manner::kDripsMessage:
      silent_ = true;
      // In the middle of a message its fragments are enough of a beginning.
      dripping_ = fragmented_ ? test::client_frame(0, std::string(100, 'x'), false)
                              : test::client_frame(test::kText, std::string(100, 'x'));
      dripping_.resize(60);
      next_drip_ms_ = kernel_.now_ms();
      break;
    case Manner::kFloods:
      silent_ = true;
      for (int i = 0; i < 120; ++i) send_ping();
      break;
    default:
      break;
  }
}

void Peer::violate() {
  silent_ = true;
  if (role_ == Role::kPage || !upgraded_) {
    send("GET / HTTP/1.1\r\nHost: h\r\nHost: h\r\n\r\n");
    return;
  }
  const std::vector<Offence> all = offences(plan_.settings.session.message.max_message_bytes);
  const Offence& offence = random_.one_of(std::span<const Offence>(all));
  trace_.note("          offence: %s", offence.what);
  expected_code_ = offence.code;
  send(offence.bytes);
}

bool Peer::can_drip() const noexcept {
  return !ended_ && !dripping_.empty() && kernel_.now_ms() >= next_drip_ms_;
}

void Peer::drip() {
  send(dripping_.substr(0, 1));
  dripping_.erase(0, 1);
  next_drip_ms_ = kernel_.now_ms() + random_.between(50, 400);
}

// What arrives

bool Peer::can_arrive() const noexcept { return link_ != nullptr && Kernel::has_arrivals(*link_); }

void Peer::arrive() {
  static constexpr std::array<std::size_t, 5> kCuts = {1, 3, 100, 2'000, 1'000'000};
  kernel_.arrive(*link_, random_.between(1, random_.one_of(std::span<const std::size_t>(kCuts))));
}

bool Peer::can_read() const noexcept {
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
  const std::size_t most =
      manner_ == Manner::kSlow ? random_.between(1, 60) : random_.between(1, 20'000);
  input_ += kernel_.peer_read(*link_, most);
  take_input();
  if (!ended_ && Kernel::peer_sees_end(*link_)) see_end();
}

void Peer::see_end() {
  trace_.note("%8lu  peer %d sees the end", kernel_.now_ms(), link_->number);
  if (!input_.empty()) complain("the stream ends in the middle of a frame or response");
  if (upgraded_ && !close_received_ && !silent_) complain("TCP ends without a Close frame");
  ended_ = true;
  kernel_.peer_close(*link_);
}

void Peer::take_input() {
  while (!input_.empty()) {
    if (!upgraded_) {
      if (!take_response()) return;
      continue;
    }
    const auto frame = test::take_frame(input_);
    if (!frame) return;
    if (frame->opcode < 0) complain("was sent what is no server's frame");
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
    refused_ = true;
  }
  return true;
}

void Peer::on_frame(const test::WireFrame& frame) {
  if (close_received_) complain("was sent a frame after Close");
  switch (frame.opcode) {
    case test::kText:
      on_data(frame.payload);
      break;
    case test::kPing:
      if (!silent_ && !close_sent_) send(test::client_frame(test::kPong, frame.payload));
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
  // A Pong may stand for the Pings before it too (RFC 6455 §5.5.3).
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
  if (!close_sent_ && !silent_) {
    close_sent_ = true;
    send(test::client_frame(test::kClose, payload.substr(0, 2)));
  }
}

void Peer::on_data(std::string_view payload) {
  ++data_received_;
  const std::optional<Stamp> stamp = read_stamp(payload);
  if (!stamp) complain("was sent a message that nobody sent");
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
  if (*place != view.next || view.next == 0) {
    const auto passed = std::partition(view.floors.begin(), view.floors.end(),
                                       [&](std::size_t floor) { return floor > *place; });
    const bool begins = passed != view.floors.end();
    view.floors.erase(passed, view.floors.end());
    if (!begins) {
      if (!plan_.drops()) complain("misses a message of its room, or has one from before its join");
      skipped_ += *place - view.next;
    }
  }
  view.next = *place + 1;
  if (stamp.from == link_->number) view.own = stamp.number;
}

// What the server's side has done

void Peer::server_opened(ConnectionId id) { id_ = id; }

void Peer::server_received(std::string_view payload) {
  if (unhandled_.empty() || unhandled_.front() != payload) {
    complain("the server was handed a message that it had not sent");
  }
  unhandled_.pop_front();
}

void Peer::server_echoed(std::string_view payload, SendResult result) {
  if (result == SendResult::kSent) echoes_.emplace_back(payload);
}

void Peer::server_joined(char room, std::size_t floor) {
  View& view = views_[room];
  if (view.joined) return;
  view.joined = true;
  view.floors.push_back(floor);
}

void Peer::server_left(char room) {
  View& view = views_[room];
  view.joined = false;
  view.published = 0;  // what it published and has not had yet may come or not
}

void Peer::server_published(const Stamp& stamp) {
  View& view = views_[stamp.room];
  if (view.joined) view.published = stamp.number;
}

void Peer::server_reported(const net::EndRecord& record) {
  if (++reports_ != 1) complain("its end was reported twice");
  cause_ = record.close.cause;
  clean_ = record.close.clean;
  reported_in_ = record.messages_in;
  reported_out_ = record.messages_out;
  reported_dropped_ = record.messages_dropped;
}

// What must hold

void Peer::check_at_rest() const {
  if (link_ != nullptr && link_->accepted && reports_ == 0 &&
      (link_->fin_arrived || link_->reset_arrived)) {
    complain("has ended, and the server has not noticed");
  }
  if (link_ == nullptr || !honest() || ended_ || refused_ || kicked_ || aborts_) return;
  if (reports_ != 0 || close_received_ || close_sent_ || silent_) return;
  if (!link_->accepted) complain("was never accepted");
  if (!link_->arrived.empty()) complain("the server leaves its bytes unread");
  if (role_ == Role::kPage) {
    if (pages_due_ != 0) complain("did not get its page");
    return;
  }
  if (!upgraded_) complain("got no answer to its opening handshake");
  if (!unhandled_.empty() && !fragmented_) complain("a message it sent was not handled");
  if (!pings_.empty()) complain("its last Ping was not answered");
  if (plan_.drops()) return;
  if (!echoes_.empty()) complain("did not get its echo");
  if (direct_received_ != direct_due_) complain("did not get a message sent to it alone");
  for (const auto& [room, view] : views_) {
    if (!view.joined) continue;
    if (view.own < view.published) complain("did not get its own message");
    if (!view.floors.empty()) continue;
    if (view.next != RoomLog::current().size(room))
      complain("did not get its room's last messages");
  }
}

void Peer::check_at_end() const {
  if (link_ == nullptr) return;
  if (link_->accepted && reports_ != 1) complain("its end was not reported");
  if (!link_->accepted || !link_->server_closed) {
    if (link_->accepted) complain("its descriptor is still open");
    return;
  }
  check_record();
}

void Peer::check_record() const {
  if (reported_in_ > messages_sent_) complain("more messages are reported than it sent");
  const bool whole = honest() && close_received_ && clean_ && !saw_reset_ && !aborts_;
  if (whole && cause_ != CloseCause::kSlowConsumer) {
    if (reported_out_ != data_received_) complain("the count of messages sent to it is wrong");
    if (skipped_ > reported_dropped_) complain("messages were dropped without being counted");
  }
  if (expected_code_ != 0 && close_received_ && !plan_.time_jumps && cause_ != CloseCause::kDrain &&
      close_code_ != expected_code_ && cause_ != CloseCause::kApplicationClosed &&
      cause_ != CloseCause::kSlowConsumer && cause_ != CloseCause::kInputBudget) {
    complain("its offence was answered with another close code");
  }
  if (!honest() || plan_.time_jumps) return;
  switch (cause_) {
    case CloseCause::kPeerClosed:
    case CloseCause::kHttpDone:
    case CloseCause::kDrain:
    case CloseCause::kServerStopped:
      return;
    case CloseCause::kApplicationClosed:
      if (kicked_) return;
      break;
    case CloseCause::kEof:
      // It leaves a connection that was refused, or on which nothing was asked.
      if (refused_ || silent_ || ended_) return;
      break;
    case CloseCause::kSlowConsumer:
      if (role_ == Role::kRoom) return;
      break;
    case CloseCause::kInputBudget:
    case CloseCause::kOverload:
    case CloseCause::kResourceFailure:
      return;
    default:
      break;
  }
  static thread_local std::string text;
  text = "is honest and was ended as " + std::string(close_cause_name(cause_));
  if (!aborts_) complain(text.c_str());
}

}  // namespace wsd::sim
