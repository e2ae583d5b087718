// The storm's tasks, timers, pauses, notices and deferred handshakes.
#include <stdexcept>
#include <utility>

#include "storm/record.h"
#include "storm/server.h"

namespace wsd::storm {
namespace {

constexpr std::size_t kTimers = 100;  // handles that are kept

}  // namespace

void StormServer::add_application_handlers(Handlers& handlers) {
  handlers.drained = [](Connection& connection) {
    record().called(Call::kDrained);
    if (connection.queued_bytes() > 100'000) fail("drained() is called with a long queue");
  };
  handlers.pong = [](Connection& connection, std::string_view payload) {
    record().called(Call::kPong);
    if (payload.size() > 125 || connection.path().empty()) fail("a Pong is impossible");
  };
}

void StormServer::add_deferred_route(Handlers handlers) {
  handlers.upgrade = {};
  handlers.deferred_upgrade = [this](const Request& request, const UpgradeResponder& responder) {
    record().called(Call::kDeferredUpgrade);
    Dice dice(seed_ + hook_seed_.fetch_add(1));
    if (dice.chance(2)) throw std::runtime_error("of the deferred upgrade");
    if (dice.chance(30)) {
      record().called(Call::kVerdict);
      responder.respond(upgrade(request));
      return;
    }
    const std::lock_guard lock(mutex_);
    undecided_.push_back(responder);
  };
  server_.route("/later-storm/{name}", std::move(handlers));
}

// Gives verdicts on about half of the pending handshakes, or on all.
void StormServer::decide_some(Dice& dice, bool all) {
  std::vector<UpgradeResponder> taken;
  {
    const std::lock_guard lock(mutex_);
    taken.swap(undecided_);
  }
  for (const UpgradeResponder& each : taken) {
    if (!all && dice.chance(50)) {
      const std::lock_guard lock(mutex_);
      undecided_.push_back(each);
    } else if (dice.chance(5)) {
      record().called(Call::kNoVerdict);
    } else {
      record().called(Call::kVerdict);
      if (!each.gone() || dice.chance(50)) each.respond(accept("later", dice));
    }
  }
}

// `target` may belong to another reactor, and may have ended.
void StormServer::act_as_application(Dice& dice, const Connection& target) {
  switch (dice.below(6)) {
    case 0:
      record().called(Call::kPost);
      target.post([bad = dice.chance(1)](Connection& connection) {
        record().called(Call::kTask);
        if (bad) throw std::runtime_error("of a task");
        if (connection.path().empty()) fail("a task does not run on its connection's reactor");
      });
      break;
    case 1: {
      record().called(Call::kTimer);
      const auto ms = static_cast<std::uint32_t>(dice.below(200));
      const auto fire = [](Connection& connection) {
        record().called(Call::kTimerFires);
        if (connection.path().empty()) fail("a timer fires for a connection that has ended");
      };
      keep_timer(dice, dice.chance(50) ? target.start_timer(ms, fire)
                                       : target.start_repeating_timer(ms, fire));
      break;
    }
    case 2:
      record().called(Call::kCancelTimer);
      any_timer(dice).cancel();
      break;
    case 3:
      // Resumed by a task, so that no connection stays paused.
      record().called(Call::kPause);
      if (target.post([](Connection& connection) {
            record().called(Call::kResume);
            connection.resume();
          }) == SendResult::kSent) {
        target.pause();
      }
      break;
    case 4:
      record().called(Call::kNotifyDrained);
      target.notify_drained(dice.below(100'000));
      break;
    default:
      record().called(Call::kPing);
      static_cast<void>(target.ping(dice.chance(90) ? "act" : std::string(200, 'x')));
      if (target.round_trip_us() > 60'000'000) fail("a round trip is impossible");
      break;
  }
}

void StormServer::act_on_reactor(Dice& dice) {
  const auto reactor = static_cast<std::uint32_t>(dice.below(server_.reactor_count() + 1));
  if (dice.chance(50)) {
    record().called(Call::kPostToReactor);
    const SendResult result = server_.post(reactor, [] { record().called(Call::kTask); });
    const bool known = reactor < server_.reactor_count();
    const bool closed = result == SendResult::kClosed;
    if (known ? closed && !ending_.load() : !closed)
      fail("post() returns %d", static_cast<int>(result));
    return;
  }
  record().called(Call::kServerTimer);
  const auto ms = static_cast<std::uint32_t>(dice.below(100));
  const auto fire = [] { record().called(Call::kTimerFires); };
  keep_timer(dice, dice.chance(80) ? server_.start_timer(reactor, ms, fire)
                                   : server_.start_repeating_timer(reactor, ms, fire));
}

void StormServer::keep_timer(Dice& dice, Timer timer) {
  Timer replaced;  // a timer is not freed under the lock
  const std::lock_guard lock(mutex_);
  if (timers_.size() < kTimers) {
    timers_.push_back(std::move(timer));
  } else {
    replaced = std::exchange(timers_[dice.below(kTimers)], std::move(timer));
  }
}

Timer StormServer::any_timer(Dice& dice) {
  const std::lock_guard lock(mutex_);
  return timers_.empty() ? Timer() : timers_[dice.below(timers_.size())];
}

}  // namespace wsd::storm
