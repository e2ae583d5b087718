#include "sim/delaying_log.h"

#include <utility>
#include <variant>

#include "sim/kernel.h"

namespace wsd::sim {
namespace {

DelayingLog* current_log = nullptr;

}  // namespace

DelayingLog* DelayingLog::current() noexcept { return current_log; }

DelayingLog::~DelayingLog() { current_log = nullptr; }

DelayingLog::DelayingLog(hub::Hub& hub, Random& random, std::uint32_t fails)
    : hub_(hub), random_(random), fails_(fails) {
  for (std::uint32_t i = 0; i < hub.shard_count(); ++i) {
    engines_.push_back(std::make_unique<engine::LogRooms>(
        hub.shard(i).sink(), i, false,
        [this](std::unique_ptr<hub::Mail> mail) { waiting_.push_back(std::move(mail)); }));
    hub.shard(i).set_engine(engines_.back().get());
  }
  current_log = this;
}

void DelayingLog::answer() {
  std::unique_ptr<hub::Mail> mail = std::move(waiting_.front());
  waiting_.pop_front();
  auto& batch = static_cast<engine::LogBatch&>(*std::get<hub::ShardTaskMail>(mail->body).task);
  if (batch.entries.empty() && batch.last != 0) broken("a batch without entries has a ticket");
  if (random_.chance(fails_)) ++term_;
  batch.kept = term_ % 2 == 0 && batch.term == term_;
  batch.now = term_;
  for (const engine::LogEntry& each : batch.entries) {
    if (!batch.kept || each.kind != engine::LogEntry::Kind::kMessage) continue;
    const void* const bytes = each.frame.bytes().data();
    if (effective_.count(bytes) != 0) broken("a message took effect before it was kept");
    kept_.emplace(bytes, each.position);
  }
  const std::uint32_t shard = batch.shard;
  hub_.shard(shard).post(std::move(mail));
}

void DelayingLog::check_order(const hub::RoomHome& home, const SharedBytes& frame) {
  const void* const bytes = frame.bytes().data();
  effective_.emplace(bytes, frame);
  const Position place{home.last().epoch, home.last().seq + 1};
  const auto kept = kept_.find(bytes);
  if (kept != kept_.end() && kept->second != place) {
    broken("a message that was kept at %s takes effect at %s", position_text(kept->second).c_str(),
           position_text(place).c_str());
  }
  const std::string room(home.name());
  const bool is_kept = kept != kept_.end();
  const std::string epoch = room + ' ' + std::to_string(place.epoch);
  if (epochs_.try_emplace(epoch, is_kept).first->second != is_kept) {
    broken("an epoch of a room has kept messages and others: %s", epoch.c_str());
  }
  if (!places_.insert(room + ' ' + position_text(place)).second) {
    broken("a place of room %s names two messages: %s", room.c_str(), position_text(place).c_str());
  }
}

}  // namespace wsd::sim
