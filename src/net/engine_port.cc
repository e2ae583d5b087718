#include "net/engine_port.h"

#include <algorithm>
#include <new>
#include <utility>

#include "net/clock.h"

namespace wsd::net {

EnginePort::~EnginePort() {
  reactor_.shard.wheel().cancel(timer_);
  for (EngineWire* const each : wires_) {
    if (each != nullptr) each->detach();
  }
}

std::unique_ptr<EngineWire> EnginePort::make_wire(engine::WireOwner& owner) {
  wires_.reserve(wires_.size() + 1);
  const std::uint64_t token = kWireToken | next_number_++ << 1 | 1;
  auto wire = std::make_unique<EngineWire>(*this, owner, token);
  wires_.push_back(wire.get());
  return wire;
}

std::unique_ptr<engine::Wire> EnginePort::connect(const engine::Endpoint& to,
                                                  engine::WireOwner& owner) {
  return dial(to, owner);
}

std::unique_ptr<EngineWire> EnginePort::dial(const engine::Endpoint& to, engine::WireOwner& owner) {
  std::unique_ptr<EngineWire> wire = make_wire(owner);
  wire->start(to);
  return wire;
}

std::unique_ptr<engine::Wire> EnginePort::connect(std::vector<SocketAddress> addresses,
                                                  engine::WireOwner& owner) {
  std::unique_ptr<EngineWire> wire = make_wire(owner);
  wire->start(std::move(addresses));
  return wire;
}

void EnginePort::on_readiness(const Readiness& readiness) noexcept {
  // Events of wires that are gone meanwhile find none.
  for (EngineWire* const each : wires_) {
    if (each != nullptr && each->token() == readiness.token()) each->on_readiness(readiness);
  }
}

void EnginePort::begin_turn(std::uint64_t now_ms) noexcept {
  now_ms_ = now_ms;
  retry_ = false;
  if (driver_ != nullptr) driver_->begin_turn(now_ms, wall_clock_ms());
}

void EnginePort::input_step() {
  stepping_ = true;
  // Wires that are made meanwhile have their first step in the next turn.
  const std::size_t count = wires_.size();
  for (std::size_t i = 0; i < count; ++i) {
    current_ = wires_[i];
    if (current_ == nullptr || !current_->has_work()) continue;
    try {
      current_->step();
    } catch (const std::bad_alloc&) {
      if (current_ != nullptr) current_->fail("Cannot allocate memory");
      retry_ = true;
    }
  }
  current_ = nullptr;
  stepping_ = false;
  wires_.erase(std::remove(wires_.begin(), wires_.end(), nullptr), wires_.end());
}

void EnginePort::end_turn() noexcept {
  for (EngineWire* const each : wires_) {
    if (!each->flush()) retry_ = true;
  }
  arm_timer();
}

// The deadline is rounded up, so that it has passed when the timer fires.
void EnginePort::arm_timer() noexcept {
  hub::TimerWheel& wheel = reactor_.shard.wheel();
  const std::uint64_t at = driver_ == nullptr ? engine::EngineDriver::kNever : driver_->deadline();
  Tick due = at == engine::EngineDriver::kNever ? hub::TimerWheel::kNever : ticks_for_ms(at);
  if (retry_) due = std::min(due, reactor_.now + 1);
  if (due == hub::TimerWheel::kNever) {
    wheel.cancel(timer_);
  } else if (!timer_.armed() || timer_.deadline() != due) {
    wheel.arm(timer_, due);
  }
}

bool EnginePort::has_work() const noexcept {
  return !retry_ && std::any_of(wires_.begin(), wires_.end(),
                                [](const EngineWire* each) { return each->has_work(); });
}

void EnginePort::remove(const EngineWire& wire) noexcept {
  if (current_ == &wire) current_ = nullptr;
  const auto found = std::find(wires_.begin(), wires_.end(), &wire);
  if (found == wires_.end()) return;
  // The step counts on the places of the others.
  if (stepping_) {
    *found = nullptr;
  } else {
    wires_.erase(found);
  }
}

std::shared_ptr<NameLookup> EnginePort::look_up(std::string_view host, std::uint16_t port) {
  std::erase_if(lookups_, [](const auto& each) { return each.expired(); });
  for (const auto& each : lookups_) {
    std::shared_ptr<NameLookup> lookup = each.lock();
    if (lookup != nullptr && !lookup->done() && lookup->host() == host && lookup->port() == port) {
      return lookup;
    }
  }
  lookups_.reserve(lookups_.size() + 1);
  std::shared_ptr<NameLookup> lookup = NameLookup::start(host, port, wake_fd_);
  lookups_.push_back(lookup);
  return lookup;
}

// If memory runs out, the deadline stays, and so the timer fires again at the next tick.
void EnginePort::EngineTimer::on_deadline(Tick /*now*/) {
  engine::EngineDriver* const driver = port_.driver_;
  if (driver == nullptr || driver->deadline() > port_.now_ms_) return;
  try {
    driver->on_time();
  } catch (const std::bad_alloc&) {
    port_.retry_ = true;
  }
}

}  // namespace wsd::net
