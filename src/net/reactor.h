// The event loop of one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "base/slab.h"
#include "hub/hub.h"
#include "net/acceptor.h"
#include "net/application_timer.h"
#include "net/connection.h"
#include "net/engine_port.h"
#include "net/intake.h"
#include "net/listener.h"
#include "net/memory_release.h"
#include "net/poller.h"
#include "net/reactor_context.h"

namespace wsd::net {

class Reactor;

// The reactor whose turn runs on this thread, or nullptr. Only a turn sets it; others read it by
// Reactor::current().
extern constinit thread_local Reactor* current_reactor;

// Owns a poller, listening sockets and connections, and drives one shard of the hub. May be driven
// turn by turn. Its own thread only, except wake() and stats(); other threads use the hub.
class Reactor final : public hub::Waker {
 public:
  // Commands that the hub carries to every reactor.
  static constexpr std::uint32_t kDrain = 1;
  static constexpr std::uint32_t kStop = 2;
  static constexpr std::uint32_t kReportAlive = 4;  // sets a bit in ProcessCounters::answered

  Reactor() noexcept;
  Reactor(const Reactor&) = delete;
  Reactor& operator=(const Reactor&) = delete;
  ~Reactor();

  // Returns false if the kernel has refused a descriptor.
  [[nodiscard]] bool valid() const noexcept { return wakeable_; }

  // Must be called once, before the first turn. All arguments must outlive the reactor.
  void attach(const ReactorSettings& settings, hub::Shard& shard, Application& application,
              ProcessCounters& counters);
  [[nodiscard]] bool listen(Listener& listener);
  // Returns the network for the engine of this reactor's shard, and for a client. After attach(),
  // and for the first time before the first turn or in the mail of a turn.
  [[nodiscard]] EnginePort& engine_port();

  // See Intake::take_client(). On the reactor's thread.
  Connection& take_client(int fd, const PeerAddress& server, Bytes request) {
    return intake_->take_client(fd, server, request);
  }

  // Must be called for each reactor of the process before the first thread calls run(): a reactor
  // must not end while another one may still accept members of its rooms.
  void expect_to_run() noexcept;
  // Closes the listening sockets of a reactor that was expected to run, and never will.
  void never_run() noexcept;
  // Runs turns until finished().
  void run();
  // Runs one turn, which waits at most `max_wait_ms` for readiness (-1: until the next deadline).
  void turn(int max_wait_ms);
  // Returns true if the reactor is drained or stopped, the process has no connection left, and none
  // is on its way here.
  [[nodiscard]] bool finished() const noexcept;

  void wake() noexcept override;

  // Returns the reactor whose turn runs on this thread, or nullptr.
  [[nodiscard]] static Reactor* current() noexcept { return current_reactor; }
  // Returns nullptr if this reactor has no connection with that id.
  [[nodiscard]] Connection* find(ConnectionId id) noexcept;
  [[nodiscard]] hub::Shard& shard() noexcept { return context_->shard; }
  // Returns the connection in its read step, or hub::kNoPublisher.
  [[nodiscard]] ConnectionId reading() const noexcept;
  // Pauses the connection in its read step, because a shard is behind with its messages.
  void pause_publisher();
  // Starts a timer of the application that belongs to no connection. Throws std::bad_alloc if
  // memory runs out; then nothing has changed.
  void start_timer(std::shared_ptr<ApplicationTimer> timer, std::uint32_t delay_ms) {
    context_->timers.add(std::move(timer), timer_deadline(context_->now, delay_ms));
  }
  // Returns whether a drain has begun to close connections. It has not during the drain delay.
  [[nodiscard]] bool draining() const noexcept { return draining_; }
  // The time of this turn, on the clock of deadlines.
  [[nodiscard]] Tick now() const noexcept { return context_->now; }
  // See Suspensions::recent().
  [[nodiscard]] Tick recently_suspended() const noexcept {
    return context_->suspensions.recent(context_->now);
  }
  // Any thread.
  [[nodiscard]] const ReactorStats& stats() const noexcept { return context_->stats; }

 private:
  // Begins to close connections after the drain delay, and force-closes the remaining ones at the
  // drain timeout.
  class DrainTimer final : public hub::Scheduled {
   public:
    explicit DrainTimer(Reactor& reactor) noexcept : reactor_(reactor) {}
    void on_deadline(Tick now) override;

   private:
    Reactor& reactor_;
  };

  [[nodiscard]] int wait_ms(int max_wait_ms) noexcept;
  [[nodiscard]] int ms_to_window_end() const noexcept;
  // Returns wait_ms(), and records when the next turn is due.
  [[nodiscard]] int ms_until_due(int max_wait_ms) noexcept;
  // `events`: the number of events that the poller returned.
  void begin_turn(std::size_t events) noexcept;
  void exclude_suspension(std::uint64_t before, std::size_t events) noexcept;
  void mark_ready(const Readiness& readiness);
  void handle_commands();
  [[nodiscard]] static std::size_t read_share(std::size_t ready) noexcept;
  void accept_and_read();
  void fire_timers();
  void flush_dirty();
  void keep_budgets();
  void finalize_ended();
  void release_unused() noexcept;
  void release_due() noexcept;
  void look_for_unused() noexcept;
  void account_turn(std::uint64_t fanned_ns) noexcept;
  void delay_drain();
  void begin_drain();
  [[nodiscard]] Tick ticks_of_longest_window() const noexcept;
  void end_intake() noexcept;
  void stop_accepting() noexcept;
  void force_close_all();

  Poller poller_;
  int wake_fd_;
  bool wakeable_;
  std::unique_ptr<ReactorContext> context_;
  Slab<Connection> connections_;
  std::optional<Intake> intake_;
  std::unique_ptr<EnginePort> engine_port_;  // null: no engine uses the network
  Tick kept_until_ = 0;                      // when to free the unused large blocks
  Tick release_at_ = 0;                      // when release_due() must run
  Tick wake_to_release_at_ = 0;              // the same, if the reactor must wake up for it
  ReleaseSchedule release_;
  std::uint64_t ended_count_ = 0;         // connections that were finalized
  std::uint64_t untrimmed_since_ms_ = 0;  // when memory was released; 0: the process has trimmed it
  // The clock of deadlines is the real clock without the time of suspensions.
  std::uint64_t now_ms_ = 0;
  std::uint64_t real_ms_ = 0;   // when the turn began
  std::uint64_t ended_ms_ = 0;  // when the previous turn ended
  std::uint64_t wait_began_ms_ = 0;
  std::uint64_t due_ms_ = 0;  // the latest time for the turn to begin; 0: no turn before
  bool was_late_ = false;     // the previous turn began after due_ms_
  std::uint64_t stood_still_ms_ = 0;
  std::uint64_t catching_up_until_ms_ = 0;  // 0: not catching up
  std::vector<std::unique_ptr<Acceptor>> acceptors_;
  DrainTimer drain_timer_{*this};
  bool drain_delayed_ = false;
  bool draining_ = false;
  bool accepts_ = false;  // counted in ProcessCounters::accepting
  bool woken_ = false;    // by another thread, for mail or for a budget
};

}  // namespace wsd::net
