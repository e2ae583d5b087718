// A random history of a log: what a server would have written, and what its clients have seen.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <random>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "engine/log_rig.h"

namespace wsd::engine {

class LogHistory {
 public:
  struct Seen {
    std::string frame;
    std::uint64_t segment = 0;  // in which its record is
    std::size_t end = 0;        // of the record
  };
  using Place = std::tuple<std::string, std::uint64_t, std::uint64_t>;  // name, epoch, seq

  // Writes `steps` steps. The same seed gives the same history.
  LogHistory(std::uint32_t seed, std::size_t steps) : random_(seed) {
    begin_run(false);
    for (std::size_t i = 0; i < steps; ++i) step();
  }

  [[nodiscard]] const LogFiles& files() const { return files_; }
  [[nodiscard]] std::uint64_t last_segment() const { return segment_; }
  [[nodiscard]] const std::map<Place, Seen>& seen() const { return seen_; }
  // Returns whether a message with this frame was written to the room under this number.
  [[nodiscard]] bool was_written(const std::string& name, std::uint64_t seq,
                                 const std::string& frame) const {
    return written_.contains({name, seq, frame});
  }
  // What a recovery of the whole log must find, in the form of Recovered::messages().
  [[nodiscard]] std::map<std::string, std::string> expected() const {
    std::map<std::string, std::string> all;
    for (const auto& [name, room] : rooms_) {
      if (room.epoch == 0) continue;
      std::string text;
      for (const auto& [seq, frame] : room.messages) {
        text += (text.empty() ? "" : " ") + std::to_string(seq) + "=" + frame;
      }
      all[name] = text;
    }
    return all;
  }

 private:
  struct Room {
    std::uint64_t epoch = 0;  // 0: it does not exist
    std::uint64_t from = 0;
    std::uint64_t seq = 0;
    std::uint32_t number = kUndeclared;
    std::map<std::uint64_t, std::string> messages;  // "-": removed

    [[nodiscard]] std::uint64_t oldest() const {
      return messages.empty() ? seq + 1 : messages.begin()->first;
    }
  };
  static constexpr std::uint32_t kUndeclared = ~std::uint32_t{0};
  static constexpr std::size_t kHistory = 8;

  std::uint32_t pick(std::uint32_t count) { return static_cast<std::uint32_t>(random_() % count); }
  LogFile& file() { return files_[segment_]; }

  void begin_segment(bool new_epochs, std::uint32_t declared) {
    LogSegmentHeader header;
    header.run = run_;
    header.first_epoch = (run_ + 1) * kLogEpochsPerRun;
    header.boot_id = boot(1);
    header.new_epochs = new_epochs;
    header.declared = declared;
    files_.add(++segment_, header);
    next_number_ = 0;
    for (auto& [name, room] : rooms_) room.number = kUndeclared;
  }
  void begin_run(bool new_epochs) {
    ++run_;
    next_epoch_ = (run_ + 1) * kLogEpochsPerRun;
    new_epochs_ = new_epochs;
    std::uint32_t declared = 0;
    for (const auto& [name, room] : rooms_) declared += new_epochs && room.epoch != 0 ? 1 : 0;
    begin_segment(new_epochs, declared);
    if (!new_epochs) return;
    for (auto& [name, room] : rooms_) {
      if (room.epoch == 0) continue;
      room.epoch = next_epoch_++;
      room.from = room.seq;
      declare(name, room);
    }
  }
  void declare(const std::string& name, Room& room) {
    if (room.number != kUndeclared) return;
    room.number = next_number_++;
    file().room(room.number, name, room.epoch, room.from, room.oldest());
  }
  void publish(const std::string& name, Room& room) {
    if (room.epoch == 0) {
      room = {};
      room.epoch = next_epoch_++;
    }
    const std::string frame = "m" + std::to_string(++frames_) + std::string(pick(40), '.');
    room.messages[++room.seq] = frame;
    if (room.messages.size() > kHistory) room.messages.erase(room.messages.begin());
    declare(name, room);
    file().message(room.number, room.seq, frame, room.oldest());
    written_.insert({name, room.seq, frame});
    seen_[{name, room.epoch, room.seq}] = {frame, segment_, file().size()};
  }
  void remove(const std::string& name, Room& room) {
    if (room.messages.empty()) return;
    auto at = room.messages.begin();
    std::advance(at, pick(static_cast<std::uint32_t>(room.messages.size())));
    const bool all = pick(4) == 0;
    for (auto& [seq, frame] : room.messages) {
      if (seq == at->first || (all && seq < at->first)) frame = "-";
    }
    declare(name, room);
    file().removal(room.number, at->first, all);
  }
  // The log fails: messages are delivered that it does not keep. The room has new epochs.
  void fail_and_resume(const std::string& name, Room& room) {
    room.from = room.seq;
    room.seq += pick(3);
    if (room.seq != room.from) room.messages.clear();
    room.epoch = next_epoch_++;
    room.number = kUndeclared;
    publish(name, room);
  }
  // Writes what is live of the oldest segment again, and drops it.
  void compact() {
    const std::uint64_t oldest = files_.all().begin()->first;
    if (oldest == segment_) return;
    for (auto& [name, room] : rooms_) {
      if (room.epoch == 0) continue;
      declare(name, room);
      for (const auto& [seq, frame] : room.messages) {
        if (frame == "-") {
          file().placeholder(room.number, seq, room.oldest());
        } else {
          file().message(room.number, seq, frame, room.oldest());
        }
      }
    }
    file().dropped(oldest);
    if (pick(2) == 0) files_.unlink(oldest);
  }
  void step() {
    const std::string name = "room" + std::to_string(pick(5));
    Room& room = rooms_[name];
    const std::uint32_t dice = pick(400);
    if (dice < 330 || room.epoch == 0) return publish(name, room);
    if (dice < 365) return remove(name, room);
    if (dice < 375) return begin_segment(new_epochs_, 0);
    if (dice < 380) return fail_and_resume(name, room);
    if (dice < 385) return begin_run(false);
    if (dice < 389) return begin_run(true);
    if (dice < 394) return compact();
    // The room ends, and begins again with the next message.
    room = {};
    publish(name, room);
  }

  std::mt19937 random_;
  LogFiles files_;
  std::map<std::string, Room> rooms_;
  std::map<Place, Seen> seen_;
  std::set<std::tuple<std::string, std::uint64_t, std::string>> written_;
  std::uint64_t segment_ = 0;
  std::uint64_t run_ = 0;
  std::uint64_t next_epoch_ = 0;
  std::uint64_t frames_ = 0;
  std::uint32_t next_number_ = 0;
  bool new_epochs_ = false;
};

}  // namespace wsd::engine
