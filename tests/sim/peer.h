// One simulated peer: its behavior, the bytes that it must receive, and the check that it did.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "net/application.h"
#include "net/peer.h"
#include "sim/client_session.h"
#include "sim/kernel.h"
#include "sim/plan.h"
#include "sim/random.h"
#include "sim/room_log.h"
#include "sim/stamp.h"

namespace wsd::sim {

enum class Role : std::uint8_t { kEcho, kRoom, kPage };

// The behavior of a peer from some point of its connection on.
enum class PeerBehavior : std::uint8_t {
  kHonest,
  kSlow,          // honest, but reads little at a time
  kTrickles,      // honest, but reads little at a time, and waits between two reads
  kStalls,        // keeps sending and never reads again
  kVanishes,      // stops doing anything
  kResets,        // RST
  kLeaves,        // closes its socket without a Close frame
  kHalfCloses,    // ends its direction and continues to read
  kViolates,      // breaks a rule of RFC 6455 or RFC 9112
  kDripsHead,     // sends a request head a byte now and then, but never its last byte
  kDripsMessage,  // drips a message in the same way
  kFloods,        // more Pings than the budget
};

[[nodiscard]] const char* name_of(PeerBehavior behavior) noexcept;

class Peer {
 public:
  Peer(Kernel& kernel, Random& random, Trace& trace, const Plan& plan, int number, Role role,
       PeerBehavior behavior, char room);
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  // Steps. Each is allowed only while its can_ function returns true.
  [[nodiscard]] bool can_act() const noexcept;
  void act(std::uint16_t port);
  [[nodiscard]] bool can_arrive() const noexcept;
  void arrive();
  [[nodiscard]] bool can_read() const noexcept;
  void read();
  // Drips only when time passes.
  [[nodiscard]] bool can_drip() const noexcept;
  void drip();
  // Closes as RFC 6455 §7.1.2 requires, if nothing of its own is in progress.
  void close_politely();

  // Reports of the server's side.
  void server_asked(const net::PeerInfo& peer_info);
  void server_opened(ConnectionId id);
  void server_received(std::string_view payload);
  void server_echoed(std::string_view payload, SendResult result);
  // `all`: the peer must get the whole history of the room, from the first message on.
  // `after`: its last message before the join.
  void server_joined(char room, std::size_t floor, std::uint32_t after, bool all);
  // Returns whether it has ever joined that room.
  [[nodiscard]] bool knows(char room) const { return views_.contains(room); }
  void server_left(char room);
  void server_published(const Stamp& stamp);
  void direct_message_due() noexcept { ++direct_due_; }
  void kicked() noexcept { kicked_ = true; }
  void server_reported(const net::EndRecord& record);

  // Checks the invariants that hold when nothing is in progress. `windows_open`: messages of rooms
  // wait for the end of a delivery window, and so may publishers. Other messages do not wait.
  void check_at_rest(bool windows_open) const;
  // Checks the invariants that hold after the server has ended.
  // `forced`: the server has force-closed a connection.
  void check_at_end(bool forced) const;

  [[nodiscard]] int number() const noexcept { return number_; }
  [[nodiscard]] Role role() const noexcept { return role_; }
  [[nodiscard]] PeerBehavior behavior() const noexcept { return behavior_; }
  [[nodiscard]] bool honest() const noexcept {
    return behavior_ == PeerBehavior::kHonest || behavior_ == PeerBehavior::kSlow ||
           behavior_ == PeerBehavior::kTrickles;
  }
  // Returns the time of its next read, if it has bytes to read and waits. Otherwise returns
  // `otherwise`.
  [[nodiscard]] std::uint64_t next_read_ms(std::uint64_t otherwise) const noexcept;
  // Returns whether it reads without ever answering a Ping.
  [[nodiscard]] bool reads_in_silence() const noexcept { return silent_ && reading_; }
  // Returns whether it has misbehaved.
  [[nodiscard]] bool rogue() const noexcept { return rogue_; }
  [[nodiscard]] Link* link() noexcept { return link_; }
  [[nodiscard]] ConnectionId id() const noexcept { return id_; }
  [[nodiscard]] bool reported() const noexcept { return reports_ != 0; }
  [[nodiscard]] bool opened() const noexcept { return id_ != 0; }
  [[nodiscard]] bool asked_for_a_page() const noexcept { return role_ == Role::kPage; }

