#include "engine/log_rooms.h"

#include <algorithm>
#include <new>
#include <string>
#include <utility>

#include "base/assert.h"

namespace wsd::engine {

// The task of the answer.
class LogRooms::Batch final : public LogBatch {
 public:
  explicit Batch(LogRooms& rooms) noexcept : rooms_(rooms) {}
  void run() override { rooms_.answered(*this); }

 private:
  LogRooms& rooms_;
};

LogRooms::LogRooms(hub::RoomSink& sink, std::uint32_t shard, bool refuses, Post post)
    : sink_(sink), shard_(shard), refuses_(refuses), post_(std::move(post)), epochs_(1) {}

LogRooms::~LogRooms() = default;

// Returns the batch of this turn, with space for `entries` more.
LogRooms::Batch& LogRooms::open_batch(std::size_t entries) {
  if (batch_ == nullptr) {
    auto batch = std::make_unique<Batch>(*this);
    Batch* const opened = batch.get();
    mail_ = hub::mail_of(hub::ShardTaskMail{std::move(batch)});
    opened->shard = shard_;
    opened->term = term_;
    batch_ = opened;
  }
  auto& all = batch_->entries;
  if (all.capacity() - all.size() < entries) {
    constexpr std::size_t kLeast = 16;
    all.reserve(std::max(kLeast, 2 * all.size()));
  }
  return *batch_;
}

// Tells the log the room's name and epoch, if it does not know them. Requires space for an entry.
void LogRooms::declare(Batch& batch, hub::RoomHome& home, const Position& last,
                       std::uint64_t from) {
  const bool known = home.engine_number != 0;
  if (known && epochs_[home.engine_number] == last.epoch) return;
  batch.names.emplace_back(home.name());
  if (!known) {
    if (free_numbers_.empty()) {
      try {
        free_numbers_.reserve(epochs_.size());
        epochs_.push_back(0);
      } catch (...) {
        batch.names.pop_back();
        throw;
      }
      home.engine_number = static_cast<RoomNumber>(epochs_.size() - 1);
    } else {
      home.engine_number = free_numbers_.back();
      free_numbers_.pop_back();
    }
  }
  epochs_[home.engine_number] = last.epoch;
  batch.entries.push_back({LogEntry::Kind::kRoom, home.engine_number, last, from, {}});
}

void LogRooms::add_restored(hub::RoomHome& home, std::uint64_t from, std::uint64_t oldest) {
  Batch& batch = open_batch(2);
  declare(batch, home, home.last(), from);
  batch.entries.push_back({LogEntry::Kind::kOldest, home.engine_number, home.last(), oldest, {}});
}

std::unique_ptr<LogBatch> LogRooms::take_restored() {
  static_cast<void>(open_batch(0));
  batch_ = nullptr;
  auto task = std::move(std::get<hub::ShardTaskMail>(std::exchange(mail_, nullptr)->body).task);
  return std::unique_ptr<LogBatch>(static_cast<Batch*>(task.release()));
}

hub::Ticket LogRooms::publish(hub::RoomHome& home, const Position& position, std::uint64_t oldest,
                              std::uint64_t from, const SharedBytes& frame) {
  Batch& batch = open_batch(2);
  declare(batch, home, {position.epoch, position.seq - 1}, from);
  batch.entries.push_back({LogEntry::Kind::kMessage, home.engine_number, position, oldest, frame});
  batch.last = ++last_;
  return last_;
}

hub::Ticket LogRooms::remove(hub::RoomHome& home, std::uint64_t seq, bool all_before) {
  WSD_DCHECK(home.engine_number != 0);
  Batch& batch = open_batch(1);
  batch.entries.push_back({all_before ? LogEntry::Kind::kRemovalAll : LogEntry::Kind::kRemoval,
                           home.engine_number,
                           {epochs_[home.engine_number], seq},
                           0,
                           {}});
  batch.last = ++last_;
  return last_;
}

// If memory runs out, the log keeps the room's messages until the next start of the server.
void LogRooms::close(hub::RoomHome& home) noexcept {
  const RoomNumber number = std::exchange(home.engine_number, 0);
  if (number == 0) return;
  try {
    open_batch(1).entries.push_back({LogEntry::Kind::kEnd, number, {}, 0, {}});
  } catch (const std::bad_alloc&) {
    return;
  }
  epochs_[number] = 0;
  free_numbers_.push_back(number);
}

void LogRooms::end_turn() noexcept {
  if (batch_ == nullptr) return;
  batch_ = nullptr;
  post_(std::exchange(mail_, nullptr));
}

// A batch that was made in another term than the log's is lost, and so are all later ones of the
// shard. Later answers for such batches tell nothing new.
void LogRooms::answered(Batch& batch) noexcept {
  if (batch.kept) {
    if (batch.last > lost_up_to_) sink_.kept(batch.last);
    return;
  }
  if (batch.now == term_ && batch.last <= lost_up_to_) return;
  lose(batch.now);
}

// Batches without an answer are of an older term, so they are lost too.
void LogRooms::resumed(hub::EngineTerm term) noexcept {
  if (term != term_) lose(term);
}

void LogRooms::lose(hub::EngineTerm term) noexcept {
  term_ = term;
  lost_up_to_ = last_;
  forget_unsent();
  sink_.lost(term_);
}

// The changes of this turn are lost too. Only ends of rooms stay true.
void LogRooms::forget_unsent() noexcept {
  if (batch_ == nullptr) return;
  std::erase_if(batch_->entries,
                [](const LogEntry& each) { return each.kind != LogEntry::Kind::kEnd; });
  batch_->names.clear();
  batch_->term = term_;
  batch_->last = 0;
}

}  // namespace wsd::engine
