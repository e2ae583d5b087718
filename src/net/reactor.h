// One thread's event loop: a poller, a shard of the hub, and the connections on it.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/slab.h"
#include "hub/hub.h"
#include "net/acceptor.h"
#include "net/connection.h"
#include "net/listener.h"
#include "net/poller.h"
#include "net/reactor_context.h"

namespace wsd::net {

// Its own thread only, but for wake() and what comes through the hub. May be driven turn by turn.
class Reactor;

// The reactor whose turn runs on this thread, or nullptr: Reactor::current(). Set by a turn alone.
extern constinit thread_local Reactor* current_reactor;

class Reactor final : public hub::Waker {
 public:
  // Commands that the hub carries to every reactor.
  static constexpr std::uint32_t kDrain = 1;
  static constexpr std::uint32_t kStop = 2;
  static constexpr std::uint32_t kReportAlive = 4;  // with a bit in ProcessCounters::answered

  Reactor() noexcept;
  Reactor(const Reactor&) = delete;
  Reactor& operator=(const Reactor&) = delete;
  ~Reactor();

  // False when the kernel refused a descriptor.
  [[nodiscard]] bool valid() const noexcept { return wakeable_; }

  // Before the first turn. Everything outlives the reactor.
  void attach(const ReactorSettings& settings, hub::Shard& shard, Application& application,
              ProcessCounters& counters);
  [[nodiscard]] bool listen(Listener& listener);

  // Turns until drained or stopped.
  void run();
  // One turn that waits at most `max_wait_ms` (-1: as long as nothing is due).
  void turn(int max_wait_ms);
  // Drained or stopped, with no connection left in the whole process.
  [[nodiscard]] bool finished() const noexcept;

  void wake() noexcept override;

  // The reactor whose turn runs on this thread, or nullptr.
  [[nodiscard]] static Reactor* current() noexcept { return current_reactor; }
  // nullptr when it is not, or no longer, one of this reactor's.
  [[nodiscard]] Connection* find(ConnectionId id) noexcept;
  [[nodiscard]] hub::Shard& shard() noexcept { return context_->shard; }
  // A shard is behind with what the connection in its read step published.
  void pause_publisher();
  [[nodiscard]] bool draining() const noexcept { return draining_; }
  // Any thread.
  [[nodiscard]] const ReactorStats& stats() const noexcept { return context_->stats; }

 private:
  // Cuts what is left when the drain has lasted too long.
  class DrainTimer final : public hub::Scheduled {
   public:
    explicit DrainTimer(Reactor& reactor) noexcept : reactor_(reactor) {}
    void on_deadline(Tick now) override;

   private:
    Reactor& reactor_;
  };

  [[nodiscard]] int wait_ms(int max_wait_ms) noexcept;
  // That, and the turn that it leads to is due then.
  [[nodiscard]] int ms_until_due(int max_wait_ms) noexcept;
  // `events`: how many the poller had.
  void begin_turn(std::size_t events) noexcept;
  void exclude_suspension(std::uint64_t before, std::size_t events) noexcept;
  void mark_ready(const Readiness& readiness);
  void handle_commands();
  [[nodiscard]] static std::size_t read_share(std::size_t ready) noexcept;
  void accept_and_read();
  void fire_timers();
  void flush_dirty();
  void finalize_ended();
  void release_unused() noexcept;
  void account_turn(std::uint64_t fanned_ns) noexcept;
  void begin_drain();
  void force_close_all();

  Poller poller_;
  int wake_fd_;
  bool wakeable_;
  std::unique_ptr<ReactorContext> context_;
  Slab<Connection> connections_;
  Tick kept_until_ = 0;  // then large blocks that were not needed again are given back
  // The clock of deadlines is the real one without the time in which this stood still.
  std::uint64_t now_ms_ = 0;
  std::uint64_t real_ms_ = 0;   // when the turn began
  std::uint64_t ended_ms_ = 0;  // when the last one ended
  std::uint64_t due_ms_ = 0;    // when it had to begin at the latest; 0: there was none before
  std::uint64_t stood_still_ms_ = 0;
  std::uint64_t catching_up_until_ms_ = 0;  // 0: it is not
  std::vector<std::unique_ptr<Acceptor>> acceptors_;
  DrainTimer drain_timer_{*this};
  bool draining_ = false;
};

}  // namespace wsd::net
