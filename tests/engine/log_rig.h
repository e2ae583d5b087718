// Segments of a history log in memory, and their recovery.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/byte_buffer.h"
#include "base/bytes.h"
#include "engine/log_record.h"
#include "engine/log_recovery.h"
#include "engine/log_segment.h"

namespace wsd::engine {

inline LogBootId boot(std::uint8_t number) {
  LogBootId id{};
  id.back() = number;
  return id;
}

// The file of a segment, as a test writes it.
class LogFile {
 public:
  LogFile() = default;
  explicit LogFile(LogSegmentHeader header) : header_(std::move(header)) {
    bytes_ = encode_log_header(header_);
    seed_ = log_segment_seed(bytes_);
  }

  LogFile& room(std::uint32_t number, std::string_view name, std::uint64_t epoch,
                std::uint64_t from = 0, std::uint64_t oldest = 1) {
    return add([&](LogRecordEncoder& encoder) {
      return encoder.room(number, epoch, from, oldest, as_bytes(name));
    });
  }
  LogFile& message(std::uint32_t room, std::uint64_t seq, std::string_view frame,
                   std::uint64_t oldest = 1, std::uint64_t wall_ms = 0) {
    return add([&](LogRecordEncoder& encoder) {
      return encoder.message(room, seq, oldest, wall_ms, as_bytes(frame));
    });
  }
  LogFile& placeholder(std::uint32_t room, std::uint64_t seq, std::uint64_t oldest = 1) {
    return add(
        [&](LogRecordEncoder& encoder) { return encoder.placeholder(room, seq, oldest, 0); });
  }
  LogFile& removal(std::uint32_t room, std::uint64_t seq, bool all_before = false) {
    return add([&](LogRecordEncoder& encoder) { return encoder.removal(room, seq, all_before); });
  }
  LogFile& dropped(std::uint64_t segment) {
    return add([&](LogRecordEncoder& encoder) { return encoder.dropped(segment); });
  }
  // The next record is written after a sync.
  LogFile& synced() {
    synced_ = true;
    return *this;
  }
  LogFile& end() {
    return add([](LogRecordEncoder& encoder) { return encoder.end(); });
  }
  LogFile& bytes(std::vector<std::uint8_t> more) {
    bytes_.insert(bytes_.end(), more.begin(), more.end());
    return *this;
  }
  LogFile& cut(std::size_t size) {
    bytes_.resize(std::min(size, bytes_.size()));
    return *this;
  }
  LogFile& flip(std::size_t bit) {
    bytes_[bit / 8] = static_cast<std::uint8_t>(bytes_[bit / 8] ^ 1U << bit % 8);
    return *this;
  }
  LogFile& fail() {
    std::copy(kLogConditionFailed.begin(), kLogConditionFailed.end(),
              bytes_.begin() + kLogConditionOffset);
    return *this;
  }

  [[nodiscard]] const LogSegmentHeader& header() const { return header_; }
  [[nodiscard]] LogSegmentEntry entry() const { return {header_.number, bytes_.size()}; }
  [[nodiscard]] Bytes contents() const { return bytes_; }
  [[nodiscard]] std::size_t size() const { return bytes_.size(); }
  [[nodiscard]] std::uint32_t seed() const { return seed_; }

  // What the file system says.
  std::uint64_t inode = 0;
  std::uint64_t birth_ns = 0;

 private:
  bool synced_ = false;

  template <class Encode>
  LogFile& add(const Encode& encode) {
    ByteBuffer buffer;
    LogRecordEncoder encoder(buffer);
    encoder.begin(seed_, bytes_.size());
    if (std::exchange(synced_, false)) encoder.mark_synced();
    EXPECT_TRUE(encode(encoder));
    const MutableBytes record = buffer.bytes();
    EXPECT_EQ(encoder.offset(), bytes_.size() + record.size());
    bytes_.insert(bytes_.end(), record.begin(), record.end());
    return *this;
  }

  LogSegmentHeader header_;
  std::vector<std::uint8_t> bytes_;
  std::uint32_t seed_ = 0;
};

// A directory with segments.
class LogFiles {
 public:
  // Adds an empty segment that lists all others. Its header is right for its file.
  LogFile& add(std::uint64_t number, LogSegmentHeader header = {}) {
    header.number = number;
    header.inode = next_inode_;
    header.birth_ns = next_inode_ * 1'000;
    header.older = list(number);
    LogFile file(std::move(header));
    file.inode = next_inode_;
    file.birth_ns = next_inode_ * 1'000;
    ++next_inode_;
    return files_[number] = std::move(file);
  }
  LogFile& operator[](std::uint64_t number) { return files_.at(number); }
  void unlink(std::uint64_t number) { files_.erase(number); }
  [[nodiscard]] bool has(std::uint64_t number) const { return files_.contains(number); }
  [[nodiscard]] const std::map<std::uint64_t, LogFile>& all() const { return files_; }
  // Gives each file another inode, as copying does.
  void copy() {
    for (auto& [number, file] : files_) file.inode = next_inode_++;
  }

 private:
  [[nodiscard]] std::vector<LogSegmentEntry> list(std::uint64_t below) const {
    std::vector<LogSegmentEntry> entries;
    for (const auto& [number, file] : files_) {
      if (number < below) entries.push_back({number, file.size()});
    }
    return entries;
  }

  std::map<std::uint64_t, LogFile> files_;
  std::uint64_t next_inode_ = 100;
};

struct Recovered {
  RecoveredLog log;
  std::vector<LogSegmentEntry> kept;
  std::vector<std::uint64_t> unlinks;
  std::string error;
  std::size_t parts = 0;  // that were read

  [[nodiscard]] const RecoveredRoom* room(std::string_view name) const {
    const auto at = std::find_if(log.rooms.begin(), log.rooms.end(),
                                 [&](const RecoveredRoom& room) { return room.name == name; });
    return at == log.rooms.end() ? nullptr : &*at;
  }
  // The frames of a room with their numbers, such as "1=a 2=b 3=-", where - is a removed message.
  [[nodiscard]] std::string messages(std::string_view name) const {
    const RecoveredRoom* const found = room(name);
    if (found == nullptr) return "no room";
    std::string text;
    for (const RecoveredMessage& message : found->messages) {
      if (!text.empty()) text += ' ';
      text += std::to_string(message.seq) + '=';
      text += message.frame ? std::string(as_text(message.frame.bytes())) : "-";
    }
    return text;
  }
};

inline Recovered recover(const LogFiles& files, const LogBootId& boot_id,
                         std::uint64_t unreadable = 0) {
  LogRecovery recovery(boot_id);
  for (const auto& [number, file] : files.all()) {
    std::size_t head = kLogFirstRead;
    do {
      const Bytes bytes = file.contents().first(std::min(head, file.size()));
      head = recovery.add_file({number, file.size(), file.inode, file.birth_ns}, bytes);
    } while (head != 0);
  }
  Recovered recovered;
  recovered.error = recovery.error();
  while (const auto part = recovery.next()) {
    ++recovered.parts;
    if (part->number == unreadable) {
      recovery.cannot_read("Input/output error");
      continue;
    }
    // A block of its own, so that a read past its end is found.
    const Bytes bytes = files.all().at(part->number).contents().first(part->length);
    const std::vector<std::uint8_t> block(bytes.begin(), bytes.end());
    recovery.add_segment(block);
  }
  recovered.log = recovery.finish();
  recovered.kept = recovery.kept();
  recovered.unlinks = recovery.unlinks();
  return recovered;
}

}  // namespace wsd::engine
