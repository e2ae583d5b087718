// One life of a server: its log on the simulated disk, its shards, and members and publishers
// without sockets. Every call of it runs on one thread. The log's two threads are fibers, which
// pause at system calls.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "hub/hub.h"
#include "server/engine_setup.h"
#include "sim/fiber.h"
#include "sim/history/disk.h"
#include "sim/history/observer.h"
#include "sim/random.h"
#include "sim/trace.h"
#include "wsd/options.h"

namespace wsd::sim {

struct LifePlan {
  HistorySync mode = HistorySync::kInterval;
  std::uint32_t interval_ms = 100;
  std::uint32_t shards = 1;
  int rooms = 1;
  std::uint32_t limit = 10;          // messages that a room keeps
  Tick age = Tick{1} << 30;          // of its messages
  std::size_t segment_bytes = 4096;  // size at which the log begins a new segment
  std::size_t filler = 40;           // most bytes of a message besides its number
};

inline constexpr const char* kLogDirectory = "/srv/log";
[[nodiscard]] std::string room_name(int room);

class Life {
 public:
  // The references must outlive the life.
  Life(const LifePlan& plan, Disk& disk, Observer& observer, Random& random, Trace& trace);
  Life(const Life&) = delete;
  Life& operator=(const Life&) = delete;
  ~Life();

  // Opens the log, restores the rooms and begins the run. Returns an empty string, or why it could
  // not.
  [[nodiscard]] std::string start();
  // Lets all rooms tell the observer what they were restored with. `goes_on`: the epochs must.
  void check_restored(bool goes_on);
  // Something happens: a shard or a thread of the log runs, a member comes or goes, time passes.
  void step();
  // Runs until nothing is left to do.
  void settle();
  // The disk is well. Checks that the log works again, and that members have seen everything.
  void check_recovery();
  // Ends the server as a signal does.
  void stop();
  [[nodiscard]] bool damaged() const noexcept { return damaged_; }

 private:
  class Watcher;
  class Receipt;
  class Removal;
  struct Waker final : hub::Waker {
    void wake() noexcept override {}
  };

  void report(LogLevel level, std::string_view event, std::string_view text);
  void turn(std::uint32_t index);
  void run(Fiber& fiber, bool writes, bool to_end);
  void publish();
  void publish_to(int room);
  void join();
  void leave();
  void remove_messages();
  void read_log();
  void drop_closed();
  void resume(Fiber& fiber);
  void resume_fibers();
  void finish_fibers();
  void check_members();

  const LifePlan plan_;
  Disk& disk_;
  Observer& observer_;
  Random& random_;
  Trace& trace_;
  std::vector<Waker> wakers_;
  std::unique_ptr<hub::Hub> hub_;
  std::unique_ptr<server::EngineSetup> setup_;
  std::vector<std::unique_ptr<Watcher>> watchers_;
  Fiber* running_ = nullptr;
  std::size_t open_answers_ = 0;  // receipts and removals that have not come yet
  bool damaged_ = false;
};

}  // namespace wsd::sim
