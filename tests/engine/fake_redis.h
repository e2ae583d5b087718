// A Redis in memory, for tests of the engine and for its simulation. It speaks RESP on sockets in
// memory, knows the commands that the engine uses, and behaves as Redis 7.0 does. The test step
// `engine-contract` holds it to a real server. Nothing happens in it but in a call of a test.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "engine/fake_reply.h"
#include "engine/fake_slots.h"
#include "engine/fake_stream.h"

namespace wsd::engine {

// One connection: the bytes that are under way in both directions, and which ends have closed it.
struct FakeSocket {
  std::string to_server;  // sent by the client, and not read by the server
  std::string to_client;
  bool client_closed = false;
  bool server_closed = false;  // after the bytes of `to_client`
  std::uint64_t client_id = 0;
};

struct FakeValue {
  bool is_stream = false;
  std::string string;
  FakeStream stream;
  std::uint64_t expires_ms = 0;  // Unix time; 0: never
};

using FakeData = std::map<std::string, FakeValue, std::less<>>;

// What the script `publish` has placed.
struct FakePlaced {
  std::string key;
  FakeStreamId id;
  std::uint64_t count = 1;
  std::string text;
  std::string replid;
};

// What a test can do to a server. Change it at any time.
struct FakeFaults {
  bool out_of_memory = false;    // writes that need memory answer OOM
  bool no_replicas = false;      // writes answer NOREPLICAS
  bool misconf = false;          // writes answer MISCONF
  std::string error_for_all;     // all commands but HELLO and AUTH answer this, like "LOADING ..."
  std::set<std::string> denied;  // commands without a right, like "xsetid" and "client|kill"
  std::size_t lost_pushes = 0;   // so many SPUBLISH commands reach nobody
  bool pushes_after_reply = false;     // of one's own command, as from Redis 7.2 on
  bool unsubscribe_needs_one = false;  // SUNSUBSCRIBE without a subscription is an error: Valkey 8
  std::size_t output_limit = 0;        // bytes for a subscriber; beyond, it is closed. 0: no limit
  std::size_t entries_per_node = 1;    // approximate trimming (~) removes whole nodes only
};

class FakeRedis {
 public:
  using Words = std::vector<std::string>;

  struct Options {
    std::uint64_t seed = 1;  // of the replication ids
    std::string version = "7.0.15";
    std::string password;  // of the user "default"; empty: none
    bool cluster = false;  // what INFO says of cluster_enabled; set_slots() for the rest
    bool has_replid = true;
  };

  explicit FakeRedis(const Options& options);
  FakeRedis() : FakeRedis(Options{}) {}
  FakeRedis(const FakeRedis&) = delete;
  FakeRedis& operator=(const FakeRedis&) = delete;
  ~FakeRedis();

  FakeFaults faults;

  // Connections

