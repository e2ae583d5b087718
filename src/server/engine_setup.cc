#include "server/engine_setup.h"

#include <algorithm>
#include <utility>

#include "base/tick.h"
#include "engine/log_segment.h"
#include "net/clock.h"

namespace wsd::server {

namespace {

// The greatest age that a history can tell from a small one; see ShortTick.
constexpr Tick kOldest = Tick{1} << 31;

// Tells an engine that the log goes on.
class ResumedTask final : public hub::ShardTask {
 public:
  ResumedTask(engine::LogRooms& rooms, hub::EngineTerm term) noexcept
      : rooms_(rooms), term_(term) {}
  void run() override { rooms_.resumed(term_); }

 private:
  engine::LogRooms& rooms_;
  hub::EngineTerm term_;
};

}  // namespace

EngineSetup::EngineSetup(const HistoryLogOptions& options, LogStore::Report report,
                         std::uint64_t segment_bytes)
    : refuses_(options.sync == HistorySync::kEach),
      report_(std::move(report)),
      store_(options, report_, segment_bytes) {}

std::string EngineSetup::open() { return store_.open(recovered_); }

std::uint64_t EngineSetup::first_epoch(std::uint64_t random) const noexcept {
  if (recovered_.first_epoch == 0) return random;
  // A copy of the log and the original both go on from the same number. They must not meet.
  return recovered_.first_epoch + random % (engine::kLogEpochsPerRun / 2);
}

std::string EngineSetup::attach(hub::Hub& hub) {
  for (std::uint32_t i = 0; i < hub.shard_count(); ++i) {
    hub::Shard& shard = hub.shard(i);
    engines_.push_back(std::make_unique<engine::LogRooms>(
        shard.sink(), i, refuses_,
        [this](std::unique_ptr<hub::Mail> batch) { store_.post(std::move(batch)); }));
    shard.set_engine(engines_.back().get());
  }
  const std::uint64_t now_ms = net::wall_clock_ms();
  std::size_t left_out = 0;
  for (engine::RecoveredRoom& room : recovered_.rooms) {
    if (!restore(hub, room, now_ms)) ++left_out;
  }
  const std::size_t all = recovered_.rooms.size();
  std::vector<std::unique_ptr<engine::LogBatch>> rooms;
  for (const auto& each : engines_) rooms.push_back(each->take_restored());
  const std::uint64_t first_epoch = hub.first_epoch();
  recovered_ = {};
  std::string error = store_.begin(
      first_epoch, rooms,
      [&hub](std::uint32_t shard, std::unique_ptr<hub::Mail> batch) {
        hub.shard(shard).post(std::move(batch));
      },
      [this, &hub](hub::EngineTerm term) {
        for (std::uint32_t i = 0; i < hub.shard_count(); ++i) {
          hub.shard(i).post(
              hub::mail_of(hub::ShardTaskMail{std::make_unique<ResumedTask>(*engines_[i], term)}));
        }
      });
  if (error.empty() && left_out != 0) {
    report_(LogLevel::kInfo, "log_rooms_left_out",
            std::to_string(left_out) + " of " + std::to_string(all) +
                " rooms were not restored: their messages are too old, they keep no history, or "
                "there are more rooms than {option:rates.max_rooms}");
  }
  return error;
}

// Returns false if the room has no history any more.
bool EngineSetup::restore(hub::Hub& hub, engine::RecoveredRoom& room, std::uint64_t now_ms) {
  // Its records may be compacted away, so `last` may be lower than the positions that clients have
  // seen.
  if (room.messages.empty()) return false;
  const std::uint32_t index = hub.home_of(room.name);
  hub::Shard& shard = hub.shard(index);
  const Tick now = net::tick_of(net::monotonic_ms());
  std::vector<hub::RestoredMessage> messages;
  messages.reserve(room.messages.size());
  // The clock may have been set back meanwhile, and a history is in the order of its times: so no
  // message is younger than a later one.
  Tick age = 0;
  for (auto each = room.messages.rbegin(); each != room.messages.rend(); ++each) {
    const std::uint64_t age_ms = now_ms > each->wall_ms ? now_ms - each->wall_ms : 0;
    age = std::max(age, std::min(ticks_for_ms(age_ms), kOldest));
    messages.push_back({std::move(each->frame), now - age});
  }
  std::reverse(messages.begin(), messages.end());
  room.messages = {};
  Position last = room.last;
  std::uint64_t from = room.from;
  if (!recovered_.epochs_go_on) {
    last.epoch = shard.new_epoch();
    from = last.seq;
  }
  hub::RoomHome* const home = shard.restore(room.name, last, messages);
  if (home == nullptr) return false;
  engines_[index]->add_restored(*home, from, last.seq + 1 - home->history()->ring.size());
  return true;
}

void EngineSetup::stop() noexcept {
  if (std::exchange(stopped_, true)) return;
  for (const auto& each : engines_) each->end_turn();
  store_.stop();
}

}  // namespace wsd::server
