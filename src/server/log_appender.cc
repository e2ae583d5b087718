#include "server/log_appender.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

namespace wsd::server {
namespace {

// Memory that a single large record has needed is freed after it.
constexpr std::size_t kMostKeptBytes = 4 * LogAppender::kBufferBytes;

}  // namespace

int LogAppender::begin_segment(std::span<LogRoom* const> declared) { return create(declared, 0); }

int LogAppender::begin_segment_with_space(std::span<LogRoom* const> declared, std::size_t spare) {
  return create(declared, spare);
}

int LogAppender::create(std::span<LogRoom* const> declared, std::size_t spare) {
  const std::uint64_t number = run_.next_segment;
  run_.older.reserve(run_.older.size() + 1);  // for roll() and abandon(), which then cannot fail
  left_.reserve(left_.size() + 1);
  LogFile created;
  int error = directory_.create_segment(number, created);
  // The number may have been used: if unlink_segment() below has failed, it is not used again.
  ++run_.next_segment;
  if (error != 0) return error;
  auto file = std::make_shared<LogSegmentFile>(number, std::move(created));
  error = write_header(*file, declared);
  if (error == 0 && spare != 0) error = probe_space(*file, spare);
  const bool on_disk = current_ == nullptr || run_.sync != HistorySync::kOff || sync_left_;
  if (error == 0 && on_disk) error = file->sync(syncs_);
  if (error == 0 && on_disk) error = directory_.sync();
  if (error != 0) {
    buffer_.clear();
    static_cast<void>(directory_.unlink_segment(number));
    return error;
  }
  current_ = std::move(file);
  committed_ = header_bytes_ = current_->written();
  encoder_.begin(seed_, committed_);
  begin_group();
  return 0;
}

void LogAppender::begin_group() noexcept {
  if (waiting() == 0 && current_->synced() == current_->written()) encoder_.mark_synced();
}

int LogAppender::write_header(LogSegmentFile& file, std::span<LogRoom* const> declared) {
  engine::LogFileFacts facts;
  int error = file.file().facts(facts);
  if (error != 0) return error;
  engine::LogSegmentHeader header;
  header.number = file.number();
  header.run = run_.number;
  header.first_epoch = run_.first_epoch;
  header.boot_id = run_.boot_id;
  header.inode = facts.inode;
  header.birth_ns = facts.birth_ns;
  header.mode = run_.sync;
  header.new_epochs = run_.new_epochs;
  header.unkept = run_.unkept;
  header.declared = static_cast<std::uint32_t>(declared.size());
  header.older = run_.older;
  const std::vector<std::uint8_t> bytes = engine::encode_log_header(header);
  seed_ = engine::log_segment_seed(bytes);
  rooms_declared_ = 0;
  buffer_.clear();
  encoder_.begin(seed_, bytes.size());
  error = file.append(bytes);
  for (LogRoom* const room : declared) {
    if (error != 0) return error;
    room->declared_in = file.number();
    room->number = ++rooms_declared_;
    room->logged_kept_from = room->kept_from();
    room->is_logged = true;
    if (!encoder_.room(room->number, room->epoch(), room->from(), room->kept_from(),
                       as_bytes(room->name()))) {
      return ENOMEM;
    }
    if (buffer_.size() >= kBufferBytes) {
      error = file.append(buffer_.bytes());
      buffer_.clear();
    }
  }
  if (error == 0) error = file.append(buffer_.bytes());
  buffer_.clear();
  return error;
}

// Otherwise a full disk would take the header, and refuse the first records.
int LogAppender::probe_space(LogSegmentFile& file, std::size_t spare) {
  const std::vector<std::uint8_t> zeros(spare);
  int error = file.file().write(zeros, file.written());
  if (error == 0) error = file.file().truncate(file.written());
  return error;
}

int LogAppender::roll() {
  int error = flush();
  if (error == 0 && (run_.sync != HistorySync::kOff || sync_left_)) error = current_->sync(syncs_);
  if (error != 0) return error;
  const std::shared_ptr<LogSegmentFile> old = current_;
  const std::uint64_t committed = committed_;
  // The header of the next segment lists this one, so it must be in the list first.
  run_.older.push_back({old->number(), old->written()});
  error = create({}, 0);
  if (error != 0) {
    run_.older.pop_back();
    return error;
  }
  if (committed != old->written()) left_.push_back({old, committed});
  return 0;
}

// Begins a new segment if the current one has no space for `bytes` bytes, and writes the buffer if
// it is full.
int LogAppender::prepare(std::size_t bytes) {
  if (encoder_.offset() + bytes > segment_bytes_ && encoder_.offset() > header_bytes_) {
    return roll();
  }
  if (buffer_.size() + bytes > kBufferBytes && buffer_.size() != 0) return flush();
  return 0;
}

int LogAppender::prepare_in(LogRoom& room, std::size_t bytes) {
  const int error = prepare(bytes + engine::log_room_size(room.name().size()));
  if (error != 0 || room.declared_in == current_->number()) return error;
  return lay_declaration(room);
}

int LogAppender::laid(bool done, std::size_t before) noexcept {
  if (!done) return ENOMEM;
  record_size_ = buffer_.size() - before;
  ++records_;
  return 0;
}

int LogAppender::lay_declaration(LogRoom& room) {
  const std::size_t before = buffer_.size();
  const int error = laid(encoder_.room(rooms_declared_ + 1, room.epoch(), room.from(),
                                       room.kept_from(), as_bytes(room.name())),
                         before);
  if (error != 0) return error;
  room.declared_in = current_->number();
  room.number = ++rooms_declared_;
  room.logged_kept_from = room.kept_from();
  room.is_logged = true;
  return 0;
}

int LogAppender::declare(LogRoom& room) { return prepare_in(room, 0); }

int LogAppender::declare_again(LogRoom& room) {
  room.declared_in = 0;
  return declare(room);
}

int LogAppender::message(LogRoom& room, std::uint64_t seq, std::uint64_t oldest,
                         std::uint64_t wall_ms, Bytes frame) {
  const int error = prepare_in(room, engine::log_message_size(frame.size()));
  if (error != 0) return error;
  room.logged_kept_from = std::max(room.logged_kept_from, oldest);
  const std::size_t before = buffer_.size();
  return laid(encoder_.message(room.number, seq, oldest, wall_ms, frame), before);
}

int LogAppender::placeholder(LogRoom& room, std::uint64_t seq, std::uint64_t oldest,
                             std::uint64_t wall_ms) {
  const int error = prepare_in(room, engine::log_message_size(0));
  if (error != 0) return error;
  room.logged_kept_from = std::max(room.logged_kept_from, oldest);
  const std::size_t before = buffer_.size();
  return laid(encoder_.placeholder(room.number, seq, oldest, wall_ms), before);
}

int LogAppender::removal(LogRoom& room, std::uint64_t seq, bool all_before) {
  const int error = prepare_in(room, engine::log_message_size(0));
  if (error != 0) return error;
  const std::size_t before = buffer_.size();
  return laid(encoder_.removal(room.number, seq, all_before), before);
}

int LogAppender::dropped(std::uint64_t segment) {
  const int error = prepare(engine::log_message_size(0));
  if (error != 0) return error;
  const std::size_t before = buffer_.size();
  return laid(encoder_.dropped(segment), before);
}

int LogAppender::end() {
  const std::size_t before = buffer_.size();
  return laid(encoder_.end(), before);
}

int LogAppender::flush() noexcept {
  if (buffer_.size() == 0) return 0;
  const int error = current_->append(buffer_.bytes());
  buffer_.clear();
  if (buffer_.capacity() > kMostKeptBytes) buffer_.reset();
  if (error == 0) ++writes_;
  return error;
}

int LogAppender::sync() noexcept { return current_->sync(syncs_); }

void LogAppender::commit() noexcept {
  committed_ = current_->written();
  left_.clear();
}

void LogAppender::abandon() noexcept {
  buffer_.clear();
  for (const Left& left : left_) {
    cut(*left.file, left.committed);
    for (engine::LogSegmentEntry& entry : run_.older) {
      if (entry.number == left.file->number()) entry.good_length = left.committed;
    }
  }
  left_.clear();
  if (current_ == nullptr) return;
  cut(*current_, committed_);
  // Makes the next start begin new epochs, unless the log goes on before it.
  static_cast<void>(
      current_->file().write(engine::kLogConditionFailed, engine::kLogConditionOffset));
  run_.older.push_back({current_->number(), committed_});
  current_.reset();
}

// A message that was not kept must not come back after a restart.
void LogAppender::cut(LogSegmentFile& file, std::uint64_t committed) noexcept {
  static_cast<void>(file.file().truncate(committed));
}

void LogAppender::forget(std::uint64_t segment) noexcept {
  std::erase_if(run_.older, [segment](const auto& entry) { return entry.number == segment; });
}

std::uint64_t LogAppender::bytes() const noexcept {
  std::uint64_t sum = current_ == nullptr ? 0 : encoder_.offset();
  for (const engine::LogSegmentEntry& entry : run_.older) sum += entry.good_length;
  return sum;
}

}  // namespace wsd::server