  // A new connection. A stopped server has it, too: the kernel accepts it.
  [[nodiscard]] std::shared_ptr<FakeSocket> accept();
  // Reads at most `most` bytes of one connection, and executes the commands that are complete.
  // Returns whether anything has happened. A stopped server does nothing.
  bool serve(const std::shared_ptr<FakeSocket>& socket, std::size_t most = 16'384);
  // Executes one command as a client of its own does. The reply is as for RESP3.
  FakeReply execute(const Words& words);

  // Time

  [[nodiscard]] std::uint64_t time_us() const noexcept { return time_us_; }
  void set_time_us(std::uint64_t unix_us) noexcept { time_us_ = unix_us; }
  void advance_ms(std::uint64_t ms) noexcept { time_us_ += ms * 1'000; }

  // Events

  // SIGSTOP and SIGCONT: what arrives meanwhile is executed later.
  void stop() noexcept { stopped_ = true; }
  void go_on() noexcept { stopped_ = false; }
  [[nodiscard]] bool is_stopped() const noexcept { return stopped_; }
  // Restarts with all data, or with what it had at some earlier time, or with nothing: `{}`. All
  // connections end, scripts are forgotten, the replication id is a new one, and it is a master.
  void restart() { restart(data_); }
  void restart(FakeData data);
  // Makes this server a replica with the data and the replication id of another one, as it is now.
  // Its clients stay. Writes are READONLY.
  void follow(const FakeRedis& master);
  // Only a copy of data, for the same use: a replica that is behind.
  void follow(const FakeRedis& master, FakeData data);
  // A replica becomes a master with a new replication id.
  void promote();
  void set_version(std::string_view version) { options_.version = version; }
  void set_replid(std::string_view replid) { replid_ = replid; }
  [[nodiscard]] const std::string& replid() const noexcept { return replid_; }
  [[nodiscard]] bool is_master() const noexcept { return is_master_; }
  // With false, nobody can connect: "Connection refused".
  void set_listening(bool listening) noexcept { listening_ = listening; }
  [[nodiscard]] bool is_listening() const noexcept { return listening_; }
  // Makes this server a node of a cluster. The view must outlive it.
  void set_slots(const FakeSlots* slots) noexcept { slots_ = slots; }
  // Closes all connections, as after a crash.
  void close_all();
  // Closes the connections that have subscriptions.
  void close_subscribers();
  // Takes the channel from all subscribers, as when the slot of a cluster moves.
  void unsubscribe_all(std::string_view channel);
  void unsubscribe_slot(std::uint16_t slot);
  void flush_scripts() { scripts_.clear(); }
  // What connected_slaves of INFO says.
  void set_replicas(unsigned count) noexcept { replicas_ = count; }
  void set_config(std::string_view name, std::string_view value) {
    config_[std::string(name)] = value;
  }

  // Knowledge

  [[nodiscard]] const FakeData& data() const noexcept { return data_; }
  [[nodiscard]] FakeData& data() noexcept { return data_; }
  // Everything that the script `publish` has ever placed here, also what was lost again.
  [[nodiscard]] const std::vector<FakePlaced>& placed() const noexcept { return placed_; }
  [[nodiscard]] std::size_t clients() const noexcept { return clients_.size(); }
  [[nodiscard]] std::size_t subscribers(std::string_view channel) const noexcept;
  // Returns how often clients have sent a command, like "evalsha" or "evalsha publish". The calls
  // of scripts are not counted.
  [[nodiscard]] std::uint64_t calls(std::string_view command) const noexcept;
  void reset_calls() noexcept { calls_.clear(); }
  // Returns how often a client has opened a room whose channel it had not subscribed to.
  [[nodiscard]] std::uint64_t unsubscribed_opens() const noexcept { return unsubscribed_opens_; }

 private:
  enum class ScriptKind : std::uint8_t { kPublish, kOpen, kPage, kProbe };

  struct Client {
    std::shared_ptr<FakeSocket> socket;
    std::uint64_t id = 0;
    std::string name;
    std::string input;
    std::string deferred;  // pushes after the reply
    int protocol = 2;
    bool authenticated = false;
    bool closing = false;
    bool asking = false;  // for the next command
    std::set<std::string, std::less<>> channels;
    std::set<std::string, std::less<>> taken;  // or never given, for a fault
  };

  using Handler = FakeReply (FakeRedis::*)(Client&, const Words&);
  struct Command {
    Handler handler;
    int arity;  // as COMMAND INFO has it: with the name; negative: at least
    bool writes = false;
    bool needs_memory = false;
    int first_key = 0;  // 0: none
    bool many_keys = false;
  };
  static const std::map<std::string, Command, std::less<>>& commands();

  // Commands (fake_redis.cc)
  bool parse(Client& client, Words& words);
  void run(Client& client, const Words& words);
  FakeReply dispatch(Client& client, const Words& words);
  [[nodiscard]] FakeReply call(Client& client, const Words& words);
  [[nodiscard]] FakeReply refusal(const Command& command) const;
  [[nodiscard]] FakeReply redirect(Client& client, const Command& command, const Words& words);
  void sweep();
  void push(Client& to, const Client* from, const FakeReply& items);
  [[nodiscard]] std::string fresh_replid();

  // Connections (fake_redis_server.cc)
  FakeReply hello(Client& client, const Words& words);
  FakeReply auth(Client& client, const Words& words);
  FakeReply ping(Client& client, const Words& words);
  FakeReply echo(Client& client, const Words& words);
  FakeReply select(Client& client, const Words& words);
  FakeReply client(Client& client, const Words& words);
  FakeReply info(Client& client, const Words& words);
  FakeReply time(Client& client, const Words& words);
  FakeReply role(Client& client, const Words& words);
  FakeReply replicaof(Client& client, const Words& words);
  FakeReply config(Client& client, const Words& words);
  FakeReply acl(Client& client, const Words& words);
  FakeReply cluster(Client& client, const Words& words);
  FakeReply asking(Client& client, const Words& words);
  FakeReply ssubscribe(Client& client, const Words& words);
  FakeReply sunsubscribe(Client& client, const Words& words);
  FakeReply spublish(Client& client, const Words& words);
  FakeReply flushall(Client& client, const Words& words);
  [[nodiscard]] FakeReply log_in(Client& client, std::string_view user, std::string_view password);

  // Data (fake_redis_data.cc)
  FakeValue* find(std::string_view key);
  FakeReply set(Client& client, const Words& words);
  FakeReply get(Client& client, const Words& words);
  FakeReply del(Client& client, const Words& words);
  FakeReply exists(Client& client, const Words& words);
  FakeReply type(Client& client, const Words& words);
  FakeReply pexpire(Client& client, const Words& words);
  FakeReply pttl(Client& client, const Words& words);
  FakeReply xadd(Client& client, const Words& words);
  FakeReply xtrim(Client& client, const Words& words);
  FakeReply xdel(Client& client, const Words& words);
  FakeReply xlen(Client& client, const Words& words);
  FakeReply xsetid(Client& client, const Words& words);
  FakeReply xinfo(Client& client, const Words& words);
  FakeReply xrange(Client& client, const Words& words);
  [[nodiscard]] FakeReply range(const Words& words, bool newest_first);
  struct Trim;
  [[nodiscard]] std::size_t apply(const Trim& trim, FakeStream& stream) const;

  // Scripts (fake_scripts.cc)
  FakeReply script(Client& client, const Words& words);
  FakeReply evalsha(Client& client, const Words& words);
  [[nodiscard]] FakeReply script_call(Client& client, const Words& words);
  // `once`: empty, or the second key.
  [[nodiscard]] FakeReply publish(Client& client, const std::string& key, const std::string& once,
                                  const Words& args);
  [[nodiscard]] FakeReply open(Client& client, const std::string& key, const Words& args);
  [[nodiscard]] FakeReply page(Client& client, const std::string& key, const Words& args);
  [[nodiscard]] FakeReply probe(Client& client, const std::string& key);

  Options options_;
  std::uint64_t replids_ = 0;
  std::string replid_;
  bool is_master_ = true;
  bool stopped_ = false;
  bool listening_ = true;
  const FakeSlots* slots_ = nullptr;  // nullptr: not in a cluster
  unsigned replicas_ = 0;
  std::uint64_t time_us_ = 1'795'989'613'123'456;
  std::uint64_t last_client_id_ = 0;
  std::uint64_t commands_run_ = 0;
  FakeData data_;
  std::map<std::string, ScriptKind> scripts_;  // by SHA1
  std::map<std::string, std::string> config_;
  std::vector<std::unique_ptr<Client>> clients_;
  std::vector<FakePlaced> placed_;
  std::map<std::string, std::uint64_t, std::less<>> calls_;
  std::uint64_t unsubscribed_opens_ = 0;
  bool in_script_ = false;
  bool script_has_written_ = false;
};

// Returns the text in lower case. Only ASCII.
[[nodiscard]] std::string fake_lower(std::string_view text);

}  // namespace wsd::engine
