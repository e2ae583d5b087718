#include "server/log_compaction.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace wsd::server {

bool LogCompaction::is_on_disk() const noexcept {
  const auto& current = appender_.current();
  // An earlier segment than the current one is on disk, see sync_left_segments().
  return current->number() != target_segment_ || current->synced() >= target_length_;
}

bool LogCompaction::ready() const noexcept {
  return stage_ == Stage::kCopying || (stage_ != Stage::kIdle && is_on_disk());
}

bool LogCompaction::waits_for_disk() const noexcept {
  return (stage_ == Stage::kSyncing || stage_ == Stage::kDropping) && !is_on_disk();
}

void LogCompaction::begin() {
  if (blocked()) return;
  segment_ = appender_.older().front().number;
  length_ = appender_.older().front().good_length;
  slice_.clear();
  declared_.clear();
  const int error = directory_.open_segment(segment_, false, file_);
  if (error != 0 && error != ENOENT) return cannot_read(std::strerror(error));
  if (error == ENOENT) {
    note_damage("the file is missing");
    offset_ = length_;
  } else if (!read_header()) {
    return;
  }
  stage_ = Stage::kCopying;
  appender_.sync_left_segments(true);
}

void LogCompaction::abandon() noexcept {
  stage_ = Stage::kIdle;
  file_ = LogFile();
  slice_.reset();
  appender_.sync_left_segments(false);
}

std::string LogCompaction::take_damage() noexcept { return std::exchange(damage_, {}); }

// A segment that the disk cannot read stays, and all later ones with it, because of the order.
void LogCompaction::cannot_read(const std::string& reason) {
  blocked_ = true;
  damage_ = "the segment " + engine::log_segment_name(segment_) +
            " of the history log cannot be compacted: " + reason +
            " (the log grows until the next start; check the disk)";
  abandon();
}

// Bad bytes are left out, as a restart does. Otherwise the segment would stay for ever, and all
// later ones with it.
void LogCompaction::note_damage(const std::string& reason) {
  if (std::exchange(noted_, segment_) == segment_) return;
  damage_ = "the segment " + engine::log_segment_name(segment_) +
            " of the history log is compacted without its damaged part: " + reason;
}

bool LogCompaction::read_header() {
  for (std::size_t size = engine::kLogFirstRead;;) {
    offset_ = 0;
    slice_.clear();
    if (!read_slice(size)) return false;
    const engine::DecodedLogHeader decoded = engine::decode_log_header(slice_.bytes());
    if (decoded.state == engine::DecodedLogHeader::State::kValid) {
      seed_ = decoded.seed;
      offset_ = decoded.size;
      slice_.clear();
      return true;
    }
    if (decoded.state != engine::DecodedLogHeader::State::kShort || slice_.size() == length_) {
      note_damage("its header is damaged, so no record can be read");
      offset_ = length_;
      slice_.clear();
      return true;
    }
    size = decoded.size;
  }
}

// Extends the slice, which begins at offset_, to `wanted` bytes, or to the end of the segment.
bool LogCompaction::read_slice(std::size_t wanted) {
  const auto left = static_cast<std::size_t>(length_ - offset_);
  const std::size_t size = std::min(wanted, left);
  if (size <= slice_.size()) return true;
  if (!slice_.reserve(size)) throw std::bad_alloc();
  std::size_t count = 0;
  const int error =
      file_.read(slice_.room().first(size - slice_.size()), offset_ + slice_.size(), count);
  slice_.grow(count);
  if (error != 0) {
    cannot_read(std::strerror(error));
    return false;
  }
  if (slice_.size() < size) {
    note_damage("it has become shorter");
    length_ = offset_ + slice_.size();
  }
  return true;
}

int LogCompaction::turn() {
  appender_.begin_group();
  if (stage_ == Stage::kCopying) return copy_slice();
  if (stage_ == Stage::kIdle || !is_on_disk()) return 0;
  return stage_ == Stage::kSyncing ? drop() : unlink();
}

int LogCompaction::copy_slice() {
  if (!read_slice(kSliceBytes)) return 0;
  std::size_t done = 0;
  int error = 0;
  std::size_t wanted = 0;
  while (error == 0 && done < slice_.size()) {
    const auto decoded =
        engine::decode_log_record(seed_, offset_ + done, Bytes(slice_.bytes()).subspan(done));
    if (decoded.state == engine::DecodedLogRecord::State::kShort &&
        offset_ + done + decoded.size <= length_) {
      wanted = decoded.size;
      break;
    }
    if (decoded.state != engine::DecodedLogRecord::State::kValid) {
      note_damage("its record at byte " + std::to_string(offset_ + done) + " is damaged");
      done += std::min(engine::kLogRecordAlignment, slice_.size() - done);
      continue;
    }
    error = copy(decoded.record);
    done += decoded.size;
  }
  if (error != 0) return error;
  offset_ += done;
  slice_.clear();
  if (done == 0 && wanted > kSliceBytes && !read_slice(wanted)) return 0;
  return commit(offset_ == length_ ? Stage::kSyncing : Stage::kCopying);
}

int LogCompaction::commit(Stage next) {
  const int error = appender_.flush();
  if (error != 0) return error;
  appender_.commit();
  stage_ = next;
  target_segment_ = appender_.current()->number();
  target_length_ = appender_.current()->written();
  return 0;
}

int LogCompaction::copy(const engine::LogRecord& record) {
  if (record.type == engine::LogRecordType::kMessage) return copy_message(record);
  if (record.type == engine::LogRecordType::kRoom) {
    if (record.room >= declared_.size()) declared_.resize(std::size_t{record.room} + 1);
    declared_[record.room] = {std::string(as_text(record.bytes)), record.epoch};
  }
  return 0;
}

int LogCompaction::copy_message(const engine::LogRecord& record) {
  if (record.room >= declared_.size()) return 0;
  const Declared& declared = declared_[record.room];
  LogRoom* const room = rooms_.find(declared.name);
  if (room == nullptr) return 0;
  if (!room->is_live(declared.epoch, record.seq)) {
    // A restart must not look for the message: the limits of the room may have become lower since
    // its newest record, or it keeps no messages any more.
    const bool is_missed = record.seq >= room->logged_kept_from && record.seq < room->kept_from();
    return is_missed ? appender_.declare_again(*room) : 0;
  }
  if (record.removed || room->is_removed(record.seq)) {
    return appender_.placeholder(*room, record.seq, room->oldest(), record.wall_ms);
  }
  return appender_.message(*room, record.seq, room->oldest(), record.wall_ms, record.bytes);
}

int LogCompaction::drop() {
  const int error = appender_.dropped(segment_);
  return error != 0 ? error : commit(Stage::kDropping);
}

int LogCompaction::unlink() {
  appender_.forget(segment_);
  abandon();
  // If this fails, the next start unlinks the file, because of the record.
  static_cast<void>(directory_.unlink_segment(segment_));
  static_cast<void>(directory_.sync());
  return 0;
}

}  // namespace wsd::server