  // For the silence deadline: the last time at which the server had data queued for this peer.
  std::uint64_t last_busy_ms = 0;

 private:
  struct View {  // of one room
    bool joined = false;
    bool all = false;  // it has asked for the whole history, and has received nothing yet
    // For each join: the position of the room, and the peer's last message to the server before it.
    // The room's messages may start again only there.
    struct Floor {
      std::size_t place = 0;
      std::uint32_t after = 0;
    };
    std::deque<Floor> floors;
    std::size_t next = 0;             // expected position
    std::uint32_t own = 0;            // its last own message that came back
    std::set<std::uint32_t> foreign;  // its own messages that were published while it was no member
    std::uint32_t published = 0;  // its last own message that was published while it was a member
  };

  void open_connection(std::uint16_t port);
  // The header that a proxy sends before its bytes, and the client address that the server must
  // derive from it.
  [[nodiscard]] std::string proxy_header();
  void send_something();
  void send_message();
  void send_fragment();
  void send_command();
  void send_ping();
  void misbehave();
  void violate();
  void send(std::string_view bytes);
  void end_own_side();
  [[nodiscard]] std::size_t draw_size();
  [[nodiscard]] Stamp next_stamp(Stamp::Kind kind);

  void take_input();
  [[nodiscard]] bool take_response();
  void check_response(const std::string& head);
  void on_frame(const test::WireFrame& frame);
  void on_data(std::string_view payload);
  void on_room_message(const Stamp& stamp);
  void on_echo(std::string_view payload);
  void on_pong(const std::string& payload);
  void on_close(const std::string& payload);
  void see_end();
  [[nodiscard]] bool has_to_read() const noexcept;
  [[noreturn]] void complain(const std::string& what) const;
  void check_rooms_at_rest() const;
  void check_record() const;
  void check_losses(bool forced) const;

  Kernel& kernel_;
  Random& random_;
  Trace& trace_;
  const Plan& plan_;
  const int number_;
  const Role role_;
  const PeerBehavior behavior_;
  const char room_;

  // Half of the peers that speak WebSocket read with the library's own session in the client's
  // role. The others have a decoder of their own, as the server's judge. Null: the latter.
  std::unique_ptr<ClientSession> session_;
  Link* link_ = nullptr;
  std::string client_;             // the client that its proxy names; empty: none
  std::uint32_t actions_;          // remaining
  std::uint32_t misbehave_after_;  // of them
  bool eager_;                     // does not wait for the 101
  bool rogue_ = false;
  bool reading_ = true;
  bool silent_ = false;  // sends nothing any more
  bool closes_early_;
  std::uint32_t numbers_ = 0;
  std::string fragments_left_;  // of the message in progress
  bool fragmented_ = false;
  bool first_fragment_ = false;
  std::string dripping_;
  std::uint64_t next_drip_ms_ = 0;
  std::uint64_t next_read_ms_ = 0;

  std::string input_;
  bool upgraded_ = false;
  bool refused_ = false;
  std::uint32_t pages_due_ = 0;
  bool close_sent_ = false;
  bool close_received_ = false;
  int close_code_ = 0;
  bool ended_ = false;
  bool saw_reset_ = false;
  bool bad_header_ = false;  // of its proxy
  int expected_code_ = 0;    // of the violation

  ConnectionId id_ = 0;
  bool kicked_ = false;
  bool aborts_ = false;
  std::deque<std::string> unhandled_;  // sent, and not in the server's handler yet
  std::deque<std::string> echoes_;     // handled, and not back yet
  std::deque<std::string> pings_;
  std::map<char, View> views_;
  std::uint32_t direct_due_ = 0;
  std::uint32_t direct_received_ = 0;
  std::map<int, std::uint32_t> direct_last_;
  std::uint64_t messages_sent_ = 0;
  std::uint64_t data_received_ = 0;
  std::uint64_t skipped_ = 0;

  int reports_ = 0;
  CloseCause cause_ = CloseCause::kEof;
  bool clean_ = false;
  std::uint64_t reported_in_ = 0;
  std::uint64_t reported_out_ = 0;
  std::uint64_t reported_dropped_ = 0;
  std::uint64_t reported_undelivered_ = 0;
};

}  // namespace wsd::sim
