#include "server/log_group_writer.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>
#include <utility>
#include <variant>

#include "base/assert.h"
#include "net/clock.h"

namespace wsd::server {
namespace {

// A group ends with the batch that fills this much of the buffer.
constexpr std::size_t kGroupBytes = LogAppender::kBufferBytes / 2;
constexpr std::uint64_t kTryAgainMs = 1000;
// After a failure, the log goes on only if the disk has this much space.
constexpr std::uint64_t kSpareBytes = std::uint64_t{1} << 20;

engine::LogBatch& batch_of(const hub::Mail& mail) noexcept {
  const auto* const task = std::get_if<hub::ShardTaskMail>(&mail.body);
  WSD_ASSERT(task != nullptr);
  return static_cast<engine::LogBatch&>(*task->task);
}

}  // namespace

LogGroupWriter::LogGroupWriter(const HistoryLogOptions& options, const LogDirectory& directory,
                               LogSync& sync, LogStore::Report report, std::uint64_t segment_bytes)
    : options_(options),
      directory_(directory),
      sync_(sync),
      report_(std::move(report)),
      segment_bytes_(segment_bytes == 0 ? LogAppender::kSegmentBytes : segment_bytes),
      appender_(directory, syncs_, segment_bytes_),
      compaction_(directory, rooms_, appender_) {}

void LogGroupWriter::set_loaded(const LoadedLog& loaded, const engine::LogBootId& boot_id) {
  for (const engine::RecoveredRoom& room : loaded.log.rooms) rooms_.restore(room);
  run_.number = loaded.log.run;
  run_.next_segment = loaded.log.next_segment;
  run_.boot_id = boot_id;
  run_.sync = options_.sync;
  run_.new_epochs = !loaded.log.epochs_go_on;
  run_.older = loaded.kept;
  unlinks_ = loaded.unlinks;
}

std::string LogGroupWriter::begin(std::uint64_t first_epoch,
                                  const std::vector<std::unique_ptr<engine::LogBatch>>& rooms,
                                  LogStore::Answer answer, LogStore::Resumed resumed) {
  std::vector<LogRoom*> declared;
  for (const auto& batch : rooms) {
    std::size_t names = 0;
    for (const engine::LogEntry& entry : batch->entries) {
      if (entry.kind == engine::LogEntry::Kind::kRoom) {
        LogRoom& room = rooms_.declare(batch->shard, entry.room, batch->names[names++],
                                       entry.position, entry.seq);
        if (run_.new_epochs) declared.push_back(&room);
      } else if (entry.kind == engine::LogEntry::Kind::kOldest) {
        LogRoom* const room = rooms_.at(batch->shard, entry.room);
        if (room != nullptr) rooms_.keep_from(*room, entry.seq);
      }
    }
  }
  // If all epochs are new, a room that is not declared is dead. Otherwise the log must say so.
  ended_ = rooms_.take_left_out();
  if (!run_.new_epochs) {
    for (const auto& room : ended_) declared.push_back(room.get());
  }
  run_.first_epoch = first_epoch;
  appender_.begin_run(std::move(run_));
  const int error = appender_.begin_segment(declared);
  if (error != 0) {
    return "cannot begin a segment of the history log in '" + directory_.path() +
           "': " + std::strerror(error) + " (free some space, and let wsd's user write it)";
  }
  ended_.clear();
  // Only now, because a power loss must not leave fewer segments than the newest header lists.
  for (const std::uint64_t number : unlinks_) {
    static_cast<void>(directory_.unlink_segment(number));
  }
  if (!unlinks_.empty()) static_cast<void>(directory_.sync());
  answer_ = std::move(answer);
  resumed_ = std::move(resumed);
  update_figures();
  return {};
}

hub::Mail* LogGroupWriter::write_group(hub::Mail* batches) noexcept {
  rooms_.begin_group();
  if (!has_failed()) appender_.begin_group();
  const std::uint64_t wall_ms = net::wall_clock_ms();
  hub::Mail* rest = batches;
  int error = 0;
  while (rest != nullptr && error == 0 && appender_.waiting() < kGroupBytes) {
    const engine::LogBatch& batch = batch_of(*rest);
    if (has_failed() || batch.term != term_) {
      learn_rooms(batch);
    } else {
      error = lay_batch(batch, wall_ms);
    }
    rest = rest->next;
  }
  if (error == 0 && !has_failed()) error = finish_group();
  if (error != 0) {
    rooms_.undo_group();
    fail(error);
  }
  while (batches != rest) {
    std::unique_ptr<hub::Mail> mail(std::exchange(batches, batches->next));
    const bool kept = error == 0 && !has_failed() && batch_of(*mail).term == term_;
    answer(std::move(mail), kept);
  }
  update_figures();
  return rest;
}

int LogGroupWriter::lay_batch(const engine::LogBatch& batch, std::uint64_t wall_ms) {
  try {
    std::size_t names = 0;
    for (const engine::LogEntry& entry : batch.entries) {
      const int error = lay_entry(batch, entry, names, wall_ms);
      if (error != 0) return error;
    }
    return 0;
  } catch (const std::bad_alloc&) {
    return ENOMEM;
  }
}

int LogGroupWriter::lay_entry(const engine::LogBatch& batch, const engine::LogEntry& entry,
                              std::size_t& names, std::uint64_t wall_ms) {
  using Kind = engine::LogEntry::Kind;
  if (entry.kind == Kind::kRoom) {
    LogRoom& room =
        rooms_.declare(batch.shard, entry.room, batch.names[names++], entry.position, entry.seq);
    return appender_.declare(room);
  }
  LogRoom* const room = rooms_.at(batch.shard, entry.room);
  switch (entry.kind) {
    case Kind::kMessage:
      return lay_message(room, entry, wall_ms);
    case Kind::kRemoval:
    case Kind::kRemovalAll: {
      if (room == nullptr) return 0;
      const bool all_before = entry.kind == Kind::kRemovalAll;
      rooms_.remove(*room, entry.position.seq, all_before);
      return appender_.removal(*room, entry.position.seq, all_before);
    }
    case Kind::kOldest:
      if (room != nullptr) rooms_.keep_from(*room, entry.seq);
      return 0;
    case Kind::kEnd:
      return lay_end(rooms_.end(batch.shard, entry.room));
    case Kind::kRoom:
      break;
  }
  return 0;
}

// A restart, and a compaction that has forgotten the room, must find that it keeps no messages.
int LogGroupWriter::lay_end(std::unique_ptr<LogRoom> room) {
  if (room == nullptr || !room->is_logged) return 0;
  ended_.push_back(std::move(room));
  return appender_.declare_again(*ended_.back());
}

// A message of a room that the log does not know in this epoch would get a wrong position.
int LogGroupWriter::lay_message(LogRoom* room, const engine::LogEntry& entry,
                                std::uint64_t wall_ms) {
  if (room == nullptr || room->epoch() != entry.position.epoch) return EINVAL;
  const int error =
      appender_.message(*room, entry.position.seq, entry.seq, wall_ms, entry.frame.bytes());
  if (error == 0) {
    rooms_.add(*room, entry.position.seq, entry.seq, appender_.record_size());
  }
  return error;
}

int LogGroupWriter::finish_group() noexcept {
  int error = appender_.flush();
  const auto& current = appender_.current();
  if (options_.sync == HistorySync::kEach) {
    if (error == 0) error = appender_.sync();
  } else if (options_.sync == HistorySync::kInterval) {
    if (error == 0 && current->written() - current->synced() > kMostUnsynced) {
      error = appender_.sync();
    }
    if (error == 0 && current->written() != current->synced()) sync_.written(current);
  }
  if (error == 0) {
    appender_.commit();
    ended_.clear();
  }
  return error;
}

// A batch that is not kept still says which number stands for which room, and which rooms have
// ended. The shard declares a room again before the next message that can be kept.
void LogGroupWriter::learn_rooms(const engine::LogBatch& batch) noexcept {
  using Kind = engine::LogEntry::Kind;
  try {
    std::size_t names = 0;
    for (const engine::LogEntry& entry : batch.entries) {
      if (entry.kind == Kind::kEnd) {
        std::unique_ptr<LogRoom> room = rooms_.end(batch.shard, entry.room);
        if (room != nullptr && room->is_logged) ended_.push_back(std::move(room));
      }
      if (entry.kind != Kind::kRoom) continue;
      const std::string& name = batch.names[names++];
      const LogRoom* const known = rooms_.at(batch.shard, entry.room);
      if (known != nullptr && known->name() == name) continue;
      static_cast<void>(rooms_.declare(batch.shard, entry.room, name, entry.position, entry.seq));
    }
  } catch (const std::bad_alloc&) {
    // The room stays unknown until then.
  }
}

void LogGroupWriter::answer(std::unique_ptr<hub::Mail> mail, bool kept) noexcept {
  engine::LogBatch& batch = batch_of(*mail);
  batch.kept = kept;
  batch.now = term_;
  answer_(batch.shard, std::move(mail));
}

void LogGroupWriter::fail(int error) noexcept {
  appender_.abandon();
  compaction_.abandon();
  rooms_.forget_logged();
  if (options_.sync != HistorySync::kEach) appender_.note_unkept();
  ++term_;
  failures_.add(1);
  failed_since_ms_.set(net::wall_clock_ms());
  try_again_ms_ = net::monotonic_ms() + kTryAgainMs;
  try {
    std::string text = "cannot write the history log in '" + directory_.path() +
                       "': " + std::strerror(error) +
                       (error == ENOSPC || error == EDQUOT || error == EFBIG
                            ? " (free some space; then the log goes on by itself)"
                            : " (check the disk; the log tries again once per second)");
    report(LogLevel::kError, "log_failed", text);
    const std::lock_guard lock(mutex_);
    error_ = std::move(text);
  } catch (const std::bad_alloc&) {
    // The figures tell that the log has failed.
  }
}

void LogGroupWriter::try_again() noexcept {
  try_again_ms_ = net::monotonic_ms() + kTryAgainMs;
  try {
    const auto spare = static_cast<std::size_t>(std::min(kSpareBytes, segment_bytes_));
    std::vector<LogRoom*> declared;
    for (const auto& room : ended_) declared.push_back(room.get());
    if (appender_.begin_segment_with_space(declared, spare) != 0) return;
  } catch (const std::bad_alloc&) {
    return;
  }
  ended_.clear();
  ++term_;
  try {
    if (resumed_) resumed_(term_);
  } catch (const std::bad_alloc&) {
    // The answers to the next batches have the term, too.
  }
  failed_since_ms_.set(0);  // last, so that a server that is ready keeps the next message
  report(LogLevel::kInfo, "log_resumed", "the history log is written again");
  update_figures();
}

void LogGroupWriter::do_other_work() noexcept {
  if (!has_failed() && appender_.current()->sync_error() != 0) {
    fail(appender_.current()->sync_error());
  }
  if (!has_failed()) {
    compact();
  } else if (net::monotonic_ms() >= try_again_ms_) {
    try_again();
  }
}

int LogGroupWriter::other_work_in_ms() const noexcept {
  if (has_failed()) {
    const std::uint64_t now = net::monotonic_ms();
    return now >= try_again_ms_ ? 0 : static_cast<int>(try_again_ms_ - now);
  }
  if (appender_.current()->sync_error() != 0) return 0;
  if (compaction_.active()) return compaction_.ready() ? 0 : -1;
  return compaction_is_due() ? 0 : -1;
}

bool LogGroupWriter::compaction_is_due() const noexcept {
  return !compaction_.blocked() && bytes_.value() > 2 * rooms_.live_bytes() + 2 * segment_bytes_;
}

void LogGroupWriter::compact() noexcept {
  int error = 0;
  try {
    if (compaction_.active()) {
      error = compaction_.turn();
    } else if (compaction_is_due()) {
      compaction_.begin();
    } else {
      return;
    }
    const std::string damage = compaction_.take_damage();
    if (!damage.empty()) report(LogLevel::kError, "log_damaged", damage);
  } catch (const std::bad_alloc&) {
    error = ENOMEM;
  }
  if (error != 0) {
    fail(error);
  } else if (compaction_.waits_for_disk()) {
    sync_.hurry(appender_.current());
  }
  update_figures();
}

// In mode off, nothing else has synced the segments that this run has left.
int LogGroupWriter::sync_older() noexcept {
  for (const engine::LogSegmentEntry& entry : appender_.older()) {
    LogFile file;
    int error = directory_.open_segment(entry.number, false, file);
    if (error == 0) error = file.sync();
    if (error != 0) return error;
  }
  return directory_.sync();
}

void LogGroupWriter::end() noexcept {
  if (has_failed() || !has_begun()) return;
  int error = options_.sync == HistorySync::kOff ? sync_older() : 0;
  // So that the end is marked as after_sync: bytes that go bad before it are then known to be
  // damage.
  if (error == 0) error = appender_.sync();
  if (error == 0) {
    appender_.begin_group();
    error = appender_.end();
  }
  if (error == 0) error = appender_.flush();
  if (error == 0) error = appender_.sync();
  if (error != 0) fail(error);
}

void LogGroupWriter::report(LogLevel level, std::string_view event,
                            const std::string& text) noexcept {
  try {
    report_(level, event, text);
  } catch (const std::bad_alloc&) {
    // The log line is lost.
  }
}

void LogGroupWriter::update_figures() noexcept {
  bytes_.set(appender_.bytes());
  live_bytes_.set(rooms_.live_bytes());
  segments_.set(appender_.older().size() + (appender_.current() == nullptr ? 0 : 1));
  records_.set(appender_.records());
  groups_.set(appender_.writes());
}

void LogGroupWriter::add_figures(HistoryLogFigures& figures) const {
  figures.bytes = bytes_.value();
  figures.live_bytes = live_bytes_.value();
  figures.segments = segments_.value();
  figures.records_total = records_.value();
  figures.groups_total = groups_.value();
  figures.failures_total = failures_.value();
  figures.failed_since_ms = failed_since_ms_.value();
  figures.failed = figures.failed_since_ms != 0;
  syncs_.add_to(figures.sync);
  const std::lock_guard lock(mutex_);
  figures.error = error_;
}

}  // namespace wsd::server
