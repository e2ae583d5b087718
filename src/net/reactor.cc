// A reactor's turn, in this order:
//
//   1. wait        for readiness, at most until the next deadline; not at all while work is left
//   2. mark ready  readiness sets latches; nothing is read or written yet
//   3. mailbox     the mail of other shards and threads
//   4. engine      the connections to the engine's servers are read, each up to its share
//   5. read        each connection on the ready list up to its share, then new connections; a
//                  connection with more input stays on the list
//   6. timers      the wheel advances to now
//   7. flush       the engine gets the publishes of steps 3 to 6 and rooms fan out the messages,
//                  then the engine's connections and those of clients send their queues
//   8. finalize    ended connections leave their rooms, are reported and freed
#include "net/reactor.h"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "base/allocation.h"
#include "net/clock.h"
#include "net/drain_slots.h"
#include "net/socket.h"
#include "net/test_hooks.h"

namespace wsd::net {

constinit thread_local Reactor* current_reactor = nullptr;

namespace {

// The token of a connection is its address, which is aligned. All other tokens are odd.
constexpr std::uint64_t kTagMask = 1;
constexpr std::uint64_t kWakeToken = kTagMask;
// See EnginePort::is_token() for the engine's.
constexpr std::uint64_t acceptor_token(std::size_t index) noexcept {
  return (index + 1) << 1 | kTagMask;
}
constexpr std::size_t acceptor_index(std::uint64_t token) noexcept { return (token >> 1) - 1; }

// Limits the timers of one turn, so that a tick with very many timers does not delay it.
constexpr int kTimersPerTurn = 4096;

constexpr int kLongestWaitMs = 60'000;

// With limits per second, a reactor wakes up this often. Otherwise it would not notice a suspension
// during a long wait, in which no deadline is due.
constexpr int kNoticeMs = 1'000;

// If a turn begins this late or lasts this long, the process was suspended or starved of CPU.
constexpr std::uint64_t kLateMs = 250;
constexpr std::uint64_t kLongestTurnMs = 1'000;

// The longest time of catching up that still counts as part of a suspension.
constexpr std::uint64_t kCatchUpMs = 10'000;

// The time to keep an unused large block.
constexpr Tick kKeepTicks = ticks_for_ms(200);

// During a drain, a reactor without connections checks this often whether the others are done.
constexpr int kDrainLookMs = 20;

// Sets current_reactor during a turn. One thread may drive several reactors in turn.
class CurrentScope {
 public:
  explicit CurrentScope(Reactor* reactor) noexcept
      : before_(std::exchange(current_reactor, reactor)) {}
  CurrentScope(const CurrentScope&) = delete;
  CurrentScope& operator=(const CurrentScope&) = delete;
  ~CurrentScope() { current_reactor = before_; }

