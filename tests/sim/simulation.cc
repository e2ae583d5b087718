#include "sim/simulation.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "base/assert.h"
#include "net/address.h"
#include "net/connection.h"
#include "net/page_or_upgrade.h"
#include "protocol/frame_writer.h"

namespace wsd::sim {
namespace {

// More steps than any run needs to come to rest.
constexpr std::uint64_t kEnoughSteps = 2'000'000;

// The time within which an operation that failed during an outage is retried: a pause of the
// acceptor, or the next tick.
constexpr std::uint64_t kRetryMs = 300;

SharedBytes text_frame(std::string_view text) {
  return protocol::make_frame(protocol::Opcode::kText, as_bytes(text));
}

PeerBehavior draw_manner(Random& random, const Plan& plan) {
  if (random.chance(plan.rogues)) {
    static constexpr std::array kRogues = {
        PeerBehavior::kStalls,    PeerBehavior::kVanishes,     PeerBehavior::kResets,
        PeerBehavior::kLeaves,    PeerBehavior::kHalfCloses,   PeerBehavior::kViolates,
        PeerBehavior::kDripsHead, PeerBehavior::kDripsMessage, PeerBehavior::kFloods,
        PeerBehavior::kStalls,    PeerBehavior::kVanishes};
    return random.one_of(std::span<const PeerBehavior>(kRogues));
  }
  if (!random.chance(plan.slow)) return PeerBehavior::kHonest;
  return random.chance(60) ? PeerBehavior::kSlow : PeerBehavior::kTrickles;
}

// Counts a message out of the bytes that have no position yet.
class PlacedReceipt final : public hub::RoomStateCallback {
 public:
  PlacedReceipt(Pressure& pressure, std::uint32_t home, std::size_t bytes)
      : pressure_(pressure), home_(home), bytes_(bytes) {}
  void run(const RoomState& /*state*/) noexcept override { pressure_.placed(home_, bytes_); }

