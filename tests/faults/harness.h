// One real server of the public API, its clients, and what must hold when all is over.
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

// How much a planned fault may do.
enum class ExpectedDamage : std::uint8_t {
  kNobody,     // the server is to make it good: nobody notices
  kStruck,     // the connection that it struck may end, no other
  kAnyoneOne,  // one connection may end: memory ran out while something was done for it
  kAll,        // any may end: memory ran out for a while; what is theirs is given back all the same
};

// What a run came to. Empty `faults`: all that must hold did.
struct Outcome {
  std::vector<std::string> faults;
  bool struck = false;
  bool hung = false;
  std::uint64_t turns = 0;
  std::vector<std::string> harmed;  // "name: how", those that were allowed to be too
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

  // Listens and serves. Returns the server's own sentence when it cannot.
  [[nodiscard]] std::string start();

  // Clients. connect() chooses the reactor, as far as the kernel leaves it to us.
  Client& connect(std::string name, std::uint32_t reactor);
  // With the opening handshake, which must succeed.
  Client& open(std::string name, std::uint32_t reactor, std::string_view path,
               std::string_view extra = {});
  // Waits until `client` has that frame as its next. Where it does not come and `source`, whose
  // message it is, was itself struck, nobody is to expected.
  bool expect(Client& client, const test::WireFrame& frame, const Client* source = nullptr);
  // Waits for a response head that begins like that; returns it.
  std::string expect_head(Client& client, std::string_view start);
  void expect_end(Client& client, Client::End end, std::string_view cause);
  // A message there and back.
  void echo(Client& client, std::string_view text);
  void must(Client& client, bool condition, const std::string& what);
  bool until(Client& client, const std::function<bool()>& condition, const std::string& what);

  // Turns until `condition` holds; false when nothing more happens within that much time.
  bool until(const std::function<bool()>& condition, std::uint64_t budget_ms = kBudgetMs);
  // Turns until everybody sleeps.
  void quiet();
  void pass(std::uint64_t ms);

  // Drains the server, sees all clients out, and judges.
  [[nodiscard]] Outcome finish(ExpectedDamage expected);
  // Whether the fault may be blamed on this client.
  [[nodiscard]] bool was_struck(const Client& client) const;
  // Whether what has come begins as a drain's answer to who is not open yet.
  [[nodiscard]] static bool refused(Client& client);

  [[nodiscard]] hub::Shard& shard(std::uint32_t index) const { return *shards_.at(index); }
  // A room with its home on that reactor.
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
  void see_out();
  void judge_counts(Outcome& outcome) const;
  void judge_ends(Outcome& outcome, ExpectedDamage expected);
  void judge_harm(Outcome& outcome, ExpectedDamage expected) const;
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
  bool stirred_ = false;  // bytes may be on their way
  bool hung_ = false;
};

[[nodiscard]] int open_descriptors();

}  // namespace wsd::faults
