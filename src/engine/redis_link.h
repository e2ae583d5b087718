// One connection to a Redis master, from connecting to its end: the handshake, the heartbeat, and
// which reply belongs to which request.
//
// A RedisLink lives as long as its connection. Its owner makes another one when it has ended.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/redis_scripts.h"
#include "engine/resp_reader.h"
#include "engine/wire.h"

namespace wsd::engine {

struct LinkSettings {
  std::string user;  // empty: no AUTH, or AUTH with a password alone
  std::string password;
  std::string prefix;                // of keys and channels
  std::string client_name;           // for CLIENT SETNAME
  std::uint64_t timeout_ms = 5'000;  // for connecting, the handshake, and silence
  std::size_t max_message_bytes = std::size_t{16} << 20;
  bool cluster = false;  // expects a node of a cluster
  // Microseconds of a monotonic clock, to measure round trips. nullptr: begin_turn()'s time.
  std::uint64_t (*now_us)() = nullptr;
};

// The connection before, for the fence of ENGINE.md 2.6 (docs/ARCHITECTURE.md, "The engine").
struct FormerLink {
  std::uint64_t client_id = 0;  // 0: none
  std::string replid;
  // The connections before this one, newest first: an address may lead to an earlier server again.
  std::vector<FormerLink> before = {};
};

// The findings of the handshake.
struct LinkUp {
  std::string version;            // of Redis or Valkey, like "7.0.15"
  std::string replid;             // 40 hexadecimal digits
  std::uint32_t replid_bits = 0;  // the first 20 bits
  std::uint64_t client_id = 0;
  std::int64_t clock_offset_ms = 0;  // the server's Unix time minus the `now_ms` of begin_turn()
  // Nothing that the former connection has sent can run any more: there was none, or the server is
  // the same and has killed it.
  bool fenced = false;
  bool same_server = false;  // the same replid as the former connection
  // The longest text of a batch that may be read: this node takes no longer one, or the server
  // would disconnect a node that reads it.
  std::size_t most_text_bytes = 0;
  // Warnings about the server's settings, as whole sentences (`engine_setting`).
  std::vector<std::string> warnings;
};

// Why a link has ended.
struct LinkDown {
  std::string why;  // a sentence
  // The server will say no again: a wrong password, a missing right, too old a version.
  bool for_good = false;
};

// Names the subject of a request. The owner's to choose.
struct RequestTag {
  std::uint8_t kind = 0;
  std::uint32_t room = 0;
  std::uint64_t cookie = 0;
};

class RedisLink;

// Receives the events of a link. Called by the link in the engine's step of a turn. The owner may
// call the link's methods meanwhile, but must not destroy it, except in link_down().
class LinkOwner {
 public:
  virtual void link_up(RedisLink& link, const LinkUp& up) = 0;
  // The reply to the oldest request without one. After the errors READONLY, MASTERDOWN, LOADING,
  // BUSY, NOAUTH, REPLID, and without a cluster CLUSTERDOWN, the link ends, because they are not
  // about one request. The server has not run the request, and the owner must not end the link.
  virtual void link_replied(RedisLink& link, const RequestTag& tag, RespValue reply) = 0;
  // A push: its first child is its kind, like "smessage". In a cluster, "sunsubscribe" also comes
  // for a SSUBSCRIBE or SUNSUBSCRIBE that the server has refused, because it does not serve the
  // slot.
  virtual void link_pushed(RedisLink& link, RespValue push) = 0;
  // The reply to a heartbeat that was sent a second ago or later has come: all pushes before it,
  // too. `round_trip_us` is the time that it took.
  virtual void link_beat(RedisLink& link, std::uint64_t round_trip_us) = 0;
  // SCRIPT LOAD has been answered after reload_scripts().
  virtual void link_scripts_loaded(RedisLink& link) = 0;
  // The last call. Requests without a reply will never get one. Never throws.
  virtual void link_down(RedisLink& link, const LinkDown& down) noexcept = 0;

 protected:
  ~LinkOwner() = default;
};

class RedisHandshake;

class RedisLink final : private WireOwner {
 public:
  // Begins to connect. The references must outlive the link. Throws std::bad_alloc if memory runs
  // out.
  RedisLink(const LinkSettings& settings, const FormerLink& former, Network& network,
            const Endpoint& to, LinkOwner& owner, std::uint64_t now_ms);
  RedisLink(const RedisLink&) = delete;
  RedisLink& operator=(const RedisLink&) = delete;
  ~RedisLink();

  // The time of the turn, before any other call in it. Milliseconds of a monotonic clock.
  void begin_turn(std::uint64_t now_ms) noexcept { now_ms_ = now_ms; }
  // When on_time() is due. ~0: not at all.
  [[nodiscard]] std::uint64_t deadline() const noexcept;
  // Sends the heartbeat, or ends the link that is silent for too long.
  void on_time();