 private:
  Reactor* before_;
};

}  // namespace

Reactor::Reactor() noexcept
    : wake_fd_(make_wake_fd()),
      wakeable_(poller_.valid() && wake_fd_ >= 0 && poller_.add(wake_fd_, kWakeToken)) {}

Reactor::~Reactor() {
  if (context_ != nullptr) {
    const CurrentScope scope(this);
    end_intake();
    force_close_all();
    finalize_ended();
    context_->timers.clear();
    context_->shard.wheel().cancel(drain_timer_);
    engine_port_.reset();
  }
  acceptors_.clear();
  if (wake_fd_ >= 0) poller_.close(wake_fd_);
}

void Reactor::attach(const ReactorSettings& settings, hub::Shard& shard, Application& application,
                     ProcessCounters& counters) {
  wsd_reactor_attached(&shard, &counters);
  context_ = std::make_unique<ReactorContext>(settings, poller_, shard, application, counters);
  intake_.emplace(*context_, connections_);
  counters.balance.open(shard.index(), *intake_);
  begin_turn(0);
  ended_ms_ = real_ms_;
  context_->shard.set_encoder(&context_->encoder);
  context_->shard.expect_end_turns();
  context_->shard.wheel().advance(context_->now);
}

bool Reactor::listen(Listener& listener) {
  const int fd = listener.take(context_->shard.index());
  try {
    acceptors_.reserve(acceptors_.size() + 1);
    acceptors_.push_back(std::make_unique<Acceptor>(*context_, *intake_, fd, listener.sharing()));
  } catch (...) {
    close_socket(fd);
    throw;
  }
  return acceptors_.back()->watch(acceptor_token(acceptors_.size() - 1));
}

EnginePort& Reactor::engine_port() {
  if (engine_port_ == nullptr) engine_port_ = std::make_unique<EnginePort>(*context_, wake_fd_);
  return *engine_port_;
}

void Reactor::wake() noexcept { signal_wake_fd(wake_fd_); }

Connection* Reactor::find(ConnectionId id) noexcept {
  if (hub::shard_of(id) != context_->shard.index()) return nullptr;
  return static_cast<Connection*>(context_->shard.find(id));
}

ConnectionId Reactor::reading() const noexcept {
  return context_->reading == nullptr ? hub::kNoPublisher : context_->reading->id();
}

void Reactor::pause_publisher() {
  if (context_->reading != nullptr) context_->reading->pause();
}

void Reactor::expect_to_run() noexcept {
  accepts_ = true;
  context_->counters.accepting.fetch_add(1, std::memory_order_relaxed);
}

void Reactor::never_run() noexcept {
  end_intake();
  stop_accepting();
}

void Reactor::run() {
  while (!finished()) turn(-1);
  // Mail that another reactor has sent before its last connection was gone, during the last turn.
  turn(0);
}

bool Reactor::finished() const noexcept {
  // Runs until the last connection of the process is gone, because home rooms of this shard still
  // serve members on other shards. A reactor that still accepts may get more of them.
  const ProcessCounters& counters = context_->counters;
  return draining_ && counters.accepting.load(std::memory_order_acquire) == 0 &&
         counters.connections.load(std::memory_order_acquire) == 0 &&
         !counters.balance.expects(context_->shard.index());
}

void Reactor::turn(int max_wait_ms) {
  std::array<Readiness, Poller::kMaxEvents> ready;
  const std::span<const Readiness> events = poller_.wait(ms_until_due(max_wait_ms), ready);
  const CurrentScope scope(this);  // after the wait: a sleeping reactor runs nothing
  const BlockCache::Scope kept(context_->block_cache);
  begin_turn(events.size());
  for (const Readiness& each : events) mark_ready(each);
  context_->shard.drain();
  handle_commands();
  if (engine_port_ != nullptr) engine_port_->input_step();
  accept_and_read();
  fire_timers();
  const std::uint64_t fanned_ns = context_->shard.has_to_fan_out() ? monotonic_ns() : 0;
  context_->shard.fan_out();
  if (engine_port_ != nullptr) engine_port_->end_turn();
  flush_dirty();
  context_->shard.end_turn();
  finalize_ended();
  if (woken_ || !context_->input.settled() || !context_->output.settled()) keep_budgets();
  context_->shard.free_names();
  context_->deflate_pool.end_turn(!context_->lists.ready.empty());
  release_unused();
  account_turn(fanned_ns);
}

void Reactor::begin_turn(std::size_t events) noexcept {
  context_->now_ns = monotonic_ns();
  const std::uint64_t before = std::exchange(real_ms_, context_->now_ns / 1'000'000);
  exclude_suspension(before, events);
  now_ms_ = real_ms_ - stood_still_ms_;
  context_->now = tick_of(now_ms_);
  context_->suspensions.note(tick_of(stood_still_ms_), context_->now);
  context_->shard.begin_turn(context_->now, context_->now_ns);
  if (engine_port_ != nullptr) engine_port_->begin_turn(now_ms_);
}

// Excludes the time during which the process was suspended, because bytes from peers were left
// unread then. The exclusion lasts until the backlog of events is processed, that is, until
// epoll_wait returns fewer events than it could.
void Reactor::exclude_suspension(std::uint64_t before, std::size_t events) noexcept {
  const bool late = due_ms_ != 0 && real_ms_ > due_ms_ + kLateMs;
  if (late) {
    catching_up_until_ms_ = real_ms_ + kCatchUpMs;
    // The suspension began at an unknown moment of the wait. So none of the wait counts: otherwise
    // peers that were silent before it would have only the rest of a tick to send something. But on
    // a host that is always late each timer must fire in the end, so this is not done twice
    // running.
    stood_still_ms_ += real_ms_ - (was_late_ ? due_ms_ : wait_began_ms_);
  } else if (real_ms_ < catching_up_until_ms_) {
    stood_still_ms_ += real_ms_ - before;
  }
  was_late_ = late;
  if (events < Poller::kMaxEvents) catching_up_until_ms_ = 0;
}

// Publishes the counts of the turn to other threads. `fanned_ns`: the time when rooms began to fan
// out; 0: no room did.
void Reactor::account_turn(std::uint64_t fanned_ns) noexcept {
  ReactorStats& stats = context_->stats;
  const Tally& tally = context_->tally;
  const SendTally& sent = context_->cork.tally;
  const std::uint64_t delivered = context_->shard.stats().deliveries.value() - tally.not_deliveries;
  stats.messages_in.set(tally.messages_in);
  stats.messages_out.set(tally.messages_sent + delivered);
  stats.messages_dropped.set(sent.dropped);
  stats.messages_uncompressed.set(context_->deflate_pool.not_deflated());
  stats.bytes_in.set(tally.bytes_in);
  stats.bytes_out.set(sent.bytes);
  stats.send_queue_bytes.set(sent.waiting);
  const std::uint64_t now_ns = monotonic_ns();
  ended_ms_ = now_ns / 1'000'000;
  stats.turn.record(now_ns - context_->now_ns);
  if (fanned_ns != 0) stats.fan_out.record(now_ns - fanned_ns);
  context_->shard.placed_times().take(now_ns, [&](std::uint64_t ns, std::uint64_t batches) {
    stats.delivery_delay.record(ns, batches);
  });
}

void Reactor::release_unused() noexcept {
  if (context_->block_cache.take_used()) {
    kept_until_ = context_->now + kKeepTicks;
    release_at_ = std::min(release_at_, kept_until_);
  }
  wake_to_release_at_ = release_at_;
  if (context_->now >= release_at_) release_due();
}

void Reactor::release_due() noexcept {
  BlockCache& blocks = context_->block_cache;
  if (context_->now >= kept_until_) blocks.clear();
  if (context_->now >= release_.look_at()) look_for_unused();
  wake_to_release_at_ = blocks.empty() ? hub::TimerWheel::kNever : kept_until_;
  release_at_ = std::min(wake_to_release_at_, release_.look_at());
  if (!release_.settled()) wake_to_release_at_ = release_at_;
}

// Not during the turn's work, so nothing that is released is in use.
void Reactor::look_for_unused() noexcept {
  hub::Shard& shard = context_->shard;
  const ReleaseSchedule::Load load{context_->tally.bytes_in + context_->cork.tally.bytes,
                                   ended_count_,
                                   shard.history_bytes() + context_->cork.tally.waiting};
  const bool release = release_.look(context_->now, load);
  TrimGate& gate = context_->counters.trim_gate;
  if (release_.busy()) gate.note_busy(monotonic_ms());
  if (release) {
    context_->block_cache.clear();
    context_->deflate_pool.release();
    context_->lists.shrink(shard.member_count());
    connections_.release_unused();
    shard.release_unused();
    untrimmed_since_ms_ = monotonic_ms();
  }
  if (untrimmed_since_ms_ == 0) return;
  switch (gate.ask(untrimmed_since_ms_, monotonic_ms())) {
    case TrimGate::Answer::kNow:
      trim_allocator();
      context_->stats.memory_trims.add(1);
      [[fallthrough]];
    case TrimGate::Answer::kDone:
      untrimmed_since_ms_ = 0;
      break;
    case TrimGate::Answer::kLater:
      release_.look_again();
      break;
  }
}

int Reactor::wait_ms(int max_wait_ms) noexcept {
  // A short wait, neither sleeping nor spinning: memory may be available in a moment.
  if (context_->shard.retry_needed()) {
    constexpr int kMomentMs = kTickMs;
    return max_wait_ms < 0 ? kMomentMs : std::min(kMomentMs, max_wait_ms);
  }
  const bool accepting = std::any_of(acceptors_.begin(), acceptors_.end(),
                                     [](const auto& each) { return each->ready(); });
  if (accepting || !context_->lists.ready.empty() || !context_->lists.dirty.empty() ||
      !context_->lists.ended.empty() || context_->shard.has_pending() ||
      context_->shard.wheel().has_due() || (engine_port_ != nullptr && engine_port_->has_work()) ||
      !context_->shard.arm()) {
    return 0;
  }
  int wait = draining_ ? kDrainLookMs : kLongestWaitMs;
  if (context_->settings.notice_suspensions) wait = std::min(wait, kNoticeMs);
  if (const std::uint64_t until = context_->shard.paced_until_ns();
      until != hub::Shard::kNeverPaced) {
    const std::uint64_t left_ns = until - std::min(until, context_->now_ns);
    wait = static_cast<int>(std::min(left_ns / 1'000'000 + 1, static_cast<std::uint64_t>(wait)));
  }
  if (max_wait_ms >= 0) wait = std::min(wait, max_wait_ms);
  wait = std::min(wait, ms_to_window_end());
  const Tick next = std::min(context_->shard.wheel().next_event(), wake_to_release_at_);
  if (next == hub::TimerWheel::kNever) return wait;
  const std::uint64_t at = next * kTickMs;
  const std::uint64_t left = at > now_ms_ ? at - now_ms_ : 0;
  return static_cast<int>(std::min(left, static_cast<std::uint64_t>(wait)));
}

// Returns the time to the next end of a delivery window, at most kLongestWaitMs. Windows are
// shorter than a tick, so the time that this turn has taken matters. Rounds up, because a reactor
// that wakes up too early would wait again.
int Reactor::ms_to_window_end() const noexcept {
  const std::uint64_t end_ns = context_->shard.next_window_end_ns();
  if (end_ns == hub::DeliveryWindows::kNever) return kLongestWaitMs;
  constexpr std::uint64_t kMs = 1'000'000;
  const std::uint64_t now_ns = monotonic_ns();
  const std::uint64_t left_ms = end_ns > now_ns ? (end_ns - now_ns + kMs - 1) / kMs : 0;
  return static_cast<int>(std::min<std::uint64_t>(left_ms, kLongestWaitMs));
}

int Reactor::ms_until_due(int max_wait_ms) noexcept {
  const int wait = wait_ms(max_wait_ms);
  wait_began_ms_ = std::min(ended_ms_, real_ms_ + kLongestTurnMs);
  due_ms_ = wait_began_ms_ + static_cast<std::uint64_t>(wait);
  return wait;
}

void Reactor::mark_ready(const Readiness& readiness) {
  const std::uint64_t token = readiness.token();
  if ((token & kTagMask) == 0) {
    static_cast<Connection*>(readiness.pointer())->on_readiness(readiness);
  } else if (token == kWakeToken) {
    woken_ = true;  // the mailbox is read in any case
  } else if (EnginePort::is_token(token)) {
    if (engine_port_ != nullptr) engine_port_->on_readiness(readiness);
  } else {
    const std::size_t index = acceptor_index(token);
    if (index < acceptors_.size()) acceptors_[index]->on_readiness();
  }
}

void Reactor::handle_commands() {
  const std::uint32_t commands = context_->shard.take_commands();
  if ((commands & kReportAlive) != 0) {
    context_->counters.answered.fetch_or(std::uint64_t{1} << context_->shard.index(),
                                         std::memory_order_relaxed);
  }
  if ((commands & kStop) != 0) {
    draining_ = true;
    end_intake();
    intake_->stop();
    stop_accepting();
    force_close_all();
  } else if ((commands & kDrain) != 0 && !draining_ && !drain_delayed_) {
    delay_drain();
  }
  if (context_->shard.take_resumed()) {
    context_->lists.work_off(context_->lists.paused, [](Connection& each) { each.resume(); });
  }
}

// The more connections are ready, the less each may read in one turn. A connection with twenty
// bytes thus waits only for a small piece of each other connection.
std::size_t Reactor::read_share(std::size_t ready) noexcept {
  constexpr std::size_t kMost = std::size_t{256} << 10;
  constexpr std::size_t kLeast = std::size_t{16} << 10;
  constexpr std::size_t kTurn = std::size_t{4} << 20;  // about one millisecond of copying
  return std::clamp(kTurn / std::max<std::size_t>(ready, 1), kLeast, kMost);
}

// A new connection may replace another one, whose request gets its response first.
void Reactor::accept_and_read() {
  context_->read_share = read_share(context_->lists.ready.size());
  context_->deflate_pool.divide_inflating(context_->lists.ready.size());
  context_->lists.work_off(context_->lists.ready, [&shard = context_->shard](Connection& each) {
    each.read_step();
    shard.free_names();
  });
  context_->lists.order_ready();
  for (const auto& acceptor : acceptors_) acceptor->accept_step();
}

void Reactor::fire_timers() {
  hub::TimerWheel& wheel = context_->shard.wheel();
  wheel.advance(context_->now);
  for (int i = 0; i < kTimersPerTurn; ++i) {
    hub::Timer* const timer = wheel.pop_due();
    if (timer == nullptr) return;
    static_cast<hub::Scheduled*>(timer)->on_deadline(context_->now);
  }
}

void Reactor::flush_dirty() {
  context_->lists.work_off(context_->lists.dirty, [](Connection& each) { each.flush_step(); });
}

// Another reactor may have asked this one, and the changes of all reactors may exceed a limit that
// each change alone did not. Connections that end here leave their rooms in this turn, as others
// do.
void Reactor::keep_budgets() {
  BudgetShare& input = context_->input;
  BudgetShare& output = context_->output;
  input.end_turn();
  output.end_turn();
  if (input.take_asked() || input.exceeded()) Connection::relieve_input(*context_);
  if (output.take_asked() || output.exceeded()) Connection::relieve_output(*context_);
  if (!context_->lists.ended.empty()) {
    finalize_ended();
    input.publish();
    output.publish();
  }
  woken_ = false;
}

void Reactor::finalize_ended() {
  // Handlers of an end may end other connections: repeat until the list is empty.
  while (!context_->lists.ended.empty()) {
    context_->lists.work_off(context_->lists.ended, [this](Connection& each) {
      if (!each.finalize()) return;
      connections_.destroy(&each);
      ++ended_count_;
    });
  }
}

// No connection comes from other reactors any more, except those that are on their way. All new
// connections get a 503 response.
void Reactor::end_intake() noexcept {
  context_->counters.balance.close(context_->shard.index());
  intake_->refuse();
}

void Reactor::delay_drain() {
  if (context_->settings.drain_delay == 0) {
    begin_drain();
    return;
  }
  drain_delayed_ = true;
  context_->shard.wheel().arm(drain_timer_, context_->now + context_->settings.drain_delay);
}

void Reactor::begin_drain() {
  draining_ = true;
  end_intake();
  // The first reactor to drain sets the count for all, because connections may be gone by the time
  // the last reactor begins.
  std::size_t all = 0;
  const std::size_t here = context_->counters.connections.load(std::memory_order_relaxed);
  if (context_->counters.at_drain.compare_exchange_strong(all, here, std::memory_order_relaxed)) {
    all = here;
  }
  const DrainPlan plan{drain_window(context_->settings.drain_window, all),
                       context_->shard.shard_count()};
  std::size_t count = 0;
  context_->shard.for_each_member([&](const hub::Member& member) {
    if (static_cast<const Connection&>(member).open()) ++count;
  });
  // Messages that wait for the end of a delivery window, or for another shard, leave before the
  // first Close frame. Those of another reactor's rooms may have to wait until that reactor begins
  // its drain.
  const bool paced = context_->shard.paced_until_ns() != hub::Shard::kNeverPaced;
  const Tick first_slot = std::max<Tick>(ticks_of_longest_window(), paced ? 1 : 0);
  const Tick timeout = std::max<Tick>(context_->settings.drain_timeout, 1);
  const Tick last_slot = timeout - 1;
  context_->shard.close_windows();
  std::size_t i = 0;
  context_->shard.for_each_member([&](hub::Member& member) {
    auto& connection = static_cast<Connection&>(member);
    const Tick slot = drain_slot(plan, context_->shard.index(), i, count);
    if (connection.open()) ++i;
    connection.drain_at(context_->now + std::min(first_slot + slot, last_slot));
  });
  // Waiting connections get a 503, instead of a reset when the listening socket is closed.
  for (const auto& acceptor : acceptors_) acceptor->refuse_waiting();
  stop_accepting();
  context_->shard.wheel().arm(drain_timer_, context_->now + timeout);
}

// Returns 0 if messages wait for no window.
Tick Reactor::ticks_of_longest_window() const noexcept {
  const std::uint64_t longest_ns = context_->shard.longest_window_ns();
  constexpr std::uint64_t kMs = 1'000'000;
  return longest_ns == 0 ? 0 : ticks_for_ms(longest_ns / kMs) + 1;
}

// Release: a reactor that sees the lower count also sees the connections that were accepted before.
void Reactor::stop_accepting() noexcept {
  acceptors_.clear();
  if (std::exchange(accepts_, false)) {
    context_->counters.accepting.fetch_sub(1, std::memory_order_release);
  }
}

void Reactor::DrainTimer::on_deadline(Tick /*now*/) {
  if (reactor_.draining_) {
    reactor_.force_close_all();
  } else {
    reactor_.begin_drain();
  }
}

void Reactor::force_close_all() {
  context_->shard.for_each_member(
      [](hub::Member& member) { static_cast<Connection&>(member).force_close(); });
}

}  // namespace wsd::net
