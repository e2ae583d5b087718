// The invariants of a run. They hold after every step, unless noted otherwise. peer_input.cc and
// peer_verdict.cc check those of a single peer.
//
// * Each accepted connection ends once, with a cause that matches its peer's behavior. Open and
//   close are each reported once.
// * An honest peer gets every echo, byte for byte and in order, and a Pong for its last Ping. The
//   server never ends its TCP connection without a Close frame, or in the middle of one. It never
//   disconnects the peer as a slow consumer because of data that the peer requested.
// * A room's members see the order that the home shard decided, without gaps or duplicates from
//   their join on, including their own messages.
// * A member gets its own messages up to its leave, and none after it. A connection that closes is
//   in no room.
// * Mail between reactors stays within the limit in bytes, except for one turn of each connection
//   that exceeds it. All of it is counted out again.
// * A slow member of a `latest-only` room gets the room's last message when it has caught up, and
//   never an older one after it.
// * A member does not get its own messages that it does not want back, unless a join replays them.
// * A message waits no longer than the delivery window of its room and a tick. Echoes, Pongs and
//   messages to one peer do not wait for it.
// * The server delivers, passes on and sends nothing after the logical close.
// * Queues stay within their limits. All send queues together stay within theirs, and so does all
//   unfinished input: at rest exactly, and otherwise within the documented slack. A reactor that
//   has the largest queue while the limit is exceeded ends it within as many rounds of turns as
//   there are reactors. Dropped messages are counted. Counters match the state and return to zero.
// * A Close frame of an orderly end never comes before what was sent before it. If the server cuts
//   its output, the record says so, and the close is not clean. A peer that reads, however slowly,
//   is not ended by a deadline.
// * Opening handshakes and silent peers time out within three ticks of their deadline.
// * At rest (no work is left, and time has not moved) no reaction is missing, so no wake-up was
//   lost.
// * No reactor spins, neither on a latch nor on EMFILE.
// * At the end no descriptor, timer, room, input byte or output byte is left.
#include <algorithm>

#include "net/connection.h"
#include "sim/simulation.h"