  [[nodiscard]] bool up() const noexcept { return state_ == State::kUp; }
  [[nodiscard]] const LinkUp& server() const noexcept;
  [[nodiscard]] const Endpoint& endpoint() const noexcept { return endpoint_; }

  // Send a command, after link_up(). Throw std::bad_alloc if memory runs out; then nothing has
  // changed. SSUBSCRIBE and SUNSUBSCRIBE have no reply in RESP3, but a push for each channel:
  // send_unanswered(). An error in their place ends the link, except in a cluster, where they have
  // one channel each. After the link has ended, these methods do nothing.
  void send(const RequestTag& tag, std::initializer_list<std::string_view> words);
  void send_unanswered(std::initializer_list<std::string_view> words);
  // Calls a script with one key: EVALSHA SHA 1 KEY WORDS...
  void send_script(const RequestTag& tag, Script script, std::string_view key,
                   std::initializer_list<std::string_view> words) {
    send_script(tag, script, {key}, words);
  }
  // Calls a script with several keys of one slot.
  void send_script(const RequestTag& tag, Script script,
                   std::initializer_list<std::string_view> keys,
                   std::initializer_list<std::string_view> words);
  // After an error NOSCRIPT. Does nothing while SCRIPT LOAD is under way.
  void reload_scripts();

  // Returns the number of requests without a reply, and the bytes that were queued and not sent.
  [[nodiscard]] std::size_t outstanding() const noexcept { return expected_.size(); }
  [[nodiscard]] std::size_t unsent() const noexcept;
  // With false, leaves arriving bytes in the socket. The timeout stands still meanwhile.
  void set_reading(bool reading) noexcept;
  // Ends the link as if the server had: link_down() comes during the call.
  void end(std::string_view why) noexcept { end(why, false); }

 private:
  enum class State : std::uint8_t { kConnecting, kAsking, kProving, kUp, kEnded };
  // The purpose of a request.
  enum class Kind : std::uint8_t {
    kRequest,  // the owner's
    kSubscription,
    kBeat,
    kHello,
    kReplication,
    kMemory,
    kTime,
    kBufferLimits,
    kScript,
    kKill,
    kProbe,
    kState,  // CLUSTER INFO
    kNodes,  // CLUSTER NODES
    kFence,  // TIME, after a SUNSUBSCRIBE in a cluster
  };
  // A command without a reply, in a cluster.
  struct Subscription {
    bool begins = false;  // SSUBSCRIBE
    std::string channel;
  };
  struct Expected {
    RequestTag tag;
    Kind kind = Kind::kRequest;
    std::uint32_t number = 0;  // kScript: which one; kSubscription: pushes to come
  };
  using Words = std::initializer_list<std::string_view>;

  void connected() override;
  void received(std::string_view bytes) override;
  void ended(std::string_view why) override;

  void take(std::string_view bytes, const bool& over);
  void take_push(RespValue push);
  [[nodiscard]] bool is_awaited(std::string_view name, RespValue push) const noexcept;
  void take_refused_subscription();
  void take_reply(RespValue reply);
  void take_own(const Expected& expected, RespValue reply);
  [[nodiscard]] bool judge(const Expected& expected, RespValue reply);
  void go_on();
  void prove_rights();
  void ask(Kind kind, Words words, std::uint32_t number = 0);
  void queue(const Expected& expected);
  void load_scripts();
  void append_script_call(Script script, Words keys, Words words);
  void beat();
  void took_beat();
  [[nodiscard]] std::uint64_t precise_us() const noexcept;
  void end(std::string_view why, bool for_good) noexcept;
  void end(const LinkDown& down) noexcept;

  const LinkSettings& settings_;
  const Endpoint endpoint_;
  LinkOwner& owner_;
  const std::unique_ptr<RedisHandshake> handshake_;
  std::unique_ptr<Wire> wire_;
  RespReader reader_;
  std::string out_;  // the command that is being made
  std::deque<Expected> expected_;
  std::deque<Subscription> subscriptions_;  // in a cluster: of each kSubscription in expected_
  std::array<std::string, kScripts> sha_;
  std::size_t scripts_to_load_ = 0;
  State state_ = State::kConnecting;
  bool reading_ = true;
  bool beats_ = false;    // a heartbeat has no reply yet
  bool* over_ = nullptr;  // set when the link ends within received()
  std::uint64_t now_ms_ = 0;
  std::uint64_t start_ms_ = 0;
  std::uint64_t quiet_since_ms_ = 0;  // since then, nothing has come, or nothing was awaited
  std::uint64_t next_beat_ms_ = 0;
  std::uint64_t beat_us_ = 0;  // when the heartbeat was sent
};

}  // namespace wsd::engine
