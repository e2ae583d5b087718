#include "sim/peer.h"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

namespace wsd::sim {
namespace {

// Rule violations between messages, each with its close code (RFC 6455 §7.4.1).
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

// Truncates the header so that no later byte can complete it, or removes it.
std::string bad_header(const std::string& header) {
  return header.size() % 2 == 0 ? test::upgrade_request("/echo")
                                : header.substr(0, 11) + "\x07\r\n";
}

}  // namespace

const char* name_of(PeerBehavior behavior) noexcept {
  static constexpr std::array kNames = {"honest",   "slow",       "trickles",      "stalls",
                                        "vanishes", "resets",     "leaves",        "half-closes",
                                        "violates", "drips head", "drips message", "floods"};
  return kNames[static_cast<std::size_t>(behavior)];
}

Peer::Peer(Kernel& kernel, Random& random, Trace& trace, const Plan& plan, int number, Role role,
           PeerBehavior behavior, char room)
    : kernel_(kernel),
      random_(random),
      trace_(trace),
      plan_(plan),
      number_(number),
      role_(role),
      behavior_(behavior),
      room_(room),
      session_(role != Role::kPage && number % 2 == 0 ? std::make_unique<ClientSession>()
                                                      : nullptr),
      actions_(static_cast<std::uint32_t>(random.between(1, 30))),
      misbehave_after_(static_cast<std::uint32_t>(random.below(actions_ + 1))),
      eager_(random.chance(25)),
      closes_early_(random.chance(30)) {}

void Peer::complain(const std::string& what) const {
  broken("peer %d (%s, %s): %s", link_ == nullptr ? number_ : link_->number,
         role_ == Role::kEcho   ? "echo"
         : role_ == Role::kRoom ? "room"
                                : "page",
         name_of(behavior_), what.c_str());
}

// Sending

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
  // Inside a message the same bytes may break another rule, or none.
  const bool can_misbehave = behavior_ != PeerBehavior::kViolates || !fragmented_;
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
  trace_.note("%8lu  connect %d: %s to room %c", kernel_.now_ms(), link_->number,
              name_of(behavior_), role_ == Role::kRoom ? room_ : '-');
  const std::string header = plan_.proxied ? proxy_header() : std::string();
  if (behavior_ == PeerBehavior::kDripsHead) {
    rogue_ = true;
    silent_ = true;
    dripping_ = (header + test::upgrade_request("/echo")).substr(0, 40);
    next_drip_ms_ = kernel_.now_ms();
    return;
  }
  if (plan_.proxied && behavior_ == PeerBehavior::kViolates && misbehave_after_ % 2 == 0) {
    rogue_ = true;
    silent_ = true;
    bad_header_ = true;
    send(bad_header(header));
    return;
  }
  if (!header.empty()) send(header);
  if (role_ == Role::kPage) return;
  send(test::upgrade_request(role_ == Role::kEcho ? "/echo" : "/rooms/" + std::string(1, room_)));
}

// The source port is the link's number, which identifies the connection.
std::string Peer::proxy_header() {
  const std::string port = std::to_string(link_->number);
  std::string two = "\r\n\r\n";
  two += std::string(1, '\0') + "\r\nQUIT\n";
  const auto block = [&two](char command, std::string_view rest) {
    return two + command + std::string(rest);
  };
  const std::string ends = bare({link_->number >> 8, link_->number & 0xFF, 1, 187});
  switch (random_.below(6)) {
    case 0:
      return "PROXY UNKNOWN\r\n";
    case 1:
      client_ = "192.0.2.1:" + port;
      return "PROXY TCP4 192.0.2.1 198.51.100.1 " + port + " 443\r\n";
    case 2:
      client_ = "[2001:db8::1]:" + port;
      return "PROXY TCP6 2001:db8::1 2001:db8::2 " + port + " 443\r\n";
    case 3:  // LOCAL
      return block('\x20', bare({0, 0, 0}));
    case 4:
      client_ = "192.0.2.1:" + port;
      return block('\x21', bare({0x11, 0, 12, 192, 0, 2, 1, 198, 51, 100, 1}) + ends);
    default:  // with a TLV
      client_ = "[2001:db8::1]:" + port;
      return block('\x21', bare({0x21, 0, 40}) + bare({0x20, 0x01, 0x0D, 0xB8}) +
                               std::string(11, '\0') + '\x01' + std::string(16, '\x02') + ends +
                               bare({0xEA, 0, 1, 'x'}));
  }
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
  Stamp stamp = next_stamp(role_ == Role::kEcho ? Stamp::Kind::kEcho : Stamp::Kind::kPublish);
  if (plan_.excepts && role_ == Role::kRoom && stamp.number % 3 == 0) stamp.to = Stamp::kNotBack;
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
  trace_.note("%8lu  peer %d %s", kernel_.now_ms(), link_->number, name_of(behavior_));
  switch (behavior_) {
    case PeerBehavior::kStalls:
      reading_ = false;
      break;
    case PeerBehavior::kVanishes:
      reading_ = false;
      silent_ = true;
      break;
    case PeerBehavior::kResets:
      kernel_.peer_reset(*link_);
      ended_ = true;
      break;
    case PeerBehavior::kLeaves:
      kernel_.peer_close(*link_);
      ended_ = true;
      break;
    case PeerBehavior::kHalfCloses:
      end_own_side();
      break;
    case PeerBehavior::kViolates:
      violate();
      break;
    case PeerBehavior::kDripsMessage:
      silent_ = true;
      // In the middle of a message, the remaining fragments already form an incomplete message.
      dripping_ = fragmented_ ? test::client_frame(0, std::string(100, 'x'), false)
                              : test::client_frame(test::kText, std::string(100, 'x'));
      dripping_.resize(60);
      next_drip_ms_ = kernel_.now_ms();
      break;
    case PeerBehavior::kFloods:
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

// Events of the server's side

void Peer::server_asked(const net::PeerInfo& peer_info) {
  const std::string own = "127.0.0.1:" + std::to_string(link_->number);
  if (peer_info.remote() != (client_.empty() ? own : client_)) {
    complain("the server takes it for " + std::string(peer_info.remote()));
  }
  if (peer_info.via() != (client_.empty() ? std::string() : own)) {
    complain("the server says that it came by " + std::string(peer_info.via()));
  }
  if (bad_header_) complain("a request was read behind a bad header of its proxy");
}

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

void Peer::server_joined(char room, std::size_t floor, std::uint32_t after, bool all) {
  View& view = views_[room];
  if (view.joined) return;
  view.joined = true;
  view.all = all;
  view.floors.push_back({all ? 0 : floor, after});
}

void Peer::server_left(char room) { views_[room].joined = false; }

void Peer::server_published(const Stamp& stamp) {
  if (stamp.to == Stamp::kNotBack) return;
  View& view = views_[stamp.room];
  if (view.joined) {
    view.published = stamp.number;
  } else {
    view.foreign.insert(stamp.number);
  }
}

void Peer::server_reported(const net::EndRecord& record) {
  if (++reports_ != 1) complain("its end was reported twice");
  cause_ = record.close.cause;
  clean_ = record.close.clean;
  if (record.bytes_in != link_->received) complain("the count of bytes received from it is wrong");
  if (record.bytes_out != link_->sent) complain("the count of bytes sent to it is wrong");
  reported_in_ = record.messages_in;
  reported_out_ = record.messages_out;
  reported_dropped_ = record.messages_dropped;
  reported_undelivered_ = record.bytes_undelivered;
}

}  // namespace wsd::sim