namespace wsd::sim {
namespace {

constexpr std::size_t kFrameSlack = 14;       // a frame's header
constexpr std::size_t kControlSlack = 1'024;  // the control lane
constexpr std::uint64_t kIdleTurns = 5'000;
constexpr Tick kMostPatience = 7;  // pong timeouts in addition
constexpr int kAcceptTries = 16;   // without the clock moving, while no descriptor is free

}  // namespace

void Simulation::check_step(SimulatedReactor& driven) {
  if (trace_.hash() == last_event_hash_) {
    if (++driven.idle_turns > kIdleTurns) broken("a reactor spins");
  } else {
    for (const auto& each : driven_) each->idle_turns = 0;
  }
  last_event_hash_ = trace_.hash();
  if (kernel_.refused_accepts() > kAcceptTries) broken("an acceptor spins without descriptors");
  std::size_t members = 0;
  for (std::uint32_t i = 0; i < hub_->shard_count(); ++i) members += hub_->shard(i).member_count();
  if (counts_.connections.load() != members) {
    broken("%zu connections are counted and %zu are there", counts_.connections.load(), members);
  }
  check_queues(driven);
  if (!plan_.time_jumps) check_deadlines();
}

void Simulation::check_queues(SimulatedReactor& driven) {
  const net::SendQueueLimits& limits = plan_.settings.send_queue;
  const std::size_t message = plan_.settings.session.message.max_message_bytes + kFrameSlack;
  const std::size_t bound = std::max(limits.bytes, limits.high_water() + message) + kControlSlack;
  // A replay does not count against the limit. It is at most the whole history.
  std::size_t history = 0;
  for (std::uint32_t i = 0; i < hub_->shard_count(); ++i) history += hub_->shard(i).history_bytes();
  driven.reactor->shard().for_each_member([&](hub::Member& member) {
    const auto& connection = static_cast<const net::Connection&>(member);
    if (!connection.open() && !connection.memberships().empty()) {
      broken("a connection that closes is in a room");
    }
    const std::size_t queued = connection.queued_bytes();
    if (queued == 0) return;
    Peer& peer = peer_of(connection.peer_info().remote());
    peer.last_busy_ms = kernel_.now_ms();
    // Responses to input of the current read step are queued even beyond the limit.
    const std::size_t granted = peer.role() == Role::kRoom ? 0 : plan_.settings.read_buffer_size;
    if (queued > bound + granted + history) {
      broken("%zu bytes are queued for peer %d, the bound is %zu", queued, peer.link()->number,
             bound + granted);
    }
  });
  const auto with_slack = [this](std::size_t limit) {
    return limit + limit / net::BudgetShare::kSlack + plan_.reactors * net::BudgetShare::kGrain;
  };
  const std::size_t input = counts_.input.bytes();
  if (input > with_slack(plan_.settings.max_input_bytes)) {
    broken("%zu bytes of unfinished input are held", input);
  }
  const std::size_t output = counts_.output.bytes();
  const std::size_t most = plan_.settings.max_output_bytes;
  if (most != 0 && output > with_slack(most)) broken("send queues hold %zu bytes", output);
  if (most != 0 && output > most) {
    check_largest(driven);
  } else {
    for (const auto& each : driven_) each->hoarding_turns = 0;
  }
}

// The limit is exceeded, so a turn of the reactor with the largest queue must have ended it.
void Simulation::check_largest(SimulatedReactor& driven) {
  constexpr std::size_t kNear = 4'096;  // what a queue needs besides its bytes
  // With these faults, the wake-up may come in a later turn.
  if (plan_.faults.partial_harvest != 0 || plan_.faults.spurious_wake != 0) return;
  std::size_t here = 0;
  std::size_t elsewhere = 0;
  for (std::size_t i = 0; i < driven_.size(); ++i) {
    const auto& each = driven_[i];
    if (each.get() == &driven) {
      for (const auto& other : driven_) other->turned |= std::uint64_t{1} << i;
    }
    std::size_t& largest = each.get() == &driven ? here : elsewhere;
    each->reactor->shard().for_each_member([&](hub::Member& member) {
      const auto& connection = static_cast<const net::Connection&>(member);
      largest = std::max(largest, connection.queued_bytes());
    });
  }
  // The first such turn may have begun before the reactor was asked. Others may have been asked
  // first because of a queue that has become shorter since. They find out in their own turns.
  if (here <= 2 * elsewhere + kNear) {
    driven.hoarding_turns = 0;
    return;
  }
  const std::uint64_t all = (std::uint64_t{1} << driven_.size()) - 1;
  if (driven.hoarding_turns != 0 && driven.turned != all) return;
  driven.turned = 0;
  if (++driven.hoarding_turns > driven_.size()) {
    broken("a reactor keeps the largest queue, of %zu bytes", here);
  }
}

// Rounding may cost a tick at both ends, and a turn must end before the next one checks deadlines.
void Simulation::check_deadlines() {
  const net::ReactorSettings& settings = plan_.settings;
  constexpr std::uint64_t kWithin = 3 * kTickMs;
  const std::uint64_t now = kernel_.now_ms();
  for (Peer& peer : peers_) {
    const Link* const link = peer.link();
    if (link == nullptr || !link->accepted || link->server_closed) continue;
    if (!peer.opened() && !peer.asked_for_a_page() && !link->server_shut &&
        link->outgoing.empty() && outage_ends_ms_ == 0 && now >= recovered_ms_ &&
        now > link->accepted_ms + settings.handshake_timeout * kTickMs + kWithin) {
      broken("peer %d has had more than the time for its opening handshake", link->number);
    }
    if (!peer.opened() || peer.role() != Role::kEcho || !plan_.gives_up_the_silent() ||
        !link->arrived.empty()) {
      continue;
    }
    const net::Connection* const connection =
        driven_[hub::shard_of(peer.id())]->reactor->find(peer.id());
    if (connection == nullptr || !connection->open()) continue;
    if (peer.next_read_ms(0) != 0) peer.last_busy_ms = now;  // it reads, so it is alive
    const std::uint64_t silent_since = std::max(link->heard_ms, peer.last_busy_ms);
    // A peer that reads gets more time for the Pong, because a proxy may read in its stead.
    const Tick patience = peer.reads_in_silence() ? kMostPatience : 0;
    const std::uint64_t budget =
        (settings.heartbeat.ping_interval + (1 + patience) * settings.heartbeat.pong_timeout) *
        kTickMs;
    if (now > silent_since + budget + kWithin) {
      broken("peer %d is silent for longer than an unanswered Ping allows", link->number);
    }
  }
}

bool Simulation::windows_are_open() const {
  for (std::uint32_t i = 0; i < hub_->shard_count(); ++i) {
    if (driven_[i]->fiber.ended()) continue;
    if (hub_->shard(i).next_window_end_ns() != hub::DeliveryWindows::kNever) return true;
  }
  return false;
}

void Simulation::check_windows() const {
  constexpr std::uint64_t kNsPerMs = 1'000'000;
  for (std::uint32_t i = 0; i < hub_->shard_count(); ++i) {
    hub_->shard(i).for_each_home([this](const hub::RoomHome& room) {
      const std::uint64_t end_ns = room.first_pending_ns + room.config().window_ns;
      if (room.has_pending() && kernel_.now_ms() > end_ns / kNsPerMs + kTickMs) {
        broken("messages of room %.*s wait although its delivery window has ended",
               static_cast<int>(room.name().size()), room.name().data());
      }
    });
  }
}

void Simulation::check_rest() {
  check_windows();
  const bool waits = windows_are_open();
  if (!waits) pressure_.check_rest(*hub_);
  for (const Peer& each : peers_) each.check_at_rest(waits);
  const bool all_run = std::none_of(driven_.begin(), driven_.end(),
                                    [](const auto& each) { return each->fiber.ended(); });
  if (presence_ != nullptr && all_run) presence_->check_rest(*hub_, plan_.history);
  const std::size_t input = counts_.input.bytes();
  if (input > plan_.settings.max_input_bytes) {
    broken("%zu bytes of unfinished input are held at rest", input);
  }
  const std::size_t output = counts_.output.bytes();
  const std::size_t most = plan_.settings.max_output_bytes;
  if (most != 0 && output > most) broken("send queues hold %zu bytes at rest", output);
}

void Simulation::check_end() {
  for (const Peer& each : peers_) each.check_at_end(counts_.forced_closes.load() != 0);
  if (counts_.connections.load() != 0) broken("connections are still counted");
  if (counts_.input.bytes() != 0) broken("bytes of input are still counted");
  if (counts_.output.bytes() != 0) broken("bytes of output are still counted");
  if (counts_.context_bytes.load() != 0) broken("compression contexts are still counted");
  for (std::uint32_t i = 0; i < hub_->shard_count(); ++i) {
    hub::Shard& shard = hub_->shard(i);
    if (shard.room_count() != 0) broken("shard %u still has rooms with members", i);
    // One timer for the drain, and one for each history.
    const std::size_t kept = shard.history_bytes() == 0 ? 0 : shard.home_count();
    if (shard.wheel().size() > 1 + kept)
      broken("shard %u still has %zu timers", i, shard.wheel().size());
  }
}

}  // namespace wsd::sim
