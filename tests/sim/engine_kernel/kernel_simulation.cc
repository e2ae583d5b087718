// The invariants of a run:
//
// * All of EngineOracle: a position names one message, a member gets its room's messages in one
//   order and without a hole, or is told a gap first, each sender's messages keep their order, and
//   a receipt says the position that the server has recorded.
// * A message that a handler has published gets its receipt, or its connection ends.
// * A wire tells its owner what src/engine/wire.h says, and carries every byte (echo_wire.h).
// * A node makes no call that is wrong on its descriptor, such as sending on a connection that is
//   not made, and gets no event of a connection that it has closed (kernel.h).
// * No reactor spins.
// * When the faults end, all nodes and clients come to rest, and each member has all messages of
//   its room.
// * At the end no descriptor is left.
#include "sim/engine_kernel/kernel_simulation.h"

#include <algorithm>
#include <utility>

#include "engine/room_key.h"
#include "sim/allocation_faults.h"
#include "sim/broken.h"

namespace wsd::sim {
namespace {

constexpr std::uint64_t kUnixUs = 1'795'989'613'000'000;
constexpr std::uint64_t kEnoughSteps = 2'000'000;
constexpr unsigned kIdleTurns = 50;
constexpr std::uint64_t kRecoveryMs = 300;

}  // namespace

KernelSimulation::KernelSimulation(std::uint64_t seed, Trace& trace)
    : random_(seed), trace_(trace), kernel_(random_, trace), oracle_(trace) {
  failed_before_ = AllocationFaults::count();
  plan();
}

KernelSimulation::~KernelSimulation() = default;

void KernelSimulation::plan() {
  wild_ = random_.chance(35);
  fault_percent_ = static_cast<unsigned>(random_.below(25));
  allocation_percent_ = random_.chance(50) ? static_cast<unsigned>(random_.between(1, 40)) : 0;
  wires_ = random_.chance(70);
  plan_.reactors = static_cast<std::uint32_t>(random_.between(1, 2));
  plan_.hub.max_pending_publishes = static_cast<std::uint32_t>(random_.between(2, 80));
  const std::uint32_t kept[] = {0, 4, 40, 1'000};
  plan_.hub.history = {wild_ ? kept[random_.below(4)] : 10'000, std::size_t{64} << 20, 100'000'000,
                       std::size_t{256} << 20};
  net::ReactorSettings& settings = plan_.settings;
  const std::size_t buffers[] = {64, 512, 4'096, 65'536};
  settings.read_buffer_size = buffers[random_.below(4)];
  settings.session.message.max_message_bytes = 200'000;
  settings.session.message.max_fragments = 64;
  settings.session.message.max_empty_fragments = 8;
  settings.handshake_timeout = settings.keep_alive_timeout = ticks_for_ms(30'000);
  settings.close_timeout = ticks_for_ms(1'000);
  settings.drain_timeout = ticks_for_ms(1'000);
  settings.max_input_bytes = std::size_t{1} << 30;
  EngineOptions& engine = plan_.options.engine;
  engine.url = random_.chance(40) ? "redis+unix:/run/redis.sock" : "redis://127.0.0.1:6379";
  engine.timeout_ms = random_.chance(50) ? 5'000 : 1'500;
  engine.backlog = !wild_ || random_.chance(50) ? 10'000 : 8;
  plan_.options.http.response_timeout_ms = random_.chance(50) ? 30'000 : 4'000;
  oracle_.set({wild_, engine.timeout_ms});
  if (!wild_) ++tally_.calm;

  engine::FakeRedis::Options options;
  options.seed = random_.next();
  redis_ = std::make_unique<engine::FakeRedis>(options);
  redis_->faults.pushes_after_reply = random_.chance(50);
  redis_->faults.entries_per_node = random_.chance(50) ? 1 : 5;
  far_ = std::make_unique<FarSide>(kernel_, random_, trace_, *redis_);
  if (random_.chance(50)) far_->send_buffer = random_.between(200, 5'000);
  for (std::uint64_t i = random_.between(1, 3); i != 0; --i) {
    rooms_.push_back("room" + std::to_string(i));
    keys_.push_back(engine::room_key(engine.prefix, rooms_.back()));
  }
  plan_.report = [this](std::string_view event, std::string_view text) {
    check_report(event, text);
  };
  kernel_.sleep = [this](int epoll, std::uint64_t until_ms) {
    return running_->sleep(epoll, until_ms);
  };
  pass_time(0);
  nodes_.resize(random_.between(1, 3));
  for (std::size_t i = 0; i < nodes_.size(); ++i) start_node(i);
  for (std::size_t i = random_.between(1, 6); i != 0; --i) {
    const std::size_t room = random_.below(rooms_.size());
    clients_.emplace_back(kernel_, random_, oracle_, clients_.size(), room, rooms_[room]);
  }
  if (random_.chance(70)) {
    const auto some = [this](unsigned most) {
      return random_.chance(50) ? 0U : static_cast<unsigned>(random_.between(1, most));
    };
    usual_.interrupted = some(20);
    usual_.short_send = some(60);
    usual_.accept_error = some(10);
    usual_.spurious_wake = some(20);
    usual_.register_failure = random_.chance(15) ? 10 : 0;
    usual_.partial_harvest = some(50);
  }
  kernel_.faults = usual_;
}

void KernelSimulation::start_node(std::size_t index) {
  const Faults faults = std::exchange(kernel_.faults, Faults{});
  nodes_[index] = std::make_unique<KernelNode>(plan_, ++processes_, random_, *far_, oracle_);
  kernel_.faults = faults;
}

// Steps

bool KernelSimulation::is_runnable(const FiberReactor& reactor, const KernelNode& node) {
  return kernel_.now_ms() >= node.stalled_until_ms && reactor.runnable(kernel_);
}

std::vector<KernelSimulation::Driven> KernelSimulation::runnable() {
  std::vector<Driven> all;
  for (const auto& node : nodes_) {
    if (node == nullptr) continue;
    for (FiberReactor& each : node->reactors()) {
      if (is_runnable(each, *node)) all.push_back({&each, node.get()});
    }
  }
  return all;
}

void KernelSimulation::run_reactor(const Driven& driven) {
  FiberReactor& reactor = *driven.reactor;
  const std::uint64_t before = trace_.hash();
  const std::uint64_t failed = AllocationFaults::count();
  running_ = &reactor;
  if (random_.chance(allocation_percent_)) {
    AllocationFaults::arm(random_.between(1, random_.chance(60) ? 6 : 60),
                          random_.chance(70) ? 0 : random_.below(20));
  }
  reactor.fiber.resume();
  AllocationFaults::disarm();
  running_ = nullptr;
  take_placed();
  if (AllocationFaults::count() != failed) {
    recovered_ms_ = kernel_.now_ms() + kRecoveryMs;
    note_silence(recovered_ms_);
  }
  check_spin(reactor, trace_.hash() == before);
}

// A turn is idle if it has got no event and made no call.
void KernelSimulation::check_spin(const FiberReactor& reactor, bool idle) {
  Idle& record = idle_[&reactor];
  if (!idle || record.at_ms != kernel_.now_ms()) record = {kernel_.now_ms(), 0};
  if (++record.turns > kIdleTurns) broken("a reactor spins");
}

void KernelSimulation::note_silence(std::uint64_t until_ms) noexcept {
  silent_until_ms_ = std::max(silent_until_ms_, until_ms);
}

// A node gives up a connection only if the server had a reason not to answer.
void KernelSimulation::check_report(std::string_view event, std::string_view text) {
  if (event != "engine_down" || !text.starts_with("No answer")) return;
  const bool excused = redis_until_ms_ != 0 || machine_until_ms_ != 0;
  if (!excused && kernel_.now_ms() > silent_until_ms_ + plan_.options.engine.timeout_ms) {
    broken("a connection is given up though the server answers");
  }
}

// No work is left, and the time has not moved: no reaction is missing.
void KernelSimulation::check_wires() {
  if (machine_until_ms_ != 0 || kernel_.now_ms() < recovered_ms_) return;
  for (const auto& each : nodes_) {
    if (kernel_.now_ms() >= each->stalled_until_ms + kRecoveryMs) each->check_wires();
  }
}

void KernelSimulation::take_placed() { oracle_.take_placed(0, *redis_, keys_); }

bool KernelSimulation::work_is_left() {
  return far_->able() || !runnable().empty() ||
         std::ranges::any_of(
             clients_, [](const RoomClient& each) { return each.can_arrive() || each.can_read(); });
}

void KernelSimulation::step() {
  ++tally_.steps;
  std::vector<std::pair<RoomClient*, bool>> moves;  // reads, or else its bytes arrive
  for (RoomClient& each : clients_) {
    if (each.can_read()) moves.emplace_back(&each, true);
    if (each.can_arrive()) moves.emplace_back(&each, false);
  }
  const std::vector<Driven> ready = runnable();
  const bool far = far_->able();
  const std::uint64_t kinds = (ready.empty() ? 0 : 4) + (far ? 5 : 0) + (moves.empty() ? 0 : 3);
  if (kinds == 0) return;
  std::uint64_t drawn = random_.below(kinds);
  if (!ready.empty()) {
    if (drawn < 4) return run_reactor(ready[random_.below(ready.size())]);
    drawn -= 4;
  }
  if (far) {
    if (drawn < 5) {
      far_->step();
      return take_placed();
    }
  }
  const auto [client, reads] = moves[random_.below(moves.size())];
  if (reads) {
    client->read();
  } else {
    client->arrive();
  }
}

void KernelSimulation::come_to_rest() {
  for (std::uint64_t i = 0; work_is_left(); ++i) {
    if (i == kEnoughSteps) broken("the run does not come to rest");
    step();
  }
}

std::uint64_t KernelSimulation::next_moment() {
  std::uint64_t next = kernel_.now_ms() + 1'000;
  for (const std::uint64_t each : {redis_until_ms_, machine_until_ms_}) {
    if (each != 0) next = std::min(next, each);
  }
  for (const auto& node : nodes_) {
    if (node == nullptr) continue;
    if (node->stalled_until_ms > kernel_.now_ms()) next = std::min(next, node->stalled_until_ms);
    for (const FiberReactor& each : node->reactors()) {
      if (!each.fiber.ended() && each.epoll >= 0) next = std::min(next, each.until_ms);
    }
  }
  return std::max(next, kernel_.now_ms() + 1);
}

void KernelSimulation::pass_time(std::uint64_t ms) {
  kernel_.pass(ms);
  trace_.count('t', kernel_.now_ms(), 0);
  oracle_.set_now(kernel_.now_ms());
  redis_->set_time_us(kUnixUs + kernel_.now_ms() * 1'000 + kernel_.now_ms() * 7 % 1'000);
  end_due_faults();
}

// The run

KernelTally KernelSimulation::run() {
  for (std::uint64_t i = random_.between(200, 2'500); i != 0; --i) {
    if (random_.chance(8)) event();
    if (random_.chance(3)) pass_time(random_.below(30));
    if (random_.chance(2)) snapshot_ = redis_->data();
    if (work_is_left()) {
      step();
    } else {
      check_wires();
      if (random_.chance(50)) event();
      pass_time(next_moment() - kernel_.now_ms());
    }
  }
  settle();
  take_down();
  oracle_.check_at_end();
  tally_.messages = oracle_.message_count();
  tally_.refused = oracle_.refused;
  tally_.unknown = oracle_.unknown;
  tally_.gaps = oracle_.gaps;
  tally_.echoes = far_->echoes_made();
  tally_.failed_allocations = AllocationFaults::count() - failed_before_;
  for (const RoomClient& each : clients_) tally_.deliveries += each.deliveries();
  tally_.hash = trace_.hash();
  return tally_;
}

bool KernelSimulation::is_quiet() {
  return far_->quiet() &&
         std::ranges::all_of(nodes_, [](const auto& each) { return each->is_quiet(); }) &&
         std::ranges::all_of(clients_, [](const RoomClient& each) { return each.quiet(); });
}

void KernelSimulation::run_until_quiet(const char* what) {
  constexpr std::uint64_t kMostMs = 200'000;
  const std::uint64_t begun = kernel_.now_ms();
  for (unsigned quiet = 0; quiet < 5;) {
    come_to_rest();
    quiet = is_quiet() ? quiet + 1 : 0;
    pass_time(quiet == 0 ? next_moment() - kernel_.now_ms() : 1'000);
    if (kernel_.now_ms() - begun <= kMostMs) continue;
    std::string text;
    for (const auto& each : nodes_) text += each->state();
    broken("the service does not come to rest %s:%s%s", what, text.c_str(), far_->state().c_str());
  }
}

// All faults end. Then all nodes must come to rest, and all clients must have everything.
void KernelSimulation::settle() {
  trace_.note("%8lu  the faults end", kernel_.now_ms());
  end_faults();
  for (const auto& each : nodes_) {
    each->calm_wires();
    for (std::uint32_t i = 0; i < plan_.reactors; ++i) each->poke_wire(i);
  }
  run_until_quiet("after the last fault");
  connect_all();
  run_until_quiet("after the last joins");
  if (!wild_) check_members();
  publish_last();
  check_members();
  for (const auto& each : nodes_) {
    each->check_wires();
    each->check_at_rest();
  }
}

void KernelSimulation::connect_all() {
  for (RoomClient& each : clients_) {
    if (!each.is_connected()) each.connect(nodes_[random_.below(nodes_.size())]->port(), 200'000);
  }
}

// With a last message in each room, a member that has missed one finds out.
void KernelSimulation::publish_last() {
  std::vector<std::uint64_t> last;
  for (std::size_t room = 0; room < rooms_.size(); ++room) {
    for (const auto& node : nodes_) {
      last.push_back(oracle_.publishes(room, node->publisher()));
      if (!node->publish(rooms_[room], last.back(), 0)) {
        broken("a hub at rest refuses m%lu", last.back());
      }
      run_until_quiet("after a last message");
    }
  }
  for (const std::uint64_t each : last) oracle_.check_is_placed(each);
}

// All members have everything that their rooms have.
void KernelSimulation::check_members() {
  for (const RoomClient& each : clients_) {
    if (!each.is_open()) broken("a client has no connection at rest");
    const auto found = redis_->data().find(keys_[each.room()]);
    if (found == redis_->data().end()) broken("room %zu has no key at rest", each.room());
    const engine::FakeStreamId& id = found->second.stream.last_id;
    if (each.last() != Position{id.ms, id.seq}) {
      broken("a client of room %zu is at %s at rest, and its room at %s", each.room(),
             position_text(each.last()).c_str(), position_text({id.ms, id.seq}).c_str());
    }
  }
}

void KernelSimulation::stop_node(std::size_t index) {
  trace_.note("%8lu  %s stops", kernel_.now_ms(), nodes_[index]->name().c_str());
  KernelNode& node = *nodes_[index];
  node.stalled_until_ms = 0;
  node.stop();
  for (std::uint64_t i = 0; !node.ended(); ++i) {
    if (i == kEnoughSteps) broken("%s does not end when it is stopped", node.name().c_str());
    const std::size_t reactor = random_.below(node.reactors().size());
    FiberReactor& next = node.reactors()[reactor];
    if (is_runnable(next, node)) {
      run_reactor({&next, &node});
    } else {
      pass_time(next.fiber.ended() ? 0 : 1);
    }
  }
  nodes_[index].reset();
}

void KernelSimulation::take_down() {
  for (std::size_t i = 0; i < nodes_.size(); ++i) stop_node(i);
  if (kernel_.open_descriptors() != 0) {
    broken("%zu descriptors are left open", kernel_.open_descriptors());
  }
}

}  // namespace wsd::sim
