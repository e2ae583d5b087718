// Runs one real server, built from the public API, with scripted clients, and injects faults.
//
// The linker's --wrap redirects the server's system calls, malloc, realloc and zlib's start
// functions (rules.mk). `new` is replaced. calls.h counts these calls by kind. A run makes the k-th
// call of one kind fail; the campaign repeats the run for every k, with every documented error
// (campaign_test.cc).
//
// Only one reactor thread runs at a time, on a virtual clock (reactor_scheduler.h), so every run is
// repeatable and k always names the same call.
//
// finish() checks these invariants:
//
// * The run ends. No wake-up is lost, and the server does not hang.
// * Every accepted connection ends once, with one log line and a cause. Every open has one close.
// * Connections that the fault did not affect are served to the end of the scenario.
// * Only the connections that ExpectedDamage names may fail.
// * The counters return to zero, and every descriptor and allocation is freed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "faults/client.h"
#include "faults/reactor_scheduler.h"
#include "hub/shard.h"
#include "net/reactor_context.h"
#include "wsd/server.h"

namespace wsd::faults {

// The damage that a planned fault may cause.
enum class ExpectedDamage : std::uint8_t {
  kNone,              // the server must recover: no client notices
  kTargetConnection,  // only the connection that the fault hit may end
  kOneConnection,     // one connection may end, because an operation for it was out of memory
  // Any connection may end, because the process was out of memory for a while. The server must
  // still free everything that belongs to them.
  kAllConnections,
};

// The result of a run. If `faults` is empty, every invariant held.
struct Outcome {
  std::vector<std::string> faults;
  bool fault_happened = false;
  bool hung = false;
  std::uint64_t turns = 0;
  // "name: failure", including failures that ExpectedDamage allows
  std::vector<std::string> failed_clients;
};

class Harness {
 public:
  struct Options {
    std::uint32_t reactors = 2;
    bool unix_socket = false;
    bool context_takeover = false;
  };

  explicit Harness(const Options& options);
  Harness(const Harness&) = delete;
  Harness& operator=(const Harness&) = delete;
  ~Harness();

  // Listens and starts the server. Returns the server's error text, or "".
  [[nodiscard]] std::string start();

  // Clients. connect() chooses the reactor as far as the kernel allows it.
  Client& connect(std::string name, std::uint32_t reactor);
  // Connects and completes the opening handshake, which must succeed.
  Client& open(std::string name, std::uint32_t reactor, std::string_view path,
               std::string_view extra = {});
  // Waits until the next frame of `client` is `frame`. If it does not arrive and the fault hit its
  // publisher `source`, no member has to receive it.
  bool expect(Client& client, const test::WireFrame& frame, const Client* source = nullptr);
  // Waits for a response head that begins with `start`, and returns it.
  std::string expect_head(Client& client, std::string_view start);
  void expect_end(Client& client, Client::End end, std::string_view cause);
  // Sends a text message and waits for its echo.
  void echo(Client& client, std::string_view text);
  void must(Client& client, bool condition, const std::string& what);
  bool until(Client& client, const std::function<bool()>& condition, const std::string& what);

  // Runs turns until `condition` holds. Returns false if nothing more happens within `budget_ms`.
  bool until(const std::function<bool()>& condition, std::uint64_t budget_ms = kBudgetMs);
  // Runs turns until every reactor sleeps.
  void quiet();
  void pass(std::uint64_t ms);

  // Drains the server, closes all clients and checks the invariants.
  [[nodiscard]] Outcome finish(ExpectedDamage expected);
  // Returns whether the fault hit the connection of this client.
  [[nodiscard]] bool was_hit(const Client& client) const;
  // Returns whether the received bytes begin the 503 that a drain sends to a client that is not
  // open yet.
  [[nodiscard]] static bool refused(Client& client);

  [[nodiscard]] hub::Shard& shard(std::uint32_t index) const { return *shards_.at(index); }
  // Returns the path of a room whose home shard is on reactor `home`.
  [[nodiscard]] std::string room_at(std::uint32_t home) const;

  // Called when a reactor is attached to its shard.
  static void note_reactor(hub::Shard& shard, net::ProcessCounters& counts);

 private:
  static constexpr std::uint64_t kBudgetMs = 4000;
  static constexpr std::uint64_t kMaxTurns = 6000;

  struct End {
    std::string remote;
    std::string cause;
  };

  void add_routes(Server& server);
  bool pump();
  [[nodiscard]] bool network_moves();
  void drain_clients();
  void check_counts(Outcome& outcome) const;
  void check_ends(Outcome& outcome, ExpectedDamage expected);
  void check_failures(Outcome& outcome, ExpectedDamage expected) const;
  [[nodiscard]] std::vector<End> read_log(std::size_t& dropped) const;

  Options options_;
  int descriptors_before_;
  int log_fd_;
  std::string unix_path_;
  ReactorScheduler scheduler_;
  std::unique_ptr<Server> server_;
  std::uint16_t port_ = 0;
  std::vector<hub::Shard*> shards_;
  net::ProcessCounters* counts_ = nullptr;
  std::vector<int> listeners_;  // by reactor
  std::deque<Client> clients_;
  std::map<ConnectionId, int> opened_;
  std::map<ConnectionId, int> closed_;
  bool network_active_ = false;  // bytes may be in transit
  bool hung_ = false;
};

[[nodiscard]] int open_descriptors();

}  // namespace wsd::faults
