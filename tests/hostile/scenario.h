// An attack as main.cc runs it: a separate server, an honest client beside it, and checks
// afterwards.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "hostile/server.h"
#include "hostile/swarm.h"

namespace hostile {

// The resources of an attack, and its results.
class Attack {
 public:
  Attack(Server& server, bool quick) : server_(server), swarm_(server.port()), quick_(quick) {}

  [[nodiscard]] Server& server() { return server_; }
  [[nodiscard]] Swarm& swarm() { return swarm_; }
  // Returns whether this is the short form, which checks nothing that depends on the machine's
  // speed.
  [[nodiscard]] bool quick() const { return quick_; }
  template <class T>
  [[nodiscard]] T either(T full, T quick) const {
    return quick_ ? quick : full;
  }

  // Allows the server that much memory above its idle level during this attack.
  void allow_kib(std::size_t kib) { allowed_kib_ = kib; }
  // Allows the server to keep that much memory afterwards, because the allocator caches small
  // blocks.
  void may_keep_kib(std::size_t kib) { kept_kib_ = kib; }
  // `what` is a sentence that describes the expected state.
  void expect(bool holds, const std::string& what) {
    if (!holds) faults_.push_back(what);
  }
  // Like expect() for a count; reports the actual count.
  void expect_count(std::size_t count, std::size_t wanted, const std::string& what) {
    expect(count == wanted, what + ": " + std::to_string(count) + " of " + std::to_string(wanted));
  }
  // The server does not have the feature under attack.
  void skip(const std::string& why) { skipped_ = why; }
  // Adds a figure to the table.
  void note(const std::string& text) { notes_ += (notes_.empty() ? "" : ", ") + text; }

  // The server has ended the connection in order. A client that does not run for the second of
  // lingering gets a reset instead, so with --quick, which judges no durations, any end will do.
  [[nodiscard]] bool ended(const Peer& peer) const { return quick_ ? peer.over() : peer.fin; }

  [[nodiscard]] std::size_t allowed_kib() const { return allowed_kib_; }
  [[nodiscard]] std::size_t kept_kib() const { return kept_kib_; }
  [[nodiscard]] const std::vector<std::string>& faults() const { return faults_; }
  [[nodiscard]] const std::string& skipped() const { return skipped_; }
  [[nodiscard]] const std::string& notes() const { return notes_; }

  // How long to wait for an expected event, however busy the machine is.
  static constexpr milliseconds kPatience{30'000};

 private:
  Server& server_;
  Swarm swarm_;
  bool quick_;
  std::size_t allowed_kib_ = 0;
  std::size_t kept_kib_ = 0;
  std::vector<std::string> faults_;
  std::string skipped_;
  std::string notes_;
};

struct Scenario {
  std::string name;
  std::vector<std::string> flags;
  std::function<void(Attack&)> run;
  std::size_t descriptors = 0;  // the server's RLIMIT_NOFILE; 0: unchanged
};

[[nodiscard]] std::vector<Scenario> http_scenarios();
[[nodiscard]] std::vector<Scenario> frame_scenarios();
[[nodiscard]] std::vector<Scenario> message_scenarios();
[[nodiscard]] std::vector<Scenario> room_scenarios();

}  // namespace hostile