 private:
  Pressure& pressure_;
  const std::uint32_t home_;
  const std::size_t bytes_;
};

// History: unlimited, or none.
hub::Shard::Options shard_options(const Plan& plan) {
  hub::Shard::Options options;
  options.max_pending_publishes = plan.max_pending_publishes;
  options.max_pending_bytes = plan.max_pending_bytes;
  options.paced_members = 1;  // rooms have few members here
  options.presence = plan.presence;
  if (plan.history) {
    constexpr std::size_t kMost = ~std::size_t{0};
    options.history = {1'000'000, kMost, ticks_for_ms(1'000'000'000), kMost};
  }
  const auto policy = plan.latest ? std::optional(SlowPolicy::kLatestOnly) : std::nullopt;
  constexpr std::uint64_t kMs = 1'000'000;
  if (plan.windows) {
    options.rooms = {{"a", {policy, options.history, 5 * kMs, plan.presence}},
                     {"b", {policy, options.history, 37 * kMs, plan.presence}}};
  }
  if (plan.latest) options.rooms.push_back({"*", {policy, options.history, 0, plan.presence}});
  return options;
}

}  // namespace

Simulation::Simulation(std::uint64_t seed, Trace& trace)
    : random_(seed),
      trace_(trace),
      plan_(seed, random_),
      pressure_(plan_.max_pending_bytes),
      kernel_(random_, trace) {
  build();
}

Simulation::~Simulation() = default;

void Simulation::build() {
  kernel_.sleep = [this](int epoll, std::uint64_t until_ms) {
    return running_->sleep(epoll, until_ms);
  };
  std::vector<hub::Waker*> wakers;
  for (std::uint32_t i = 0; i < plan_.reactors; ++i) {
    driven_.push_back(std::make_unique<SimulatedReactor>());
    wakers.push_back(driven_.back()->reactor.get());
  }
  hub_ = std::make_unique<hub::Hub>(wakers, shard_options(plan_));
  if (plan_.engine)
    history_log_ = std::make_unique<DelayingLog>(*hub_, random_, plan_.engine_fails);
  if (plan_.presence) presence_ = std::make_unique<PresenceOracle>();
  net::ListenAddress address;
  WSD_ASSERT(net::parse_listen_address("127.0.0.1:0", address).empty());
  if (plan_.shared) {
    const int fd = kernel_.socket();
    kernel_.bind(fd, 0);
    kernel_.listen(fd);
    WSD_ASSERT(listener_.adopt(fd, plan_.reactors, {}).empty());
  } else {
    WSD_ASSERT(listener_.open(address, plan_.reactors, {}).empty());
  }
  for (std::uint32_t i = 0; i < plan_.reactors; ++i) {
    net::Reactor& reactor = *driven_[i]->reactor;
    reactor.attach(plan_.settings, hub_->shard(i), *this, counts_);
    hub_->shard(i).set_presence_encoder(presence_.get());
    WSD_ASSERT(reactor.listen(listener_));
    driven_[i]->start();
  }
  const std::string& name = listener_.name();
  port_ = static_cast<std::uint16_t>(std::stoi(name.substr(name.rfind(':') + 1)));
  for (std::uint32_t i = 0; i < plan_.peers; ++i) {
    const auto role = random_.chance(8)    ? Role::kPage
                      : random_.chance(45) ? Role::kEcho
                                           : Role::kRoom;
    const auto room = static_cast<char>('a' + random_.below(plan_.rooms));
    peers_.emplace_back(kernel_, random_, trace_, plan_, static_cast<int>(i), role,
                        draw_manner(random_, plan_), room);
  }
  kernel_.faults = plan_.faults;
}

// Reactors

void Simulation::run_reactor(SimulatedReactor& driven) {
  running_ = &driven;
  pressure_.begin_turn(*hub_);
  driven.fiber.resume();
  running_ = nullptr;
  pressure_.end_turn(*hub_, driven.reactor->shard().index());
  check_step(driven);
}

// Steps

void Simulation::step() {
  ++tally_.steps;
  enum Kind : std::uint8_t { kRun, kArrive, kRead, kAct, kLog, kDeferred };
  const std::array<std::uint32_t, 6> weights = {plan_.run, plan_.arrive, plan_.read,
                                                plan_.act, plan_.run,    plan_.act};
  std::array<std::vector<std::size_t>, 6> able;
  for (std::size_t i = 0; i < driven_.size(); ++i) {
    if (driven_[i]->runnable(kernel_)) able[kRun].push_back(i);
  }
  for (std::size_t i = 0; i < peers_.size(); ++i) {
    if (peers_[i].can_arrive()) able[kArrive].push_back(i);
    if (peers_[i].can_read()) able[kRead].push_back(i);
    if (peers_[i].can_act()) able[kAct].push_back(i);
  }
  if (history_log_ != nullptr && history_log_->can_answer()) able[kLog].push_back(0);
  if (!deferred_.empty()) able[kDeferred].push_back(0);
  std::uint32_t all = 0;
  for (std::size_t kind = 0; kind < able.size(); ++kind)
    all += able[kind].empty() ? 0 : weights[kind];
  WSD_ASSERT(all != 0);
  std::uint64_t drawn = random_.below(all);
  std::size_t kind = 0;
  for (;; ++kind) {
    if (able[kind].empty()) continue;
    if (drawn < weights[kind]) break;
    drawn -= weights[kind];
  }
  const std::size_t chosen = random_.one_of(std::span<const std::size_t>(able[kind]));
  switch (kind) {
    case kRun:
      run_reactor(*driven_[chosen]);
      break;
    case kArrive:
      peers_[chosen].arrive();
      break;
    case kRead:
      peers_[chosen].read();
      break;
    case kLog:
      history_log_->answer();
      break;
    case kDeferred:
      run_deferred();
      break;
    default:
      let_act(peers_[chosen]);
      break;
  }
}

void Simulation::let_act(Peer& peer) {
  peer.act(port_);
  if (Link* const link = peer.link()) peers_by_link_[link->number] = &peer;
}

bool Simulation::work_is_left() {
  return (history_log_ != nullptr && history_log_->can_answer()) || !deferred_.empty() ||
         std::any_of(driven_.begin(), driven_.end(),
                     [this](const auto& each) { return each->runnable(kernel_); }) ||
         std::any_of(peers_.begin(), peers_.end(), [](const Peer& each) {
           return each.can_act() || each.can_arrive() || each.can_read();
         });
}

void Simulation::come_to_rest() {
  for (std::uint64_t i = 0; work_is_left() || windows_are_open(); ++i) {
    if (i == kEnoughSteps) broken("the run does not come to rest");
    if (work_is_left()) {
      step();
    } else {
      check_windows();
      pass_time(next_moment() - kernel_.now_ms());
    }
  }
}

std::uint64_t Simulation::next_moment() {
  std::uint64_t next = kernel_.now_ms() + 200;  // for peers that drip
  for (const auto& each : driven_) {
    if (!each->fiber.ended() && each->epoll >= 0) next = std::min(next, each->until_ms);
  }
  for (const Peer& each : peers_) next = std::min(next, each.next_read_ms(next));
  return next;
}

void Simulation::pass_time(std::uint64_t ms) {
  kernel_.pass(ms);
  tally_.simulated_ms += ms;
  trace_.count('t', kernel_.now_ms(), 0);
  if (outage_ends_ms_ != 0 && kernel_.now_ms() >= outage_ends_ms_) end_outage();
  let_drip();
}

// During the jump no reactor runs, and the time for recovery from an outage does not count.
void Simulation::jump(std::uint64_t ms) {
  if (recovered_ms_ > kernel_.now_ms()) recovered_ms_ += ms;
  pass_time(ms);
}

void Simulation::let_drip() {
  for (Peer& each : peers_) {
    if (each.can_drip()) each.drip();
  }
}

// Failures of the machine

void Simulation::outage() {
  if (random_.chance(50)) {
    // Shorter than any deadline: an honest peer must not be disconnected because of the kernel.
    outage_ends_ms_ = kernel_.now_ms() + random_.between(10, 150);
    kernel_.faults.no_buffers = true;
    trace_.note("%8lu  the kernel is short of memory", kernel_.now_ms());
  } else {
    outage_ends_ms_ = kernel_.now_ms() + random_.between(10, 500);
    kernel_.faults.descriptor_limit = static_cast<int>(kernel_.open_descriptors());
    trace_.note("%8lu  no descriptor is free", kernel_.now_ms());
  }
}

void Simulation::end_outage() {
  outage_ends_ms_ = 0;
  recovered_ms_ = kernel_.now_ms() + kRetryMs;
  kernel_.faults.no_buffers = false;
  kernel_.faults.descriptor_limit = Faults{}.descriptor_limit;
}

// Between a fork() and the exec() of its child, the child holds all descriptors.
void Simulation::fork_or_end() {
  if (kernel_.has_child()) {
    kernel_.child_ends();
  } else {
    kernel_.fork();
  }
}

// Calls from threads that are not reactors.
void Simulation::outside_call() {
  Stamp stamp;
  stamp.number = ++outside_numbers_;
  stamp.room = static_cast<char>('a' + random_.below(plan_.rooms));
  if (random_.chance(60)) {
    stamp.kind = Stamp::Kind::kPublish;
    const std::string room(1, stamp.room);
    const std::uint32_t home = hub_->home_of(room);
    SharedBytes frame = text_frame(stamped(stamp, random_.between(0, 300)));
    const std::size_t bytes = frame.size();
    auto receipt = std::make_unique<PlacedReceipt>(pressure_, home, bytes);
    if (hub_->publish(room, std::move(frame), std::move(receipt)) == SendResult::kSent) {
      pressure_.accepted_from_outside(home, bytes);
    }
    return;
  }
  Peer* const target = peer_at(static_cast<int>(random_.below(plan_.peers)));
  if (target == nullptr || !target->opened() || target->role() != Role::kRoom) return;
  if (random_.chance(80)) {
    stamp.kind = Stamp::Kind::kDirect;
    if (hub_->send(target->id(), text_frame(stamped(stamp, 0))) == SendResult::kSent) {
      target->direct_message_due();
    }
  } else if (!target->honest() || random_.chance(20)) {
    target->kicked();
    hub_->close(target->id(), CloseCode{4'001}, "kicked");
    static_cast<void>(hub_->join(target->id(), std::string(1, stamp.room)));  // has no effect
  }
}

// The run

Tally Simulation::run() {
  for (std::uint32_t i = 0; i < plan_.steps; ++i) {
    if (plan_.outages && outage_ends_ms_ == 0 && random_.below(150) == 0) outage();
    if (plan_.forks && random_.below(30) == 0) fork_or_end();
    if (plan_.outside && random_.chance(5)) outside_call();
    if (plan_.time != 0 && random_.below(60) < plan_.time) {
      jump(random_.chance(80) ? random_.between(1, 30) : random_.between(100, 5'000));
    }
    if (!driven_.empty() && random_.chance(plan_.faults.interrupted / 4)) {
      SimulatedReactor& driven = *driven_[random_.below(driven_.size())];
      if (!driven.fiber.ended() && driven.epoll >= 0) {
        driven.interrupted = true;
        run_reactor(driven);
      }
    }
    if (work_is_left()) {
      step();
    } else {
      if (kernel_.now_ms() >= recovered_ms_ && outage_ends_ms_ == 0 && !kernel_.has_child()) {
        check_rest();
      }
      pass_time(next_moment() - kernel_.now_ms());
    }
  }
  settle();
  if (plan_.wait_out) wait_out();
  finish();
  take_down();
  tally_.hash = trace_.hash();
  return tally_;
}

// From here on nothing fails, and the server must keep every promise.
void Simulation::settle() {
  trace_.note("%8lu  the world is kind now", kernel_.now_ms());
  end_outage();
  if (kernel_.has_child()) kernel_.child_ends();
  kernel_.faults = {};
  const std::uint64_t until = kernel_.now_ms() + kRetryMs;
  for (;;) {
    come_to_rest();
    if (kernel_.now_ms() >= until) break;
    pass_time(std::min(next_moment(), until) - kernel_.now_ms());
  }
  check_rest();
}

// Time passes until the server must have given up every peer that is absent, does not read or does
// not finish.
void Simulation::wait_out() {
  const std::uint64_t until = kernel_.now_ms() + plan_.patience_ms();
  while (kernel_.now_ms() < until) {
    pass_time(std::min(next_moment(), until) - kernel_.now_ms());
    come_to_rest();
  }
  check_rest();
  for (Peer& each : peers_) {
    if (each.link() == nullptr || !each.rogue() || !each.link()->accepted) continue;
    // A peer that floods may stay. So may one that stalls while the server sends it nothing.
    const bool may_stay = each.behavior() == PeerBehavior::kFloods ||
                          (each.opened() && !plan_.gives_up_the_silent() &&
                           each.behavior() != PeerBehavior::kDripsMessage);
    if (!may_stay && !each.link()->server_closed) {
      broken("peer %d, which %s, was not given up in %lu ms", each.link()->number,
             name_of(each.behavior()), plan_.patience_ms());
    }
  }
}

// The reactors get the command at different times, while new peers connect.
void Simulation::end_one_by_one(std::uint32_t command) {
  constexpr int kLatePeers = 4;
  for (int i = 0; i < kLatePeers; ++i) {
    peers_.emplace_back(kernel_, random_, trace_, plan_, static_cast<int>(peers_.size()),
                        Role::kPage, PeerBehavior::kHonest, 'a');
    let_act(peers_.back());
  }
  const std::uint32_t first = static_cast<std::uint32_t>(random_.below(plan_.reactors));
  for (std::uint32_t i = 0; i < plan_.reactors; ++i) {
    hub::Shard& shard = hub_->shard((first + i) % plan_.reactors);
    shard.post(hub::mail_of(hub::CommandMail{command}));
    for (std::uint64_t left = random_.below(20); left != 0 && work_is_left(); --left) step();
  }
}

void Simulation::finish() {
  trace_.note("%8lu  the end begins", kernel_.now_ms());
  const std::uint64_t begun = kernel_.now_ms();
  if (plan_.ending == Plan::Ending::kPeersClose) {
    for (Peer& each : peers_) each.close_politely();
    come_to_rest();
  }
  const bool drain = plan_.ending != Plan::Ending::kStop;
  const std::uint32_t command = drain ? net::Reactor::kDrain : net::Reactor::kStop;
  if (plan_.shared) {
    end_one_by_one(command);
  } else {
    hub_->command(command);
  }
  const std::uint64_t until =
      begun + plan_.patience_ms() +
      (plan_.settings.drain_delay + plan_.settings.drain_window + plan_.settings.drain_timeout) *
          kTickMs;
  const auto ended = [this] {
    return std::all_of(driven_.begin(), driven_.end(),
                       [](const auto& each) { return each->fiber.ended(); });
  };
  come_to_rest();
  while (!ended()) {
    if (kernel_.now_ms() >= until) broken("the server does not end when it is drained");
    pass_time(next_moment() - kernel_.now_ms());
    come_to_rest();
  }
}

void Simulation::take_down() {
  check_end();
  for (const auto& each : driven_) each->reactor.reset();
  hub_.reset();
  history_log_.reset();
  listener_.close();
  if (kernel_.open_descriptors() != 0) {
    broken("%zu descriptors are left open", kernel_.open_descriptors());
  }
}

// The application

Peer& Simulation::peer_of(std::string_view remote) {
  const int number = std::stoi(std::string(remote.substr(remote.rfind(':') + 1)));
  const auto found = peers_by_link_.find(number);
  if (found == peers_by_link_.end()) broken("there is no peer %d", number);
  return *found->second;
}

Peer* Simulation::peer_at(int index) {
  return index < static_cast<int>(peers_.size()) ? &peers_[static_cast<std::size_t>(index)]
                                                 : nullptr;
}

net::RequestResult Simulation::on_request(net::Connection& connection,
                                          const protocol::HttpRequest& request) {
  peer_of(connection.peer_info().remote()).server_asked(connection.peer_info());
  net::RequestResult result = net::page_or_upgrade(connection, request, "");
  const bool later = plan_.defers && result.kind == net::RequestResult::Kind::kUpgrade;
  return later && random_.chance(70) ? defer(connection, std::move(result)) : std::move(result);
}

void Simulation::on_open(net::Connection& connection) {
  Peer& peer = peer_of(connection.peer_info().remote());
  if (++opens_[connection.id()] != 1) broken("a connection was opened twice");
  ++tally_.connections;
  peer.server_opened(connection.id());
  const std::string_view path = connection.peer_info().path();
  if (path.starts_with("/rooms/")) join(connection, peer, path.back(), 0);
}

void Simulation::join(net::Connection& connection, Peer& peer, char room, std::uint32_t after) {
  const bool all = plan_.history && !peer.knows(room);
  peer.server_joined(room, log_.size(room), after, all);
  heed(net::Reactor::current()->shard().join(connection, std::string(1, room),
                                             all ? Since::last(~std::uint32_t{0}) : Since{}));
}

// Acts as the server does after a call that may send mail to another shard.
void Simulation::heed(hub::PublishOutcome outcome) {
  if (outcome == hub::PublishOutcome::kCongested) net::Reactor::current()->pause_publisher();
}

void Simulation::publish(net::Connection& connection, char room, SharedBytes frame,
                         ConnectionId except) {
  net::Reactor& reactor = *net::Reactor::current();
  if (reactor.find(connection.id()) != &connection) broken("a handler runs on a foreign reactor");
  const std::string name(1, room);
  const std::uint32_t home = hub_->home_of(name);
  const std::size_t bytes = frame.size();
  if (home == reactor.shard().index() && !plan_.engine) {
    pressure_.publish_at_home(home, bytes);
  } else {
    pressure_.publish(connection.id(), home, bytes);
  }
  heed(reactor.shard().publish(name, std::move(frame),
                               std::make_unique<PlacedReceipt>(pressure_, home, bytes),
                               hub::kNoPublisher, except));
}

void Simulation::on_message(net::Connection& connection, const Message& message) {
  if (!connection.open()) broken("a message after the logical close");
  ++tally_.messages;
  Peer& peer = peer_of(connection.peer_info().remote());
  // A dripped message is not a stamp, and is never complete.
  peer.server_received(message.payload);
  const std::optional<Stamp> stamp = read_stamp(message.payload);
  if (!stamp) broken("a message was handed on with other bytes than were sent");
  trace_.note("%8lu  message %c%c %u of %d", kernel_.now_ms(), static_cast<char>(stamp->kind),
              stamp->room, stamp->number, stamp->from);
  if (plan_.defers && random_.chance(3)) pause_for_a_while(connection);
  obey(connection, peer, *stamp, message);
}

void Simulation::obey(net::Connection& connection, Peer& peer, const Stamp& stamp,
                      const Message& message) {
  net::Reactor& reactor = *net::Reactor::current();
  Peer* const target = peer_at(stamp.to);
  switch (stamp.kind) {
    case Stamp::Kind::kEcho:
      peer.server_echoed(message.payload,
                         connection.send_fast(message.type, as_bytes(message.payload)));
      break;
    case Stamp::Kind::kPublish:
      peer.server_published(stamp);
      publish(connection, stamp.room, text_frame(message.payload),
              stamp.to == Stamp::kNotBack ? connection.id() : ConnectionId{0});
      break;
    case Stamp::Kind::kJoin:
      join(connection, peer, stamp.room, stamp.number);
      break;
    case Stamp::Kind::kLeave:
      peer.server_left(stamp.room);
      heed(reactor.shard().leave(connection, std::string(1, stamp.room)));
      break;
    case Stamp::Kind::kDirect:
      if (target == nullptr || !target->opened() || target->role() != Role::kRoom) break;
      if (hub::shard_of(target->id()) == reactor.shard().index()) {
        net::Connection* const here = reactor.find(target->id());
        if (here != nullptr &&
            here->send(message.type, as_bytes(message.payload)) == SendResult::kSent) {
          target->direct_message_due();
        }
        break;
      }
      target->direct_message_due();
      heed(reactor.shard().send_away(target->id(), text_frame(message.payload)));
      break;
    case Stamp::Kind::kKick:
      if (target == nullptr || !target->opened()) break;
      target->kicked();
      hub_->close(target->id(), CloseCode{4'001}, "kicked");
      break;
    case Stamp::Kind::kAbort:
      connection.reset(CloseCause::kServerStopped);
      break;
  }
}

void Simulation::on_close(net::Connection& connection, const CloseInfo& info) {
  static_cast<void>(info);
  if (++closes_[connection.id()] != 1) broken("a connection's close was told twice");
  if (opens_.count(connection.id()) == 0)
    broken("a close was reported for a connection that was never open");
  if (!connection.memberships().empty()) broken("a connection that has ended is in a room");
}

void Simulation::on_end(const net::EndRecord& record) {
  if (++ends_[record.id] != 1) broken("a connection's end was reported twice");
  if (record.opened != (closes_.count(record.id) != 0)) broken("an end without its close");
  trace_.note("%8lu  end of %.*s: %.*s", kernel_.now_ms(),
              static_cast<int>(record.peer_info->remote().size()),
              record.peer_info->remote().data(),
              static_cast<int>(close_cause_name(record.close.cause).size()),
              close_cause_name(record.close.cause).data());
  trace_.count('E', record.id, static_cast<std::uint64_t>(record.close.cause));
  ++tally_.causes[static_cast<std::size_t>(record.close.cause)];
  peer_of(record.peer_info->remote()).server_reported(record);
}

void Simulation::on_warning(const char* event, const std::string& text) {
  static_cast<void>(text);
  trace_.note("%8lu  trouble: %s", kernel_.now_ms(), event);
}

}  // namespace wsd::sim
