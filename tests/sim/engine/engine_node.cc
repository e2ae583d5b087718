#include "sim/engine/engine_node.h"

#include <algorithm>
#include <new>
#include <utility>

#include "base/bytes.h"
#include "engine/engine_counters.h"
#include "engine/message_frame.h"
#include "sim/allocation_faults.h"

namespace wsd::sim {
namespace {

SharedBytes frame_of(std::string_view text) {
  SharedBytes frame = SharedBytes::copy_of(as_bytes(text));
  if (!frame) throw std::bad_alloc();
  return frame;
}

class Receipt final : public hub::RoomStateCallback {
 public:
  Receipt(EngineOracle& oracle, std::uint64_t number) : oracle_(oracle), number_(number) {}
  void run(const RoomState& state) noexcept override {
    const AllocationFaults::Off off;
    oracle_.answered(number_, state.last);
  }

 private:
  EngineOracle& oracle_;
  std::uint64_t number_;
};

class KeyedReceipt final : public hub::RoomStateCallback {
 public:
  KeyedReceipt(EngineOracle& oracle, std::uint64_t number) : oracle_(oracle), number_(number) {}
  void run(const RoomState& state) noexcept override {
    const AllocationFaults::Off off;
    oracle_.answered_once(number_, state.last);
  }

 private:
  EngineOracle& oracle_;
  std::uint64_t number_;
};

}  // namespace

SharedBytes SimEncoder::encode(const SharedBytes& plain, hub::Encoding /*encoding*/,
                               const Position& position) {
  return frame_of(position_text(position) + ' ' +
                  std::string(engine::message_of_frame(plain).payload.substr(0, 24)));
}

SharedBytes SimEncoder::gap_notice(hub::Encoding encoding, const Position& position) {
  return encoding == 1 ? frame_of("gap " + position_text(position)) : SharedBytes();
}

SharedBytes SimEncoder::position_notice(hub::Encoding encoding, const Position& position) {
  return encoding == 1 ? frame_of("at " + position_text(position)) : SharedBytes();
}

void SimMember::deliver(const hub::Batch& batch) {
  const AllocationFaults::Off off;
  for (const Slice& each : batch.frames()) view.saw(as_text(each.bytes()));
}

void SimMember::deliver(const SharedBytes& frame) {
  const AllocationFaults::Off off;
  view.saw(as_text(frame.bytes()));
}

void SimMember::close(CloseCause /*cause*/, CloseCode /*code*/, std::string_view /*reason*/) {
  closed = true;
}

void SimMember::join_refused(std::string_view /*room*/, JoinRefusal /*why*/) { refused = true; }

SimNode::SimNode(const NodePlan& plan, std::uint32_t process, std::string name,
                 EngineOracle& oracle)
    : process_(process),
      name_(std::move(name)),
      oracle_(oracle),
      memory_percent_(plan.memory_percent),
      wakers_(plan.shards) {
  std::vector<hub::Waker*> wakers;
  for (NoWaker& each : wakers_) wakers.push_back(&each);
  hub::Shard::Options options;
  options.max_pending_publishes = plan.max_pending_publishes;
  options.history = plan.history;
  hub_ = std::make_unique<hub::Hub>(wakers, options);
  for (std::uint32_t i = 0; i < plan.shards; ++i) {
    Part part;
    part.network = std::make_unique<engine::FakeNetwork>();
    engine::RedisEngineSettings settings;
    settings.url = plan.url;
    settings.link = plan.link;
    settings.rooms = plan.rooms;
    settings.rooms.node = {process, i};
    settings.rooms.seed = process * 64 + i;
    part.engine = std::make_unique<engine::RedisEngine>(
        settings, hub_->shard(i).order_sink(), *part.network,
        [this, i](int, std::string_view event, std::string_view room, std::string_view text) {
          const AllocationFaults::Off off;
          oracle_.trace().note("%s.%u: %s %s: %s", name_.c_str(), i, std::string(event).c_str(),
                               std::string(room).c_str(), std::string(text).c_str());
        });
    hub_->shard(i).set_encoder(&encoder_);
    hub_->shard(i).set_order_engine(&part.engine->rooms());
    parts_.push_back(std::move(part));
  }
}

SimNode::~SimNode() {
  for (Part& each : parts_) each.engine->stop();
  hub_.reset();
}

void SimNode::turn(std::uint32_t index, std::uint64_t now_ms, Random& random, bool gently) {
  Part& part = parts_[index];
  if (part.stalled_until_ms > now_ms) return;
  if (!gently && random.chance(memory_percent_)) {
    AllocationFaults::arm(random.between(1, random.chance(50) ? 8 : 100),
                          random.chance(70) ? 0 : random.below(30));
  }
  hub::Shard& shard = hub_->shard(index);
  shard.begin_turn(now_ms / kTickMs, now_ms * 1'000'000);
  part.engine->begin_turn(now_ms, 1'700'000'000'000 + now_ms);
  shard.drain();
  for (const auto& each : part.network->lines()) {
    part.network->connect_now(*each);
    const std::size_t most = gently || random.chance(70)
                                 ? engine::FakeNetwork::kAll
                                 : static_cast<std::size_t>(random.below(60));
    if (most != 0) part.network->receive(*each, most);
  }
  if (now_ms >= part.engine->deadline()) part.engine->on_time();
  shard.wheel().advance(now_ms / kTickMs);
  while (hub::Timer* const timer = shard.wheel().pop_due()) {
    static_cast<hub::Scheduled*>(timer)->on_deadline(now_ms / kTickMs);
  }
  shard.fan_out();
  if (shard.take_resumed()) part.congested = false;
  for (const auto& each : part.network->lines()) {
    const std::size_t most = gently || random.chance(80)
                                 ? engine::FakeNetwork::kAll
                                 : static_cast<std::size_t>(random.below(100));
    part.network->send(*each, most);
  }
  shard.free_names();
  static_cast<void>(shard.arm());
  AllocationFaults::disarm();
}

std::uint64_t SimNode::deadline() const noexcept {
  std::uint64_t at = engine::EngineDriver::kNever;
  for (const Part& each : parts_) at = std::min(at, each.engine->deadline());
  return at;
}

void SimNode::publish(std::uint32_t index, const std::string& room, std::uint64_t number,
                      std::size_t bytes, bool with_receipt, ConnectionId publisher) {
  const std::string text = EngineOracle::text_of(number, bytes);
  const auto outcome = hub_->shard(index).publish(
      room, engine::frame_of_message({false, text}),
      with_receipt ? std::make_unique<Receipt>(oracle_, number) : nullptr, publisher);
  if (outcome == hub::PublishOutcome::kCongested) parts_[index].congested = true;
}

void SimNode::publish_once(std::uint32_t index, const std::string& room, std::uint64_t number,
                           std::size_t bytes) {
  const std::string text = EngineOracle::text_of(number, bytes);
  const auto outcome = hub_->shard(index).publish_once(
      room, engine::frame_of_message({false, text}),
      std::make_unique<hub::PublishKey>(hub::PublishKey{
          "key" + std::to_string(number), hub::fingerprint_of(MessageType::kText, text), {}}),
      std::make_unique<KeyedReceipt>(oracle_, number));
  if (outcome == hub::PublishOutcome::kCongested) parts_[index].congested = true;
}

std::size_t SimNode::open_rooms() const noexcept {
  std::size_t count = 0;
  for (const Part& each : parts_) count += each.engine->counters().rooms_live.value();
  return count;
}

bool SimNode::is_up() const noexcept {
  return std::ranges::all_of(parts_, [](const Part& each) {
    return each.engine->counters().up.value() != 0 &&
           each.engine->counters().unready_since_ms.value() == 0 &&
           each.engine->counters().rooms_opening.value() == 0 &&
           each.engine->counters().rooms_lost.value() == 0;
  });
}

bool SimNode::is_down() const noexcept {
  return std::ranges::all_of(parts_, [](const Part& each) {
    return each.engine->counters().up.value() == 0 &&
           each.engine->counters().unready_since_ms.value() != 0;
  });
}

std::string SimNode::state() const {
  std::string text;
  for (std::uint32_t i = 0; i < parts_.size(); ++i) {
    const engine::EngineCounters& counters = parts_[i].engine->counters();
    text += " " + name_ + "." + std::to_string(i) + ": up " + std::to_string(counters.up.value()) +
            ", opening " + std::to_string(counters.rooms_opening.value()) + ", lost " +
            std::to_string(counters.rooms_lost.value()) + ", live " +
            std::to_string(counters.rooms_live.value()) + ", in flight " +
            std::to_string(counters.in_flight.value()) +
            (counters.unready_since_ms.value() != 0 ? ", unready" : "") +
            (hub_->shard(i).has_pending() ? ", pending" : "");
    for (const auto& each : parts_[i].network->lines()) {
      if (each->has_ended()) continue;
      text += ", line " + std::to_string(each->queue.size());
      if (each->socket == nullptr) continue;
      text += "/" + std::to_string(each->socket->to_server.size()) + "/" +
              std::to_string(each->socket->to_client.size());
    }
    text += ';';
  }
  return text;
}

bool SimNode::is_quiet() const noexcept {
  if (!is_up()) return false;
  for (std::uint32_t i = 0; i < parts_.size(); ++i) {
    if (parts_[i].engine->counters().in_flight.value() != 0) return false;
    if (hub_->shard(i).has_pending()) return false;
  }
  return true;
}

}  // namespace wsd::sim
